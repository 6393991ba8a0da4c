#!/bin/sh
# How often one address may call: functions, whatever the protocol, and nothing
# else; others are not held back, nor the operator.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
image=$(image busybox)
printf 'version: 1\ncallers: {rate: 4}\n' >"$work/policy.yaml"
chmod 600 "$work/policy.yaml"
node_start --policy "$work/policy.yaml"
function_of hello 'echo hello'
expect "the first" hello "$(call "$hello")"
expect "by HTTP/2" hello "$(call "$hello" --http2-prior-knowledge)"
expect "one that nobody waits for" 202 "$(curl -s -o /dev/null -w '%{http_code}' -X POST "http://$http/async/vm/$hello")"
expect "the fourth" hello "$(call "$hello")"
contains "the fifth" "an address may call 4 times a minute" "$(call "$hello")"
expect "its status" 429 "$(status)"
wait=$(tr -d '\r' <"$work/head" | sed -n 's/^[Rr]etry-[Aa]fter: //p')
[ "$wait" -ge 1 ] && [ "$wait" -le 16 ] || fail "Retry-After: $wait"
expect "nor by HTTP/2" 429 "$(call "$hello" --http2-prior-knowledge >/dev/null; status)"
expect "nor later" 429 "$(curl -s -o /dev/null -w '%{http_code}' -X POST "http://$http/async/vm/$hello")"
expect "another address" hello "$(call "$hello" --interface 127.0.0.2)"
expect "what is no function" ok "$(curl -s "http://$http/healthz")"
expect "the operator" hello "$("$cella" invoke "$hello")"
# No record is written of them: they cost nobody a disk.
expect "the log" "" "$("$cella" audit show --json | grep -o 'times a minute')"
node_stop
expect "end" 0 "$status"

printf 'version: 1\n' >"$work/policy.yaml"
node_start --policy "$work/policy.yaml"
for _ in 1 2 3 4 5 6 7 8; do
	expect "without a rate" hello "$(call "$hello")"
done
node_stop
finish
