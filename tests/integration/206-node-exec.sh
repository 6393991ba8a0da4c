#!/bin/sh
# An operator's program in a machine that runs: its streams, its end, and what
# the node writes down of it.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
image=$(image busybox)
node_start
function_of waits 'cat >/dev/null; echo here >/tmp/note; while [ ! -e /tmp/go ]; do sleep 0.05; done; cat /tmp/said' seconds 60
curl -s "http://$http/vm/$waits" -d x >"$work/reply" &
caller=$!
runs() {
	[ "$("$cella" exec 1-1 cat /tmp/note 2>/dev/null)" = here ]
}
await runs

out=$(printf 'one\ntwo\n' | "$cella" exec 1-1 sh -c 'cat; echo three >&2; exit 7' 2>"$work/err")
expect "its status" 7 $?
expect "its output" "one
two" "$out"
expect "its errors" three "$(cat "$work/err")"
expect "by the function's hash" here "$("$cella" exec "$waits" cat /tmp/note)"
expect "arguments as they are" "[a b] [] [%41&x=y] [+ü]" \
    "$("$cella" exec 1-1 sh -c 'printf "[%s] [%s] [%s] [%s]" "$@"' sh "a b" "" "%41&x=y" "+ü")"
expect "the machine's environment" "$("$cella" exec 1-1 /bin/sh -c 'echo $PATH')" \
    "$("$cella" exec 1-1 env | sed -n 's/^PATH=//p')"
"$cella" exec 1-1 sh -c 'kill -9 $$'
expect "a signal" 137 $?
out=$("$cella" exec 1-1 none-such 2>&1)
expect "not found" 127 $?
contains "not found" "No such file" "$out"
"$cella" exec 1-1 /tmp/note 2>/dev/null
expect "not executable" 126 $?

# More than any pipe holds, both ways at once; and a reader who is slow.
head -c 3000000 /dev/zero | tr '\0' x >"$work/big"
"$cella" exec 1-1 cat <"$work/big" | cmp - "$work/big" || fail "the bytes differ"
# A program that reads nothing keeps nobody.
yes | "$cella" exec 1-1 true
expect "who reads nothing" 0 $?
# What it leaves in the background has its output, and keeps nobody.
expect "a child that stays" left "$("$cella" exec 1-1 sh -c 'sleep 600 & echo left')"
# A shell without a command, which reads what is typed.
expect "a shell" "here" "$(echo 'cat /tmp/note' | "$cella" exec 1-1)"

# Any client will do that holds the token.
foreign() {
	/usr/bin/python3 "$abs_top_srcdir/tests/node/exec_client.py" "$http" "$(cat "$CELLA_STORE/control.token")" 1-1 "$1" | xargs
}
expect "another client" "pong ping 1 one message 3 {end:exit,exit_code:0} close 1000" "$(foreign echo)"
expect "a channel that there is not" "close 1002" "$(foreign channel)"
expect "a text" "close 1002" "$(foreign text)"

# A terminal obeys nothing of what a machine says.
expect "on a terminal" 'a\x1b]0;owned\x07b' "$(/usr/bin/python3 -c 'import pty, sys; pty.spawn(sys.argv[1:])' \
    "$cella" exec 1-1 printf 'a\033]0;owned\007b' </dev/null)"

# Whoever goes away ends it, and those of its process group.
sleeps() { # as the host sees it
	ps -eo args= | grep -q "^sleep $1"
}
"$cella" exec 1-1 sh -c 'sleep 601; true' </dev/null &
client=$!
await sleeps 601
kill "$client"
wait "$client" 2>/dev/null
over() {
	! sleeps 601
}
await over
sleeps 600 || fail "what was left in the background is gone"

# Four at a time.
clients=
for i in 1 2 3 4; do
	"$cella" exec 1-1 sleep 604 &
	clients="$clients $!"
done
four() {
	[ "$(ps -eo args= | grep -c '^sleep 604')" -eq 4 ]
}
await four
out=$("$cella" exec 1-1 true 2>&1)
expect "a fifth" 125 $?
contains "a fifth" "as many programs as may join" "$out"
kill $clients
wait $clients 2>/dev/null
again() {
	"$cella" exec 1-1 true 2>/dev/null
}
await again

# So does the end of the machine.
"$cella" exec 1-1 sleep 602 &
client=$!
await sleeps 602
"$cella" exec 1-1 sh -c 'echo done >/tmp/said; : >/tmp/go'
wait "$client"
expect "the machine's end" 137 $?
wait "$caller"
expect "the run" done "$(cat "$work/reply")"

out=$("$cella" exec 1-1 true 2>&1)
expect "no machine" 125 $?
contains "no machine" "no machine of it runs" "$out"
"$cella" exec a/b true 2>/dev/null
expect "usage" 64 $?
expect "not for everybody" 401 "$(curl -s -o /dev/null -w '%{http_code}' "http://$http/control/runs/1-1/exec?command=id")"
expect "not without a WebSocket" 426 "$(curl -s -o /dev/null -w '%{http_code}' \
    --unix-socket "$CELLA_STORE/control.sock" "http://x/control/runs/1-1/exec?command=id")"

# A front that waits for its callers does not spin.
function_of holds 'while [ ! -e /tmp/go ]; do sleep 0.05; done' seconds 60
curl -s "http://$http/vm/$holds" >/dev/null &
caller=$!
holds() {
	"$cella" exec "$holds" true 2>/dev/null
}
await holds
"$cella" exec "$holds" sleep 603 &
client=$!
await sleeps 603
front=$(child cella-front)
kill "$node"
drains() {
	! curl -s -m 0.2 -o /dev/null "http://$http/healthz"
}
await drains
ticks() {
	awk '{ print $14 + $15 }' "/proc/$front/stat"
}
before_ticks=$(ticks)
sleep 1
[ $(($(ticks) - before_ticks)) -lt 50 ] || fail "it spins"
kill "$client"
kill "$caller"
wait "$caller" "$client" 2>/dev/null
wait "$node"
node=
printf 'version: 1\nexec: refuse\n' >"$work/policy.yaml"
chmod 600 "$work/policy.yaml"
node_start --policy "$work/policy.yaml"
contains "the policy refuses" "lets nobody join" "$("$cella" exec 2-1 true 2>&1)"
node_stop
"$cella" audit show --kind exec --json >"$work/exec"
"$cella" audit show --kind exec_end --json >"$work/end"
expect "each is recorded" "$(wc -l <"$work/exec")" "$(wc -l <"$work/end")"
contains "what it was" '"command":["sh","-c","cat; echo three >&2; exit 7"],"by":"socket"' "$(cat "$work/exec")"
contains "how it ended" '"end":"exit","exit_code":7' "$(cat "$work/end")"
contains "the log verifies" good "$("$cella" audit verify 2>&1)"
finish
