#!/bin/sh
# What was acknowledged survives kill -9 of anybody, at any time: a few rounds
# here, hundreds with "make soak-node".
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
. "$abs_top_srcdir/tests/lib/network.sh"
image=$(image busybox)
network_api
hook=http://127.0.0.1:$port/hook/
printf 'version: 1\nasync: {callbacks: ["%s"]}\n' "$hook" >"$work/policy.yaml"
chmod 600 "$work/policy.yaml"
node_start --policy "$work/policy.yaml"
function_of echo cat
function_of clock 'cat' http false on ',"cron":"* * * * *"'
function_of kept 'exec busybox httpd -f -p 127.0.0.1:8080 -h /opt/code' on ',"persistent":true'
sed 's/"exec"/"binary"/' "$work/kept.json" >"$work/k.json"
kept=$("$cella" publish "$work/k.json")
node_stop
rm -r "$CELLA_STORE/audit" # the loop takes the first key
ECHO=$echo MESSAGE=$work/echo.json KEPT=$kept PAGE=$work/kept HOOK=$hook HOOKS=$net/hooks POLICY=$work/policy.yaml timeout 1500 /usr/bin/python3 \
    "$abs_top_srcdir/tests/node/kill_loop.py" "${ROUNDS:-10}" "${SEED:-$$}" || {
	tail -n 40 "$CELLA_STORE.log"
	fail "the loop"
}
finish
