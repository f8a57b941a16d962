#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The help of every verb: what it takes, and an example that it takes.
# ctl_help.sh BINARY_DIR POLICY_DIR
. "$(dirname "$0")/lib.bash"

run 0 --help
mapfile -t verbs < <(sed -nE 's/^  ([a-z]+) +[A-Z].*/\1/p' "$work/out")
[ ${#verbs[@]} -ge 16 ] || fail "--help lists only ${#verbs[@]} verbs: ${verbs[*]}"
silent err

# The options that its help tells of, "--help" and "--version" apart.
options_of() {
    sed -nE 's/^  (-., )?--([a-z-]+).*/\2/p' "$1" | grep -vxE 'help|version'
}

for verb in "${verbs[@]}"; do
    run 0 "$verb" --help
    silent err
    [[ $(head -n 1 "$work/out") == "portd-ctl $verb "*"[OPTION]..." ]] || fail "$what: no usage line"
    [ "$(awk 'length > 110' "$work/out" | wc -l)" = 0 ] || fail "$what: a line is too long"
    options_of "$work/out" >"$work/taken"
    example=$(sed -n 's/^Example: //p' "$work/out")
    [[ "$example " == "portd-ctl $verb "* ]] || fail "$what: its example is: $example"
    for option in $(grep -oE -- '--[a-z-]+' <<<"$example" | cut -c3-); do
        grep -qxF "$option" "$work/taken" || fail "$what: the example has --$option, the help not"
    done
    cp "$work/out" "$work/long"
    run 0 "$verb" -h
    cmp -s "$work/long" "$work/out" || fail "$what: says something else than --help"

    # An option of another verb is refused.
    for option in yes verify; do
        grep -qxF $option "$work/taken" && continue
        run 2 "$verb" --$option
        says err "$verb takes no --$option"
    done
    # A letter too few, or too many.
    run 2 "${verb}x"
    says err "did you mean \"$verb\"?"
    if ! printf '%s\n' "${verbs[@]}" | grep -qxF -- "${verb%?}"; then # as of grants
        run 2 "${verb%?}"
        says err "did you mean \""
    fi
done
run 2 nonsense
hushes err "did you mean"
says err "try: portd-ctl --help"

finish
