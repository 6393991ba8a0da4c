#!/bin/sh
# make bench-session: see tests/bench/session.py.  A node with a state of its own.
set -u
. "$abs_top_srcdir/tests/lib/node.sh"
need=tools
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
. "$abs_top_srcdir/tests/lib/session.sh"
data=
mkdir "$work/d"
ref=$("$cella" store add "$work/d" --as data)
for reuse in fresh zygote; do
	variables=",\"variables\":{\"CELLA_REUSE\":\"$reuse\"}"
	data= echo_machine "$work/$reuse" --vouchers=2 --notices=2 --reports=0
	data=$ref echo_machine "$work/$reuse-state" --vouchers=2 --notices=2 --reports=0 --state=/state/log
done
session_node
echo "| sessions | here | target |"
echo "|---|---|---|"
/usr/bin/python3 "$abs_top_srcdir/tests/bench/session.py" "$grpc" "$work/fresh" "$work/fresh-state" "$work/zygote" "$work/zygote-state" "$work"
node_stop
finish
