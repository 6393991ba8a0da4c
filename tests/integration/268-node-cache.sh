#!/bin/sh
# What came from servers has a bound: what was not used for the longest time
# goes, and is asked for again when it is wanted.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
. "$abs_top_srcdir/tests/lib/network.sh"
image=$(image busybox)

network_api
cat >"$work/policy.yaml" <<END
version: 1
fetch: {aleph: ["http://127.0.0.1:$port/"], cache: 100KiB}
END
chmod 600 "$work/policy.yaml"
# remote NAME KIB: a script of that size, and its STORE message, on the server
remote() {
	{
		printf '#!/bin/sh\necho %s; exit\n' "$1"
		head -c "$(($2 * 1024))" /dev/zero | tr '\0' '#'
	} >"$work/file"
	network_store "$work/file"
	eval "$1=$digest $1_ref=$hash"
	published=$(network_program "$hash")
	eval "$1_vm=\$published"
}
here() { # DIGEST
	[ -e "$CELLA_STORE/blobs/sha256/$(printf %.2s "$1")/$1" ]
}
old() { # DIGEST HOURS
	touch -d "$2 hours ago" "$CELLA_STORE/fetched/$1"
}
node_start --policy "$work/policy.yaml"
remote a 40
remote b 40
expect "both" "a b" "$(call "$a_vm") $(call "$b_vm")"
old "$a" 1
old "$b" 2
remote c 40
expect "another" c "$(call "$c_vm")"
here "$b" && fail "what was not used for the longest time stays"
here "$a" || fail "what was used since is gone"

# What is used now does not go, nor what is pinned.
remote d 40
here "$d" || fail "a was old: d has its place"
remote e 40
contains "all is in use" "full of what is in use" "$published"
remote f 200
contains "above the bound" "fetch.cache" "$published"
"$cella" store pin "$c_ref"
old "$c" 3
remote g 40
contains "pinned" "full of what is in use" "$published"
contains "what is listed" "$c blob fetched pinned" "$("$cella" store ls)"
old "$d" 2
remote h 40
here "$h" || fail "d was old: h has its place: $published"
here "$d" && fail "d stays"
here "$c" || fail "what is pinned is gone"

# Who is gone is asked for again, by a core that never saw it too.
"$cella" store unpin "$c_ref"
kill -9 "$(child cella-core)"
await sh -c "[ \"\$(curl -s http://$http/readyz)\" = ok ]"
expect "again" b "$(call "$b_vm")"
here "$c" && fail "what was unpinned stays"

# What an operator adds is his, and stays.
cp "$net/files/$b" "$work/b"
"$cella" store add "$work/b" >/dev/null
contains "no longer a server's" "$b blob" "$("$cella" store ls)"
old "$h" 1
contains "what would go" "1 blobs, 4" "$("$cella" store gc --dry-run)"
here "$h" || fail "a dry run removes"
contains "with room for it" "0 blobs, 0 bytes are gone" "$("$cella" store gc --max 1MiB)"
contains "as JSON" "\"digest\": \"$h\"" "$("$cella" store gc --json)"
here "$h" && fail "it stays"
here "$b" || fail "the operator's is gone"
"$cella" store gc --max much 2>/dev/null
expect "usage" 64 $?
expect "what is left is good" 0 "$("$cella" store verify >/dev/null; echo $?)"
node_stop
finish
