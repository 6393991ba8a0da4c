#!/usr/bin/python3
"""A program in a machine, by a WebSocket client that is not ours.

usage: exec_client.py HOST:PORT TOKEN RUN echo|channel|text

echo: cat reads a message in two frames, and its end; what comes is printed.
channel, text: a message that no channel is for; the code it is closed with.
"""
import base64
import hashlib
import os
import socket
import struct
import sys

address, token, run, mode = sys.argv[1:]
host, port = address.rsplit(":", 1)
sock = socket.create_connection((host, int(port)), timeout=20)
key = base64.b64encode(os.urandom(16)).decode()
sock.sendall(
    f"GET /control/runs/{run}/exec?command=cat HTTP/1.1\r\nHost: {host}\r\n"
    f"Authorization: Bearer {token}\r\nConnection: Upgrade\r\n"
    f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    f"Sec-WebSocket-Key: {key}\r\n\r\n".encode()
)
stream = sock.makefile("rb")
head = []
while (line := stream.readline().strip()):
    head.append(line.decode())
want = base64.b64encode(
    hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
).decode()
assert " 101 " in head[0], head
assert any(h.lower() == f"sec-websocket-accept: {want}".lower() for h in head), head


def send(first, payload):
    mask = os.urandom(4)
    data = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
    sock.sendall(bytes([first, 0x80 | len(payload)]) + mask + data)


def frames():
    while True:
        first, length = stream.read(2)
        if length == 126:
            (length,) = struct.unpack(">H", stream.read(2))
        yield first & 15, stream.read(length)


if mode == "echo":
    send(0x02, b"\0one ")
    send(0x80, b"message")
    send(0x89, b"ping")
    send(0x82, b"\xff\0")
elif mode == "channel":
    send(0x82, b"\x09what")
else:
    send(0x81, b"\0text")
for opcode, payload in frames():
    if opcode == 8:
        print("close", struct.unpack(">H", payload[:2])[0])
        break
    if opcode == 10:
        print("pong", payload.decode())
    else:
        print(payload[0], payload[1:].decode())
