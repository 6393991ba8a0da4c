#!/bin/sh
# A disk that is full: what an input made of its state cannot be kept, so it
# waits, nothing of it is there, and it is done when there is room.
. "$abs_top_srcdir/tests/lib/node.sh"
need=tools
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
. "$abs_top_srcdir/tests/lib/session.sh"
mkdir "$work/d"
data=$("$cella" store add "$work/d" --as data)
echo_machine "$work/m" --notices=1 --state=/state/log
mkdir "$CELLA_STORE/sessions"
mount -t tmpfs -o size=512k cella-test "$CELLA_STORE/sessions"
trap '[ -z "${node:-}" ] || { kill "$node"; wait "$node"; }; umount "$CELLA_STORE/sessions"; rm -rf "$work"' EXIT
before=$(leaks)
session_node
export SEEN="$work/node.err"
expect "a full disk" "" "$(session no_room "$work/m" "$CELLA_STORE/sessions/fill")"
node_stop
gone
expect "left behind" "$before" "$after"
exit $((failures > 0))
