#!/bin/sh
# What a node counts, in the form that collectors read, where only collectors
# come.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"

image=$(image busybox)
node_start --metrics 127.0.0.1:0
metrics=$(sed -n 's/^metrics //p' "$work/node.out")
get() { # PATH [CURL-OPTION...]
	path=$1
	shift
	curl -s -m 20 "$@" "http://$metrics$path"
}
sample() { # NAME: its value
	get /metrics | awk -v n="$1" '$1 == n { print $2 }'
}
function_of echo cat
function_of bad 'exit 1'
function_of quiet cat http false
call "$echo" -d x >/dev/null
call "$echo" -d x >/dev/null
call "$bad" -d x >/dev/null
call "$quiet" -d x >/dev/null
call "$(printf '%064d' 7)" >/dev/null
curl -s -o /dev/null -H "X-Call-Id: a" -d x "http://$http/async/vm/$echo"
await sh -c "curl -s 'http://$metrics/metrics' | grep -q 'trigger=\"async\",verdict=\"ok\"} 1'"
expect "runs" 2 "$(sample 'cella_runs_total{trigger="http",verdict="ok"}')"
expect "failed runs" 1 "$(sample 'cella_runs_total{trigger="http",verdict="exit"}')"
expect "denied" 1 "$(sample 'cella_refusals_total{code="denied"}')"
expect "not found" 1 "$(sample 'cella_refusals_total{code="not-found"}')"
expect "starts" 4 "$(sample cella_start_seconds_count)"
expect "functions" 3 "$(sample cella_functions)"
await sh -c "[ \"\$(curl -s 'http://$metrics/metrics' | awk '\$1 == \"cella_runs_active\" { print \$2 }')\" = 0 ]"
expect "nothing is held" 0 "$(sample cella_reserved_memory_bytes)"
contains "type" "text/plain; version=0.0.4" "$(get /metrics -D - -o /dev/null)"

# ---- where it is ----
expect "healthz" ok "$(get /healthz)"
expect "no function" 404 "$(get "/vm/$echo" -o /dev/null -w '%{http_code}')"
expect "no control" 404 "$(get /control/runs -o /dev/null -w '%{http_code}')"
expect "not among callers" 404 "$(curl -s -o /dev/null -w '%{http_code}' "http://$http/metrics")"

# ---- its form ----
get /metrics >"$work/text"
/usr/bin/python3 - "$work/text" <<'END' || fail "form"
import re, sys
kinds, helped, samples = {}, set(), {}
for line in open(sys.argv[1]):
    line = line.rstrip("\n")
    if m := re.fullmatch(r"# HELP ([a-z_]+) (\S.*)\.", line):
        assert m[1] not in helped, line
        helped.add(m[1])
    elif m := re.fullmatch(r"# TYPE ([a-z_]+) (counter|gauge|histogram)", line):
        assert m[1] in helped and m[1] not in kinds, line
        kinds[m[1]] = m[2]
    else:
        m = re.fullmatch(r'([a-z_]+)(\{[a-z]+="[^"\\\n]*"(?:,[a-z]+="[^"\\\n]*")*\})? ([0-9.]+)', line)
        assert m, line
        family = next((f for f in (m[1], re.sub("_(bucket|sum|count)$", "", m[1])) if f in kinds), None)
        assert family and family == list(kinds)[-1], line
        assert (m[1], m[2]) not in samples, line
        samples[m[1], m[2]] = float(m[3])
for name, kind in kinds.items():
    assert name.startswith("cella_"), name
    assert (kind == "counter") == name.endswith("_total"), name
    if kind == "histogram":
        buckets = [v for (n, _), v in samples.items() if n == name + "_bucket"]
        assert name.endswith("_seconds") and buckets == sorted(buckets), name
        assert buckets[-1] == samples[name + "_count", None], name
assert len(samples) < 150, len(samples)
assert not re.search("[0-9a-f]{64}", open(sys.argv[1]).read())
END
# The collector's own client reads the same in it.
/usr/bin/python3 - "$work/text" <<'END' || fail "another reader"
import sys
from prometheus_client.parser import text_string_to_metric_families
text = open(sys.argv[1]).read()
families = list(text_string_to_metric_families(text))
read = sum(len(f.samples) for f in families)
assert read == sum(not line.startswith("#") for line in text.splitlines()), read
assert len({f.name for f in families}) == len(families) == text.count("# TYPE ")
for f in families:
    assert f.documentation and f.type in ("counter", "gauge", "histogram"), f.name
    assert all(s.name.startswith(f.name) for s in f.samples), f.name
END
# ---- what is written down is there, and what is there is written down ----
curl -s "http://$http/openapi.json" | cmp -s - "$abs_top_srcdir/docs/openapi.json" || fail "the document"
/usr/bin/python3 - "$abs_top_srcdir" "$http" <<'END' || fail "paths"
import json, re, sys, urllib.request, urllib.error
source, node = sys.argv[1:]
paths = json.load(open(source + "/docs/openapi.json"))["paths"]
fixed = set(re.findall(r'\{ "(/[a-z./]+)", ROUTE_', open(source + "/runtime/route.c").read()))
assert fixed - {"/metrics"} <= set(paths), fixed - set(paths)
ids = set()
for path, item in paths.items():
    at = re.sub(r"\{(\w+)\}", lambda m: {"hash": "0" * 64, "number": "1"}.get(m[1], "x"), path)
    for method in item.keys() - {"parameters"}:
        operation = item[method]
        assert operation["operationId"] not in ids and operation["summary"].endswith("."), path
        ids.add(operation["operationId"])
        request = urllib.request.Request("http://" + node + at, b"{}" if method == "post" else None, method=method.upper())
        try:
            status, body = 200, urllib.request.urlopen(request).read()
        except urllib.error.HTTPError as e:
            status, body = e.code, e.read()
        assert b"no such path" not in body and str(status) in operation["responses"], (method, path, status, body)
        if operation["security"]:
            assert status == 401, (method, path, status)
END
# ---- what monitoring of other nodes asks ----
/usr/bin/python3 - "$http" <<'END' || fail "about and status"
import json, os, sys, urllib.request, urllib.error
def get(path):
    try:
        return 200, json.load(urllib.request.urlopen("http://" + sys.argv[1] + path))
    except urllib.error.HTTPError as e:
        return e.code, json.load(e)
status, usage = get("/about/usage/system")
assert usage["cpu"]["count"] == os.cpu_count() and usage["active"] is True, usage
assert usage["mem"]["total_kB"] > usage["mem"]["available_kB"] > 0 and usage["disk"]["total_kB"] > 0, usage
assert all(0 <= usage["cpu"]["load_average"][k] < 10000 for k in ("load1", "load5", "load15")), usage
assert get("/about/executions/list")[0] == 200 and get("/v2/about/executions/list")[0] == 200
version = get("/status/config")[1]["VERSION"]
for wanted, answer in ((version, 200), ("0", 200), ("0.0.9", 200), (version + ".0", 200), (version + ".1", 403), ("99", 403)):
    assert get("/status/check/version?reference=" + wanted) == (answer, {"result": answer == 200}), wanted
END
node_stop
finish
