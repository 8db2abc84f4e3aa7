#compdef bastide
# Completion of bastide for zsh. Put into ~/.zshrc, after compinit:
#
#   source <(bastide completion zsh)
#
# or save it as _bastide in a directory of $fpath.

_bastide() {
  local line help
  local -a candidates
  for line in "${(@f)$("${(Q)words[1]/#\~/$HOME}" __complete "${(@Q)words[2,CURRENT]}" 2> /dev/null)}"; do
    case $line in
    :file | :dir)
      compset -P '--*='
      if [[ $line == :dir ]]; then _files -/; else _files; fi
      return
      ;;
    ?*)
      help=${line#*$'\t'}
      candidates+=("${${line%%$'\t'*}//:/\\:}${help:+:$help}")
      ;;
    esac
  done
  (( $#candidates )) && _describe bastide candidates
}

if [[ ${funcstack[1]} == _bastide ]]; then _bastide "$@"; else compdef _bastide bastide; fi
