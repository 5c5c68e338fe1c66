#compdef promptsheet
# Completion of promptsheet in zsh. In ~/.zshrc, after compinit: eval "$(promptsheet completion zsh)"
_promptsheet() {
    local -a found values lines
    local kind line
    found=("${(@f)$(promptsheet completion zsh --words "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    kind=${found[1]}
    for line in "${(@)found[2,-1]}"; do
        values+=("${line%%$'\t'*}")
        lines+=("${line/$'\t'/  -- }")
    done
    (( ${#values} )) && compadd -l -d lines -a values
    case $kind in
        files) _files ;;
        folders) _files -/ ;;
    esac
}
if [[ $funcstack[1] == _promptsheet ]]; then
    _promptsheet
else
    compdef _promptsheet promptsheet
fi
