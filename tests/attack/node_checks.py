"""Rows that attack a node through its front: a node of the row's own, on a
port that the kernel chose, and callers that do not behave."""
import json, os, re, select, signal, socket, subprocess, time

from checks import expect


class Node:
    """A node whose state is the host's store, until the end of the block."""

    def __init__(self, host, policy=None):
        self.host = host
        self.options = []
        if policy:
            path = f"{host.work}/node-policy.yaml"
            with open(path, "w") as f:
                f.write("version: 1\n" + policy + "\n")
            os.chmod(path, 0o600)
            self.options = ["--policy", path]

    def __enter__(self):
        self.log = open(f"{self.host.work}/node.log", "w+b")
        self.process = subprocess.Popen([f"{self.host.build}/cellad", "--state-dir", self.host.store, "--http", "127.0.0.1:0", *self.options],
                                        env=self.host.environ(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=self.log)
        self.port = None
        for line in self.process.stdout:
            if line.startswith(b"http "):
                self.port = int(line.rsplit(b":", 1)[1])
            if line == b"ready\n":
                return self
        raise AssertionError("the node does not start")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.process.stdout.close()
        self.log.close()

    def publish(self, *args, seconds=10, interface="exec"):
        m = self.host.message(more={"on": {"http": True}, "code": {
            "encoding": "plain", "entrypoint": "attacker", "ref": self.host.code, "interface": interface,
            "args": list(args)}}, seconds=seconds)
        return self.host.out("publish", m).strip()

    def runs(self):
        """How many machines have started and ended, as the audit log tells."""
        return len(self.host.out("audit", "show", "--kind", "end").splitlines())

    def hold(self, hash):
        """A call that is not waited for; closed by who holds it."""
        s = self.connect()
        s.sendall(f"GET /vm/{hash} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return s

    def join(self, hash, *args):
        """cella exec of the hostile program, once its machine is there."""
        for _ in range(200):
            r = self.host.call("exec", hash, "/opt/code/attacker", *args)
            if b"no machine of it runs" not in r.stderr:
                return r
            time.sleep(0.02)
        raise AssertionError("its machine does not come")

    def idle(self):
        while json.loads(self.host.out("ps", "--json")):
            time.sleep(0.01)

    def children(self):
        out = {}
        for p in subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(self.process.pid)],
                                stdout=subprocess.PIPE).stdout.decode().splitlines():
            pid, name = p.split()
            out.setdefault(name, int(pid))
        return out

    def rss(self, name):
        with open(f"/proc/{self.children()[name]}/status") as f:
            return int(re.search(r"VmRSS:\s*(\d+)", f.read()).group(1))

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def exchange(self, data):
        """Everything that comes until the node hangs up, which it must."""
        with self.connect() as s:
            try:
                s.sendall(data)
            except OSError:
                pass
            got = b""
            while True:
                try:
                    more = s.recv(65536)
                except ConnectionResetError:
                    return got
                if not more:
                    return got
                got += more


def warm_state(host):
    """What one call leaves, the next finds only where the operator said so,
    and the record says that he did."""
    seen = {}
    for policy in (None, 'warm: {functions: ["*"], idle: 60s}'):
        with Node(host, policy) as n:
            hash = n.publish("warm-state", interface="binary")
            get = f"GET /vm/{hash} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
            seen[bool(policy)] = [re.search(rb"visit [^\n]*|$", n.exchange(get))[0].decode() for _ in range(3)]
            admitted = [json.loads(x)["record"] for x in host.out("audit", "show", "--kind", "admit", "--json").splitlines()]
            admitted = [r for r in admitted if r["item_hash"] == hash]
            triggers = [r["trigger"] for r in admitted][-3:]
            expect(f"the record: {triggers}", triggers[-1:] == ["warm"] if policy else triggers == ["http"] * 3)
            expect("its time", all("wall_ns" in r for r in admitted if r["trigger"] == "warm"))
    fresh = "visit 1 file 0 env 0 umask 0"
    expect(f"fresh: {seen[False]}", seen[False] == [fresh] * 3)
    expect(f"warm: {seen[True]}", seen[True] == [fresh, "visit 2 file 1 env 1 umask 1", "visit 3 file 1 env 1 umask 1"])
    return "nothing, and by policy all"


# Rows that say the same of every program of a machine.
JOINED = ["proc-1", "self-exe", "descriptors", "where", "mount-calls", "mounts", "proc-view", "proc-writes", "unshare",
          "clone3", "caps", "regain", "trace-init", "ipc", "keyring", "host-wide", "foreign", "unknown", "surface",
          "families", "terminals", "personalities", "prctls", "wx", "relax", "limits", "cgroup-view", "speculation",
          "locks", "splices", "sharing", "links"]


def view(pid):
    """What the kernel says that a process is."""
    with open(f"/proc/{pid}/status") as f:
        status = dict(line.split(":", 1) for line in f)
    kept = {k: status[k].split() for k in status
            if re.match(r"(Uid|Gid|Groups|Umask|NSpid|Cap\w+|NoNewPrivs|Seccomp\w*|Spec\w+|Sig(Blk|Ign|Cgt)|Cpus_allowed)$", k)}
    kept["NSpid"] = len(kept["NSpid"])
    for name in os.listdir(f"/proc/{pid}/ns"):
        kept[name] = os.readlink(f"/proc/{pid}/ns/{name}")
    for name in ("cgroup", "limits", "oom_score_adj", "mountinfo"):
        with open(f"/proc/{pid}/{name}") as f:
            kept[name] = f.read()
    return kept


def sleepers():
    out = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], stdout=subprocess.PIPE).stdout.decode()
    found = [x.split(None, 2) for x in out.splitlines() if x.endswith("/opt/code/attacker sleeper")]
    return [int(x[0]) for x in found if x[2].startswith("/opt/code/")]


def compare_views(host, hash):
    before = sleepers()
    client = subprocess.Popen([host.cella, "exec", hash, "/opt/code/attacker", "sleeper"], env=host.environ(),
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        client.stdout.readline()  # it runs
        both = sleepers()
        expect(f"two: {before} {both}", len(before) == 1 and len(both) == 2)
        views = [view(p) for p in both]
        odd = {k: (views[0][k], views[1][k]) for k in views[0] if views[0][k] != views[1][k]}
        expect(f"the kernel's view: {odd}", not odd)
    finally:
        client.terminate()
        client.wait()
        client.stdout.close()
        client.stdin.close()


def joined(host):
    """A program that joins a machine is what the machine's own is: the rows say
    the same of both, and so does the kernel."""
    for tier in ("standard", "strict"):
        with Node(host, f"tier: {tier}") as n:
            hash = n.publish("sleeper", seconds=20)
            for row in JOINED:
                own = host.run(row, tier=tier)
                with n.hold(hash):
                    other = n.join(hash, row)
                n.idle()
                seen = other.stdout.decode()
                odd = sorted(set(seen.splitlines()) ^ set(own.stdout.splitlines()))
                expect(f"{row}: {other.stderr[-200:]} {odd[:4]}", seen.strip() == own.stdout.strip() and seen.strip())
            with n.hold(hash):
                expect("there", n.join(hash, "where").returncode == 0)
                compare_views(host, hash)
    return f"{len(JOINED)} rows and the kernel say the same"


def ambush(host):
    """The machine's program lies in wait for those who join it."""
    with Node(host) as n:
        hash = n.publish("ambush", seconds=60)
        with n.hold(hash) as s:
            for _ in range(100):
                r = n.join(hash, "where")
                expect(f"it joins: {r.stderr[-200:]}", r.returncode == 0 and b"code: ok" in r.stdout)
            expect("the end", n.join(hash, "stop").stdout == b"stop: ok\n")
            said = s.makefile("rb").read().split(b"\r\n\r\n", 1)[1]
            expect(f"it has: {said[:200]}", said.strip() == b"met: some")
    return "100 came and went"


def statuses(reply):
    return [int(x) for x in re.findall(rb"HTTP/1\.1 (\d\d\d) ", reply)]


def smuggle(host):
    """Requests that two readers could take differently, or that never end:
    each is refused, and only what was asked for runs."""
    with Node(host) as node:
        h = node.publish("identity")
        head = f"POST /vm/{h} HTTP/1.1\r\nHost: x\r\n".encode()
        inner = f"GET /vm/{h}/smuggled HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        close = b"Connection: close\r\n"
        bad = {
            "CL and TE": head + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner,
            "TE and CL": head + b"Transfer-Encoding: chunked\r\nContent-Length: 60\r\n\r\n0\r\n\r\n" + inner,
            "TE, hidden": head + b"Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + inner,
            "TE, odd": head + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + inner,
            "two CL": head + b"Content-Length: 0\r\nContent-Length: 60\r\n\r\n" + inner,
            "CL list": head + b"Content-Length: 0, 60\r\n\r\n" + inner,
            "obs-fold": head + b"X: a\r\n Content-Length: 60\r\n\r\n" + inner,
            "bare LF": head + b"X: a\nContent-Length: 60\r\n\r\n" + inner,
            "bare CR": head + b"X: a\rContent-Length: 60\r\n\r\n" + inner,
            "NUL": head + b"X: a\0b\r\n\r\n" + inner,
            "two hosts": head + b"Host: y\r\n\r\n" + inner,
            "another host": b"GET http://y/vm/" + h.encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n",
            "many headers": head + b"X: y\r\n" * 100000 + b"\r\n",
            "a long line": b"GET /" + b"a" * 1000000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
            "HTTP/0.9": f"GET /vm/{h}\r\n\r\n".encode(),
            "HTTP/1.9": f"GET /vm/{h} HTTP/1.9\r\nHost: x\r\n\r\n".encode(),
            "chunk size": head + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
            "chunk end": head + b"Transfer-Encoding: chunked\r\n\r\n1\r\nxGET / HTTP/1.1\r\n",
            "upgrade": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100,
            "noise": os.urandom(4096),
        }
        started = node.runs()
        for name, data in bad.items():
            seen = statuses(node.exchange(data))
            # A chunked body may have begun before its fault: then that one ran, and no other.
            expect(f"{name}: {seen}", seen[-1:] and 400 <= seen[-1] <= 505 and 200 not in seen)
        # What is not a path of ours is not one by another spelling.
        for target in (f"/vm/{h}/..%2f..%2fcontrol%2fmessages", f"/vm/{h}/../../control/messages"):
            seen = node.exchange(f"GET {target} HTTP/1.1\r\nHost: x\r\n".encode() + close + b"\r\n")
            expect(f"{target}: {statuses(seen)}", statuses(seen) == [200])
        for target in ("/control%2fmessages", "//control/messages", "/./control/messages", "/%76m/" + h):
            seen = node.exchange(f"GET {target} HTTP/1.1\r\nHost: x\r\n".encode() + close + b"\r\n")
            expect(f"{target}: {statuses(seen)}", statuses(seen) == [404])
        # Pipelined: as many runs as requests.
        before = node.runs()
        pipelined = (head + b"Content-Length: 2\r\n\r\nab") * 5 + head + close + b"Content-Length: 0\r\n\r\n"
        seen = statuses(node.exchange(pipelined))
        expect(f"pipelined: {seen}", seen == [200] * 6)
        wait_for(lambda: node.runs() - before == 6, "six runs")
        # A head that comes byte by byte ends with its time, whole or not.
        with node.connect() as s:
            began = time.monotonic()
            got = b""
            for i in range(600):
                try:
                    s.sendall(b"G" if i == 0 else b"E")
                except OSError:
                    break
                if select.select([s], [], [], 0.1)[0]:
                    got = s.recv(65536)
                    break
            expect(f"slowloris: {statuses(got)} after {time.monotonic() - began:.0f} s", statuses(got) == [408])
        return f"{len(bad)} refused, {node.runs() - started} runs"


# Headers that would split a head, or hide in one; and what is no answer.
REPLIES = {
    "CR LF in a value": "[(b'x', b'a\\r\\nSet-Cookie: stolen=1')]",
    "LF in a value": "[(b'x', b'a\\nSet-Cookie: stolen=1')]",
    "NUL in a value": "[(b'x', b'a\\0b')]",
    "CR LF in a name": "[(b'x: a\\r\\nSet-Cookie', b'stolen=1')]",
    "a blank in a name": "[(b'x ', b'a')]",
    "no name": "[(b'', b'a')]",
    "two lengths": "[(b'content-length', b'1'), (b'content-length', b'2')]",
    "an odd length": "[(b'content-length', b'+1')]",
}
APP = """async def app(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError
    await send({"type": "http.response.start", "status": %s, "headers": %s})
    await send({"type": "http.response.body", "body": b"x"})
"""


def reply_split(host):
    """A function cannot write into the head that its caller reads, nor take
    what belongs to the connection."""
    python = host.image("python")

    def app(status, headers):
        m = host.message(more={"on": {"http": True}, "code": {
            "encoding": "plain", "entrypoint": "main:app", "interface": "asgi",
            "content": APP % (status, headers)}}, runtime=python, memory=128)
        h = host.out("publish", m).strip()
        reply = node.exchange(f"GET /vm/{h} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return statuses(reply), reply.partition(b"\r\n\r\n")[0].lower()

    with Node(host) as node:
        seen, head = app(201, "[(b'x-twin', b'y'), (b'set-cookie', b'a=b')]")
        expect(f"the twin: {seen}", seen == [201] and b"\r\nx-twin: y" in head and b"\r\nset-cookie: a=b" in head)
        for name, headers in REPLIES.items():
            seen, head = app(200, headers)
            expect(f"{name}: {seen}", seen == [502] and b"stolen" not in head)
        for status in (0, 99, 101, 199, 1000, "'200 OK'"):
            seen, _ = app(status, "[]")
            expect(f"status {status}: {seen}", seen == [502])
        _, head = app(200, "[(b'transfer-encoding', b'gzip'), (b'connection', b'x-secret'), (b'keep-alive', b'9')]")
        expect(f"hop by hop: {head}", b"gzip" not in head and b"x-secret" not in head and b"keep-alive" not in head)
        return f"{len(REPLIES) + 6} refused"


def wait_for(what, name):
    for _ in range(600):
        if what():
            return
        time.sleep(0.05)
    raise AssertionError(f"in vain: {name}")


def burst(node, requests, at_once):
    """Sends them, so many at a time on connections of their own: statuses."""
    seen, open_now, todo = {}, {}, iter(requests)
    poll = select.epoll()

    def start():
        data = next(todo, None)
        if data is None:
            return
        s = node.connect()
        s.sendall(data)
        open_now[s.fileno()] = s
        poll.register(s.fileno(), select.EPOLLIN)

    for _ in range(at_once):
        start()
    while open_now:
        events = poll.poll(60)
        expect(f"{len(open_now)} callers wait for ever", events)
        for fd, _ in events:
            s = open_now.pop(fd)
            poll.unregister(fd)
            try:
                got = statuses(s.recv(65536))
            except OSError:
                got = []
            s.close()
            key = got[0] if got else "cut"
            seen[key] = seen.get(key, 0) + 1
            start()
    poll.close()
    return seen


def storm(host):
    """More callers than there is room for, for one function, for functions
    that nobody published, and with keep-alive of nothing: answers at once,
    and memory that does not grow with their number."""
    with Node(host) as node:
        quick, slow = node.publish("identity"), node.publish("hang", "sleep", seconds=2)

        def get(target):
            return f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()

        burst(node, [get(f"/vm/{quick}")] * 50, 10)
        before = {n: node.rss(n) for n in ("cella-front", "cella-core")}
        seen = burst(node, [get(f"/vm/{slow}")] * 600, 600)
        expect(f"a storm for one: {seen}", set(seen) <= {503, 504} and seen.get(503, 0) >= 300 and seen.get(504, 0) > 0)
        seen = burst(node, (get(f"/vm/{i:064x}") for i in range(10000)), 100)
        expect(f"unknown: {seen}", seen == {404: 10000})
        seen = burst(node, [get(f"/vm/{quick}")] * 300, 20)
        expect(f"afterwards: {seen}", seen == {200: 300})
        after = {n: node.rss(n) for n in before}
        grown = {n: after[n] - before[n] for n in before}
        expect(f"memory: {before} -> {after}", all(v < 40 << 10 for v in grown.values()))
        return "503 above the bound, 404 ten thousand times, memory flat"
