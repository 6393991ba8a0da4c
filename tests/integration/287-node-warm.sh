#!/bin/sh
# Functions whose machine serves many calls: warm ones until nobody has called
# for a while, persistent ones always.
. "$abs_top_srcdir/tests/lib/node.sh"
need="python"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"

# A server that counts, and does what its path says.
cat >"$work/serve" <<'END'
#!/usr/bin/python3
import http.server, os, time
n = 0
class H(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def do_GET(self):
        global n
        n += 1
        if self.path == "/hang": time.sleep(60)
        if self.path == "/die": os._exit(3)
        if self.path == "/slow": time.sleep(1)
        body = b"%d\n" % n
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("127.0.0.1", 8080), H).serve_forever()
END
# function NAME PERSISTENT [SALT]
function() {
	printf '%s\n# %s\n' "$(cat "$work/serve")" "${3:-$1}" >"$work/run"
	ref=$("$cella" store add "$work/run" --as code)
	cat >"$work/m.json" <<END
{"type":"vm-function","address":"0x00","time":1,"allow_amend":false,
 "environment":{},"resources":{"memory":128,"seconds":3},
 "code":{"encoding":"plain","entrypoint":"run","ref":"$ref","interface":"binary"},
 "runtime":{"ref":"$(image python)","comment":""},"on":{"http":true,"persistent":$2}}
END
	eval "$1=\$(\"\$cella\" publish \"\$work/m.json\")"
}
printf 'version: 1\nwarm: {functions: ["*"], idle: 1s}\n' >"$work/policy.yaml"
chmod 600 "$work/policy.yaml"
node_start --policy "$work/policy.yaml"

# ---- warm ----
function warm false
expect "one machine" "1 2 3" "$(for _ in 1 2 3; do call "$warm"; done | xargs)"
expect "it is there" 1 "$(runs "$warm" serving)"
await none "$warm"
expect "it went when nobody called" 1 "$(call "$warm")"
# Two that start at the same time wait for one machine.
await none "$warm"
for i in 1 2 3 4; do curl -s -m 20 "http://$http/vm/$warm" >"$work/out.$i" & pids="${pids:-} $!"; done
wait $pids
expect "at the same time" "1 2 3 4" "$(sort "$work"/out.? | xargs)"
expect "a slow one" 5 "$(call "$warm/slow")"
call "$warm/hang" >"$work/out"
expect "too long" 504 "$(status)"
expect "its machine went with it" 1 "$(call "$warm")"
call "$warm/die" >"$work/out"
expect "it died" 502 "$(status)"
expect "another came" 1 "$(call "$warm")"
contains "the record" '"calls":' "$("$cella" audit show --json | tr -d ' \n')"
contains "of the one that took too long" '"verdict":"wall"' "$("$cella" audit show --json | tr -d ' ' | grep "$warm" | grep '"kind":"end"' | grep wall)"
ok=$("$cella" audit show --json | tr -d ' ' | grep "$warm" | grep '"kind":"end"' | grep -c '"verdict":"ok"')
[ "$ok" -ge 2 ] || fail "machines that were let go ended well: $ok"
# Front's death takes the callers, not the machine.
expect "before" 2 "$(call "$warm")"
kill -9 "$(child cella-front)"
await sh -c "curl -s http://$http/healthz | grep -q ok"
expect "after front died" 3 "$(call "$warm")"
# Somebody who leaves is no reason to end it.
curl -s -m 0.2 "http://$http/vm/$warm/slow"
expect "after a caller left" 5 "$(call "$warm")"

# ---- connections ----
# What becomes of a connection, with its number, in a thread.
cp "$work/serve" "$work/counts"
served() { # NAME TEXT
	cat >"$work/serve" <<END
#!/usr/bin/python3
import socket, threading, time
s = socket.create_server(("127.0.0.1", 8080), backlog=128)
head = b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%s"
def reply(c, text, more=b""):
    got = b""
    while b"\\r\\n\\r\\n" not in got:
        part = c.recv(65536)
        if not part: return False
        got += part
    c.sendall(head % (len(text), text) + more)
    return True
def serve(c, n):
$2
    c.close()
n = 0
while True:
    c, _ = s.accept()
    n += 1
    threading.Thread(target=serve, args=(c, n)).start()
END
	function "$1" false
}
each() { # HASH: a hundred calls one after the other: their answers
	curl -s -m 60 "http://$http/vm/$1/[1-100]"
}
served keeps '    while reply(c, b"%d\n" % n): pass'
expect "all are answered" 100 "$(each "$keeps" | wc -l)"
used=$(each "$keeps" | sort -u | wc -l)
[ "$used" -le 50 ] || fail "a hundred calls over $used connections"
# Who closes without a word, at once or late, breaks no call.
served closes '    reply(c, b"once\n")'
expect "one that closes" 100 "$(each "$closes" | grep -c '^once$')"
served late '    reply(c, b"once\n"); time.sleep(0.001)'
expect "one that closes late" 100 "$(each "$late" | grep -c '^once$')"
# What may not be said twice has a connection that is new.
expect "each a new one" 20 "$(for _ in $(seq 20); do call "$keeps" -d x; done | sort -u | wc -l)"
# Whoever says more than he was asked is not believed: nobody else gets that.
served more '    reply(c, b"mine\n", head % (7, b"theirs\n")); time.sleep(1)'
expect "one that says more" 100 "$(each "$more" | grep -c '^mine$')"

cp "$work/counts" "$work/serve"

# ---- persistent ----
function kept true
await sh -c "\"$cella\" ps --json | tr -d ' \n' | grep -q '\"trigger\":\"persistent\",\"state\":\"serving\"'"
expect "it serves" "1 2" "$(call "$kept") $(call "$kept")"
call "$warm" >/dev/null
await none "$warm" # as long as that one was idle
expect "it stays" 3 "$(call "$kept")"
"$cella" stop "$("$cella" ps | awk '$3 == "persistent" { print $1 }')"
await sh -c "[ \"\$(curl -s http://$http/vm/$kept)\" = 1 ]"
call "$kept/die" >"$work/out"
await sh -c "[ \"\$(curl -s http://$http/vm/$kept)\" = 1 ]"
for pid in $(child cella-core); do kill -9 "$pid"; done
await sh -c "\"$cella\" ps --json 2>/dev/null | tr -d ' \n' | grep -q '\"trigger\":\"persistent\",\"state\":\"serving\"'"
expect "after core died" 1 "$(call "$kept")"

# ---- the end ----
curl -s "http://$http/vm/$kept/slow" >"$work/slow" &
caller=$!
await sh -c "\"$cella\" ps --json | grep -q '\"calls\": 1'"
node_stop
wait $caller
expect "drained" 2 "$(cat "$work/slow")"
expect "end" 0 "$status"
finish
