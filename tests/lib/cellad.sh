# A node for a script: sourced after node.sh (and tools.sh).  Its state is the
# script's store.

# node_start [OPTION...]: waits until it is ready; sets node and http.  What is
# in node_prefix is put before the program, and ends in an exec of it.
node_start() {
	: >"$work/node.out" # it is there when tail looks
	${node_prefix:-} "${cella}d" --state-dir "$CELLA_STORE" --http 127.0.0.1:0 "$@" \
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

# node_kill: of all its processes at once, and until they are gone.
node_kill() {
	killed="$node $(ps -o pid= --ppid "$node")"
	kill -9 $killed
	wait "$node" 2>/dev/null
	node=
	for p in $killed; do
		while grep -qs '^State:	[^ZX]' "/proc/$p/status"; do sleep 0.01; done
	done
}
# Not INT, which a shell lets what runs in the background ignore at first.
trap '[ -z "${node:-}" ] || { kill "$node"; wait "$node"; }; rm -rf "$work"' EXIT

# function_of NAME TEXT [KEY VALUE]...: publishes an exec function that runs this
# shell script, and sets $NAME to its hash.  Keys: http, on (more of it, raw
# JSON with a leading comma), seconds.  Wants an image in $image.
function_of() {
	name=$1 text=$2
	shift 2
	on_http=true on= seconds=10
	while [ $# -gt 0 ]; do
		case $1 in
		http) on_http=$2 ;;
		on) on=$2 ;;
		seconds) seconds=$2 ;;
		*) echo "function_of: $1?"; exit 1 ;;
		esac
		shift 2
	done
	printf '#!/bin/sh\n%s\n' "$text" >"$work/$name"
	code_ref=$("$cella" store add "$work/$name" --as code)
	cat >"$work/$name.json" <<END
{"type":"vm-function","address":"0x00","time":1,"allow_amend":false,
 "environment":{},"resources":{"memory":64,"seconds":$seconds},
 "code":{"encoding":"plain","entrypoint":"$name","ref":"$code_ref","interface":"exec"},
 "runtime":{"ref":"$image","comment":""},"on":{"http":$on_http$on}}
END
	eval "$name=\$(\"\$cella\" publish \"\$work/$name.json\")"
}

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

# runs HASH STATE: how many of a function are in it; none HASH: in any.
runs() {
	"$cella" ps --json | tr -d ' \n' | grep -o "\"item_hash\":\"$1\",\"trigger\":\"[a-z]*\",\"state\":\"$2\"" | wc -l
}
none() {
	[ "$(runs "$1" '[a-z]*')" -eq 0 ]
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
