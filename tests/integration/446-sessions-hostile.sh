#!/bin/sh
# Machines that leave in their state, or say on their channel, what they may
# not: an exception of the input, or its end, and never the node's.
. "$abs_top_srcdir/tests/lib/node.sh"
need="tools busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
. "$abs_top_srcdir/tests/lib/session.sh"
export cella
busybox=$(image busybox)
cat >"$work/app" <<'END'
#!/bin/sh
x=$(rollup accept)
while :; do
	cd /state
	command=$(printf %s "$x" | sed 's/.*"payload":"\(.*\)"}}$/\1/; s/\\\\/\\/g')
	eval "$command" >/tmp/out 2>&1
	status=$?
	cd /state
	printf '{"payload":"%s"}' "$status $(head -c 200 /tmp/out | tr -d '"\\\n')" | rollup report
	x=$(rollup accept) || exit 7
done
END
mkdir "$work/d"
data=$("$cella" store add "$work/d" --as data)
app=$("$cella" store add "$work/app" --as code)
message "$work/m.json" more ",\"data\":{\"encoding\":\"tar.gzip\",\"mount\":\"/state\",\"ref\":\"$data\",\"use_latest\":false}"
sed -i "s/\"entrypoint\":\"inside\",\"ref\":\"$code\",\"interface\":\"exec\"/\"entrypoint\":\"app\",\"ref\":\"$app\",\"interface\":\"channel\"/; s/\"ref\":\"$runtime\"/\"ref\":\"$busybox\"/" "$work/m.json"
"$cella" machine create "$work/m.json" "$work/m" >/dev/null || fail create
session_node
expect "hostile" "" "$(session hostile "$work/m")"
node_stop
finish
