"""A node whose processes are killed, again and again, while it works.

What was acknowledged must be there at the end: each message that was published,
each asynchronous call that was accepted, with its own result, which was posted
where its caller wanted it; each slot of a cron function fired once at most; and
the audit log verifies, with its key, and knows of all of it.  Whoever calls, the
server of a persistent function too, or joins its machine, gets his own answer or
none.  Usage: kill_loop.py ROUNDS SEED
"""
import http.client
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time

CELLA = os.environ["abs_top_builddir"] + "/cella"
STORE = os.environ["CELLA_STORE"]
CONTROL = STORE + "/control.sock"
WEIGHTS = {"cella-core": 7, "cella-front": 4, "cella-launcher": 3, "cella-prepare": 2, "cella-dns": 1, "cella-fetch": 1,
           "cellad": 3}
HOOK, HOOKS = os.environ["HOOK"], os.environ["HOOKS"]


class Unix(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(CONTROL)


def ask(connection, method, path, body=None, headers=()):
    """Status and body; None if the node did not answer."""
    try:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


class Node:
    def __init__(self):
        self.process = None
        self.port = None

    def start(self):
        self.log = open(STORE + ".log", "ab")
        self.process = subprocess.Popen(
            # Another port each time: somebody's connection may have the old one.
            [CELLA + "d", "--state-dir", STORE, "--http", "127.0.0.1:0", "--policy", os.environ["POLICY"]],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        for line in self.process.stdout:
            if line.startswith("http "):
                self.port = int(line.rsplit(":", 1)[1])
            if line == "ready\n":
                return
        sys.exit("the node does not start")

    def control(self, method, path, body=None):
        return ask(Unix("localhost", timeout=20), method, path, body)

    def call(self, method, path, body=None, headers=()):
        return ask(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20), method, path, body, headers)

    def child(self, name, pick):
        listed = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(self.process.pid)],
                                capture_output=True, text=True).stdout
        found = [int(line.split()[0]) for line in listed.splitlines() if line.split()[1] == name]
        return pick(found) if found else None

    def stop(self):
        self.process.terminate()
        return self.process.wait()


class Load:
    """What callers do all the time, and what the node acknowledged."""

    def __init__(self, node, echo, message):
        self.node, self.echo, self.message = node, echo, message
        self.kept, self.page = os.environ["KEPT"], open(os.environ["PAGE"], "rb").read()
        self.published, self.accepted, self.answers, self.wrong = [], [], 0, []
        self.served = self.joined = 0
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.loop, args=(f,))
                        for f in (self.publish, self.leave, self.talk, self.get, self.join)]
        for thread in self.threads:
            thread.start()

    def loop(self, work):
        n = 0
        while not self.over.is_set():
            n += 1
            work(n)

    def publish(self, n):
        message = dict(self.message, time=1000 + n)
        answer = self.node.control("POST", "/control/messages", json.dumps(message))
        if answer and answer[0] == 200:
            self.published.append(json.loads(answer[1])["item_hash"])
        time.sleep(0.02)

    def leave(self, n):
        name = "call-%d" % n
        answer = self.node.call("POST", "/async/vm/" + self.echo, name,
                                {"X-Call-Id": name, "X-Callback-Url": HOOK + "loop"})
        if answer and answer[0] == 202:
            self.accepted.append(name)
        time.sleep(0.05)

    def talk(self, n):
        answer = self.node.call("POST", "/vm/" + self.echo, "body %d" % n)
        if answer and answer[0] == 200:
            self.answers += 1
            if answer[1] != b"body %d" % n:
                self.wrong.append(answer[1])

    def get(self, n):
        answer = self.node.call("GET", "/vm/%s/kept" % self.kept)
        if answer and answer[0] == 200:
            self.served += 1
            if answer[1] != self.page:
                self.wrong.append(answer[1])
        time.sleep(0.002)

    def join(self, n):
        said = "joined %d" % n
        r = subprocess.run([CELLA, "exec", self.kept, "cat"], input=said, capture_output=True, text=True)
        if r.returncode == 0:
            self.joined += 1
            if r.stdout != said:
                self.wrong.append(r.stdout)
        time.sleep(0.05)

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


def kill_one(node, rng):
    name = rng.choices(list(WEIGHTS), WEIGHTS.values())[0]
    if name == "cellad":
        node.process.kill()
        node.process.wait()
        node.start()
        return name
    pid = node.child(name, rng.choice)
    if pid is not None:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return "nobody"
    return name


def wait_for(what, condition, seconds):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            sys.exit("in vain: " + what)
        time.sleep(0.1)


def is_done(node, name):
    answer = node.call("GET", "/async/calls/" + name)
    if answer and answer[0] == 404:
        sys.exit("%s was accepted, and is not known" % name)
    if answer and answer[0] == 200 and answer[1] != name.encode():
        sys.exit("%s has another's result: %r" % (name, answer[1]))
    return bool(answer) and answer[0] == 200


def is_posted(name):
    with open(HOOKS) as f:
        return "/hook/loop %s 200 %s %s\n" % (name, name, name) in f.read()


def check_audit(load, key):
    verified = subprocess.run([CELLA, "audit", "verify", "--key", key, "--json"], capture_output=True, text=True)
    if verified.returncode != 0:
        sys.exit("audit: " + verified.stdout)
    lines = subprocess.run([CELLA, "audit", "show", "--json"], capture_output=True, text=True).stdout.splitlines()
    records = [json.loads(line)["record"] for line in lines]
    told = {r["item_hash"] for r in records if r["kind"] == "publish"}
    missing = set(load.published) - told
    if missing:
        sys.exit("published and not recorded: %s" % missing)
    admitted = {r["job"] for r in records if r["kind"] == "admit" and "job" in r}
    runs = [r["run"] for r in records if r["kind"] == "admit"]
    if len(runs) != len(set(runs)):
        sys.exit("two runs have one name")
    database = sqlite3.connect(STORE + "/journal.db")
    done = {n for n, in database.execute("SELECT number FROM job WHERE state = 2 AND kind <> 3")}
    if done - admitted:
        sys.exit("done and never admitted: %s" % (done - admitted))
    slots = [n for n, in database.execute("SELECT name FROM job WHERE kind = 0")]
    fired = [(r["job"]) for r in records if r["kind"] == "admit" and r["trigger"] == "cron"]
    if len(fired) != len(set(fired)):
        sys.exit("a slot was called twice: %s of %s" % (fired, slots))
    return len(records)


def main():
    rounds, seed = int(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(seed)
    echo, message = os.environ["ECHO"], json.load(open(os.environ["MESSAGE"]))
    node = Node()
    node.start()
    key = subprocess.run([CELLA, "audit", "key"], capture_output=True, text=True).stdout.strip()
    load, killed = Load(node, echo, message), {}
    try:
        for _ in range(rounds):
            time.sleep(rng.uniform(0.05, 0.5))
            name = kill_one(node, rng)
            killed[name] = killed.get(name, 0) + 1
            wait_for("an answer after " + name, lambda: (node.call("POST", "/vm/" + echo, "x") or (0,))[0] == 200, 30)
        load.end()
        check(node, load, key, killed, rounds, seed)
    finally:
        load.end()
        if node.process.poll() is None:
            node.process.kill()
            node.process.wait()


def check(node, load, key, killed, rounds, seed):
    if load.wrong:
        sys.exit("another's answers: %s" % load.wrong)
    for name in load.accepted:
        wait_for(name, lambda n=name: is_done(node, n), 120)
    for name in load.accepted:
        wait_for("a post of " + name, lambda n=name: is_posted(n), 120)
    if not load.served or not load.joined:
        sys.exit("nobody was served, or joined")
    listed = {f["item_hash"] for f in json.loads(node.control("GET", "/control/messages")[1])}
    if set(load.published) - listed:
        sys.exit("published and not there: %s" % (set(load.published) - listed))
    status = node.stop()
    if status != 0:
        sys.exit("the node ended with %d" % status)
    records = check_audit(load, key)
    print("%d rounds, seed %d: %s; %d published, %d accepted, %d answers, %d served, %d joined, %d records" % (
        rounds, seed, ", ".join("%s %d" % k for k in sorted(killed.items())),
        len(load.published), len(load.accepted), load.answers, load.served, load.joined, records))


main()
