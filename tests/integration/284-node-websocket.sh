#!/bin/sh
# Callers reach binary functions over WebSockets.
. "$abs_top_srcdir/tests/lib/node.sh"
need="python"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
. "$abs_top_srcdir/tests/lib/npm.sh"

node_start
function() { # NAME INTERFACE SECONDS FILE
	ref=$("$cella" store add "$4" --as code)
	cat >"$work/m.json" <<END
{"type":"vm-function","address":"0x00","time":1,"allow_amend":false,
 "environment":{},"resources":{"memory":128,"seconds":$3},
 "code":{"encoding":"plain","entrypoint":"run","ref":"$ref","interface":"$2"},
 "runtime":{"ref":"$(image python)","comment":""},"on":{"http":true}}
END
	eval "$1=\$(\"\$cella\" publish \"\$work/m.json\")"
}
function socket binary 20 "$abs_top_srcdir/tests/node/ws_echo.py"
function brief binary 2 "$abs_top_srcdir/tests/node/ws_echo.py"
printf '#!/usr/bin/python3\nprint("done")\n' >"$work/done"
function exec exec 5 "$work/done"
client() {
	(cd "$modules" && node "$abs_top_srcdir/tests/node/ws_client.mjs" "ws://$http/vm/$1")
}
client "$socket" || fail "callers"
# Who is no WebSocket answers as ever.
key="Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
expect "exec" "done 200" "$(curl -s -m 20 -w '%{http_code}' -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H "$key" "http://$http/vm/$exec" | xargs)"
# seconds holds for a tunnel, too.
curl -s -m 20 --http1.1 -o "$work/out" -w '%{http_code}' -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H "$key" "http://$http/vm/$brief/hello" >"$work/code"
expect "a tunnel that is too old" 101 "$(cat "$work/code")"
contains "a tunnel that is too old" "hello at once" "$(tr -d '\0' <"$work/out")"
ended() {
	"$cella" audit show --json | tr -d ' ' | grep "\"item_hash\":\"$brief\"" | grep '"kind":"end"' | grep -q '"verdict":"wall"'
}
await ended
contains "the others' end" '"verdict":"ok"' "$("$cella" audit show --json | tr -d ' ' | grep "\"item_hash\":\"$socket\"" | grep '"kind":"end"' | tail -n 1)"
node_stop
expect "end" 0 "$status"
finish
