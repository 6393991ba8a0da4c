#!/bin/sh
# The resolver of the tier networked: listed names, addresses that can be
# reached, and nothing that a hostile server or machine makes of it.
if [ -z "${LAB_PID:-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo "needs root"; exit 77; }
	exec sh "$abs_top_srcdir/tests/lib/lab.sh" sh "$0"
fi
. "$abs_top_srcdir/tests/lib/node.sh"
code=$("$cella" store add "$abs_top_builddir/tests/attack/attacker" --as code)
message "$work/x.json" seconds 20
sed 's/"environment":{}/"environment":{"internet":true}/; s/"entrypoint":"inside"/"entrypoint":"attacker"/' \
    "$work/x.json" >"$work/m.json"
policy() { # DNS
	printf 'version: 1\nnet:\n  mode: egress\n  allow:\n    - {cidr: 0.0.0.0/0, proto: tcp, ports: [80]}\n'
	printf '    - {cidr: "::/0", proto: tcp, ports: [80]}\n%s\n' "$1"
} >"$work/p.yaml"
ask() { # NAME...
	# shellcheck disable=SC2046 # words
	"$cella" run "$work/m.json" --policy "$work/p.yaml" --arg names $(printf -- '--arg %s ' "$@") 2>&1
}

policy '  dns: {names: [good.example, "*.good.example", rebind.example, mixed.example, many.example, twice.example, Loop.example], servers: [203.0.113.10]}'
out=$(ask good.example)
expect "a name in capitals is no rule" 1 "$(printf '%s' "$out" | grep -c '"Loop.example" is neither')"
policy '  dns: {names: [good.example, "*.good.example", rebind.example, mixed.example, many.example, twice.example], servers: [203.0.113.10]}'
expect "listed names" "good.example 1: code 0 203.0.113.10
good.example 28: code 0 2001:db8::10
good.example 16: code 0
good.example 65: code 0
alias.good.example 1: code 0 203.0.113.10
alias.good.example 28: code 0
alias.good.example 16: code 0
alias.good.example 65: code 0
no.good.example 1: code 3
no.good.example 28: code 3
no.good.example 16: code 0
no.good.example 65: code 0" "$(ask good.example alias.good.example no.good.example)"
expect "others" "other.example 1: code 5
other.example 28: code 5
other.example 16: code 5
other.example 65: code 5" "$(ask other.example)"
expect "addresses out of reach" "rebind.example 1: code 0
rebind.example 28: code 0
rebind.example 16: code 0
rebind.example 65: code 0
mixed.example 1: code 0 203.0.113.10
mixed.example 28: code 0 2001:db8::10
mixed.example 16: code 0
mixed.example 65: code 0" "$(ask rebind.example mixed.example)"
expect "an answer too long" 28 "$(ask many.example | sed -n 's/^many.example 1: code 0//p' | wc -w)"
expect "forged answers before the true one" "twice.example 1: code 0 203.0.113.10" "$(ask twice.example | head -n 1)"

policy '  dns: {names: ["*"], servers: [203.0.113.10]}'
expect "all names, and one with an endless answer" "other.example 1: code 0 203.0.113.10
loop.example 1: code 2" "$(ask other.example loop.example | grep ' 1:')"
# Nobody answers at the first server: the second one does.
policy '  dns: {names: ["*"], servers: [203.0.113.1, "2001:db8::10"]}'
expect "another server, by IPv6" "good.example 1: code 0 203.0.113.10" "$(ask good.example | head -n 1)"
policy ''
expect "no resolver" "good.example 1: silence" "$(ask good.example | head -n 1)"
expect "nothing of ours is left" "" "$(nft list tables; pgrep -x cella-dns)"

# What answers is closed in: no file, no program, another id.
policy '  dns: {names: ["*"], servers: [203.0.113.10]}'
mkfifo "$work/fifo"
"$cella" run "$work/m.json" --policy "$work/p.yaml" --arg listener --arg 8080 >"$work/fifo" 2>/dev/null &
run=$!
exec 3<"$work/fifo"
while read -r said <&3 && [ "$said" != "listen: ok" ]; do :; done
dns=$(pgrep -x cella-dns)
expect "filter" 2 "$(awk '/^Seccomp:/ { print $2 }' "/proc/$dns/status")"
expect "capabilities" 0000000000000000 "$(awk '/^CapPrm:/ { print $2 }' "/proc/$dns/status")"
expect "id" 1999999999 "$(awk '/^Uid:/ { print $2 }' "/proc/$dns/status")"
# Without it, names cannot be looked up; the machine runs on and ends as ever.
kill -9 "$dns"
kill "$run"
wait "$run"
expect "ended" 143 $?
finish
