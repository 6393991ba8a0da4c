#!/bin/sh
# A program runs in its machine and sees only that.
. "$abs_top_srcdir/tests/lib/node.sh"
message "$work/m.json" more ',"variables":{"COLOUR":"red"}'
out=$("$cella" run "$work/m.json" --result "$work/r.json")
expect "exit status" 0 $?
expect "verdict" ok "$(field "$work/r.json" verdict)"
contains "pid" "pid=2" "$out"
contains "working directory" "cwd=/opt/code" "$out"
contains "host name" "hostname=machine" "$out"
contains "uid" "Uid:	1000	1000	1000	1000" "$out"
for set in CapInh CapPrm CapEff CapBnd CapAmb; do
	contains "$set" "$set:	0000000000000000" "$out"
done
contains "no new privileges" "NoNewPrivs:	1" "$out"
contains "filter" "Seccomp:	2" "$out"
out=$("$cella" run "$work/m.json" --arg fds)
expect "descriptors" "0 pipe
1 pipe
2 pipe" "$out"
out=$("$cella" run "$work/m.json" --arg env --env EXTRA=1)
contains "variable" "COLOUR=red" "$out"
contains "option" "EXTRA=1" "$out"
contains "path" "PATH=/usr/local/bin:/usr/bin:/bin" "$out"
expect "variables" 6 "$(printf '%s\n' "$out" | wc -l)"
out=$("$cella" run "$work/m.json" --arg ls --arg / | sort | tr '\n' ' ')
expect "root" "bin data dev etc lib lib64 opt proc sbin tmp usr work " "$out"
out=$("$cella" run "$work/m.json" --arg ls --arg /dev | sort | tr '\n' ' ')
expect "devices" "fd full null random shm stderr stdin stdout urandom zero " "$out"
finish
