#!/bin/sh
# Runs a command as on a router: in a network namespace of its own that
# forwards, with an outside world beside it in another.  Nothing of the host's
# network is seen or changed, and both are gone when it ends.
#
#   outside   203.0.113.10 and 2001:db8::10 (the world), with servers at TCP
#             and UDP 80 and 81, and a resolver at UDP 53: lab_server.py
#             and behind it, routed: metadata and private addresses
#   router    203.0.113.1, 2001:db8::1, with a server at TCP 82
#
# usage: lab.sh COMMAND...   LAB_PID is the outside's, for nsenter(1)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ "${LAB_INSIDE:-no}" = no ]; then
	LAB_INSIDE=yes exec unshare -n sh "$here/lab.sh" "$@"
fi
export LC_ALL=C
sys=/proc/sys/net
ip link set lo up
echo 1 >$sys/ipv4/ip_forward
[ ! -e $sys/ipv6 ] || echo 1 >$sys/ipv6/conf/all/forwarding
pipe=$(mktemp -u "${TMPDIR:-/tmp}/cella-lab.XXXXXX")
mkfifo "$pipe" "$pipe.go"
exec 9<>"$pipe" # no reader of it ever sees an end
outside= local=
trap 'kill $outside $local 2>/dev/null; rm -f "$pipe" "$pipe.go"' EXIT
unshare -n /usr/bin/python3 "$here/lab_server.py" outside "$pipe.go" "$pipe" &
outside=$!
read -r line <&9 # it is in its namespace
ip link add lab0 type veth peer name lab1 netns $outside
out() {
	nsenter -t $outside -n "$@"
}
ip addr add 203.0.113.1/24 dev lab0
ip link set lab0 up
out ip link set lo up
out ip addr add 203.0.113.10/24 dev lab1
out ip link set lab1 up
for a in 203.0.113.80 169.254.169.254 100.100.100.200 168.63.129.16 10.9.9.9 10.1.2.3 \
    192.168.7.7 172.20.0.1 100.64.9.9 198.18.255.255 198.51.100.7; do
	out ip addr add $a/32 dev lo
	ip route add $a/32 via 203.0.113.10
done
if [ -e $sys/ipv6 ]; then
	ip addr add 2001:db8::1/64 dev lab0 nodad
	out ip addr add 2001:db8::10/64 dev lab1 nodad
	for a in fd00:ec2::254 fd20:ce::254 fd99::9 fd12:3456::7 2001:db8:9::9 64:ff9b::a9fe:a9fe; do
		out ip addr add $a/128 dev lo nodad
		ip route add $a/128 via 2001:db8::10
	done
fi
echo go >"$pipe.go"
read -r line <&9 # its servers listen
/usr/bin/python3 "$here/lab_server.py" router "$pipe" &
local=$!
read -r line <&9
LAB_PID=$outside LAB_INSIDE=no "$@" 9<&-
