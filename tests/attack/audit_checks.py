"""Row 136: somebody with root on the host rewrites what a node did."""
import hashlib, hmac, json, re, shutil, struct

from checks import expect
from node_checks import Node, wait_for


def lines_of(path):
    with open(path, "rb") as f:
        return f.read().rstrip(b"\0").splitlines(keepends=True)


def rehash(lines, key=None, first=0):
    """The chain anew, as whoever reads docs/audit.md can; with a key, from the
    record of that number on, the MACs too."""
    prev, out = bytes(32), []
    for line in lines:
        m = re.fullmatch(rb'\{"seq":(\d+),"hash":"(\w+)","mac":"(\w+)","record":(.*)\}\n', line)
        seq, mac, record = int(m[1]), m[3], m[4]
        prev = hashlib.sha256(struct.pack(">Q", seq) + prev + struct.pack(">Q", len(record)) + record).digest()
        if key is not None and seq >= first:
            mac = hmac.new(key, prev, "sha256").hexdigest().encode()
            key = hmac.new(key, b"next", "sha256").digest()
        out.append(b'{"seq":%d,"hash":"%s","mac":"%s","record":%s}\n' % (seq, prev.hex().encode(), mac, record))
    return out


def record_runs(host, calls):
    """A node that did something: its log's file, and a checkpoint of it."""
    with Node(host) as node:
        h = node.publish("identity")
        for _ in range(calls):
            node.exchange(f"GET /vm/{h} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        wait_for(lambda: node.runs() >= calls, "runs")
    verified = json.loads(host.out("audit", "verify", "--json"))
    return f"{verified['last']}:{verified['hash']}"


def tamper(host):
    log = f"{host.store}/audit/{1:020d}.log"
    keyfile = f"{host.store}/audit/key"
    record_runs(host, 3)
    key = host.out("audit", "key").strip()
    shutil.copy(log, f"{host.work}/early.log")
    shutil.copy(keyfile, f"{host.work}/early.key")
    mark = record_runs(host, 3)
    good, stolen = lines_of(log), open(keyfile, "rb").read()
    number = next(i for i, line in enumerate(good) if b'"kind":"end"' in line)
    changed = good[:number] + [good[number].replace(b'"verdict":"ok"', b'"verdict":"no"')] + good[number + 1:]
    expect("the change is one", changed != good)

    def verify(lines, *args):
        with open(log, "wb") as f:
            f.writelines(lines)
        r = host.call("audit", "verify", "--json", *args)
        return json.loads(r.stdout) if r.returncode in (0, 1) else {"why": r.stderr.decode()}

    def named(what, lines, wanted, *args):
        seen = verify(lines, *args)
        expect(f"{what}: {seen}", not seen["good"] and wanted in seen["why"])

    with_key = ("--key", key)
    expect("whole", verify(good, *with_key)["good"] and verify(good, "--checkpoint", mark)["good"])
    n = number + 1
    named("a byte", changed, f"record {n} was changed")
    named("a line that is gone", good[:number] + good[n:], f"record {n} is missing")
    named("the tail", good[:-4], "are missing at the end")
    named("another order", good[:number] + [good[n], good[number]] + good[n + 1:], f"record {n} is missing")
    named("twice", good[:n] + [good[number]] + good[n:], f"record {n} is there again")
    # What follows the algorithm, and has no key of what is past.
    named("hashed anew", rehash(changed), f"record {n} was not written by this node", *with_key)
    next_seq, next_key = struct.unpack("<Q", stolen[:8])[0], stolen[8:]
    named("hashed anew, with the key that was there", rehash(changed, next_key, n), f"record {n} was not", *with_key)
    expect("without the key nobody sees that", verify(rehash(changed))["good"])
    expect("the key was that of the next record", next_seq == len(good) + 1)
    # Log and key as they were before: whole in themselves.
    shutil.copy(f"{host.work}/early.key", keyfile)
    early = lines_of(f"{host.work}/early.log")
    expect("an older state is whole", verify(early, *with_key)["good"])
    named("an older state", early, "of the checkpoint is missing", *with_key, "--checkpoint", mark)
    # Another node's, in its place.
    shutil.rmtree(f"{host.store}/audit")
    record_runs(host, 3)
    other = lines_of(log)
    expect("another's is whole", verify(other)["good"])
    named("another's", other, "record 1 was not written by this node", *with_key)
    named("spliced", early[:number] + other[number:], f"record {n} was changed")
    return "10 changes, all named"
