#!/bin/sh
# Our cron against another's: the next time of thousands of expressions.
set -eu
command -v npm >/dev/null || { echo "needs npm"; exit 77; }
work=$abs_top_builddir/tests/oracle.modules
mkdir -p "$work"
cp "$abs_top_srcdir/tests/oracle/package.json" "$abs_top_srcdir/tests/oracle/package-lock.json" \
    "$abs_top_srcdir/tests/oracle/cron.mjs" "$work/"
cd "$work"
[ -d node_modules/croner ] || npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1 || {
	cat npm.log
	exit 1
}
TZ=UTC node cron.mjs make >questions
"$abs_top_builddir/tests/tools/cron_next" <questions >answers
TZ=UTC node cron.mjs <answers
