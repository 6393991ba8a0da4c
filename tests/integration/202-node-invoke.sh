#!/bin/sh
# The command calls functions, as a caller over HTTP would.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
image=$(image busybox)
node_start
function_of echo cat
function_of bad 'echo why >&2; exit 3'
printf 'hello' >"$work/in"
expect "a body" hello "$("$cella" invoke "$echo" --input "$work/in")"
expect "from standard input" piped "$(printf piped | "$cella" invoke "$echo/a?b=c" --input -)"
expect "none" "" "$("$cella" invoke "$echo")"
out=$("$cella" invoke "$bad" 2>&1)
expect "one that fails" 1 $?
contains "one that fails" "status 502" "$out"
contains "as a document" '"status": 200' "$("$cella" invoke "$echo" --input "$work/in" --json)"
contains "as a document" '"body_escaped": "hello"' "$("$cella" invoke "$echo" --input "$work/in" --json)"
"$cella" invoke "$(printf %064d 1)" >"$work/out" 2>&1
expect "nobody's" 1 $?
contains "nobody's" "status 404" "$(cat "$work/out")"
"$cella" key add "$echo" >"$work/key"
contains "a key is needed" "status 401" "$("$cella" invoke "$echo" 2>&1)"
expect "with the key" hello "$("$cella" invoke "$echo" --input "$work/in" --key "$work/key")"
for words in "" "x" "$echo $echo" "$echo --header x" "$echo#x"; do
	# shellcheck disable=SC2086 # words
	"$cella" invoke $words >/dev/null 2>&1
	expect "usage: $words" 64 $?
done
node_stop
out=$("$cella" invoke "$echo" 2>&1)
contains "no node" "no node answers" "$out"
finish
