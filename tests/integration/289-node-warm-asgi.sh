#!/bin/sh
# ASGI applications whose machine serves many calls.
. "$abs_top_srcdir/tests/lib/node.sh"
need="python"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"

# One that counts, and does what its path says.
cat >"$work/main.py" <<'END'
import asyncio, os, sys
calls = 0
started = []
left = 0
async def app(scope, receive, send):
    global calls, left
    if scope["type"] == "lifespan":
        while (await receive())["type"] == "lifespan.startup":
            started.append(1)
            await send({"type": "lifespan.startup.complete"})
        return
    calls += 1
    mine = calls
    path, body, more = scope["path"], b"", True
    while more and path != "/early":
        message = await receive()
        body += message["body"]
        more = message["more_body"]
    if path == "/raise": raise ValueError("secret")
    if path == "/die": os._exit(3)
    if path == "/hang": await asyncio.sleep(60)
    if path == "/slow": await asyncio.sleep(1)
    if path == "/left":
        assert (await receive())["type"] == "http.disconnect"
        left += 1
        return
    reply = b"%d %d %d %d\n" % (mine, len(started), len(body), left)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-path", path.encode())]})
    if path == "/stream":
        for _ in range(3):
            await send({"type": "http.response.body", "body": b"part ", "more_body": True})
            await asyncio.sleep(0.01)
    await send({"type": "http.response.body", "body": reply})
    print("said", path, file=sys.stderr)
END
# function NAME PERSISTENT [SALT]
function() {
	cp "$work/main.py" "$work/main.$1.py"
	printf '# %s\n' "$1" >>"$work/main.$1.py"
	rm -rf "$work/zip"
	mkdir "$work/zip"
	cp "$work/main.$1.py" "$work/zip/main.py"
	(cd "$work/zip" && /usr/bin/python3 -m zipfile -c ../code.zip main.py)
	ref=$("$cella" store add "$work/code.zip" --as code)
	cat >"$work/m.json" <<END
{"type":"vm-function","address":"0x00","time":1,"allow_amend":false,
 "environment":{},"resources":{"memory":128,"seconds":3},
 "code":{"encoding":"zip","entrypoint":"main:app","ref":"$ref","interface":"asgi"},
 "runtime":{"ref":"$(image python)","comment":""},"on":{"http":true,"persistent":$2}}
END
	eval "$1=\$(\"\$cella\" publish \"\$work/m.json\")"
}
printf 'version: 1\nwarm: {functions: ["*"], idle: 1s}\n' >"$work/policy.yaml"
chmod 600 "$work/policy.yaml"
node_start --policy "$work/policy.yaml"

# ---- warm ----
function warm false
expect "one machine" "1 1 0 0 2 1 3 0 3 1 0 0" "$(call "$warm" | xargs) $(call "$warm" -d abc | xargs) $(call "$warm" | xargs)"
expect "it is there" 1 "$(runs "$warm" serving)"
contains "its headers" "x-path: /a" "$(call "$warm/a" >/dev/null; tr 'A-Z' 'a-z' <"$work/head")"
expect "in parts" "part part part 5 1 0 0" "$(call "$warm/stream" | xargs)"
head -c 3000000 /dev/zero >"$work/big"
expect "a long body" "6 1 3000000 0" "$(call "$warm" --data-binary @"$work/big" | xargs)"
expect "one that is not read" "7 1 0 0" "$(call "$warm/early" --data-binary @"$work/big" | xargs)"
out=$(call "$warm/raise")
expect "an exception" 502 "$(status)"
case $out in *secret*) fail "the caller gets a traceback" ;; esac
contains "the operator does" "secret" "$("$cella" logs "$warm")"
expect "it serves on" "9 1 0 0" "$(call "$warm" | xargs)"
# At the same time, each its own.
for i in 1 2 3 4; do curl -s -m 20 "http://$http/vm/$warm/slow" >"$work/out.$i" & pids="${pids:-} $!"; done
wait $pids
expect "at the same time" 4 "$(cat "$work"/out.? | sort -u | wc -l)"
# Whoever leaves is told to the application.
curl -s -m 0.3 "http://$http/vm/$warm/left"
told() {
	case $(call "$warm" | xargs) in *" 1") ;; *) false ;; esac
}
await told
"$cella" exec "$warm" /usr/bin/python3 -c 'import socket; s = socket.create_connection(("127.0.0.1", 8080)); s.sendall(b"x" * 8); s.recv(8)'
await told # one who breaks the rules loses his connection, and no other
call "$warm/hang" >"$work/out"
expect "too long" 504 "$(status)"
expect "its machine went with it" "1 1 0 0" "$(call "$warm" | xargs)"
call "$warm/die" >"$work/out"
expect "it died" 502 "$(status)"
expect "another came" "1 1 0 0" "$(call "$warm" | xargs)"
await none "$warm"
contains "the record" '"trigger":"warm"' "$("$cella" audit show --kind end --json | grep "$warm")"
contains "its calls" '"calls":' "$("$cella" audit show --kind end --json | grep "$warm")"

# ---- persistent ----
function kept true
await sh -c "\"$cella\" ps --json | tr -d ' \n' | grep -q '\"trigger\":\"persistent\",\"state\":\"serving\"'"
expect "it serves" "1 1 0 0 2 1 0 0" "$(call "$kept" | xargs) $(call "$kept" | xargs)"
call "$kept/die" >"$work/out"
await sh -c "[ \"\$(curl -s http://$http/vm/$kept)\" = '1 1 0 0' ]"
node_stop
expect "end" 0 "$status"

# Where no machine has a loopback each call has its own, as ever.
printf 'version: 1\ntier: strict\nwarm: {functions: ["*"], idle: 1s}\n' >"$work/policy.yaml"
node_start --policy "$work/policy.yaml"
expect "strict" "1 1 0 0 1 1 0 0" "$(call "$warm" | xargs) $(call "$warm" | xargs)"
node_stop
finish
