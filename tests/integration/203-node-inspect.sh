#!/bin/sh
# All that a node knows of a function, and of a run that goes on.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
image=$(image busybox)
node_start
function_of waits 'cat >/dev/null; while [ ! -e /none ]; do sleep 0.1; done' \
    on ',"cron":"0 0 1 1 *","message":[{"type":"POST"}]'
field() { # WHAT KEY: as JSON
	"$cella" inspect "$1" | /usr/bin/python3 -c "import json,sys; v=json.load(sys.stdin)
for k in sys.argv[1].split('.'): v = v[int(k)] if isinstance(v, list) else v[k]
print(json.dumps(v))" "$2"
}
expect "the function" "\"$waits\"" "$(field "$waits" item_hash)"
expect "its triggers" 'true ["0 0 1 1 *"] "[{\"type\":\"POST\"}]"' \
    "$(field "$waits" on_http) $(field "$waits" on_cron) $(field "$waits" on_message)"
contains "its slots" "01-01T00:00:00" "$(field "$waits" cron.0.next.0)"
expect "before its first launch" "null []" "$(field "$waits" terms) $(field "$waits" runs)"
"$cella" key add "$waits" --name me >/dev/null
expect "who may call" '"me"' "$(field "$waits" keys.0.name)"
"$cella" key open "$waits" >/dev/null 2>&1
"$cella" key revoke 1 >/dev/null
"$cella" key open "$waits" >/dev/null

curl -s "http://$http/vm/$waits" -d x >/dev/null &
caller=$!
serves() {
	[ "$(field 1-1 state 2>/dev/null)" = '"serving"' ]
}
await serves
expect "the run" "\"$waits\" \"http\"" "$(field 1-1 item_hash) $(field 1-1 trigger)"
expect "what it holds" 67108864 "$(field 1-1 reserved.memory)"
expect "what was decided" '"standard"' "$(field 1-1 terms.policy.tier)"
expect "the function's run" '"1-1"' "$(field "$waits" runs.0.run)"
uid=$(field 1-1 uid)
[ "$(ps -o pid= -u "$uid" | wc -l)" -ge 1 ] || fail "nobody has the id $uid"
"$cella" stop 1-1
wait "$caller"
out=$("$cella" inspect 1-1 2>&1)
expect "it is over" 1 $?
contains "it is over" "no run that goes on" "$out"
contains "nobody's" "nobody published it" "$("$cella" inspect "$(printf %064d 1)" 2>&1)"
expect "with the token alone" 401 "$(curl -s -o /dev/null -w '%{http_code}' "http://$http/control/inspect/1-1")"
"$cella" inspect a/b 2>/dev/null
expect "usage" 64 $?
node_stop
finish
