#!/bin/sh
# Puts promtool and alertmanager at build/tools/: the packages of tools/packages.txt's [unpack] that hold
# them start a service when installed, so they are downloaded and unpacked instead. Without one its test
# is skipped.
set -eu
cd "$(dirname "$0")/.."

# fetch PACKAGE NAME: unpacks below build/tools/unpacked; fails when it is there already or cannot be had
fetch() {
    if [ -x "/usr/bin/$2" ] || [ -x "build/tools/$2" ]; then return 1; fi
    mkdir -p build/tools/unpacked
    (cd build/tools && apt-get -q download "$1" >download.log 2>&1 && dpkg-deb -x "$1"_*.deb unpacked) ||
        { echo "setup: $2 could not be fetched; the test that needs it will be skipped" >&2; return 1; }
}

if fetch prometheus promtool; then
    mv build/tools/unpacked/usr/bin/promtool build/tools/promtool
fi
if [ ! -x /usr/bin/prometheus-alertmanager ] && fetch prometheus-alertmanager alertmanager; then
    # It looks for its templates in a directory of the system. The same number of characters lead to the
    # current directory instead, where the test puts itself.
    sed 's|/usr/share/prometheus/alertmanager|./././././././././././././././././|g' \
        build/tools/unpacked/usr/bin/prometheus-alertmanager >build/tools/alertmanager.new
    rm -rf build/tools/alertmanager.d
    mv build/tools/unpacked/usr/share/prometheus/alertmanager build/tools/alertmanager.d
    chmod +x build/tools/alertmanager.new
    mv build/tools/alertmanager.new build/tools/alertmanager
fi
rm -rf build/tools/unpacked build/tools/*.deb
