# Machines with a state, for scripts that drive them: sourced after node.sh (and
# tools.sh) and cellad.sh.

echo_code=$("$cella" store add "$abs_top_builddir/examples/echo/echo" --as code)
PROTOS=$abs_top_srcdir/messages/proto
export PROTOS

# echo_machine DIR [OPTION...]: of examples/echo, with these options; its state
# is at /state if $data is the reference of one, and --config $config.
echo_machine() {
	dir=$1 args=
	shift
	for arg; do args="$args${args:+,}\"$arg\""; done
	message "$work/echo.json" more "${data:+,\"data\":{\"encoding\":\"tar.gzip\",\"mount\":\"/state\",\"ref\":\"$data\",\"use_latest\":false\}}${variables:-}"
	sed -i "s|\"entrypoint\":\"inside\",\"ref\":\"$code\",\"interface\":\"exec\"|\"entrypoint\":\"echo\",\"ref\":\"$echo_code\",\"interface\":\"channel\",\"args\":[$args]|" "$work/echo.json"
	"$cella" machine create ${config:+--config "$config"} "$work/echo.json" "$dir" >/dev/null || fail "machine $dir"
}

# A node with gRPC; sets grpc.
session_node() {
	node_start --grpc 127.0.0.1:0 "$@"
	grpc=$(sed -n 's/^grpc //p' "$work/node.out")
}

# session FUNCTION [ARGUMENT]...: of tests/session/checks.py, against the node.
session() {
	/usr/bin/python3 "$abs_top_srcdir/tests/session/checks.py" "$grpc" "$@" 2>&1
}
