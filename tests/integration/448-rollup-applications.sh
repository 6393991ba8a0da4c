#!/bin/sh
# Applications that know nothing of Cella: Python over HTTP, a shell by the
# command; memory that lasts, and memory that does not; npm's client.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox python"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
. "$abs_top_srcdir/tests/lib/npm.sh"
. "$abs_top_srcdir/tests/lib/session.sh"
export cella
# application DIR FILE IMAGE INTERFACE MEMORY: a machine that runs it.
application() {
	ref=$("$cella" store add "$2" --as code)
	message "$work/app.json" memory 128 more ",\"variables\":{${5:+\"CELLA_MEMORY\":\"$5\"}}"
	sed -i "s|\"entrypoint\":\"inside\",\"ref\":\"$code\",\"interface\":\"exec\"|\"entrypoint\":\"app\",\"ref\":\"$ref\",\"interface\":\"$4\"|; s|\"ref\":\"$runtime\"|\"ref\":\"$3\"|" "$work/app.json"
	"$cella" machine create "$work/app.json" "$1" >/dev/null || fail "machine $1"
}
python=$(image python) busybox=$(image busybox)
{ echo '#!/usr/bin/python3 -u'; cat "$abs_top_srcdir/tests/session/count.py"; } >"$work/count"
application "$work/python" "$work/count" "$python" rollup ""
application "$work/reset" "$work/count" "$python" rollup reset
application "$work/shell" "$abs_top_srcdir/tests/session/count.sh" "$busybox" channel ""
application "$work/both" "$abs_top_srcdir/tests/session/count.sh" "$busybox" rollup ""
session_node
expect "Python, kept" "" "$(session counts "$work/python" python kept)"
expect "Python, reset" "" "$(session counts "$work/reset" python-reset reset)"
expect "a shell, reset" "" "$(session counts "$work/shell" shell reset)"
expect "a shell under rollup-init" "" "$(session counts "$work/both" both kept)"
expect "its end" "" "$(session dapp_ends "$work/python")"
expect "another each time" "" "$(session different "$work/python")"
said=$("$cella" logs --store "$CELLA_STORE" "$(sed -n 's/.*session python: started, of //p' "$work/node.err")")
contains "which memory" "rollup-init: memory is kept" "$said"
node_kill
session_node
expect "Python, after a restart" "" "$(session go_on python kept)"
expect "a shell, after a restart" "" "$(session go_on both kept)"
echo_machine "$work/echo" --vouchers=1
expect "npm's client" '2097152,{},ACCEPTED true hello hello 32,ACCEPTED q 1,[3,"active epoch has processed inputs"],{},{}' \
    "$(cd "$modules" && node "$abs_top_srcdir/tests/oracle/session.mjs" "$grpc" "$PROTOS" "$work/echo" 2>&1 | paste -sd,)"
node_stop
finish
