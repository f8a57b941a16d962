# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for portd-ctl, which knows by itself what may stand where.

_portd_ctl() {
    # bash cuts words at '=' and ':', portd-ctl does not: what no blank is between is one word.
    local rest=${COMP_LINE:0:COMP_POINT} words=() piece blanks i
    for ((i = 0; i <= COMP_CWORD; i++)); do
        piece=${COMP_WORDS[i]}
        blanks=${rest%%[![:blank:]]*}
        rest=${rest#"$blanks"}
        ((i < COMP_CWORD)) || piece=$rest
        rest=${rest#"$piece"}
        if [[ $i == 0 || -n $blanks ]]; then words+=("$piece"); else words[-1]+=$piece; fi
    done

    local candidates candidate source=none
    mapfile -t candidates < <("$1" __complete -- "${words[@]:1}" 2>/dev/null)
    [[ ${#candidates[@]} == 0 ]] || source=${candidates[0]}
    case $piece in
    = | :) piece= ;;
    esac
    COMPREPLY=()
    case $source in
    files)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$piece")
        ;;
    directories)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$piece")
        ;;
    machines)
        if declare -F _known_hosts_real >/dev/null; then
            _known_hosts_real -- "$piece"
        else
            mapfile -t COMPREPLY < <(compgen -A hostname -- "$piece")
        fi
        ;;
    words)
        # Only the piece at the cursor is replaced.
        local before=${words[-1]%"$piece"}
        for candidate in "${candidates[@]:1}"; do
            candidate=${candidate%%$'\t'*}
            COMPREPLY+=("${candidate#"$before"}")
            [[ $candidate != *[=,] ]] || compopt -o nospace
        done
        ;;
    esac
}

complete -F _portd_ctl portd-ctl
