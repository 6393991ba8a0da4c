#!/bin/sh
# cella session: a session from its start to its end, from a shell.
. "$abs_top_srcdir/tests/lib/node.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
. "$abs_top_srcdir/tests/lib/session.sh"
echo_machine "$work/m" --vouchers=1 --notices=1 --reject=2
mkdir -m 1777 "$work/stored"
session_node
export CELLA_GRPC="$grpc"
s() {
	"$cella" session "$@" 2>&1
}
expect "start" "a: started" "$(s start a "$work/m")"
out=$(s start a "$work/m")
expect "again" 1 $?
expect "again" "cella: session id is taken" "$out"
expect "ls" a "$(s ls)"
expect "ls --json" '{"session_id":["a"]}' "$(s ls --json)"
printf one >"$work/one"
chmod 600 "$work/one"
expect "advance" "a: input 0 of epoch 0 is queued" "$(s advance a "$work/one")"
out=$(printf 'two\n\033' | s advance --wait --sender 0x1111111111111111111111111111111111111111 --block 7 a)
contains "wait" "epoch 0, ACTIVE: 2 processed, 0 pending, machine 0x" "$out"
contains "a voucher" "  voucher  two\\x0a\\x1b" "$out"
printf three | s advance --wait a >"$work/out"
contains "rejected" "     2 REJECTED" "$(cat "$work/out")"
expect "inspect" "ACCEPTED
  report   why" "$(printf why | s inspect a)"
contains "status" "a: epoch 0 is active, of 1" "$(s status a)"
contains "proofs" "good: " "$(s epoch --json a | s proof-check -)"
out=$(s end a)
expect "end" 1 $?
expect "end" "cella: active epoch has processed inputs" "$out"
expect "error as JSON" 1 "$(s end --json a 2>&1 | grep -c '"code": "invalid"')"
expect "finish" "a: the epoch is finished" "$(s finish --store "$work/stored/a" a)"
"$cella" machine verify "$work/stored/a" >/dev/null || fail "stored"
contains "the epoch before" "epoch 0, FINISHED: 3 processed" "$(s epoch --epoch 0 a)"
expect "end" "a: ended" "$(s end a)"
expect "none is left" "" "$(s ls)"
out=$(s epoch a)
expect "unknown" "cella: session id not found!" "$out"
for wrong in "" "start a" "epoch" "end a b" "nothing a" "epoch --epoch x a"; do
	"$cella" session $wrong >/dev/null 2>&1
	expect "'$wrong'" 64 $?
done
out=$(s ls --grpc 192.0.2.1:1)
expect "elsewhere" 125 $?
contains "elsewhere" "to this host alone" "$out"
node_stop
out=$(s ls)
expect "no node" 125 $?
contains "no node" "no node answers" "$out"
finish
