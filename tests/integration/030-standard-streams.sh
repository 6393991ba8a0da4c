#!/bin/sh
# Input is fed, output comes as it is, binary and large.
. "$abs_top_srcdir/tests/lib/node.sh"
message "$work/m.json"
printf 'one\ntwo\0three' | "$cella" run "$work/m.json" --arg stdin --input - >"$work/out"
expect "input" "$(printf 'one\ntwo\0three' | cksum)" "$(cksum <"$work/out")"
head -c 700000 /dev/urandom >"$work/big"
"$cella" run "$work/m.json" --arg stdin --input "$work/big" >"$work/out"
cmp "$work/big" "$work/out" || fail "700000 random bytes came back changed"
out=$(printf 'x' | "$cella" run "$work/m.json" --json --arg stdin --input -)
contains "record" '"stdout_escaped": "x"' "$out"
contains "count" '"bytes_in": 1,' "$out"
finish
