#!/bin/sh
# Installs the Debian packages of the named sections of tools/packages.txt that are missing.
#
#   tools/setup.sh build test
#
# Nothing missing: no apt at all (about 0.02 s). Else apt-get as root, or through `sudo -n`; without
# either it prints the exact command and exits 2. It installs packages and starts nothing.
set -eu
cd "$(dirname "$0")/.."

[ $# -gt 0 ] || { echo "usage: tools/setup.sh SECTION..." >&2; exit 2; }

# Package names of one section, in order.
section() {
    awk -v want="[$1]" '
        /^\[/      { inside = ($1 == want); next }
        /^#|^[ \t]*$/ { next }
        inside     { print $1 }' tools/packages.txt
}

wanted=
for name in "$@"; do
    packages=$(section "$name")
    [ -n "$packages" ] || { echo "setup: tools/packages.txt has no section [$name]" >&2; exit 2; }
    wanted="$wanted $packages"
done

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "setup: this is not Debian; install by hand what these packages hold, then call cmake:" >&2
    echo "  " $wanted >&2
    exit 2
fi

installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null |
            sed -n 's/^installed //p')
# One that dpkg does not know may still be there by hand: a newer Node.js than Debian's is welcome.
by_hand() {
    case $1 in
    nodejs) command -v node ;;
    curl | sqlite3 | cmake | npm) command -v "$1" ;;
    *) false ;;
    esac >/dev/null 2>&1
}
missing=
for package in $wanted; do
    printf '%s\n' "$installed" | grep -qxF "$package" || by_hand "$package" ||
        missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root="env"
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo -n env"
else
    echo "setup: these packages are missing and only root may install them; please type:" >&2
    echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends$missing" >&2
    exit 2
fi

echo "setup: installing$missing"
run() { $as_root DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 "$@"; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { run update && run install -y --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "setup: apt-get failed; its last lines are above" >&2
    exit 2
fi
