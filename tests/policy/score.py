#!/usr/bin/python3
"""The exposure score, from docs/score.md alone and what "cella policy explain --json" prints.

  score.py CELLA POLICY...     compares with "cella policy score"; prints each difference

Ends with 0 if there is none.
"""
import json, re, subprocess, sys

FORBIDDEN = ("mount init_module bpf perf_event_open io_uring_setup userfaultfd keyctl ptrace unshare clock_settime "
             "reboot iopl open_by_handle_at").split()
STANDARD = None


def explain(cella, *args):
    return json.loads(subprocess.run([cella, "policy", "explain", "--json", *args], capture_output=True, check=True).stdout)


def allows(call, *args):
    """Whether a call is permitted with these arguments."""
    for rule in call.get("rules", []):
        conditions, verdict = rule.rsplit(": ", 1)
        if all(fits(c, args) for c in conditions.split(" and ")):
            return verdict == "allow"
    return call["verdict"] == "allow"


def fits(condition, args):
    m = re.fullmatch(r"arg(\d)(?: & (0x[0-9a-f]+))? == (0x[0-9a-f]+)", condition)
    value = (args[int(m[1])] if int(m[1]) < len(args) else 0) & 0xffffffff
    return value & int(m[2] or "0xffffffff", 16) == int(m[3], 16)


def permits_some(call):
    return call["verdict"] == "allow" or any(r.endswith(": allow") for r in call.get("rules", []))


def breadth(rule):
    address, prefix = rule["cidr"].split("/")
    bits = min(32, (128 if ":" in address else 32) - int(prefix))
    return 20 * bits + 22 * (rule["last"] - rule["first"]).bit_length()


def badness(doc):
    calls, limit = doc["seccomp"]["calls"], {k: v["value"] for k, v in doc["limits"].items()}
    optional, egress, names = doc["optional"], doc["net"] == "egress", doc.get("dns", {}).get("names", [])
    n = sum(permits_some(c) for c in calls.values())
    written = limit["tmp"] + limit["shm"] + limit["export"]
    landlock = [c for c in optional if c.startswith("landlock_")]
    return {
        "SC02": 1000 * sum(name in calls and allows(calls[name]) for name in FORBIDDEN) // 13,
        "SC03": min(1000, max(0, 4 * (n - 150))),
        "SC04": min(1000, 100 * sum(any(allows(calls["socket"], f, t) for t in range(1, 11)) for f in range(46))),
        "SC05": 1000 * allows(calls["ioctl"], 0, 0xdeadbeef),
        "SC06": 1000 * doc["wx"],
        "NS08": 1000,
        "FS01": next(b for size, b in ((0, 0), (64, 100), (512, 300), (4096, 600), (1 << 60, 1000)) if written <= size << 20),
        "FS02": 1000 * doc["exec_writable"], "FS04": 100, "FS05": 300, "FS06": 400,
        "FS07": 1000 if "landlock" in optional else 150 * len(landlock),
        "NW01": {"none": 0, "loopback": 100, "egress": 700}[doc["net"]],
        "NW02": min(1000, max([breadth(r) for r in doc.get("egress", [])], default=0)),
        "NW04": 0 if not egress or not names else 1000 if "*" in names else 300,
        "RS01": 1000 * sum(v > STANDARD[k] for k, v in limit.items()) // 19,
        "RS03": min(1000, 1000 * (limit["wall"] // 10**9) // 3600),
        "RS04": min(1000, 1000 * ((limit["stdout"] + limit["stderr"] + limit["body"]) >> 20) // 64),
        "OP01": 100 * len(optional), "OP03": 500 * ("core_sched" in optional),
        "OP04": 1000 * (doc["audit_on_full"] == "drop"),
    }


def weights(page):
    """Of each check, from the page's table."""
    w = {}
    for line in open(page):
        cells = [c.strip() for c in line.split("|")]
        if len(cells) > 4 and re.fullmatch(r"[A-Z]{2}0\d", cells[1]) and cells[2].isdigit():
            w.update({cells[1]: int(cells[2].split()[0])})
    return w


def main():
    global STANDARD
    cella, page, *policies = sys.argv[1:]
    STANDARD = {k: v["value"] for k, v in explain(cella, "--tier", "standard")["limits"].items()}
    w, bad = weights(page), 0
    for p in policies:
        args = ["--tier", p] if p in ("strict", "standard") else ["--policy", p]
        b = badness(explain(cella, *args))
        total = sum(w[k] * v for k, v in b.items()) // 10000
        got = json.loads(subprocess.run([cella, "policy", "score", "--json", *args], capture_output=True, check=True).stdout)
        seen = {c["id"]: c["badness"] for c in got["checks"] if c["badness"]}
        wanted = {k: v for k, v in b.items() if v}
        if (total, wanted) != (got["score"], seen):
            bad += 1
            print(p, "wanted", total, "got", got["score"], sorted(set(wanted.items()) ^ set(seen.items())))
    return bad > 0


sys.exit(main())
