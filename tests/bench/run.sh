#!/bin/sh
# "make bench": a static no-op, started cold, from a resident launcher, and by
# bwrap with the same root.  Prints the table of docs/performance.md.
set -eu
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
"$abs_top_builddir/cella-bench" "$CELLA_STORE" "$work/m.json" "$work/noop"
