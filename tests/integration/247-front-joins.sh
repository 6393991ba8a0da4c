#!/bin/sh
# The process that callers reach may be somebody else's to start: it joins the
# node, is one at a time, and another follows it.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
image=$(image busybox)
id=1999999998 door=$work/front.sock

# As its unit has it: an id of its own, one capability, no network.
front() {
	exec ${net-unshare -n} env -i setpriv --reuid "$id" --regid "$id" --clear-groups \
	    --bounding-set -all,+sys_chroot --inh-caps -all,+sys_chroot --ambient-caps +sys_chroot "$abs_top_builddir/cella-front" --join "${1:-$door}" 7>&- 8>&- 9>&-
}
# served PID: it has what a front needs.
served() {
	[ "$(ls "/proc/$1/fd" | wc -l)" -gt 6 ]
}
joined() {
	[ "$(cat "/proc/$1/comm")" = cella-front ] && ls -l "/proc/$1/fd" | grep -q '3 -> socket' && ! served "$1"
}

node_start --front "$door"
contains "it says where" "front $door" "$(cat "$work/node.out")"
expect "nobody starts one" "" "$(child cella-front)"
expect "only its owner joins" "600 0" "$(stat -c '%a %u' "$door")"
chown "$id" "$door"
# A name that looks like the headings of the kernel's list hides nothing.
cat >"$work/piped.sh" <<'END2'
ip link add name 'a|b' type veth peer name c && ip link set 'a|b' up && exec "$@"
END2
contains "an odd name" "has a|b, and it may not leave" "$( (net="timeout 20 unshare -n sh $work/piped.sh" && front) 2>&1)"
# One that is not alone is not served, and the next one is.
contains "a network that leads elsewhere" "and it may not leave" "$( (net='timeout 20' && front) 2>&1)"

function_of hello 'sleep 0.2; echo hello' >"$work/publish" 2>&1 &
publish=$!
(front) 2>>"$work/front.err" &
first=$!
await served "$first"
wait "$publish"
function_of hello 'echo hello'
expect "a call" "hello 200" "$(call "$hello") $(status)"
expect "who it is" "$id" "$(stat -c %u "/proc/$first")"
expect "it has no privilege" "0000000000000000" "$(sed -n 's/^CapEff:\t//p' "/proc/$first/status")"
expect "its root is empty" "" "$(ls -A "/proc/$first/root/")"

# The second waits until the first has ended.
(front) 2>>"$work/front.err" &
second=$!
await joined "$second"
expect "a call" hello "$(call "$hello")"
joined "$second" || fail "two are served"
kill -KILL "$first"
await served "$second"
expect "after a kill" "hello 200" "$(call "$hello") $(status)"
contains "it is told" "which had joined, has ended" "$(cat "$work/node.err")"

# It ends with core, and the next one joins the next core.
kill -KILL "$(child cella-core)"
wait "$second"
(front) 2>>"$work/front.err" &
third=$!
await served "$third"
expect "after core's end" "hello 200" "$(call "$hello") $(status)"

# What is being served is served to the end.
function_of slow 'echo begun >&2; sleep 1; echo slow' seconds 20
call "$slow" >"$work/slow" &
caller=$!
serving() {
	"$cella" ps --json | grep -q '"state": "serving"'
}
await serving
node_stop
wait "$caller"
expect "drained" "slow 0" "$(cat "$work/slow") $status"
wait "$third"
expect "its end" 0 $?
[ ! -e "$door" ] || fail "its socket stays"

# Who is no node is not joined.
cat >"$work/fake.py" <<'END2'
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind(sys.argv[1])
s.listen()
print("listens", flush=True)
s.accept()[0].recv(1)
END2
mkdir -m 777 "$work/theirs"
setpriv --reuid 12345 --clear-groups /usr/bin/python3 "$work/fake.py" "$work/theirs/sock" >"$work/fake" &
fake=$!
await grep -q listens "$work/fake"
chmod 777 "$work/theirs/sock"
contains "a stranger's" "uid 12345's, which is no node" "$( (front "$work/theirs/sock") 2>&1)"
contains "nobody's" "No such file" "$( (front "$work/theirs/none") 2>&1)"
wait "$fake"
finish
