#!/bin/sh
# What docs/state.md says is enough: a second implementation, made from it alone,
# agrees on volumes of all kinds; and what has no place in a manifest is named.
. "$abs_top_srcdir/tests/lib/expect.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tool=$abs_top_builddir/tests/tools/state_hash
agree() {
	"$abs_top_srcdir/tests/state/agree.py" "$tool" "$work" "$@" 2>&1
}
seed=${SEED:-1}
n=200
[ -n "${CELLA_BRIEF:-}" ] && n=20
expect "$n volumes of seed $seed" "" "$(PYTHONDONTWRITEBYTECODE=1 agree "$n" "$seed")"

# The numbers of the document.
v=$work/volume
mkdir -m 755 "$v"
hash_of() {
	"$tool" "$v" "$@" 2>&1 >/dev/null
}
contains "an empty volume" "$(hash_of)" "$(cat "$abs_top_srcdir/docs/state.md")"
printf hello >"$v/hello"
"$tool" "$v" 2>/dev/null | tail -c +225 | head -c 32 | od -An -v -tx1 | tr -d ' \n' >"$work/root"
contains "hello" "$(cat "$work/root")" "$(grep '^    "hello"  ' "$abs_top_srcdir/docs/state.md")"

# Neither times nor links count, and a hole is zeroes.
was=$(hash_of)
touch -d 2001-01-01 "$v/hello" "$v"
ln "$v/hello" "$work/other"
expect "times, and another name elsewhere" "$was" "$(hash_of)"
chmod 600 "$v/hello"
[ "$was" != "$(hash_of)" ] || fail "permissions do not count"

refused() { # WHAT SENTENCE
	contains "$1" "$2" "$(hash_of)"
	rm -rf "$v/x"
}
mkfifo "$v/x"
refused "a pipe" "/x: neither a file, a directory nor a link"
/usr/bin/python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$v/x"
refused "a socket" "/x: neither a file, a directory nor a link"
: >"$v/x"
if /usr/bin/python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.a", b"b")' "$v/x" 2>/dev/null; then
	refused "an attribute" "/x: extended attributes"
else
	echo "this file system has no attributes"
fi
rm -f "$v/x"
mkdir -m 500 "$v/x"
refused "a directory that is closed" "/x: its owner may not read it"
d=$v/x
for _ in $(seq 260); do d=$d/a; done
mkdir -p "$d"
contains "too deep" "...: too deep" "$(hash_of)"
rm -rf "$v/x"
contains "a drive that is too small" "the state's manifest has 197 bytes, and its drive 128" "$(hash_of 128)"
expect "one that fits" 0 "$(hash_of 256 >/dev/null; echo $?)"
exit $((failures > 0))
