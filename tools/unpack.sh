#!/bin/sh
# Unpacks the packages of tools/packages.txt's [unpack] below build/tools/<package>/: installing them would
# start a service. One that is installed already is used as it is. What cannot be fetched is said here, and
# the tests that need it are skipped and say so too.
set -eu
cd "$(dirname "$0")/.."

wanted=$(awk '/^\[/ { inside = ($1 == "[unpack]"); next } /^#|^[ \t]*$/ { next } inside { print $1 }' tools/packages.txt)
for package in $wanted; do
    [ -d "build/tools/$package" ] && continue
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] && continue
    mkdir -p build/tools/download
    if (cd build/tools/download && apt-get -q download "$package" >../download.log 2>&1) &&
        dpkg-deb -x build/tools/download/"$package"_*.deb build/tools/download/tree; then
        mv build/tools/download/tree "build/tools/$package"
    else
        echo "setup: $package could not be fetched; the tests that need it will be skipped" >&2
    fi
    rm -rf build/tools/download
done
