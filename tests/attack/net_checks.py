"""Rows of the tier networked, in the laboratory of tests/lib/lab.sh: each is
one run of this file there, for what happens to a router happens to nobody else.

The first argument names the row; what it prints last is its result.
"""
import os, re, subprocess, sys

import harness

TOP = harness.TOP
OUT = "203.0.113.10"
WIDE = ["{cidr: 0.0.0.0/0, proto: tcp, ports: ['1-65535']}", "{cidr: '::/0', proto: tcp, ports: ['1-65535']}"]
METADATA = ["169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254",
            "64:ff9b::a9fe:a9fe", "198.18.255.255"]
PRIVATE = ["10.9.9.9", "192.168.7.7", "172.20.0.1", "100.64.9.9", "fd99::9"]


def expect(what, ok):
    if not ok:
        raise AssertionError(what)


def policy(host, *allow, dns=None):
    path = f"{host.work}/net.yaml"
    with open(path, "w") as f:
        f.write("version: 1\nnet:\n  mode: egress\n  allow:\n" + "".join(f"    - {a}\n" for a in allow))
        if dns:
            f.write(f"  dns: {dns}\n")
    return path


def run(host, rules, row, *args, **fields):
    message = host.message(more={"environment": {"internet": True}}, seconds=20, **fields)
    return host.run(row, *args, tier="networked", message=message, options=("--policy", rules))


def says(seen):
    return dict(line.split(": ", 1) for line in seen.lines if ": " in line)


def counters(chain):
    text = subprocess.run(["nft", "list", "chain", "inet", "cella-0", chain], stdout=subprocess.PIPE).stdout.decode()
    return [(line.strip(), int(re.search(r"counter packets (\d+)", line).group(1)))
            for line in text.splitlines() if "counter" in line]


def start(host, rules, *args):
    """A machine that stays: the process, once it said its first line."""
    message = host.message(more={"environment": {"internet": True}}, seconds=20)
    argv = [host.cella, "run", message, "--tier", "networked", "--policy", rules]
    for a in args:
        argv += ["--arg", a]
    p = subprocess.Popen(argv, env=host.environ(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return p, p.stdout.readline().decode()


def egress_allow(host):
    rules = policy(host, f"{{cidr: {OUT}, proto: tcp, ports: [80]}}")
    targets = [f"tcp/{OUT}/80", f"tcp/{OUT}/81", "tcp/203.0.113.80/80", f"udp/{OUT}/80", f"udp/{OUT}/53",
               "tcp/203.0.113.1/82", "tcp/2001:db8::10/80"]
    p, first = start(host, rules, "way-out", "1500", *targets)
    expect(first, first == f"tcp/{OUT}/80: seen 203.0.113.1\n")
    rest = p.stdout.read().decode().splitlines()
    p.wait()
    expect(rest, sorted(rest) == sorted(f"{t}: silence" for t in targets[1:]))
    # While one runs the counters tell the same: one connection passed.
    p, first = start(host, rules, "way-out", "4000", *targets[:2])
    passed = [n for line, n in counters("machine-0") if line.endswith("accept")]
    dropped = [n for line, n in counters("machine-0") if line.endswith("drop")]
    p.terminate()
    p.wait()
    expect(f"passed {passed}", passed == [1])
    expect(f"dropped {dropped}", sum(dropped) >= 1)
    return "one address, one port, one protocol; the counters agree"


def metadata(host):
    rules = policy(host, *WIDE)
    targets = [f"tcp/{a}/80" for a in METADATA + PRIVATE]
    said = says(run(host, rules, "way-out", "1000", *targets, f"tcp/{OUT}/80"))
    expect(said, said.pop(f"tcp/{OUT}/80") == "seen 203.0.113.1")
    expect(said, set(said.values()) == {"silence"} and len(said) == len(targets))
    # Other spellings of the address are the same address, or none.
    rules = policy(host, *WIDE, dns="{names: ['*'], servers: [203.0.113.10]}")
    said = run(host, rules, "names", "rebind.example", "mixed.example").lines
    expect(said, said[:2] == ["rebind.example 1: code 0", "rebind.example 28: code 0"])
    expect(said, said[4:6] == [f"mixed.example 1: code 0 {OUT}", "mixed.example 28: code 0 2001:db8::10"])
    return f"{len(targets)} addresses silent, none of them in a DNS answer"


def conn_flood(host):
    """More connections than one may have; another machine is not in its way."""
    rules = policy(host, *WIDE)
    p, first = start(host, rules, "connect-flood", OUT, "80", "400")
    expect(first, "holding" in first)
    held = int(first.split()[1])
    other = says(run(host, rules, "way-out", "2000", f"tcp/{OUT}/81"))
    p.terminate()
    p.wait()
    expect(f"{held} of 400 at once", 1 <= held <= 64)
    expect(other, other == {f"tcp/{OUT}/81": "seen 203.0.113.1"})
    return f"{held} at once, the other machine connects"


def inbound(host):
    rules = policy(host, *WIDE)
    p, first = start(host, rules, "listener", "8080")
    expect(first, first == "bind: ok\n" and p.stdout.readline() == b"listen: ok\n")
    probe = "import socket,sys\ns=socket.socket(); s.settimeout(0.5)\nsys.exit(s.connect_ex((sys.argv[1], 8080)) == 0)"
    outside = ["nsenter", "-t", os.environ["LAB_PID"], "-n"]
    subprocess.run([*outside, "ip", "route", "add", "198.18.0.0/15", "via", "203.0.113.1"], check=True)
    try:
        for prefix in ([], outside):
            r = subprocess.run([*prefix, "/usr/bin/python3", "-c", probe, "198.18.0.1"])
            expect(f"reached from {'outside' if prefix else 'the host'}", r.returncode == 0)
        # And no other machine reaches it.
        said = says(run(host, rules, "way-out", "700", "tcp/198.18.0.1/8080", "tcp/198.18.0.0/8080"))
        expect(said, len(said) == 2 and set(said.values()) <= {"silence", "EHOSTUNREACH"})
    finally:
        p.terminate()
        p.wait()
    return "not by the host, the world, or another machine"


def change_network(host):
    """Links, addresses, routes, neighbours and rules are not the machine's."""
    rules = policy(host, *WIDE)
    seen = run(host, rules, "raw")
    said = says(seen)
    expect(said, all(said.get(k, "").startswith("E") for k in ("packet", "raw", "icmp", "raw6", "netlink")))
    said = says(run(host, rules, "change-link", "eth0"))
    expect(said, len(said) == 5 and all(v in ("EPERM", "ENOTTY") for v in said.values()))
    return "refused"


def main():
    work = harness.workdir()
    host = harness.Host(work, os.environ["LAB_BUILD"])
    host.leave_out = int(os.environ.get("LAB_LEAVE_OUT", "0")) or None
    try:
        print(globals()[sys.argv[1]](host))
        left = subprocess.run(["nft", "list", "tables"], stdout=subprocess.PIPE).stdout.decode()
        expect(f"left behind: {left}", left == "")
    except AssertionError as e:
        print(f"wrong: {e}")
        sys.exit(1)
    finally:
        subprocess.run(["rm", "-rf", work], check=False)


if __name__ == "__main__":
    main()
