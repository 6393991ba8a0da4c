# A node for a script: sourced after node.sh (and tools.sh).  Its state is the
# script's store.

# node_start [OPTION...]: waits until it is ready; sets node and http.
node_start() {
	: >"$work/node.out" # it is there when tail looks
	"${cella}d" --state-dir "$CELLA_STORE" --http 127.0.0.1:0 "$@" \
	    >"$work/node.out" 2>>"$work/node.err" 7>&- 8>&- 9>&- &
	node=$!
	tail --pid="$node" -n +1 -f "$work/node.out" 2>/dev/null | grep -q -m 1 '^ready$' || {
		echo "the node does not start"
		cat "$work/node.err"
		exit 1
	}
	http=$(sed -n 's/^http //p' "$work/node.out")
}

# node_stop [SIGNAL]: sets status.
node_stop() {
	kill "-${1:-TERM}" "$node"
	wait "$node"
	status=$?
	node=
}
# Not INT, which a shell lets what runs in the background ignore at first.
trap '[ -z "${node:-}" ] || { kill "$node"; wait "$node"; }; rm -rf "$work"' EXIT

# call HASH[/PATH] [CURL-OPTION...]: the body; the status goes to $work/status.
call() {
	path=$1
	shift
	curl -s -m 60 --path-as-is -w '%{http_code}' -D "$work/head" -o "$work/body" \
	    "$@" "http://$http/vm/$path" >"$work/status"
	cat "$work/body"
}
status() {
	cat "$work/status"
}

# child NAME: the process ids of the node's children of that name.
child() {
	ps -o pid=,comm= --ppid "$node" | awk -v n="$1" '$2 == n { print $1 }'
}

# Waits until a command succeeds, 20 s at most.
await() {
	for _ in $(seq 400); do
		"$@" && return
		sleep 0.05
	done
	fail "in vain: $*"
}
