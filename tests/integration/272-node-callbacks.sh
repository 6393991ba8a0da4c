#!/bin/sh
# What came of an asynchronous call goes to where its caller wants it, if the
# policy lets it, and as often as that takes.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
. "$abs_top_srcdir/tests/lib/network.sh"
image=$(image busybox)

network_api
hook=http://127.0.0.1:$port/hook
printf 'version: 1\nasync: {callbacks: ["%s/"]}\n' "$hook" >"$work/policy.yaml"
chmod 600 "$work/policy.yaml"
node_start --policy "$work/policy.yaml"
function_of echo 'cat; echo'
function_of bad 'exit 3'
async() { # HASH ID URL
	curl -s -o "$work/body" -w '%{http_code}' -d "body of $2" -H "X-Call-Id: $2" -H "X-Callback-Url: $3" "http://$http/async/vm/$1"
}
posted() {
	grep -q "$1" "$net/hooks"
}
expect "taken" 202 "$(async "$echo" one "$hook/a")"
await posted "^/hook/a one 200 one body of one$"
expect "beside the result" "body of one" "$(curl -s "http://$http/async/calls/one")"
expect "where it may not go" 403 "$(async "$echo" two "http://127.0.0.1:1/hook/")"
contains "where it may not go" "does not allow" "$(cat "$work/body")"
expect "nor out of there" 403 "$(async "$echo" three "$hook/../x")"
expect "a long one" 400 "$(async "$echo" four "$hook/$(head -c 1100 /dev/zero | tr '\0' a)")"
expect "none of these was called" "" "$("$cella" jobs --json | grep -o 'async:\(two\|three\|four\)')"

# ---- again, also after a kill ----
echo "busy" >"$net/faults/again"
expect "taken" 202 "$(async "$echo" five "$hook/again")"
await posted "^/hook/again five 200 five"
echo "redirect" >"$net/faults/moved"
expect "taken" 202 "$(async "$echo" six "$hook/moved")"
await posted "^/hook/moved six 200 six"
posted elsewhere && fail "a redirect was followed"
echo "busy busy" >"$net/faults/killed"
expect "taken" 202 "$(async "$echo" seven "$hook/killed")"
await sh -c "\"$cella\" jobs --json | tr -d ' \n' | grep -q '\"kind\":\"callback\",\"state\":\"waiting\"'"
for pid in $(child cella-core); do kill -9 "$pid"; done
await posted "^/hook/killed seven 200 seven"
expect "once each" "1 1 1" "$(for n in one five six; do grep -c " $n " "$net/hooks"; done | xargs)"
contains "the list" callback "$("$cella" jobs)"

# A call that failed is tried again first.
expect "taken" 202 "$(async "$bad" eight "$hook/late")"
await sh -c "\"$cella\" jobs --json | tr -d ' \n' | grep -q '\"name\":\"async:eight\",\"attempts\":1'"
posted " eight " && fail "it is not given up yet"
node_stop
expect "end" 0 "$status"

# One whose node died at its last attempt is given up, and that is told too.
/usr/bin/python3 - "$CELLA_STORE/journal.db" <<'END'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
assert db.execute("UPDATE job SET state = 1, attempts = 6 WHERE name = 'async:eight'").rowcount == 1
db.commit()
END
node_start --policy "$work/policy.yaml"
await posted "^/hook/late eight 0 "
contains "why" "the node ended while it ran" "$(curl -s "http://$http/async/calls/eight")"
node_stop
finish
