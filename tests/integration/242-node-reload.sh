#!/bin/sh
# Another policy takes effect at SIGHUP, and no caller is turned away for it.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
image=$(image busybox)
policy() { # LINE
	printf 'version: 1\n%s\n' "$1" >"$work/policy.yaml"
}
policy ''
chmod 600 "$work/policy.yaml"
node_start --policy "$work/policy.yaml"
function_of quick 'echo quick'
function_of slow 'cat; i=0; while [ ! -e /none ] && [ $i -lt 20 ]; do sleep 0.1; i=$((i+1)); done; echo slow'
runs() {
	[ "$("$cella" ps --json | grep -c '"run"')" = "$1" ]
}
expect "before" quick "$(call "$quick")"
core=$(child cella-core)

# The same one, and none.
kill -HUP "$node"
await grep -q "the policy is the same" "$work/node.err"
policy 'limits: {memory: plenty}'
kill -HUP "$node"
await grep -q "the old one holds" "$work/node.err"
contains "what is wrong" "limits.memory" "$(cat "$work/node.err")"
chmod 666 "$work/policy.yaml"
kill -HUP "$node"
await grep -q "the policy is not read again" "$work/node.err"
chmod 600 "$work/policy.yaml"
expect "as ever" quick "$(call "$quick")"
expect "the same core" "$core" "$(child cella-core)"

# A core that dies starts under the one that holds, whatever is in the file.
kill -9 "$core"
await sh -c "[ \"\$(curl -s http://$http/readyz)\" = ok ]"
expect "the old one" quick "$(call "$quick")"

# Another: who is here is served to the end, who comes waits.
curl -s "http://$http/vm/$slow" -d 'hello ' >"$work/slow" &
caller=$!
await runs 1
policy 'limits: {memory: 32MiB}'
core=$(child cella-core)
kill -HUP "$node"
await grep -q "what runs may end" "$work/node.err"
status=$(curl -s -o "$work/body" -w '%{http_code}' "http://$http/vm/$quick")
wait "$caller"
expect "who was there" "hello slow" "$(xargs <"$work/slow")"
expect "who came: by the new one" 403 "$status"
[ "$core" != "$(child cella-core)" ] || fail "the same core"
policy ''
kill -HUP "$node"
await sh -c "[ \"\$(curl -s http://$http/vm/$quick)\" = quick ]"

# Who is told to end while it reloads ends.
curl -s "http://$http/vm/$slow" -d 'bye ' >"$work/slow" &
caller=$!
await runs 1
policy 'limits: {memory: 48MiB}'
kill -HUP "$node"
await sh -c "[ \"\$(grep -c 'what runs may end' '$work/node.err')\" = 3 ]"
node_stop
expect "end" 0 "$status"
wait "$caller"
expect "to the end" "bye slow" "$(xargs <"$work/slow")"
finish
