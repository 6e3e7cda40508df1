#!/bin/sh
# Installs the clients of tests/clients/package-lock.json, once for each state of that file. Nothing of them
# runs at installation. Without npm or a registry the tests that need one are skipped.
set -eu
cd "$(dirname "$0")/../tests/clients"
stamp=node_modules/.installed
if [ -f "$stamp" ] && cmp -s "$stamp" package-lock.json; then exit 0; fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if timeout 300 npm ci --ignore-scripts --no-audit --no-fund >"$log" 2>&1; then
    cp package-lock.json "$stamp"
else
    tail -n 5 "$log" >&2
    echo "setup: the clients from npm could not be installed; the tests that need them will be skipped" >&2
fi
