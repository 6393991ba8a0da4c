#!/bin/sh
# What functions write beside their work is kept for whoever looks after them,
# within bounds, and can be followed.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox python"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
image=$(image busybox)
cat >"$work/policy.yaml" <<'END'
version: 1
limits: {stderr: 4MiB}
logs: {function: 64KiB, total: 256KiB}
END
chmod 600 "$work/policy.yaml"
node_start --policy "$work/policy.yaml"
logs() {
	"$cella" logs "$@" 2>&1
}
texts() { # OPTION... HASH: without times and runs
	logs "$@" | cut -d ' ' -f 3-
}
function_of talks 'cat >/dev/null; echo one >&2; printf "two\r\n\tthree" >&2; echo out'
expect "the reply" out "$(call "$talks")"
await sh -c "\"$cella\" logs \"$talks\" 2>/dev/null | grep -q three"
expect "its lines" "stderr one,stderr two,stderr     three" "$(texts "$talks" | paste -sd ,)"
logs "$talks" | grep -q '^20[0-9-]*T[0-9:.]*Z 1-1 stderr one$' || fail "a line: $(logs "$talks" | head -n 1)"
expect "a beginning" "stderr one" "$(texts "$(printf %.8s "$talks")" | head -n 1)"
expect "the last ones" "stderr two,stderr     three" "$(texts -n 2 "$talks" | paste -sd ,)"
expect "none" "" "$(logs -n 0 "$talks")"
contains "as JSON" '"run":"1-1","stream":"stderr","text":"one"}' "$(logs --json "$talks" | head -n 1)"
contains "nobody's" "nothing is kept of it" "$(logs "$(printf %064d 7)")"
contains "too little of it" "neither a hash nor" "$(logs "$(printf %.3s "$talks")")"
logs "$(printf %064d 7)" >/dev/null
expect "status" 1 $?
expect "the file" 600 "$(stat -c %a "$CELLA_STORE/logs/$talks.log")"

# How it ended, if not well; and nothing that a terminal would obey, or that
# looks like another's line.
function_of fails 'printf "\033[2J\302\233x\0y\n" >&2; exit 3'
call "$fails" >/dev/null
await sh -c "\"$cella\" logs \"$fails\" 2>/dev/null | grep -q ' node '"
expect "escapes" 'stderr \x1b[2J\xc2\x9bx\x00y' "$(texts "$fails" | head -n 1)"
contains "the end" "node exit 3, " "$(texts "$fails" | tail -n 1)"
expect "the others' are apart" 3 "$(logs "$talks" | wc -l)"
call "$talks" >/dev/null
await sh -c "[ \"\$(\"$cella\" logs --run 1-3 \"$talks\" | wc -l)\" = 3 ]"

# An application's output, too.
cat >"$work/app.py" <<'END'
import sys
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise NotImplementedError
    print("printed", flush=True)
    print("complained", file=sys.stderr, flush=True)
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"body"})
END
ref=$("$cella" store add "$work/app.py" --as code)
cat >"$work/app.json" <<END
{"type":"vm-function","address":"0x00","time":1,"allow_amend":false,
 "environment":{},"resources":{"memory":128,"seconds":10},
 "code":{"encoding":"plain","entrypoint":"app:app","ref":"$ref","interface":"asgi"},
 "runtime":{"ref":"$(image python)","comment":""},"on":{"http":true}}
END
app=$("$cella" publish "$work/app.json")
expect "an application" body "$(call "$app")"
await sh -c "[ \"\$(\"$cella\" logs \"$app\" 2>/dev/null | wc -l)\" = 2 ]"
expect "both" "stderr complained,stdout printed" "$(texts "$app" | sort | paste -sd ,)"

# ---- it is followed, also when the file is another ----
"$cella" logs -f -n 1 "$talks" >"$work/followed" &
reader=$!
await grep -q three "$work/followed"
call "$talks" >/dev/null
await grep -q one "$work/followed"
function_of loud 'i=0; while [ $i -lt 300 ]; do echo "line $i xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" >&2; i=$((i+1)); done'
call "$loud" >/dev/null
await sh -c "\"$cella\" logs \"$loud\" 2>/dev/null | grep -q 'line 299'"
"$cella" logs -f -n 0 "$loud" >"$work/loud" &
louder=$!
for _ in 1 2 3 4; do
	call "$loud" >/dev/null
done
await sh -c "[ \"\$(grep -c 'line 299' '$work/loud')\" = 4 ]"
expect "every line of it" 1200 "$(wc -l <"$work/loud")"
kill "$reader" "$louder"

# ---- bounds ----
function_of wild 'head -c 60000 /dev/zero | tr "\0" "\033" | fold -w 100 >&2'
call "$wild" >/dev/null
await sh -c "[ -e '$CELLA_STORE/logs/$wild.log.1' ]"
for f in "$CELLA_STORE"/logs/*; do
	[ "$(stat -c %s "$f")" -le 65536 ] || fail "$f is too long: $(stat -c %s "$f")"
done
for f in "$CELLA_STORE/logs/$loud.log" "$CELLA_STORE/logs/$loud.log.1"; do
	[ "$(stat -c %s "$f")" -le 65536 ] || fail "$f is too long"
done
expect "the newest are kept" "line 299" "$(texts -n 1 "$loud" | cut -d ' ' -f 2,3)"
function_of floods 'head -c 3000000 /dev/zero | tr "\0" x >&2'
call "$floods" >/dev/null
await sh -c "\"$cella\" logs \"$floods\" 2>/dev/null | grep -q 'left out'"
sum() {
	cat "$CELLA_STORE"/logs/* | wc -c
}
for n in 1 2 3; do
	function_of "loud$n" 'i=0; while [ $i -lt 1200 ]; do echo "'"$n"' $i xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" >&2; i=$((i+1)); done'
	eval "call \$loud$n >/dev/null"
	eval "await sh -c \"\\\"$cella\\\" logs \$loud$n 2>/dev/null | grep -q ' 1199 x'\""
done
[ "$(sum)" -le 262144 ] || fail "all together: $(sum)"
contains "the oldest is gone" "nothing is kept of it" "$(logs "$fails")"
# Another core finds what is there, and goes on.
kill -9 "$(child cella-core)"
await sh -c "[ \"\$(curl -s http://$http/readyz)\" = ok ]"
call "$talks" >/dev/null
await sh -c "\"$cella\" logs -n 1 \"$talks\" 2>/dev/null | grep -q '2-1 stderr'"
node_stop
contains "without a node" three "$(texts -n 1 "$talks")"
finish
