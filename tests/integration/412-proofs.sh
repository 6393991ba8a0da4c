#!/bin/sh
# Every proof that sessions hand out is good for a second implementation, which knows
# the documents alone; a thousand that are changed in one bit are not.
. "$abs_top_srcdir/tests/lib/expect.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
expect "proofs" "" "$(PYTHONDONTWRITEBYTECODE=1 "$abs_top_srcdir/tests/state/proofs.py" "$abs_top_builddir/tests/tools/epoch_proofs" \
    "$abs_top_builddir/cella" "$abs_top_srcdir/messages/proto" "$work" 2>&1)"
exit $((failures > 0))
