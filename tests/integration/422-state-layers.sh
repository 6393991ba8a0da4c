#!/bin/sh
# What inputs do to a volume through an overlay is committed as it was seen, and
# again after a kill anywhere: deletes, re-creations, a file over a directory and
# back, renames, links.
. "$abs_top_srcdir/tests/lib/node.sh"
n=30
[ -n "${CELLA_BRIEF:-}" ] && n=6
tools=$abs_top_builddir/tests/tools
expect "$n volumes" "" "$(PYTHONDONTWRITEBYTECODE=1 unshare -m --propagation private \
    "$abs_top_srcdir/tests/state/layers.py" "$tools/state_hash" "$tools/state_commit" "$work" "$n" "${SEED:-1}" 2>&1)"

# What has no place in a manifest ends the input, and the tree is as it was.
commit() { # UPPER [HOW]
	"$tools/state_commit" "$work/volume" 0 "$@" 2>&1
}
tree=$work/volume/tree
mkdir -p "$tree" "$work/upper"
chmod 755 "$tree" "$work/upper"
echo old >"$tree/file"
was=$("$tools/state_hash" "$tree" 2>&1 >/dev/null)
echo new >"$work/upper/file"
mkfifo "$work/upper/pipe"
out=$(commit "$work/upper")
expect "a pipe" 1 $?
contains "where" "/pipe: neither a file, a directory nor a link" "$out"
expect "as it was" "$was" "$("$tools/state_hash" "$tree" 2>&1 >/dev/null)"
expect "nothing is left" tree "$(ls "$work/volume")"

# Nor has a path that could not be carried out any more.
rm "$work/upper/pipe"
/usr/bin/python3 - "$work/upper" <<'END'
import os, sys
os.chdir(sys.argv[1])
for _ in range(17):
    os.mkdir("x" * 250, 0o755)
    os.chdir("x" * 250)
END
out=$(commit "$work/upper")
expect "a long path" 1 $?
contains "why" "a path that is too long" "$out"
rm -rf "${work:?}/upper/"xxx*
mkdir -m 500 "$work/upper/$(printf 'a\033[7m')"
contains "strange bytes are escaped" '/a\x1b[7m: its owner may not read it' "$(commit "$work/upper")"
rmdir "$work/upper/"a*
expect "as it was" "$was" "$("$tools/state_hash" "$tree" 2>&1 >/dev/null)"
expect "nothing is left" tree "$(ls "$work/volume")"

# A link in the tree leads nobody out of it.
rm "$work/upper/file"
ln -s "$work" "$tree/out"
mkdir -m 755 "$work/upper/out"
echo inside >"$work/upper/out/inside"
commit "$work/upper" >/dev/null
expect "a directory over a link" 0 $?
[ -e "$work/inside" ] && fail "it was followed"
expect "it is in the tree" inside "$(cat "$tree/out/inside")"

# A journal that knows of another input than the volume's is not believed.
echo more >"$work/upper/out/inside"
"$tools/state_commit" "$work/volume" 1 "$work/upper" kept
out=$("$tools/state_commit" "$work/volume" 7 2>&1)
expect "another journal" 1 $?
contains "why" "it has a plan for input 2, and the journal ends with 7" "$out"
finish
