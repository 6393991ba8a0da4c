#!/bin/sh
# What runs may hold together is bounded; who does not fit waits a while, and
# hears when to come again.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"

cat >"$work/policy.yaml" <<'END'
version: 1
admission:
  host: {memory: 200MiB}
  function: {runs: 1}
  queue: 1
  wait: 3s
END
runs() { # STATE NUMBER
	[ "$("$cella" ps --json | grep -c "\"state\": \"$1\"")" -eq "$2" ]
}
# A caller whose function answers when its file is there.
hang() { # NAME HASH
	curl -s -m 60 -T "$work/$1" -w '%{http_code}' -o "$work/$1.body" "http://$http/vm/$2" >"$work/$1.status" 2>/dev/null \
	    4>&- 5>&- 6>&- & # what keeps another's request open
}

image=$(image busybox)
node_start --policy "$work/policy.yaml"
function_of slow 'cat'
function_of other 'echo other'
sed 's/"memory":64/"memory":256/' "$work/other.json" >"$work/large.json"
large=$("$cella" publish "$work/large.json")
mkfifo "$work/a" "$work/b" "$work/c"
hang a "$slow"
exec 4>"$work/a"
await runs serving 1

# Another call of that function waits; one more has no place to wait.
hang b "$slow"
second=$!
exec 5>"$work/b"
await runs queued 1
call "$slow" -d x >/dev/null
expect "a third" 429 "$(status)"
contains "why" "runs: the function has all of its 1 in use" "$(cat "$work/body")"
contains "when" "Retry-After" "$(cat "$work/head")"
expect "another function" other "$(call "$other" -d x)"
expect "one that never fits" 403 "$(call "$large" -d x >/dev/null; status)"
contains "why never" "memory: it needs more than the 209715200 of a host" "$(cat "$work/body")"

# The first ends, and the second has its room.
printf first >&4
exec 4>&-
await runs serving 1
await runs queued 0
printf second >&5
exec 5>&-
wait "$second"
await [ -s "$work/a.status" ]
expect "the first" "first 200" "$(cat "$work/a.body") $(cat "$work/a.status")"
expect "the second" "second 200" "$(cat "$work/b.body") $(cat "$work/b.status")"

# Who waits in vain hears so; who leaves while he waits is forgotten.
hang c "$slow"
exec 6>"$work/c"
await runs serving 1
expect "in vain" 429 "$(call "$slow" -d x >/dev/null; status)"
curl -s -m 1 -d x "http://$http/vm/$slow" >/dev/null
await runs queued 0
run=$("$cella" ps | awk -v f="$slow" '$NF == f { print $1 }')
"$cella" stop 7-7 2>/dev/null && fail "a run that is none"
"$cella" stop "$run" || fail "a run is stopped"
await runs serving 0
exec 6>&-
await sh -c "'$cella' audit show --run '$run' --kind end | grep -q ' signal\$'"
contains "the audit log" '"code":"quota"' "$("$cella" audit show --kind refused --json)"
node_stop
finish
