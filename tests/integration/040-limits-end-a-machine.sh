#!/bin/sh
# Each limit ends the whole machine, on time, with its own verdict.
. "$abs_top_srcdir/tests/lib/node.sh"
r=$work/r.json
# hostile WHAT VERDICT STATUS [ARG]
hostile() {
	what=$1 verdict=$2 status=$3
	shift 3
	"$cella" run "$work/m.json" --arg "$what" "$@" --result "$r" >"$work/out" 2>"$work/err"
	expect "$what: status" "$status" $?
	expect "$what: verdict" "$verdict" "$(field "$r" verdict)"
}
# Time enough for a busy host to give the others what they are ended for.
message "$work/m.json" seconds 30 memory 32
hostile memory oom 137
contains "sentence" "limit memory of 33554432 bytes is reached" "$(cat "$work/err")"
printf 'version: 1\nlimits: {cpu_time: 300ms}\nclamp: [cpu_time]\n' >"$work/p.yaml"
hostile spin cpu 137 --policy "$work/p.yaml"
message "$work/m.json" seconds 1 memory 32
hostile sleep wall 137
contains "sentence" "limit wall of 1000000000 ns is reached" "$(cat "$work/err")"
message "$work/m.json" seconds 30 memory 32
hostile flood output 137
expect "kept" 1048576 "$(wc -c <"$work/out")"
[ "$(field "$r" dropped_bytes)" -gt 0 ] || fail "nothing was dropped"
message "$work/m.json" seconds 2 memory 256
"$cella" run "$work/m.json" --arg forkbomb --result "$r" >/dev/null 2>&1
expect "fork bomb: status" 137 $?
[ "$(field "$r" pids_peak)" -le 128 ] || fail "more than 128 tasks"
message "$work/m.json" seconds 30 memory 256
hostile disk disk 137 --arg /tmp/x # SIGXFSZ: a file as large as /tmp
hostile disk ok 0 --arg /dev/shm/x
contains "disk" "No space left on device" "$(cat "$work/out")"
message "$work/m.json" seconds 60
"$cella" run "$work/m.json" --arg sleep --timeout 200ms --result "$r" 2>/dev/null
expect "time-out option" wall "$(field "$r" verdict)"
finish
