#!/bin/sh
# A denied call is one line that names call, answer, rule and remedy; the
# record counts them; alone they change no verdict.
. "$abs_top_srcdir/tests/lib/node.sh"
r=$work/r.json
message "$work/m.json"
# told CALL: runs it until it is counted.  The kernel writes its log behind the
# machine's back, on a busy host not always before its end.
told() {
	for _ in 1 2 3 4 5 6; do
		out=$("$cella" run "$work/m.json" --arg call --arg "$1" --result "$r" 2>&1)
		[ "$(field "$r" violations)" = 0 ] || return
	done
}
told 165
contains "line" "cella: denied: mount (EPERM), 1 time, by tier standard; 'cella policy explain --syscall mount' shows what is allowed" "$out"
expect "verdict" ok "$(field "$r" verdict)"
expect "count" 1 "$(field "$r" violations)"
told 435
expect "what is only absent is not told" ENOSYS "$out"
expect "but counted" 1 "$(field "$r" violations)"
out=$("$cella" run "$work/m.json" --arg call --arg 169 --result "$r" 2>&1)
expect "deadly" 137 $?
contains "deadly" "denied: reboot (kill)" "$out"
expect "verdict" policy-violation "$(field "$r" verdict)"
out=$("$cella" run "$work/m.json" --arg facts --result "$r" 2>&1)
expect "none" 0 "$(field "$r" violations)"
finish
