#!/usr/bin/env bash
# The bench: starts the release binary on loopback in a temporary directory, loads it, reads its CPU time
# from /proc, and prints the tables of bench/README.md. Ratios within one run are what counts.
#   bench/run.sh [build/release]
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/release}
load=$build/bench_load
cmake --preset release >/dev/null
cmake --build "$build" --target sensorvision bench_load bench_disk bench_mqtt_load >/dev/null
work=$(mktemp -d)
pid=
cleanup() { [ -n "$pid" ] && kill "$pid" 2>/dev/null; rm -rf "$work"; }
trap cleanup EXIT

hertz=$(getconf CLK_TCK)
port=18080
cpu() { awk -v h="$hertz" '{ sub(/^.*\) /, ""); print ($12 + $13) / h }' "/proc/$1/stat"; }
rss() { awk '/^VmRSS/ { printf "%.1f", $2 / 1024 }' "/proc/$1/status"; }
peak() { awk '/^VmHWM/ { printf "%.1f", $2 / 1024 }' "/proc/$1/status"; }
json() { sed -n "s/.*\"$2\":\([0-9.]*\).*/\1/p" <<<"$1"; }
calc() { awk "BEGIN { printf \"%.${2:-2}f\", $1 }"; }

start_server() { # DIR [args]
    local dir=$1; shift
    ADMIN_EMAIL=bench@example.org ADMIN_PASSWORD='bench bench bench' \
        "$build/sensorvision" serve --http "127.0.0.1:$port" --data "$dir" --set mqtt.enabled=false --set rate-limiting.enabled=false --set pilot.mode=false "$@" 2>"$work/log" &
    pid=$!
    for _ in $(seq 3000); do
        curl -sf "http://127.0.0.1:$port/actuator/health" >/dev/null && return
        kill -0 "$pid" || { cat "$work/log"; exit 1; }
        sleep 0.01
    done
    echo "the server did not start"; cat "$work/log"; exit 1
}
stop_server() { first=; kill -TERM "$pid"; wait "$pid" || true; pid=; }
login() {
    access=$(curl -sf "http://127.0.0.1:$port/api/v1/auth/login" -H 'Content-Type: application/json' \
        -d '{"username":"bench","password":"bench bench bench"}' | sed 's/.*"accessToken":"\([^"]*\)".*/\1/')
    token=$(curl -sf "http://127.0.0.1:$port/api/v1/devices" -H "Authorization: Bearer $access" -H 'Content-Type: application/json' \
        -d '{"externalId":"dev-000"}' | sed 's/.*"apiToken":"\([^"]*\)".*/\1/')
}

echo "machine: $(nproc) cores, $(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo), $(free -m | awk '/^Mem/ { print $2 }') MiB"
echo "commit:  $(git rev-parse --short=12 HEAD)$(git diff --quiet HEAD || echo ' with local changes')"
echo "data:    500 devices x 10 variables x 1,000 s, random walks of two decimals, step normal x 0.30, seed 1; 5,000,000 points"
echo "command: bench/run.sh"
echo
begin=$(( $(date +%s) / 3600 * 3600 - 7200 ))

bulk() { # WORKLOAD NAME
    rm -rf "$work/data"
    start_server "$work/data"
    local idle; idle=$(rss "$pid")
    login
    local before after out
    before=$(cpu "$pid")
    out=$($load --port "$port" --workload "$1" --connections 8 --requests 500 --token "$token" --start "$begin")
    after=$(cpu "$pid")
    local used; used=$(calc "$after - $before")
    printf '%-34s %10s M points/s of server CPU   (%s s CPU, %s s wall, p99 %s ms, errors %s)\n' "$2" \
        "$(calc "5 / $used")" "$used" "$(json "$out" seconds)" "$(json "$out" p99Ms)" "$(json "$out" errors)"
    last_rate=$(calc "5 / $used" 4)
    printf '%-34s %10s MiB idle, %s MiB peak\n' "  memory" "$idle" "$(peak "$pid")"
}

get() { # NAME PATH
    local out; out=$($first $load --port "$port" --workload get --connections 1 --requests 1000 --path "$2" --token "$key")
    printf '%-34s p50 %s ms, p99 %s ms\n' "$1" "$(json "$out" p50Ms)" "$(json "$out" p99Ms)"
}
reads() {
    key=$(curl -sf "http://127.0.0.1:$port/api/v1/api-keys" -H "Authorization: Bearer $access" -H 'Content-Type: application/json' \
        -d '{"name":"bench"}' | sed 's/.*"key":"\([^"]*\)".*/\1/')
    get "health: no work, the machine's own" "/actuator/health"
    get "latest of 500 devices, 1 variable" "/api/v1/data/latest?variables=var0"
    get "1,000 raw points of one series" "/api/v1/data/query?deviceId=dev-100&variables=var3&from=$begin&to=$((begin + 1000))"
    get "hourly averages" "/api/v1/analytics/aggregate?deviceId=dev-100&variable=var3&aggregation=AVG&interval=1h&from=$begin&to=$((begin + 7200))"
}
# Until the engine has sealed and merged what came: half a second with less than 2 % of a core.
settle() {
    local t0 before after; t0=$(date +%s%N)
    for _ in $(seq 120); do
        before=$(cpu "$pid"); sleep 0.5; after=$(cpu "$pid")
        awk "BEGIN { exit !($after - $before <= 0.01) }" && break
    done
    echo "-- settled, $(( ($(date +%s%N) - t0) / 1000000 )) ms later (load of the machine $(cut -d' ' -f1 /proc/loadavg))"
}
# Server and generator before whatever else runs here, so that p99 is theirs and not the scheduler's. Needs
# root; false without it.
first=
boost() {
    chrt -a -f -p 10 "$pid" 2>/dev/null || return 1
    first="chrt -f 10"
}

# From exec to the first 200, on a store that has its administrator already.
first_answer() { # DIR NAME
    local t0 t1
    t0=$(date +%s%N)
    start_server "$1"
    t1=$(date +%s%N)
    printf '%-34s %10s ms\n' "$2" "$(( (t1 - t0) / 1000000 ))"
}

echo "## Start: from exec to the first answer (polled every 10 ms with curl)"
start_server "$work/empty"; stop_server
first_answer "$work/empty" "empty store"
printf '%-34s %10s MiB\n' "idle memory" "$(rss "$pid")"
stop_server
echo

echo "## Bulk ingest, durable before the answer"
bulk json "JSON /data/bulk, 10,000 points each"
before_others=
if boost; then before_others=$(reads); fi
stop_server
bulk lp "line protocol, 10,000 points each"
lp_rate=$last_rate


echo
echo "## Reading while that data is there (5 M points, caches none)"
if [ -n "$before_others" ]; then
    echo "-- right after the ingest, before all other programs of this machine (chrt -f 10)"
    echo "$before_others"
fi
echo "-- right after the ingest"
reads
settle
reads
if boost; then
    echo "-- settled, before all other programs of this machine (chrt -f 10)"
    reads
fi
stop_server
bytes=$(du -sb "$work/data" | cut -f1)
printf '%-34s %10s B/point   (%s bytes in the data directory after a clean stop)\n' "bytes per point" "$(calc "$bytes / 5000000" 3)" "$bytes"

start_server "$work/data"
out=$($load --port "$port" --workload lp --connections 8 --requests 500 --token "$token" --start "$((begin - 3600))")
stop_server
first_answer "$work/data" "start with 10 M points, sealed"
kill -9 "$pid"; wait "$pid" 2>/dev/null || true
start_server "$work/data"
out=$($load --port "$port" --workload lp --connections 8 --requests 100 --token "$token" --start "$((begin - 7200))")
kill -9 "$pid"; wait "$pid" 2>/dev/null || true
first_answer "$work/data" "after kill -9, 1 M points in the log"
stop_server

echo
echo "## Single readings (variant A), durable"
start_server "$work/data"
token=$(curl -sf -X POST "http://127.0.0.1:$port/api/v1/devices/dev-000/token/rotate" -H "Authorization: Bearer $access" | sed 's/.*"token":"\([^"]*\)".*/\1/')
before=$(cpu "$pid")
out=$($load --port "$port" --workload single --connections 64 --requests 200000 --token "$token")
after=$(cpu "$pid")
used=$(calc "$after - $before")
printf '%-34s %10s requests/s of server CPU   (%s s CPU, %s s wall, p99 %s ms, errors %s)\n' "64 connections" \
    "$(calc "200000 / $used" 0)" "$used" "$(json "$out" seconds)" "$(json "$out" p99Ms)" "$(json "$out" errors)"
out=$($load --port "$port" --workload single --connections 1 --requests 5000 --token "$token")
disk=$("$build/bench_disk" "$work" 5000)
printf '%-34s p50 %s ms, p99 %s ms; fdatasync p50 %s ms, p99 %s ms; ratio of p99 %s\n' "1 connection" "$(json "$out" p50Ms)" "$(json "$out" p99Ms)" \
    "$(json "$disk" p50Ms)" "$(json "$disk" p99Ms)" "$(calc "$(json "$out" p99Ms) / $(json "$disk" p99Ms)")"
stop_server

echo
echo "## MQTT: single readings at QoS 1 from 500 clients, PUBACK when durable"
start_server "$work/mqtt" --mqtt "127.0.0.1:$((port + 1))" --set mqtt.max-connections=20000 --set mqtt.per-address=20000 --set mqtt.max-publish-rate=1000000
login
mqtt() { "$build/bench_mqtt_load" --port "$((port + 1))" --token "$token" "$@"; }
mqtt --messages 5000 >/dev/null # makes the devices
for window in 1 10; do
    before=$(cpu "$pid")
    out=$(mqtt --messages 500000 --window "$window")
    used=$(calc "$(cpu "$pid") - $before")
    printf '%-34s %10s readings/s of server CPU   (%s s CPU, %s s wall, p50 %s ms, p99 %s ms)\n' "$window unacknowledged each" \
        "$(calc "500000 / $used" 0)" "$used" "$(json "$out" seconds)" "$(json "$out" p50Ms)" "$(json "$out" p99Ms)"
done
stop_server
start_server "$work/mqtt" --mqtt "127.0.0.1:$((port + 1))" --set mqtt.max-connections=20000 --set mqtt.per-address=20000
before=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
mqtt --clients 10000 --idle 3 >"$work/idle" &
idle=$!
until grep -q open "$work/idle"; do sleep 0.1; done
after=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
wait "$idle"
printf '%-34s %10s KiB each   (resident %s -> %s KiB)\n' "10,000 idle connections" "$(calc "($after - $before) / 10000")" "$before" "$after"
stop_server

echo
echo "## Hours from the cache, and from the embedded store (a year of one point a minute)"
mkdir "$work/cache"
build/release/bench_hours "$work/cache"

if command -v victoria-metrics >/dev/null; then
    echo
    echo "## The same line protocol bodies into VictoriaMetrics (which is not durable at the answer)"
    victoria-metrics -storageDataPath "$work/vm" -httpListenAddr "127.0.0.1:$port" -retentionPeriod 10y >"$work/vm.log" 2>&1 &
    pid=$!
    for _ in $(seq 500); do curl -sf "http://127.0.0.1:$port/health" >/dev/null && break; sleep 0.02; done
    before=$(cpu "$pid")
    out=$($load --port "$port" --workload lp --path /write --connections 8 --requests 500 --start "$begin")
    after=$(cpu "$pid")
    used=$(calc "$after - $before")
    printf '%-34s %10s M points/s of its CPU   (%s s CPU, %s s wall, errors %s)\n' "VictoriaMetrics" "$(calc "5 / $used")" "$used" "$(json "$out" seconds)" "$(json "$out" errors)"
    printf '%-34s %10s times\n' "ratio" "$(calc "$lp_rate / (5 / $used)")"
    kill "$pid"; wait "$pid" || true; pid=
fi
