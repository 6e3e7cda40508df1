#!/bin/bash
# Every fuzz target for N seconds, starting from its corpus; finds stay below build/fuzz/.
#   tools/fuzz.sh 60 [TARGET...]
set -u
cd "$(dirname "$0")/.." || exit 2
seconds=${1:-60}
shift
cmake --preset fuzz >/dev/null && cmake --build build/fuzz || exit 1
targets=${*:-$(cd tests/fuzz && ls -- *_fuzz.c | sed 's/\.c$//')}
passed=0 failed=0
for target in $targets; do
    found=build/fuzz/found/$target
    mkdir -p "$found" "tests/fuzz/corpus/$target"
    # New inputs go to the first directory, the repository's corpus is only read.
    if build/fuzz/"$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
        -print_final_stats=1 -artifact_prefix="$found/crash-" "$found" "tests/fuzz/corpus/$target" \
        >"build/fuzz/$target.log" 2>&1; then
        passed=$((passed + 1))
        echo "ok $target: $(awk '/number_of_executed_units/ { print $2 }' "build/fuzz/$target.log") inputs"
    else
        failed=$((failed + 1))
        tail -n 40 "build/fuzz/$target.log"
        echo "not ok $target"
    fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
