#!/bin/sh
# A machine directory is made from a message: its state is what data holds, its
# hash is known from docs/state.md alone, and nothing is left of one that fails.
. "$abs_top_srcdir/tests/lib/node.sh"
need=tools
. "$abs_top_srcdir/tests/lib/tools.sh"
# machine FILE [MORE]: a message of a machine with a state.
machine() {
	message "$1" more "${2:-}"
	sed -i 's/"interface":"exec"/"interface":"channel"/' "$1"
}
empty=a8f9a4aaa02183d2d3fc000a778d80370be788b65856125fdacea67412620ef0
machine "$work/m.json"
expect "without data" "$empty" "$("$cella" machine create "$work/m.json" "$work/m")"
expect "hash" "$empty" "$("$cella" machine hash "$work/m")"
expect "verify" "$empty" "$("$cella" machine verify "$work/m")"
expect "mode" 700 "$(stat -c %a "$work/m")"
expect "files" "0000000000001000-f000.bin 0000000000020000-6000.bin 0000000060000000-200000.bin 0000000060200000-200000.bin 0000000060400000-1000.bin 0000000060600000-200000.bin 0000000060800000-200000.bin 0000000080000000-4000000.bin 0080000000000000-4400000.bin config.protobuf hash message tree" \
    "$(ls "$work/m" | tr '\n' ' ' | sed 's/ $//')"
expect "32 bytes" "$empty" "$(od -An -v -tx1 "$work/m/hash" | tr -d ' \n')"
expect "the message as it was" "$(sha256sum <"$work/m.json")" "$(sha256sum <"$work/m/message")"
out=$("$cella" machine create "$work/m.json" "$work/m" 2>&1)
expect "it is there" 125 $?
contains "it is there" "$work/m: File exists" "$out"
expect "and stays" "$empty" "$("$cella" machine verify "$work/m")"

mkdir "$work/d" "$work/d/sub"
echo one >"$work/d/a"
echo two >"$work/d/sub/b"
ln -s sub/b "$work/d/l"
chmod 600 "$work/d/a"
data=$("$cella" store add "$work/d" --as data)
of_data=",\"data\":{\"encoding\":\"tar.gzip\",\"mount\":\"/state\",\"ref\":\"$data\",\"use_latest\":false}"
machine "$work/n.json" "$of_data"
hash=$("$cella" machine create "$work/n.json" "$work/n") || fail "create"
expect "verify" "$hash" "$("$cella" machine verify "$work/n")"
chmod 755 "$work/d"
expect "its state is the data" "" "$(diff -r "$work/d" "$work/n/tree")"
expect "what the documents say" "$hash" "$("$abs_top_builddir/tests/tools/state_hash" "$work/n/tree" 2>&1 >"$work/manifest")"
head -c "$(stat -c %s "$work/manifest")" "$work/n/0080000000000000-4400000.bin" | cmp - "$work/manifest" || fail "the drive is the manifest"
echo three >"$work/n/tree/a"
out=$("$cella" machine verify "$work/n" 2>&1)
expect "changed" 1 $?
contains "changed" "it is not the manifest of tree" "$out"

# What sessions refuse can be made; what is no configuration cannot.
printf 'htif: {yield_manual: false}\nrollup: {rx_buffer: {shared: true}}\nflash_drive: {length: 0x10000}\n' >"$work/c.yaml"
"$cella" machine create --config "$work/c.yaml" "$work/n.json" "$work/c" >"$work/out" || fail "config"
[ -f "$work/c/0080000000000000-10000.bin" ] || fail "drive length"
printf 'flash_drive: {length: 128}\n' >"$work/c.yaml"
out=$("$cella" machine create --config "$work/c.yaml" "$work/n.json" "$work/e" 2>&1)
expect "no room" 125 $?
[ ! -e "$work/e" ] || fail "something is left"
printf 'htif: {yield: maybe}\n' >"$work/c.yaml"
out=$("$cella" machine create --config "$work/c.yaml" "$work/n.json" "$work/e" 2>&1)
expect "no configuration" 125 $?
contains "no configuration" "htif" "$out"
message "$work/f.json"
out=$("$cella" machine create "$work/f.json" "$work/e" 2>&1)
expect "a function" 125 $?
contains "a function" "code.interface: exec is a function's" "$out"
machine "$work/x.json" "$of_data,\"export\":{\"encoding\":\"zip\",\"mount\":\"/other\"}"
out=$("$cella" machine create "$work/x.json" "$work/e" 2>&1)
contains "two states" "a machine has one state" "$out"
machine "$work/x.json" ",\"volumes\":[{\"mount\":\"/p\",\"name\":\"p\",\"persistence\":\"host\",\"size_mib\":1}]"
out=$("$cella" machine create "$work/x.json" "$work/e" 2>&1)
contains "another state" "nothing beside it lasts" "$out"
[ ! -e "$work/e" ] || fail "something is left of what failed"
out=$("$cella" run "$work/n.json" 2>&1)
expect "run" 125 $?
contains "run" "code.interface: channel" "$out"
finish
