#!/bin/sh
# A folder of src/ includes only itself and folders with a smaller number in tools/layers.txt, so the
# tree has no cycles and news travels up only through function pointers.
git ls-files 'src/*.[ch]' | xargs awk '
    FILENAME == "tools/layers.txt" { next }
    BEGIN {
        while ((getline line < "tools/layers.txt") > 0)
            if (split(line, part, " ") == 2 && part[1] ~ /^[0-9]+$/) layer[part[2]] = part[1]
    }
    FNR == 1 { split(FILENAME, path, "/"); own = path[2]
               if (!(own in layer)) { print FILENAME ": folder has no line in tools/layers.txt"; bad = 1 } }
    /^#include "/ {
        split($2, quoted, "\""); n = split(quoted[2], part, "/")
        if (n < 2) { if (quoted[2] !~ /^(build_info|web_assets)\.h$/) {
                         print FILENAME ":" FNR ": include by folder: " quoted[2]; bad = 1 }
                     next }
        to = part[1]
        if (to == own) next
        if (!(to in layer)) { print FILENAME ":" FNR ": unknown folder " to; bad = 1; next }
        if (layer[to] >= layer[own]) {
            print FILENAME ":" FNR ": " own " (" layer[own] ") includes " to " (" layer[to] ")"; bad = 1
        }
    }
    END { exit bad }'
