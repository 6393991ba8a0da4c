# The driver of the integration scripts.  Sourced: makes a store of its own in
# a directory that goes away, and proves at the end that nothing is left.

set -u
cella=$abs_top_builddir/cella
inside=$abs_top_builddir/tests/tools/inside
images=$abs_top_builddir/tests/images
work=$(mktemp -d "${TMPDIR:-/tmp}/cella-test.XXXXXX")
chmod 755 "$work"
export CELLA_STORE="$work/store"
. "$abs_top_srcdir/tests/lib/expect.sh"

# One at a time: what is left behind is looked for on the whole host.
exec 8>"$abs_top_builddir/tests/integration.lock"
flock -w 600 8 || { echo "another script does not end"; exit 1; }

if [ "$(id -u)" -ne 0 ] && [ "${NEEDS_ROOT:-yes}" = yes ]; then
	echo "needs root"
	rm -rf "$work"
	exit 77
fi

# What must be the same before and after: cgroups, mounts, loop devices, our
# processes, namespaces, keys, System V objects, network links,
# locks, temporary files of the store.
leaks() {
	find /sys/fs/cgroup -maxdepth 5 -name 'cella.*' 2>/dev/null | sort
	wc -l </proc/self/mountinfo
	ls /sys/block/loop*/loop/backing_file 2>/dev/null
	for p in /proc/[0-9]*; do
		case $(cat "$p/comm" 2>/dev/null) in
		# init is named after its file in memory, or its descriptor.
		cellad | cella-core | cella-dns | cella-files | cella-front | cella-launcher | \
		    cella-prepare | memfd:cella-ini | 9 | inside)
			# Who is dead, to the last thread, holds nothing: the host's
			# init, or who stands in for it, takes its time.  It may be
			# buried while we look.
			case $(cat "$p/stat" 2>/dev/null) in
			*') '[ZX]' '*) [ "$(ls "$p/task" 2>/dev/null | wc -l)" -le 1 ] || echo "$p" ;;
			?*) echo "$p" ;;
			esac ;;
		esac
	done
	# By kind: a process of the host may come and go, in namespaces we know.
	readlink /proc/[0-9]*/ns/* 2>/dev/null | sort -u | cut -d: -f1 | uniq -c
	awk '{ print $7, $8, $9 }' /proc/keys 2>/dev/null | sort
	cat /proc/sysvipc/* | wc -l
	ls /sys/class/net
	# Others make their directories before it is their turn, or have no turn.
	ls /dev/shm "${TMPDIR:-/tmp}" | grep '^cella[.-]' | grep -v '^cella-\(test\|fuzz\|lab\)[.-]'
	ls "$CELLA_STORE/tmp" 2>/dev/null
}

# The groups of who was killed with all its tests, at another time: whoever makes
# groups next sweeps them, and they would be missed.  rmdir takes only empty ones.
sweep() {
	for group in $(find /sys/fs/cgroup -maxdepth 5 -name 'cella.*' 2>/dev/null); do
		owner=${group##*/cella.}
		[ -e "/proc/${owner%%.*}" ] || find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
	done
}

# What was there before the script: once those have ended who were started to get
# here, for a launcher's own end takes a moment longer than its work.
look() {
	sweep
	for _ in $(seq 40); do
		before=$(leaks)
		case $before in
		*/proc/*) sleep 0.05 ;;
		*) return ;;
		esac
	done
}

# field RESULT NAME: a value of a record, by its line.
field() {
	sed -n "s/^ *\"$2\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$1" | head -n 1
}

# message FILE [KEY VALUE]...: an exec function that runs the test program.
# Keys: memory, seconds, vcpus, more (raw JSON with a leading comma).
message() {
	file=$1
	shift
	memory=64 seconds=10 vcpus=1 more=
	while [ $# -gt 0 ]; do
		eval "$1=\$2"
		shift 2
	done
	cat >"$file" <<EOF
{"type":"vm-function","address":"0x00","time":1,"allow_amend":false,
 "environment":{},"resources":{"vcpus":$vcpus,"memory":$memory,"seconds":$seconds},
 "code":{"encoding":"plain","entrypoint":"inside","ref":"$code","interface":"exec"},
 "runtime":{"ref":"$runtime","comment":"none"},"on":{"http":false}$more}
EOF
}

# What is there after a kill, or at the end: whoever inherits the dead may take a
# while to bury them.
gone() {
	for _ in $(seq 200); do
		after=$(leaks)
		[ "$after" = "$before" ] && return
		sleep 0.05
	done
}

# What is there now and was not, or the other way round, and of processes what
# they are at.
left_behind() {
	printf '%s\n' "$before" >"$work/before"
	printf '%s\n' "$after" >"$work/after"
	fail "left behind (>), gone (<):"
	diff "$work/before" "$work/after" | grep '^[<>]'
	for p in $(diff "$work/before" "$work/after" | sed -n 's|^> \(/proc/.*\)|\1|p'); do
		grep -E '^(Name|State|PPid|Threads|NSpid|SigBlk):' "$p/status"
		tr '\0' ' ' <"$p/cmdline"
		echo "waits in $(cat "$p/wchan"), $(head -n 1 "$p/syscall")"
	done 2>/dev/null
}

finish() {
	gone # the launcher's own end takes a moment longer than its work
	[ "$before" = "$after" ] || left_behind
	rm -rf "$work"
	exit $((failures > 0))
}
trap 'rm -rf "$work"' EXIT

runtime=$("$cella" image build scratch 2>/dev/null) || { echo "no image"; exit 1; }
code=$("$cella" store add "$inside" --as code) || exit 1
look
