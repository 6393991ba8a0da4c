#!/bin/sh
# make bench-session: see tests/bench/session.py.  A node with a state of its own.
set -u
. "$abs_top_srcdir/tests/lib/node.sh"
need=tools
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
. "$abs_top_srcdir/tests/lib/session.sh"
data=
echo_machine "$work/m" --vouchers=2 --notices=2 --reports=0
mkdir "$work/d"
data=$("$cella" store add "$work/d" --as data)
echo_machine "$work/s" --vouchers=2 --notices=2 --reports=0 --state=/state/log
session_node
echo "| sessions | here | target |"
echo "|---|---|---|"
/usr/bin/python3 "$abs_top_srcdir/tests/bench/session.py" "$grpc" "$work/m" "$work/s" "$work"
node_stop
finish
