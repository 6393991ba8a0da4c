#!/bin/sh
# Whoever has proofs can have them looked at, with nothing but themselves.
. "$abs_top_srcdir/tests/lib/expect.sh"
cella=$abs_top_builddir/cella
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
zero=0000000000000000000000000000000000000000000000000000000000000000
# Keccak-256 of 64 zeroes is the parent of two empty entries.
parent=ad3228b676f7d3cd4284a5443f17f1962b36e491b30a40b2405849e597ba5fb5
proof() { # ROOT
	printf '{"epoch": [{"proof": {"target_address": 32, "log2_target_size": 5, "log2_root_size": 6,
	    "target_hash": "%s", "root_hash": "%s", "sibling_hashes": ["0x%s"]}}]}' "$zero" "$1" "$zero"
}
proof "$parent" >"$work/good.json"
expect "a file" "good: 1 proof" "$("$cella" session proof-check "$work/good.json")"
expect "standard input" '{"proofs":1}' "$("$cella" session proof-check --json - <"$work/good.json" | tr -d ' \n')"
proof "$zero" >"$work/bad.json"
out=$("$cella" session proof-check "$work/bad.json" 2>&1)
expect "another root" 1 $?
expect "where" "cella: $work/bad.json: epoch[0].proof: it leads to another root" "$out"
echo '{"epoch": []}' >"$work/none.json"
out=$("$cella" session proof-check "$work/none.json" 2>&1)
expect "none" 125 $?
contains "none" "there is no proof in it" "$out"
proof 12 >"$work/short.json"
"$cella" session proof-check "$work/short.json" 2>/dev/null
expect "malformed" 125 $?
"$cella" session proof-check 2>/dev/null
expect "no file" 64 $?
exit $((failures > 0))
