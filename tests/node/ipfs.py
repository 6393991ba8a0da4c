"""Files as IPFS has them, as a test's gateway serves them: UnixFS trees in
DAG-PB, and archives of their blocks (CAR version 1)."""
import base64, hashlib

RAW, DAG_PB = 0x55, 0x70


def varint(n):
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def cid(codec, block):
    return varint(1) + varint(codec) + b"\x12\x20" + hashlib.sha256(block).digest()


def text(binary):
    """A binary CID as people write it, version 1."""
    return "b" + base64.b32encode(binary).decode().lower().rstrip("=")


def old_text(binary):
    """The same, version 0."""
    letters = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    n, out = int.from_bytes(b"\x12\x20" + binary[-32:], "big"), ""
    while n:
        n, rest = divmod(n, 58)
        out = letters[rest] + out
    return out


class Tree:
    """A file in leaves of chunk bytes, and nodes of fan links."""

    def __init__(self, data, chunk=1024, fan=4, raw=True):
        self.blocks = []  # (cid, block), as a walk from the root meets them
        level = []
        for i in range(0, len(data), chunk) or [0]:
            piece = data[i : i + chunk]
            if raw and len(data) > chunk:
                block, codec = piece, RAW
            else:
                block, codec = field(1, field(1, 2) + field(2, piece) + field(3, len(piece))), DAG_PB
            level.append((cid(codec, block), len(piece), [(cid(codec, block), block)]))
        while len(level) > 1:
            level = [self.join(level[i : i + fan]) for i in range(0, len(level), fan)]
        self.root, _, self.blocks = level[0]

    def join(self, children):
        size = sum(n for _, n, _ in children)
        links = b"".join(field(2, field(1, c) + field(2, b"") + field(3, n)) for c, n, _ in children)
        sizes = b"".join(field(4, n) for _, n, _ in children)
        block = links + field(1, field(1, 2) + field(3, size) + sizes)
        below = [b for _, _, blocks in children for b in blocks]
        return cid(DAG_PB, block), size, [(cid(DAG_PB, block), block)] + below

    def car(self):
        root = b"\x00" + self.root
        header = b"\xa2eroots\x81\xd8\x2a\x58" + bytes([len(root)]) + root + b"gversion\x01"
        out = varint(len(header)) + header
        for name, block in self.blocks:
            out += varint(len(name) + len(block)) + name + block
        return out
