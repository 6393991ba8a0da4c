#!/bin/sh
# kill -9 of a node with sessions, at any time: what was acknowledged is done
# once, and all is as if nobody had disturbed it.
. "$abs_top_srcdir/tests/lib/node.sh"
need=tools
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
. "$abs_top_srcdir/tests/lib/session.sh"
mkdir "$work/d"
data=$("$cella" store add "$work/d" --as data)
echo_machine "$work/m" --vouchers=1 --notices=1 --reject=3 --exception=5 --exit=7 --state=/state/log
variables=',"variables":{"CELLA_MEMORY":"kept"}'
echo_machine "$work/kept" --vouchers=1 --notices=1 --reject=3 --exception=5 --exit=7 --state=/state/log
variables=',"variables":{"CELLA_REUSE":"zygote"}'
echo_machine "$work/zygote" --vouchers=1 --notices=1 --reject=3 --exception=5 --exit=7 --state=/state/log
rounds=${ROUNDS:-300}
[ -z "${CELLA_BRIEF:-}" ] || rounds=20
timeout 1500 /usr/bin/python3 "$abs_top_srcdir/tests/session/kill_loop.py" "$rounds" "${SEED:-$$}" "$work/m" "$work/kept" "$work/zygote" || {
	tail -n 20 "$CELLA_STORE.log"
	fail "the loop"
}
# A number of a process that was killed may be another one's by now.
rm -f "$CELLA_STORE"/tmp/new.*
finish
