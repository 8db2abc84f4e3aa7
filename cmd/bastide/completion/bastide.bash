# Completion of bastide for bash. Put into ~/.bashrc:
#
#   source <(bastide completion bash)

_bastide() {
  local line current="${COMP_WORDS[COMP_CWORD]}"
  [[ $current == "=" ]] && current=""
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
    :file | :dir)
      compopt -o filenames 2> /dev/null || :
      local kind=-f
      [[ $line == :dir ]] && kind=-d
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen "$kind" -- "$current")
      return
      ;;
    *) COMPREPLY+=("${line%%$'\t'*}") ;;
    esac
  done < <("${COMP_WORDS[0]/#\~/$HOME}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null)
}

complete -F _bastide bastide
