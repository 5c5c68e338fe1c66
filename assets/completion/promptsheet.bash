# Completion of promptsheet in bash. In ~/.bashrc: eval "$(promptsheet completion bash)"
_promptsheet() {
    local kind line quote=
    local -a found
    mapfile -t found < <(promptsheet completion bash --line="${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
    kind=${found[0]}
    COMPREPLY=()
    case ${COMP_WORDS[COMP_CWORD]} in \'*|\"*) quote=yes ;; esac
    for line in "${found[@]:1}"; do
        if [[ -n $quote ]]; then
            COMPREPLY+=("$line")
        else
            COMPREPLY+=("$(printf %q "$line")")
        fi
    done
    case $kind in
        files) compopt -o default ;;
        folders) compopt -o dirnames -o filenames ;;
    esac
}
complete -F _promptsheet promptsheet
