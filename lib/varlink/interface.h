/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_VARLINK_INTERFACE_H
#define PORTD_VARLINK_INTERFACE_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

/* The two interfaces that portd speaks. Their descriptions are the files *.varlink beside this
 * one, built into the library. */

#define INTERFACE_PORTD   "io.portd"
#define INTERFACE_SERVICE "org.varlink.service"

/* Where the daemon listens and the client asks, unless told otherwise. */
#define INTERFACE_SOCKET "/run/portd/io.portd"

/* Errors of io.portd, with what their parameters are. */
#define ERROR_INVALID   INTERFACE_PORTD ".Invalid"  /* mistakes: []Mistake */
#define ERROR_REFUSED   INTERFACE_PORTD ".Refused"  /* text: string */
#define ERROR_BAD_QUERY INTERFACE_PORTD ".BadQuery" /* text: string */
#define ERROR_FAILED    INTERFACE_PORTD ".Failed"   /* text: string */
/* Errors of Resolved. */
#define ERROR_NOT_NEEDED INTERFACE_PORTD ".NotNeeded" /* name: string */
#define ERROR_BAD_ANSWER INTERFACE_PORTD ".BadAnswer" /* text: string */

/* Errors of org.varlink.service; the first four have one parameter, a string: "interface",
 * "method", "method", "parameter". */
#define ERROR_INTERFACE_NOT_FOUND    INTERFACE_SERVICE ".InterfaceNotFound"
#define ERROR_METHOD_NOT_FOUND       INTERFACE_SERVICE ".MethodNotFound"
#define ERROR_METHOD_NOT_IMPLEMENTED INTERFACE_SERVICE ".MethodNotImplemented"
#define ERROR_INVALID_PARAMETER      INTERFACE_SERVICE ".InvalidParameter"
#define ERROR_PERMISSION_DENIED      INTERFACE_SERVICE ".PermissionDenied"
#define ERROR_EXPECTED_MORE          INTERFACE_SERVICE ".ExpectedMore"

struct interface {
    const char *name;
    const char *description; /* in Varlink's interface definition language */
};
#define INTERFACE_COUNT 2U
extern const struct interface interfaces[INTERFACE_COUNT];

/* NULL: unknown. `name` need not end with NUL. */
const struct interface *interface_find(const char *name, size_t n);

#endif
