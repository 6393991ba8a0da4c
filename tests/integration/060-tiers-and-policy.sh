#!/bin/sh
# A tier and a policy file narrow; neither can be widened by a message.
. "$abs_top_srcdir/tests/lib/node.sh"
message "$work/m.json"
r=$work/r.json
socket() { # FAMILY TYPE [OPTION...]
	family=$1 type=$2
	shift 2
	"$cella" run "$work/m.json" --arg call --arg 41 --arg "$family" --arg "$type" --arg 0 "$@"
}
expect "a unix socket" allowed "$(socket 1 1)"
expect "a TCP socket" allowed "$(socket 2 1)"
expect "a raw socket" EPROTONOSUPPORT "$(socket 2 3)"
expect "AF_VSOCK" EAFNOSUPPORT "$(socket 40 1)"
expect "AF_ALG" EAFNOSUPPORT "$(socket 38 5)"
expect "strict: a TCP socket" EAFNOSUPPORT "$(socket 2 1 --tier strict)"
contains "strict: no shared memory" "Read-only file system" "$("$cella" run "$work/m.json" --tier strict --arg put --arg /dev/shm/x --arg y)"
printf 'version: 1\ntier: standard\nlimits: {memory: 32MiB, pids: 8}\n' >"$work/p.yaml"
out=$("$cella" run "$work/m.json" --policy "$work/p.yaml" 2>&1)
expect "refused" 125 $?
contains "rule" "allowed 33554432 by rule limits.memory of the policy file" "$out"
printf 'clamp: [memory]\n' >>"$work/p.yaml"
"$cella" run "$work/m.json" --policy "$work/p.yaml" --result "$r" >/dev/null
expect "clamped" 0 $?
contains "read back" '"memory": 33554432' "$(cat "$r")"
contains "read back" '"pids": 8' "$(cat "$r")"
printf 'version: 1\ntier: standard\nseccomp: {groups: [life, mem, io, file, info, thread, signal]}\n' >"$work/p.yaml"
expect "no time calls" ENOSYS "$("$cella" run "$work/m.json" --policy "$work/p.yaml" --arg call --arg 229 --arg 1)"
printf 'version: 1\noptional: []\n' >"$work/p.yaml"
out=$("$cella" run "$work/m.json" --policy "$work/p.yaml" 2>&1)
expect "everything required" 125 $?
contains "control" "is required and this host cannot enforce it" "$out"
finish
