#!/usr/bin/python3
"""kill -9 of a node with sessions, at any time, again and again.

  kill_loop.py ROUNDS SEED MACHINE KEPT ZYGOTE

A node with the state in CELLA_STORE is started, given inputs, and killed: all of its
processes at once, or one of them.  What was answered with OK is done once, and in the
end everything is as in a run that nobody disturbed.  MACHINE skips some inputs; KEPT is
the same, with memory that lasts, and in
ZYGOTE copies of its process handle inputs.
"""
import os, random, signal, subprocess, sys, time
import grpc
import client
from client import Node, cm, expect

BUILD = os.environ["abs_top_builddir"]
STATE = os.environ["CELLA_STORE"]
ROUNDS, SEED = int(sys.argv[1]), int(sys.argv[2])
MACHINES = {"a": sys.argv[3], "b": sys.argv[3], "kept": sys.argv[4], "zygote": sys.argv[5]}
NAMES = list(MACHINES)
CHILDREN = ["cella-core", "cella-files", "cella-launcher", "cella-front", "cella-prepare"]
rng = random.Random(SEED)


class Process:
    """A node of this store."""

    def __init__(self, state):
        # Sockets of their own: a port that was the last one's may be somebody else's.
        self.where = f"unix:{state}.sock"
        self.p = subprocess.Popen([f"{BUILD}/cellad", "--state-dir", state, "--grpc", self.where],
                                  stdout=subprocess.PIPE, stderr=open(f"{state}.log", "a"), text=True)
        for line in self.p.stdout:
            if line == "ready\n":
                break
        self.node = Node(self.where)

    def children(self, name=None):
        out = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(self.p.pid)], capture_output=True, text=True).stdout
        return [int(line.split()[0]) for line in out.splitlines() if name is None or line.split()[1] == name]

    def kill(self, name=None):
        """One of it, or all."""
        pids = self.children(name)
        if name is None:
            pids = [self.p.pid] + pids
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if name is None:
            self.node.channel.close()
            self.p.wait()

    def stop(self):
        self.node.channel.close()
        self.p.terminate()
        self.p.wait()


def payload(name, i):
    return f"{name} {i} ".encode() * (1 + i % 40)


def say(call):
    """The answer once the node has one."""
    while isinstance(r := call(), tuple) and r[0] in ("UNAVAILABLE", "ABORTED", "CANCELLED"):
        time.sleep(0.005)
    return r


def give(node, name, sent):
    """The next input, at least once: OK, or it was taken before the answer was lost."""
    r = say(lambda: node.advance(name, 0, sent[name], payload(name, sent[name])))
    taken = r == cm.Void() or r[1] == (f"incorrect current input index (expected {sent[name] + 1}, got {sent[name]})")
    expect(f"{name} {sent[name]}", True, taken or r)
    sent[name] += 1


def disturbed():
    sent = {n: 0 for n in NAMES}
    p = Process(STATE)
    for n in NAMES:
        expect("start", "StartSessionResponse", type(p.node.start(n, MACHINES[n])).__name__)
    for turn in range(ROUNDS):
        for _ in range(rng.randrange(4)):
            n = rng.choice(NAMES)
            # Without waiting for an answer that a kill takes away.
            give(p.node, n, sent)
        time.sleep(rng.random() ** 3 * 0.05)
        # One alone is started again later and later; so mostly all.
        if turn % 10 == 9:
            p.kill(rng.choice(CHILDREN))
        else:
            p.kill()
            p = Process(STATE)
        if client.bad:
            break
    # What was killed last may be noticed only now.
    found = {n: say(lambda: p.node.settle(n, 0)) for n in NAMES}
    p.stop()
    return sent, found


def undisturbed(sent):
    p = Process(STATE)
    for n in NAMES:
        p.node.start(n + "2", MACHINES[n])
        for i in range(sent[n]):
            p.node.advance(n + "2", 0, i, payload(n, i))
    found = {n: p.node.settle(n + "2", 0) for n in NAMES}
    p.stop()
    return found


sent, found = disturbed()
wanted = undisturbed(sent)
for n in NAMES:
    expect(f"{n}: inputs", sent[n], len(found[n].processed_inputs))
    expect(f"{n}: taint", "", found[n].taint_status.error_message)
    expect(f"{n}: hash", wanted[n].most_recent_machine_hash.data.hex(), found[n].most_recent_machine_hash.data.hex())
    for a, b in zip(wanted[n].processed_inputs, found[n].processed_inputs):
        expect(f"{n}: input {a.input_index}", a, b)
if client.bad:
    print(f"seed {SEED}")
print(f"{ROUNDS} rounds, {sum(sent.values())} inputs", file=sys.stderr)
sys.exit(client.bad > 0)
