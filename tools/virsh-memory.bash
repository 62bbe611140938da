# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion for virsh-memory: the words come from the program itself

_virsh_memory() {
    local words
    words=("${COMP_WORDS[@]:1:COMP_CWORD}")
    mapfile -t COMPREPLY < <(command "${COMP_WORDS[0]}" complete -- "${words[@]}" 2>/dev/null)
    [ ${#COMPREPLY[@]} -gt 0 ] || compopt -o default
}

complete -F _virsh_memory virsh-memory
