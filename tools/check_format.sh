#!/bin/sh
# Every C file is laid out as .clang-format says; `make fmt` does it.
files=$(git ls-files 'src/*.[ch]' 'tests/*.[ch]' 'bench/*.[ch]' 'tools/*.[ch]')
[ -z "$files" ] || clang-format-14 --dry-run -Werror $files 2>&1 | sed -n 's/:[0-9]*:[0-9]*: error:.*//p' |
    uniq -c | awk '{ print $2 ": " $1 " places are not laid out; run make fmt" }' | { ! grep .; }
