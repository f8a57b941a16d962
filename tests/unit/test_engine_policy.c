/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/policy.h"

#include "loading.h"

static int load(const char *json, struct policy **ret, struct report *r) {
    _cleanup_(freep) char *text = json_text(json);
    struct source source = { .file = "p.json", .text = text, .size = strlen(text) };

    return policy_load(&source, ret, r);
}

static void assert_refused(const char *json, const char *message) {
    _cleanup_(freep) char *text = NULL;
    struct report r = REPORT_INIT;
    _cleanup_(policy_freep) struct policy *p = NULL;

    assert_int_equal(load(json, &p, &r), LOAD_E_INVALID);
    assert_true(!p || p->is_draft);
    text = report_take_text(&r);
    assert_string_equal(text, message);
}

static struct policy *assert_loads(const char *json) {
    struct report r = REPORT_INIT;
    struct policy *p = NULL;

    if (load(json, &p, &r) != 0)
        fail_msg("%s", report_take_text(&r));
    assert_true(report_is_empty(&r));
    assert_false(p->is_draft);
    return p;
}

#define HEAD(sections) "{'format':1,'product':'p','title':'t',\n" sections "}"
#define FLOWS(flows)                                                                               \
    HEAD("'roles':{'A':{},'B':{}},'peers':{'X':{}},'features':{'on':{}},"                          \
         "'ports':{'web':{'default':80}},'flows':[\n" flows "]")

/* --- what is there --- */

static const char whole[] =
    "{'format': 1, 'product': 'jtel-acd', 'title': 'jtel ACD', 'source': 'a page',\n"
    " 'notes': ['one', 'two'],\n"
    " 'roles': {'LB': {'title': 'Balancers'}, 'DB': {}},\n"
    " 'peers': {'web': {'title': 'Users', 'default': 'any'}, 'support': {}},\n"
    " 'features': {'ha': {'title': 'Clustered', 'default': true}, 'tts': {}},\n"
    " 'ports': {'smtp': {'title': 'Mail', 'default': 25, 'choices': [25, 465]},\n"
    "           'sales': {'default': 443, 'fixed': true}},\n"
    " 'flows': [\n"
    "  {'id': 'web', 'from': ['web', 'internal', 'os:linux'], 'to': ['LB'], 'title': 'Web pages',\n"
    "   'services': ['tcp+udp/443', 'tcp/$smtp', 'icmp/echo-request'], 'when': ['ha', 'tts'],\n"
    "   'broadcast': true, 'ref': 'row 1', 'note': 'TLS 1.2'},\n"
    "  {'id': 'any', 'from': ['any', 'management'], 'to': ['self', 'os:windows'],\n"
    "   'services': ['igmp'], 'title': 'x', 'ref': 'row 2'}]}";

static void test_head(_unused_ void **state) {
    _cleanup_(policy_freep) struct policy *p = assert_loads(whole);

    assert_string_equal(p->file, "p.json");
    assert_string_equal(p->product, "jtel-acd");
    assert_int_equal(p->node->line, 1);
    assert_string_equal(p->title, "jtel ACD");
    assert_string_equal(p->source, "a page");
    assert_int_equal(p->notes.n, 2);
    assert_string_equal(p->notes.items[1].text, "two");
}

static void test_names(_unused_ void **state) {
    _cleanup_(policy_freep) struct policy *p = assert_loads(whole);

    assert_int_equal(p->n_roles, 2);
    assert_string_equal(p->roles[0].name, "LB");
    assert_string_equal(p->roles[0].title, "Balancers");
    assert_string_equal(p->roles[1].title, "");
    assert_int_equal(p->roles[1].node->line, 3);
    assert_int_equal(p->n_peers, 2);
    assert_true(p->peers[0].default_any);
    assert_false(p->peers[1].default_any);
    assert_int_equal(p->n_features, 2);
    assert_true(p->features[0].default_on);
    assert_false(p->features[1].default_on);
    assert_int_equal(p->n_ports, 2);
    assert_int_equal(p->ports[0].number, 25);
    assert_int_equal(p->ports[0].n_choices, 2);
    assert_int_equal(p->ports[0].choices[1], 465);
    assert_false(p->ports[0].fixed);
    assert_true(p->ports[1].fixed);
}

static void test_flows(_unused_ void **state) {
    _cleanup_(policy_freep) struct policy *p = assert_loads(whole);
    const struct flow *f = p->flows;

    assert_int_equal(p->n_flows, 2);
    assert_string_equal(f[0].id, "web");
    assert_int_equal(f[0].from.n, 3);
    assert_string_equal(f[0].from.items[1].text, "internal");
    assert_int_equal(f[0].n_services, 3);
    assert_int_equal(f[0].services[0].spec.n_protocols, 2);
    assert_int_equal(f[0].services[0].spec.lo, 443);
    assert_string_equal(f[0].services[1].spec.port_name, "smtp");
    assert_int_equal(f[0].when.n, 2);
    assert_true(f[0].broadcast);
    assert_string_equal(f[0].title, "Web pages");
    assert_string_equal(f[0].ref, "row 1");
    assert_string_equal(f[0].note, "TLS 1.2");
    assert_int_equal(f[0].node->line, 9);
    assert_false(f[1].broadcast);
    assert_null(f[1].note);
    assert_int_equal(f[1].when.n, 0);
}

static void test_what_may_be_left_out(_unused_ void **state) {
    _cleanup_(policy_freep) struct policy *p =
        assert_loads("{'format':1,'product':'p','title':'t','flows':[]}");

    assert_string_equal(p->source, "");
    assert_int_equal(p->n_roles + p->n_peers + p->n_features + p->n_ports + p->n_flows, 0);
}

static void test_find(_unused_ void **state) {
    _cleanup_(policy_freep) struct policy *a = assert_loads(whole);
    _cleanup_(policy_freep) struct policy *b = assert_loads(HEAD("'flows':[]"));
    const struct policy *both[] = { a, b };

    assert_ptr_equal(policy_find(both, 2, "p"), b);
    assert_ptr_equal(policy_find(both, 2, "jtel-acd"), a);
    assert_null(policy_find(both, 2, "jtel"));
}

/* --- what is refused, with its place --- */

static const struct {
    const char *json, *message;
} bad[] = {
    { "[]", "p.json:1:1: must be an object, not an array\n" },
    { "{}", "p.json:1:1: \"flows\" is missing: add it, as in \"flows\": []\n"
            "p.json:1:1: \"format\" is missing: add it, as in \"format\": 1\n"
            "p.json:1:1: \"product\" is missing: add it, as in \"product\": \"jtel-acd\"\n"
            "p.json:1:1: \"title\" is missing: add it, as in \"title\": \"jtel ACD\"\n" },
    { "{'format':1,'product':'p','title':'t','flows':[],'flow':[]}",
      "p.json:1:57: /flow: \"flow\" is no member here; did you mean \"flows\"? (there are: format, "
      "product, title, source, notes, roles, peers, features, ports and flows)\n" },
    { "{'format':2,'product':'p','title':'t','flows':[]}",
      "p.json:1:11: /format: format 2 is unknown: this version reads format 1\n" },
    { "{'format':'1','product':'p','title':'t','flows':[]}",
      "p.json:1:11: /format: must be an integer, as in 1, not a string\n" },
    { "{'format':1.0,'product':'p','title':'t','flows':[]}",
      "p.json:1:11: /format: must be an integer, as in 1, not a number with a fraction\n" },
    { "{'format':1,'product':'','title':'t','flows':[]}",
      "p.json:1:23: /product: \"\" is not a product's name: 1 to 63 letters, digits, '.' and '-', "
      "the first a letter\n" },
    { "{'format':1,'product':'1p','title':'t','flows':[]}",
      "p.json:1:23: /product: \"1p\" is not a product's name: 1 to 63 letters, digits, '.' and "
      "'-', the first a letter\n" },
    { "{'format':1,'product':'p_q','title':'t','flows':[]}",
      "p.json:1:23: /product: \"p_q\" is not a product's name: 1 to 63 letters, digits, '.' and "
      "'-', the first a letter\n" },
    { "{'format':1,'product':'\\u001b[2Jp','title':'t','flows':[]}",
      "p.json:1:23: /product: \"\\x1b[2Jp\" is not a product's name: 1 to 63 letters, digits, '.' "
      "and '-', the first a letter\n" },
    { "{'format':1,'product':'pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp','"
      "title':'t','flows':[]}",
      "p.json:1:23: /product: \"pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp\" "
      "is not a product's name: 1 to 63 letters, digits, '.' and '-', the first a letter\n" },
    { "{'format':1,'product':'p','title':'','flows':[]}",
      "p.json:1:35: /title: must not be empty: write a line of text\n" },
    { "{'format':1,'product':'p','title':'a\\n"
      "b','flows':[]}",
      "p.json:1:35: /title: \"a\\nb\" has control characters: write one line of text\n" },
    { "{'format':1,'product':'p','title':'t','notes':['ok','',7],'source':null,'flows':{}}",
      "p.json:1:53: /notes/1: must not be empty: write a line of text\n"
      "p.json:1:56: /notes/2: must be a string, not an integer\n"
      "p.json:1:68: /source: must be a string, not null\n"
      "p.json:1:81: /flows: must be an array, as in [], not an object\n" },
    { "{'format':1,'product':'p','title':'t','title':'t','flows':[]}",
      "p.json:1:47: /title: stands twice, first in line 1 column 35: remove one\n" },
    { HEAD("'roles':[],'flows':[]"), "p.json:2:9: /roles: must be an object, as in { \"ACD-LB\": { "
                                     "\"title\": \"Load balancers\" } }, not an array\n" },
    { HEAD("'roles':{'any':{},'internal':{},'self':{},'all':{},'management':{}},'flows':[]"),
      "p.json:2:16: /roles/any: \"any\" has a meaning of its own as a selector: choose another "
      "name\n"
      "p.json:2:30: /roles/internal: \"internal\" has a meaning of its own as a selector: choose "
      "another name\n"
      "p.json:2:40: /roles/self: \"self\" has a meaning of its own as a selector: choose another "
      "name\n"
      "p.json:2:49: /roles/all: \"all\" has a meaning of its own as a selector: choose another "
      "name\n"
      "p.json:2:65: /roles/management: \"management\" has a meaning of its own as a selector: "
      "choose another name\n" },
    { "{'format':1,'product':'net','title':'t','roles':{'os-linux':{}},'flows':[]}",
      "p.json:1:23: /product: \"net\" names address sets and rows of the site itself: choose "
      "another "
      "name\n"
      "p.json:1:61: /roles/os-linux: \"os-linux\" names the address sets of os:linux: choose "
      "another "
      "name\n" },
    { HEAD("'roles':{'os:linux':{},'a b':{},'-a':{},'':{}},'flows':[]"),
      "p.json:2:21: /roles/os:linux: \"os:linux\" is not a name: 1 to 63 letters, digits, '.' and "
      "'-', the first a letter or digit\n"
      "p.json:2:30: /roles/a b: \"a b\" is not a name: 1 to 63 letters, digits, '.' and '-', the "
      "first a letter or digit\n"
      "p.json:2:38: /roles/-a: \"-a\" is not a name: 1 to 63 letters, digits, '.' and '-', the "
      "first a letter or digit\n"
      "p.json:2:44: /roles/: \"\" is not a name: 1 to 63 letters, digits, '.' and '-', the first a "
      "letter or digit\n" },
    { HEAD("'roles':{'A':{'tilte':'x'}},'flows':[]"),
      "p.json:2:23: /roles/A/tilte: \"tilte\" is no member here; did you mean \"title\"? (there "
      "are: title)\n" },
    { HEAD("'roles':{'A':7},'flows':[]"),
      "p.json:2:14: /roles/A: must be an object, not an integer\n" },
    { HEAD("'peers':{'any':{},'X':{'default':'none'},'Y':{'default':true},'Z':{'hostnames':['x']}},"
           "'flows':[]"),
      "p.json:2:16: /peers/any: \"any\" has a meaning of its own as a selector: choose another "
      "name\n"
      "p.json:2:34: /peers/X/default: \"none\": the default of a peer is \"any\", or left out for "
      "nobody\n"
      "p.json:2:57: /peers/Y/default: must be a string, as in \"any\", not true or false\n"
      "p.json:2:81: /peers/Z/hostnames/0: \"x\" is no host name: write all its labels, as in "
      "sip.example.net\n" },
    { HEAD("'peers':{'A':{'hostnames':[]},'B':{'default':'any','hostnames':['a.example','a.example'"
           "]},'C':{'hostnames_only':1}},'flows':[]"),
      "p.json:2:27: /peers/A/hostnames: must not be empty: leave it out where a peer has no host "
      "names\n"
      "p.json:2:35: /peers/B: any address and host names exclude each other: leave out one of the "
      "two\n"
      "p.json:2:77: /peers/B/hostnames/1: \"a.example\" stands twice in this list: remove one\n"
      "p.json:2:113: /peers/C/hostnames_only: must be true or false, not an integer\n" },
    { HEAD("'ports':{'a':{'fixed':true},'b':{'choices':[1,2]}},'flows':[]"),
      "p.json:2:14: /ports/a: a fixed port needs its number: add \"default\"\n" },
    { HEAD("'roles':{'A':{}},'peers':{'A':{}},'flows':[]"),
      "p.json:2:31: /peers/A: a role has this name, too: choose another, selectors name both\n" },
    { HEAD("'features':{'on':{'default':'yes'},'o n':{}},'flows':[]"),
      "p.json:2:29: /features/on/default: must be true or false, not a string\n"
      "p.json:2:42: /features/o n: \"o n\" is not a name: 1 to 63 letters, digits, '.' and '-', "
      "the first a letter or digit\n" },
    { HEAD("'ports':{'a':{},'b':{'default':0},'c':{'default':65536},'d':{'default':-1},'e':{'"
           "default':'80'}},'flows':[]"),
      "p.json:2:32: /ports/b/default: 0 is not a port: 1 to 65535 are\n"
      "p.json:2:50: /ports/c/default: 65536 is not a port: 1 to 65535 are\n"
      "p.json:2:72: /ports/d/default: -1 is not a port: 1 to 65535 are\n"
      "p.json:2:91: /ports/e/default: must be an integer, as in 8091, not a string\n" },
    { HEAD("'ports':{'a':{'default':80,'choices':[]},'b':{'default':80,'choices':[81,82]},'c':{'"
           "default':80,'choices':[80,0,'x']}},'flows':[]"),
      "p.json:2:38: /ports/a/choices: must not be empty: leave it out where any port may be "
      "chosen\n"
      "p.json:2:46: /ports/b: the default 80 is not among the choices: add it\n"
      "p.json:2:111: /ports/c/choices/1: 0 is not a port: 1 to 65535 are\n"
      "p.json:2:113: /ports/c/choices/2: must be an integer, as in 8091, not a string\n" },
    { HEAD("'ports':{'a':{'default':80,'fixed':1},'b':{'default':80,'fixed':true,'choices':[80]}},'"
           "flows':[]"),
      "p.json:2:36: /ports/a/fixed: must be true or false, not an integer\n"
      "p.json:2:43: /ports/b: a fixed port has no choices: leave out one of the two\n" },
    { FLOWS("7"), "p.json:3:1: /flows/0: must be an object, not an integer\n" },
    { FLOWS("{}"),
      "p.json:3:1: /flows/0: \"from\" is missing: add it, as in \"from\": [\"ACD-LB\"]\n"
      "p.json:3:1: /flows/0: \"id\" is missing: add it, as in \"id\": \"rest\"\n"
      "p.json:3:1: /flows/0: \"ref\" is missing: add it, as in \"ref\": \"internal table, row "
      "'REST'\"\n"
      "p.json:3:1: /flows/0: \"services\" is missing: add it, as in \"services\": [\"tcp/443\"]\n"
      "p.json:3:1: /flows/0: \"title\" is missing: add it, as in \"title\": \"REST interface\"\n"
      "p.json:3:1: /flows/0: \"to\" is missing: add it, as in \"to\": [\"ACD-REST\"]\n" },
    { FLOWS("{},\n{}"),
      "p.json:3:1: /flows/0: \"from\" is missing: add it, as in \"from\": [\"ACD-LB\"]\n"
      "p.json:3:1: /flows/0: \"id\" is missing: add it, as in \"id\": \"rest\"\n"
      "p.json:3:1: /flows/0: \"ref\" is missing: add it, as in \"ref\": \"internal table, row "
      "'REST'\"\n"
      "p.json:3:1: /flows/0: \"services\" is missing: add it, as in \"services\": [\"tcp/443\"]\n"
      "p.json:3:1: /flows/0: \"title\" is missing: add it, as in \"title\": \"REST interface\"\n"
      "p.json:3:1: /flows/0: \"to\" is missing: add it, as in \"to\": [\"ACD-REST\"]\n"
      "p.json:4:1: /flows/1: \"from\" is missing: add it, as in \"from\": [\"ACD-LB\"]\n"
      "p.json:4:1: /flows/1: \"id\" is missing: add it, as in \"id\": \"rest\"\n"
      "p.json:4:1: /flows/1: \"ref\" is missing: add it, as in \"ref\": \"internal table, row "
      "'REST'\"\n"
      "p.json:4:1: /flows/1: \"services\" is missing: add it, as in \"services\": [\"tcp/443\"]\n"
      "p.json:4:1: /flows/1: \"title\" is missing: add it, as in \"title\": \"REST interface\"\n"
      "p.json:4:1: /flows/1: \"to\" is missing: add it, as in \"to\": [\"ACD-REST\"]\n" },
    { FLOWS("{'id':'a b','from':['A'],'to':['B'],'services':['tcp/1'],'title':'t','ref':'r'}"),
      "p.json:3:7: /flows/0/id: \"a b\" is not a name: 1 to 63 letters, digits, '.' and '-', the "
      "first a letter or digit\n" },
    { FLOWS("{'id':'f','from':['A'],'to':['B'],'services':['tcp/1'],'title':'t','ref':'r'},\n"
            "{'id':'f','from':['A'],'to':['B'],'services':['tcp/1'],'title':'t','ref':'r'}"),
      "p.json:4:1: /flows/1: the id \"f\" is taken by the flow at p.json:3: choose another\n" },
    { FLOWS("{'id':'f','from':[],'to':['B'],'services':['tcp/1'],'title':'t','ref':'r'}"),
      "p.json:3:18: /flows/0/from: must not be empty: say who, as in \"any\", or remove the "
      "flow\n" },
    { FLOWS("{'id':'f','from':['A'],'to':[],'services':['tcp/1'],'title':'t','ref':'r'}"),
      "p.json:3:29: /flows/0/to: must not be empty: say who, as in \"any\", or remove the flow\n" },
    { FLOWS("{'id':'f','from':['A'],'to':['B'],'services':[],'title':'t','ref':'r'}"),
      "p.json:3:46: /flows/0/services: must not be empty: give at least one service, as in "
      "\"tcp/443\"\n" },
    { FLOWS("{'id':'f','from':'A','to':['B'],'services':['tcp/1'],'title':'t','ref':'r'}"),
      "p.json:3:18: /flows/0/from: must be an array, as in [\"ACD-LB\"], not a string\n" },
    { FLOWS("{'id':'f','from':['A',7],'to':['B'],'services':['tcp/1'],'title':'t','ref':'r'}"),
      "p.json:3:23: /flows/0/from/1: must be a string, as in \"any\", not an integer\n" },
    { FLOWS(
          "{'id':'f','from':['A','X','A'],'to':['B'],'services':['tcp/1'],'title':'t','ref':'r'}"),
      "p.json:3:27: /flows/0/from/2: \"A\" stands twice in this list: remove one\n" },
    { FLOWS("{'id':'f','from':['C'],'to':['B'],'services':['tcp/1'],'title':'t','ref':'r'}"),
      "p.json:3:19: /flows/0/from/0: \"C\" is no role and no peer of this policy (there are: A, B "
      "and X)\n" },
    { FLOWS("{'id':'f','from':['A'],'to':['a','x'],'services':['tcp/1'],'title':'t','ref':'r'}"),
      "p.json:3:30: /flows/0/to/0: \"a\" is no role and no peer of this policy; did you mean "
      "\"A\"? (there are: A, B and X)\n"
      "p.json:3:34: /flows/0/to/1: \"x\" is no role and no peer of this policy; did you mean "
      "\"X\"? (there are: A, B and X)\n" },
    { FLOWS("{'id':'f','from':['all'],'to':['host:h'],'services':['tcp/1'],'title':'t','ref':'r'}"),
      "p.json:3:19: /flows/0/from/0: \"all\" can't be selected in a policy: write a role, a peer, "
      "internal, self, any, management, os:linux or os:windows\n"
      "p.json:3:32: /flows/0/to/0: \"host:h\" can't be selected in a policy: write a role, a peer, "
      "internal, self, any, management, os:linux or os:windows\n" },
    { FLOWS("{'id':'f','from':['10.0.0.0/8'],'to':['p/A'],'services':['tcp/"
            "1'],'title':'t','ref':'r'}"),
      "p.json:3:19: /flows/0/from/0: \"10.0.0.0/8\" can't be selected in a policy: write a role, a "
      "peer, internal, self, any, management, os:linux or os:windows\n"
      "p.json:3:39: /flows/0/to/0: \"p/A\" can't be selected in a policy: write a role, a peer, "
      "internal, self, any, management, os:linux or os:windows\n" },
    { FLOWS("{'id':'f','from':['os:bsd'],'to':[''],'services':['tcp/1'],'title':'t','ref':'r'}"),
      "p.json:3:19: /flows/0/from/0: \"os:bsd\" can't be selected in a policy: write a role, a "
      "peer, internal, self, any, management, os:linux or os:windows\n"
      "p.json:3:35: /flows/0/to/0: \"\" can't be selected in a policy: write a role, a peer, "
      "internal, self, any, management, os:linux or os:windows\n" },
    { FLOWS("{'id':'f','from':['A'],'to':['B'],'services':['tcp/0','tcp/65536','tcp/"
            "5-4','tcp','foo/1'],'title':'t','ref':'r'}"),
      "p.json:3:47: /flows/0/services/0: \"tcp/0\": a port is a number from 1 to 65535 without "
      "leading zeros, a range is two, as in 5701-5801\n"
      "p.json:3:55: /flows/0/services/1: \"tcp/65536\": a port is a number from 1 to 65535 without "
      "leading zeros, a range is two, as in 5701-5801\n"
      "p.json:3:67: /flows/0/services/2: \"tcp/5-4\": the range runs backward: write the lower "
      "port first\n"
      "p.json:3:77: /flows/0/services/3: \"tcp\": the port is missing: write a number, a range or "
      "the name of a port, as in tcp/443, udp/5701-5801 or tcp/$rest\n"
      "p.json:3:83: /flows/0/services/4: \"foo/1\": the protocol must be tcp, udp, sctp, icmp, "
      "icmpv6 or igmp, as in tcp/443\n" },
    { FLOWS("{'id':'f','from':['A'],'to':['B'],'services':['icmp/echo','443/tcp','TCP/80','upd/53',"
            "'icmpv6/nd-router-solicitt','tcp:22'],'title':'t','ref':'r'}"),
      "p.json:3:47: /flows/0/services/0: \"icmp/echo\": the type must be a number from 0 to 255 or "
      "a name that nft knows, as in icmp/echo-request; did you mean \"icmp/echo-request\"?\n"
      "p.json:3:59: /flows/0/services/1: \"443/tcp\": the protocol must be tcp, udp, sctp, icmp, "
      "icmpv6 or igmp, as in tcp/443; did you mean \"tcp/443\"?\n"
      "p.json:3:69: /flows/0/services/2: \"TCP/80\": the protocol must be tcp, udp, sctp, icmp, "
      "icmpv6 or igmp, as in tcp/443; did you mean \"tcp/80\"?\n"
      "p.json:3:78: /flows/0/services/3: \"upd/53\": the protocol must be tcp, udp, sctp, icmp, "
      "icmpv6 or igmp, as in tcp/443; did you mean \"udp/53\"?\n"
      "p.json:3:87: /flows/0/services/4: \"icmpv6/nd-router-solicitt\": the type must be a number "
      "from 0 to 255 or a name that nft knows, as in icmp/echo-request; did you mean "
      "\"icmpv6/nd-router-solicit\"?\n"
      "p.json:3:115: /flows/0/services/5: \"tcp:22\": the protocol must be tcp, udp, sctp, icmp, "
      "icmpv6 or igmp, as in tcp/443; did you mean \"tcp/22\"?\n" },
    { FLOWS("{'id':'f b','from':['C'],'to':['B'],'services':['tcp/0','tcp/$wep'],'title':'t','ref':"
            "'r','when':['off',7]}"),
      "p.json:3:7: /flows/0/id: \"f b\" is not a name: 1 to 63 letters, digits, '.' and '-', the "
      "first a letter or digit\n"
      "p.json:3:21: /flows/0/from/0: \"C\" is no role and no peer of this policy (there are: A, B "
      "and X)\n"
      "p.json:3:49: /flows/0/services/0: \"tcp/0\": a port is a number from 1 to 65535 without "
      "leading zeros, a range is two, as in 5701-5801\n"
      "p.json:3:57: /flows/0/services/1: \"wep\" is no port of this policy; did you mean \"web\"? "
      "(there are: web)\n"
      "p.json:3:99: /flows/0/when/0: \"off\" is no feature of this policy (there are: on)\n"
      "p.json:3:105: /flows/0/when/1: must be a string, as in \"redundant\", not an integer\n" },
    { HEAD("'roles':[],'flows':[{'id':'f','from':['A'],'to':['B'],'services':['tcp/$x'],'when':['y'"
           "],'title':'t','ref':'r'}]"),
      "p.json:2:9: /roles: must be an object, as in { \"ACD-LB\": { \"title\": \"Load balancers\" "
      "} }, not an array\n"
      "p.json:2:67: /flows/0/services/0: \"x\" is no port of this policy (there are: none)\n"
      "p.json:2:85: /flows/0/when/0: \"y\" is no feature of this policy (there are: none)\n" },
    { HEAD("'rolse':{'A':{},'B':{}},'flows':[{'id':'f','from':['A'],'to':['B'],'services':['tcp/1']"
           ",'title':'t','ref':'r'}]"),
      "p.json:2:9: /rolse: \"rolse\" is no member here; did you mean \"roles\"? (there are: "
      "format, product, title, source, notes, roles, peers, features, ports and flows)\n" },
    { HEAD("'roles':{'A':{}},'roles':{'B':{}},'flows':[{'id':'f','from':['A'],'to':['C'],'services'"
           ":['tcp/1'],'title':'t','ref':'r'}]"),
      "p.json:2:26: /roles: stands twice, first in line 2 column 9: remove one\n" },
    { HEAD("'ports':{'a':{'default':65536}},'features':7,'flows':[{'id':'f','from':['any'],'to':"
           "['self'],'services':['tcp/$a','tcp/$b'],'when':['on'],'title':'t','ref':'r'}]"),
      "p.json:2:25: /ports/a/default: 65536 is not a port: 1 to 65535 are\n"
      "p.json:2:44: /features: must be an object, as in { \"redundant\": { \"default\": false } }, "
      "not an integer\n"
      "p.json:2:115: /flows/0/services/1: \"b\" is no port of this policy (there are: a)\n" },
    { FLOWS("{'id':'f','from':['A'],'to':['B'],'services':['tcp/1',7,'tcp/"
            "1'],'title':'t','ref':'r'}"),
      "p.json:3:55: /flows/0/services/1: must be a string, as in \"tcp/443\", not an integer\n"
      "p.json:3:57: /flows/0/services/2: \"tcp/1\" stands twice in this list: remove one\n" },
    { FLOWS("{'id':'f','from':['A'],'to':['B'],'services':['tcp/$wep','udp/"
            "$mail'],'title':'t','ref':'r'}"),
      "p.json:3:47: /flows/0/services/0: \"wep\" is no port of this policy; did you mean \"web\"? "
      "(there are: web)\n"
      "p.json:3:58: /flows/0/services/1: \"mail\" is no port of this policy (there are: web)\n" },
    { FLOWS("{'id':'f','from':['A'],'to':['B'],'services':['tcp/"
            "1'],'title':'t','ref':'r','when':['off']}"),
      "p.json:3:86: /flows/0/when/0: \"off\" is no feature of this policy (there are: on)\n" },
    { FLOWS("{'id':'f','from':['A'],'to':['B'],'services':['tcp/"
            "1'],'title':'t','ref':'r','when':['on','on',7]}"),
      "p.json:3:91: /flows/0/when/1: \"on\" stands twice in this list: remove one\n"
      "p.json:3:96: /flows/0/when/2: must be a string, as in \"redundant\", not an integer\n" },
    { FLOWS("{'id':'f','from':['A'],'to':['B'],'services':['tcp/"
            "1'],'title':'t','ref':'r','when':'on'}"),
      "p.json:3:85: /flows/0/when: must be an array, as in [\"redundant\"], not a string\n" },
    { FLOWS("{'id':'f','from':['A'],'to':['B'],'services':['tcp/"
            "1'],'title':'t','ref':'r','broadcast':1}"),
      "p.json:3:90: /flows/0/broadcast: must be true or false, not an integer\n" },
    { FLOWS("{'id':'f','from':['A'],'to':['B'],'services':['tcp/"
            "1'],'title':'t','ref':'r','note':''}"),
      "p.json:3:85: /flows/0/note: must not be empty: write a line of text\n" },
    { FLOWS("{'id':'f','from':['A'],'to':['B'],'services':['tcp/1'],'ref':'r'}"),
      "p.json:3:1: /flows/0: \"title\" is missing: add it, as in \"title\": \"REST interface\"\n" },
    { FLOWS("{'id':'f','from':['A'],'to':['B'],'services':['tcp/1'],'title':'t'}"),
      "p.json:3:1: /flows/0: \"ref\" is missing: add it, as in \"ref\": \"internal table, row "
      "'REST'\"\n" },
    { FLOWS("{'id':'f','from':['A'],'to':['B'],'services':['tcp/"
            "1'],'title':'t','ref':'r','nots':'x'}"),
      "p.json:3:85: /flows/0/nots: \"nots\" is no member here; did you mean \"note\"? (there are: "
      "id, from, to, services, when, broadcast, title, ref and note)\n" },
};

static void test_refusals(_unused_ void **state) {
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_refused(bad[i].json, bad[i].message);
}

static void test_too_large(_unused_ void **state) {
    _cleanup_(freep) char *text = calloc(1, POLICY_SIZE_MAX + 2);

    memset(text, ' ', POLICY_SIZE_MAX + 1);
    memcpy(text, HEAD("'flows':[]"), strlen(HEAD("'flows':[]")));
    assert_refused(text, "p.json: larger than the 4 MiB that a policy may have\n");
    text[POLICY_SIZE_MAX] = '\0';
    policy_free(assert_loads(text));
}

/* As many rows as may be, then one more; each refers to the last of as many names. */
static char *many_flows(unsigned n_roles, unsigned n_flows) {
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    fprintf(f, "{'format':1,'product':'p','title':'t','roles':{");
    for (unsigned i = 0; i < n_roles; i++)
        fprintf(f, "%s'r%u':{}", i ? "," : "", i);
    fprintf(f, "},\n'flows':[");
    for (unsigned i = 0; i < n_flows; i++)
        fprintf(f,
                "%s{'id':'f%u','from':['r9999'],'to':['any'],'services':['tcp/1'],'title':'t',"
                "'ref':'r'}",
                i ? ",\n" : "", i);
    fprintf(f, "]}");
    fclose(f);
    return text;
}

static void test_limits(_unused_ void **state) {
    _cleanup_(freep) char *most = many_flows(ENTRIES_MAX, FLOWS_MAX);
    _cleanup_(freep) char *flows = many_flows(ENTRIES_MAX, FLOWS_MAX + 1);
    _cleanup_(freep) char *roles = many_flows(ENTRIES_MAX + 1, 0);

    policy_free(assert_loads(most));
    assert_refused(flows, "p.json:2:9: /flows: 10001 entries, more than the 10000 that are "
                          "allowed\n");
    assert_refused(roles, "p.json:1:47: /roles: 10001 entries, more than the 10000 that are "
                          "allowed\n");
}

/* Of more mistakes than anybody reads, the first are told and the others counted. */
static void test_very_many_mistakes(_unused_ void **state) {
    _cleanup_(policy_freep) struct policy *p = NULL;
    _cleanup_(freep) char *text = many_flows(0, 1500);
    struct report r = REPORT_INIT;

    assert_int_equal(load(text, &p, &r), LOAD_E_INVALID);
    assert_int_equal(r.n_entries, REPORT_MAX);
    assert_int_equal(r.n_dropped, 500);
    report_clear(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_flows),
        cmocka_unit_test(test_what_may_be_left_out),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_very_many_mistakes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
