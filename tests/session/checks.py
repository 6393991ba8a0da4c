#!/usr/bin/python3
"""What clients of sessions see, by Debian's client of gRPC.

  checks.py WHERE CHECK [ARGUMENT]...

Prints a line for each thing that is wrong; ends with 0 if nothing is.
"""
import json, os, random, subprocess, sys, threading, time
from google.protobuf import json_format
import client
from client import Node, SENDER, cm, expect, sm

OK = cm.Void()
ACCEPTED, REJECTED, EXCEPTION, HALTED, CYCLES, TIME = range(6)
CELLA = os.environ.get("cella", "cella")


def proofs_are_good(what, epoch):
    """All proofs of it, by the command that knows nothing of the session."""
    path = f"/tmp/cella-test.{os.getpid()}.json"
    with open(path, "w") as f:
        f.write(json_format.MessageToJson(epoch))
    p = subprocess.run([CELLA, "session", "proof-check", path], capture_output=True, text=True)
    os.unlink(path)
    expect(f"{what}: proofs", (0, True), (p.returncode, p.stdout.startswith("good: ")))


def statuses(epoch):
    return [p.status for p in epoch.processed_inputs]


def accepted(node, machine, stored):
    """Inputs that are accepted: outputs, proofs, epochs, storing and going on."""
    expect("version", (0, 6), node.version())
    r = node.start("one", machine, epoch=3)
    expect("the machine's configuration", (0x60000000, 2 << 20, True),
           (r.config.rollup.rx_buffer.start, r.config.rollup.tx_buffer.length, r.config.htif.yield_manual))
    expect("again", ("ALREADY_EXISTS", "session id is taken"), node.start("one", machine))
    expect("all", ["one"], node.status())
    s = node.session("one")
    expect("session", ("one", 3, [3], False),
           (s.session_id, s.active_epoch_index, list(s.epoch_index), s.HasField("taint_status")))
    before = node.epoch("one", 3).most_recent_machine_hash.data
    for i in range(3):
        expect(f"input {i}", OK, node.advance("one", 3, i, b"payload %d" % i, block=i, time=2 * i))
    e = node.settle("one", 3)
    expect("statuses", [ACCEPTED] * 3, statuses(e))
    for i, p in enumerate(e.processed_inputs):
        a = p.accepted_data
        expect("vouchers", [(SENDER, b"payload %d" % i)] * 2, [(v.address.data, v.payload) for v in a.vouchers])
        expect("notices", [b"payload %d" % i] * 2, [n.payload for n in a.notices])
        expect("reports", [b"%d payload %d" % (9 * (i + 1) + 4, i)], [r.payload for r in p.reports])
    proofs_are_good("active", e)
    if before == e.most_recent_machine_hash.data:
        expect("the hash", "another", "the same")
    q = node.inspect("one", b"query")
    expect("query", (ACCEPTED, [b"31 query"], 3, 3),
           (q.status, [r.payload for r in q.reports], q.active_epoch_index, q.current_input_index))
    expect("EndSession", ("INVALID_ARGUMENT", "active epoch has processed inputs"), node.end("one"))
    expect("a directory that is there", ("ABORTED", f"error creating directory '{machine}'"),
           node.finish("one", 3, 3, machine))
    expect("one without a parent", ("ABORTED", "error creating directory '/nowhere/at/all'"),
           node.finish("one", 3, 3, "/nowhere/at/all"))
    expect("FinishEpoch", OK, node.finish("one", 3, 3, stored))
    done = node.epoch("one", 3)
    expect("finished", (sm.FINISHED, e.most_recent_machine_hash), (done.state, done.most_recent_machine_hash))
    proofs_are_good("finished", done)
    e = node.epoch("one", 4)
    expect("the next epoch", (sm.ACTIVE, 0, done.most_recent_machine_hash),
           (e.state, len(e.processed_inputs), e.most_recent_machine_hash))
    r = node.start("two", stored, epoch=4)
    expect("of what was stored", done.most_recent_machine_hash, node.epoch("two", 4).most_recent_machine_hash)
    for name, epoch in (("one", 4), ("two", 4)):
        expect("goes on", OK, node.advance(name, epoch, 0, b"more"))
    a, b = node.settle("one", 4), node.settle("two", 4)
    expect("both go on to the same", (a.most_recent_machine_hash, a.processed_inputs[0].reports[0].payload),
           (b.most_recent_machine_hash, b"35 more"))
    expect("FinishEpoch, not stored", OK, node.finish("two", 4, 1))
    expect("EndSession", OK, node.end("two"))
    expect("one is left", ["one"], node.status())


def skipped(node, machine):
    """--reject=1 --exception=2 --exit=3: what is not accepted never happened."""
    node.start("skip", machine)
    for i in range(5):
        expect(f"input {i}", OK, node.advance("skip", 0, i, b"payload %d" % i))
    e = node.settle("skip", 0)
    expect("statuses", [ACCEPTED, REJECTED, EXCEPTION, HALTED, ACCEPTED], statuses(e))
    p = e.processed_inputs
    expect("the exception", b"payload 2", p[2].exception_data)
    expect("a rejected one's reports", [b"22 payload 1"], [r.payload for r in p[1].reports])
    expect("they left nothing", [p[0].most_recent_machine_hash] * 3, [x.most_recent_machine_hash for x in p[1:4]])
    expect("the state", [b"22 payload 4"], [r.payload for r in p[4].reports])
    proofs_are_good("skipped", e)


def queries(node, machine):
    """--reject-inspects."""
    node.start("q", machine)
    q = node.inspect("q", b"x")
    expect("a rejected query", (REJECTED, [b"x"], False),
           (q.status, [r.payload for r in q.reports], q.HasField("exception_data")))
    expect("unknown", ("INVALID_ARGUMENT", "session id not found!"), node.inspect("nobody", b""))
    room = (2 << 20) - 64
    expect("too long", ("INVALID_ARGUMENT", "query payload too long for rx buffer length "
                        f"(expected {room} bytes max, got {room} bytes)"), node.inspect("q", bytes(room)))
    q = node.inspect("q", bytes(room - 1))
    expect("as long as can be", [room - 1], [len(r.payload) for r in q.reports])
    expect("end", OK, node.end("q"))


def limits(node, machine):
    """--work-ms=100, and limits below."""
    MS = 10**6
    node.start("cycles", machine, cycles=dict(max_advance_state=30 * MS, advance_state_increment=10 * MS,
                                              max_inspect_state=30 * MS, inspect_state_increment=10 * MS))
    node.advance("cycles", 0, 0, b"x")
    e = node.settle("cycles", 0)
    expect("cycles", ([CYCLES], False), (statuses(e), e.HasField("taint_status")))
    expect("cycles of a query", CYCLES, node.inspect("cycles", b"x").status)
    node.start("time", machine, cycles=dict(advance_state_increment=5 * MS),
               deadlines=dict(advance_state=20, advance_state_increment=20))
    node.advance("time", 0, 0, b"x")
    e = node.settle("time", 0)
    # On a busy host an increment alone may take too long.
    if not e.HasField("taint_status"):
        expect("time", [TIME], statuses(e))
    node.start("late", machine, deadlines=dict(advance_state=30, advance_state_increment=30))
    node.advance("late", 0, 0, b"x")
    e = node.settle("late", 0)
    expect("an increment too late", (1, 4, "Deadline Exceeded"),
           (e.pending_input_count, e.taint_status.error_code, e.taint_status.error_message))
    expect("tainted", ("DATA_LOSS", "session is tainted"), node.advance("late", 0, 1, b""))
    expect("tainted, inspect", ("DATA_LOSS", "session is tainted"), node.inspect("late", b""))
    expect("tainted, finish", ("DATA_LOSS", "session is tainted"), node.finish("late", 0, 0))
    expect("tainted, status", 4, node.session("late").taint_status.error_code)
    expect("tainted, end", OK, node.end("late"))


def refused(node, work):
    """Directories that StartSession does not take: what was made by the script."""
    for name, wanted in json.load(open(f"{work}/refused.json")).items():
        expect(name, tuple(wanted), node.start("r", f"{work}/{name}"))
        expect(f"{name}: the id is free", [], node.status())
    s, text = node.start("r", f"{work}/nothing")
    expect("no directory", ("ABORTED", True), (s, text.startswith(f"'{work}/nothing'")))
    expect("no path", ("ABORTED", "'x' is not an absolute path"), node.start("r", "x"))
    s, text = node.start("r", "/etc")
    expect("another directory", ("ABORTED", True), (s, "config.protobuf" in text))


def concurrent(node, machine, count):
    """Many sessions at once; two callers of one never wait for each other."""
    count = int(count)
    names = [f"c{i}" for i in range(count)]

    def drive(name):
        mine = Node(WHERE)
        mine.start(name, machine)
        for i in range(5):
            while (r := mine.advance(name, 0, i, b"%d" % i)) != OK:
                expect(name, "ABORTED", r[0])
        e = mine.settle(name, 0)
        expect(name, [ACCEPTED] * 5, statuses(e))
    threads = [threading.Thread(target=drive, args=(n,)) for n in names]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    expect("all", sorted(names), node.status())
    hashes = {node.epoch(n, 0).most_recent_machine_hash.data for n in names}
    expect("one machine, one hash", 1, len(hashes))


def hostile(node, machine):
    """A machine that does what its inputs say: what its state may not be is an exception, what it may not say its end."""
    node.start("h", machine)
    cases = [
        ("echo x >a", ACCEPTED, "0 "),
        ("echo y >a; chmod 000 a", EXCEPTION, "/a: its owner may not read it"),
        ("mkdir d; echo z >d/z; chmod 100 d", EXCEPTION, "/d: its owner may not read it"),
        ("cat a", ACCEPTED, "0 x"),
        ("mkdir -p " + "/".join(["d"] * 300), EXCEPTION, "too deep"),
        ("mkfifo p", ACCEPTED, "1 mkfifo: p: Operation not permitted"),
        ("mknod b b 7 0", ACCEPTED, "1 mknod: b: Operation not permitted"),
        ("ln -s / root; ln -s /etc/passwd p; ls -l /proc/self/root/state/p >n", ACCEPTED, "0 "),
        ("rm -r root p n", ACCEPTED, "0 "),
        ("kill -9 $$", HALTED, None),
        ("printf 01234567890123456 >&4; sleep 60", HALTED, None),
        ("printf '\\001\\000\\000\\000\\362\\003\\000\\000\\001' >&4; sleep 60", ACCEPTED, None),
        # Outputs whose answers it does not read: what is kept for it has a bound.
        ("yes \"$(printf '\\000\\000\\000\\000\\367\\003\\000\\000' | tr '\\000' '_')\" | head -c 0; "
         "i=0; while printf '\\002\\000\\000\\000\\365\\003\\000\\000xx' ; do i=$((i+1)); [ $i -lt 200000 ] || break; done >&4", HALTED, None),
        # Outputs whose answers it does not read: what is kept for it has a bound.
        ("i=0; while [ $i -lt 200000 ]; do printf '\\\\002\\\\000\\\\000\\\\000\\\\365\\\\003\\\\000\\\\000xx';"
         " i=$((i+1)); done >&4", HALTED, None),
        ("cat a; ls", ACCEPTED, "0 xa"),
        ("echo changed >a; false; exit 9", HALTED, None),
        ("cat a", ACCEPTED, "0 x"),
        ("rm a; mkdir a; echo in >a/b", ACCEPTED, "0 "),
        ("rm -r a; echo file >a; ls -R; cat a", ACCEPTED, "0 .:afile"),
    ]
    for i, (command, status, text) in enumerate(cases):
        expect(command, OK, node.advance("h", 0, i, command.encode()))
        e = node.settle("h", 0)
        if e.HasField("taint_status"):
            expect(command, "no taint", e.taint_status.error_message)
            return
        p = e.processed_inputs[i]
        said = p.exception_data if p.status == EXCEPTION else b"".join(r.payload for r in p.reports)
        expect(command[:60], (status, True), (p.status, text is None or text in said.decode() or said.decode()))
    proofs_are_good("hostile", e)


def counts(node, machine, sessions, kind):
    """An application that counts what it accepts, in its memory: every third input is rejected."""
    node.start(sessions, machine)
    for i in range(6):
        expect(f"input {i}", OK, node.advance(sessions, 0, i, b"%d" % i))
    e = node.settle(sessions, 0)
    kept = kind == "kept"
    expect("taint", "", e.taint_status.error_message)
    expect("statuses", [ACCEPTED, ACCEPTED, REJECTED, ACCEPTED, ACCEPTED, REJECTED], statuses(e))
    expect("it counted", [b"1 0", b"2 1", b"3 2", b"3 3", b"4 4", b"5 5"] if kept else [b"1 %d" % i for i in range(6)],
           [p.reports[0].payload for p in e.processed_inputs])
    expect("the notices", [b"0", b"1", b"3", b"4"],
           [n.payload for p in e.processed_inputs for n in p.accepted_data.notices])
    expect("the voucher", [SENDER], [v.address.data for v in e.processed_inputs[0].accepted_data.vouchers])
    q = node.inspect(sessions, b"q")
    expect("a query", [b"5 q" if kept else b"1 q"], [r.payload for r in q.reports])
    proofs_are_good("rollup", e)


def go_on(node, name, kind):
    """The same, after a restart."""
    wait_for(node, name)
    n = len(node.epoch(name, 0).processed_inputs)
    expect("input", OK, node.advance(name, 0, n, b"%d" % n))
    e = node.settle(name, 0)
    expect("taint", "", e.taint_status.error_message)
    expect("it counted on", b"5 6" if kind == "kept" else b"1 6", e.processed_inputs[6].reports[0].payload)


def deeds(seed, count):
    """Inputs for tests/session/deeds.c, the same for the same seed."""
    chance = random.Random(int(seed))
    for i in range(int(count)):
        last = chance.choices(("", "r", "x", "q", "k"), (80, 8, 6, 3, 3))[0]
        yield ("".join(chance.choices("awudetmgnv", (4, 3, 1, 2, 2, 2, 3, .3, 3, 3), k=chance.randrange(1, 8)))
               + f"{last} {i}").encode()


def alike(node, seed, *all):
    """Pairs of a machine and how many inputs: they come to the same."""
    epochs = []
    for machine, count in zip(all[::2], all[1::2]):
        started(node, machine, f"{os.getcwd()}/{machine}")
        for i, payload in enumerate(deeds(seed, count)):
            expect(f"input {i}", OK, node.advance(machine, 0, i, payload))
    for machine in all[::2]:
        e = node.settle(machine, 0)
        expect(machine, "", e.taint_status.error_message)
        epochs.append(e.processed_inputs)
    for machine, inputs in zip(all[2::2], epochs[1:]):
        for i, (one, other) in enumerate(zip(epochs[0], inputs)):
            for field in "status", "reports", "exception_data", "accepted_data", "most_recent_machine_hash":
                a, b = getattr(one, field), getattr(other, field)
                if field == "accepted_data":
                    a, b = (a.vouchers, a.notices), (b.vouchers, b.notices)
                if a != b:
                    expect(f"{machine}, input {i}, {field}", a, b)


def handled(node, name, wanted, payload="p", times="2"):
    """Who handles inputs of that session."""
    wait_for(node, name)
    n = len(node.epoch(name, 0).processed_inputs)
    for i in range(int(times)):
        node.advance(name, 0, n + i, payload.encode())
    e = node.settle(name, 0)
    expect(f"{name}: who handles", [[wanted.encode()]] * int(times),
           [[r.payload for r in p.reports] for p in e.processed_inputs[n:]])


def asked(node, name, restarts):
    """Queries of a session whose memory is kept: what they count is forgotten; whether a machine is started for each."""
    said = [[r.payload for r in node.inspect(name, b"ms").reports] for _ in range(3)]
    expect("they are forgotten", 1, len({count for count, _ in said}))
    expect("machines", 3 if restarts == "yes" else 1, len({start for _, start in said}))


def dapp_ends(node, machine):
    node.start("ends", machine)
    for i, payload in enumerate([b"exit", b"signal", b"work"]):
        node.advance("ends", 0, i, payload)
    e = node.settle("ends", 0)
    expect("an application that ends", [b"dapp exited with exit status: 7", b"dapp exited with signal: 9 (Killed)", b""],
           [p.exception_data for p in e.processed_inputs])


def different(node, machine):
    """One whose outputs are another's each time."""
    node.start("random", machine)
    node.advance("random", 0, 0, b"x")
    e = node.settle("random", 0)
    expect("accepted", [ACCEPTED], statuses(e))
    node.inspect("random", b"q")
    while isinstance(s := node.session("random"), tuple):
        pass
    expect("not deterministic", "the application is not deterministic: input 0 of epoch 0 put out something else when it ran again",
           s.taint_status.error_message)


def locked(node, machine):
    """--work-ms=400: while a query runs, the session is its caller's."""
    node.start("l", machine)
    other = Node(WHERE)
    seen = []
    t = threading.Thread(target=lambda: seen.append(other.inspect("l", b"slow")))
    t.start()
    while not isinstance(r := node.session("l"), tuple):
        pass
    expect("locked", "ABORTED", r[0])
    expect("by whom", True, r[1].startswith("concurrent call in session (already locked by RPC InspectState from ipv4:"))
    expect("a second query", "ABORTED", node.inspect("l", b"")[0])
    t.join()
    expect("and it ends", ACCEPTED, seen[0].status)


def save(node, path, *names):
    """What clients see of these, for same()."""
    with open(path, "wb") as f:
        for n in names:
            s = node.session(n)
            f.write(s.SerializeToString(deterministic=True))
            for i in s.epoch_index:
                f.write(node.epoch(n, i).SerializeToString(deterministic=True))


def same(node, path, *names):
    wait_for(node, *names)
    save(node, path + ".now", *names)
    expect(f"as before: {path}", True, open(path, "rb").read() == open(path + ".now", "rb").read())


def wait_for(node, *names):
    """Until they are there and nobody's."""
    for n in names:
        while isinstance(r := node.session(n), tuple):
            if r[0] not in ("ABORTED", "UNAVAILABLE"):
                expect(n, "there", r)
                return


def feed(node, name, epoch, first, count):
    for i in range(int(first), int(first) + int(count)):
        expect(f"{name} {i}", OK, node.advance(name, int(epoch), i, b"input %d" % i))


def settled(node, name, epoch, count):
    wait_for(node, name)
    e = node.settle(name, int(epoch))
    expect(name, [ACCEPTED] * int(count), statuses(e))


def started(node, name, machine):
    r = node.start(name, machine)
    expect(name, "started", r if isinstance(r, tuple) else "started")


def no_room(node, machine, fill):
    """The disk of the states is full: an input waits, and is done when there is room."""
    node.start("full", machine)
    feed(node, "full", 0, 0, 1)
    settled(node, "full", 0, 1)
    before = node.epoch("full", 0)
    with open(fill, "wb", buffering=0) as f:
        try:
            while f.write(bytes(4096)):
                pass
        except OSError:
            pass
    feed(node, "full", 0, 1, 1)
    seen = os.environ["SEEN"]
    while "No space left on device" not in open(seen).read():
        time.sleep(0.01)
    e = node.settle_or_not("full", 0)
    expect("it waits", (1, 1, False), (len(e.processed_inputs), e.pending_input_count, e.HasField("taint_status")))
    expect("nothing of it is there", before.most_recent_machine_hash, e.most_recent_machine_hash)
    os.unlink(fill)
    settled(node, "full", 0, 2)


def ended(node, name):
    wait_for(node, name)
    expect(name, OK, node.end(name))


if __name__ == "__main__":
    WHERE = sys.argv[1]
    globals()[sys.argv[2]](Node(WHERE), *sys.argv[3:])
    sys.exit(client.bad > 0)
