#!/bin/sh
# Messages reach the functions that subscribed to them, once each, and calls
# that nobody waits for are made again until they are taken.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox python"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"

event() { # JSON: what the node says
	curl -s --unix-socket "$CELLA_STORE/control.sock" -d "$1" http://x/control/events
}
has() { # STATE NUMBER
	[ "$("$cella" jobs --json | grep -c "\"state\": \"$1\"")" -eq "$2" ]
}

image=$(image busybox)
node_start
function_of posts 'cat >&2' http false on ',"message":[{"type":"POST","content":{"ref":"x"}}]'
function_of sender 'cat >&2' http false on ',"message":[{"sender":["0xA","0xB"]},{"channel":"C"}]'
function_of never 'cat >&2' http false on ',"message":[{"nope":"x"}]'
sed 's/{"nope":"x"}/{}/' "$work/never.json" >"$work/all.json"
contains "a subscription to everything" "it would match every message" \
    "$("$cella" publish "$work/all.json" 2>&1)"

expect "nobody's" '{"functions":[],"item_hash":"HASH","known":0}' \
    "$(event '{"type":"POST"}' | sed 's/[0-9a-f]\{64\}/HASH/')"
message='{"type":"POST","sender":"0xA","content":{"ref":"x","more":1}}'
contains "both" "\"functions\":[\"$posts\",\"$sender\"]," "$(event "$message")"
contains "again" '"known":2' "$(event "$message")"
contains "by channel" "[\"$sender\"]" "$(event '{"channel":"C"}')"
contains "not by a part" '"functions":[]' "$(event '{"channel":["C"],"sender":{"a":"0xA"},"nope":{}}')"
await has done 3
content='{"ref":"x","time":1}'
hash=$(printf %s "$content" | sha256sum | cut -d' ' -f1)
text=$(printf %s "$content" | sed 's/"/\\"/g')
contains "content that is a text" "$posts" \
    "$(event "{\"type\":\"POST\",\"item_hash\":\"$hash\",\"item_content\":\"$text\"}")"
contains "a hash of other content" "item_hash is not that of item_content" \
    "$(event "{\"type\":\"POST\",\"item_hash\":\"$(printf '%064d' 1)\",\"item_content\":\"$text\"}")"
contains "no object" '"code":"invalid"' "$(event '[1]')"
contains "no JSON" '"code":"invalid"' "$(event 'x')"
expect "without the token" 401 \
    "$(curl -s -o /dev/null -w '%{http_code}' -d '{}' "http://$http/control/events")"
await has done 4
contains "the audit log" '"trigger":"message"' "$("$cella" audit show --kind end --json | tail -n 1)"

# An application with scopes has one for messages; what it raises is a failure.
cat >"$work/app.py" <<'END'
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise NotImplementedError
    assert scope["type"] == "aleph.message", scope["type"]
    assert scope["body"]["content"]["good"], "bad"
END
ref=$("$cella" store add "$work/app.py" --as code)
cat >"$work/app.json" <<END
{"type":"vm-function","address":"0x00","time":1,"allow_amend":false,
 "environment":{},"resources":{"memory":128,"seconds":10},
 "code":{"encoding":"plain","entrypoint":"app:app","ref":"$ref","interface":"asgi"},
 "runtime":{"ref":"$(image python)","comment":""},
 "on":{"http":false,"message":[{"channel":"APP"}]}}
END
app=$("$cella" publish "$work/app.json")
contains "a scope" "$app" "$(event '{"channel":"APP","content":{"good":true}}')"
await has done 5
event '{"channel":"APP","content":{"good":false}}' >/dev/null
await sh -c "'$cella' jobs --json | grep -q 'the function failed'"

# ---- asynchronous calls ----
function_of echo 'cat'
function_of flaky 'cat >/dev/null; exit 1'
function_of quiet cat http false
async() { # HASH ID [CURL-OPTION...]
	hash=$1 id=$2
	shift 2
	curl -s -H "X-Call-Id: $id" "$@" "http://$http/async/vm/$hash"
}
result() { # ID: the body; the status in $work/status
	curl -s -D "$work/head" -w '%{http_code}' -o "$work/body" "http://$http/async/calls/$1" >"$work/status"
	cat "$work/body"
}
is_done() {
	result "$1" >/dev/null
	[ "$(status)" = 200 ]
}
expect "accepted" '{"call_id":"one","status":"accepted"}' "$(async "$echo" one -d hello)"
expect "again" '{"call_id":"one","status":"known"}' "$(async "$echo" one -d other)"
await is_done one
expect "its result" hello "$(result one)"
expect "without a name" 202 \
    "$(curl -s -o "$work/body" -w '%{http_code}' -d x "http://$http/async/vm/$echo/path?q")"
id=$(sed 's/.*"call_id":"\([0-9a-f]*\)".*/\1/' "$work/body")
await is_done "$id"
contains "a bad name" '"code":"invalid"' "$(async "$echo" 'a/b' -d x)"
contains "called back" "does not allow" "$(async "$echo" two -H 'X-Callback-Url: http://127.0.0.1/' -d x)"
contains "one that takes no calls" '"code":"denied"' "$(async "$quiet" three -d x)"
contains "nobody published it" '"code":"not-found"' "$(async "$(printf '%064d' 7)" four -d x)"
result nobody >/dev/null
expect "a call that was not made" 404 "$(status)"
async "$flaky" bad -d x >/dev/null
await sh -c "'$cella' jobs --json | grep -q 'the function ended without a reply'"
contains "it is tried again" '"state":"waiting"' "$(result bad)"

# What was accepted is done, though the node is killed at once.
async "$echo" kept -d kept >/dev/null
kill -9 "$node"
wait "$node" 2>/dev/null
node_start
await is_done kept
expect "after a kill" kept "$(result kept)"
node_stop
finish
