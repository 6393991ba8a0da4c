#!/bin/sh
# The first message that circulated: inline Python, one event, by its hash.
. "$abs_top_srcdir/tests/lib/node.sh"
need="python tools"
. "$abs_top_srcdir/tests/lib/tools.sh"
"$cella" store bind c5e40cd89103d3c57327a514f465b83cd193d1331f307bc5a4c38bfec36ab37d "$(image python)"
"$cella" store add "$abs_top_srcdir/examples/hola/data" --as data \
    --ref 7a6e40cd89103d3c57327a514f465b83cd193d1331f307bc5a4c38bfec36ab37 >/dev/null
hash=$("$cella" store add "$abs_top_srcdir/examples/hola/hola.json" --as message)
expect "hola" 'hola!' "$("$cella" run "$hash" --result "$work/r.json")"
expect "verdict" ok "$(field "$work/r.json" verdict)"
expect "dialect" proposal-2 "$(field "$work/r.json" dialect)"
finish
