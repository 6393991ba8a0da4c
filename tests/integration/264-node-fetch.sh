#!/bin/sh
# What a node has not it gets from servers, and believes nothing of it.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
. "$abs_top_srcdir/tests/lib/network.sh"
image=$(image busybox)

network_api
cat >"$work/policy.yaml" <<END
version: 1
fetch: {aleph: ["http://127.0.0.1:1", "http://127.0.0.1:$port/"], max: 4MiB}
END
chmod 600 "$work/policy.yaml"

# remote TEXT [KEY]: a program that says it, with the network alone
remote() {
	printf '#!/bin/sh\necho %s\n' "$1" >"$work/file"
	network_store "$work/file" "${2:-$work/key}"
}
node_start --policy "$work/policy.yaml"
log() {
	grep "$1" "$net/log" | cut -d ' ' -f 1,3,4 | tr '\n' ',' | sed 's/,$//'
}

remote first
expect "from the network" first "$(call "$(network_program "$hash")")"
expect "what was asked" "message - -" "$(log "$hash")"
expect "what was asked" "file - -" "$(log "$digest")"
contains "the record of it" "\"item_hash\":\"$digest\"" "$("$cella" audit show --json | tr -d ' \n' | grep -o '"kind":"fetched".*')"
contains "the run's record" '"by":"message"' "$("$cella" audit show --json | tr -d ' \n')"
remote bare
expect "by its digest" bare "$(call "$(network_program "$digest")")"

# ---- what goes wrong, and is mended ----
remote patient
echo "busy busy" >"$net/faults/$hash"
echo "hang busy" >"$net/faults/$digest"
expect "servers that are busy" patient "$(call "$(network_program "$hash")")"
remote "$(head -c 300000 /dev/zero | tr '\0' x)"
echo "cut cut" >"$net/faults/$digest"
expect "a connection that breaks off" 300000 "$(call "$(network_program "$hash")" | tr -d '\n' | wc -c)"
contains "it goes on" "bytes=" "$(log "$digest")"
remote "$(head -c 200000 /dev/zero | tr '\0' y)"
echo "cut norange" >"$net/faults/$digest"
expect "a server that cannot go on" 200000 "$(call "$(network_program "$hash")" | tr -d '\n' | wc -c)"

# ---- what is not believed ----
bad() { # WHAT WORDS
	out=$(network_program "$hash")
	contains "$1" "$2" "$out"
	[ -e "$CELLA_STORE/refs/$hash" ] && fail "$1: the reference is there"
	[ -e "$CELLA_STORE/blobs/sha256/$(printf %.2s "$digest")/$digest" ] && fail "$1: the file is there"
}
remote other
echo wrong >"$net/faults/$digest"
bad "other bytes" "hashes to"
remote stolen "$work/other.key"
bad "another's signature" "signature is missing"
remote changed
sed -i "s/$owner/0x0000000000000000000000000000000000000000/" "$net/messages/$hash"
bad "a message that was changed" "wrong with the message"
remote "$(head -c 5000000 /dev/zero | tr '\0' z)"
bad "a file that is too long" "fetch.max"
remote "$(head -c 5000001 /dev/zero | tr '\0' z)"
echo unbounded >"$net/faults/$digest"
bad "one of no length" "fetch.max"
remote elsewhere
echo redirect >"$net/faults/$hash"
bad "a redirect" "neither what was asked for"
rm -f "$net/files/$digest"
contains "nobody has it" "no server has it" "$(network_program "$(printf %064d 9)")"
before_again=$(wc -l <"$net/log")
network_program "$(printf %064d 9)" >/dev/null
expect "it is not asked for again at once" "$before_again" "$(wc -l <"$net/log")"

# ---- who has it stays it ----
kill "$server"
kill -9 "$(child cella-fetch)"
for pid in $(child cella-core); do kill -9 "$pid"; done
await sh -c "[ \"\$(curl -s http://$http/readyz)\" = ok ]"
remote late
contains "nobody is there" "onnect" "$(network_program "$hash")"
expect "what was fetched" 0 "$("$cella" store verify >/dev/null; echo $?)"
expect "an id of its own" yes "$([ "$(awk '/^Uid/ { print $2 }' "/proc/$(child cella-fetch)/status")" = 1999999996 ] && echo yes)"
expect "the log" 0 "$("$cella" audit verify >/dev/null 2>&1; echo $?)"
node_stop
expect "end" 0 "$status"
finish
