#!/bin/sh
# What functions write stands in the host's journal where there is one, and
# cannot drown it.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
image=$(image busybox)

# A journal of ours, in a /run of the node's own.
cat >"$work/journald" <<'END'
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
with open(sys.argv[2], "a", buffering=1) as f:
    while True:
        f.write("|".join(s.recv(1 << 20).decode().splitlines()) + "\n")
END
: >"$work/heard"
/usr/bin/python3 "$work/journald" "$work/journal" "$work/heard" &
journald=$!
trap 'kill "$journald"; [ -z "${node:-}" ] || { kill "$node"; wait "$node"; }; rm -rf "$work"' EXIT
await [ -S "$work/journal" ]
chmod 666 "$work/journal"
cat >"$work/wrap" <<END
#!/bin/sh
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal && ln -s "$work/journal" /run/systemd/journal/socket || exit 1
[ -e "$work/alone" ] || export JOURNAL_STREAM=\$(stat -L -c %d:%i /dev/stderr)
exec "\$@"
END
chmod +x "$work/wrap"
node_prefix="unshare --mount $work/wrap"
node_start
function_of talks 'printf "one\033[2J\nMESSAGE=two\n" >&2; echo out'
expect "the reply" out "$(call "$talks")"
heard() {
	grep -q "$1" "$work/heard"
}
await heard "MESSAGE=MESSAGE=two$"
expect "a line" "PRIORITY=6|SYSLOG_IDENTIFIER=cella|CELLA_FUNCTION=$talks|CELLA_RUN=1-1|CELLA_STREAM=stderr|MESSAGE=one\\x1b[2J" \
    "$(grep 'MESSAGE=one' "$work/heard")"
expect "in the file too" 2 "$("$cella" logs "$talks" | wc -l)"
function_of floods 'i=0; while [ $i -lt 400 ]; do echo "line $i" >&2; i=$((i + 1)); done'
call "$floods"
await sh -c "[ \$(\"$cella\" logs \"$floods\" | wc -l) -eq 400 ]"
lines=$(grep -c "CELLA_FUNCTION=$floods" "$work/heard")
[ "$lines" -ge 1 ] && [ "$lines" -le 300 ] || fail "$lines of 400 lines in the journal"
call "$talks" >/dev/null
await sh -c "sleep 0.3; curl -s http://$http/vm/$talks >/dev/null; grep -q 'lines of functions are left out here' \"$work/heard\""
# A journal that is gone costs nothing.
kill "$journald"
expect "without it" out "$(call "$talks")"
node_stop
expect "end" 0 "$status"

# Where the standard error is something else, nobody is told.
: >"$work/heard"
: >"$work/alone"
rm "$work/journal"
/usr/bin/python3 "$work/journald" "$work/journal" "$work/heard" &
journald=$!
await [ -S "$work/journal" ]
chmod 666 "$work/journal"
node_start
expect "no journal" out "$(call "$talks")"
await sh -c "[ \$(\"$cella\" logs \"$talks\" | wc -l) -ge 6 ]"
expect "no line" "" "$(cat "$work/heard")"
node_stop
finish
