#!/bin/sh
# A node whose processes are killed: what was published stays, whoever calls
# afterwards is served, and what ran before has ended.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"

image=$(image busybox)
printf 'version: 1\nlimits:\n  pids: 50\n' >"$work/p.yaml"
node_start --policy "$work/p.yaml"
function_of hash 'read line
[ "$line" = wait ] && sleep 30
echo "got $line"' seconds 60

# A caller whose function does not answer, in the background.
hang() {
	echo wait | curl -s -m 60 --data-binary @- "http://$http/vm/$hash" >"$work/hung" 2>&1 &
	caller=$!
	await runs 1
}
runs() { # NUMBER that serve
	[ "$("$cella" ps --json 2>/dev/null | grep -c '"state": "serving"')" -eq "$1" ]
}
serves() {
	[ "$(echo x | call "$hash" --data-binary @-)" = "got x" ]
}
changed() { # NAME OLD
	[ "$(child "$1")" != "$2" ] && [ -n "$(child "$1")" ]
}
expect "before" "got x" "$(echo x | call "$hash" --data-binary @-)"

for name in cella-front cella-core cella-launcher; do
	hang
	old=$(child $name)
	kill -9 "$old"
	wait $caller
	[ $? -ne 0 ] || fail "$name is killed, and its caller has an answer"
	await changed $name "$old"
	await serves
	await runs 0
done
# Core goes on when one that works for it dies; what the policy file says by
# now is for the next core, or a preparer would ask for more than the ceiling.
printf 'version: 1\n' >"$work/p.yaml"
core=$(child cella-core)
for name in cella-prepare cella-dns; do
	for old in $(child $name); do
		kill -9 "$old"
	done
	await changed $name "$old"
	await serves
done
expect "core lived on" "$core" "$(child cella-core)"

# A caller that leaves takes its machine along.
hang
kill "$caller"
wait $caller
await runs 0

# A state has one node, and a port one listener.
out=$("${cella}d" --state-dir "$CELLA_STORE" 2>&1)
expect "a second node" 1 $?
contains "a second node" "another node has it" "$out"
out=$("${cella}d" --state-dir "$work/other" --http "$http" 2>&1)
expect "a port in use" 1 $?
contains "a port in use" "$http" "$out"
for bad in nonsense 127.0.0.1 localhost:80 127.0.0.1:99999 "[::1:80"; do
	out=$("${cella}d" --state-dir "$work/other" --http "$bad" 2>&1)
	expect "$bad" 1 $?
	contains "$bad" "not an address and a port" "$out"
done
expect "usage" 64 "$("${cella}d" --nonsense 2>/dev/null; echo $?)"
printf 'version: 1\ntier: nonsense\n' >"$work/policy.yaml"
out=$("${cella}d" --state-dir "$work/other" --policy "$work/policy.yaml" 2>&1)
expect "a bad policy" 1 $?
contains "a bad policy" 'none of strict' "$out"
contains "a bad policy" "it does not start" "$out"

# Whoever is being served when it is told to stop is served to the end.
echo slow | (read line; sleep 0.5; echo "$line") | curl -s -T - -X POST "http://$http/vm/$hash" >"$work/slow" &
caller=$!
await runs 1
node_stop
expect "drained" 0 "$status"
wait $caller
expect "served to the end" "got slow" "$(cat "$work/slow")"

# It comes back with what was published; Ctrl-C ends it at once.
node_start
expect "after" "got x" "$(echo x | call "$hash" --data-binary @-)"
hang
node_stop INT
expect "Ctrl-C" 0 "$status"
wait $caller
[ ! -e "$CELLA_STORE/control.sock" ] || fail "the socket is left"
"$cella" ps >"$work/out" 2>&1 && fail "ps without a node"
contains "ps without a node" "no node answers" "$(cat "$work/out")"
rm -rf "$work/other"
finish
