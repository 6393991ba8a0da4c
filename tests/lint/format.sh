#!/bin/sh
# The source is a fixed point of clang-format 14; tables with rows of macros
# are left alone where they say so.
cd "${srcdir:-.}" || exit 99
command -v clang-format >/dev/null || { echo "no clang-format"; exit 77; }
clang-format --dry-run -Werror base/*.[ch] messages/*.[ch] policy/*.[ch] \
    sandbox/*.[ch] runtime/*.[ch] guest/*.[ch] tests/unit/*.[ch] tests/fuzz/*.[ch] tests/tools/*.c tests/bench/*.[ch] \
    tests/attack/*.[ch]
