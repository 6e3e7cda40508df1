#!/bin/bash
# No operation without a probe (src/perf/probe.h):
#   services, pilot   every function that their files export is wrapped, or tools/probe_exempt.txt says why not
#   caches            the same of cache.c and cache_read.c
#   stores, catalog   nobody calls the operations behind store/telemetry.h and store/sql.h but the files that count
#   routes            one place runs handlers and counts answers; executors: each is watched
# It ends with a look at itself: a function that is added to a header is seen.
names=build/release/generated/probes/wrap.opt library=build/release/libsensorvision_core.a
wrappers=build/release/probe_wrappers exempt=tools/probe_exempt.txt
[ -f "$names" ] && [ -f "$library" ] || { echo "$library is not built"; exit 1; }
bad=0
say() { echo "$1"; bad=1; }

# names of what is exempt: by itself, or by its header
none=$(mktemp); trap 'rm -rf "$none" "$none.d"' EXIT
echo "nothing none" >"$none"
exempted() {
    awk '$2 == "none" && $1 !~ /\.h$/ { print $1 }' $exempt
    awk '$2 == "none" && $1 ~ /\.h$/ { print $1 }' $exempt | while read -r header; do
        grep -ohE '[a-z_0-9]+' $(git ls-files "src/*/$header")
    done
}
known=$( { sed 's/^-Wl,--wrap=//' $names; exempted; } | sort -u)
for file in $(git ls-files 'src/service/*.c' 'src/pilot/*.c') src/cache/cache.c src/cache/cache_read.c; do
    basename "$file"
done | sort >"$none.files"
nm -A --defined-only --extern-only $library 2>/dev/null | awk '$(NF-1) == "T" && $NF !~ /^__wrap_/ { split($1, p, ":"); sub(/\.o$/, "", p[2]); print p[2], $NF }' |
    sort | join - "$none.files" | while read -r file symbol; do
        grep -qx "$symbol" <<<"$known" || echo "$file: $symbol is exported and has no probe"
    done | { ! grep .; } || bad=1
rm -f "$none.files"
awk '$1 !~ /^#/ && NF < 3 { print "tools/probe_exempt.txt: " $1 " has no reason"; bad = 1 } END { exit bad }' $exempt || bad=1

calls='begin|commit|rollback|query|exec|next|finish|write|scan_open|scan_next|scan_close|latest|rollups|retain|purge_device|seal|maintain|read_stats'
git grep -nE -- "->ops->($calls)\(" -- 'src/*.[ch]' ':!src/store/sql_*.c' ':!src/store/telemetry_probe.c' |
    sed 's/$/  (call sql_*() or telemetry_*())/' | { ! grep .; } || bad=1
[ "$(git grep -lE 'route->handler\(' -- src | tr '\n' ' ')" = "src/api/dispatch.c " ] || say "handlers run in src/api/dispatch.c only"
[ "$(git grep -c 'routes_note(app' -- src/api/dispatch.c)" = "src/api/dispatch.c:1" ] || say "dispatch.c counts each answer once"
pools=$(git grep -hoE 'executor_new\(&' -- 'src/app/*.c' | wc -l) watched=$(git grep -hoE 'boot_performance_watch\(&' -- 'src/app/*.c' | wc -l)
[ "$pools" = "$watched" ] || say "$pools executors, $watched of them watched"

mkdir -p "$none.d/service"
printf 'struct s;\n/* New. */\nenum err new_thing(struct s *s, int64_t org,\n                   void (*visit)(void *ctx, int n)) MUST_CHECK;\n' >"$none.d/service/new.h"
$wrappers PROBE_SERVICE "$none.d/service/new.h" "$none" "$none.d/new.c" &&
    grep -q '__real_new_thing(s, org, visit)' "$none.d/new.c" || say "a function that is added to a header is not seen"
exit $bad
