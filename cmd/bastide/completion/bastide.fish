# Completion of bastide for fish. Save it once:
#
#   bastide completion fish > ~/.config/fish/completions/bastide.fish

function __bastide_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in (command $words[1] __complete $words[2..-1] "$current" 2> /dev/null)
        switch $line
            case ':file'
                __fish_complete_path "$current"
            case ':dir'
                __fish_complete_directories "$current" ''
            case '*'
                echo $line
        end
    end
end

complete -c bastide -f -a '(__bastide_complete)'
