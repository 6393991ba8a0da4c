#!/bin/sh
# Our cron against another's: the next time of thousands of expressions.
set -eu
. "$abs_top_srcdir/tests/lib/npm.sh"
cp "$abs_top_srcdir/tests/oracle/cron.mjs" "$modules/"
cd "$modules"
TZ=UTC node cron.mjs make >questions
"$abs_top_builddir/tests/tools/cron_next" <questions >answers
TZ=UTC node cron.mjs <answers
