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
# Who begins and does not go on has ten seconds, not a minute.
/usr/bin/python3 - "$port" >"$work/silent" 2>&1 <<'END' &
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=30)
s.sendall(b"\x16\x03\x01\x02")
while s.recv(4096):
    pass
END
silent=$!
expect "python" "" "$("$abs_top_srcdir/tests/node/grpc_checks.py" "127.0.0.1:$port" "$work/cert.pem" "$(cat "$CELLA_STORE/control.token")" 2>&1)"
wait "$silent"
expect "a handshake that stops" "0 " "$? $(cat "$work/silent")"
node_stop
finish
