#!/bin/sh
# Whatever umask a node or a command is started with, machines find their files,
# and nobody else the node's.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
image=$(image busybox)
for mask in 000 077; do
	umask "$mask"
	node_start
	umask 022
	function_of hello 'echo hello'
	expect "$mask: a call" "hello 200" "$(call "$hello") $(status)"
	[ "$(stat -c %a "$CELLA_STORE")" = 700 ] || fail "$mask: the store is open"
	node_stop
	expect "$mask: a run" hello "$(umask "$mask"; "$cella" run "$work/hello.json" --result "$work/$mask" 2>"$work/err")"
done
expect "what the user names is his" "644 600" "$(stat -c %a "$work/000") $(stat -c %a "$work/077")"
finish
