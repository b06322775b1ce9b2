#compdef @PROGRAMS@
# Completion for zsh. Every answer comes from the program itself.
_recant_complete() {
    local line text mark about
    local -a before
    before=("${(@)words[1,CURRENT-1]}")
    COMP_LINE="${(j: :)before} $PREFIX" COMP_POINT= recant __complete zsh 2>/dev/null |
        while IFS= read -r line; do
            text="${line%%$'\t'*}"
            about="${line#*$'\t'}"
            mark="${about%%$'\t'*}"
            about="${about#*$'\t'}"
            local -a shown
            shown=("$text${about:+  -- $about}")
            if [[ -n "$mark" ]]; then
                compadd -Q -S '' -l -d shown -- "$text"
            else
                compadd -Q -l -d shown -- "$text"
            fi
        done
}
(( $+functions[compdef] )) && compdef _recant_complete @PROGRAMS@
