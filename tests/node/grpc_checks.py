#!/usr/bin/python3
"""Debian's client of gRPC, and what a node offers to it.

  grpc_checks.py WHERE [CERTIFICATE TOKEN]

WHERE: HOST:PORT or unix:PATH.  Prints a line for each case that went wrong; ends
with 0 if none did.
"""
import sys, threading
import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

HEALTH = "/grpc.health.v1.Health/"
V1 = "grpc.reflection.v1.ServerReflection"
ALPHA = "grpc.reflection.v1alpha.ServerReflection"
OFFERED = ["grpc.health.v1.Health", V1, ALPHA, "CartesiServerManager.ServerManager", "CartesiMachine.MachineCheckIn"]
bad = 0


def expect(what, wanted, got):
    global bad
    if wanted != got:
        bad += 1
        print(f"{what}: wanted {wanted!r}, got {got!r}")


def open_channel(where, cert=None, options=(), **more):
    if cert is None:
        return grpc.insecure_channel(where, options=options, **more)
    credentials = grpc.ssl_channel_credentials(open(cert, "rb").read())
    return grpc.secure_channel(where, credentials, options=list(options) + [("grpc.ssl_target_name_override", "localhost")], **more)


def ask(channel, path, request, timeout=20, **more):
    try:
        return channel.unary_unary(path)(request, timeout=timeout, **more)
    except grpc.RpcError as e:
        return e.code().name, e.details()


def text(number, value):
    return bytes([number << 3 | 2, len(value)]) + value.encode()


def health(channel):
    for service in [""] + OFFERED:
        expect(f"health of '{service}'", b"\x08\x01", ask(channel, HEALTH + "Check", text(1, service)))
    expect("health of nothing", ("NOT_FOUND", "Service not found"), ask(channel, HEALTH + "Check", text(1, "no")))
    expect("metadata of the caller's", b"\x08\x01",
           ask(channel, HEALTH + "Check", b"", metadata=[("x-bin", b"\0\xff"), ("x", "y")]))
    for path in (HEALTH + "check", "/grpc.health.v1.health/Check", "/x/y", "/x"):
        expect(path, ("UNIMPLEMENTED", "unknown method"), ask(channel, path, b""))
    expect("a long message", ("RESOURCE_EXHAUSTED", "a message of 1025 bytes, and no more than 1024 are taken"),
           ask(channel, HEALTH + "Check", b"x" * 1025))
    expect("no message at all", ("INTERNAL", "grpc.health.v1.HealthCheckRequest is malformed"),
           ask(channel, HEALTH + "Check", b"\xff"))
    expect("no text", ("INTERNAL", "grpc.health.v1.HealthCheckRequest.service is no text"),
           ask(channel, HEALTH + "Check", b"\x0a\x01\xff"))


def watch(channel):
    call = channel.unary_stream(HEALTH + "Watch")(b"", timeout=20)
    expect("watched", b"\x08\x01", next(call))
    call.cancel()
    call = channel.unary_stream(HEALTH + "Watch")(text(1, "no"), timeout=20)
    expect("nothing, watched", b"\x08\x03", next(call))
    call.cancel()
    for timeout in (0.001, 0.2):
        seen = []
        try:
            for r in channel.unary_stream(HEALTH + "Watch")(b"", timeout=timeout):
                seen.append(r)
        except grpc.RpcError as e:
            expect(f"{timeout} s are over", "DEADLINE_EXCEEDED", e.code().name)
    expect("what came in time", [b"\x08\x01"], seen)


def many(channel, n):
    calls = [channel.unary_stream(HEALTH + "Watch")(b"", timeout=20) for _ in range(n)]
    for c in calls:
        expect("one of many", b"\x08\x01", next(c))
    expect("beside them", b"\x08\x01", ask(channel, HEALTH + "Check", b""))
    for c in calls:
        c.cancel()
    results = []

    def some():
        results.extend(ask(channel, HEALTH + "Check", b"") for _ in range(100))
    threads = [threading.Thread(target=some) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    expect("many at once", 800, results.count(b"\x08\x01"))


def compressed(where, cert):
    channel = open_channel(where, cert, compression=grpc.Compression.Gzip)
    expect("compressed", ("UNIMPLEMENTED", "compressed messages are not taken"),
           ask(channel, HEALTH + "Check", text(1, "x" * 100)))
    channel.close()


class Reflection:
    """A client that has no file but what the server says: its own messages too."""

    def __init__(self, channel, service):
        self.stub = channel.stream_stream(f"/{service}/ServerReflectionInfo")
        self.pool = descriptor_pool.DescriptorPool()
        self.add(self.raw(text(4, service)))
        package = service.rsplit(".", 1)[0]
        self.request, self.response = (
            message_factory.MessageFactory(self.pool).GetPrototype(self.pool.FindMessageTypeByName(f"{package}.{m}"))
            for m in ("ServerReflectionRequest", "ServerReflectionResponse"))

    def raw(self, *requests):
        return list(self.stub(iter(requests), timeout=20))

    def add(self, answers):
        """Of raw answers: field 4's field 1 are files."""
        for a in answers:
            for number, value in fields(a):
                if number == 4:
                    for n, f in fields(value):
                        self.pool.AddSerializedFile(f)

    def ask(self, **what):
        request = self.request(host="here", **what)
        answer = self.response.FromString(self.raw(request.SerializeToString())[0])
        expect("what was asked", request, answer.original_request)
        expect("whom", "here", answer.valid_host)
        return answer


def fields(data):
    at = 0
    while at < len(data):
        key, at = data[at], at + 1
        n, shift = 0, 0
        while True:
            byte, at = data[at], at + 1
            n |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        yield key >> 3, data[at:at + n]
        at += n


def reflection(channel, service):
    r = Reflection(channel, service)
    listed = [s.name for s in r.ask(list_services="*").list_services_response.service]
    expect("what is offered", sorted(OFFERED), listed)
    for name in listed:
        files = [descriptor_pb2.FileDescriptorProto.FromString(f) for f in
                 r.ask(file_containing_symbol=name).file_descriptor_response.file_descriptor_proto]
        expect(f"{name} is in the first file", True,
               name.rsplit(".", 1)[1] in [s.name for s in files[0].service])
        again = r.ask(file_by_filename=files[0].name).file_descriptor_response.file_descriptor_proto
        expect(f"{name}, by its file", files[0].SerializeToString(), again[0])
    for what, code, why in ((dict(file_containing_symbol="no.Such"), 5, "no such symbol"),
                            (dict(file_by_filename="no.proto"), 5, "no such file"),
                            (dict(all_extension_numbers_of_type="no.Such"), 5, "no file of ours has extensions"),
                            ({}, 3, "nothing is asked")):
        e = r.ask(**what).error_response
        expect(str(what), (code, why), (e.error_code, e.error_message))
    expect("three in a row", 3, len(r.raw(text(7, ""), text(7, ""), text(4, "x"))))


def main(where, cert=None, token=None):
    channel = open_channel(where, cert)
    health(channel)
    watch(channel)
    many(channel, 64)
    compressed(where, cert)
    if token is not None:
        got = []
        try:
            got = list(channel.stream_stream(f"/{V1}/ServerReflectionInfo")(iter([text(7, "")]), timeout=20))
        except grpc.RpcError as e:
            got = e.code().name, e.details()
        expect("without the token", ("UNAUTHENTICATED", "this needs the node's token"), got)

        class Token(grpc.StreamStreamClientInterceptor):
            def intercept_stream_stream(self, go, details, requests):
                return go(details._replace(metadata=[("authorization", f"Bearer {token}")]), requests)
        channel = grpc.intercept_channel(channel, Token())
    for service in (V1, ALPHA):
        reflection(channel, service)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
