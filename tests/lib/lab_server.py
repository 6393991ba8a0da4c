"""The servers of the laboratory of lab.sh: who connects is told its address.

The resolver answers by the name: what a hostile zone could answer.
"""
import os
import select
import socket
import struct
import sys
import time

ANSWERS = {  # name: addresses and other names, in the order they stand
    "good.example": ["203.0.113.10", "2001:db8::10"],
    "other.example": ["203.0.113.10"],
    "rebind.example": ["169.254.169.254", "10.9.9.9", "127.0.0.1", "fd00:ec2::254", "::1"],
    "mixed.example": ["10.9.9.9", "203.0.113.10", "169.254.169.254", "2001:db8::10", "fe80::1"],
    "alias.good.example": ["*target.example", "203.0.113.10"],
    "many.example": ["203.0.113.%d" % i for i in range(1, 100)],
    "twice.example": ["203.0.113.10"],
}


def name_at(data, at):
    labels = []
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode("latin-1"))
        at += 1 + data[at]
    return ".".join(labels).lower(), at + 1


def encode(name):
    return b"".join(bytes([len(x)]) + x.encode() for x in name.split(".")) + b"\0"


def reply(data):
    name, at = name_at(data, 12)
    kind = struct.unpack(">H", data[at:at + 2])[0]
    owner, answers = b"\xc0\x0c", b""
    count = 0
    for a in ANSWERS.get(name, []):
        if a.startswith("*"):
            target = encode(a[1:])
            answers += owner + struct.pack(">HHIH", 5, 1, 60, len(target)) + target
            owner, count = target, count + 1
            continue
        family = socket.AF_INET6 if ":" in a else socket.AF_INET
        if kind != {socket.AF_INET: 1, socket.AF_INET6: 28}[family]:
            continue
        raw = socket.inet_pton(family, a)
        answers += owner + struct.pack(">HHIH", kind, 1, 60, len(raw)) + raw
        count += 1
    code = 0 if name in ANSWERS else 3
    head = data[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, count, 0, 0)
    return head + data[12:at + 4] + answers


def hostile(sock, data, peer):
    """Answers that no honest server gives; then, for twice.example, the right one."""
    name, _ = name_at(data, 12)
    good = reply(data)
    if name == "twice.example":
        sock.sendto(bytes([good[0] ^ 1]) + good[1:], peer)  # another id
        sock.sendto(good[:12] + b"\5wrong" + good[18:], peer)  # another question
        sock.sendto(good[:20], peer)
        sock.sendto(good[:12] + b"\xc0\x0c" * 20, peer)  # a name that is itself
    if name == "loop.example":
        sock.sendto(good[:-2] + b"\xc0\x0c" * 4, peer)
        return
    if name != "silent.example":
        sock.sendto(good, peer)


def open_all(where):
    tcp, udp, dns = [], [], []
    for family, any_address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        if family == socket.AF_INET6 and not os.path.exists("/proc/sys/net/ipv6"):
            continue
        ports = (80, 81) if where == "outside" else (82,)
        for port in ports:
            s = socket.socket(family, socket.SOCK_STREAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            s.bind((any_address, port))
            s.listen(4096)
            tcp.append(s)
            for kind, where_to in ((port, udp), (53, dns)):
                if port == 81 and kind == 53:
                    continue
                u = socket.socket(family, socket.SOCK_DGRAM)
                if family == socket.AF_INET6:
                    u.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                try:
                    u.bind((any_address, kind))
                except OSError:
                    continue
                where_to.append(u)
    return tcp, udp, dns


def serve(tcp, udp, dns, parent):
    while os.getppid() == parent:
        ready, _, _ = select.select(tcp + udp + dns, [], [], 1)
        for s in ready:
            try:
                if s in tcp:
                    c, peer = s.accept()
                    c.sendall(("seen %s\n" % peer[0]).encode())
                    c.close()
                else:
                    data, peer = s.recvfrom(4096)
                    if s in udp:
                        s.sendto(("seen %s\n" % peer[0]).encode(), peer)
                    else:
                        hostile(s, data, peer)
            except (OSError, IndexError, struct.error):
                pass


def say(path):
    with open(path, "w") as f:
        f.write("ready\n")


parent = os.getppid()
if sys.argv[1] == "outside":
    say(sys.argv[3])
    with open(sys.argv[2]) as f:
        f.read()
sockets = open_all(sys.argv[1])
say(sys.argv[-1])
serve(*sockets, parent)
