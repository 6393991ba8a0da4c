#!/bin/sh
# More functions, and more senders, than a node keeps at hand: what is not
# used makes room, and nothing grows with their number.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
printf '#!/bin/sh\nid -u\ncat\n' >"$work/echo"
ref=$("$cella" store add "$work/echo" --as code)
image=$(image busybox)
node_start
# By one connection: a process for each would take longer than the node.
n=600
[ -z "${CELLA_BRIEF:-}" ] || n=100
for i in $(seq $n); do
	cat >"$work/$i.json" <<END
{"type":"vm-function","address":"0x00","time":$i,"allow_amend":false,
 "environment":{},"resources":{"memory":64,"seconds":10},
 "code":{"encoding":"plain","entrypoint":"echo","ref":"$ref","interface":"exec"},
 "runtime":{"ref":"$image","comment":""},"on":{"http":true}}
END
	printf 'url = "http://x/control/messages"\ndata-binary = "@%s"\noutput = "%s"\nnext\nunix-socket = "%s"\n' \
	    "$work/$i.json" "$work/$i.out" "$CELLA_STORE/control.sock"
done >"$work/publish"
{ echo "unix-socket = \"$CELLA_STORE/control.sock\""; sed '$d' "$work/publish" | sed '$d'; } >"$work/publish.curl"
curl -s -K "$work/publish.curl" || fail "publishing"
hashes=$(sed -n 's/.*"item_hash":"\([0-9a-f]*\)".*/\1/p' "$work"/*.out | sort -u)
expect "published" $n "$(echo "$hashes" | wc -l)"
# Each once, at random; then some of them again, by others than came last.
for some in $n 300; do
	echo "$hashes" | shuf --random-source="$cella" | head -n "$some" >"$work/some"
	while read -r h; do
		printf 'url = "http://%s/vm/%s"\ndata = "%s"\nnext\n' "$http" "$h" "$h"
	done <"$work/some" | sed '$d' >"$work/call.curl"
	curl -s -K "$work/call.curl" >"$work/answers" || fail "calls of $some"
	expect "answers of $some" "$(sort "$work/some")" "$(sed 's/^1000$//' "$work/answers" | grep -o '[0-9a-f]\{64\}' | sort)"
done
[ "$(wc -l <"/proc/$(child cella-core)/maps")" -lt 500 ] || fail "core has many mappings"
[ "$(ls "/proc/$(child cella-core)/fd" | wc -l)" -lt 1500 ] || fail "core has many descriptors"
grep -v 'published$\|exit 0\|audit checkpoint' "$work/node.err" && fail "not all went well"
node_stop
expect "end" 0 "$status"
finish
