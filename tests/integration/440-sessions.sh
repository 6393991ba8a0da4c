#!/bin/sh
# Sessions over gRPC with real machines: what is accepted, what is not and
# leaves nothing, limits, epochs that are stored and gone on from.
. "$abs_top_srcdir/tests/lib/node.sh"
need=tools
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
. "$abs_top_srcdir/tests/lib/session.sh"
export cella
mkdir "$work/d"
echo one >"$work/d/log"
data=$("$cella" store add "$work/d" --as data)
echo_machine "$work/m" --vouchers=2 --notices=2 --state=/state/log
echo_machine "$work/skip" --vouchers=1 --reject=1 --exception=2 --exit=3 --state=/state/log
data=
echo_machine "$work/q" --reject-inspects
echo_machine "$work/work" --work-ms=100
echo_machine "$work/slow" --work-ms=400
mkdir -m 1777 "$work/stored"

session_node --metrics 127.0.0.1:0
metrics=$(sed -n 's/^metrics //p' "$work/node.out")
sample() { # NAME: its value
	curl -s "http://$metrics/metrics" | awk -v n="$1" '$1 == n { print $2 }'
}
expect "accepted" "" "$(session accepted "$work/m" "$work/stored/a")"
hash=$("$cella" machine verify "$work/stored/a") || fail "what was stored is not whole"
[ -n "$hash" ] || fail "hash"
expect "its mode" 700 "$(stat -c %a "$work/stored/a")"
expect "skipped" "" "$(session skipped "$work/skip")"
for n in accepted:7 rejected:1 exception:1 machine-halted:1 cycle-limit:0; do
	expect "$n" "${n#*:}" "$(sample "cella_session_inputs_total{status=\"${n%:*}\"}")"
done
expect "sessions" 2 "$(sample cella_sessions)"
expect "pending" 0 "$(sample cella_session_inputs_pending)"
expect "queries" "" "$(session queries "$work/q")"
# What ran is on record, from before its machine was started.
"$cella" audit show --store "$CELLA_STORE" --json >"$work/audit"
expect "admitted" 4 "$(grep -c '"kind": *"admit".*"trigger": *"session"' "$work/audit")"
expect "ended, and how many it served" '"calls":1' "$(grep '"kind": *"end".*"run": *"session-2"' "$work/audit" | tr -d ' ' | grep -o '"calls":[0-9]*')"
expect "limits" "" "$(session limits "$work/work")"
expect "locked" "" "$(session locked "$work/slow")"
node_stop
expect "the node's end" 0 "$status"
finish
