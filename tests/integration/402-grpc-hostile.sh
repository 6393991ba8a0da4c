#!/bin/sh
# What no client of gRPC would send costs others nothing, and is answered where
# an answer has a place.
. "$abs_top_srcdir/tests/lib/node.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
node_start --grpc 127.0.0.1:0
grpc=$(sed -n 's/^grpc //p' "$work/node.out")
front=$(child cella-front)
expect "raw" "" "$("$abs_top_srcdir/tests/node/grpc_raw.py" "$grpc" "$front" 2>&1)"
expect "the same front" "$front" "$(child cella-front)"
node_stop
finish
