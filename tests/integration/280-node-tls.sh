#!/bin/sh
# Callers come by TLS, and get the certificate that is there when they come.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"

pair() { # NAME
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
	    -subj /CN=localhost -addext subjectAltName=DNS:localhost \
	    -keyout "$work/$1.key" -out "$work/$1.pem" 2>/dev/null
}
pair first
pair second
cp "$work/first.pem" "$work/cert.pem"
cp "$work/first.key" "$work/key.pem"
chmod 600 "$work/key.pem"
https() { # CA PATH [CURL-OPTION...]
	ca=$1 path=$2
	shift 2
	curl -s -m 30 --cacert "$work/$ca.pem" --resolve "localhost:$port:127.0.0.1" \
	    "$@" "https://localhost:$port$path"
}

"${cella}d" --state-dir "$CELLA_STORE" --https 127.0.0.1:0 2>/dev/null
expect "a certificate is needed" 64 $?
image=$(image busybox)
node_start --https 127.0.0.1:0 --tls-cert "$work/cert.pem" --tls-key "$work/key.pem"
port=$(sed -n 's/^https .*://p' "$work/node.out")
function_of echo cat
expect "healthz" ok "$(https first /healthz)"
expect "a function" hello "$(https first "/vm/$echo" -d hello)"
head -c 1000000 /dev/urandom >"$work/big"
https first "/vm/$echo" --data-binary @"$work/big" -o "$work/back" || fail "a large body"
cmp -s "$work/big" "$work/back" || fail "a large body comes back as another"
expect "one connection, many requests" "ok ok ok" \
    "$(https first /healthz -o - "https://localhost:$port/healthz" "https://localhost:$port/healthz" | xargs)"
contains "1.3" TLSv1.3 "$(https first /healthz -v -o /dev/null 2>&1)"
https first /healthz --tls-max 1.1 >/dev/null 2>&1 && fail "TLS 1.1"
https second /healthz >/dev/null 2>&1 && fail "by another certificate"
curl -s -m 10 "http://localhost:$port/healthz" >/dev/null && fail "without TLS"
expect "a bad head" 400 "$(printf 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n' |
    openssl s_client -quiet -connect "127.0.0.1:$port" 2>/dev/null | sed -n '1s/^[^ ]* \([0-9]*\).*/\1/p')"

# ---- another certificate ----
cp "$work/second.pem" "$work/cert.pem"
cp "$work/second.key" "$work/key.pem"
kill -HUP "$node"
await https second /healthz -o /dev/null
https first /healthz >/dev/null 2>&1 && fail "by the old certificate"
front=$(child cella-front)
cp "$work/first.pem" "$work/cert.pem" # not the key's
kill -HUP "$node"
await grep -q "the old one stays" "$work/node.err"
expect "no pair" ok "$(https second /healthz)"
expect "it is the same front" "$front" "$(child cella-front)"
rm "$work/cert.pem"
kill -HUP "$node"
await grep -q "not reloaded" "$work/node.err"
expect "no file" ok "$(https second /healthz)"
cp "$work/second.pem" "$work/cert.pem"
kill -9 "$front"
await https second /healthz -o /dev/null
node_stop
expect "end" 0 "$status"
finish
