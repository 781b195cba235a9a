# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# bash completion for midtls(1). Verbs and options are those that `midtls --help` and `midtls VERB --help` print, aliases those of
# `midtls list`: there is no list here that could fall behind.

# The verbs
_midtls_verbs() { "$1" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p'; }

# _midtls_options COMMAND [VERB]: a line for each option, as --help writes it, such as "-o --output=FILE"
_midtls_options() {
        "$@" --help 2>/dev/null | sed -n 's/^  \(-.\), \(--[^ ]*\) .*/\1 \2/p; s/^      \(--[^ ]*\) .*/\1/p; s/^  \(-.\)  .*/\1/p'
}

_midtls_names() {
        "$1" list --no-legend --color=never 2>/dev/null | sed 's/ .*//'
        [[ $2 != show ]] || "$1" list --profiles --no-legend --color=never 2>/dev/null | sed 's/ .*//'
}

# _midtls_value ARGUMENT CURRENT: what --help calls the value says what it can be
_midtls_value() {
        case $1 in
        MODE) compgen -W 'short pretty off' -- "$2" ;;
        WHEN) compgen -W 'always auto never' -- "$2" ;;
        VERSION) compgen -W '1.1 1.2' -- "$2" ;;
        DIR) compopt -o filenames 2>/dev/null; compgen -d -- "$2" ;;
        PATH | FILE) compopt -o filenames 2>/dev/null; compgen -f -- "$2" ;;
        DATA) [[ $2 == @* ]] && compgen -P @ -f -- "${2#@}" ;;
        esac
}

_midtls() {
        local command=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
        local verb='' word options verbs i n=0

        # --json=pr is three words to bash.
        if [[ $current == = ]]; then
                current=
        elif [[ $previous == = ]]; then
                previous=${COMP_WORDS[COMP_CWORD - 2]}
        fi

        verbs=$(_midtls_verbs "$command")
        for ((i = 1; i < COMP_CWORD; i++)); do
                word=${COMP_WORDS[i]}
                if [[ -z $verb ]]; then
                        [[ $'\n'$verbs$'\n' != *$'\n'$word$'\n'* ]] || verb=$word
                elif [[ $word != -* && $word != = && ${COMP_WORDS[i - 1]} != -* && ${COMP_WORDS[i - 1]} != = ]]; then
                        n=$((n + 1))
                fi
        done
        # shellcheck disable=SC2086
        options=$(_midtls_options "$command" $verb)

        COMPREPLY=()
        # The value of an option, for which --help shows what it is called
        if [[ $previous == -* ]]; then
                word=$(sed -n "/\(^\| \)$previous\([ =[]\|\$\)/s/.*=\([A-Z]*\).*/\1/p" <<<"$options")
                if [[ -n $word ]]; then
                        mapfile -t COMPREPLY < <(_midtls_value "$word" "$current")
                        return
                fi
        fi
        if [[ $current == -* ]]; then
                mapfile -t COMPREPLY < <(compgen -W "$(sed 's/\[*=.*/=/' <<<"$options")" -- "$current")
                [[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace 2>/dev/null
                return
        fi

        case $verb:$n in
        :*) mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$current") ;;
        show:0 | call:0 | soap:0 | log:0 | test:*) mapfile -t COMPREPLY < <(compgen -W "$(_midtls_names "$command" "$verb")" -- "$current") ;;
        call:1) mapfile -t COMPREPLY < <(compgen -W 'GET HEAD POST PUT PATCH DELETE OPTIONS' -- "$current") ;;
        inspect:0) mapfile -t COMPREPLY < <(_midtls_value FILE "$current") ;;
        esac
}

complete -F _midtls midtls
