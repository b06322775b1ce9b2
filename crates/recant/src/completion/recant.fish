# Completion for fish. Every answer comes from the program itself.
function __recant_complete
    set -lx COMP_LINE (commandline --cut-at-cursor --current-process)
    set -lx COMP_POINT
    recant __complete fish 2>/dev/null
end
for program in @PROGRAMS@
    complete --command $program --no-files --arguments '(__recant_complete)'
end
