#!/bin/sh
# "make bench-node": a node over HTTP on the loopback, with the load generator
# on the same CPUs.  Prints the tables of docs/performance.md.
set -eu
command -v wrk >/dev/null || {
	echo "bench-node: the load generator is missing: apt-get install wrk" >&2
	exit 1
}
work=$(mktemp -d)
chmod 755 "$work"
cella=$abs_top_builddir/cella
export CELLA_STORE="$work/store"
node= bare=
stop() {
	[ -z "$bare" ] || kill "$bare"
	[ -z "$node" ] || { kill -INT "$node"; wait "$node" || :; }
	rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM
seconds=${SECONDS_EACH:-4}
turns=${TURNS:-5}

printf 'void _start(void) { __asm__("mov $231, %%eax\\n\\txor %%edi, %%edi\\n\\tsyscall"); }\n' >"$work/noop.c"
gcc -O2 -static -nostdlib -o "$work/noop" "$work/noop.c"
runtime=$("$cella" image build scratch 2>/dev/null)
code=$("$cella" store add "$work/noop" --as code)
cat >"$work/m.json" <<END
{"type":"vm-function","address":"0x00","time":1,"allow_amend":false,
 "environment":{},"resources":{"memory":64,"seconds":5},
 "code":{"encoding":"plain","entrypoint":"noop","ref":"$code","interface":"exec"},
 "runtime":{"ref":"$runtime","comment":""},"on":{"http":true}}
END
sed "s/$code/$("$cella" store add "$abs_top_builddir/tests/bench/warm_server" --as code)/; s/noop/warm_server/; s/\"exec\"/\"binary\"/" \
    "$work/m.json" >"$work/warm.json"
printf 'version: 1\nwarm: {functions: ["*"]}\n' >"$work/policy.yaml"
chmod 600 "$work/policy.yaml"
"${cella}d" --state-dir "$CELLA_STORE" --http 127.0.0.1:0 --policy "$work/policy.yaml" >"$work/out" 2>"$work/err" &
node=$!
"$abs_top_builddir/tests/bench/bare" >"$work/bare" &
bare=$!
until grep -q '^ready$' "$work/out" && [ -s "$work/bare" ]; do sleep 0.1; done
http=$(sed -n 's/^http //p' "$work/out")
hash=$("$cella" publish "$work/m.json")
warm=$("$cella" publish "$work/warm.json")

# load CONNECTIONS URL: requests a second, median and 99th percentile in ms.
load() {
	wrk -t1 -c"$1" -d"$seconds" --latency "$2" | awk '
	    function ms(t) { return t ~ /us$/ ? t / 1000 : t ~ /ms$/ ? t + 0 : t * 1000 }
	    /50%/ { m = ms($2) } /99%/ { p = ms($2) } /Requests\/sec/ { r = $2 }
	    /Non-2xx/ { bad = 1 } END { if (bad) exit 1; print r, m, p }'
}
median() {
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}
column() { # FILE NUMBER
	awk -v n="$2" '{ print $n }' "$1" | median
}
for _ in $(seq "$turns"); do
	load 16 "http://127.0.0.1:$(cat "$work/bare")/" >>"$work/r.bare"
	load 16 "http://$http/healthz" >>"$work/r.health"
	h2load -c 16 -m 8 -D "$seconds" "http://$http/healthz" | awk '/^finished/ { print $4, "-", "-" }' >>"$work/r.h2"
	load 16 "http://$http/vm/$warm" >>"$work/r.warm"
	for c in 1 4 16; do
		load $c "http://$http/vm/$hash" >>"$work/r.$c"
	done
done
echo "| what | requests a second | median, p99, ms | ratio | target |"
echo "|---|---|---|---|---|"
row() { # NAME FILE RATIO TARGET
	echo "| $1 | $(column "$2" 1) | $(column "$2" 2), $(column "$2" 3) | $3 | $4 |"
}
row "libmicrohttpd alone, 16 connections" "$work/r.bare" 1.00 ""
row "front alone, /healthz, 16 connections" "$work/r.health" \
    "$(echo "$(column "$work/r.health" 1) $(column "$work/r.bare" 1)" | awk '{ printf "%.2f", $1 / $2 }')" 0.45
row "the same by HTTP/2, 8 streams each" "$work/r.h2" \
    "$(echo "$(column "$work/r.h2" 1) $(column "$work/r.bare" 1)" | awk '{ printf "%.2f", $1 / $2 }')" ""
row "warm binary, 16 connections" "$work/r.warm" "" "8,000 a second, p99 20 ms"
row "fresh exec, 1 connection" "$work/r.1" "" "median 4 ms"
row "fresh exec, 4 connections" "$work/r.4" "" "400 a second"
row "fresh exec, 16 connections" "$work/r.16" "" "400 a second"
