#!/usr/bin/env bash
# The pilot's promises, measured: `sensorvision loadtest` against a release server on loopback with an empty data
# directory for each run, generator and server on this machine. Prints the table of bench/README.md; each run's
# whole report stays in DIR. What a noisy organisation costs the others is measured in rounds, without and with it by turns.
#   bench/pilot.sh [DIR] [SECONDS of a run] [ROUNDS]
set -euo pipefail
cd "$(dirname "$0")/.."
build=build/release
cmake --preset release >/dev/null
cmake --build "$build" --target sensorvision bench_disk >/dev/null
out=${1:-$(mktemp -d)} seconds=${2:-60} rounds=${3:-4}
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
port=18090
pid=
cleanup() { [ -n "$pid" ] && kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; rm -rf "$work"; }
trap cleanup EXIT

start_server() { # [args]
    rm -rf "$work/data"
    ADMIN_EMAIL=bench@example.org ADMIN_PASSWORD='bench bench bench' \
        "$build/sensorvision" serve --http "127.0.0.1:$port" --data "$work/data" --set mqtt.enabled=false "$@" 2>"$work/log" &
    pid=$!
    for _ in $(seq 3000); do
        curl -sf "http://127.0.0.1:$port/actuator/health" >/dev/null && return
        kill -0 "$pid" || { cat "$work/log"; exit 1; }
        sleep 0.01
    done
    echo "the server did not start"; cat "$work/log"; exit 1
}
stop_server() { kill -TERM "$pid"; wait "$pid" || true; pid=; }

# one NAME "server args" "loadtest args": leaves NAME.json and NAME.txt, prints what the promises are about.
one() {
    local name=$1 before
    # shellcheck disable=SC2086
    start_server $2
    before=$(cut -d' ' -f1 /proc/loadavg)
    # shellcheck disable=SC2086
    "$build/sensorvision" loadtest --data "$work/data" --save "$out/$name.json" $3 >"$out/$name.txt" 2>"$out/$name.err" || echo "$name: exit $?, see $name.txt and $name.err" >&2
    stop_server
    [ -s "$out/$name.json" ] || return 0
    node bench/pilot_row.mjs "$out/$name.json" "$name" "$before, then $(cut -d' ' -f1 /proc/loadavg)"
}

echo "machine: $(nproc) cores, $(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo), $(free -m | awk '/^Mem/ { print $2 }') MiB"
echo "commit:  $(git rev-parse --short=12 HEAD)$(git diff --quiet HEAD || echo ' with local changes')"
echo "command: bench/pilot.sh DIR $seconds $rounds   (reports in $out)"
echo "disk:    $("$build/bench_disk" "$work" 5000) (4 KiB and an fdatasync, 5,000 times)"
echo
echo "| run | load average | requests | errors | login p99 ms | largest other p99 ms | live p99 ms | monitoring p99 ms | generator late p99 ms | points/s | sent = stored |"
echo "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
one baseline "" "--duration ${seconds}s"
one hundredfold "" "--duration ${seconds}s --points-per-day 1e8 --variables 1"
one large "--set server.max-connections=20000 --set server.per-address=20000 --set websocket.max-sessions=2000" \
    "--users 1000 --devices 5000 --points-per-day 1e7 --connections 5000 --duration ${seconds}s"
one day "--set pilot.max-organizations=11" "--users 0 --devices 500 --organizations 10 --variables 1 --max-rate --points 1e6 --batch 1000"
for round in $(seq "$rounds"); do
    order="calm noisy"
    [ $((round % 2)) = 1 ] || order="noisy calm"
    for name in $order; do
        [ "$name" = noisy ] && noise="--noisy 50" || noise=
        one "$name-$round" "" "--duration $((seconds < 30 ? seconds : 30))s --organizations 5 --points-per-day 1e7 --seed $((round + 1)) $noise"
    done
done
node bench/pilot_row.mjs --ratio "$out" "$rounds"
