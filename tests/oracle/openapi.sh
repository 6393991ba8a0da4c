#!/bin/sh
# docs/openapi.json before another's linter, and a document that it must refuse.
set -eu
. "$abs_top_srcdir/tests/lib/npm.sh"
cp "$abs_top_srcdir/tests/oracle/openapi.mjs" "$modules/"
cd "$modules"
node openapi.mjs "$abs_top_srcdir/docs/openapi.json"
sed 's/"operationId": "jobs",//' "$abs_top_srcdir/docs/openapi.json" >bad.json
! node openapi.mjs bad.json
