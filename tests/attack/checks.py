"""Rows that are more than one run.  Each raises Red with what was seen where it
should not be, and returns a few words of what was seen otherwise."""
import concurrent.futures, glob, gzip, hashlib, io, json, os, random, re, secrets, shutil, signal, socket, stat, subprocess, tarfile, time, zipfile

from harness import BUILD, INIT, TOP, picture, quiet, read, settled


class Red(Exception):
    pass


class Later(Exception):
    """It cannot be seen on this host; never a pass."""


def expect(what, condition):
    if not condition:
        raise Red(what)


def refused(host, message, sentence, *options):
    r = host.call("run", message, *options)
    text = r.stderr.decode(errors="replace")
    expect(f"status {r.returncode}: {text[-200:]}", r.returncode == 125)
    expect(f"no '{sentence}' in: {text[-300:]}", sentence in text)


def tar_of(*entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        for name, data, more in entries:
            info = tarfile.TarInfo(name)
            for k, v in more.items():
                setattr(info, k, v)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def imported(host, name, *entries):
    path = f"{host.work}/{name}.tar"
    with open(path, "wb") as f:
        f.write(tar_of(*entries))
    return host.out("image", "import", name, path).strip()


LINK = {"type": tarfile.SYMTYPE}


def image_dev_link(host):
    host.tools()
    seen = []
    for i, target in enumerate(("/../../etc", "/tmp", "../../../dev")):
        image = imported(host, f"dev-link-{i}", ("usr/x", b"x", {}), ("dev", b"", dict(LINK, linkname=target)))
        refused(host, host.message(runtime=image), "/dev of the image is not a directory")
        seen.append("refused")
    image = imported(host, "data-link", ("usr/x", b"x", {}), ("data", b"", dict(LINK, linkname="/usr")))
    refused(host, host.message(runtime=image, more={"volumes": [{"mount": "/data", "ephemeral": True, "size_mib": 1}]}),
            "of the image is not a directory")
    return f"{len(seen) + 1} refused"


def image_null_link(host):
    host.tools()
    image = imported(host, "null-link", ("usr/x", b"x", {}),
                     ("dev/null", b"", dict(LINK, linkname="/proc/sysrq-trigger")),
                     ("dev/evil", b"", dict(LINK, linkname="/etc/shadow")))
    s = host.run("list-dev", tier="strict", runtime=image)
    expect(s.stdout, "null: c" in s.lines and "evil" not in s.stdout)
    return "our own /dev"


BAD_MOUNTS = ["", ".", "/", "/proc", "/proc/self", "/proc/..", "/dev", "/dev/shm/../pts", "//x", "/a/../../b", "/a/./b",
              "/sys", "/sys/fs", "a", "/a/", "/a\n", "/\u0001", "/" + "a" * 4096, "/dev/null", "/opt/code/../x"]


def mount_paths(host):
    for m in BAD_MOUNTS:
        message = host.message(more={"volumes": [{"mount": m, "ephemeral": True, "size_mib": 1}]})
        refused(host, message, "volumes[0].mount")
    twice = [{"mount": "/a", "ephemeral": True, "size_mib": 1}] * 2
    refused(host, host.message(more={"volumes": twice}), "volumes[1].mount")
    return f"{len(BAD_MOUNTS) + 1} refused"


BAD_NAMES = ["/tmp/pwn", "a/../../x", "a/b", "-rf", ".", "..", "x\n", "x\u0000y", "a" * 256, " ", "é"]


def volume_names(host):
    """A name is hashed and never becomes part of a path."""
    for n in BAD_NAMES:
        m = host.message(more={"volumes": [{"mount": "/v", "persistence": "host", "name": n, "size_mib": 1}]})
        s = host.run("where", message=m)
        expect(f"{n!r}: {s.verdict}", s.verdict in ("ok", "setup-error"))
    made = os.listdir(f"{host.store}/volumes")
    expect(f"{made}", all(re.fullmatch(r"[0-9a-f]{64}\.ext4", v) for v in made))
    expect("made outside", not os.path.exists("/tmp/pwn"))
    return f"{len(made)} volumes, each under its hash"


def stored(host, name, data, kind="data"):
    path = f"{host.work}/{name}"
    with open(path, "wb") as f:
        f.write(data)
    return host.out("store", "add", path, "--as", kind).strip()


def data_message(host, ref, encoding):
    return host.message(more={"data": {"encoding": encoding, "mount": "/data", "ref": ref, "use_latest": False}},
                        seconds=30)


def zip_of(*entries):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in entries:
            z.writestr(name, data)
    return out.getvalue()


def zip_slip(host):
    host.tools()
    names = ["../x", "../../../../etc/x", "a/../../x", "/etc/x", "a\\..\\x", "a/./../../x"]
    for n in names:
        refused(host, data_message(host, stored(host, "z", zip_of((n, b"x"))), "zip"), "a name that leaves the archive")
    link = zipfile.ZipInfo("l")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    refused(host, data_message(host, stored(host, "z", zip_of((link, b"/etc/passwd"))), "zip"),
            "a link that leaves the archive")
    for kind, why in ((tarfile.LNKTYPE, "a hard link"), (tarfile.CHRTYPE, "neither a file"),
                      (tarfile.FIFOTYPE, "neither a file")):
        data = gzip.compress(tar_of(("n", b"", {"type": kind, "linkname": "/etc/passwd"})))
        refused(host, data_message(host, stored(host, "t", data), "tar.gzip"), why)
    data = gzip.compress(tar_of(("n", b"x", {"mode": 0o4755})))
    refused(host, data_message(host, stored(host, "t", data), "tar.gzip"), "a setuid")
    expect("made outside", not os.path.exists(f"{host.work}/x"))
    return f"{len(names) + 5} refused"


def zip_bomb(host):
    host.tools()
    bombs = {
        "bytes": zip_of(*((f"f{i}", b"\0" * (100 << 20)) for i in range(8))),
        "nested": zip_of(("/".join("d" * 70), b"x")),
    }
    for name, data in bombs.items():
        began = time.monotonic()
        refused(host, data_message(host, stored(host, name, data), "zip"), "data.ref")
        expect(f"{name}: {time.monotonic() - began:.0f} s", time.monotonic() - began < 60)
    # The sizes lie: what is read counts.
    data = bytearray(zip_of(("f", b"\0" * (64 << 20))))
    at = data.rfind(b"PK\x01\x02")
    data[at + 24:at + 28] = (1).to_bytes(4, "little")
    refused(host, data_message(host, stored(host, "lie", bytes(data)), "zip"), "data.ref")
    return "3 refused"


def squashfs_hostile(host):
    host.tools()
    d = f"{host.work}/sq"
    os.makedirs(f"{d}/sub", exist_ok=True)
    with open(f"{d}/sub/f", "wb") as f:
        f.write(os.urandom(20000))
    subprocess.run(["mksquashfs", d, f"{host.work}/good.sq", "-noappend", "-quiet", "-no-progress"], check=True,
                   stdout=subprocess.DEVNULL)
    with open(f"{host.work}/good.sq", "rb") as f:
        good = f.read()
    tried = 0
    for cut in range(512, len(good), 6 << 10):
        refused(host, data_message(host, stored(host, "cut", good[:cut]), "squashfs"), "data.ref")
        tried += 1
    for at in (4, 8, 12, 20, 32, 40, 64, 72, 80):
        bad = bytearray(good)
        bad[at] ^= 0xff
        s = host.run("where", message=data_message(host, stored(host, "flip", bytes(bad)), "squashfs"))
        expect(f"byte {at}: {s.verdict}", s.verdict in ("ok", "setup-error"))
        tried += 1
    return f"{tried} survived"


def export_traps(host):
    host.tools()
    out = f"{host.work}/export.tgz"
    message = host.message(more={"export": {"encoding": "tar.gzip", "mount": "/out"}}, seconds=30)
    s = host.run("export-traps", host.canary.file, message=message, options=["--export", out])
    expect(f"{s.verdict}: {s.stderr}", s.verdict == "ok")
    with tarfile.open(out) as t:
        names = sorted(t.getnames())
        kinds = {m.name: m.type for m in t.getmembers()}
    expect(f"in the archive: {names}", all(kinds[n] in (tarfile.REGTYPE, tarfile.DIRTYPE) for n in names))
    for bad in ("link", "up", "environ", "fifo", "hard"):
        expect(f"{bad} is in the archive: {names}", bad not in names)
    expect("sparse or odd names are lost", "sparse" in names)
    return f"kept {len(names)}"


def full_sweep(host):
    env = dict(os.environ, abs_top_srcdir=TOP, abs_top_builddir=BUILD)
    r = subprocess.run(["sh", f"{TOP}/tests/integration/120-the-kernel-agrees.sh"], env=env, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT)
    expect(r.stdout.decode()[-300:], r.returncode == 0)
    return "every number, every tier"


def swap(host):
    if len(read("/proc/swaps").splitlines()) < 2:
        raise Later("a host with swap")
    s = host.run("eat-memory", "200", memory=64)
    expect(s.verdict, s.verdict == "oom")
    return "oom"


def flood(host):
    for stream in ("1", "2"):
        s = host.run("flood", "4", stream)
        expect(s.verdict, s.verdict == "output")
        u = s.record["usage"]
        expect(f"not truncated: {u}", u["truncated"] and u["dropped_bytes"] > 0)
        total = u["stdout_bytes"] + u["stderr_bytes"]
        expect(f"kept {total}", total - u["dropped_bytes"] <= (1 << 20))
    return "1 MiB kept of each"


def parallel(host):
    """Good and hostile at once: each gets its own verdict."""
    kinds = [("where", "ok"), ("eat-memory", "oom"), ("kill-self", "signal"), ("mount-calls", "ok"),
             ("kill-call", "policy-violation")]
    args = {"eat-memory": ["200"], "kill-call": ["169"]}

    def one(i):
        row, want = kinds[i % len(kinds)]
        s = host.run(row, *args.get(row, []), seconds=200)
        return row, want, s.verdict, s.stderr

    with concurrent.futures.ThreadPoolExecutor(25) as pool:
        for row, want, got, err in pool.map(one, range(100)):
            expect(f"{row}: {got}, not {want}: {err[-200:]}", got == want)
    return "100 verdicts"


def stress(host):
    """A minute of everything at once; the others hardly notice."""
    kinds = ["cpu", "memory", "files", "pipes", "signals", "network", "tasks", "polls"]
    words = re.compile(rb"BUG:|Oops|soft lockup|hung_task|blocked for more than|rcu.*stall")
    before = len(words.findall(kernel_log()))
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        run = pool.submit(host.run, "stress", "20" if BRIEF else "60", seconds=120, memory=256)
        others = 0
        while not run.done():
            s = host.run("where")
            expect(f"another machine: {s.verdict} {s.stderr[-200:]}", s.verdict == "ok")
            others += 1
    s = run.result()
    expect(f"{s.verdict}: {s.lines}", s.verdict == "ok" and s.lines == [f"{k}: ok" for k in kinds])
    expect("the kernel complains", len(words.findall(kernel_log())) == before)
    return f"{others} other machines ran meanwhile"


def kernel_log():
    return subprocess.run(["dmesg"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def lab(name):
    """A row of net_checks.py, in a network of its own."""
    def check(host):
        env = dict(os.environ, abs_top_srcdir=TOP, abs_top_builddir=BUILD, LAB_BUILD=host.build,
                   LAB_LEAVE_OUT=str(host.leave_out or 0))
        r = subprocess.run(["sh", f"{TOP}/tests/lib/lab.sh", "/usr/bin/python3",
                            f"{TOP}/tests/attack/net_checks.py", name], env=env, timeout=120,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        words = r.stdout.decode().strip().splitlines() or ["nothing"]
        expect(words[-1], r.returncode == 0)
        return words[-1]
    return check


def listen_public(host):
    """What a machine listens on is its own network's, not the host's."""
    port = free_port()
    run = subprocess.Popen([host.cella, "run", host.message(seconds=5), "--arg", "listener", "--arg", str(port)],
                           env=host.environ(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        said = [run.stdout.readline(), run.stdout.readline()]
        expect(f"it does not listen: {said}", said == [b"bind: ok\n", b"listen: ok\n"])
        s = socket.socket()
        s.settimeout(1)
        expect(f"{port} answers", s.connect_ex(("127.0.0.1", port)) != 0)
        s.close()
    finally:
        run.terminate()
        run.wait()
    return "nothing answers"


def free_port():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    port = s.getsockname()[1]
    s.close()
    return port


def hash_mismatch(host):
    good = {"chain": "ETH", "channel": "TEST", "sender": "0x9319Ad3B7A8E0eE24f2E639c40D8eD124C5520Ba", "type": "PROGRAM",
            "time": 1, "item_type": "inline", "signature": None}
    text = json.dumps(json.loads(read(host.message())))
    good["item_hash"] = hashlib.sha256(text.encode()).hexdigest()
    changed = {
        "a byte": text.replace("0", "1", 1),
        "a blank": text + " ",
        "a key twice": text.replace("{", '{"time":1,', 1),
        "a tail": text + "{}",
    }
    for what, content in changed.items():
        path = f"{host.work}/envelope.json"
        with open(path, "w") as f:
            json.dump(dict(good, item_content=content), f)
        r = host.call("run", path)
        expect(f"{what}: {r.stderr.decode()[-200:]}", r.returncode == 125 and b"item_" in r.stderr)
    return f"{len(changed)} refused"


def blob_mismatch(host):
    digest = stored(host, "victim", b"#!/bin/sh\n" + secrets.token_bytes(32), "code")
    path = f"{host.store}/blobs/sha256/{digest[:2]}/{digest}"
    with open(path, "rb") as f:
        good = f.read()
    message = host.message(code=digest)
    for what in ("a byte", "short", "a link"):
        os.unlink(path)
        if what == "a link":
            os.symlink("/etc/passwd", path)
        else:
            with open(path, "wb") as f:
                f.write(good[:-1] + b"?" if what == "a byte" else good[:-4])
        r = host.call("run", message)
        expect(f"{what}: {r.stderr.decode()[-200:]}",
               r.returncode == 125 and (b"damaged" in r.stderr or b"Too many levels" in r.stderr))
    os.unlink(path)
    return "3 refused"


BOMBS = {
    "aliases": "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    "merge": "a: &a {b: 1}\nc:\n  <<: *a\n",
    "tag": "a: !!python/object:os.system {}\n",
    "own tag": "a: !x y\n",
    "twice": "a: 1\na: 2\n",
    "documents": "a: 1\n---\nb: 2\n",
    "tab": "a:\n\tb: 1\n",
    "depth": "[" * 100000,
    "keys": "".join(f"k{i}: 1\n" for i in range(200000)),
    "utf-16": "a: 1\n".encode("utf-16").decode("latin-1"),
    "nul": "a: \0\n",
    "huge": "a: 99999999999999999999\n",
}


def yaml_bombs(host):
    for what, text in BOMBS.items():
        path = f"{host.work}/bomb.yaml"
        with open(path, "w", encoding="latin-1") as f:
            f.write(text)
        began = time.monotonic()
        r = host.call("validate", path)
        expect(f"{what}: status {r.returncode}", r.returncode == 1)
        expect(f"{what}: slow", time.monotonic() - began < 10)
    return f"{len(BOMBS)} refused"


def int_edges(host):
    values = ["0", "-1", "2147483648", "9223372036854775808", "18446744073709551616", "1.5", '"128"', "1e3", "+1", "0x10",
              "true", "null", "[]", "1e400", "010"]
    n = 0
    for field in ("memory", "vcpus", "seconds"):
        for v in values:
            path = host.message()
            text = read(path)
            text = re.sub(rf'"{field}": \d+', lambda m: f'"{field}": {v}', text)
            with open(path, "w") as f:
                f.write(text)
            r = host.call("run", path)
            expect(f"{field}: {v}: status {r.returncode} {r.stderr.decode()[-100:]}", r.returncode == 125)
            n += 1
    return f"{n} refused"


def env_injection(host):
    for name in ("A=B", "", "A\u0000", "A\n", "A\u001b[31m"):
        r = host.call("run", host.message(more={"variables": {name: "x"}}))
        expect(f"{name!r}: {r.returncode}", r.returncode == 125)
    hostile = {"LD_PRELOAD": "/tmp/x.so", "LD_AUDIT": "/tmp/x.so", "GLIBC_TUNABLES": "x=y", "BASH_ENV": "/tmp/x"}
    s = host.run("where", more={"variables": hostile})
    expect(s.verdict, s.verdict == "ok")
    return "5 refused; ours inherits none"


def argv_injection(host):
    for entry in ("../x", "/bin/sh", "", "a;b c", "a\u0000b", "--help/../../x", "/proc/self/fd/7"):
        m = host.message()
        doc = json.loads(read(m))
        doc["code"]["entrypoint"] = entry
        with open(m, "w") as f:
            json.dump(doc, f)
        r = host.call("run", m)
        s = r.stderr.decode()
        # A plain blob has one entry, whatever it is called below the root.
        expect(f"{entry!r}: {r.returncode} {s[-100:]}", r.returncode == 125 or entry in ("a;b c",))
    s = host.run("--help", "; touch /tmp/x", "$(id)")
    expect(s.stdout, "no such row" in s.stdout)
    return "6 refused"


def forge_log(host):
    s = host.run("forge-log")
    expect("the record is not one document", s.record.get("verdict") == "ok")
    expect("raw controls in the record", not any(ord(c) < 32 and c != "\n" for c in s.raw))
    bad = f"{host.work}/\x1b[31mname.json"
    with open(bad, "w") as f:
        f.write("{}")
    r = host.call("store", "get", "\x1b[31m\n" + "0" * 60)
    expect("raw controls in a sentence", b"\x1b" not in r.stderr)
    os.unlink(bad)
    return "escaped"


def policy_widen(host):
    p = f"{host.work}/policy.yaml"

    def write(text, mode=0o644):
        if os.path.lexists(p):
            os.unlink(p)
        with open(p, "w") as f:
            f.write(text)
        os.chmod(p, mode)

    write("version: 1\n", 0o666)
    refused(host, host.message(), "nobody else can write", "--policy", p)
    write("version: 1\n")
    os.chown(p, 4242, 4242)
    refused(host, host.message(), "nobody else can write", "--policy", p)
    os.rename(p, p + ".real")
    os.symlink(p + ".real", p)
    refused(host, host.message(), "policy", "--policy", p)
    write("version: 1\nlimits: {memory: 32MiB}\n")
    refused(host, host.message(memory=64), "allowed 33554432 by rule limits.memory", "--policy", p)
    refused(host, host.message(more={"environment": {"internet": True}}), "environment.internet")
    refused(host, host.message(), "tier", "--policy", p, "--tier", "networked")
    return "6 refused"


def shm_dev(host):
    expect("leave", host.run("leave").verdict == "ok")
    s = host.run("look")
    expect(s.stdout, s.lines[:2] == ["tmp: ENOENT", "shm: ENOENT"])
    return "nothing is there"


def pids_of(*names):
    found = []
    for p in glob.glob("/proc/[0-9]*"):
        if read(f"{p}/comm").strip() in names:
            found.append(int(os.path.basename(p)))
    return found


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return condition()


def daemons(host):
    s = host.run("daemons")
    expect(s.verdict, s.verdict == "ok")
    expect("they live on", wait_for(lambda: not pids_of("attacker"), 2))
    return "dead with it"


def sleeping(host):
    return subprocess.Popen([host.cella, "run", host.message(seconds=15), "--arg", "sleeper"], env=host.environ(),
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)


def ids_unique(host):
    runs = [sleeping(host) for _ in range(3)]
    try:
        for r in runs:
            r.stdout.readline()
        uids = {int(read(f"/proc/{pid}/status").split("Uid:")[1].split()[0]) for pid in pids_of("attacker")}
        expect(f"host ids {uids}", len(uids) == 3 and all(u >= 100000 for u in uids))
    finally:
        for r in runs:
            r.terminate()
            r.wait()
    return "3 ranges"


def dumpable(host):
    """The files in /proc of what cannot be dumped belong to root: proc(5)."""
    r = sleeping(host)
    try:
        r.stdout.readline()
        inits = pids_of(*INIT)
        slots = [p for p in pids_of("cella-launcher") if read(f"/proc/{p}/stat").split(")")[1].split()[1] != str(r.pid)]
        expect("no init", inits and slots)
        for p in inits:
            owner, uid = os.stat(f"/proc/{p}/status").st_uid, int(read(f"/proc/{p}/status").split("Uid:")[1].split()[0])
            expect(f"{p}: owner {owner}, uid {uid}", owner != uid)
        expect("the slot's is another's", all(os.stat(f"/proc/{p}/status").st_uid == 0 for p in slots))
    finally:
        r.terminate()
        r.wait()
    return "init and slot are not"


def image_untrusted(host):
    refused(host, host.message(runtime=stored(host, "image", os.urandom(8192), "runtime")),
            "is not an image that this node made")
    return "refused"


def kill_nine(host):
    """Each of ours in turn; what is left is dead within a second."""
    for victim in ("cella", "cella-launcher", "slot"):
        r = sleeping(host)
        r.stdout.readline()
        ours = [p for p in pids_of("cella-launcher")]
        parents = {p: int(read(f"/proc/{p}/stat").split(")")[1].split()[1]) for p in ours}
        launcher = next(p for p in ours if parents[p] == r.pid)
        slots = [p for p in ours if parents[p] == launcher]
        targets = {"cella": [r.pid], "cella-launcher": [launcher], "slot": slots}[victim]
        for t in targets:
            os.kill(t, signal.SIGKILL)
        dead = wait_for(lambda: not pids_of("attacker"), 1.0)
        left = pids_of("attacker")
        for p in left + pids_of(*INIT):
            os.kill(p, signal.SIGKILL)
        if r.poll() is None and victim != "cella":
            wait_for(lambda: r.poll() is not None, 2)
        r.kill()
        r.wait()
        for p in pids_of("cella-launcher"):
            os.kill(p, signal.SIGKILL)
        expect(f"{victim} killed: {len(left)} live on", dead)
    # What kill -9 left of cgroups the next start removes.
    host.run("where")
    return "dead within a second"


def hostile_core(host):
    m = host.message(more={"code": {"encoding": "plain", "entrypoint": "attacker", "ref": host.code,
                                    "interface": "exec", "args": ["identity"]}})
    r = subprocess.run([f"{host.build}/cella-hostile-core", host.store, m], env=host.environ(), stdout=subprocess.PIPE,
                       stderr=subprocess.DEVNULL, timeout=120)
    wanted = read(f"{TOP}/tests/attack/expected/300-hostile-core")
    seen = r.stdout.decode()
    odd = sorted(set(seen.splitlines()) ^ set(wanted.splitlines()))
    expect(f"differs: {odd[:4]}", seen == wanted)
    return f"{len(seen.splitlines())} cases"


# What a guest may write on its channel: id, Python that makes the bytes.
GUESTS = {
    "garbage": "b'x' * 5000",
    "endless length": "struct.pack('<II', 0xffffffff, 1000)",
    "long": "struct.pack('<II', 1048577, 1000) + b'x' * 1048577",
    "unknown kind": "frame(4711, b'')",
    "a node's kind": "frame(1001, b'{}')",
    "answer before ready": "frame(1004, body(Status=200, Headers=[]))",
    "ready twice": "frame(1000, b'') * 2",
    "no answer": "frame(1000, b'')",
    "nonce": "frame(1000, b'') + frame(1004, body(9, Status=200, Headers=[]))",
    "not JSON": "frame(1000, b'') + frame(1004, b'{')",
    "not UTF-8": "frame(1000, b'') + frame(1004, b'\\xff\\xfe')",
    "deep": "frame(1000, b'') + frame(1004, b'[' * 100000)",
    "status": "frame(1000, b'') + frame(1004, body(2, Status=99999, Headers=[]))",
    "header": "frame(1000, b'') + frame(1004, body(2, Status=200, Headers=[['!', '!']]))",
    "body first": "frame(1000, b'') + frame(1002, b'x')",
    "flood": "frame(1000, b'') + frame(1004, body(2, Status=200, Headers=[])) + frame(1002, b'x' * 1048576) * 40",
    "bye": "frame(1000, b'') + frame(1008, b'')",
    "cut": "frame(1000, b'') + struct.pack('<II', 100, 1004) + b'x'",
}

GUEST = """
import json, os, struct
def frame(kind, data):
    return struct.pack('<II', len(data), kind) + data
def body(nonce=2, **more):
    return json.dumps(dict(DialogueNonce=nonce, Kind=1004, ErrorMessage='', **more)).encode()
data = %s
try:
    while data:
        data = data[os.write(4, data):]
    os.close(4)
except OSError:
    pass
os._exit(3)
"""


def hostile_guests(host):
    """Nothing on the channel ends anything but the machine itself."""
    python = host.image("python")
    for name, data in GUESTS.items():
        m = host.message(more={"code": {"encoding": "plain", "entrypoint": "main:app", "interface": "asgi",
                                        "content": GUEST % data}}, runtime=python, memory=128, seconds=120)
        s = host.run("x", message=m)
        expect(f"{name}: {s.verdict} {s.status} {s.stderr[-200:]}",
               s.verdict in ("exit", "signal", "output") and s.status not in (0, 125))
        expect(f"{name}: no sentence", s.stderr or s.status == 3)
    return f"{len(GUESTS)} guests"


# What decides over every change has less time than "make attack".
BRIEF = os.environ.get("CELLA_BRIEF") == "1"
CRASH_POINTS = 20 if BRIEF else 50


def traced(host, directory, mode, inject=None):
    """cella run under strace; mode: cella, launcher (a wrapper starts it
    traced) or all.  inject: which call of which kind is the last."""
    kill = ["-e", f"inject={inject[0]}:signal=KILL:when={inject[1]}"] if inject else []
    argv = ["strace", "-qq", "-o", f"{host.work}/trace", *kill]
    cella = [f"{directory}/cella", "run", host.message(seconds=5), "--arg", "where"]
    launcher = f"{directory}/cella-launcher"
    if os.path.exists(launcher):
        os.unlink(launcher)
    if mode == "launcher":
        with open(launcher, "w") as f:
            f.write(f"#!/bin/sh\nexec {' '.join(argv)} {host.build}/cella-launcher\n")
        os.chmod(launcher, 0o755)
    else:
        shutil.copy(f"{host.build}/cella-launcher", launcher)
        cella = argv + (["-f"] if mode == "all" else []) + cella
    return subprocess.run(cella, env=host.environ(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60,
                          start_new_session=True).returncode


def calls_of(host, mode):
    """Every call of a launch, as the kind and how often that process had made
    it before."""
    counts, points = {}, []
    for line in read(f"{host.work}/trace").splitlines():
        pid, rest = line.split(None, 1) if mode == "all" else ("", line)
        m = re.match(r"([a-z0-9_]+)\(", rest)
        if m and m[1] not in ("exit_group", "exit"):
            counts[pid, m[1]] = counts.get((pid, m[1]), 0) + 1
            points.append((m[1], counts[pid, m[1]]))
    return points


def crash_points(host):
    """kill -9 of any of ours at calls spread over a launch: machines are dead
    within a second, and after the next start nothing is left."""
    directory = f"{host.work}/bin"
    os.mkdir(directory)
    for p in ("cella", "cella-init", "cella-unpack"):
        shutil.copy(f"{host.build}/{p}", directory)
    host.run("where")
    before = quiet()
    dice = random.Random(4711)
    points = []
    for mode, share in (("cella", 0.3), ("launcher", 0.4), ("all", 0.3)):
        n = round(CRASH_POINTS * share)
        traced(host, directory, mode)
        calls = calls_of(host, mode)
        expect(f"{mode}: {len(calls)} calls", len(calls) > 100)
        # One of each stretch of the launch.
        size = len(calls) // n
        points += [(mode, calls[i * size + dice.randrange(size)]) for i in range(n)]
    killed = 0
    for mode, call in points:
        where = f"{mode} at {call[0]} {call[1]}"
        killed += traced(host, directory, mode, call) != 0
        expect(f"{where}: a machine lives on", wait_for(lambda: not pids_of("attacker"), 1))
        expect(f"{where}: the next run", host.run("where").verdict == "ok")
        now = settled(before, 2)
        odd = {k: (before[k], now[k]) for k in before if before[k] != now[k]}
        expect(f"{where} left {odd}", not odd)
        left = os.listdir(f"{host.store}/tmp")
        expect(f"{where} left {left} in the store", not left)
    print("     points: " + " ".join(f"{m}:{c}:{n}" for m, (c, n) in points))
    expect(f"only {killed} were killed", killed > CRASH_POINTS * 3 // 4)
    return f"{len(points)} points, {killed} killed"


def speculation(host):
    s = host.run("speculation", tier="strict")
    degraded = "speculation" in s.record.get("degraded", [])
    if degraded:
        raise Later("a CPU whose mitigations are on")
    lines = [x for x in s.lines if x.startswith("Speculation")]
    # The kernel has other words for each (proc_pid_status(5), arch/x86/kernel/cpu/bugs.c).
    good = ("force mitigated", "force disabled", "Not affected", "not vulnerable", "not affected", "always disabled")
    expect(str(lines), len(lines) == 2 and all(any(w in x for w in good) for x in lines))
    return "off"


def order(host):
    """The partial order of a launch, as the kernel saw it."""
    log = f"{host.work}/strace"
    r = subprocess.run(["strace", "-f", "-o", log, host.cella, "run", host.message(), "--arg", "where"],
                       env=host.environ(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    expect(r.stderr.decode()[-200:], r.returncode == 0)
    calls = {}
    everything = []
    for line in read(log).splitlines():
        pid, _, rest = line.partition(" ")
        calls.setdefault(pid, []).append(rest.strip())
        everything.append(rest.strip())
    first = next(c for c in calls.values() if any(x.startswith("pivot_root(") for x in c))
    second = next(c for c in calls.values() if any("landlock_restrict_self(" in x for x in c))

    def at(list_, *parts, last=False):
        found = [i for i, x in enumerate(list_) if all(p in x for p in parts)]
        expect(f"no {parts}", found)
        return found[-1] if last else found[0]

    def before(list_, a, b):
        expect(f"{b[0]} comes before {a[0]}", at(list_, *a, last=True) < at(list_, *b))

    nnp, execute = ["PR_SET_NO_NEW_PRIVS"], ["execveat("]
    before(first, ["pivot_root("], ["landlock_create_ruleset("])
    before(first, ["umount2("], ["landlock_create_ruleset("])
    before(first, ["openat("], ["close_range("])
    before(first, ["setresuid("], ["capset("])
    before(first, ["capset("], execute)
    before(first, ["capget("], execute)
    before(first, nnp, execute)
    before(first, ["prlimit64("], execute)
    before(second, ["landlock_restrict_self("], ["close_range("])
    before(second, ["close_range("], ["seccomp("])
    before(second, ["seccomp("], ["execve("])
    expect("a call between the filter and the program",
           at(second, "execve(") - at(second, "seccomp(") in (1, 2))
    # Limits are read back before anything runs in them.
    limit = ["memory.max"] if any('"memory.max"' in x for x in everything) else ["memory.limit_in_bytes"]
    expect("limits are not read back", any(limit[0] in x and "O_RDONLY" in x for x in everything))
    expect("read back too late", at(everything, limit[0], "O_RDONLY") < at(everything, "execveat("))
    return "as documented"


def unit(*programs):
    def run(host):
        env = dict(host.environ(), abs_top_srcdir=TOP, abs_top_builddir=host.build)
        for p in programs:
            r = subprocess.run([f"{host.build}/tests/unit/{p}"], env=env, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
            expect(f"{p}: {r.stdout.decode()[-300:]}", r.returncode == 0)
        return "pass"
    return run


def not_setuid(host):
    for p in ("cella", "cella-launcher", "cella-init", "cella-unpack"):
        s = os.stat(f"{host.build}/{p}")
        expect(p, not s.st_mode & 0o7000)
    return "no bits"


def refs_traversal(host):
    for ref in ("../../etc/passwd", "refs/../x", "a" * 63, "A" * 64, "Qm/../x", "0" * 64 + "\n"):
        r = host.call("store", "get", ref)
        expect(f"{ref!r}: {r.returncode}", r.returncode == 1)
        r = host.call("store", "bind", ref, "0" * 64)
        expect(f"bind {ref!r}: {r.returncode}", r.returncode == 1)
    return "12 refused"


def image_layers(host):
    """Links of an image lead to its own root, also for later entries."""
    host.tools()
    imported(host, "climb", ("usr/x", b"x", {}), ("up", b"", dict(LINK, linkname="../../../../..")),
             ("up/climbed", b"x", {}), ("abs", b"", dict(LINK, linkname="/")), ("abs/climbed2", b"x", {}))
    expect("made outside", not os.path.exists("/climbed") and not os.path.exists("/climbed2"))
    return "inside"


def reuse(host):
    """Ten runs, none of which sees another: no file, no descriptor, no id."""
    first = host.run("descriptors").stdout
    for _ in range(10):
        host.run("leave")
        s = host.run("look")
        expect(s.stdout, s.lines[:2] == ["tmp: ENOENT", "shm: ENOENT"])
        expect("descriptors differ", host.run("descriptors").stdout == first)
    return "fresh each time"


def reused_slot(host):
    """A network serves again only its tenant, and only if nobody used it."""
    def networks(left, runs=24, tenants=1, strict=0):
        m = host.message(more={"code": {"encoding": "plain", "entrypoint": "attacker", "ref": host.code,
                                        "interface": "exec", "args": ["leave-in-network", left]}})
        r = subprocess.run([f"{host.build}/cella-reuse", host.store, m, str(runs), str(tenants), str(strict)], env=host.environ(),
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        said = re.match(r"(\d+) networks of (\d+), (\d+) shared by tenants, (\d+) stale", r.stdout.decode())
        expect(r.stdout.decode(), said is not None)
        return int(said.group(1)), int(said.group(3)), int(said.group(4))

    clean, _, _ = networks("nothing")
    expect(f"{clean} networks for 24 machines that left nothing", clean < 24)
    for left in ("udp", "tcp", "udp6"):
        n, _, _ = networks(left)
        expect(f"{left}: {n} networks for 24 machines", n == 24)
    mixed, _, stale = networks("nothing", runs=120, strict=1)
    expect(f"{stale} machines of strict in a network that had served; {mixed} in all", stale == 0 and mixed < 120)
    _, shared, _ = networks("nothing", tenants=2)
    expect(f"{shared} networks went to another tenant", shared == 0)
    return f"{clean} networks for 24 clean machines, 24 for 24 that left something"


def deep_tree(host):
    host.tools()
    data = gzip.compress(tar_of(("/".join("d" * 65), b"x", {})))
    refused(host, data_message(host, stored(host, "deep", data), "tar.gzip"), "too deep")
    many = zip_of(*((f"f{i}", b"") for i in range(60001)))
    refused(host, data_message(host, stored(host, "many", many), "zip"), "too many entries")
    return "2 refused"


def tmp_races(host):
    """A link where the store keeps its temporary files is not followed."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    bait = f"{host.work}/bait"
    os.mkdir(bait)
    with open(f"{bait}/kept", "w") as f:
        f.write("x")
    trap = f"{host.store}/tmp/run.{gone.pid}.0"
    os.symlink(bait, trap)
    try:
        expect("run", host.run("where").verdict == "ok")
        expect("it was followed", os.path.exists(f"{bait}/kept"))
        expect("what a dead process left stays", not os.path.lexists(trap))
    finally:
        if os.path.lexists(trap):
            os.unlink(trap)
    return "not followed"
