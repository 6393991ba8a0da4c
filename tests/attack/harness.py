"""What every row of the attack suite needs: a store of its own, runs of the
hostile program as records, canaries, and a picture of the host before and
after.  Standard library only."""
import glob, json, os, re, secrets, socket, subprocess, tempfile, threading, time

TOP = os.environ.get("abs_top_srcdir") or os.path.realpath(f"{os.path.dirname(__file__)}/../..")
BUILD = os.environ.get("abs_top_builddir") or f"{TOP}/build"

# What init is called: its file in memory, or (before 6.13) its descriptor.
INIT = ("memfd:cella-ini", "9")


class Canary:
    """Tokens where no machine may read; a pass needs that none is seen."""

    def __init__(self, work):
        self.token = "canary" + secrets.token_hex(16)
        self.file = f"{work}/secret"
        with open(self.file, "w") as f:
            f.write(self.token)
        os.chmod(self.file, 0o644)
        self.abstract = "cella-attack-" + secrets.token_hex(4)
        self.tcp = self.listen(socket.AF_INET, ("127.0.0.1", 0))
        self.port = self.tcp.getsockname()[1]
        self.unix = self.listen(socket.AF_UNIX, "\0" + self.abstract)

    def listen(self, family, address):
        s = socket.socket(family, socket.SOCK_STREAM)
        s.bind(address)
        s.listen(8)
        threading.Thread(target=self.greet, args=(s,), daemon=True).start()
        return s

    def greet(self, s):
        while True:
            try:
                c, _ = s.accept()
                c.sendall(self.token.encode())
                c.close()
            except OSError:
                return


class Host:
    """A store, the images and the hostile program in it."""

    def __init__(self, work, build=BUILD):
        self.work, self.build = work, build
        self.cella = f"{build}/cella"
        self.store = f"{work}/store"
        self.env = dict(os.environ, CELLA_STORE=self.store)
        self.canary = Canary(work)
        self.env["CANARY"] = self.canary.token
        self.leave_out = None
        self.runtime = self.out("image", "build", "scratch").strip()
        self.code = self.out("store", "add", f"{BUILD}/tests/attack/attacker", "--as", "code").strip()

    def environ(self):
        env = dict(self.env)
        if self.leave_out:
            env["CELLA_LEAVE_OUT"] = str(self.leave_out)
        return env

    def call(self, *args, **more):
        more.setdefault("timeout", 120)
        return subprocess.run([self.cella, *args], env=self.environ(), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, extra_groups=[4242], **more)

    def out(self, *args):
        r = self.call(*args)
        if r.returncode != 0:
            raise SystemExit(f"cella {' '.join(args)}: {r.stderr.decode()}")
        return r.stdout.decode()

    def tools(self):
        """The image that unpacks archives."""
        return self.image("tools")

    def image(self, name):
        """An image that takes long to build, from the cache of the build tree."""
        cache = f"{self.build}/tests/images"
        if subprocess.run([self.cella, "image", "show", name, "--store", cache], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode != 0:
            self.out("image", "build", name, "--store", cache)
        subprocess.run(["cp", "-an", f"{cache}/.", f"{self.store}/"], check=True)
        return self.out("image", "show", name).strip()

    def message(self, more=None, memory=64, seconds=10, runtime=None, code=None, vcpus=1):
        m = {"type": "vm-function", "address": "0x00", "time": 1, "allow_amend": False, "environment": {},
             "resources": {"vcpus": vcpus, "memory": memory, "seconds": seconds},
             "code": {"encoding": "plain", "entrypoint": "attacker", "ref": code or self.code, "interface": "exec"},
             "runtime": {"ref": runtime or self.runtime, "comment": ""}, "on": {"http": False}}
        m.update(more or {})
        path = f"{self.work}/m.{secrets.token_hex(4)}.json"
        with open(path, "w") as f:
            json.dump(m, f)
        return path

    def run(self, row, *args, tier="standard", message=None, options=(), **fields):
        """A run: its record, its standard output and the sentences."""
        path = message or self.message(**fields)
        argv = ["run", path, "--tier", tier, "--json", *options]
        for a in (row, *args):
            argv += ["--arg", a]
        began = time.monotonic()
        r = self.call(*argv)
        try:
            record = json.loads(r.stdout)
        except ValueError:
            record = {}
        stdout = unescape((record.get("output") or {}).get("stdout_escaped", ""))
        return Seen(r.returncode, record, stdout, r.stderr.decode(errors="replace"), time.monotonic() - began,
                    r.stdout.decode(errors="replace"))


def unescape(text):
    return re.sub(r"\\x([0-9a-f]{2})", lambda m: chr(int(m.group(1), 16)), text)


class Seen:
    def __init__(self, status, record, stdout, stderr, seconds, raw):
        self.status, self.record, self.stdout = status, record, stdout
        self.stderr, self.seconds, self.raw = stderr, seconds, raw

    @property
    def verdict(self):
        return self.record.get("verdict", f"status {self.status}")

    @property
    def lines(self):
        return self.stdout.splitlines()

    @property
    def denied(self):
        return sorted(d["call"] for d in self.record.get("denied", []))


def read(path):
    try:
        with open(path) as f:
            return f.read()
    except OSError:
        return ""


def picture():
    """What must be the same before and after a row."""
    namespaces = {}
    processes = []
    for p in glob.glob("/proc/[0-9]*"):
        name = read(f"{p}/comm").strip()
        # Who is dead holds nothing: the host's init takes its time with orphans.
        if name in ("cella", "cella-launcher", "attacker", *INIT) and ") Z 1 " not in read(f"{p}/stat"):
            processes.append((p, name))
        for n in ("mnt", "net", "pid", "user", "ipc", "uts", "cgroup", "time"):
            try:
                namespaces.setdefault(n, set()).add(os.readlink(f"{p}/ns/{n}"))
            except OSError:
                pass
    cgroups = [d for d, _, _ in os.walk("/sys/fs/cgroup") if os.path.basename(d).startswith("cella.")]
    keys = sorted(line.split()[-1] for line in read("/proc/keys").splitlines() if "cella" in line)
    return {
        "processes": sorted(processes),
        "cgroups": sorted(cgroups),
        "mounts": len(read("/proc/self/mountinfo").splitlines()),
        "namespaces": {k: len(v) for k, v in namespaces.items()},
        "loops": sorted(glob.glob("/sys/block/loop*/loop/backing_file")),
        "links": sorted(os.listdir("/sys/class/net")),
        "sysv": [len(read(f"/proc/sysvipc/{k}").splitlines()) for k in ("shm", "sem", "msg")],
        "keys": keys,
        "core_pattern": read("/proc/sys/kernel/core_pattern"),
        "hostname": read("/proc/sys/kernel/hostname"),
    }


def quiet(seconds=10.0):
    """The picture once no launcher of a run that is over is on its way out."""
    end = time.monotonic() + seconds
    while True:
        now = picture()
        if not any(name == "cella-launcher" for _, name in now["processes"]) or time.monotonic() > end:
            return now
        time.sleep(0.02)


def settled(before, seconds=15.0):
    """The picture once it is as before, or as it stands after some time."""
    end = time.monotonic() + seconds
    while True:
        now = picture()
        if now == before or time.monotonic() > end:
            return now
        time.sleep(0.02)


def workdir():
    d = tempfile.mkdtemp(prefix="cella-attack.")
    os.chmod(d, 0o755)
    return d
