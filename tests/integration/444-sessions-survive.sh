#!/bin/sh
# kill -9 of any process of the node: sessions, epochs and proofs are as before,
# what waited is done once, and ends where it would have without.
. "$abs_top_srcdir/tests/lib/node.sh"
need=tools
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
. "$abs_top_srcdir/tests/lib/session.sh"
mkdir "$work/d"
data=$("$cella" store add "$work/d" --as data)
echo_machine "$work/m" --vouchers=1 --notices=1 --state=/state/log
session_node
expect "start" "" "$(session started s "$work/m")"
expect "start" "" "$(session started undisturbed "$work/m")"
expect "input" "" "$(session feed undisturbed 0 0 30)"
expect "done" "" "$(session settled undisturbed 0 30)"
at=0
for who in cella-files cella-core cella-launcher cella-front cella-prepare; do
	expect "$who: input" "" "$(session feed s 0 $at 6)"
	at=$((at + 6))
	kill -9 $(child "$who")
	port=${grpc#*:}
	expect "$who: done" "" "$(session settled s 0 $at)"
done
expect "the same" "" "$(session save "$work/a" s)"
node_kill
# The one before it may be a moment in dying.
exec 5>>"$CELLA_STORE/audit/key"
flock -n 5
sleep 0.3 &
exec 5>&-
session_node
expect "after a restart" "" "$(session same "$work/a" s)"
expect "where it would be" "" "$(/usr/bin/python3 - <<END
import sys
sys.path.insert(0, "$abs_top_srcdir/tests/session")
from client import *
n = Node("$grpc")
a, b = n.epoch("s", 0), n.epoch("undisturbed", 0)
expect("hash", b.most_recent_machine_hash, a.most_recent_machine_hash)
expect("inputs", b.processed_inputs, a.processed_inputs)
END
)"
expect "finish" "" "$(/usr/bin/python3 - <<END
import sys
sys.path.insert(0, "$abs_top_srcdir/tests/session")
from client import *
n = Node("$grpc")
for s in ("s", "undisturbed"):
    expect("finish", cm.Void(), n.finish(s, 0, 30))
    expect("end", cm.Void(), n.end(s))
END
)"
node_stop
expect "no state is left" "" "$(ls "$CELLA_STORE/sessions")"
finish
