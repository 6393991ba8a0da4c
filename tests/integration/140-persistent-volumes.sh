#!/bin/sh
# A persistent volume keeps what was written, has its size, belongs to its
# owner, and is one machine's at a time.
. "$abs_top_srcdir/tests/lib/node.sh"
volume() { # NAME SIZE [OWNER]
	message "$work/m.json" more ",\"volumes\":[{\"mount\":\"/var/lib/x\",\"name\":\"$1\",\"persistence\":\"host\",\"size_mib\":$2}]"
	[ $# -lt 3 ] || sed -i "s/\"address\":\"0x00\"/\"address\":\"$3\"/" "$work/m.json"
}
volume a 8
expect "new" "/var/lib/x/f: No such file or directory" "$("$cella" run "$work/m.json" --arg cat --arg /var/lib/x/f)"
"$cella" run "$work/m.json" --arg put --arg /var/lib/x/f --arg kept
expect "kept" kept "$("$cella" run "$work/m.json" --arg cat --arg /var/lib/x/f)"
contains "size" "No space left on device after" "$("$cella" run "$work/m.json" --arg disk --arg /var/lib/x/g)"
expect "still there" kept "$("$cella" run "$work/m.json" --arg cat --arg /var/lib/x/f)"
"$cella" run "$work/m.json" --arg sleep --timeout 5s 2>/dev/null &
pid=$!
while ! pgrep -x inside >/dev/null; do sleep 0.02; done
out=$("$cella" run "$work/m.json" --arg facts 2>&1)
expect "busy" 125 $?
contains "busy" "volumes[0]: another machine has the volume" "$out"
kill "$pid"
wait "$pid"
volume a 16
out=$("$cella" run "$work/m.json" --arg facts 2>&1)
contains "size" "the volume was made with 8 MiB, asked 16 MiB" "$out"
volume a 8 0x11
contains "owner" "No such file" "$("$cella" run "$work/m.json" --arg cat --arg /var/lib/x/f)"
volume b 8
contains "name" "No such file" "$("$cella" run "$work/m.json" --arg cat --arg /var/lib/x/f)"
finish
