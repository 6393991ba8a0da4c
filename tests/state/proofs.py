#!/usr/bin/python3
"""Every proof that a session hands out, checked by a second implementation.

  proofs.py EPOCH_PROOFS CELLA PROTOS WORK

PROTOS: the directory of server-manager.proto.  Prints a line for each thing that is
wrong; ends with 0 if nothing is.
"""
import os, random, subprocess, sys
import manifest

bad = 0


def expect(what, ok):
    global bad
    if not ok:
        bad += 1
        print(what)


def generate(protos, work):
    subprocess.run(["protoc", f"-I{protos}", f"--python_out={work}", "versioning.proto", "cartesi-machine.proto",
                    "server-manager.proto"], check=True)
    sys.path.insert(0, work)
    import server_manager_pb2
    return server_manager_pb2


def plain(p):
    return {"address": p.target_address, "log2_target": p.log2_target_size, "log2_root": p.log2_root_size,
            "target": p.target_hash.data, "root": p.root_hash.data, "siblings": [s.data for s in p.sibling_hashes]}


def check(what, p, shape, root, target):
    """A proof of that shape (address, log2 of target and root), from target to root."""
    p = plain(p)
    expect(f"{what}: its shape", (p["address"], p["log2_target"], p["log2_root"]) == shape)
    expect(f"{what}: its target", p["target"] == target)
    expect(f"{what}: its root", p["root"] == root and manifest.root_of_proof(p) == root)
    return p


def padded(data):
    return len(data).to_bytes(32, "big") + data + bytes(-len(data) % 32)


def outputs(what, items, start, in_range, range_root, encode):
    out = []
    for k, o in enumerate(items):
        expect(f"{what} {k}: its hash", o.keccak.data == manifest.keccak(encode(o)))
        target = manifest.memory_root({0: o.keccak.data}, 0, 5)
        out.append(check(f"{what} {k}", in_range(o), (start + 32 * k, 5, 21), range_root, target))
    expect(f"{what}: the range", range_root == manifest.memory_root(
        {0: b"".join(o.keccak.data for o in items)}, 0, 21))
    return out


def voucher(o):
    return bytes(12) + o.address.data + (64).to_bytes(32, "big") + padded(o.payload)


def notice(o):
    return (32).to_bytes(32, "big") + padded(o.payload)


def epoch(reply, finished):
    """All its proofs."""
    out, machine = [], None
    for i, p in enumerate(reply.processed_inputs):
        accepted = p.status == 0
        a = p.accepted_data
        expect(f"input {i}: its index", p.input_index == i)
        targets = [bytes(32)] * 2
        if accepted:
            machine = p.most_recent_machine_hash.data
            targets = [a.voucher_hashes_in_machine.target_hash.data, a.notice_hashes_in_machine.target_hash.data]
            out.append(check(f"input {i}: vouchers", a.voucher_hashes_in_machine, (0x60600000, 21, 64), machine, targets[0]))
            out.append(check(f"input {i}: notices", a.notice_hashes_in_machine, (0x60800000, 21, 64), machine, targets[1]))
            out += outputs(f"input {i}: voucher", a.vouchers, 0x60600000, lambda o: o.keccak_in_voucher_hashes, targets[0], voucher)
            out += outputs(f"input {i}: notice", a.notices, 0x60800000, lambda o: o.keccak_in_notice_hashes, targets[1], notice)
        elif machine is not None:
            expect(f"input {i}: the machine is as before", p.most_recent_machine_hash.data == machine)
        for name, proof, target, root in (
                ("vouchers", p.voucher_hashes_in_epoch, targets[0], reply.most_recent_vouchers_epoch_root_hash.data),
                ("notices", p.notice_hashes_in_epoch, targets[1], reply.most_recent_notices_epoch_root_hash.data)):
            last = finished or i == len(reply.processed_inputs) - 1
            out.append(check(f"input {i}: {name} in its epoch", proof, (32 * i, 5, 37),
                             root if last else proof.root_hash.data, target))
    expect("the epoch's machine", machine is None or reply.most_recent_machine_hash.data == machine)
    return out


def mutate(r, p):
    """Another claim: not one that is true as well."""
    p = dict(p, siblings=list(p["siblings"]))
    what = r.randrange(4)
    if what == 0:
        p["address"] ^= 1 << r.randrange(p["log2_target"], p["log2_root"])
    elif what == 1:
        k = r.randrange(len(p["siblings"]))
        p["siblings"][k] = flip(r, p["siblings"][k])
    else:
        name = ("target", "root")[what - 2]
        p[name] = flip(r, p[name])
    return p


def flip(r, data):
    at = r.randrange(8 * len(data))
    return data[:at // 8] + bytes([data[at // 8] ^ 1 << at % 8]) + data[at // 8 + 1:]


def main(tool, cella, protos, work):
    pb = generate(protos, work)
    from google.protobuf import json_format
    r, proofs = random.Random(1), []
    for inputs, seed, state in ((0, 1, "active"), (1, 2, "active"), (12, 3, "active"), (12, 3, "finished"), (25, 4, "finished")):
        reply = pb.GetEpochStatusResponse.FromString(subprocess.run([tool, str(inputs), str(seed), state],
                                                                    capture_output=True, check=True).stdout)
        expect("as many as there were", len(reply.processed_inputs) == inputs)
        found = epoch(reply, state == "finished")
        proofs += found
        # As clients print it.
        path = f"{work}/epoch.json"
        with open(path, "w") as f:
            f.write(json_format.MessageToJson(reply))
        ran = subprocess.run([cella, "session", "proof-check", path], capture_output=True, text=True)
        expect(f"proof-check: {ran.stdout}{ran.stderr}",
               ran.stdout == f"good: {len(found)} proofs\n" if found else ran.returncode == 125)
        if found:
            reply.processed_inputs[-1].notice_hashes_in_epoch.sibling_hashes[3].data = bytes(32)
            with open(path, "w") as f:
                f.write(json_format.MessageToJson(reply))
            ran = subprocess.run([cella, "session", "proof-check", path], capture_output=True, text=True)
            expect(f"proof-check of another: {ran.stderr}", ran.returncode == 1 and ran.stderr.endswith(
                f"processedInputs[{inputs - 1}].noticeHashesInEpoch: it leads to another root\n"))
    expect("there are many", len(proofs) > 300)
    for turn in range(1000):
        p = mutate(r, r.choice(proofs))
        expect(f"mutation {turn}", manifest.root_of_proof(p) != p["root"])
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
