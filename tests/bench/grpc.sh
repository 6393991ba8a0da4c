#!/bin/sh
# "make bench-grpc": calls of gRPC to a node on the loopback, with the load
# generator on the same CPUs, beside a bare nghttp2 server in the same run.
# Prints the table of docs/performance.md.
set -eu
work=$(mktemp -d)
chmod 755 "$work"
node= bare=
stop() {
	[ -z "$bare" ] || kill "$bare"
	[ -z "$node" ] || { kill "$node"; wait "$node" || :; }
	rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM
seconds=${SECONDS_EACH:-4}
turns=${TURNS:-5}
"$abs_top_builddir/cellad" --state-dir "$work/store" --grpc 127.0.0.1:0 >"$work/out" 2>"$work/err" &
node=$!
"$abs_top_builddir/tests/bench/bare_grpc" >"$work/bare" &
bare=$!
until grep -q '^ready$' "$work/out" && [ -s "$work/bare" ]; do sleep 0.1; done
printf '\0\0\0\0\0' >"$work/request"

# load CONNECTIONS STREAMS HOST:PORT: calls a second.
load() {
	h2load -c "$1" -m "$2" -D "$seconds" -d "$work/request" -H 'content-type: application/grpc' -H 'te: trailers' \
	    "http://$3/grpc.health.v1.Health/Check" |
	    awk '/^finished/ { r = $4 } /^status codes: 0/ { bad = 1 } / [1-9][0-9]* (failed|errored)/ { bad = 1 }
		END { if (bad || r == "") exit 1; print r }'
}
median() {
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}
for _ in $(seq "$turns"); do
	for shape in '8 16' '64 8' '1 1'; do
		# shellcheck disable=SC2086 # two numbers
		load $shape "127.0.0.1:$(cat "$work/bare")" >>"$work/bare.${shape% *}"
		# shellcheck disable=SC2086 # two numbers
		load $shape "$(sed -n 's/^grpc //p' "$work/out")" >>"$work/node.${shape% *}"
	done
done
echo "| unary calls | bare nghttp2, a second | front, a second | ratio | target |"
echo "|---|---|---|---|---|"
for shape in '8 16' '64 8' '1 1'; do
	b=$(median <"$work/bare.${shape% *}")
	n=$(median <"$work/node.${shape% *}")
	echo "| ${shape% *} connections, ${shape#* } streams each | $b | $n | $(echo "$n $b" | awk '{ printf "%.2f", $1 / $2 }') | 0.7 |"
done
