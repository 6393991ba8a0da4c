"""The ASGI side of Cella's channel: see docs/channel.md.

Runs one ASGI 3.0 application over frames on descriptors 3 (in) and 4 (out), or,
where those are not, over connections to 127.0.0.1:8080, many at a time.
Standard library only, so that a runtime image needs nothing but Python.
Usage: asgi.py MODULE:CALLABLE
"""
import asyncio
import base64
import binascii
import importlib
import json
import os
import stat
import struct
import sys
import traceback

READY, REQUEST, BODY, BODY_END, RESPONSE, FAILED, OUTPUT, SHUTDOWN, BYE = range(1000, 1009)
FRAME_MAX = 1 << 20


def has_pipes():
    try:
        return stat.S_ISFIFO(os.fstat(3).st_mode) and stat.S_ISFIFO(os.fstat(4).st_mode)
    except OSError:
        return False


PIPES = has_pipes()  # before anything of the application could open a file


class Channel:
    """Frames: u32 length, u32 kind, payload; little endian."""

    def __init__(self, reader=None):
        self.reader = reader
        self.pending = []
        self.next = None
        self.nonce = 0

    def send(self, kind, payload=b""):
        """Kept until it is flushed: what belongs together goes together."""
        self.pending += (struct.pack("<II", len(payload), kind), payload)

    def send_json(self, kind, **fields):
        self.nonce += 1
        fields = {"DialogueNonce": self.nonce, "Kind": kind, "ErrorMessage": fields.pop("error", ""), **fields}
        self.send(kind, json.dumps(fields).encode())

    async def read(self):
        head = await self.reader.readexactly(8)
        length, kind = struct.unpack("<II", head)
        if length > FRAME_MAX:
            raise RuntimeError("frame of %d bytes" % length)
        return kind, await self.reader.readexactly(length)

    def ahead(self):
        """The next frame, for whoever wants to know that it came, or that none will."""
        if self.next is None:
            self.next = asyncio.ensure_future(self.read())
        return self.next

    async def receive(self):
        if self.next is None:
            return await self.read()
        try:
            return await self.next
        finally:
            self.next = None

    def check(self, message):
        if message["DialogueNonce"] != self.nonce + 1:
            raise RuntimeError("invalid dialogue nonce")
        self.nonce += 1


class Pipes(Channel):
    async def open(self):
        loop = asyncio.get_running_loop()
        self.reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(self.reader)
        await loop.connect_read_pipe(lambda: protocol, os.fdopen(3, "rb", 0))

    async def flush(self):
        data = memoryview(b"".join(self.pending))
        self.pending.clear()
        while data:
            data = data[os.write(4, data):]
        # Let the other tasks of the application run: a pipe never waits.
        await asyncio.sleep(0)


class Connection(Channel):
    def __init__(self, reader, writer):
        super().__init__(reader)
        self.writer = writer

    async def flush(self):
        data = b"".join(self.pending)
        self.pending.clear()
        try:
            self.writer.write(data)
            await self.writer.drain()
        except ConnectionError:
            pass  # the application hears of it when it receives


def b64(data):
    return base64.b64encode(data).decode()


class Lifespan:
    """The application's start and end; an application may do without."""

    def __init__(self, app):
        self.app = app
        self.events = asyncio.Queue()
        self.answers = asyncio.Queue()
        self.task = None
        self.state = {}

    async def receive(self):
        return await self.events.get()

    async def send(self, message):
        await self.answers.put(message)

    async def run(self):
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        await self.app(scope, self.receive, self.send)

    async def ask(self, event):
        """The answer to one event, or None if the application gave up on lifespan."""
        await self.events.put({"type": event})
        answer = asyncio.ensure_future(self.answers.get())
        await asyncio.wait({answer, self.task}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        answer.cancel()
        return None

    async def start(self):
        self.task = asyncio.ensure_future(self.run())
        answer = await self.ask("lifespan.startup")
        if answer is None or not answer.get("type", "").startswith("lifespan."):
            # Not supported, which is allowed; the exception is the answer.
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
            self.task = None
        elif answer["type"] == "lifespan.startup.failed":
            raise RuntimeError("startup failed: " + str(answer.get("message", "")))

    async def stop(self):
        if self.task is None or self.task.done():
            return
        answer = await self.ask("lifespan.shutdown")
        if answer is not None and answer.get("type") == "lifespan.shutdown.failed":
            raise RuntimeError("shutdown failed: " + str(answer.get("message", "")))
        await asyncio.gather(self.task, return_exceptions=True)


class Exchange:
    """One request and its response."""

    def __init__(self, channel):
        self.channel = channel
        self.requested = False
        self.started = False
        self.ended = False
        self.disconnected = asyncio.Event()

    async def receive(self):
        if self.requested:
            over = asyncio.ensure_future(self.disconnected.wait())
            await asyncio.wait({over, self.channel.ahead()}, return_when=asyncio.FIRST_COMPLETED)
            over.cancel()
            return {"type": "http.disconnect"}
        kind, payload = await self.channel.receive()
        if kind == BODY:
            return {"type": "http.request", "body": payload, "more_body": True}
        if kind == BODY_END:
            self.requested = True
            return {"type": "http.request", "body": b"", "more_body": False}
        raise RuntimeError("unexpected frame %d" % kind)

    async def drain(self):
        """What the application did not read of the request."""
        while not self.requested:
            await self.receive()

    async def send(self, message):
        if "output" in message and "type" not in message:
            # Older than ASGI 3: the whole answer in one event.
            self.channel.send_json(OUTPUT, Output=message["output"])
            self.started = self.ended = True
            await self.channel.flush()
        elif message["type"] == "http.response.start":
            if self.started:
                raise RuntimeError("the response has started already")
            headers = [[b64(bytes(k)), b64(bytes(v))] for k, v in message.get("headers", [])]
            # Sent with the first of the body, as the specification says.
            self.channel.send_json(RESPONSE, Status=message["status"], Headers=headers)
            self.started = True
        elif message["type"] == "http.response.body":
            if not self.started or self.ended:
                raise RuntimeError("a body before its response, or after its end")
            body = bytes(message.get("body", b""))
            for at in range(0, len(body), FRAME_MAX):
                self.channel.send(BODY, body[at:at + FRAME_MAX])
            if not message.get("more_body", False):
                self.channel.send(BODY_END)
                self.ended = True
                self.disconnected.set()
            await self.channel.flush()


def unquote(path):
    """Without %XX, as ASGI wants it; urllib would take longer to import."""
    parts = path.split(b"%")
    for i, part in enumerate(parts[1:], 1):
        try:
            parts[i] = binascii.unhexlify(part[:2] or b"?") + part[2:]
        except ValueError:
            parts[i] = b"%" + part
    return b"".join(parts)


def scope_of(message, state):
    path = base64.b64decode(message["Path"])
    return {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1",
        "method": message["Method"], "scheme": "http", "path": unquote(path).decode("utf-8", "replace"),
        "raw_path": path, "query_string": base64.b64decode(message["Query"]), "root_path": "",
        "headers": [(base64.b64decode(k).lower(), base64.b64decode(v)) for k, v in message["Headers"]],
        "client": None, "server": ("127.0.0.1", 80), "state": dict(state),
    }


async def body_of(exchange):
    parts = []
    while not exchange.requested:
        parts.append((await exchange.receive())["body"])
    return b"".join(parts)


async def call(app, message, state, exchange):
    event = message.get("Event")
    if event is None:
        await app(scope_of(message, state), exchange.receive, exchange.send)
        if not exchange.ended:
            raise RuntimeError("the application returned without a response")
        return
    # A scope of the network's own: its body is part of it, and nobody waits for an answer.
    scope = {"type": event, "asgi": {"version": "3.0", "spec_version": "2.3"}, "state": dict(state),
             "body": json.loads(await body_of(exchange))}
    await app(scope, exchange.receive, exchange.send)
    if not exchange.ended:
        if not exchange.started:
            await exchange.send({"type": "http.response.start", "status": 200})
        await exchange.send({"type": "http.response.body"})


async def exchange_with(channel, app, state, payload):
    """One request; whether the application came through."""
    message = json.loads(payload)
    channel.check(message)
    exchange = Exchange(channel)
    good = True
    try:
        await call(app, message, state, exchange)
    except Exception:
        traceback.print_exc()
        if not exchange.ended:
            channel.send_json(FAILED, error="the application raised an exception")
            await channel.flush()
        good = False
    await exchange.drain()
    channel.nonce = 0
    return good


async def converse(channel, app, state):
    """Until the node says that it is over; whether all went well."""
    channel.send(READY)
    await channel.flush()
    good = True
    while True:
        kind, payload = await channel.receive()
        if kind == SHUTDOWN:
            return good
        if kind != REQUEST:
            raise RuntimeError("unexpected frame %d" % kind)
        good &= await exchange_with(channel, app, state, payload)


async def bye(channel):
    channel.send(BYE)
    await channel.flush()


async def listen(app, state):
    """Each connection is a channel; what one caller leaves the next may find."""

    async def connected(reader, writer):
        channel = Connection(reader, writer)
        try:
            await converse(channel, app, state)
            await bye(channel)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # whoever called is gone
        except Exception:
            traceback.print_exc()
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 8080, backlog=256, limit=FRAME_MAX)
    await server.serve_forever()


async def serve(app):
    lifespan = Lifespan(app)
    if not PIPES:
        await lifespan.start()
        await listen(app, lifespan.state)
    channel = Pipes()
    await channel.open()
    await lifespan.start()
    good = await converse(channel, app, lifespan.state)
    await lifespan.stop()
    await bye(channel)
    return 0 if good else 1


def load(entrypoint):
    module, _, names = entrypoint.partition(":")
    sys.path[:0] = ["/opt/code", "/opt/packages"]
    target = importlib.import_module(module)
    for name in names.split("."):
        target = getattr(target, name)
    return target


if __name__ == "__main__":
    sys.exit(asyncio.run(serve(load(sys.argv[1]))))
