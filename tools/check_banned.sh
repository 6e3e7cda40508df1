#!/bin/sh
# Calls nobody makes, calls only one folder makes. Comments and strings do not count.
git ls-files 'src/*.[ch]' 'tests/*.[ch]' 'bench/*.[ch]' | xargs -r node tools/banned.mjs
