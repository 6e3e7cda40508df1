#!/bin/bash
# Nothing in the repository names the machine it was written on: no absolute path of a person's or a
# build machine's folders, no package registry, no download address in a lock file.
bad=0
say() { sed "s|^|$1: |"; }
# The pattern is spelled so that this file does not match itself.
git grep -nIE '(^|[^A-Za-z0-9_.~/-])/(work|roo[t]|home)/[A-Za-z0-9_.-]' -- ':!LICENSE' ':!tools/check_leftovers.sh' |
    say "absolute path" | { ! grep .; } || bad=1
git grep -nIiE 'https?://[^ "]*(registry|artifactor|nexus|proxy)[^ "]*' -- ':!tools/check_leftovers.sh' |
    say "registry host" | { ! grep .; } || bad=1
git ls-files '*package-lock.json' | xargs -r grep -n '"resolved"' | say "lock file" | { ! grep .; } || bad=1
for script in $(git ls-files '*.sh' .ci/run); do
    bash -n "$script" || bad=1
done
for script in $(git ls-files '*.mjs'); do
    node --check "$script" || bad=1
done
exit $bad
