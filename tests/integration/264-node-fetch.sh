#!/bin/sh
# What a node has not it gets from servers, and believes nothing of it.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
image=$(image busybox)

net=$work/net
mkdir -p "$net/messages" "$net/files" "$net/faults"
: >"$net/log"
: >"$net/port"
"$abs_top_srcdir/tests/node/aleph_server.py" "$net" >"$net/port" &
server=$!
trap 'kill "$server" 2>/dev/null; [ -z "${node:-}" ] || { kill "$node"; wait "$node"; }; rm -rf "$work"' EXIT
await grep -q . "$net/port"
cat >"$work/policy.yaml" <<END
version: 1
fetch: {aleph: ["http://127.0.0.1:1", "http://127.0.0.1:$(cat "$net/port")/"], max: 4MiB}
END
chmod 600 "$work/policy.yaml"

printf '%064d\n' 1 >"$work/key"
printf '%064d\n' 2 >"$work/other.key"
owner=0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf
field() { # FILE NAME
	sed -n "s/.*\"$2\": \"\([^\"]*\)\".*/\1/p" "$1" | head -n 1
}
# remote TEXT [KEY]: a file and its STORE message, with the network alone; prints its hash
remote() {
	printf '#!/bin/sh\necho %s\n' "$1" >"$work/file"
	digest=$(sha256sum "$work/file" | cut -d ' ' -f 1)
	cp "$work/file" "$net/files/$digest"
	printf '{"address":"%s","time":1,"item_type":"storage","item_hash":"%s"}' "$owner" "$digest" >"$work/c.json"
	"$cella" message sign "$work/c.json" --key "${2:-$work/key}" --type STORE >"$work/s.json"
	hash=$(field "$work/s.json" item_hash)
	cp "$work/s.json" "$net/messages/$hash"
}
# program REF
program() {
	cat >"$work/m.json" <<END
{"type":"vm-function","address":"0x00","time":1,"allow_amend":false,
 "environment":{},"resources":{"memory":64,"seconds":5},
 "code":{"encoding":"plain","entrypoint":"run","ref":"$1","interface":"exec"},
 "runtime":{"ref":"$image","comment":""},"on":{"http":true}}
END
	"$cella" publish "$work/m.json" 2>&1
}
node_start --policy "$work/policy.yaml"
log() {
	grep "$1" "$net/log" | cut -d ' ' -f 1,3,4 | tr '\n' ',' | sed 's/,$//'
}

remote first
expect "from the network" first "$(call "$(program "$hash")")"
expect "what was asked" "message - -" "$(log "$hash")"
expect "what was asked" "file - -" "$(log "$digest")"
contains "the record of it" "\"item_hash\":\"$digest\"" "$("$cella" audit show --json | tr -d ' \n' | grep -o '"kind":"fetched".*')"
contains "the run's record" '"by":"message"' "$("$cella" audit show --json | tr -d ' \n')"
remote bare
expect "by its digest" bare "$(call "$(program "$digest")")"

# ---- what goes wrong, and is mended ----
remote patient
echo "busy busy" >"$net/faults/$hash"
echo "hang busy" >"$net/faults/$digest"
expect "servers that are busy" patient "$(call "$(program "$hash")")"
remote "$(head -c 300000 /dev/zero | tr '\0' x)"
echo "cut cut" >"$net/faults/$digest"
expect "a connection that breaks off" 300000 "$(call "$(program "$hash")" | tr -d '\n' | wc -c)"
contains "it goes on" "bytes=" "$(log "$digest")"
remote "$(head -c 200000 /dev/zero | tr '\0' y)"
echo "cut norange" >"$net/faults/$digest"
expect "a server that cannot go on" 200000 "$(call "$(program "$hash")" | tr -d '\n' | wc -c)"

# ---- what is not believed ----
bad() { # WHAT WORDS
	out=$(program "$hash")
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
contains "nobody has it" "no server has it" "$(program "$(printf %064d 9)")"
before_again=$(wc -l <"$net/log")
program "$(printf %064d 9)" >/dev/null
expect "it is not asked for again at once" "$before_again" "$(wc -l <"$net/log")"

# ---- who has it stays it ----
kill "$server"
kill -9 "$(child cella-fetch)"
for pid in $(child cella-core); do kill -9 "$pid"; done
await sh -c "[ \"\$(curl -s http://$http/readyz)\" = ok ]"
remote late
contains "nobody is there" "onnect" "$(program "$hash")"
expect "what was fetched" 0 "$("$cella" store verify >/dev/null; echo $?)"
expect "an id of its own" yes "$([ "$(awk '/^Uid/ { print $2 }' "/proc/$(child cella-fetch)/status")" = 1999999996 ] && echo yes)"
expect "the log" 0 "$("$cella" audit verify >/dev/null 2>&1; echo $?)"
node_stop
expect "end" 0 "$status"
finish
