#!/bin/sh
# A copy of the machine's process handles each input: it comes to the same as a
# machine that is started for each, whatever inputs do and leave; in C, in
# Python, and where memory is kept.
. "$abs_top_srcdir/tests/lib/node.sh"
need="python tools"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
. "$abs_top_srcdir/tests/lib/session.sh"
n=1000 some=50
[ -z "${CELLA_BRIEF:-}" ] || n=60 some=30
mkdir "$work/d"
echo first >"$work/d/log"
data=$("$cella" store add "$work/d" --as data)
python=$(image python)
# deeds DIR FILE [VARIABLE VALUE [ARGUMENT]]: a machine that does what its inputs say.
deeds() {
	ref=$("$cella" store add "$2" --as code)
	cat >"$work/deeds.json" <<END
{"type":"vm-function","address":"0x00","time":1,"allow_amend":false,"environment":{},
 "variables":{${3:+\"$3\":\"$4\"}},"resources":{"memory":128,"seconds":10},
 "code":{"encoding":"plain","entrypoint":"deeds","ref":"$ref","interface":"channel","args":[${5:+\"$5\"}]},${volumes:-}
 "data":{"encoding":"tar.gzip","mount":"/state","ref":"$data","use_latest":false},
 "runtime":{"ref":"$python","comment":""},"on":{"http":false}}
END
	"$cella" machine create "$work/deeds.json" "$work/$1" >/dev/null || fail "machine $1"
}
c=$abs_top_builddir/tests/session/deeds py=$abs_top_srcdir/tests/session/deeds.py
deeds fresh "$c"
deeds zygote "$c" CELLA_REUSE zygote
deeds refuses "$c" CELLA_REUSE zygote file
deeds python "$py" CELLA_REUSE zygote
deeds kept "$c" CELLA_MEMORY kept
deeds kept-python "$py" CELLA_MEMORY kept
deeds again "$c" CELLA_MEMORY kept file
volumes='"volumes":[{"mount":"/scratch","ephemeral":true,"size_mib":1}],' deeds volume "$py" CELLA_REUSE zygote
volumes='"volumes":[{"mount":"/scratch","ephemeral":true,"size_mib":1}],' deeds kept-volume "$c" CELLA_MEMORY kept
cd "$work" || exit 1
session_node
seed=${SEED:-$$}
expect "zygotes, seed $seed" "" \
    "$(session alike "$seed" fresh $n zygote $n python $some refuses $some)"
expect "fresh" "" "$(session handled fresh first)"
expect "a zygote" "" "$(session handled zygote copy)"
expect "Python" "" "$(session handled python copy)"
expect "one with a file open" "" "$(session handled refuses first)"
said=$("$cella" logs --store "$CELLA_STORE" "$(sed -n 's/.*session refuses: started, of //p' "$work/node.err")")
contains "why not" "rollup: no copy of this process: it has files or sockets open" "$said"
expect "memory that is kept" "" \
    "$(session alike "$seed" again $some kept $some kept-python $some)"
for m in volume kept-volume; do
	expect "start" "" "$(session started $m "$work/$m")"
	expect "$m: it would last" "" "$(session handled $m first)"
done
expect "start" "" "$(session started k "$work/kept")"
expect "kept" "" "$(session handled k copy)"
expect "after what was rejected" "" "$(session handled k copy pr)$(session handled k copy)"
expect "queries" "" "$(session asked k no)"
expect "queries that all run again for" "" "$(session asked again yes)"
expect "start" "" "$(session started kp "$work/kept-python")"
expect "queries in Python" "" "$(session handled kp copy)$(session asked kp no)$(session handled kp copy)"
node_kill
session_node
expect "a zygote, after a restart" "" "$(session handled zygote copy)"
node_stop
"$cella" audit show --store "$CELLA_STORE" --json >"$work/audit"
expect "what the log says of reuse" "fresh kept zygote" \
    "$(tr -d ' ' <"$work/audit" | grep -o '"reuse":"[a-z]*"' | cut -d '"' -f 4 | sort -u | paste -sd ' ')"
finish
