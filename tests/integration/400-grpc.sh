#!/bin/sh
# gRPC on a port of its own: health, what is offered, statuses, deadlines, and
# an orderly end, for two clients that others wrote.
. "$abs_top_srcdir/tests/lib/node.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
. "$abs_top_srcdir/tests/lib/npm.sh"

checks() {
	"$abs_top_srcdir/tests/node/grpc_checks.py" "$@" 2>&1
}
node_start --grpc 127.0.0.1:0
grpc=$(sed -n 's/^grpc //p' "$work/node.out")
expect "python" "" "$(checks "$grpc")"

# The end of a node: whoever watches is told.
: >"$work/js" # it is there when tail looks
(cd "$modules" && exec node "$abs_top_srcdir/tests/oracle/grpc.mjs" "$grpc" >"$work/js" 2>&1) &
js=$!
tail --pid="$js" -n +1 -f "$work/js" 2>/dev/null | grep -q -m 1 '^watching$' || fail "npm's client: $(cat "$work/js")"
node_stop
expect "the node's end" 0 "$status"
wait "$js"
expect "npm's client" "0801,5 Service not found,12 unknown method,8 a message of 5000 bytes, and no more than 1024 are taken,300,100,0801,watching,0802,14 the node ends" \
    "$(paste -sd, "$work/js")"

# A socket in the file system.
node_start --grpc "unix:$work/grpc.sock"
contains "it says where" "grpc unix:$work/grpc.sock" "$(cat "$work/node.out")"
expect "only its owner's" 600 "$(stat -c %a "$work/grpc.sock")"
expect "python, over it" "" "$(checks "unix:$work/grpc.sock")"
node_stop
[ -e "$work/grpc.sock" ] && fail "the socket is left"
for wrong in localhost:1 unix:x unix: 1.2.3.4 ""; do
	"${cella}d" --state-dir "$CELLA_STORE" --grpc "$wrong" 2>/dev/null
	expect "at '$wrong'" 64 $?
done
finish
