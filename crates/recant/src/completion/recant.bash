# Completion for bash. Every answer comes from the program itself.
_recant_complete() {
    local IFS=$'\n'
    COMPREPLY=($(COMP_LINE="$COMP_LINE" COMP_POINT="$COMP_POINT" recant __complete bash 2>/dev/null))
}
complete -o nospace -o default -F _recant_complete @PROGRAMS@
