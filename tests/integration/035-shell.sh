#!/bin/sh
# Somebody looks around in the machine that a message gets: a shell in the
# program's place, under the same policy.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox python"
. "$abs_top_srcdir/tests/lib/tools.sh"
message() { # FILE INTERFACE ENTRYPOINT IMAGE
	ref=$("$cella" store add "$work/code" --as code)
	cat >"$1" <<END
{"type":"vm-function","address":"0x00","time":1,"allow_amend":false,
 "variables":{"NAME":"value"},
 "environment":{},"resources":{"memory":64,"seconds":1},
 "code":{"encoding":"plain","entrypoint":"$3","ref":"$ref","interface":"$2"},
 "runtime":{"ref":"$4","comment":""},"on":{"http":true}}
END
}
printf '#!/bin/sh\nexit 9\n' >"$work/code"
message "$work/m.json" exec run "$(image busybox)"
shell() {
	"$cella" run "$work/m.json" --shell "$@" 2>"$work/err"
}
expect "what is typed" "value /opt/code machine" \
    "$(echo 'echo $NAME $PWD $(hostname)' | shell)"
echo 'exit 7' | shell --result "$work/result"
expect "its status" 7 $?
contains "its record" '"shell": true' "$(cat "$work/result")"
echo 'cat run; echo x >/usr/y; exit 0' | shell >"$work/out"
contains "the code" "exit 9" "$(cat "$work/out")"
contains "the same rules" "Read-only file system" "$(cat "$work/err")"
"$cella" run "$work/m.json"
expect "the program itself" 9 $?

# One thing is answered before the next is typed.
mkfifo "$work/in" "$work/out.fifo"
shell <"$work/in" >"$work/out.fifo" &
run=$!
exec 5>"$work/in" 6<"$work/out.fifo"
echo 'echo one' >&5
read -r line <&6
expect "an answer" one "$line"
# Longer than a call may last, and ended by whoever began it.
echo 'sleep 1.2; echo two' >&5
read -r line <&6
expect "it may take its time" two "$line"
kill -TERM "$run"
wait "$run"
expect "ended while nothing is typed" 143 $?
exec 5>&- 6<&-
expect "as long as it was asked to" 137 "$(echo 'sleep 9' | shell --timeout 300ms; echo $?)"

# An application's machine, too; and where there is no shell.
echo 'async def app(scope, receive, send): pass' >"$work/code"
message "$work/m.json" asgi main:app "$(image python)"
out=$(echo 'ls /opt/code; id -u; exit' | shell)
case $(cat "$work/err") in
*"/bin/sh: No such file"*) ;;
*) contains "an application's" "main.py" "$out" ;;
esac
out=$("$cella" run "$work/m.json" --shell --json 2>&1)
expect "usage" 64 $?
contains "usage" "not with" "$out"
finish
