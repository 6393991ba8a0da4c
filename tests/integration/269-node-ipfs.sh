#!/bin/sh
# What a CID names comes from gateways of IPFS, in blocks that are checked one by
# one, and nothing of it is believed.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
. "$abs_top_srcdir/tests/lib/network.sh"
image=$(image busybox)

network_api
cat >"$work/policy.yaml" <<END
version: 1
fetch: {aleph: ["http://127.0.0.1:$port"], ipfs: ["http://127.0.0.1:1", "http://127.0.0.1:$port/"], max: 1MiB}
END
chmod 600 "$work/policy.yaml"
# script TEXT [SIZE]: a program that says it
script() {
	{
		printf '#!/bin/sh\necho %s\nexit\n' "$1"
		head -c "${2:-0}" /dev/urandom
	} >"$work/file"
}
node_start --policy "$work/policy.yaml"

script one
network_blocks "$work/file"
expect "one block" one "$(call "$(network_program "$cid")")"
contains "the record of it" "\"item_hash\":\"$cid\"" "$("$cella" audit show --json | tr -d ' \n' | grep -o '"kind":"fetched".*')"
script many 300000
network_blocks "$work/file" chunk=5000 fan=7
expect "a tree of blocks" many "$(call "$(network_program "$old")")"
expect "as it is" "$(sha256sum <"$work/file" | cut -d ' ' -f 1)" "$(cat "$CELLA_STORE/refs/$old")"
script old 20000
network_blocks "$work/file" chunk=1000 raw=0
expect "leaves that are nodes" old "$(call "$(network_program "$cid")")"
{
	printf '#!/bin/sh\necho again\nexit\n'
	head -c 50000 /dev/zero
} >"$work/file"
network_blocks "$work/file" chunk=1000 but=reversed
expect "in any order, each once" again "$(call "$(network_program "$cid")")"

# It made room for others, and is wanted again.
digest=$(cat "$CELLA_STORE/refs/$cid")
rm "$CELLA_STORE/blobs/sha256/$(printf %.2s "$digest")/$digest"
contains "gone, and had again" "$cid" "$(network_program "$cid" >/dev/null; grep "^car $cid" "$net/log" | sed -n 2p)"

# By a STORE message that names it.
script named
network_blocks "$work/file"
network_sign "$work/key" STORE "{\"address\":\"$owner\",\"time\":1,\"item_type\":\"ipfs\",\"item_hash\":\"$cid\"}" >"$work/s.json"
hash=$(network_field item_hash <"$work/s.json")
cp "$work/s.json" "$net/messages/$hash"
expect "by a message" named "$(call "$(network_program "$hash")")"

# ---- what goes wrong, and is mended ----
script patient 100000
network_blocks "$work/file"
echo "busy cut norange" >"$net/faults/$cid"
expect "a gateway that is busy, and breaks off" patient "$(call "$(network_program "$cid")")"

# ---- what is not believed ----
bad() { # WHAT WORDS
	contains "$1" "$2" "$(network_program "$cid")"
	[ -e "$CELLA_STORE/refs/$cid" ] && fail "$1: the reference is there"
}
script other 30000
network_blocks "$work/file" but=other
bad "another block" "not what it is called"
network_blocks "$work/file" chunk=999 but=last
bad "one that is missing" "a block is missing"
script cut 30000
network_blocks "$work/file"
truncate -s 20000 "$net/cars/$cid"
bad "half of it" "malformed CAR"
script raw
network_blocks "$work/file"
cp "$work/file" "$net/cars/$cid"
bad "the file itself" "malformed CAR"
script long 1100000
network_blocks "$work/file" chunk=100000
bad "a file that is too long" "longer than allowed"
script longer 2500000
network_blocks "$work/file" chunk=100000
bad "blocks that are too many" "fetch.max"
rm "$net/cars/$cid"
script nobody
network_blocks "$work/file"
rm "$net/cars/$cid"
contains "nobody has it" "no server has it" "$(network_program "$cid")"
expect "the store" 0 "$("$cella" store verify >/dev/null; echo $?)"
node_stop
expect "end" 0 "$status"
finish
