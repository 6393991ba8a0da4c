#!/usr/bin/python3
"""The same as deeds.c, with the channel library of Python."""
import os, signal, sys, time
import cella_rollup as rollup

counted = 0
started = b"%d" % time.monotonic_ns()
if len(sys.argv) > 1:
    held = open(sys.argv[0])


def put(path, data, mode="wb"):
    with open(path, mode) as f:
        f.write(data)


def is_there(path):
    return os.path.lexists(path)


def temporary():
    rollup.report(b"there" if is_there("/tmp/t") or is_there("/dev/shm/t") else b"clean")
    os.makedirs("/tmp/deep", exist_ok=True)
    for path in "/tmp/deep/file", "/tmp/t", "/dev/shm/t":
        put(path, b"x")


def leave_process():
    if os.fork():
        return
    os.setsid()
    if os.fork() == 0:
        os.chdir("/state")
        held = os.open("log", os.O_RDONLY) if is_there("log") else None
        while True:
            time.sleep(1000)
    os._exit(0)


def directory():
    if os.path.isfile("/state/d"):
        os.unlink("/state/d")
    os.makedirs("/state/d", exist_ok=True)
    put("/state/d/file", b"in it")


def no_directory():
    if not is_there("/state/d"):
        return
    if os.path.isdir("/state/d"):
        os.unlink("/state/d/file")
        os.rmdir("/state/d")
    put("/state/d", b"a file")


def throw(payload):
    rollup.exception(payload)
    sys.exit(0)


accept = True
while True:
    request = rollup.finish(accept)
    p = request.payload
    counted += 1
    deeds = {"a": lambda: put("/state/log", p, "ab"), "w": lambda: put("/state/f", p),
             "u": lambda: is_there("/state/f") and os.unlink("/state/f"),
             "d": directory, "e": no_directory, "t": temporary, "g": leave_process,
             "m": lambda: rollup.report(b"%d" % counted),
             "p": lambda: rollup.report(b"first" if os.getppid() == 1 else b"copy"),
             "s": lambda: rollup.report(started),
             "n": lambda: rollup.notice(p), "v": lambda: rollup.voucher(request.sender, p),
             "x": lambda: throw(p), "q": lambda: sys.exit(3),
             "k": lambda: os.kill(os.getpid(), signal.SIGKILL)}
    for letter in p.decode():
        deeds.get(letter, lambda: None)()
    accept = b"r" not in p
