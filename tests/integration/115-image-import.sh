#!/bin/sh
# Images that others built: a root file system as a tar, and an OCI layout
# whose layers hide, replace and link what lower ones brought.
. "$abs_top_srcdir/tests/lib/node.sh"
need=tools
. "$abs_top_srcdir/tests/lib/tools.sh"
/usr/bin/python3 - "$work" <<'PYTHON' || exit 1
import gzip, hashlib, io, json, os, sys, tarfile
work = sys.argv[1]
busybox = open("/bin/busybox", "rb").read()
LINK, HARD, CHR, DIR = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE

def tar(entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as t:
        for name, data, more in entries:
            info = tarfile.TarInfo(name)
            info.mode = 0o644
            for k, v in more.items():
                setattr(info, k, v)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()

base = [
    ("./", b"", {"type": DIR, "mode": 0o700}),
    ("usr/bin/busybox", busybox, {"mode": 0o4755}),
    ("bin", b"", {"type": LINK, "linkname": "usr/bin"}),
    ("usr/bin/sh", b"", {"type": LINK, "linkname": "/usr/bin/busybox"}),
    ("etc/old", b"old", {}),
    ("etc/secret", b"s", {"mode": 0o600}),
    ("opt/d/a", b"a", {}),
    ("opt/d/sub/b", b"b", {}),
    ("opt/e/x", b"x", {}),
    ("opt/was-file", b"f", {}),
    ("opt/was-dir/y", b"y", {}),
    ("dev/null", b"", {"type": CHR, "devmajor": 1, "devminor": 3}),
]
upper = [
    ("opt/d/kept", b"kept", {}),
    ("opt/d/.wh..wh..opq", b"", {}),
    ("opt/d/sub/new", b"new", {}),
    ("etc/.wh.old", b"", {}),
    ("opt/.wh.e", b"", {}),
    ("opt/e/z", b"z", {}),
    ("opt/was-file/now", b"dir", {}),
    ("opt/was-dir", b"file", {}),
    ("bin/cat", b"", {"type": HARD, "linkname": "usr/bin/busybox"}),
    ("usr/bin/ls", b"", {"type": HARD, "linkname": "/bin/busybox"}),
    ("usr/bin/test", b"", {"type": LINK, "linkname": "busybox"}),
    ("etc/n\u00e4me", b"utf-8", {}),
]
upper[6:6] = [("opt/was-file", b"", {"type": DIR})]

def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)

class Layout:
    def __init__(self, name):
        self.root = f"{work}/{name}"
        write(f"{self.root}/oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        self.manifests = []
    def blob(self, data, kind, **more):
        digest = hashlib.sha256(data).hexdigest()
        write(f"{self.root}/blobs/sha256/{digest}", data)
        return {"mediaType": kind, "digest": "sha256:" + digest, "size": len(data), **more}
    def image(self, layers, ref=None, arch="amd64", **more):
        v1 = "application/vnd.oci.image."
        config = self.blob(json.dumps({"os": "linux", "architecture": arch,
            "rootfs": {"type": "layers", "diff_ids": []}}).encode(), v1 + "config.v1+json")
        m = {"schemaVersion": 2, "mediaType": v1 + "manifest.v1+json", "config": config,
            "layers": [self.blob(d, k) for d, k in layers]}
        d = self.blob(json.dumps(m).encode(), m["mediaType"], **more)
        if ref:
            d["annotations"] = {"org.opencontainers.image.ref.name": ref}
        self.manifests.append(d)
        return d
    def write(self):
        write(f"{self.root}/index.json", json.dumps({"schemaVersion": 2, "manifests": self.manifests}).encode())

TAR = "application/vnd.oci.image.layer.v1.tar"
def zipped(data):
    return gzip.compress(data, mtime=0)
two = [(tar(base), TAR), (zipped(tar(upper)), TAR + "+gzip")]
good = Layout("good"); good.image(two); good.write()

many = Layout("many"); many.image(two, ref="1.0"); many.image(two[:1], ref="2.0")
many.image(two, ref="arm", platform={"os": "linux", "architecture": "s390x"}); many.write()

nested = Layout("nested"); nested.image(two, platform={"os": "linux", "architecture": "amd64"})
nested.image(two[:1], platform={"os": "linux", "architecture": "s390x"})
inner = nested.blob(json.dumps({"schemaVersion": 2, "manifests": nested.manifests}).encode(),
    "application/vnd.oci.image.index.v1+json")
nested.manifests = [inner]; nested.write()

other = Layout("other"); other.image(two, arch="s390x"); other.write()

cut = Layout("cut"); m = cut.image(two); cut.write()
layer = hashlib.sha256(two[1][0]).hexdigest()
write(f"{cut.root}/blobs/sha256/{layer}", two[1][0][:-1] + b"?")

foreign = Layout("foreign")
foreign.image([(two[0][0], "application/vnd.in-toto+json")]); foreign.write()

missing = Layout("missing"); missing.image(two); missing.write()
os.unlink(f"{missing.root}/blobs/sha256/{layer}")

def bad(name, *entries):
    write(f"{work}/{name}.tar", tar(list(entries)))
bad("rootfs", *base)
bad("dotdot", ("a/../../x", b"x", {}))
bad("hard-out", ("h", b"", {"type": HARD, "linkname": "../../etc/passwd"}))
bad("hard-missing", ("h", b"", {"type": HARD, "linkname": "etc/passwd"}))
bad("hard-dir", ("d/x", b"", {}), ("h", b"", {"type": HARD, "linkname": "d"}))
bad("dangling", ("l", b"", {"type": LINK, "linkname": "nowhere"}), ("l/x", b"x", {}))
bad("loop", ("l", b"", {"type": LINK, "linkname": "l"}), ("l/x", b"x", {}))
bad("below-file", ("f", b"", {}), ("f/x", b"x", {}))
bad("wh-dots", ("a/.wh...", b"", {}))
bad("deep", ("/".join("d" * 200), b"x", {}))
bad("saved", ("manifest.json", b"[]", {}))
bad("layout", ("oci-layout", b"{}", {}), ("index.json", b"{}", {}))
# Links that lead out of the image lead to its own root.
bad("escape", *base, ("up", b"", {"type": LINK, "linkname": "../../../../../.."}),
    ("up/etc/through", b"inside", {}),
    ("abs", b"", {"type": LINK, "linkname": "/etc"}), ("abs/through2", b"inside", {}))
write(f"{work}/garbage.tar", os.urandom(20000))
write(f"{work}/empty.tar", b"\0" * 10240)
PYTHON

cat >"$work/probe" <<'EOF'
#!/bin/sh
cd /opt || exit 1
echo "d: $(echo d/* d/sub/*)"
echo "e: $(echo e/*)"
echo "was: $(cat was-dir) $(cat was-file/now)"
[ -e /etc/old ] && echo "old is there"
[ -u /usr/bin/busybox ] && echo "setuid"
[ -e /etc/näme ] && echo "utf-8"
ls /usr/bin | tr '\n' ' '
EOF
run_in() {
	runtime=$1 code=$probe
	message "$work/m.json"
	sed -i 's/"inside"/"probe"/' "$work/m.json"
	"$cella" run "$work/m.json" 2>/dev/null
}
probe=$("$cella" store add "$work/probe" --as code)

out=$("$cella" image import good "$work/good" 2>"$work/said")
expect "import" 0 $?
contains "setuid is said" "1 setuid, setgid or sticky bits cleared" "$(cat "$work/said")"
contains "device is said" "1 devices, pipes or sockets left out" "$(cat "$work/said")"
expect "show" "$out" "$("$cella" image show good)"
contains "ls" "$out good" "$("$cella" image ls)"
good=$out
seen=$(run_in "$good")
expect "what is there" "d: d/kept d/sub d/sub/new
e: e/z
was: file dir
utf-8
busybox cat ls sh test " "$seen"

expect "the same twice" "$good" "$("$cella" image import twice "$work/good" 2>/dev/null)"
expect "in an index" "$good" "$("$cella" image import nested "$work/nested" 2>/dev/null)"
expect "by name" "$good" "$("$cella" image import one "$work/many" --ref 1.0 2>/dev/null)"
tar=$("$cella" image import rootfs "$work/rootfs.tar" 2>/dev/null)
expect "a tar is one layer" "$tar" "$("$cella" image import two "$work/many" --ref 2.0 2>/dev/null)"
expect "from a pipe" "$tar" "$(gzip <"$work/rootfs.tar" | "$cella" image import pipe - 2>/dev/null)"
contains "json" "\"digest\": \"$tar\"" "$("$cella" image import rootfs "$work/rootfs.tar" --json 2>/dev/null)"

escape=$("$cella" image import escape "$work/escape.tar" 2>/dev/null)
printf '#!/bin/sh\nread a </etc/through; read b </etc/through2; echo $a $b' >"$work/probe"
probe=$("$cella" store add "$work/probe" --as code)
expect "links lead inside" "inside inside" "$(run_in "$escape")"
[ ! -e /etc/through ] || fail "made outside"

# refused SOURCE SENTENCE [OPTION...]
refused() {
	source=$1 sentence=$2
	shift 2
	out=$("$cella" image import bad "$work/$source" "$@" 2>&1)
	expect "$source" 1 $?
	contains "$source" "$sentence" "$out"
}
refused many "more than one image fits (there are: 1.0, 2.0)"
refused many "no image of that name (there are: 1.0, 2.0)" --ref 3.0
refused many "no image of that name" --ref arm
refused other "the image is for another system than linux/"
refused cut "layer 2 ("
refused cut "it is damaged"
refused foreign "layers[0]: it is no tar that Cella reads"
refused missing "missing"
refused dotdot.tar "a name that leaves the image"
refused hard-out.tar "a name that leaves the image"
refused hard-missing.tar "a hard link to what is not there"
refused hard-dir.tar "a hard link to what is not there"
refused dangling.tar "it lies behind a link that leads nowhere"
refused loop.tar "it lies behind a link that leads nowhere"
refused below-file.tar "it lies below a file"
refused wh-dots.tar "a whiteout of nothing"
refused deep.tar "a name that is too long"
refused saved.tar "saved images"
refused layout.tar "OCI layout"
refused garbage.tar "not a whole tar"
refused empty.tar "an empty tar"
refused rootfs.tar "chooses from an OCI layout" --ref x
out=$("$cella" image import Bad/name "$work/rootfs.tar" 2>&1)
contains "name" "not a name for an image" "$out"
out=$("$cella" image import tools "$work/rootfs.tar" 2>&1)
contains "tools" "the node's own image" "$out"
"$cella" image show bad >/dev/null 2>&1 && fail "a refused image is bound"
finish
