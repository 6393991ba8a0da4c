#!/bin/sh
# What a feed brings while it cannot be recorded is not lost: the node takes it
# when there is room.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
. "$abs_top_srcdir/tests/lib/npm.sh"
. "$abs_top_srcdir/tests/lib/network.sh"
mkdir "$CELLA_STORE/audit"
mount -t tmpfs -o "size=128k,mode=700,uid=$(stat -c %u "$CELLA_STORE/blobs")" cella-test "$CELLA_STORE/audit"
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; [ -z "${node:-}" ] || { kill "$node"; wait "$node"; }; umount "$CELLA_STORE/audit"; rm -rf "$work"' EXIT

image=$(image busybox)
before=$(leaks)
network_feed
printf 'version: 1\nfetch: {feed: "ws://127.0.0.1:%s/api/ws0/messages"}\n' "$port" >"$work/policy.yaml"
chmod 600 "$work/policy.yaml"
node_start --policy "$work/policy.yaml"
await grep -q 'feed: .*: connected' "$work/node.err"
store() { # TIME TEXT [REF]: its file is here
	printf '#!/bin/sh\necho %s\n' "$2" >"$work/file"
	digest=$("$cella" store add "$work/file" --as code)
	network_sign "$work/key" STORE "{\"address\":\"$owner\",\"time\":$1,\"item_type\":\"storage\",\"item_hash\":\"$digest\"${3:+,\"ref\":\"$3\"}}"
}
store 1 old >"$work/s.json"
old=$("$cella" publish "$work/s.json")
latest=$(network_program "$old" "$work/key" true)
expect "before" old "$(call "$latest")"
amend=$(store 2 new "$old")
id=$(echo "$amend" | network_field item_hash)

dd if=/dev/zero of="$CELLA_STORE/audit/fill" bs=4096 2>/dev/null
for _ in $(seq 20); do
	call "$latest" >/dev/null
	[ "$(status)" = 200 ] || break
done
expect "with a full disk" 503 "$(status)"
network_send "$amend"
# It is read, and its bytes are kept; what it says is not done.
digest=$(printf %s "$amend" | sha256sum | cut -d ' ' -f 1)
await grep -q "$id" "$CELLA_STORE/blobs/sha256/$(printf %.2s "$digest")/$digest" 2>/dev/null
[ -e "$CELLA_STORE/messages/$id.json" ] && fail "it is published"
rm "$CELLA_STORE/audit/fill"
await [ -e "$CELLA_STORE/messages/$id.json" ]
expect "with room again" new "$(call "$latest")"
grep -q 'left out' "$work/node.err" && fail "it was left out"
node_stop
kill "$server"
wait "$server" 2>/dev/null
server=
contains "the log" "good:" "$("$cella" audit verify)"
gone
expect "left behind" "$before" "$after"
exit $((failures > 0))
