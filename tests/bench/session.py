#!/usr/bin/python3
"""How fast sessions are: examples/echo with two vouchers and two notices of 128 bytes, the journal
synced, all proofs; beside what this disk and this kernel allow.

  session.py WHERE MACHINE STATEFUL ZYGOTE STATEFUL-ZYGOTE DIRECTORY
"""
import os, statistics, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "session"))
from client import *

where, *machines, directory = sys.argv[1:]
node = Node(where)
PAYLOAD = bytes(128)


def sync_floor(n=300):
    """Writes of 4 KiB that are on the disk, a second."""
    fd = os.open(os.path.join(directory, "floor"), os.O_WRONLY | os.O_CREAT, 0o600)
    t = time.monotonic()
    for _ in range(n):
        os.write(fd, bytes(4096))
        os.fdatasync(fd)
    t = time.monotonic() - t
    os.close(fd)
    return n / t


def rate(name, machine, inputs):
    """Inputs a second, from when all are queued: a client that queues has CPU time too."""
    node.start(name, machine)
    for i in range(inputs):
        if node.advance(name, 0, i, PAYLOAD) != cm.Void():
            sys.exit(f"{name}: input {i} is refused")
    e, t = node.epoch(name, 0), time.monotonic()
    left = e.pending_input_count
    while isinstance(node.finish(name, 0, inputs), tuple):
        time.sleep(0.005)
    t = time.monotonic() - t
    e = node.epoch(name, 0)
    if [p.status for p in e.processed_inputs] != [0] * inputs:
        sys.exit(f"{name}: not all were accepted")
    node.end(name)
    return left / t, left


floor = sync_floor()
print(f"| synced writes of 4 KiB, a second | {floor:.0f} | |")
KINDS = [(how, what, target) for how, target in (("fresh", 250), ("zygote", 500))
         for what in ("no state", "a line added to a file of up to 200 KiB")]
for (how, what, target), m in zip(KINDS, machines):
    rates = [rate(f"bench {how} {what} {i}", m, 1500) for i in range(3)]
    print(f"| inputs a second, {how}, {what} | {statistics.median(r for r, _ in rates):.0f} | {target} |")
t = time.monotonic()
for i in range(200):
    node.version()
print(f"| calls that this client makes, a second | {200 / (time.monotonic() - t):.0f} | |")
