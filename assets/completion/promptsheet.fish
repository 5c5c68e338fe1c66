# Completion of promptsheet in fish. Keep it as ~/.config/fish/completions/promptsheet.fish
function __promptsheet_complete
    set -l typed (commandline -opc)
    set -l found (promptsheet completion fish --words $typed[2..-1] (commandline -ct) 2>/dev/null)
    string join \n -- $found[2..-1]
    switch "$found[1]"
        case files
            __fish_complete_path (commandline -ct)
        case folders
            __fish_complete_directories (commandline -ct)
    end
end
complete -c promptsheet -f -a '(__promptsheet_complete)'
