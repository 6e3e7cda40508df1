#!/bin/sh
# An exported symbol of foo_bar.c starts with foo_bar_ or with its family's word, foo_ (or a word that
# tools/symbol_families.txt gives the file), and no two files of the tree have the same name.
git ls-files 'src/*.[ch]' 'tests/*.[ch]' 'bench/*.[ch]' | sed 's|.*/||' | sort | uniq -d |
    sed 's/$/: two files have this name/' | { ! grep .; } || exit 1
library=build/release/libsensorvision_core.a
[ -f "$library" ] || { echo "$library is not built"; exit 1; }
nm -A --defined-only --extern-only "$library" 2>/dev/null | awk '
    BEGIN {
        while ((getline line < "tools/symbol_families.txt") > 0)
            if (line !~ /^#/) { n = split(line, word, " ")
                for (i = 2; i <= n; i++) family[word[1]] = family[word[1]] " " word[i] }
    }
    {
        split($1, part, ":"); stem = part[2]; sub(/\.c\.o$/, "", stem)
        symbol = $NF; sub(/^__wrap_/, "", symbol); first = stem; sub(/_.*/, "", first)
        n = split(stem " " first family[stem], words, " ")
        for (i = 1; i <= n; i++) if (index(symbol, words[i] "_") == 1 || symbol == words[i]) next
        print stem ".c: exports " symbol; bad = 1
    }
    END { exit bad }'
