#!/bin/sh
# Puts promtool at build/tools/promtool: the package of tools/packages.txt's [unpack] that holds it starts
# a service when installed, so it is downloaded and unpacked instead. Without it one test is skipped.
set -eu
cd "$(dirname "$0")/.."
if [ -x /usr/bin/promtool ] || [ -x build/tools/promtool ]; then exit 0; fi
mkdir -p build/tools/unpacked
cd build/tools
if apt-get -q download prometheus >download.log 2>&1 && dpkg-deb -x prometheus_*.deb unpacked; then
    mv unpacked/usr/bin/promtool promtool
else
    echo "setup: promtool could not be fetched; the test that needs it will be skipped" >&2
fi
rm -rf unpacked prometheus_*.deb
