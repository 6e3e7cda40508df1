#!/usr/bin/env bash
# What 1,000 synthetic variables cost ingest: the same line protocol load into the same server without and with
# two of them on each of 500 devices, by turns: one of two variables, one of a window of five minutes. Each is
# computed and stored at every reading, so 5,000,000 points become 6,000,000; all of them are counted afterwards.
# One connection, so that readings come in order. CPU is the server's, all threads, from /proc.
#   bench/synthetics.sh [build/release] [rounds]
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/release} rounds=${2:-3}
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

port=18091
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
    cp -r "$work/none" "$work/synthetics"
    start_server "$work/synthetics"
    awk -v url="$api/synthetic-variables" -v access="$access" 'BEGIN {
        for (d = 0; d < 500; d++) for (k = 0; k < 2; k++) {
            if (d || k) print "next"
            printf "url = \"%s\"\nheader = \"Authorization: Bearer %s\"\nheader = \"Content-Type: application/json\"\n", url, access
            printf "output = \"/dev/null\"\nfail\n"
            printf "data = \"{\\\"name\\\":\\\"%s\\\",\\\"deviceId\\\":\\\"dev-%03d\\\",\\\"expression\\\":\\\"%s\\\"}\"\n", k ? "mean" : "pair", d, k ? "avg(var2, 5m) / 2" : "var0 * 2 + var1"
        } }' >"$work/curl"
    curl -s --no-progress-meter --parallel --parallel-max 8 -K "$work/curl" 2>"$work/curl.log"
    made=$(curl -sf "$api/synthetic-variables?page=0&size=1" -H "Authorization: Bearer $access" | sed 's/.*"totalElements":\([0-9]*\).*/\1/')
    [ "$made" = 1000 ] || { echo "only $made synthetic variables"; exit 1; }
    stop_server
}

results() { # of both on one device
    curl -sf "$api/analytics/aggregate?deviceId=dev-499&variable=$1&aggregation=COUNT&from=$begin&to=$((begin + 1000))" \
        -H "Authorization: Bearer $access" | sed 's/.*"count":\([0-9]*\).*/\1/'
}

one() { # none|synthetics: prints CPU seconds, of them the thread "synthetics", seconds of wall clock
    rm -rf "$work/data"; cp -r "$work/$1" "$work/data"
    start_server "$work/data"
    local before after out began
    sleep 0.5
    before=$(cpu) began=$(cpu_of synthetics)
    out=$($first $load --port "$port" --workload lp --connections 1 --requests 500 --token "$token" --start "$begin")
    # until everything that follows is done: computing, sealing, merging
    after=$(cpu)
    while sleep 0.5; [ "$(calc "($(cpu) - $after > 0.01)" 0)" = 1 ]; do after=$(cpu); done
    after=$(cpu)
    [ "$(json "$out" errors)" = 0 ] || { echo "errors: $out" >&2; exit 1; }
    if [ "$1" = synthetics ]; then
        [ "$(results pair) $(results mean)" = "1000 1000" ] || { echo "results: $(results pair) $(results mean)" >&2; exit 1; }
    fi
    echo "$(calc "$after - $before" 4) $(calc "$(cpu_of synthetics) - $began" 4) $(json "$out" seconds) $(awk '/^VmHWM/ { printf "%.1f", $2 / 1024 }' "/proc/$pid/status")"
    stop_server
}

echo "machine: $(nproc) cores, $(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo), $(free -m | awk '/^Mem/ { print $2 }') MiB; load $(cut -d' ' -f1 /proc/loadavg)"
echo "commit:  $(git rev-parse --short=12 HEAD)$(git diff --quiet HEAD || echo ' with local changes')"
echo "data:    500 devices x 10 variables x 1,000 s, random walks, 5,000,000 points in 500 bodies; 1,000 synthetic variables on 500 devices"
echo "command: bench/synthetics.sh $build $rounds"
prepare
for round in $(seq "$rounds"); do
    read -r none _ wall_none peak_none <<<"$(one none)"
    read -r with thread wall_with peak_with <<<"$(one synthetics)"
    printf 'round %s: without %s s CPU (%s s wall, %s MiB peak), with %s s (%s s wall, %s MiB peak), of it their thread %s s; %s %%\n' \
        "$round" "$none" "$wall_none" "$peak_none" "$with" "$wall_with" "$peak_with" "$thread" "$(calc "($with / $none - 1) * 100" 1)"
    echo "$none $with $thread" >>"$work/seconds"
    calc "($with / $none - 1) * 100" 2 >>"$work/percent"; echo >>"$work/percent"
done
awk '{ a += $1; b += $2; c += $3; n++ } END { printf "in all: without %.3f s, with %.3f s; %.0f ns a result on their thread\n", a, b, c / n * 1e9 / 1e6 }' "$work/seconds"
echo "1,000 synthetic variables cost $(median <"$work/percent") % of the server's CPU for 20 % more points (median of $rounds rounds${first:+, run with $first})"
