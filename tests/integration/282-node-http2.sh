#!/bin/sh
# The same port speaks HTTP/2: whatever holds for the one holds for the other.
. "$abs_top_srcdir/tests/lib/node.sh"
need="python busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
image=$(image busybox)

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
node_start --https 127.0.0.1:0 --tls-cert "$work/cert.pem" --tls-key "$work/key.pem"
port=$(sed -n 's/^https .*://p' "$work/node.out")
function_of echo cat
function_of slow 'sleep 60' seconds 2
function_of closed cat http false
cat >"$work/app.py" <<'END'
async def app(scope, receive, send):
    names = [n for n, _ in scope["headers"]]
    got = dict(scope["headers"])
    text = b"%s %s %s %s" % (scope["method"].encode(), scope["path"].encode(), got.get(b"host", b""), got.get(b"cookie", b""))
    await send({"type": "http.response.start", "status": 201, "headers": [(b"X-A", b"b"), (b"connection", b"x")]})
    for i in range(100):
        await send({"type": "http.response.body", "body": text if i == 0 else b"%5d" % i * 2000, "more_body": True})
    await send({"type": "http.response.body"})
END
ref=$("$cella" store add "$work/app.py" --as code)
cat >"$work/m.json" <<END
{"type":"vm-function","address":"0x00","time":1,"allow_amend":false,
 "environment":{},"resources":{"memory":128,"seconds":10},
 "code":{"encoding":"plain","entrypoint":"app:app","ref":"$ref","interface":"asgi"},
 "runtime":{"ref":"$(image=$image; image python)","comment":""},"on":{"http":true}}
END
asgi=$("$cella" publish "$work/m.json")

h2() {
	curl -s -m 60 --http2-prior-knowledge "$@"
}
code() {
	h2 -o /dev/null -w '%{http_version} %{http_code}' "$@"
}
expect "healthz" "ok 2 200" "$(h2 -w '%{http_version} %{http_code}' "http://$http/healthz" | xargs)"
expect "a function" hello "$(h2 "http://$http/vm/$echo" -d hello)"
head -c 3000000 /dev/urandom >"$work/big"
h2 "http://$http/vm/$echo" --data-binary @"$work/big" -o "$work/back" || fail "a large body"
cmp -s "$work/big" "$work/back" || fail "a large body comes back as another"
h2 "http://$http/vm/$echo" -T - <"$work/big" -o "$work/back" || fail "a body of unknown length"
cmp -s "$work/big" "$work/back" || fail "a body of unknown length comes back as another"
h2 -D "$work/head" -H 'Cookie: a=b' -b c=d "http://$http/vm/$asgi/x?y" -o "$work/body"
contains "what asgi sees" "GET /x $http a=b" "$(head -c 200 "$work/body")"
expect "a stream" 990000 "$(tail -c 990000 "$work/body" | wc -c)"
contains "headers" "x-a: b" "$(cat "$work/head")"
contains "headers" "aleph-program-itemhash: $asgi" "$(cat "$work/head")"
grep -qi '^connection' "$work/head" && fail "a header of the connection came through"
expect "head" "2 201 0" "$(h2 -I -o /dev/null -w '%{http_version} %{http_code} %{size_download}' "http://$http/vm/$asgi")"
expect "too long" "2 504" "$(code "http://$http/vm/$slow")"
expect "on.http is false" "2 403" "$(code "http://$http/vm/$closed")"
expect "nobody's" "2 404" "$(code "http://$http/vm/$(printf %064d 0)")"
expect "a long target" "2 414" "$(code "http://$http/$(head -c 9000 /dev/zero | tr '\0' a)")"
expect "a body above the limit" "2 413" "$(head -c 80000000 /dev/zero | code "http://$http/control/messages" -H "Authorization: Bearer $(cat "$CELLA_STORE/control.token")" -T - -X POST)"
expect "no token" "2 401" "$(code "http://$http/control/messages")"
expect "by TLS" "ok 2" "$(curl -s --cacert "$work/cert.pem" -w '%{http_version}' "https://localhost:$port/healthz" | xargs)"
expect "by TLS, of the older kind" "ok 1.1" "$(curl -s --http1.1 --cacert "$work/cert.pem" -w '%{http_version}' "https://localhost:$port/healthz" | xargs)"
contains "many at a time" "2000 succeeded" "$(h2load -n 2000 -c 8 -m 50 "http://$http/healthz")"
contains "many calls at a time" "60 succeeded" "$(h2load -n 60 -c 2 -m 15 -d "$work/app.py" "http://$http/vm/$echo")"
"$abs_top_srcdir/tests/node/h2_raw.py" "$http" "/vm/$echo" || fail "what no client would send"
expect "it is there yet" ok "$(h2 "http://$http/healthz")"
expect "nothing runs" "[]" "$("$cella" ps --json | tr -d ' \n')"

# Who is being served when the node stops is served to the end.
function_of late 'sleep 1; echo late'
h2 "http://$http/vm/$late" >"$work/late.out" &
caller=$!
await sh -c "\"$cella\" ps --json | grep -q serving"
node_stop
wait $caller
expect "drained" late "$(cat "$work/late.out")"
expect "end" 0 "$status"
finish
