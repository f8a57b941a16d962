/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_HTML_STYLE_H
#define PORTD_CTL_HTML_STYLE_H

/* The style of the page: for screens light or dark, for paper A4. */
extern const char html_style[];

#endif
