#!/bin/sh
# asgi functions: lifespan, request and body, streaming, exceptions, and the
# single event of older applications.
. "$abs_top_srcdir/tests/lib/node.sh"
need="python"
. "$abs_top_srcdir/tests/lib/tools.sh"
cat >"$work/app.py" <<'EOF'
import asyncio
started = []
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                started.append("up")
                await send({"type": "lifespan.startup.complete"})
            else:
                print("down", flush=True)
                await send({"type": "lifespan.shutdown.complete"})
                return
    if scope["path"] == "/raise":
        raise ValueError("no reason")
    if scope["path"] == "/silent":
        return
    body = b""
    while True:
        message = await receive()
        body += message["body"]
        if not message["more_body"]:
            break
    await send({"type": "http.response.start", "status": 201, "headers": [(b"x-a", b"b")]})
    if scope["path"] == "/stream":
        for i in range(3):
            await send({"type": "http.response.body", "body": b"%d " % i, "more_body": True})
            await asyncio.sleep(0)
        await send({"type": "http.response.body"})
        return
    text = "%s %s %s %d %s" % (scope["method"], scope["path"], scope["query_string"].decode(), len(body), started)
    await send({"type": "http.response.body", "body": text.encode()})
EOF
ref=$("$cella" store add "$work/app.py" --as code)
cat >"$work/m.json" <<EOF
{"type":"vm-function","address":"0x00","time":1,"allow_amend":false,
 "environment":{},"resources":{"memory":128,"seconds":10},
 "code":{"encoding":"plain","entrypoint":"app:app","ref":"$ref"},
 "runtime":{"ref":"$(image python)","comment":""},"on":{"http":true}}
EOF
r=$work/r.json
head -c 3000000 /dev/zero >"$work/body"
out=$("$cella" run "$work/m.json" --request 'PUT /a%20b?x=1' --input "$work/body" --result "$r")
contains "request" "PUT /a b x=1 3000000 ['up']" "$out"
expect "verdict" ok "$(field "$r" verdict)"
contains "shutdown" "down" "$out"
out=$("$cella" run "$work/m.json" --request 'GET /stream' --json)
contains "status" '"status": 201' "$out"
contains "stream" '"body_escaped": "0 1 2 "' "$out"
out=$("$cella" run "$work/m.json" --request 'GET /raise' --result "$r" 2>&1)
expect "exception" 1 $?
contains "traceback" "ValueError: no reason" "$out"
expect "verdict" exit "$(field "$r" verdict)"
out=$("$cella" run "$work/m.json" --request 'GET /silent' 2>&1)
expect "no answer" 1 $?
contains "sentence" "returned without a response" "$out"
out=$("$cella" run "$work/m.json" --request 'bad' 2>&1)
expect "bad request" 125 $?
sed 's/app:app/app:none/' "$work/m.json" >"$work/n.json"
out=$("$cella" run "$work/n.json" 2>&1)
expect "no such callable" 1 $?
contains "why" "has no attribute 'none'" "$out"
finish
