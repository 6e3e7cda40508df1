#!/bin/sh
# Line and branch coverage of src/ by every C test. The aim: lines >= 95 %, branches >= 90 %.
set -eu
cd "$(dirname "$0")/.."
cmake --preset cover >/dev/null
cmake --build build/cover
find build/cover -name '*.gcda' -delete
ctest --test-dir build/cover -j "$(nproc)" --output-on-failure --quiet || echo "some tests failed; counted all the same"
gcovr --root . --filter src/ --object-directory build/cover --exclude-throw-branches \
    --txt build/cover/coverage.txt --txt-metric line --json-summary build/cover/coverage.json --print-summary
echo "by file: build/cover/coverage.txt"
