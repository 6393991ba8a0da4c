#!/bin/sh
# A node whose functions have a way out: whoever asks and is allowed looks up
# names, whoever did not ask has none, and when the resolver dies its machines
# end and the next ones are served again.
if [ -z "${LAB_PID:-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo "needs root"; exit 77; }
	exec sh "$abs_top_srcdir/tests/lib/lab.sh" sh "$0"
fi
. "$abs_top_srcdir/tests/lib/node.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
code=$("$cella" store add "$abs_top_builddir/tests/attack/attacker" --as code)
cat >"$work/p.yaml" <<'END'
version: 1
net:
  mode: egress
  allow:
    - {cidr: 0.0.0.0/0, proto: tcp, ports: [80]}
  dns: {names: [good.example], servers: [203.0.113.10]}
END
# function NAME INTERNET ARG...: publishes; sets $NAME.
function() {
	name=$1 internet=$2
	shift 2
	args=$(printf '"%s",' "$@")
	cat >"$work/m.json" <<END
{"type":"vm-function","address":"0x00","time":1,"allow_amend":false,
 "environment":{"internet":$internet},"resources":{"memory":64,"seconds":20},
 "code":{"encoding":"plain","entrypoint":"attacker","ref":"$code","interface":"exec","args":[${args%,}]},
 "runtime":{"ref":"$runtime","comment":"none"},"on":{"http":true}}
END
	eval "$name=\$(\"\$cella\" publish \"\$work/m.json\")"
}
node_start --policy "$work/p.yaml"
function asks true names good.example other.example
function closed false names good.example
function hangs true hang sleep
names="good.example 1: code 0 203.0.113.10"
expect "a listed name" "$names" "$(call "$asks" | head -n 1)"
expect "another" "other.example 1: code 5" "$(call "$asks" | sed -n 5p)"
case $(call "$closed" | head -n 1) in
*"code 0"*) fail "who did not ask looks up names" ;;
esac
curl -s -m 60 "http://$http/vm/$hangs" >"$work/hung" 2>&1 &
caller=$!
serving() {
	[ "$("$cella" ps --json | grep -c '"state": "serving"')" -eq "$1" ]
}
await serving 1
old=$(child cella-dns)
kill -9 "$old"
await serving 0
wait $caller
again() {
	[ "$(call "$asks" | head -n 1)" = "$names" ]
}
await again
node_stop
expect "end" 0 "$status"
finish
