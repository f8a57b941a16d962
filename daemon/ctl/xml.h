/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_XML_H
#define PORTD_CTL_XML_H

#include <stdio.h>

/* Writes UTF-8 as the content of an element or, between either quotation mark, of an attribute
 * (XML 1.0, 2.4). What is no character of XML (2.2) becomes U+FFFD. */
void xml_text(FILE *f, const char *text);

#endif
