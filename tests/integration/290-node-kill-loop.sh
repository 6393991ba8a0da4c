#!/bin/sh
# What was acknowledged survives kill -9 of anybody, at any time: a few rounds
# here, hundreds with "make soak-node".
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
image=$(image busybox)
node_start
function_of echo cat
function_of clock 'cat' http false on ',"cron":"* * * * *"'
node_stop
rm -r "$CELLA_STORE/audit" # the loop takes the first key
ECHO=$echo MESSAGE=$work/echo.json timeout 1500 /usr/bin/python3 \
    "$abs_top_srcdir/tests/node/kill_loop.py" "${ROUNDS:-10}" "${SEED:-$$}" || {
	tail -n 40 "$CELLA_STORE.log"
	fail "the loop"
}
finish
