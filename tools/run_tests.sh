#!/bin/bash
# Runs test suites, prints a line per suite and closes with one line: N passed, N failed[, N skipped].
#
#   tools/run_tests.sh all              what `make test` and CI run
#   tools/run_tests.sh asan|ubsan|tsan  every C test under that sanitizer
#   tools/run_tests.sh SUITE...         some suites only (see suite_* below)
#
# N counts test cases: a cmocka test, a node test, a check. A program that dies without saying which
# case failed is one failed case. Budgets are printed and published in CONTRIBUTING.md; only the far
# larger deadline of a suite, which tells a hang from a slow machine, fails it.
set -u
cd "$(dirname "$0")/.." || exit 2
logs=build/test-logs
mkdir -p "$logs"
jobs=$(nproc)
passed=0 failed=0 skipped=0
started=$SECONDS

# report NAME SECONDS BUDGET PASSED FAILED SKIPPED: adds up and prints the line of a suite.
report() {
    passed=$((passed + $4)) failed=$((failed + $5)) skipped=$((skipped + $6))
    printf '%-22s %5d passed %4d failed %4d skipped %6d s of %4d s\n' "$1" "$4" "$5" "$6" "$2" "$3"
}

# configure_and_build PRESET BUDGET: a build that fails is one failed case with its last lines shown.
configure_and_build() {
    local begin=$SECONDS log=$logs/build-$1.log
    if cmake --preset "$1" >"$log" 2>&1 && timeout 900 cmake --build "build/$1" >>"$log" 2>&1; then
        report "build $1" $((SECONDS - begin)) "$2" 0 0 0
        return 0
    fi
    grep -E 'error|FAILED|warning' "$log" | head -n 40
    tail -n 10 "$log"
    report "build $1" $((SECONDS - begin)) "$2" 0 1 0
    return 1
}

# programs GLOB-ROOT...: the ctest names of the test programs below these folders, as one regex.
programs() {
    local names
    names=$(find "$@" -name '*_test.c' 2>/dev/null | sed 's|.*/||; s|\.c$||' | sort | paste -sd'|')
    [ -n "$names" ] && printf '^(%s)$' "$names"
}

# Reads `ctest -V`: counts cmocka's lines per program; a failed program without any counts once.
count_ctest() {
    awk '
        match($0, /^[0-9]+: /) { id = $1; text = substr($0, RLENGTH + 1)
            if (text ~ /^\[       OK \]/) ok[id]++
            else if (text ~ /^\[  (SKIPPED |FAILED  |ERROR   )\] [A-Za-z_]/) {
                # Named once where it happens and once in the summary: each name counts once.
                name = substr(text, 14); sub(/ .*/, "", name)
                if ((id, name) in seen) next
                seen[id, name] = 1
                if (text ~ /SKIPPED/) skip[id]++; else bad[id]++
            }
            next }
        /^ *[0-9]+\/[0-9]+ Test +#[0-9]+:/ {
            id = $0; sub(/^[^#]*#/, "", id); sub(/:.*/, "", id); id = id ":"
            if ($0 ~ / Passed /) { p += ok[id] ? ok[id] : (skip[id] ? 0 : 1) }
            else { p += ok[id]; f += bad[id] ? bad[id] : 1 }
            s += skip[id] }
        END { print p + 0, f + 0, s + 0 }' "$1"
}

# Shows the output of the programs that failed, without their passing cases.
show_failed_ctest() {
    awk '
        FNR == NR { if ($0 ~ /^ *[0-9]+\/[0-9]+ Test +#[0-9]+:/ && $0 !~ / Passed /) {
                        id = $0; sub(/^[^#]*#/, "", id); sub(/:.*/, "", id); show[id ":"] = 1; print }
                    next }
        ($1 in show) && $0 !~ /\[ RUN      \]|\[       OK \]/ && lines[$1]++ < 120 { print }' "$1" "$1"
}

# ctest_suite NAME PRESET BUDGET DEADLINE PARALLEL REGEX
ctest_suite() {
    local begin=$SECONDS log=$logs/${1// /-}.log
    [ -n "$6" ] || { report "$1" 0 "$3" 0 0 0; return; }
    timeout "$4" ctest --test-dir "build/$2" -V -j "$5" -R "$6" >"$log" 2>&1
    local code=$? p f s
    read -r p f s < <(count_ctest "$log")
    # Killed by the deadline, or ctest itself failed without a failed program.
    if [ $code -ne 0 ] && [ "$f" = 0 ]; then f=1; tail -n 20 "$log"; fi
    [ "$f" = 0 ] || show_failed_ctest "$log"
    report "$1" $((SECONDS - begin)) "$3" "$p" "$f" "$s"
}

# node_suite NAME BUDGET DEADLINE FILE...
node_suite() {
    local name=$1 budget=$2 deadline=$3 begin=$SECONDS log=$logs/${1// /-}.log
    shift 3
    [ -e "${1:-}" ] || { report "$name" 0 "$budget" 0 0 0; return; }
    SV_BINARY="$PWD/build/release/sensorvision" timeout "$deadline" \
        node --test --test-concurrency="$jobs" --test-reporter="$PWD/tools/node_reporter.mjs" "$@" >"$log" 2>&1
    local code=$? p f s
    read -r p f s < <(awk '$1 == "cases:" { p = $2; f = $3; s = $4 }
                           END { print p + 0, f + 0, s + 0 }' "$log")
    if [ $code -ne 0 ] && [ "$f" = 0 ]; then f=1; fi
    [ "$f" = 0 ] || tail -n 150 "$log"
    report "$name" $((SECONDS - begin)) "$budget" "$p" "$f" "$s"
}

suite_check() {
    local begin=$SECONDS log=$logs/check.log p f
    timeout 240 tools/check.sh $quick_checks >"$log" 2>&1
    p=$(grep -c '^ok ' "$log") f=$(grep -c '^not ok ' "$log")
    [ "$p" = 0 ] && [ "$f" = 0 ] && f=1
    [ "$f" = 0 ] || grep -v '^ok ' "$log"
    report check $((SECONDS - begin)) 60 "$p" "$f" 0
}
# Those of `make check` that need no compiler run: the rest is for a developer's machine.
quick_checks="format layers lengths banned leftovers symbols probes docs hardening"

suite_unit()     { ctest_suite unit release 60 300 "$jobs" "$(programs tests/unit)"; }
suite_contract() { ctest_suite contract release 120 600 "$jobs" "$(programs tests/contract)"; }
suite_fuzz()     { ctest_suite corpus release 20 120 "$jobs" '_fuzz_corpus$'; }
suite_crash()    {
    local deadline=600
    [ -n "${SV_LONG:-}" ] && deadline=86400
    ctest_suite crash release 120 $deadline 1 "$(programs tests/crash)"
    node_suite "crash system" 120 $deadline tests/crash/*.test.mjs
}
suite_talk()     { node_suite talk 30 120 tests/talk/*.test.mjs; }
suite_system()   { node_suite system 240 700 tests/system/*.test.mjs; }
# The same tests against PostgreSQL: what ingest, queries, the catalog and rules answer.
suite_postgres() {
    SENSORVISION_TEST_STORE=postgres node_suite postgres 90 400 \
        tests/system/{ingest,query,devices,rules,matrix}.test.mjs
}
suite_web()      { node_suite web 60 240 tests/web/*.test.mjs; }
suite_asan()     {
    ctest_suite "asan unit" asan 150 600 "$jobs" "$(programs tests/unit tests/contract)"
    ctest_suite "asan corpus" asan 30 240 "$jobs" '_fuzz_corpus$'
}
whole_preset()   { configure_and_build "$1" 240 && ctest_suite "$1" "$1" 600 3600 "$jobs" .; }

# gcc's sanitizers stop at the first report; leaks count.
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
export CTEST_OUTPUT_ON_FAILURE=1

case "${1:-}" in
'') echo "usage: tools/run_tests.sh all | asan | ubsan | tsan | SUITE..." >&2; exit 2 ;;
all)
    if configure_and_build release 150; then
        suite_check; suite_unit; suite_contract; suite_fuzz; suite_talk; suite_crash; suite_system; suite_postgres; suite_web
    fi
    configure_and_build asan 150 && suite_asan ;;
asan | ubsan | tsan)
    # One thread against a model: 15 times slower under TSan, which has nothing to see there.
    [ "$1" = tsan ] && export R7_OPERATIONS="${R7_OPERATIONS:-10000}"
    whole_preset "$1" ;;
*)
    configure_and_build release 150 && for suite in "$@"; do "suite_$suite"; done ;;
esac

echo "all of it: $((SECONDS - started)) s"
line="$passed passed, $failed failed"
[ $skipped -gt 0 ] && line="$line, $skipped skipped"
echo "$line"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
