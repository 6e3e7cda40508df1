#!/bin/bash
# Each header of src/ compiles alone, says #pragma once, opens with a paragraph, and has <= 150 lines.
bad=0
for header in $(git ls-files 'src/*.h'); do
    [ "$(wc -l <"$header")" -le 150 ] || { echo "$header: more than 150 lines"; bad=1; }
    [ "$(sed -n 1p "$header")" = "#pragma once" ] || { echo "$header: begins with #pragma once"; bad=1; }
    case $(sed -n 2p "$header") in
    "/* ${header#src/}"*) ;;
    *) echo "$header: opens with a paragraph: /* ${header#src/} -- what it is"; bad=1 ;;
    esac
done
flags="-std=c17 -D_GNU_SOURCE -Wall -Wextra -fsyntax-only -iquote src -iquote build/release/generated"
flags="$flags $(pkg-config --cflags libuv libcjson sqlite3 libsodium libzstd zlib libpq)"
git ls-files 'src/*.h' | xargs -P "$(nproc)" -I{} sh -c \
    'printf "#include \"%s\"\n" "${1#src/}" | gcc '"$flags"' -x c - 2>&1 | sed "s|^|$1: |"' sh {} |
    { ! grep .; } || bad=1
exit $bad
