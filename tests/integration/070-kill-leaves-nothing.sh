#!/bin/sh
# Ctrl-C, a kill of the command, a kill of the launcher: the machine dies and
# nothing is left behind.
. "$abs_top_srcdir/tests/lib/node.sh"
message "$work/m.json" seconds 60
# start: runs a sleeper in the background; waits until it is there.
start() {
	"$cella" run "$work/m.json" --arg sleep --result "$work/r.json" 2>/dev/null &
	pid=$!
	for _ in $(seq 200); do
		launcher=$(pgrep -P "$pid" -x cella-launcher) &&
		    find /sys/fs/cgroup -maxdepth 5 -name "cella.$launcher.*" 2>/dev/null | grep -q . &&
		    pgrep -x inside >/dev/null && return
		sleep 0.05
	done
	fail "it did not start"
}
start; kill -INT "$pid"; wait "$pid"
expect "interrupted" 130 $?
expect "verdict" signal "$(field "$work/r.json" verdict)"
gone
# What a killed command leaves in the store, and a killed launcher of cgroups,
# the next one removes; the machine itself dies with either.
start; kill -KILL "$pid"; wait "$pid" 2>/dev/null
while pgrep -x inside >/dev/null; do sleep 0.02; done
"$cella" run "$work/m.json" --arg exit --arg 0
gone
start; kill -KILL "$launcher"; wait "$pid" 2>/dev/null
expect "without a launcher" 125 $?
while pgrep -x inside >/dev/null; do sleep 0.02; done
"$cella" run "$work/m.json" --arg exit --arg 0
gone
finish
