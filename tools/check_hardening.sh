#!/bin/sh
# The released binary is position independent, with full RELRO, no executable stack, stack protector and
# FORTIFY.
server=build/release/sensorvision
[ -x "$server" ] || { echo "$server is not built"; exit 1; }
bad=0
want() { grep -q "$2" build/hardening.txt || { echo "$server: $1 is missing"; bad=1; }; }
readelf -hldW --dyn-syms "$server" >build/hardening.txt 2>/dev/null
want "position independence" 'Type: *DYN'
want "RELRO" 'GNU_RELRO'
want "immediate binding" 'BIND_NOW\|FLAGS.*NOW'
want "stack protector" '__stack_chk_fail'
want "FORTIFY" '_chk@'
grep -q 'GNU_STACK.*RWE' build/hardening.txt && { echo "$server: the stack is executable"; bad=1; }
exit $bad
