#!/bin/sh
# The one static analyser that is kept at zero.
# readdirCalled: glibc's readdir is safe on streams that threads do not share, and readdir_r is deprecated.
mkdir -p build/cppcheck
cppcheck --quiet --error-exitcode=1 -j "$(nproc)" --cppcheck-build-dir=build/cppcheck --std=c11 \
    --enable=warning,performance,portability --inline-suppr --library=posix -D_GNU_SOURCE -DNDEBUG \
    --suppress=readdirCalled --suppress=missingIncludeSystem --suppress=unknownMacro -I src -I build/release/generated \
    --template='{file}:{line}: {id}: {message}' src
