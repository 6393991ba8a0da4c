#!/usr/bin/python3
"""What no client library would send over HTTP/2, and what comes back.

  h2_raw.py HOST:PORT PATH

Frames by hand (RFC 9113), header blocks of literals only (RFC 7541, 6.2.2).
Prints a line for each case that went wrong; ends with 0 if none did.
"""
import socket, struct, sys

DATA, HEADERS, RST, SETTINGS, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def integer(n, bits):
    top = (1 << bits) - 1
    if n < top:
        return bytes([n])
    out, n = [top], n - top
    while n >= 128:
        out.append(n % 128 + 128)
        n //= 128
    return bytes(out + [n])


def literal(name, value):
    return b"\0" + integer(len(name), 7) + name + integer(len(value), 7) + value


def block(fields):
    return b"".join(literal(n.encode("latin-1"), v.encode("latin-1")) for n, v in fields)


class Caller:
    def __init__(self, where):
        host, port = where.rsplit(":", 1)
        self.sock = socket.create_connection((host, int(port)), timeout=20)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.sendall(PREFACE + self.frame(SETTINGS, 0, 0, b""))
        self.got = b""

    @staticmethod
    def frame(kind, flags, stream, payload):
        return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload

    def send(self, kind, flags, stream, payload):
        self.sock.sendall(self.frame(kind, flags, stream, payload))

    def frames(self):
        while True:
            while len(self.got) < 9 or len(self.got) < 9 + int.from_bytes(self.got[:3], "big"):
                try:
                    more = self.sock.recv(65536)
                except (ConnectionError, socket.timeout):
                    more = b""
                if not more:
                    return
                self.got += more
            n = int.from_bytes(self.got[:3], "big")
            yield self.got[3], self.got[4], int.from_bytes(self.got[5:9], "big"), self.got[9:9 + n]
            self.got = self.got[9 + n:]

    def outcome(self, stream=1):
        """'reset', 'goaway', 'closed', or 'answer' once a reply's head is here."""
        for kind, flags, number, payload in self.frames():
            if kind == HEADERS and number == stream:
                # :status 200 is one byte; the rest are static names with a literal.
                self.status = "200" if payload[:1] == b"\x88" else None
                return "answer"
            if kind == RST and number == stream:
                return "reset"
            if kind == GOAWAY:
                return "goaway"
        return "closed"


GOOD = [(":method", "GET"), (":scheme", "http"), (":path", "/healthz"), (":authority", "x")]


def changed(**fields):
    return [(n, fields.get(n[1:], v)) for n, v in GOOD]


def request(where, fields, flags=END_HEADERS | END_STREAM, more=()):
    c = Caller(where)
    c.send(HEADERS, flags, 1, block(fields))
    for kind, f, payload in more:
        c.send(kind, f, 1, payload)
    return c, c.outcome()


bad = 0


def expect(what, ok, seen=""):
    global bad
    if not ok:
        bad += 1
        print(f"{what}: {seen}")


def main(where, path):
    c, seen = request(where, GOOD)
    expect("a good one", seen == "answer" and c.status == "200", seen)
    never = {
        "a method of two": changed(method="GET /vm/x HTTP/1.1\r\nHost: y\r\n\r\nGET"),
        "a method with a space": changed(method="GET /x"),
        "a path of two lines": changed(path="/healthz HTTP/1.1\r\nX: y\r\n\r\n"),
        "a path with a space": changed(path="/healthz x"),
        "an authority of two lines": changed(authority="x\r\nX: y"),
        "a value of two lines": GOOD + [("x", "a\r\ny: b")],
        "a value with a NUL": GOOD + [("x", "a\0b")],
        "a name with a colon": GOOD + [("x:y", "a")],
        "a name in upper case": GOOD + [("X", "a")],
        "a header of the connection": GOOD + [("connection", "close")],
        "an encoding": GOOD + [("transfer-encoding", "chunked")],
        "two paths": GOOD + [(":path", "/readyz")],
        "no path": [f for f in GOOD if f[0] != ":path"],
        "two lengths": GOOD + [("content-length", "1"), ("content-length", "2")],
        "a long header": GOOD + [("x", "a" * 15000), ("y", "b" * 15000), ("z", "c" * 6000)],
        "many headers": GOOD + [(f"x{i}", "a") for i in range(200)],
    }
    for what, fields in never.items():
        b = block(fields)
        c = Caller(where)
        c.send(HEADERS, END_STREAM | (END_HEADERS if len(b) <= 16384 else 0), 1, b[:16384])
        for at in range(16384, len(b), 16384):
            c.send(CONTINUATION, END_HEADERS if at + 16384 >= len(b) else 0, 1, b[at:at + 16384])
        seen = c.outcome()
        expect(what, seen in ("reset", "goaway", "closed") or (seen == "answer" and c.status != "200"), seen)
    # A body that is not as long as it said.
    _, seen = request(where, [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "x"),
                              ("content-length", "3")], END_HEADERS, [(DATA, END_STREAM, b"hello")])
    expect("a body that is longer", seen in ("reset", "goaway"), seen)
    # A head that never ends.
    c = Caller(where)
    c.send(HEADERS, END_STREAM, 1, block(GOOD))
    try:
        for _ in range(5000):
            c.send(CONTINUATION, 0, 1, literal(b"x", b"y" * 100))
        seen = c.outcome()
    except ConnectionError:
        seen = "closed"
    expect("a head without end", seen in ("goaway", "closed"), seen)
    # Streams that are reset as soon as they are opened.
    c = Caller(where)
    try:
        for i in range(1, 20001, 2):
            c.sock.sendall(c.frame(HEADERS, END_HEADERS | END_STREAM, i, block(GOOD)) + c.frame(RST, 0, i, b"\0\0\0\x08"))
        seen = None
    except ConnectionError:
        seen = "closed"
    if seen is None:
        for kind, _, _, _ in c.frames():
            if kind == GOAWAY:
                seen = "goaway"
                break
    expect("streams that are reset", seen in ("goaway", "closed"), seen)
    # Not the preface.
    c = socket.create_connection(where.rsplit(":", 1), timeout=20)
    c.sendall(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n" + b"x" * 100)
    data = b""
    while True:
        try:
            more = c.recv(4096)
        except ConnectionError:
            break
        if not more:
            break
        data += more
    expect("no preface", b"HTTP/1.1" not in data, data)
    c, seen = request(where, GOOD)
    expect("a good one, after all", seen == "answer" and c.status == "200", seen)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
