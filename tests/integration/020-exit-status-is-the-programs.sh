#!/bin/sh
# The command ends as the program did; the record says how.
. "$abs_top_srcdir/tests/lib/node.sh"
message "$work/m.json"
r=$work/r.json
"$cella" run "$work/m.json" --arg exit --arg 3 --result "$r"
expect "exit" 3 $?
expect "verdict" exit "$(field "$r" verdict)"
"$cella" run "$work/m.json" --arg signal --arg 15 --result "$r"
expect "signal" 143 $?
expect "verdict" signal "$(field "$r" verdict)"
sed 's/"inside","ref"/"absent","ref"/' "$work/m.json" >"$work/a.json"
out=$("$cella" run "$work/a.json" --result "$r" 2>&1)
expect "an existing entry under another name" 0 $?
printf 'no program' >"$work/text"
text=$("$cella" store add "$work/text" --as code)
sed "s/$code/$text/" "$work/m.json" >"$work/t.json"
out=$("$cella" run "$work/t.json" --result "$r" 2>&1)
expect "not executable" 126 $?
contains "sentence" "Exec format error" "$out"
out=$("$cella" run --bad 2>&1)
expect "usage" 64 $?
out=$("$cella" run "$work/m.json" --tier wild 2>&1)
expect "bad tier" 64 $?
finish
