#!/bin/sh
# The tier networked: a machine reaches what the admin listed and nothing else,
# by either family; nobody reaches it; rules stand before the link does.
if [ -z "${LAB_PID:-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo "needs root"; exit 77; }
	exec sh "$abs_top_srcdir/tests/lib/lab.sh" sh "$0"
fi
. "$abs_top_srcdir/tests/lib/node.sh"
code=$("$cella" store add "$abs_top_builddir/tests/attack/attacker" --as code)
message "$work/x.json"
sed 's/"environment":{}/"environment":{"internet":true}/; s/"entrypoint":"inside"/"entrypoint":"attacker"/' \
    "$work/x.json" >"$work/m.json"
policy() { # ALLOW-ENTRY...
	printf 'version: 1\nnet:\n  mode: egress\n  allow:\n'
	for p in "$@"; do printf '    - %s\n' "$p"; done
}
ours() { # what is ours in the router's network
	nft list tables
	ip -o link | grep -o 'cella[0-9.]*'
}
# reach WAIT TARGET...: what each says, in the order of the targets.
reach() {
	wait=$1
	shift
	set -- $(printf -- '--arg %s ' "$@")
	"$cella" run "$work/m.json" --policy "$work/p.yaml" --arg way-out --arg "$wait" "$@" 2>&1 | sort
}
each() { # ANSWER TARGET...: the lines that say so
	answer=$1
	shift
	printf "%s: $answer\n" "$@" | sort
}
mkfifo "$work/fifo"
listens() { # the machine that writes to the fifo does
	exec 3<"$work/fifo"
	while read -r said <&3; do
		[ "$said" != "listen: ok" ] || break
	done
}

policy '{cidr: 203.0.113.10, proto: tcp, ports: [80]}' '{cidr: "2001:db8::/64", proto: tcp, ports: [80]}' \
    '{cidr: 203.0.113.0/28, proto: udp, ports: ["81-90"]}' >"$work/p.yaml"
expect "listed, by IPv4" "$(each "seen 203.0.113.1" tcp/203.0.113.10/80 udp/203.0.113.10/81)" \
    "$(reach 2000 tcp/203.0.113.10/80 udp/203.0.113.10/81)"
expect "listed, by IPv6" "$(each "seen 2001:db8::1" tcp/2001:db8::10/80)" "$(reach 2000 tcp/2001:db8::10/80)"
others="tcp/203.0.113.10/81 tcp/203.0.113.80/80 udp/203.0.113.10/80 udp/203.0.113.80/81 tcp/2001:db8::10/81
udp/2001:db8::10/80 tcp/203.0.113.1/82 tcp/2001:db8::1/82 udp/203.0.113.10/53 tcp/2001:db8:9::9/80"
expect "what is not listed" "$(each silence $others)" "$(reach 700 $others)"

# Wide lists open neither metadata nor private networks; what is listed by name is.
policy '{cidr: 0.0.0.0/0, proto: tcp, ports: ["1-65535"]}' '{cidr: "::/0", proto: tcp, ports: ["1-65535"]}' \
    '{cidr: 10.1.2.0/24, proto: tcp, ports: [80]}' '{cidr: "fd12:3456::/32", proto: tcp, ports: [80]}' >"$work/p.yaml"
never="tcp/169.254.169.254/80 tcp/100.100.100.200/80 tcp/168.63.129.16/80 tcp/198.18.255.255/80 tcp/fd00:ec2::254/80
tcp/fd20:ce::254/80 tcp/64:ff9b::a9fe:a9fe/80 tcp/203.0.113.1/82 tcp/2001:db8::1/82"
private="tcp/10.9.9.9/80 tcp/192.168.7.7/80 tcp/172.20.0.1/80 tcp/100.64.9.9/80 tcp/fd99::9/80"
expect "never, and private" "$(each silence $never $private)" "$(reach 700 $never $private)"
open="tcp/203.0.113.10/80 tcp/198.51.100.7/80 tcp/10.1.2.3/80"
expect "wide, and a private network that is listed" "$(each "seen 203.0.113.1" $open)" "$(reach 2000 $open)"
open6="tcp/2001:db8:9::9/81 tcp/fd12:3456::7/80"
expect "the same by IPv6" "$(each "seen 2001:db8::1" $open6)" "$(reach 2000 $open6)"
expect "nothing of ours is left" "" "$(ours)"

# Who did not ask has no way out, whatever the policy allows.
message "$work/no.json"
sed -i 's/"entrypoint":"inside"/"entrypoint":"attacker"/' "$work/no.json"
expect "without asking" "tcp/203.0.113.10/80: ENETUNREACH" \
    "$("$cella" run "$work/no.json" --policy "$work/p.yaml" --arg way-out --arg 500 --arg tcp/203.0.113.10/80)"
out=$("$cella" run "$work/m.json" 2>&1)
expect "asked and not allowed" 125 $?
contains "asked and not allowed" "environment.internet: asked true, allowed loopback by rule net.mode of the tier" "$out"

# While one runs: nobody reaches it, the counters tell, its rules came first.
strace -f -qq -e trace=sendto,sendmsg -o "$work/trace" \
    "$cella" run "$work/m.json" --policy "$work/p.yaml" --arg listener --arg 8080 >"$work/fifo" 2>/dev/null &
run=$!
listens
contains "a link" "cella0." "$(ours)"
contains "a table" "table inet cella-0" "$(ours)"
connect() { # ADDRESS [PREFIX...]: its listener answers
	to=$1
	shift
	"$@" /usr/bin/python3 -c "import socket; socket.create_connection(('$to', 8080), 0.5)" 2>/dev/null
}
# The first machine of the first launcher: sandbox/net_plan.h.
for to in 198.18.0.1 fdce:11a0:ce11::1; do
	! connect $to env || fail "the host reaches $to"
done
nsenter -t "$LAB_PID" -n ip route add 198.18.0.0/15 via 203.0.113.1
nsenter -t "$LAB_PID" -n ip -6 route add fdce:11a0:ce11::/48 via 2001:db8::1
for to in 198.18.0.1 fdce:11a0:ce11::1; do
	! connect $to nsenter -t "$LAB_PID" -n || fail "the world reaches $to"
done
nft list chain inet cella-0 output | grep 'counter packets [1-9]' >/dev/null || fail "nothing was dropped on the way in"
kill "$(pgrep -P $run)" # the command, not who traces it
wait $run
# By name, or by number where the tracer cannot tell what kind of socket it is.
rules=$(grep -n -e NFT_MSG_NEWSETELEM -e 'nlmsg_type=0xa0c' "$work/trace" | head -n 1 | cut -d: -f1)
up=$(grep -n -e 'RTM_NEWLINK.*ifi_flags=IFF_UP' \
    -e 'nlmsg_type=0x10 .*"\\x00\\x00\\x00\\x00\\x..\\x00\\x00\\x00\\x01\\x00\\x00\\x00' "$work/trace" |
    head -n 1 | cut -d: -f1)
[ -n "$rules" ] && [ -n "$up" ] && [ "$rules" -lt "$up" ] || fail "rules at $rules, link up at $up"

# A killed launcher: its machine is dead, the rules stand until the next one.
"$cella" run "$work/m.json" --policy "$work/p.yaml" --arg listener --arg 8080 >"$work/fifo" 2>/dev/null &
run=$!
listens
for p in /proc/[0-9]*; do
	[ "$(cat "$p/comm" 2>/dev/null)" = cella-launcher ] && kill -9 "${p#/proc/}"
done
wait $run
contains "rules outlive their launcher" "table inet cella-0" "$(nft list tables)"
expect "the next one clears up and runs" "tcp/203.0.113.10/80: seen 203.0.113.1" "$(reach 2000 tcp/203.0.113.10/80)"
expect "nothing is left of either" "" "$(ours)"

# Somebody loads a firewall anew, which flushes every table: nothing runs on.
"$cella" run "$work/m.json" --policy "$work/p.yaml" --arg listener --arg 8080 >"$work/fifo" 2>"$work/err" &
run=$!
listens
nft add table inet other
kill -0 $run || fail "a table of others ended it"
nft flush ruleset
wait $run
expect "without rules" 125 $?
contains "without rules" "somebody else changed the rules in table cella-0" "$(cat "$work/err")"
expect "nothing is left of that" "" "$(ours)"

# A host that forwards nothing is told so, by the doctor too.
contains "doctor" "forwarding IPv4      available" "$("$cella" doctor)"
echo 0 >/proc/sys/net/ipv4/ip_forward
out=$("$cella" run "$work/m.json" --policy "$work/p.yaml" --arg way-out --arg 1 2>&1)
expect "no forwarding" 125 $?
contains "doctor" "forwarding IPv4      degraded" "$("$cella" doctor)"
contains "no forwarding" "this host forwards nothing (net.ipv4.ip_forward is 0)" "$out"
expect "nothing is left of that" "" "$(ours)"
finish
