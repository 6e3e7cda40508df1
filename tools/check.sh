#!/bin/bash
# Runs the rules of STYLE.md that a machine can judge: all of them, or the ones named.
# Prints "ok NAME" or the violations and "not ok NAME"; exit 1 when any rule is broken.
set -u
cd "$(dirname "$0")/.." || exit 2
checks=${*:-format layers lengths headers symbols banned leftovers probes docs hardening analyse}
code=0
for name in $checks; do
    begin=$SECONDS
    if tools/check_"$name".sh; then
        echo "ok $name ($((SECONDS - begin)) s)"
    else
        echo "not ok $name ($((SECONDS - begin)) s)"
        code=1
    fi
done
exit $code
