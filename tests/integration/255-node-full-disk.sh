#!/bin/sh
# A disk that is full: nothing is admitted that could not be recorded, whoever
# calls hears so, and it goes on as soon as there is room.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
mkdir "$CELLA_STORE/audit"
mount -t tmpfs -o "size=128k,mode=700,uid=$(stat -c %u "$CELLA_STORE/blobs")" cella-test "$CELLA_STORE/audit"
trap '[ -z "${node:-}" ] || { kill "$node"; wait "$node"; }; umount "$CELLA_STORE/audit"; rm -rf "$work"' EXIT

image=$(image busybox)
before=$(leaks)
node_start
function_of hash cat
expect "before" hello "$(call "$hash" -d hello)"

# What is left of a page may hold a record yet: some calls go through.
dd if=/dev/zero of="$CELLA_STORE/audit/fill" bs=4096 2>/dev/null
for _ in $(seq 20); do
	call "$hash" -d hello >/dev/null
	[ "$(status)" = 200 ] || break
done
expect "with a full disk" 503 "$(status)"
contains "why" "the audit log cannot be written" "$(call "$hash" -d hello)"
contains "when to come again" "Retry-After" "$(cat "$work/head")"
expect "nothing runs" "[]" "$("$cella" ps --json)"
rm "$CELLA_STORE/audit/fill"
expect "with room again" hello "$(call "$hash" -d hello)"
await grep -q "written again" "$work/node.err"
node_stop
contains "the log" "good:" "$("$cella" audit verify)"
contains "what was refused" '"code":"busy"' "$("$cella" audit show --kind refused --json)"
gone
expect "left behind" "$before" "$after"
exit $((failures > 0))
