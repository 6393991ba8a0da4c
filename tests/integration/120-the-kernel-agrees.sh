#!/bin/sh
# The third witness: every call number, live, in a machine of each tier, against
# the table that "policy explain" prints.
if [ -z "${LAB_PID:-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo "needs root"; exit 77; }
	exec sh "$abs_top_srcdir/tests/lib/lab.sh" sh "$0"
fi
. "$abs_top_srcdir/tests/lib/node.sh"
sweep=$("$cella" store add "$abs_top_builddir/tests/tools/sweep" --as code)
message "$work/m.json" seconds 30 memory 128
sed -i "s/$code/$sweep/" "$work/m.json"
printf 'version: 1\n' >"$work/p.yaml"
for tier in strict standard networked; do
	[ $tier != networked ] || {
		sed -i 's/"environment":{}/"environment":{"internet":true}/' "$work/m.json"
		printf 'net: {mode: egress, allow: [{cidr: 192.0.2.1, proto: tcp, ports: [80]}]}\n' >>"$work/p.yaml"
	}
	"$cella" policy explain --tier $tier --policy "$work/p.yaml" --json >"$work/model" || fail "explain"
	"$cella" run "$work/m.json" --tier $tier --policy "$work/p.yaml" >"$work/live" 2>"$work/err"
	expect "$tier: status" 0 $?
	[ "$(wc -l <"$work/live")" -gt 580 ] || fail "$tier: $(wc -l <"$work/live") answers"
	/usr/bin/python3 - "$work/model" "$work/live" <<'EOF' || fail "$tier: the kernel differs from the model"
import json, os, sys
release = tuple(int(n) for n in os.uname().release.split(".")[:2])
calls = json.load(open(sys.argv[1]))["seccomp"]["calls"]
model = {c["nr"]: c for c in calls.values()}
bad = 0
for line in open(sys.argv[2]):
    # uretprobe and uprobe: the kernel (6.14, 6.18) asks no filter about them;
    # outside a probe they end the caller or answer ENXIO.
    if line.split()[0] in ("335", "336"):
        continue
    nr, answer = line.split() if " " in line.strip() else (line.strip(), "")
    c = model.get(int(nr), {"verdict": "errno:ENOSYS"})
    verdicts = {c["verdict"]} | {r.rsplit(": ", 1)[1] for r in c.get("rules", [])}
    if answer == "SIGSYS":
        good = "kill" in verdicts
    elif verdicts == {"allow"}:
        # Let through, so the kernel itself answered; the filter's own word
        # for what is not granted would be ENOSYS.
        # futex (202) has it for an unknown operation too.
        # And an older kernel has it for what came after it.
        good = answer != "ENOSYS" or nr == "202" or (int(nr) > 451 and release < (6, 7))
    elif "allow" in verdicts:
        good = True
    else:
        good = "errno:" + answer in verdicts
    if verdicts == {"kill"} and answer != "SIGSYS":
        good = False
    if not good:
        bad += 1
        print(nr, answer, verdicts)
sys.exit(bad > 0)
EOF
done
finish
