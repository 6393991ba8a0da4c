#!/bin/sh
# binary functions: a server of the program's own on 127.0.0.1:8080, which may
# take its time to listen; it is ended when its reply is whole.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox tools"
. "$abs_top_srcdir/tests/lib/tools.sh"
mkdir "$work/c" "$work/c/www"
printf '#!/bin/sh\nsleep 0.1\nexec httpd -f -p 127.0.0.1:8080 -h /opt/code/www\n' >"$work/c/server"
printf '#!/bin/sh\nwhile :; do printf "HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n3\\r\\nabc\\r\\n2\\r\\nde\\r\\n0\\r\\n\\r\\n" | nc -l -p 8080 >/dev/null; done\n' >"$work/c/chunked"
printf '#!/bin/sh\nwhile :; do echo nonsense | nc -l -p 8080 >/dev/null; done\n' >"$work/c/broken"
printf '#!/bin/sh\nexit 4\n' >"$work/c/early"
printf '#!/bin/sh\nexec /opt/code/inside backlog\n' >"$work/c/full"
cp "$inside" "$work/c/inside"
chmod +x "$work/c"/*
echo "a page" >"$work/c/www/index.html"
(cd "$work/c" && zip -q -r "$work/c.zip" .)
ref=$("$cella" store add "$work/c.zip" --as code)
binary() { # ENTRYPOINT [OPTION...]
	cat >"$work/m.json" <<EOF
{"type":"vm-function","address":"0x00","time":1,"allow_amend":false,
 "environment":{},"resources":{"memory":64,"seconds":5},
 "code":{"encoding":"zip","entrypoint":"$1","ref":"$ref"},
 "runtime":{"ref":"$(image busybox)","comment":""},"on":{"http":true}}
EOF
	shift
	"$cella" run "$work/m.json" --result "$work/r.json" "$@"
}
expect "page" "a page" "$(binary server)"
expect "verdict" ok "$(field "$work/r.json" verdict)"
out=$(binary server --request 'GET /none' --json)
contains "status" '"status": 404' "$out"
expect "strict has its loopback" "a page" "$(binary server --tier strict)"
expect "chunked" "abcde" "$(binary chunked)"
out=$(binary broken 2>&1)
expect "no HTTP" 1 $?
contains "no HTTP" "the server ended before its reply did" "$out"
# Its end may come between a question to the launcher and the answer.
for i in 1 2 3 4 5 6 7 8; do
	out=$(binary early 2>&1)
	expect "ended before" 4 $?
done
# Nobody waits for a server that does not take the connection.
binary full --timeout 1s 2>/dev/null
expect "backlog" wall "$(field "$work/r.json" verdict)"
finish
