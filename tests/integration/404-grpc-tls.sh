#!/bin/sh
# Who comes from elsewhere comes by TLS, and has the node's token.
. "$abs_top_srcdir/tests/lib/node.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
    -subj /CN=localhost -addext subjectAltName=DNS:localhost \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
chmod 600 "$work/key.pem"

"${cella}d" --state-dir "$CELLA_STORE" --grpc 0.0.0.0:0 2>/dev/null
expect "in the clear" 64 $?
"${cella}d" --state-dir "$CELLA_STORE" --grpc 127.0.0.1:0 --tls-cert "$work/cert.pem" --tls-key "$work/key.pem" 2>/dev/null
expect "a certificate for nobody" 64 $?
node_start --grpc 0.0.0.0:0 --tls-cert "$work/cert.pem" --tls-key "$work/key.pem"
port=$(sed -n 's/^grpc .*://p' "$work/node.out")
expect "python" "" "$("$abs_top_srcdir/tests/node/grpc_checks.py" "127.0.0.1:$port" "$work/cert.pem" "$(cat "$CELLA_STORE/control.token")" 2>&1)"
node_stop
finish
