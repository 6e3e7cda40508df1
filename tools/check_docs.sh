#!/bin/sh
# docs/CONFIG.md and docs/API.md are written by the binary; this fails when they are not what it writes.
server=build/release/sensorvision
[ -x "$server" ] || { echo "$server is not built"; exit 1; }
bad=0
for pair in config:docs/CONFIG.md api:docs/API.md; do
    kind=${pair%%:*} file=${pair#*:}
    "$server" docs "$kind" >build/docs-check.md || { echo "$server docs $kind failed"; bad=1; continue; }
    cmp -s build/docs-check.md "$file" && continue
    echo "$file is stale: $server docs $kind >$file"
    bad=1
done
exit $bad
