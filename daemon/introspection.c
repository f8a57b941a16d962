/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.varlink.service: what lets `varlinkctl` and its like talk to a service they don't know. It
 * tells nothing about this host, so whoever could connect may ask. */
#include "daemon/connection.h"
#include "varlink/interface.h"

#include <errno.h>
#include <string.h>

static json_t *interface_names(void) {
    json_t *names = json_array();

    for (size_t i = 0; i < INTERFACE_COUNT; i++)
        if (json_array_append_new(names, json_string(interfaces[i].name)) < 0) {
            json_decref(names);
            return NULL;
        }
    return names;
}

static int method_get_info(struct call *c, void *userdata _unused_) {
    json_t *names;
    int r;

    r = call_strings(c, NULL, 0);
    if (r != 0)
        return r;
    names = interface_names();
    if (!names)
        return -ENOMEM;
    return call_reply(c, json_pack("{ssssssssso}", "vendor", "portd", "product", "portd", "version",
                                   PORTD_VERSION, "url", "man:portd(8)", "interfaces", names));
}

static int method_get_interface_description(struct call *c, void *userdata _unused_) {
    const struct interface *found;
    const char *name;
    int r;

    r = call_strings(c, &(struct call_string){ "interface", false, &name, NULL, NULL }, 1);
    if (r != 0)
        return r;
    found = interface_find(name, strlen(name));
    if (!found)
        return call_error(c, ERROR_INTERFACE_NOT_FOUND, json_pack("{ss}", "interface", name));
    return call_reply(c, json_pack("{ss}", "description", found->description));
}

const struct method introspection_methods[INTROSPECTION_METHODS] = {
    { "GetInfo", ACCESS_ANY, method_get_info },
    { "GetInterfaceDescription", ACCESS_ANY, method_get_interface_description },
};
