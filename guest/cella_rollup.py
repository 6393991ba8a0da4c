"""The channel of a machine with a state, for programs in Python (docs/channel.md).

    import cella_rollup as rollup

    request = rollup.finish(True)
    while True:
        rollup.notice(request.payload)
        request = rollup.finish(True)

finish() ends what was given before and waits for what comes next.  Where the machine's message
wants that, a copy of the process handles it, and finish() returns in the copy: see rollup_fork.h,
which says when a process may be copied.  Errors are OSError, with the errno of rollup_io.h.
"""
import errno, fcntl, os, select, signal, stat, struct, sys, time
from collections import namedtuple

IN, OUT = 3, 4
STATES = "/.state"  # where a state stands that another may replace
(FINISH, ADVANCE, INSPECT, VOUCHER, NOTICE, REPORT, EXCEPTION, DONE, SETTLED) = range(1010, 1019)
REJECT, ACCEPT, ACCEPT_AND_COPY = range(3)
ERRORS = {1: errno.EBADE, 2: errno.EOPNOTSUPP, 3: errno.ENOBUFS}
ROUNDS, GAVE_UP = 1000, 75
NOTHING, BUSY, FINISHED = b"", b"\1", b"\2"

# type is "advance" or "inspect"; of a query the rest is None, but the payload.
Request = namedtuple("Request", "type sender block_number timestamp epoch_index input_index payload")


def voucher(address, payload):
    """Returns its index, of this input's vouchers; the address has 20 bytes."""
    if len(address) != 20:
        raise ValueError("an address has 20 bytes")
    return _put_out(VOUCHER, bytes(address) + bytes(payload))


def notice(payload):
    """Returns its index, of this input's notices."""
    return _put_out(NOTICE, payload)


def report(payload):
    _put_out(REPORT, payload)


def exception(payload):
    """All is undone; the machine ends soon."""
    _say(EXCEPTION, payload, last=True)


def finish(accept):
    """The next Request."""
    if _copy.original and not (accept and not _copy.is_query and _copy.goes_on()):
        _say(FINISH, bytes([ACCEPT if accept else REJECT]), last=True)
        os._exit(0)
    if accept and _copy.may():
        _say(FINISH, bytes([ACCEPT_AND_COPY]))
        while not _copy.handles():
            _say(SETTLED, b"")
        request = _read_request()
        _copy.is_query = request.type == "inspect"
        return request
    with _Turn():
        _write(FINISH, bytes([ACCEPT if accept else REJECT]))
        return _read_request()


# ---- frames ----

def _read(n):
    data = bytearray()
    while len(data) < n:
        piece = os.read(IN, n - len(data))
        if not piece:
            raise OSError(errno.EPIPE, "the node is gone")
        data += piece
    return bytes(data)


def _write(kind, payload):
    rest = memoryview(struct.pack("<II", len(payload), kind) + payload)
    while rest:
        rest = rest[os.write(OUT, rest):]


class _Turn:
    """Other processes of the machine may have the same channel."""

    def __enter__(self):
        fcntl.lockf(OUT, fcntl.LOCK_EX)

    def __exit__(self, *_):
        fcntl.lockf(OUT, fcntl.LOCK_UN)


def _say(kind, payload, last=False):
    with _Turn():
        _copy.note(BUSY)
        _write(kind, bytes(payload))
        _copy.note(FINISHED if last else NOTHING)


def _put_out(kind, payload):
    with _Turn():
        _copy.note(BUSY)
        _write(kind, bytes(payload))
        length, what, status, index = struct.unpack("<IIIQ", _read(20))
        _copy.note(NOTHING)
    if (length, what) != (12, DONE) or status not in (0, *ERRORS):
        raise OSError(errno.EPROTO, "what comes is no answer")
    if status:
        raise OSError(ERRORS[status], os.strerror(ERRORS[status]))
    return index


def _read_request():
    length, kind = struct.unpack("<II", _read(8))
    payload = _read(length)
    if kind == INSPECT:
        return Request("inspect", None, None, None, None, None, payload)
    if kind != ADVANCE or length < 52:
        raise OSError(errno.EPROTO, "what comes is no request")
    return Request("advance", payload[:20], *struct.unpack_from("<QQQQ", payload, 20), payload[52:])


# ---- copies: the same as rollup_fork.c ----

def _list(path):
    try:
        return os.listdir(path)
    except FileNotFoundError:
        return []


class _Copy:
    def __init__(self):
        self.original = 0    # of a copy
        self.first = 0       # the machine's program, which only waits; 0: nobody does
        self.predecessor = 0 # whose place we took
        self.notes = None    # that a copy takes
        self.alive = ()      # between the first and who goes on
        self.is_query = False  # what was given last; it changes nothing
        self.said = None

    def kept(self):
        return os.environ.get("CELLA_MEMORY") == "kept"

    def obstacle(self):
        if len(os.listdir("/proc/self/task")) != 1:
            return "it has more than one thread"
        if self.others():
            return "another process runs"
        if any(self.is_shared(int(n)) for n in os.listdir("/proc/self/fd")):
            return "it has files or sockets open"
        with open("/proc/self/maps", "rb") as f:
            for line in f:
                rights = line.split(None, 2)[1]
                if (rights[1:2] == b"w" and rights[3:4] == b"s") or b" " + STATES.encode() + b"/" in line:
                    return "it has memory that is shared, or of a file of its state"
        if os.readlink("/proc/self/cwd").startswith(STATES):
            return "its working directory is in its state"
        if self.has_volume():
            return "it has a volume that can be written"
        if _list("/tmp") or _list("/dev/shm"):
            return "/tmp or /dev/shm is not empty"
        return None

    def has_volume(self):
        """Where else what an input writes would stay; the state is an overlay, and the node's."""
        with open("/proc/self/mountinfo") as f:
            for line in f:
                before, _, fs = line.partition(" - ")
                point, options = before.split()[4:6]
                if (options.startswith("rw") and fs.split()[0] not in ("proc", "overlay")
                        and point not in ("/tmp", "/dev/shm")):
                    return True
        return False

    def is_shared(self, fd):
        try:
            mode = os.fstat(fd).st_mode
        except OSError:  # what the names were read from
            return False
        return fd not in self.alive and not stat.S_ISCHR(mode) and (fd > OUT or stat.S_ISREG(mode))

    def may(self):
        if not self.kept() and os.environ.get("CELLA_REUSE") != "zygote":
            return False
        obstacle = self.obstacle()
        if obstacle and obstacle != self.said:
            print(f"rollup: no copy of this process: {obstacle}", file=sys.stderr)
        self.said = obstacle
        if obstacle is None and self.kept() and not self.first:
            self.leave_first_behind()
        return obstacle is None

    def leave_first_behind(self):
        """From now on the first process only waits, until nobody goes on any more."""
        sys.stdout.flush(), sys.stderr.flush()
        alive = os.pipe()
        if os.fork():
            os.close(alive[1])
            self.wait_for_end(alive[0])
        os.close(alive[0])
        self.alive = alive[1:]
        self.first = os.getppid()
        self.be_alive()

    def be_alive(self):
        """A lock of our own until we end: what we start may have the pipe open, but never the lock."""
        fcntl.lockf(self.alive[0], fcntl.LOCK_EX, 1, os.getpid())
        os.write(self.alive[0], struct.pack("i", os.getpid()))

    def wait_for_end(self, alive):
        """Until somebody ends, and nobody has taken his place."""
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            pid = os.read(alive, 4)
            if len(pid) == 4:
                fcntl.lockf(alive, fcntl.LOCK_SH, 1, *struct.unpack("i", pid))
            if not _can_read(alive) or len(pid) != 4:
                os._exit(0)

    def give_up(self, why):
        print(f"rollup: {why}", file=sys.stderr, flush=True)
        if self.first:
            os.kill(self.first, signal.SIGKILL)
        os._exit(GAVE_UP)

    def others(self):
        """Everybody but init, the first one, ourselves, and what we took the place of."""
        known = (1, self.first, self.predecessor, os.getpid())
        return [int(n) for n in os.listdir("/proc") if n.isdigit() and int(n) not in known]

    def kill_others(self):
        """Whether there was anybody."""
        for i in range(ROUNDS):
            left = self.others()
            if not left:
                return i > 0
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.001)
        self.give_up("what an input started does not end")

    def make_empty(self, directory):
        try:
            for where, directories, files in os.walk(directory, topdown=False):
                for name in files:
                    os.unlink(os.path.join(where, name))
                for path in (os.path.join(where, name) for name in directories):
                    os.unlink(path) if os.path.islink(path) else os.rmdir(path)
        except OSError:
            self.give_up("what an input left cannot be removed")
        if _list(directory):
            self.give_up("what an input left cannot be removed")

    def clear_up(self, pid):
        try:
            os.waitpid(pid, 0)
        except ChildProcessError:
            pass
        others = self.kill_others()
        last = self.read_notes()
        self.close_notes()
        # What it started may have been in a frame, too.
        if last == BUSY or (last == NOTHING and others) or _can_read(IN):
            self.give_up("an input ended in the middle of a frame")
        self.make_empty("/tmp")
        self.make_empty("/dev/shm")

    def handles(self):
        """Waits for an input.  True: in the copy that is to handle it.  False: the copy is gone."""
        sys.stdout.flush(), sys.stderr.flush()
        if not _can_read(IN, None):
            raise OSError(errno.EPIPE, "the node is gone")
        self.notes = os.pipe()
        original, pid = os.getpid(), os.fork()
        if pid == 0:
            self.original = original
            return True
        self.clear_up(pid)
        return False

    def goes_on(self):
        """A copy that accepts takes the place of what it is a copy of, if memory is kept."""
        if not self.kept():
            return False
        self.be_alive()
        if os.getppid() == self.original:
            os.kill(self.original, signal.SIGKILL)
        self.predecessor, self.original = self.original, 0
        self.close_notes()
        return True

    def note(self, what):
        if not self.original:
            return
        self.read_notes()
        if what:
            os.write(self.notes[1], what)

    def read_notes(self):
        last = NOTHING
        while _can_read(self.notes[0]):
            last = os.read(self.notes[0], 1)
        return last

    def close_notes(self):
        for fd in self.notes:
            os.close(fd)
        self.notes = None


def _can_read(fd, seconds=0):
    p = select.poll()
    p.register(fd, select.POLLIN)
    return any(events & select.POLLIN for _, events in p.poll(None if seconds is None else 0))


_copy = _Copy()
