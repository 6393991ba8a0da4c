#!/usr/bin/python3
"""make attack: runs the rows and prints attack, expected, seen.

  run.py [ROW...]            the suite, or rows by number or name
  run.py --quick             rows of one run each, for slow hosts
  run.py --learn [ROW...]    writes expected/ anew, to be read before committed
  run.py --leave-out [ITEM]  leaves each control out in turn, in a build made
                             with --enable-leave-out: some row must miss it
  run.py --leave-out-all     the same, and every row that misses one is told
"""
import os, re, shutil, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import checks, harness
from rows import ROWS

HERE = os.path.dirname(os.path.abspath(__file__))


def arguments(row, host):
    names = {"@secret": host.canary.file, "@port": str(host.canary.port), "@abstract": host.canary.abstract}
    return [names.get(a, a) for a in row.args]


def normal(text, host):
    # Whatever the store lies on.
    text = re.sub(r"^/opt/code: \w+", "/opt/code: FS", text, flags=re.M)
    return text.replace(host.canary.file, "SECRET").strip() + "\n"


def expectation(row, s):
    """Older hosts answer a few things otherwise; the file's ending says which."""
    path = f"{HERE}/expected/{row.expected}"
    release = tuple(int(n) for n in os.uname().release.split(".")[:2])
    abi = s.record.get("host", {}).get("landlock_abi", 0)
    for ending, applies in ((".abi5", abi < 6), (".before-6.3", release < (6, 3))):
        if applies and os.path.exists(path + ending):
            return path + ending
    return path


def run_plain(row, host):
    fields = dict(row.fields)
    options = []
    fields.pop("row", None)
    policy = fields.pop("policy", None)
    timeout = fields.pop("timeout", None)
    if policy:
        path = f"{host.work}/policy.yaml"
        with open(path, "w") as f:
            f.write(f"version: 1\ntier: {row.tier}\nlimits: {{{policy}}}\nclamp: [cpu_time, cpu]\n")
        options += ["--policy", path]
    if timeout:
        options += ["--timeout", timeout]
    return host.run(row.program, *arguments(row, host), tier=row.tier, options=options, **fields)


def judge(row, host, learn=False):
    """Raises Red; returns what was seen, in a few words."""
    if row.later:
        raise checks.Later(row.later)
    if row.check:
        return row.check(host)
    s = run_plain(row, host)
    checks.expect(f"the token of the host: {s.stdout[:200]}", host.canary.token not in s.raw + s.stderr)
    path = expectation(row, s)
    seen = normal(s.stdout, host)
    if learn and not row.quiet:
        with open(path, "w") as f:
            f.write(seen)
    checks.expect(f"verdict {s.verdict}, not {row.verdict}: {s.stderr[-200:]}", s.verdict == row.verdict)
    if not row.quiet:
        wanted = harness.read(path)
        if seen != wanted:
            odd = sorted(set(seen.splitlines()) ^ set(wanted.splitlines()))
            raise checks.Red(f"differs: {odd[:4]}")
    if row.denied is not None:
        checks.expect(f"denied {s.denied}", s.denied == sorted(row.denied))
    if row.violations is not None:
        checks.expect(f"violations {s.record.get('violations')}", s.record.get("violations") == row.violations)
    return s.verdict if row.quiet else f"{s.verdict}, {len(s.lines)} lines"


def twin(row, host):
    """The same program where nothing confines it: what is refused to a machine
    works there, so that the row could fail.  In namespaces of its own; only for
    rows that change nothing that outlives them."""
    r = subprocess.run(["unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", f"{harness.BUILD}/tests/attack/attacker",
                        row.program, *arguments(row, host)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.DEVNULL, timeout=300, cwd=host.work)
    lines = normal(r.stdout.decode(errors="replace"), host).splitlines()
    for key in row.host:
        key = "SECRET" if key == "@secret" else key
        want = key if ": " in key else f"{key}: ok"
        checks.expect(f"the twin does not say '{want}': {lines[:6]}", want in lines)


def one(row, host, learn=False, quick=False):
    before = harness.quiet()
    try:
        seen, state = judge(row, host, learn), "pass"
        if row.host and not host.leave_out and not quick:
            twin(row, host)
            seen += ", twin succeeds"
    except checks.Later as e:
        seen, state = str(e), "later"
    except checks.Red as e:
        seen, state = str(e), "RED"
    except Exception as e:
        seen, state = f"{type(e).__name__}: {e}", "RED"
    after = harness.settled(before)
    if state == "pass" and after != before:
        odd = {k: (before[k], after[k]) for k in before if before[k] != after[k]}
        seen, state = f"left behind: {odd}", "RED"
    return state, seen


def chosen(words):
    if not words:
        return ROWS
    if words == ["--quick"]:
        return [r for r in ROWS if not r.check]
    return [r for r in ROWS if r.name in words or str(r.number) in words]


def suite(words, learn):
    work = harness.workdir()
    count = {"pass": 0, "RED": 0, "later": 0}
    try:
        host = harness.Host(work)
        for row in chosen(words):
            began = time.monotonic()
            state, seen = one(row, host, learn, words == ["--quick"])
            count[state] += 1
            expected = row.verdict if not row.check else "refused or contained"
            print(f"{row.number:4} {row.name:18} {row.tier:9} {state:5} expected: {expected:18} seen: {seen[:150]}"
                  f" ({time.monotonic() - began:.1f} s)", flush=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"attack: {count['pass']} passed, {count['RED']} red, {count['later']} later")
    return 1 if count["RED"] else 0


def leave_out(words, every):
    """Every control that a row claims to miss, left out."""
    build = f"{harness.BUILD}/leave-out"
    work = harness.workdir()
    items = sorted({i for r in ROWS for i in r.items}) if not words else [int(w) for w in words]
    missed = bad = 0
    try:
        host = harness.Host(work, build)
        os.makedirs(work + "/plain", exist_ok=True)
        for item in items:
            # Those of one run each first: one that misses it is enough.
            rows = sorted((r for r in ROWS if item in r.items), key=lambda r: r.check is not None)
            reds = []
            for row in rows:
                host.leave_out = item
                state, seen = one(row, host)
                host.leave_out = None
                harness.settled(harness.picture(), 0.1)
                if state == "RED":
                    reds.append((row, seen))
                    if not every:
                        break
            print(f"H{item:<3} without it: " + (", ".join(f"{r.name} ({s[:70]})" for r, s in reds) or "NOBODY MISSES IT"),
                  flush=True)
            missed += bool(reds)
            bad += not reds
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"leave-out: {missed} controls missed, {bad} not")
    return 1 if bad else 0


def main(argv):
    if os.geteuid() != 0:
        print("attack: needs root")
        return 77
    if argv and argv[0] in ("--leave-out", "--leave-out-all"):
        return leave_out(argv[1:], argv[0] == "--leave-out-all")
    learn = bool(argv) and argv[0] == "--learn"
    return suite(argv[learn:], learn)


sys.exit(main(sys.argv[1:]))
