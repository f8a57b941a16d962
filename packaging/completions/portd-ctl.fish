# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion for portd-ctl, which knows by itself what may stand where.

function __portd_ctl_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    set -l answer ($words[1] __complete -- $words[2..-1] "$typed" 2>/dev/null)
    # A file behind "--site=" begins behind it.
    set -l before (string match -r -- '^--[a-z-]+=' $typed)
    switch "$answer[1]"
        case files
            __fish_complete_path (string replace -- "$before" '' $typed) | string replace -r -- '^' "$before"
        case directories
            __fish_complete_directories (string replace -- "$before" '' $typed) | string replace -r -- '^' "$before"
        case machines
            __fish_print_hostnames
        case words
            printf '%s\n' $answer[2..-1]
    end
end

complete -c portd-ctl -f -a '(__portd_ctl_complete)'
