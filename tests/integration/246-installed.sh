#!/bin/sh
# What "make install" puts in place finds its parts, and is a node.
[ "$(id -u)" -eq 0 ] || { echo "needs root"; exit 77; }
[ -n "${inside:-}" ] || exec env inside=1 unshare -m /bin/sh "$0"
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
image=$(image busybox)

root=$work/root
make -C "$abs_top_builddir" install DESTDIR="$root" >"$work/install.log" 2>&1 || {
	tail "$work/install.log"
	exit 1
}
prefix=$(sed -n 's/^prefix = //p' "$abs_top_builddir/Makefile")
[ -d "$prefix" ] || { echo "needs $prefix"; exit 77; }
ln -s ../sbin/cellad "$root$prefix/bin/cellad" # where the scripts look for it
mount -t overlay -o "lowerdir=$root$prefix:$prefix" overlay "$prefix"
cella=$prefix/bin/cella
expect "the command" "cella $(sed -n "s/^PACKAGE_VERSION = //p" "$abs_top_builddir/Makefile")" "$("$cella" version | head -n 1)"

cat >"$work/cellad.yaml" <<END
state_dir: $CELLA_STORE
http: 127.0.0.1:0
END
node_start --config "$work/cellad.yaml"
readlink "/proc/$(child cella-core)/exe" | grep -q "^$prefix/libexec/" || fail "core is another: $(readlink "/proc/$(child cella-core)/exe")"
function_of hello 'echo hello'
expect "a call" hello "$(call "$hello")"
expect "its record" 0 "$("$cella" audit verify >/dev/null; echo $?)"
node_stop
expect "end" 0 "$status"
for page in cella.1 cella-config.1 cella-logs.1; do
	[ -s "$prefix/share/man/man1/$page" ] || fail "no $page"
done
[ -s "$prefix/share/man/man8/cellad.8" ] || fail "no cellad.8"
umount "$prefix"
finish
