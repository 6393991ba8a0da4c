#!/bin/sh
# A function that a clock calls: once for each slot, whatever happens to the
# node meanwhile.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"

# Time passes by the journal: what was published, and what fired, long ago.
earlier() { # SECONDS
	/usr/bin/python3 - "$CELLA_STORE/journal.db" "$1" <<'END'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("UPDATE program SET published_ns = published_ns - ? * 1000000000", (int(sys.argv[2]),))
db.execute("UPDATE slot SET fired = fired - ?", (int(sys.argv[2]),))
db.commit()
END
}
# jobs STATE: how many of them.
jobs() {
	"$cella" jobs --json | grep -c "\"state\": \"$1\""
}
has() { # STATE NUMBER
	[ "$(jobs "$1")" -eq "$2" ]
}

image=$(image busybox)
node_start
function_of often 'grep -q "^{\"type\":\"cron\",\"cron\":\"\* \* \* \* \*\",\"slot\":\"20..-..-..T..:..:00.000Z\"}$"' http false on ',"cron":"* * * * *"'
function_of twice 'cat' http false on ',"cron":["0 0 1 1 *","@yearly"]'
function_of fails 'exit 3' http false on ',"cron":"* * * * *"'
expect "none fired yet" "[]" "$("$cella" jobs --json)"
expect "nobody may call it" 403 "$(call "$often" >/dev/null; status)"
listed=$("$cella" cron ls)
contains "its expression" "$often  * * * * *" "$listed"
expect "five slots each" 20 "$(echo "$listed" | grep -c '^    20')"
contains "the new year" "-01-01T00:00:00.000Z" "$listed"
printf '{"type":"vm-function"}' >"$work/bad.json"
sed 's/\* \* \* \* \*/0 0 * * * */' "$work/often.json" >"$work/bad.json"
said=$("$cella" publish "$work/bad.json" 2>&1)
contains "seconds" "seconds are not offered" "$said"
node_stop

# An hour later: 60 slots were missed, and one is made up for.
earlier 3600
node_start
await has done 1
await has dead 1
contains "its failure" "$fails" "$("$cella" jobs | grep dead)"
contains "why it failed" "the function ended without a reply" "$("$cella" jobs | grep dead)"
contains "the audit log" '"trigger":"cron","job":1' "$("$cella" audit show --kind admit --json)"
node_stop

# It starts again and again: no slot is made up for twice.
for _ in 1 2; do
	node_start
	"$cella" cron ls >/dev/null
	node_stop
done
node_start
done=$(jobs done) dead=$(jobs dead)
[ "$done" -le 3 ] || fail "slots fired twice: $done"
node_stop
slots=$(/usr/bin/python3 -c "
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
print(db.execute('SELECT count(*) - count(DISTINCT name) FROM job').fetchone()[0])
" "$CELLA_STORE/journal.db")
expect "each slot by its name" 0 "$slots"

# Killed in the middle of one: it may have run, and does not run again.
earlier 3600
node_start
function_of slow 'sleep 60' seconds 60 http false on ',"cron":"* * * * *"'
node_stop
earlier 3600
node_start
await sh -c "'$cella' jobs --json | grep -q '\"state\": \"running\"'"
kill -9 "$(child cella-core)"
await sh -c "'$cella' jobs 2>/dev/null | grep -q 'the node ended while it ran'"
node_stop INT
finish
