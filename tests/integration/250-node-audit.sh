#!/bin/sh
# What a node did stands in its audit log, before it is done, and nobody
# changes it unnoticed.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
log=$CELLA_STORE/audit/00000000000000000001.log

# records KIND: those of that kind, one a line.
records() {
	"$cella" audit show --kind "$1" --json
}

image=$(image busybox)
node_start
function_of echo cat
function_of slow 'sleep 5' seconds 1
function_of bad 'echo no >&2; exit 3'
function_of quiet cat http false
expect "echo" hello "$(call "$echo/" -d hello)"
call "$slow/" -d x >/dev/null
call "$bad/" -d x >/dev/null
call "$quiet/" -d x >/dev/null
call "$(printf '%064d' 7)/" >/dev/null

# ---- what stands in it ----
await sh -c "[ \$('$cella' audit show --kind end | wc -l) = 3 ]"
expect "published" 4 "$(records publish | wc -l)"
contains "a verdict" '"verdict":"ok"' "$(records end | grep "$echo")"
contains "bytes" '"bytes_in":5,"bytes_out":5' "$(records end | grep "$echo")"
contains "what the kernel held" '"memory":67108864' "$(records end | grep "$echo")"
contains "a time-out" '"verdict":"wall"' "$(records end | grep "$slow")"
contains "an exit" '"verdict":"exit","end":"exit","exit_code":3' "$(records end | grep "$bad")"
contains "a refusal" '"code":"denied","message":"on.http is false' "$(records refused | grep "$quiet")"
run=$(records admit | grep "$echo" | sed 's/.*"run":"\([^"]*\)".*/\1/')
expect "the records of a run" "admit end" \
    "$("$cella" audit show --run "$run" | cut -d' ' -f3 | xargs)"
terms=$(records admit | grep "$echo" | sed 's/.*"terms":"\([^"]*\)".*/\1/')
contains "what was decided" '"limits":{' "$(records terms | grep "$terms")"
contains "what it referred to" "$image" "$(records terms | grep "$terms")"

# ---- it is whole, and for whom ----
contains "good" "good: records 1 to" "$("$cella" audit verify)"
key=$("$cella" audit key)
"$cella" audit key 2>/dev/null && fail "the key is told once"
contains "good, with the key" '"keyed": true' "$("$cella" audit verify --key "$key" --json)"
mark=$(curl -s --unix-socket "$CELLA_STORE/control.sock" http://x/control/audit |
    sed 's/.*"seq":\([0-9]*\),"hash":"\([^"]*\)".*/\1:\2/')
# The log grows while it is looked at, also behind what was read of it.
# (No search for leaks: who is traced cannot be searched.)
function_of grows cat
ASAN_OPTIONS=detect_leaks=0 strace -qq -o "$work/trace" -P key -e trace=openat -e inject=openat:delay_enter=1000000 \
    "$cella" audit verify >"$work/live" 2>&1 &
reader=$!
grown=0
while kill -0 "$reader" 2>/dev/null; do
	call "$grows/" -d x >/dev/null
	grown=$((grown + 1))
done
wait "$reader"
expect "while it grows" 0 $?
contains "while it grows" "good: records 1 to" "$(cat "$work/live")"
[ "$grown" -gt 2 ] && grep -q DELAYED "$work/trace" || fail "it did not grow meanwhile: $grown"
expect "root's file" 600 "$(stat -c %a "$log")"

# ---- core is killed: the log goes on ----
kill -9 "$(child cella-core)"
await sh -c "curl -s -m 5 -d again http://$http/vm/$echo | grep -q again"
node_stop
contains "good, after a kill" "good: records 1 to" \
    "$("$cella" audit verify --key "$key" --checkpoint "$mark")"
contains "a line that was cut off" stopped "$(tail -n 1 "$log")"
printf '{"seq":' >>"$log"
node_start
expect "after a torn line" hello "$(call "$echo/" -d hello)"
contains "it says so" '"recovered":{"partial_bytes":7}' "$(records open)"
contains "good, after a torn line" "good:" "$("$cella" audit verify --key "$key")"

# ---- who used how much ----
expect "usage" "sender,runs,failed" "$("$cella" usage --csv | head -n 1 | cut -d, -f1-3)"
await sh -c "[ \$('$cella' usage --by function --csv | grep '$echo,3,0,' | wc -l) = 1 ]"
contains "usage of today" "$(date -u +%F)" "$("$cella" usage --by day)"
expect "usage of long ago" "[]" "$("$cella" usage --until 2001 --json)"
node_stop

# ---- a receipt ----
"$cella" audit receipt --run "$run" >"$work/receipt" || fail "a receipt"
said=$("$cella" verify "$work/receipt")
contains "a receipt" "good: run $run of $echo, verdict ok, signed by" "$said"
node_key=${said##* }
"$cella" verify --node "$node_key" "$work/receipt" >/dev/null || fail "by that node"
"$cella" verify --node "$(printf '%064d' 1)" "$work/receipt" 2>/dev/null && fail "by another node"
sed -i 's/"verdict": "ok"/"verdict": "oom"/' "$work/receipt"
contains "a receipt that was changed" "not as the node signed it" \
    "$("$cella" verify "$work/receipt" 2>&1)"
contains "of no run" "no record of it" "$("$cella" audit receipt --run 9-9 2>&1)"

# ---- somebody changes it ----
cp "$log" "$work/log"
line=$(grep -n '"kind":"end"' "$log" | head -n 1 | cut -d: -f1)
sed -i "${line}s/\"wall_ns\":[0-9]*/\"wall_ns\":1/" "$log"
said=$("$cella" audit verify) && fail "a changed record is not good"
contains "the changed record" "bad: record $line was changed" "$said"
sed "${line}d" "$work/log" >"$log"
contains "a missing record" "bad: record $line is missing" "$("$cella" audit verify)"
head -n -3 "$work/log" >"$log"
contains "a log that was cut" "are missing at the end" "$("$cella" audit verify)"
node_start
contains "the node says so" "are gone" "$(grep 'audit log' "$work/node.err")"
node_stop
"$cella" audit verify >/dev/null && fail "a break is no good log"
finish
