#!/bin/sh
# A function that has keys is called by who shows a good one, as often as it may.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
image=$(image busybox)

node_start
function_of echo cat
function_of other cat
code() { # HASH [CURL-OPTION...]
	path=$1
	shift
	curl -s -m 20 -o "$work/body" -D "$work/head" -w '%{http_code}' "$@" "http://$http/vm/$path"
}
expect "everybody's" 200 "$(code "$echo")"
key=$("$cella" key add "$echo" --name alice)
case $key in
cella_[0-9a-f]*) ;;
*) fail "a key: $key" ;;
esac
expect "no key" 401 "$(code "$echo")"
contains "no key" "WWW-Authenticate: Cella-Key" "$(cat "$work/head")"
expect "the key" "200 hello" "$(code "$echo" -H "Cella-Key: $key" -d hello) $(cat "$work/body")"
expect "by HTTP/2" 200 "$(code "$echo" --http2-prior-knowledge -H "Cella-Key: $key")"
expect "another key" 403 "$(code "$echo" -H "Cella-Key: ${key%?}x")"
expect "a long one" 403 "$(code "$echo" -H "Cella-Key: $(head -c 5000 /dev/zero | tr '\0' a)")"
expect "an empty one" 403 "$(code "$echo" -H "Cella-Key;")"
expect "another function" 200 "$(code "$other")"
second=$("$cella" key add "$other")
expect "a key of another function" 403 "$(code "$other" -H "Cella-Key: $key")"
expect "its own" 200 "$(code "$other" -H "Cella-Key: $second")"
contains "the record" '"key":"alice"' "$("$cella" audit show --json | tr -d ' \n')"
for secret in "$key" "$second"; do
	grep -rqF "$secret" "$CELLA_STORE" && fail "the state directory has a key"
done
"$cella" audit show --json | grep -qF "$key" && fail "the log has a key"

# Asynchronous calls are calls.
expect "async, no key" 401 "$(curl -s -o /dev/null -w '%{http_code}' -d x "http://$http/async/vm/$echo")"
expect "async" 202 "$(curl -s -o /dev/null -w '%{http_code}' -d x -H "Cella-Key: $key" -H "X-Call-Id: one" "http://$http/async/vm/$echo")"
await sh -c "curl -s http://$http/async/calls/one | grep -q '^x'"
expect "what came of it" x "$(curl -s "http://$http/async/calls/one")"
grep -aqF "$key" "$CELLA_STORE/journal.db-wal" && fail "the journal has a key"

# As often as it may: at once, and then as the minute goes by.
slow=$("$cella" key add "$echo" --name bob --rate 3)
expect "three times" "200 200 200 429" "$(for _ in 1 2 3 4; do code "$echo" -H "Cella-Key: $slow"; echo; done | xargs)"
contains "when to come again" "Retry-After" "$(cat "$work/head")"
expect "the other's rate is his own" 200 "$(code "$echo" -H "Cella-Key: $key")"

# ---- the operator ----
contains "the list" "alice" "$("$cella" key ls)"
expect "the list" 3 "$("$cella" key ls --json | grep -c '"state": "good"')"
number=$("$cella" key ls | awk '$4 == "alice" { print $1 }')
"$cella" key revoke "$number" >/dev/null
expect "a revoked one" 403 "$(code "$echo" -H "Cella-Key: $key")"
for pid in $(child cella-core); do kill -9 "$pid"; done
await sh -c "[ \"\$(curl -s -o /dev/null -w '%{http_code}' http://$http/vm/$echo)\" = 401 ]"
expect "after a kill" "403 200" "$(code "$echo" -H "Cella-Key: $key") $(code "$other" -H "Cella-Key: $second")"
"$cella" key revoke "$("$cella" key ls | awk '$4 == "bob" { print $1 }')" >/dev/null
expect "without a good key it is nobody's" 401 "$(code "$echo")"
"$cella" key open "$echo" >/dev/null
expect "open" 200 "$(code "$echo")"
expect "an old key opens nothing" 200 "$(code "$echo" -H "Cella-Key: $key")"
out=$("$cella" key add "$(printf %064d 3)" 2>&1)
expect "a key of nothing" 1 $?
contains "a key of nothing" "nobody published it" "$out"
out=$("$cella" key revoke 99 2>&1)
contains "no such key" "no key 99" "$out"
"$cella" key revoke x >/dev/null 2>&1
expect "usage" 64 $?
expect "for operators" 401 "$(curl -s -o /dev/null -w '%{http_code}' -X POST "http://$http/control/keys/$other")"
node_stop
expect "end" 0 "$status"
finish
