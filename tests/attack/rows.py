"""The rows: numbers below 200 are those of the list that the threat model is
built on, the rest are our own.  A row is one run of the hostile program, whose
lines must be those of expected/<name>, or a function of checks.py."""
import audit_checks, checks, node_checks

STRICT, STANDARD = "strict", "standard"


class Row:
    def __init__(self, number, name, args=(), tier=STANDARD, items=(), verdict="ok", denied=None, check=None,
                 host=(), violations=None, later=None, quiet=False, **fields):
        self.number, self.name, self.args, self.tier = number, name, list(args), tier
        self.items, self.verdict, self.denied, self.check = items, verdict, denied, check
        self.host = host            # twin: lines that say ok where nothing confines
        self.violations = violations
        self.later = later          # what it waits for; never a pass
        self.quiet = quiet          # its output is not compared
        self.fields = fields

    @property
    def program(self):
        return self.fields.get("row", self.name)

    @property
    def expected(self):
        return f"{self.number:03d}-{self.name}-{self.tier}"


def volume(path, mib=4):
    return {"volumes": [{"mount": path, "ephemeral": True, "size_mib": mib}]}


MOUNTS = ["chroot", "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr", "move_mount", "open_tree",
          "pivot_root", "umount2"]

ROWS = [
    # Mounts, paths, /proc, descriptors
    Row(1, "host-secret", ["@secret", "/etc/shadow"], items=(6,), host=["@secret"]),
    Row(2, "proc-1", items=(5,), host=["/proc/1/status", "/proc/1/cmdline"]),
    Row(3, "self-exe"),
    Row(5, "descriptors", items=(7,)),
    Row(7, "where"),
    Row(9, "mount-calls", denied=MOUNTS, items=(26, 32, 37), host=["mount", "umount2", "chroot", "fsopen"]),
    Row(10, "mounts", items=(6, 14)),
    Row(10, "mounts", tier=STRICT, items=(14,)),
    Row(11, "proc-view", items=(5,), host=["/proc/kallsyms", "/sys/kernel"]),
    Row(12, "proc-writes"),
    Row(14, "image-dev-link", check=checks.image_dev_link, items=(1,)),
    Row(15, "image-null-link", check=checks.image_null_link, items=(3,)),
    Row(18, "mount-paths", check=checks.mount_paths),
    Row(20, "volume-names", check=checks.volume_names),
    Row(22, "zip-slip", check=checks.zip_slip, items=(10,)),
    Row(23, "zip-bomb", check=checks.zip_bomb),
    Row(25, "squashfs-hostile", check=checks.squashfs_hostile),
    Row(27, "export-traps", check=checks.export_traps, items=(12,)),
    # Namespaces, credentials
    Row(31, "unshare", denied=["clone", "setns", "unshare"], items=(20,), host=["unshare user", "unshare pid"]),
    Row(32, "clone3", denied=["clone3"], items=(29,)),
    Row(34, "caps", items=(17, 18, 19)),
    Row(36, "regain", host=["setuid", "setgroups"]),
    Row(38, "others", items=(43,)),
    Row(40, "trace-init", denied=["kcmp", "pidfd_getfd", "process_madvise", "process_vm_readv", "process_vm_writev",
                                  "ptrace"]),
    Row(42, "ipc", host=["shmget", "msgget"]),
    Row(43, "abstract", ["@abstract"], items=(22,)),
    Row(43, "abstract", ["@abstract"], tier=STRICT),
    Row(45, "keyring", denied=["add_key", "keyctl", "request_key"], items=(23,)),
    Row(46, "host-wide"),
    # System call filter
    Row(49, "full-sweep", check=checks.full_sweep),
    Row(50, "foreign", items=(27, 37), violations=1),
    Row(51, "x32", violations=1),
    Row(51, "x32-calls", verdict="policy-violation"),
    Row(52, "unknown", items=(26,)),
    Row(54, "surface"),
    *[Row(56, f"kill-call-{nr}", [str(nr)], row="kill-call", verdict="policy-violation", denied=[name],
          items=(32, 37, 45) if nr == 169 else ())
      for nr, name in ((175, "init_module"), (313, "finit_module"), (176, "delete_module"), (246, "kexec_load"),
                       (320, "kexec_file_load"), (169, "reboot"), (167, "swapon"), (168, "swapoff"), (172, "iopl"),
                       (173, "ioperm"))],
    Row(57, "families", seconds=60, items=(23,), host=["socket 17 raw 3", "socket 16 raw 0"]),
    Row(57, "families", seconds=30, tier=STRICT),
    Row(59, "terminals", denied=["ioctl"]),
    Row(61, "personalities", host=["ADDR_NO_RANDOMIZE"]),
    Row(62, "prctls"),
    Row(63, "wx", tier=STRICT, items=(28, 36), denied=["memfd_create", "mmap", "mprotect"], host=["mmap wx"]),
    Row(63, "wx"),
    Row(66, "relax", items=(30,)),
    Row(71, "sigreturn", denied=["unshare"]),
    Row(73, "locks", ["/opt/code/attacker"], tier=STRICT, items=(15,), denied=["fcntl"]),
    Row(74, "splices", ["/opt/code/attacker"]),
    # Resources
    Row(77, "fork-bomb", items=(39, 41), host=["stopped: never"]),
    Row(77, "fork-bomb", tier=STRICT, items=(41,)),
    Row(77, "vfork-bomb", items=(41,)),
    Row(79, "eat-memory", ["200"], verdict="oom", items=(39, 44)),
    *[Row(80, f"hide-{k}", [k, "200"], row="hide-memory", verdict="oom", quiet=True)
      for k in ("tmp", "memfd", "pipes", "sockets")],
    Row(80, "hide-shm", ["shm", "60"], row="hide-memory", items=(40,), memory=256),
    Row(84, "swap", check=checks.swap),
    Row(85, "spin", ["1"], verdict="cpu", items=(42,), policy="cpu_time: 500ms", quiet=True),
    Row(85, "spin-64", ["64"], row="spin", verdict="cpu", policy="cpu_time: 500ms", quiet=True),
    Row(85, "spin-children", verdict="cpu", policy="cpu_time: 500ms", quiet=True),
    *[Row(87, f"hang-{k}", [k], row="hang", verdict="wall", items=(42,) if k == "sleep" else (), timeout="400ms",
          quiet=True) for k in ("sleep", "read", "stop", "vfork")],
    Row(89, "realtime"),
    Row(90, "fill-disk", ["/tmp"], tier=STRICT, items=(40,)),
    Row(90, "fill-disk", ["/dev/shm"], items=(40,)),
    Row(92, "flood", check=checks.flood, items=(46,)),
    Row(94, "exhaust-fds"),
    Row(95, "lock-memory"),
    Row(97, "nest-epoll"),
    Row(102, "parallel", check=checks.parallel),
    Row(104, "warm-state", check=node_checks.warm_state),
    # Network
    Row(105, "links", tier=STRICT),
    Row(106, "reach", ["@port", "127.0.0.1", "169.254.169.254", "10.0.0.1", "8.8.8.8"], items=(22,), host=["127.0.0.1"]),
    Row(106, "own-loopback"),
    Row(107, "egress-allow", check=checks.lab("egress_allow"), items=(51,)),
    Row(108, "metadata", check=checks.lab("metadata"), items=(51, 52)),
    Row(111, "raw", host=["packet", "raw", "netlink"]),
    Row(114, "conn-flood", check=checks.lab("conn_flood")),
    Row(116, "listen-public", check=checks.listen_public, items=(22,)),
    Row(116, "listen-networked", check=checks.lab("inbound"), items=(51,)),
    Row(310, "change-network", check=checks.lab("change_network")),
    # Messages, policy, records
    Row(119, "hash-mismatch", check=checks.hash_mismatch),
    Row(120, "blob-mismatch", check=checks.blob_mismatch, items=(55,)),
    Row(122, "yaml-bombs", check=checks.yaml_bombs),
    Row(124, "int-edges", check=checks.int_edges),
    Row(125, "env-injection", check=checks.env_injection),
    Row(126, "argv-injection", check=checks.argv_injection),
    Row(128, "http-smuggle", check=node_checks.smuggle),
    Row(130, "trigger-storm", check=node_checks.storm),
    Row(312, "reply-split", check=node_checks.reply_split, items=(57,)),
    Row(133, "forge-log", check=checks.forge_log, items=(56,)),
    Row(136, "audit-tamper", check=audit_checks.tamper, items=(58,)),
    Row(138, "policy-widen", check=checks.policy_widen),
    # Cross-tenant
    Row(141, "shm-dev", check=checks.shm_dev),
    Row(142, "vsock", row="raw"),
    Row(145, "page-cache", ["/opt/code/attacker"], tier=STRICT),
    Row(147, "stress", check=checks.stress),
    Row(149, "escape-places"),
    # Our own
    Row(200, "make-special", denied=["fchmod", "mknodat"]),
    Row(201, "exec-written"),
    Row(202, "list-dev", tier=STRICT, items=(3,)),
    Row(203, "limits", items=(49,)),
    Row(203, "limits", tier=STRICT),
    Row(204, "cgroup-view", items=(21,)),
    Row(205, "daemons", check=checks.daemons),
    Row(206, "sharing"),
    Row(207, "options"),
    Row(208, "kill-self", verdict="signal", quiet=True),
    Row(209, "volume-socket", ["/data"], items=(35,), more=volume("/data")),
    Row(210, "ids-unique", check=checks.ids_unique, items=(16,)),
    Row(224, "dumpable", check=checks.dumpable, items=(8,)),
    Row(211, "image-untrusted", check=checks.image_untrusted, items=(11,)),
    Row(212, "kill-9", check=checks.kill_nine, items=(47,)),
    Row(213, "speculation", tier=STRICT, check=checks.speculation, items=(50,)),
    Row(214, "order", check=checks.order, items=(31, 38)),
    Row(215, "names", check=checks.unit("test_json_yaml", "test_aleph_refusals"), items=(53, 54)),
    Row(216, "groups", check=checks.unit("test_decide"), items=(33, 45)),
    Row(217, "proof", check=checks.unit("test_filter"), items=(34,)),
    Row(218, "not-setuid", check=checks.not_setuid),
    Row(219, "refs-traversal", check=checks.refs_traversal),
    Row(220, "image-layers", check=checks.image_layers),
    Row(221, "reuse", check=checks.reuse),
    Row(313, "joined", check=node_checks.joined),
    Row(314, "ambush", check=node_checks.ambush),
    Row(311, "reused-slot", check=checks.reused_slot, items=(48,)),
    Row(222, "deep-tree", check=checks.deep_tree),
    # A core that was taken over, on the wire
    Row(300, "hostile-core", check=checks.hostile_core, items=(13, 48)),
    Row(301, "hostile-guests", check=checks.hostile_guests),
    Row(225, "crash-points", check=checks.crash_points),
    Row(223, "tmp-races", check=checks.tmp_races),
]
