#!/bin/sh
# A node: messages are published, and their functions called over HTTP, each
# call in a machine of its own.
. "$abs_top_srcdir/tests/lib/node.sh"
need="python busybox tools"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"

# function NAME FILE ENTRYPOINT INTERFACE IMAGE [ON]: publishes; sets $NAME.
function() {
	ref=$("$cella" store add "$2" --as code)
	cat >"$work/m.json" <<END
{"type":"vm-function","address":"0x00","time":1,"allow_amend":false,
 "environment":{},"resources":{"memory":128,"seconds":2},
 "code":{"encoding":"plain","entrypoint":"$3","ref":"$ref","interface":"$4"},
 "runtime":{"ref":"$(image "$5")","comment":""},"on":{"http":${6:-true}}}
END
	eval "$1=\$(\"\$cella\" publish \"\$work/m.json\")"
}
cat >"$work/app.py" <<'END'
import asyncio
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    if scope["path"] == "/raise":
        raise ValueError("a secret of the function")
    if scope["path"] == "/split":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x", b"a\r\nSet-Cookie: b")]})
        await send({"type": "http.response.body", "body": b"x"})
        return
    body = b""
    while True:
        message = await receive()
        body += message["body"]
        if not message["more_body"]:
            break
    if scope["path"] == "/hang":
        await asyncio.sleep(60)
    await send({"type": "http.response.start", "status": 201, "headers": [(b"x-a", b"b"), (b"connection", b"x"), (b"content-type", b"text/plain")]})
    if scope["path"] == "/stream":
        for i in range(200):
            await send({"type": "http.response.body", "body": b"%5d" % i * 2000, "more_body": True})
        await send({"type": "http.response.body"})
        return
    if scope["path"] == "/late":
        await send({"type": "http.response.body", "body": b"part", "more_body": True})
        await asyncio.sleep(0.2)
        raise ValueError("in the middle")
    names = dict(scope["headers"])
    text = "%s %s %s %d %s" % (scope["method"], scope["path"], scope["query_string"].decode(), len(body), names.get(b"x-b", b"").decode())
    await send({"type": "http.response.body", "body": text.encode()})
END
printf '#!/bin/sh\nread line\necho "got $line"\ncat | wc -c\nexit ${line#status }\n' >"$work/echo"
printf '#!/bin/sh\nmkdir /tmp/w\nprintf "a page" >/tmp/w/index.html\nsleep 0.05\nexec httpd -f -p 127.0.0.1:8080 -h /tmp/w\n' >"$work/serve"
node_start --domain fn.example
function asgi "$work/app.py" app:app asgi python
function exec "$work/echo" echo exec busybox
function binary "$work/serve" serve binary busybox
printf '#!/bin/sh\ncat\n' >"$work/cat"
function mirror "$work/cat" cat exec busybox
function closed "$work/echo" echo exec busybox false
expect "again" "$closed" "$("$cella" publish "$work/m.json")"

expect "asgi" "GET / q=1 0 c" "$(call "$asgi?q=1" -H 'X-B: c')"
expect "asgi" 201 "$(status)"
label=$(printf %s "$asgi" | sed 's/../\\x&/g' | xargs -0 printf | base32 -w 0 | tr 'A-Z' 'a-z' | tr -d =)
expect "by its name" "GET /vm/x q=1 0 " "$(curl -s -H "Host: $label.fn.example:80" "http://$http/vm/x?q=1")"
expect "control by a name" 404 "$(curl -s -o /dev/null -w '%{http_code}' -H 'Host: x.fn.example' "http://$http/control/messages")"
contains "headers" "x-a: b" "$(cat "$work/head")"
contains "headers" "Aleph-Program-ItemHash: $asgi" "$(cat "$work/head")"
grep -qi '^connection: x' "$work/head" && fail "a header of the connection came through"
head -c 3000000 /dev/zero >"$work/big"
expect "body" "PUT /a b/../c  3000000 " "$(call "$asgi/a%20b/../c" -T "$work/big")"
expect "chunked" "POST /  3000000 " "$(call "$asgi" -H 'Transfer-Encoding: chunked' -H 'Content-Type: x/y' --data-binary @"$work/big")"
expect "stream" "2000000" "$(call "$asgi/stream" | wc -c)"
expect "head" "" "$(call "$asgi" -I >/dev/null; sed -n '/^\r$/,$p' "$work/body" | tr -d '\r\n')"
expect "head" 201 "$(status)"
call "$asgi/raise" >"$work/out"
expect "an exception" 502 "$(status)"
grep -q secret "$work/out" && fail "the caller saw the traceback"
call "$asgi/split" >/dev/null
expect "a split head" 502 "$(status)"
call "$asgi/hang" >"$work/out"
expect "too long" 504 "$(status)"
call "$asgi/late" >/dev/null && [ "$(curl -s -o /dev/null "http://$http/vm/$asgi/late"; echo $?)" = 18 ] ||
    fail "a reply that broke off looks whole"

expect "exec" "got status 0
5" "$(printf 'status 0\nrest\n' | call "$exec" --data-binary @-)"
expect "exec" 200 "$(status)"
call "$mirror" --data-binary @"$work/big" >"$work/back"
cmp -s "$work/big" "$work/back" || fail "a function that answers as it reads"
printf 'status 3\n' | call "$exec" --data-binary @- >/dev/null
expect "exec that fails" 502 "$(status)"
big=$(head -c 32000 /dev/zero | tr '\0' a)
call "$exec" -H "X: $big" -d 'status 0' >/dev/null
expect "a big head" 200 "$(status)"
call "$exec" -H "X: $big" -H "Y: $big" >/dev/null
expect "a head that is too big" 431 "$(status)"
expect "binary" "a page" "$(call "$binary")"
expect "binary" 200 "$(status)"
call "$binary/none" >/dev/null
expect "binary" 404 "$(status)"

# An archive that is none: whoever calls did nothing wrong.
sed 's/"encoding":"plain"/"encoding":"zip"/; s/"on":{"http":false}/"on":{"http":true}/' "$work/m.json" >"$work/zip.json"
call "$("$cella" publish "$work/zip.json")" >"$work/out"
expect "a bad archive" 502 "$(status)"
contains "a bad archive" "code.ref" "$(cat "$work/out")"

# A blob that changes under a node is noticed, however often it was hashed.
# Each launch of a function with an export looks at what it refers to again.
printf '#!/bin/sh\necho first\n' >"$work/one"
ref=$("$cella" store add "$work/one" --as code)
cat >"$work/m.json" <<END
{"type":"vm-function","address":"0x00","time":1,"allow_amend":false,
 "environment":{},"resources":{"memory":64,"seconds":2},
 "code":{"encoding":"plain","entrypoint":"one","ref":"$ref","interface":"exec"},
 "export":{"encoding":"tar.gzip","mount":"/out"},
 "runtime":{"ref":"$(image busybox)","comment":""},"on":{"http":true}}
END
export=$("$cella" publish "$work/m.json")
for _ in 1 2 3; do
	expect "with an export" first "$(call "$export")"
done
blob=$CELLA_STORE/blobs/sha256/$(printf %.2s "$ref")/$ref
touch -r "$blob" "$work/times"
chmod u+w "$blob"
printf '#!/bin/sh\necho other\n' >"$blob"
touch -r "$work/times" "$blob"
call "$export" >"$work/out"
expect "a changed blob" 502 "$(status)"
contains "a changed blob" "is damaged" "$(cat "$work/out")"

call "$closed" >/dev/null
expect "on.http is false" 403 "$(status)"
call "$(printf %064d 0)" >/dev/null
expect "nobody's" 404 "$(status)"
call "nope" >/dev/null
expect "no hash" 400 "$(status)"
expect "no path" 404 "$(curl -s -o /dev/null -w '%{http_code}' "http://$http/nothing")"
expect "health" ok "$(curl -s "http://$http/healthz")"

# Who may do what: no child but the launcher keeps a privilege, and front has
# nothing around it.
front=$(child cella-front)
expect "front's root" "" "$(ls -A "/proc/$front/root/")"
expect "front's network" 1 "$(tail -n +3 "/proc/$front/net/dev" | wc -l)"
expect "core's root" yes "$([ -e "/proc/$(child cella-core)/root/journal.db" ] && echo yes)"
for name in cella-core cella-front cella-dns cella-prepare; do
	for pid in $(child $name); do
		expect "$name" "0000000000000000 1 2" "$(sed -n 's/^\(CapPrm\|NoNewPrivs\|Seccomp\):\t//p' "/proc/$pid/status" | tr '\n' ' ' | sed 's/ $//')"
		[ "$(awk '/^Uid/ { print $2 }' "/proc/$pid/status")" -gt 1999999000 ] || fail "$name has an id of the host's"
	done
done
expect "ids" 3 "$(for n in cella-core cella-front cella-dns; do awk '/^Uid/ { print $2 }' "/proc/$(child $n)/status"; done | sort -u | wc -l)"

# Control is for who holds the token, or may connect to the socket.
expect "no token" 401 "$(curl -s -o /dev/null -w '%{http_code}' "http://$http/control/messages")"
expect "bad token" 401 "$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $(printf %064d 0)" "http://$http/control/messages")"
token=$(cat "$CELLA_STORE/control.token")
expect "token" 7 "$(curl -s -H "Authorization: Bearer $token" "http://$http/control/messages" | grep -o '"item_hash"' | wc -l)"
expect "nobody else connects" 56 "$(setpriv --reuid 12345 --clear-groups curl -s --unix-socket "$CELLA_STORE/control.sock" http://x/control/runs >/dev/null 2>&1; e=$?; [ $e = 7 ] && e=56; echo $e)"

echo '{"type":"vm-function","address":"0x00"}' >"$work/bad.json"
out=$("$cella" publish "$work/bad.json" 2>&1)
expect "a bad message" 1 $?
contains "a bad message" "wrong with the message" "$out"
contains "a bad message" "code" "$out"
sed "s/\"ref\":\"[0-9a-f]*\"/\"ref\":\"$(printf %064d 7)\"/" "$work/m.json" >"$work/lost.json"
out=$("$cella" publish "$work/lost.json" 2>&1)
contains "a lost reference" "code.ref" "$out"
head -c 1100000 /dev/zero >"$work/huge"
expect "a huge one" 413 "$(curl -s -o /dev/null -w '%{http_code}' --unix-socket "$CELLA_STORE/control.sock" --data-binary @"$work/huge" http://x/control/messages)"
expect "nothing runs" "[]" "$("$cella" ps --json | tr -d ' \n')"

node_stop
expect "end" 0 "$status"
finish
