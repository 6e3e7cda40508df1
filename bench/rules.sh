#!/usr/bin/env bash
# What 10,000 rules cost ingest: the same line protocol load into the same server without and with two rules
# on each of 5,000 series, by turns. One of the two never holds; the other is crossed by the random walks, so
# alerts are raised, resolved and committed meanwhile. CPU is the server's, all threads, from /proc.
#   bench/rules.sh [build/release] [rounds]
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/release} rounds=${2:-5}
load=$build/bench_load
cmake --preset release >/dev/null
cmake --build "$build" --target sensorvision bench_load >/dev/null
work=$(mktemp -d)
pid=
cleanup() { [ -n "$pid" ] && kill "$pid" 2>/dev/null; rm -rf "$work"; }
trap cleanup EXIT

# Before whatever else runs here, where that is allowed: caches that others empty are not the rules' cost.
first=
chrt -f 10 true 2>/dev/null && first="chrt -f 10"

port=18090
api=http://127.0.0.1:$port/api/v1
cpu() { awk '{ ns += $1 } END { printf "%.4f", ns / 1e9 }' /proc/"$pid"/task/*/schedstat; }
cpu_of() { # NAME of a thread
    local task
    for task in /proc/"$pid"/task/*; do
        [ "$(cat "$task/comm")" = "$1" ] && awk '{ printf "%.4f", $1 / 1e9 }' "$task/schedstat"
    done
}
json() { sed -n "s/.*\"$2\":\([0-9.]*\).*/\1/p" <<<"$1"; }
calc() { awk "BEGIN { printf \"%.${2:-2}f\", $1 }"; }
median() { sort -n | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

start_server() { # DIR
    ADMIN_EMAIL=bench@example.org ADMIN_PASSWORD='bench bench bench' \
        $first "$build/sensorvision" serve --http "127.0.0.1:$port" --data "$1" --set rate-limiting.enabled=false --set pilot.mode=false 2>"$work/log" &
    pid=$!
    for _ in $(seq 3000); do
        curl -sf "http://127.0.0.1:$port/actuator/health" >/dev/null && return
        kill -0 "$pid" || { cat "$work/log"; exit 1; }
        sleep 0.01
    done
    echo "the server did not start"; cat "$work/log"; exit 1
}
stop_server() { kill -TERM "$pid"; wait "$pid" || true; pid=; }

# begin is shared by all runs, an hour of past: none of it is there yet when a run begins.
begin=$(( $(date +%s) / 3600 * 3600 - 7200 ))
prepare() {
    start_server "$work/none"
    access=$(curl -sf "$api/auth/login" -H 'Content-Type: application/json' -d '{"username":"bench","password":"bench bench bench"}' \
        | sed 's/.*"accessToken":"\([^"]*\)".*/\1/')
    token=$(curl -sf "$api/devices" -H "Authorization: Bearer $access" -H 'Content-Type: application/json' \
        -d '{"externalId":"dev-000"}' | sed 's/.*"apiToken":"\([^"]*\)".*/\1/')
    $load --port "$port" --workload lp --connections 1 --requests 1 --token "$token" --start $((begin - 3600)) >/dev/null
    stop_server
    cp -r "$work/none" "$work/rules"
    start_server "$work/rules"
    awk -v url="$api/rules" -v access="$access" 'BEGIN {
        for (d = 0; d < 500; d++) for (v = 0; v < 10; v++) for (r = 0; r < 2; r++) {
            if (d || v || r) print "next"
            printf "url = \"%s\"\nheader = \"Authorization: Bearer %s\"\nheader = \"Content-Type: application/json\"\n", url, access
            printf "output = \"/dev/null\"\nfail\n"
            printf "data = \"{\\\"name\\\":\\\"r\\\",\\\"deviceId\\\":\\\"dev-%03d\\\",\\\"variable\\\":\\\"var%d\\\",\\\"operator\\\":\\\"GT\\\",\\\"threshold\\\":%s,\\\"forSeconds\\\":%d}\"\n", d, v, r ? "1e6" : "45", r ? 0 : 60
        } }' >"$work/curl"
    curl -s --no-progress-meter --parallel --parallel-max 8 -K "$work/curl" 2>"$work/curl.log"
    made=$(curl -sf "$api/rules?page=0&size=1" -H "Authorization: Bearer $access" | sed 's/.*"totalElements":\([0-9]*\).*/\1/')
    [ "$made" = 10000 ] || { echo "only $made rules"; exit 1; }
    stop_server
}

one() { # none|rules: prints CPU seconds, of them the thread "rules", alerts raised
    rm -rf "$work/data"; cp -r "$work/$1" "$work/data"
    start_server "$work/data"
    local before after out alerts began
    sleep 0.5 # the rules are loaded
    before=$(cpu) began=$(cpu_of rules)
    out=$($first $load --port "$port" --workload lp --connections 8 --requests 500 --token "$token" --start "$begin")
    # until everything that follows is done: judging, sealing, merging
    after=$(cpu)
    while sleep 0.5; [ "$(calc "($(cpu) - $after > 0.01)" 0)" = 1 ]; do after=$(cpu); done
    after=$(cpu)
    [ "$(json "$out" errors)" = 0 ] || { echo "errors: $out" >&2; exit 1; }
    alerts=$(curl -sf "$api/alerts?page=0&size=1" -H "Authorization: Bearer $access" | sed 's/.*"totalElements":\([0-9]*\).*/\1/')
    echo "$(calc "$after - $before" 4) $(calc "$(cpu_of rules) - $began" 4) $alerts $(json "$out" seconds)"
    stop_server
}

echo "machine: $(nproc) cores, $(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo), $(free -m | awk '/^Mem/ { print $2 }') MiB; load $(cut -d' ' -f1 /proc/loadavg)"
echo "commit:  $(git rev-parse --short=12 HEAD)$(git diff --quiet HEAD || echo ' with local changes')"
echo "data:    500 devices x 10 variables x 1,000 s, random walks, 5,000,000 points in 500 bodies; 10,000 rules on 5,000 series"
echo "command: bench/rules.sh $build $rounds"
prepare
for round in $(seq "$rounds"); do
    read -r none _ _ wall_none <<<"$(one none)"
    read -r with thread alerts wall_with <<<"$(one rules)"
    printf 'round %s: without %s s CPU (%s s wall), with %s s (%s s wall), of it the rules'"'"' thread %s s; %s alerts; %s %%\n' \
        "$round" "$none" "$wall_none" "$with" "$wall_with" "$thread" "$alerts" "$(calc "($with / $none - 1) * 100" 1)"
    echo "$none $with" >>"$work/seconds"
    calc "($with / $none - 1) * 100" 2 >>"$work/percent"; echo >>"$work/percent"
done
awk '{ a += $1; b += $2 } END { printf "in all: without %.3f s, with %.3f s, %.1f %%\n", a, b, (b / a - 1) * 100 }' "$work/seconds"
echo "10,000 rules cost $(median <"$work/percent") % of the server's CPU (median of $rounds rounds${first:+, run with $first})"
