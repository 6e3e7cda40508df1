#!/bin/sh
# Puts the broker mosquitto at build/tools/mosquitto: its package, of tools/packages.txt's [unpack], starts a
# service when installed, so it is downloaded and unpacked instead. Without it the tests of mqtt.broker.url
# are skipped.
set -eu
cd "$(dirname "$0")/.."
if [ -x /usr/sbin/mosquitto ] || [ -x build/tools/mosquitto ]; then exit 0; fi
mkdir -p build/tools/unpacked-mosquitto
cd build/tools
if apt-get -q download mosquitto >download-mosquitto.log 2>&1 && dpkg-deb -x mosquitto_*.deb unpacked-mosquitto; then
    mv unpacked-mosquitto/usr/sbin/mosquitto mosquitto
else
    echo "setup: mosquitto could not be fetched; the tests that need it will be skipped" >&2
fi
rm -rf unpacked-mosquitto mosquitto_*.deb
