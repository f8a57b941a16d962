/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_HTML_SITE_H
#define PORTD_CTL_HTML_SITE_H

#include <jansson.h>

/* Who may reach whom, on stdout: a grid where that is readable, then a list for each that is
 * asked. */
void html_site(json_t *matrix);

#endif
