# SPDX-License-Identifier: GPL-2.0-or-later
# Puts the description of the interface into a manual page, so that nothing of it is written twice.
# awk -f interface.awk io.portd.varlink PAGE.scd: a line "@reply Status" becomes what the method
# answers, "@type Flow" the members of the type, "@words State" the words that it can be.

# Escapes what scdoc would take for a mark.
function plain(text) {
    gsub(/[\\*_<>#]/, "\\\\&", text)
    return text
}

# "?[]string" → "array of strings, may be missing"
function spoken(type,    optional, array) {
    optional = sub(/^\?/, "", type)
    array = sub(/^\[\]/, "", type)
    if (type ~ /^\(/) {
        gsub(/[()]/, "", type)
        type = "one of " type
    } else if (type in basic)
        type = basic[type] (array ? "s" : "")
    else
        type = "_" type "_"
    return (array ? "array of " : "") type (optional ? ", may be missing" : "")
}

function keep(name,    comment_text) {
    comment_text = comment
    comment = ""
    description[name] = comment_text
}

BEGIN {
    basic["string"] = "string"
    basic["int"] = "integer"
    basic["bool"] = "boolean"
    basic["float"] = "number"
}

# --- the interface ---

FNR == NR && /^ *#/ {
    sub(/^ *# ?/, "")
    comment = comment (comment == "" ? "" : "\n") $0
    next
}
FNR == NR && /^type [A-Za-z]+ \([a-z].*\)$/ {
    words["type " $2] = $0
    sub(/^[^(]*\(/, "", words["type " $2])
    sub(/\)$/, "", words["type " $2])
    keep("type " $2)
    next
}
FNR == NR && /^type / { into = "type " $2; keep(into); next }
FNR == NR && /^error / { into = "error"; comment = ""; next }
FNR == NR && /^method / {
    name = $2
    sub(/\(.*/, "", name)
    into = /-> \(/ ? "reply " name : "call " name
    keep("reply " name)
    next
}
FNR == NR && /^\) -> \(/ { into = "reply " name; comment = ""; next }
FNR == NR && /^\)/ { into = ""; comment = ""; next }
FNR == NR && into != "" && /^  [a-z_]+: / {
    field = $1
    sub(/:$/, "", field)
    type = $0
    sub(/^ *[a-z_]+: /, "", type)
    sub(/,$/, "", type)
    members[into] = members[into] "*" plain(field) "* (" spoken(type) ")\n"
    split(comment, lines, "\n")
    for (i = 1; i in lines; i++)
        members[into] = members[into] "\t" plain(lines[i]) "\n"
    members[into] = members[into] "\n"
    comment = ""
    next
}
FNR == NR && /^$/ { if (into == "") comment = "" }
FNR == NR { next }

# --- the page ---

/^@(reply|type) / {
    name = substr($0, 2)
    if (!(name in members)) {
        print FILENAME ":" FNR ": the interface has no " name > "/dev/stderr"
        exit 1
    }
    printf "%s", members[name]
    next
}
/^@words / {
    name = "type " $2
    if (!(name in words)) {
        print FILENAME ":" FNR ": the interface has no " name > "/dev/stderr"
        exit 1
    }
    print "One of " plain(words[name]) "."
    print ""
    split(plain(description[name]), lines, "\n")
    for (i = 1; i in lines; i++) {
        is_item = is_item && lines[i] ~ /^ / || lines[i] ~ /^[a-z]+: /
        sub(/^ +/, "", lines[i])
        print (lines[i] ~ /^[a-z]+: / ? "- " : is_item ? "  " : "") lines[i]
    }
    print ""
    next
}
{ print }
