#!/bin/sh
# The audit log is followed while it is written, from file to file.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
image=$(image busybox)
node_start
function_of first 'echo first'
call "$first" >/dev/null
await sh -c "\"$cella\" audit show --kind end | grep -q ."

"$cella" events >"$work/events" &
events=$!
"$cella" events --kind end --json --since 2020 >"$work/ends" &
ends=$!
await grep -q '"item_hash":"'"$first" "$work/ends"
# It begins with what comes now.
await sh -c "grep -q 'inotify' /proc/$events/fdinfo/* 2>/dev/null"
call "$first" >/dev/null
await grep -q "end 1-2 $first ok" "$work/events"
expect "no older ones" 2 "$(wc -l <"$work/events")"
function_of second 'exit 3'
call "$second" >/dev/null
await grep -q "end 1-3 $second" "$work/events"
expect "the kinds" "admit,end,publish,admit,end" "$(cut -d ' ' -f 3 "$work/events" | grep -v terms | paste -sd ,)"
await sh -c "[ \"\$(wc -l <'$work/ends')\" = 3 ]"
kill "$events"

# Another core goes on in the same file.
kill -9 "$(child cella-core)"
await sh -c "[ \"\$(curl -s http://$http/readyz)\" = ok ]"
call "$first" >/dev/null
await sh -c "[ \"\$(wc -l <'$work/ends')\" = 4 ]"
kill "$ends"
node_stop

# The next file, which begins while it is followed; and what is no line yet.
mkdir "$work/copy"
chmod 755 "$work" "$work/copy"
log=$(echo "$CELLA_STORE"/audit/*.log)
lines=$(wc -l <"$log")
name() {
	printf '%s/copy/%020d.log' "$work" "$1"
}
head -n 3 "$log" >"$(name 1)"
head -c 100 /dev/zero >>"$(name 1)"
chmod 644 "$(name 1)"
"$cella" audit show -f "$work/copy" >"$work/shown" &
shown=$!
await sh -c "[ \"\$(wc -l <'$work/shown')\" = 3 ]"
head -n 4 "$log" >"$(name 1)"
await sh -c "[ \"\$(wc -l <'$work/shown')\" = 4 ]"
tail -n +5 "$log" | head -c 30 >"$(name 5)"
chmod 644 "$(name 5)"
tail -n +5 "$log" | tail -c +31 >>"$(name 5)"
await sh -c "[ \"\$(wc -l <'$work/shown')\" = $lines ]"
expect "in order, and each once" "$(seq "$lines" | xargs)" "$(cut -d ' ' -f 1 "$work/shown" | xargs)"
kill "$shown"
"$cella" events --store "$work/none" 2>/dev/null
expect "no log" 1 $?
finish
