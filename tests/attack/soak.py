#!/usr/bin/python3
"""make soak: many launches, good and hostile, a hundred at a time, and a
picture of the host before, between and after: nothing may grow.

  soak.py [LAUNCHES [SEED]]      default 20000 and 1
"""
import concurrent.futures, os, random, shutil, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness

AT_ONCE = 100
# name, arguments, verdict; more than a third is hostile.
KINDS = [
    ("where", [], "ok"),
    ("descriptors", [], "ok"),
    ("limits", [], "ok"),
    ("identity", [], "ok"),
    ("own-loopback", [], "ok"),
    ("mount-calls", [], "ok"),
    ("fork-bomb", [], "ok"),
    ("eat-memory", ["80"], "oom"),
    ("kill-self", [], "signal"),
    ("kill-call", ["169"], "policy-violation"),
    ("daemons", [], "ok"),
    ("foreign", [], "ok"),
]


def kernel():
    """What a leak would show in: pages, objects, names."""
    info = dict(line.split(":") for line in harness.read("/proc/meminfo").splitlines())
    return {"available MiB": int(info["MemAvailable"].split()[0]) >> 10, "slab MiB": int(info["Slab"].split()[0]) >> 10,
            "files": int(harness.read("/proc/sys/fs/file-nr").split()[0])}


def main(argv):
    launches = int(argv[0]) if argv else 20000
    seed = int(argv[1]) if len(argv) > 1 else 1
    if os.geteuid() != 0:
        print("soak: needs root")
        return 77
    work = harness.workdir()
    host = harness.Host(work)
    dice = random.Random(seed)
    plan = [dice.choice(KINDS) for _ in range(launches)]
    hostile = sum(k[0] not in ("where", "descriptors", "limits", "identity", "own-loopback") for k in plan)
    wrong = done = 0
    slowest = (0, "")
    began = time.monotonic()
    before, kernel_before = harness.picture(), kernel()
    print(f"soak: {launches} launches, {AT_ONCE} at a time, seed {seed}, {hostile} hostile", flush=True)
    messages = [host.message(seconds=60) for _ in range(4)]

    def one(i):
        name, args, want = plan[i]
        s = host.run(name, *args, message=messages[i % 4])
        return name, want, s.verdict, s.stderr, s.seconds

    try:
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for name, want, got, err, seconds in pool.map(one, range(launches)):
                done += 1
                slowest = max(slowest, (seconds, name))
                if got != want:
                    wrong += 1
                    print(f"soak: {name}: {got}, not {want}: {err[-160:].strip()}", flush=True)
                if done % 2000 == 0:
                    print(f"soak: {done} done, {done / (time.monotonic() - began):.0f} a second, {kernel()}", flush=True)
        after, kernel_after = harness.settled(before, 10), kernel()
    finally:
        shutil.rmtree(work, ignore_errors=True)
    odd = {k: (before[k], after[k]) for k in before if before[k] != after[k]}
    print(f"soak: {done} done, {wrong} wrong, slowest {slowest[1]} {slowest[0]:.1f} s, left behind: {odd or 'nothing'}; {kernel_before} -> {kernel_after}")
    return 1 if wrong or odd else 0


sys.exit(main(sys.argv[1:]))
