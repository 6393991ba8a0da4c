"""Sessions as Debian's client of gRPC drives them: what all scripts share.

  with Node(WHERE) as node: ...

Messages are made by protoc from messages/proto (PROTOS in the environment).
"""
import os, subprocess, sys, tempfile
import grpc

_work = tempfile.mkdtemp(prefix="cella-test.")
subprocess.run(["protoc", f"-I{os.environ['PROTOS']}", f"--python_out={_work}", "versioning.proto",
                "cartesi-machine.proto", "server-manager.proto"], check=True)
sys.path.insert(0, _work)
import cartesi_machine_pb2 as cm, server_manager_pb2 as sm, versioning_pb2 as vs
subprocess.run(["rm", "-rf", _work])

SERVICE = "/CartesiServerManager.ServerManager/"
MS = dict(checkin=10000, advance_state=20000, advance_state_increment=5000, inspect_state=20000,
          inspect_state_increment=5000, machine=20000, store=20000, fast=5000)
CYCLES = dict(max_advance_state=10**12, advance_state_increment=10**10, max_inspect_state=10**12,
              inspect_state_increment=10**10)
SENDER = bytes(range(20))
bad = 0


def expect(what, wanted, got):
    global bad
    if wanted != got:
        bad += 1
        print(f"{what}: wanted {wanted!r}, got {got!r}", flush=True)


class Node:
    def __init__(self, where):
        self.channel = grpc.insecure_channel(where, options=[("grpc.max_receive_message_length", -1)])

    def call(self, rpc, request, reply, timeout=60):
        """The reply, or (status, text)."""
        stub = self.channel.unary_unary(SERVICE + rpc, type(request).SerializeToString, reply.FromString)
        try:
            return stub(request, timeout=timeout)
        except grpc.RpcError as e:
            return e.code().name, e.details()

    def version(self):
        v = self.call("GetVersion", cm.Void(), vs.GetVersionResponse).version
        return v.major, v.minor

    def start(self, name, directory, epoch=0, deadlines=None, cycles=None, timeout=60):
        return self.call("StartSession", sm.StartSessionRequest(
            session_id=name, machine_directory=directory, active_epoch_index=epoch,
            server_cycles=sm.CyclesConfig(**{**CYCLES, **(cycles or {})}),
            server_deadline=sm.DeadlineConfig(**{**MS, **(deadlines or {})})), sm.StartSessionResponse, timeout)

    def advance(self, name, epoch, index, payload, block=0, time=0):
        return self.call("AdvanceState", sm.AdvanceStateRequest(
            session_id=name, active_epoch_index=epoch, current_input_index=index,
            input_metadata=sm.InputMetadata(msg_sender=sm.Address(data=SENDER), block_number=block, timestamp=time,
                                            epoch_index=epoch, input_index=index), input_payload=payload), cm.Void)

    def inspect(self, name, payload):
        return self.call("InspectState", sm.InspectStateRequest(session_id=name, query_payload=payload),
                         sm.InspectStateResponse)

    def status(self):
        return sorted(self.call("GetStatus", cm.Void(), sm.GetStatusResponse).session_id)

    def session(self, name):
        return self.call("GetSessionStatus", sm.GetSessionStatusRequest(session_id=name), sm.GetSessionStatusResponse)

    def epoch(self, name, epoch):
        return self.call("GetEpochStatus", sm.GetEpochStatusRequest(session_id=name, epoch_index=epoch),
                         sm.GetEpochStatusResponse)

    def finish(self, name, epoch, count, directory=""):
        return self.call("FinishEpoch", sm.FinishEpochRequest(
            session_id=name, active_epoch_index=epoch, processed_input_count=count, storage_directory=directory), cm.Void)

    def end(self, name):
        return self.call("EndSession", sm.EndSessionRequest(session_id=name), cm.Void)

    def settle(self, name, epoch):
        """The epoch's status once nothing is pending, or the session is tainted."""
        while True:
            e = self.epoch(name, epoch)
            if isinstance(e, tuple):
                if e[0] != "ABORTED":
                    return e
            elif e.pending_input_count == 0 or e.HasField("taint_status"):
                return e

    def settle_or_not(self, name, epoch):
        """The epoch's status as it is now, once it is nobody's."""
        while isinstance(e := self.epoch(name, epoch), tuple) and e[0] == "ABORTED":
            pass
        return e
