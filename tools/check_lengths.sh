#!/bin/sh
# Sizes: function <= 60 lines, nesting <= 3, file <= 500 lines, line <= 100 columns.
git ls-files 'src/*.[ch]' 'tests/*.[ch]' 'bench/*.[ch]' 'tools/*.[ch]' | xargs -r node tools/lengths.mjs
