#!/usr/bin/python3
"""A WebSocket server for one machine: echoes messages (RFC 6455), by hand.

/plain refuses to upgrade; /other changes to another protocol; /bye closes.
"""
import base64, hashlib, socket, sys


def exactly(f, n):
    data = f.read(n)
    if len(data) < n:
        sys.exit(0)
    return data


def frame(kind, data):
    n = len(data)
    head = bytes([0x80 | kind])
    head += bytes([n]) if n < 126 else b"\x7e" + n.to_bytes(2, "big") if n < 65536 else b"\x7f" + n.to_bytes(8, "big")
    return head + data


def serve(sock):
    f = sock.makefile("rb")
    lines = []
    while True:
        line = b""
        while not line.endswith(b"\r\n"):
            line += exactly(f, 1)
        if line == b"\r\n":
            break
        lines.append(line.decode("latin-1").strip())
    path = lines[0].split(" ")[1]
    headers = {k.lower(): v for k, v in (x.split(": ", 1) for x in lines[1:])}
    if path == "/plain" or headers.get("upgrade") != "websocket" or headers.get("connection", "").lower() != "upgrade":
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nplain\n")
        return
    key = base64.b64encode(hashlib.sha1(headers["sec-websocket-key"].encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    upgrade = b"other" if path == "/other" else b"websocket"
    sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: " + upgrade + b"\r\nConnection: Upgrade\r\nX-Path: "
            + path.encode() + b"\r\nSec-WebSocket-Accept: " + key + b"\r\n\r\n")
    if path == "/hello":
        sock.sendall(frame(1, b"hello at once"))
    while True:
        kind, n = exactly(f, 2)
        n &= 127
        if n == 126:
            n = int.from_bytes(exactly(f, 2), "big")
        elif n == 127:
            n = int.from_bytes(exactly(f, 8), "big")
        mask = exactly(f, 4)
        data = exactly(f, n)
        data = (int.from_bytes(data, "little") ^ int.from_bytes((mask * (n // 4 + 1))[:n], "little")).to_bytes(n, "little")
        if kind & 15 == 8 or path == "/bye":
            sock.sendall(frame(8, data[:2] if kind & 15 == 8 else b"\x03\xe8"))
            sock.shutdown(socket.SHUT_WR)
            return
        sock.sendall(frame(kind & 15, data))


s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 8080))
s.listen()
while True:
    serve(s.accept()[0])
