#!/usr/bin/python3
"""What no client of gRPC would send, and what comes back.

  grpc_raw.py HOST:PORT PID

PID: of the process that is asked; its memory is looked at.  Prints a line for
each case that went wrong; ends with 0 if none did.
"""
import socket, struct, sys, threading, time
import hpack
from h2_raw import (Caller, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST, SETTINGS, WINDOW,
                    block, integer, literal)

CHECK = "/grpc.health.v1.Health/Check"
REFLECT = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
CALM = 11  # ENHANCE_YOUR_CALM
bad = 0


def expect(what, ok, seen=""):
    global bad
    if not ok:
        bad += 1
        print(f"{what}: {seen}")


def message(data, flag=0, n=None):
    return bytes([flag]) + struct.pack(">I", len(data) if n is None else n) + data


def head(path=CHECK, method="POST", kind="application/grpc", more=()):
    return [(":method", method), (":scheme", "http"), (":path", path), (":authority", "x"),
            ("content-type", kind), ("te", "trailers")] + list(more)


class Client(Caller):
    def __init__(self, where):
        super().__init__(where)
        self.decoder = hpack.Decoder()

    def begin(self, fields, stream=1, end=False):
        self.send(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, block(fields))

    def data(self, payload, stream=1, end=True):
        self.send(DATA, END_STREAM if end else 0, stream, payload)

    def end(self, stream=1):
        """How a call ended: what its heads said, or ('reset', code)..."""
        said = {}
        for kind, flags, number, payload in self.frames():
            if kind == HEADERS:
                fields = dict(self.decoder.decode(payload))
                if number == stream:
                    said.update(fields)
                    if flags & END_STREAM:
                        return said
            if kind == RST and number == stream:
                return "reset", int.from_bytes(payload, "big")
            if kind == GOAWAY:
                return "goaway", int.from_bytes(payload[4:8], "big"), payload[8:]
        return ("closed",)


def call(where, fields, *data):
    c = Client(where)
    c.begin(fields, end=not data)
    for d in data:
        c.data(d, end=d is data[-1])
    got = c.end()
    c.sock.close()
    return got


def status(what, where, wanted, text, fields, *data):
    got = call(where, fields, *data)
    expect(what, isinstance(got, dict) and (got.get("grpc-status"), got.get("grpc-message")) == (wanted, text), got)
    return got if isinstance(got, dict) else {}


def heads(where):
    got = call(where, head(), message(b""))
    expect("a good one", got == {":status": "200", "content-type": "application/grpc", "grpc-status": "0"}, got)
    got = call(where, head(kind="application/grpc+proto"), message(b""))
    expect("with its kind", isinstance(got, dict) and got["grpc-status"] == "0", got)
    for what, wanted, fields in (("GET", "405", head(method="GET")), ("no type", "415", [f for f in head() if f[0] != "content-type"]),
                                 ("JSON", "415", head(kind="application/grpc+json")), ("a page", "415", head(kind="text/html"))):
        got = call(where, fields, b"")
        expect(what, got == {":status": wanted}, got)
    status("no such time", where, "13", "a field of the head is malformed", head(more=[("grpc-timeout", "1x")]), message(b""))
    status("no base64", where, "13", "a field of the head is malformed", head(more=[("x-bin", "Zg==,*")]), message(b""))
    c = Client(where)
    c.begin(head(more=[("grpc-timeout", "0n")]))
    got = c.end()
    expect("no time at all", isinstance(got, dict) and (got["grpc-status"], got["grpc-message"]) == ("4", "deadline exceeded"), got)
    got = call(where, head(more=[(f"x{i}", "y" * 1000) for i in range(16)]), message(b""))
    expect("a long head", got == ("reset", CALM), got)
    got = call(where, head(more=[("connection", "close")]), message(b""))
    expect("a header of the connection", got[0] in ("reset", "goaway"), got)


def messages(where):
    status("more than one", where, "13", "more than one message", head(), message(b"") * 2)
    status("none", where, "13", "no message", head(), b"")
    status("none, and no bytes", where, "13", "no message", head())
    status("one that breaks off", where, "13", "a message breaks off", head(), message(b"x", n=2))
    status("a prefix that breaks off", where, "13", "a message breaks off", head(), b"\0\0")
    status("a flag that there is not", where, "13", "a message with unknown flags", head(), message(b"", 2))
    status("compressed by nothing", where, "13", "a compressed message, and no encoding is named", head(), message(b"", 1))
    got = status("compressed", where, "12", "compressed messages are not taken", head(more=[("grpc-encoding", "gzip")]), message(b"", 1))
    expect("what it takes", got.get("grpc-accept-encoding") == "identity", got)
    status("of 4 GiB", where, "8", "a message of 4294967295 bytes, and no more than 1024 are taken", head(), message(b"", n=2**32 - 1))
    # However it is cut.
    c = Client(where)
    c.begin(head())
    for byte in message(b"\x0a\0"):
        c.data(bytes([byte]), end=False)
    c.data(b"")
    got = c.end()
    expect("byte by byte", isinstance(got, dict) and got.get("grpc-status") == "0", got)


def ends(what, c, send, how):
    """A connection that floods: it is ended, and says so if it can."""
    try:
        send(c)
        got = c.end()
    except ConnectionError:
        got = ("closed",)
    c.sock.close()
    expect(what, got[0] in how, got)
    return got


def floods(where):
    def pings(c):
        for i in range(4):
            c.send(PING, 0, 0, b"12345678")
    got = ends("pings", Client(where), pings, ("goaway",))
    expect("why", got[1:] == (CALM, b"too_many_pings"), got)

    def answered(c):
        for i in range(1, 21, 2):
            c.send(PING, 0, 0, b"12345678")
            c.begin(head(), i)
            c.data(message(b""), i)
            c.end(i)
        c.begin(head(), 21)
        c.data(message(b""), 21)
        return c.end(21)
    c = Client(where)
    expect("pings beside calls", answered(c).get("grpc-status") == "0")

    def resets(c):
        for i in range(1, 20001, 2):
            c.sock.sendall(c.frame(HEADERS, END_HEADERS, i, block(head())) + c.frame(RST, 0, i, b"\0\0\0\x08"))
    ends("resets", Client(where), resets, ("goaway", "closed"))

    def endless(c):
        c.send(HEADERS, 0, 1, block(head()))
        for _ in range(5000):
            c.send(CONTINUATION, 0, 1, literal(b"x", b"y" * 100))
    ends("a head without end", Client(where), endless, ("goaway", "closed"))

    def bomb(c):
        # Kept in the table (RFC 7541, 6.2.1), and named a thousand times.
        once = b"\x40" + integer(1, 7) + b"x" + integer(3000, 7) + b"y" * 3000
        c.send(HEADERS, END_HEADERS | END_STREAM, 1, block(head()) + once + b"\xbe" * 10000)
    ends("a head that grows", Client(where), bomb, ("reset", "goaway"))

    def settings(c):
        for _ in range(20000):
            c.send(SETTINGS, 0, 0, b"")
    c = Client(where)
    c.sock.settimeout(30)
    try:
        settings(c)
    except (ConnectionError, socket.timeout):
        pass
    c.sock.close()


def memory(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


def stalled(where, pid):
    """Asks and asks, and takes nothing of what he is told: as the protocol says it, and by not reading at all."""
    before = memory(pid)
    asked = message(b"\x22\x15grpc.health.v1.Health") * 100
    c = Client(where)
    c.begin(head(REFLECT))
    window, sent = 65535, 0
    c.sock.settimeout(1)
    for kind, flags, number, payload in c.frames():
        if kind == SETTINGS and not flags:
            for at in range(0, len(payload), 6):
                name, value = struct.unpack(">HI", payload[at:at + 6])
                if name == 4:
                    window += value - 65535
        if kind == WINDOW and number == 1:
            window += int.from_bytes(payload, "big")
        while window >= len(asked) and sent < 10_000_000:
            c.data(asked, end=False)
            window -= len(asked)
            sent += len(asked)
    expect("his window stays shut", 200_000 < sent < 2_000_000, sent)
    silent = Client(where)
    silent.send(SETTINGS, 0, 0, struct.pack(">HI", 4, 2**31 - 1))
    silent.send(WINDOW, 0, 0, struct.pack(">I", 2**31 - 1 - 65535))
    silent.begin(head(REFLECT))
    for _ in range(200_000 // len(asked)):
        silent.data(asked, end=False)
    got = call(where, head(), message(b""))
    expect("others are served", isinstance(got, dict) and got["grpc-status"] == "0", got)
    expect("little is kept for them", memory(pid) - before < 40000, memory(pid) - before)
    for x in (c, silent):
        x.sock.close()


def speaks_http(where):
    host, port = where.rsplit(":", 1)
    s = socket.create_connection((host, int(port)), timeout=20)
    s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    data = b""
    while True:
        more = s.recv(4096)
        if not more:
            break
        data += more
    expect("HTTP/1.1", b"HTTP" not in data, data)


def crowd(where):
    def watch():
        c = Client(where)
        c.begin(head("/grpc.health.v1.Health/Watch"))
        c.data(message(b""))
        return c

    def is_let_in(c):
        return next(c.frames(), [None])[0] == SETTINGS
    all_of_them = [Client(where) for _ in range(256)]
    for c in all_of_them:
        expect("one of a crowd", is_let_in(c))
    busy = watch()
    expect("one more is let in", is_let_in(busy))
    expect("for who was idle the longest", drained(all_of_them[0].sock))
    for c in all_of_them[1:]:
        c.begin(head("/grpc.health.v1.Health/Watch"))
        c.data(message(b""))
        expect("one of many who watch", next((k for k, *_ in c.frames() if k == DATA), None) == DATA)
    late = watch()
    late.sock.settimeout(0.3)
    expect("one too many is not let in", list(late.frames()) == [])
    busy.sock.close()
    late.sock.settimeout(20)
    expect("until another leaves", is_let_in(late))
    later = Client(where)
    later.sock.settimeout(0.3)
    expect("nor is the next one", list(later.frames()) == [])
    all_of_them[5].send(RST, 0, 1, b"\0\0\0\x08")
    later.sock.settimeout(20)
    expect("until another only keeps his place", is_let_in(later))
    for c in all_of_them + [late, later]:
        c.sock.close()


def main(where, pid):
    silent = socket.create_connection(where.rsplit(":", 1), timeout=30)
    heads(where)
    messages(where)
    floods(where)
    stalled(where, pid)
    speaks_http(where)
    expect("who says nothing is let go", drained(silent))
    crowd(where)
    return 1 if bad else 0


def drained(s):
    while s.recv(4096):
        pass
    return True


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
