"""The state of a machine, a second time: made from docs/state.md alone.

keccak(bytes), manifest(directory), machine_hash(manifest, drive), and
root_of_proof(proof) by the rule of proofs.  Slow, and in plain sight.
"""
import os, stat, struct

# ---- Keccak-256, from the reference of the Keccak team ----

MASK = (1 << 64) - 1


def constants():
    out, lfsr = [], 1
    for _ in range(24):
        value = 0
        for j in range(7):
            if lfsr & 1:
                value |= 1 << ((1 << j) - 1)
            lfsr = (lfsr << 1) ^ (0x171 if lfsr & 0x80 else 0)
        out.append(value)
    return out


IOTA = constants()


def rotations():
    out, x, y = [0] * 25, 1, 0
    for t in range(24):
        out[x + 5 * y] = (t + 1) * (t + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5
    return out


RHO = rotations()
PI = [(y + 5 * ((2 * x + 3 * y) % 5)) for y in range(5) for x in range(5)]


def permute(a):
    for constant in IOTA:
        c = [a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20] for x in range(5)]
        d = [c[x - 1] ^ ((c[(x + 1) % 5] << 1 | c[(x + 1) % 5] >> 63) & MASK) for x in range(5)]
        b = [0] * 25
        for i in range(25):
            v, n = a[i] ^ d[i % 5], RHO[i]
            b[PI[i]] = (v << n | v >> (64 - n)) & MASK
        a = [b[i] ^ (~b[i // 5 * 5 + (i + 1) % 5] & b[i // 5 * 5 + (i + 2) % 5]) & MASK for i in range(25)]
        a[0] ^= constant
    return a


def keccak(data):
    rate, a = 136, [0] * 25
    data = bytearray(data) + b"\x01"
    data += bytes(-len(data) % rate)
    data[-1] |= 0x80
    for at in range(0, len(data), rate):
        for i, lane in enumerate(struct.unpack_from("<17Q", data, at)):
            a[i] ^= lane
        a = permute(a)
    return struct.pack("<4Q", *a[:4])


known = {}


def pair(left, right):
    """K(left, right); most pairs are met many times."""
    both = left + right
    if both not in known:
        known[both] = keccak(both)
    return known[both]


# ---- the content root ----

def leaf(page):
    if page not in known:
        known[page] = keccak(page)
    return known[page]


def content_root(data):
    pages = [data[i:i + 4096].ljust(4096, b"\0") for i in range(0, len(data), 4096)]
    if not pages:
        return bytes(32)
    nodes = [leaf(bytes(p)) for p in pages]
    while len(nodes) & (len(nodes) - 1):
        nodes.append(leaf(bytes(4096)))
    while len(nodes) > 1:
        nodes = [pair(nodes[i], nodes[i + 1]) for i in range(0, len(nodes), 2)]
    return nodes[0]


# ---- the manifest ----

DIRECTORY, FILE, LINK = 1, 2, 3


def records(directory):
    """(path, type, mode, content), by path; raises ValueError for what has no place."""
    out = []

    def add(path, full):
        s = os.lstat(full)
        names = [] if stat.S_ISLNK(s.st_mode) else [n for n in os.listxattr(full) if not n.startswith("security.")]
        if names or len(path) > 4095:
            raise ValueError(path)
        if s.st_mode & (0o700 if stat.S_ISDIR(s.st_mode) else 0o400) != (0o700 if stat.S_ISDIR(s.st_mode) else 0o400):
            raise ValueError(path)
        if stat.S_ISDIR(s.st_mode):
            out.append((path, DIRECTORY, s.st_mode & 0o777, b""))
            for name in os.listdir(full):
                add((path + b"/" if path else b"") + name, full + b"/" + name)
        elif stat.S_ISLNK(s.st_mode):
            out.append((path, LINK, 0o777, os.readlink(full)))
        elif stat.S_ISREG(s.st_mode):
            with open(full, "rb") as f:
                out.append((path, FILE, s.st_mode & 0o777, f.read()))
        else:
            raise ValueError(path)
    add(b"", os.fsencode(directory))
    return sorted(out)


def manifest(directory):
    rows = records(directory)
    paths = b"".join(r[0] for r in rows)
    offset = 64 + 64 * len(rows)
    head = b"cellafs\1" + struct.pack(">QQ", len(rows), len(paths)) + bytes(40)
    body = b""
    for path, kind, mode, content in rows:
        size = 0 if kind == DIRECTORY else len(content)
        body += struct.pack(">HHIQQ8x", kind, mode, len(path), offset, size) + content_root(content)
        offset += len(path)
    return head + body + paths


# ---- memory ----

EMPTY = {3: keccak(bytes(8))}
for level in range(4, 65):
    EMPTY[level] = pair(EMPTY[level - 1], EMPTY[level - 1])


def memory_root(pieces, address, log2):
    """Of 2^log2 bytes at that address; pieces: {address: bytes}, each beginning at a word."""
    here = {a: d for a, d in pieces.items() if a < address + (1 << log2) and a + len(d) > address and d}
    if not here:
        return EMPTY[log2]
    if log2 == 3:
        word = bytearray(8)
        for a, d in here.items():
            part = d[address - a:address - a + 8] if a <= address else b""
            word[:len(part)] = part
        return leaf(bytes(word))
    half = 1 << (log2 - 1)
    return pair(memory_root(here, address, log2 - 1), memory_root(here, address + half, log2 - 1))


def machine_hash(state, drive=0x4400000):
    """Without inputs."""
    if len(state) > drive:
        raise ValueError("no room")
    return memory_root({1 << 55: state}, 0, 64)


# ---- proofs ----

def root_of_proof(p):
    """p: address, log2_target, log2_root, target, siblings; the first sibling is the root's child."""
    if len(p["siblings"]) != p["log2_root"] - p["log2_target"]:
        raise ValueError("siblings")
    h = p["target"]
    for s in range(p["log2_target"], p["log2_root"]):
        sibling = p["siblings"][p["log2_root"] - 1 - s]
        h = pair(sibling, h) if p["address"] >> s & 1 else pair(h, sibling)
    return h
