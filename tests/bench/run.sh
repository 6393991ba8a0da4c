#!/bin/sh
# "make bench": a static no-op, started cold, from a resident launcher, and by
# bwrap and runc with the same root.  Prints the tables of docs/performance.md.
set -eu
command -v bwrap >/dev/null && command -v runc >/dev/null || {
	echo "bench: the peers are missing: apt-get install bubblewrap runc" >&2
	exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cella=$abs_top_builddir/cella
export CELLA_STORE="$work/store"
printf 'void _start(void) { __asm__("mov $231, %%eax\\n\\txor %%edi, %%edi\\n\\tsyscall"); }\n' >"$work/noop.c"
gcc -O2 -static -nostdlib -o "$work/noop" "$work/noop.c"
runtime=$("$cella" image build scratch 2>/dev/null)
code=$("$cella" store add "$work/noop" --as code)
cat >"$work/m.json" <<EOF
{"type":"vm-function","address":"0x00","time":1,"allow_amend":false,
 "environment":{},"resources":{"memory":64,"seconds":5},
 "code":{"encoding":"plain","entrypoint":"noop","ref":"$code","interface":"exec"},
 "runtime":{"ref":"$runtime","comment":""},"on":{"http":false}}
EOF
# The same root for the peers.
mkdir -p "$work/root/proc" "$work/root/dev" "$work/root/tmp" "$work/bundle"
cp "$work/noop" "$work/root/noop"
(cd "$work/bundle" && runc spec)
# Its cgroups beneath ours.
own=$(sed -n 's/^[0-9]*:memory://p; s/^0:://p' /proc/self/cgroup | head -n 1)
sed -i -e "s|\"linux\": {|\"linux\": { \"cgroupsPath\": \"${own%/}/cella-bench\",|" \
    -e 's|"terminal": true|"terminal": false|' -e 's|"sh"|"/noop"|' \
    -e "s|\"path\": \"rootfs\"|\"path\": \"$work/root\"|" "$work/bundle/config.json"
case ${1:-starts} in
idle)
	cat >"$work/idle.c" <<'EOF'
/* Waits for nothing. */
void _start(void) { for (;;) __asm__ volatile("syscall" :: "a"(34) : "rcx", "r11", "memory"); }
EOF
	gcc -O2 -static -nostdlib -o "$work/idle" "$work/idle.c"
	code=$("$cella" store add "$work/idle" --as code)
	sed -e "s/\"ref\":\"[0-9a-f]*\",\"interface\"/\"ref\":\"$code\",\"interface\"/" \
	    -e 's/"seconds":5/"seconds":300/' "$work/m.json" >"$work/idle.json"
	"$abs_top_builddir/cella-bench-idle" "$CELLA_STORE" "$work/idle.json" 500 10
	exit ;;
esac
"$abs_top_builddir/cella-bench" "$CELLA_STORE" "$work/m.json" "$work/root" "$work/bundle"
