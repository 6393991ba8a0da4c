#!/bin/sh
# Archives that try to leave, to bomb, or to bring what must not be there are
# refused with a sentence; nothing is made outside.
. "$abs_top_srcdir/tests/lib/node.sh"
need=tools
. "$abs_top_srcdir/tests/lib/tools.sh"
/usr/bin/python3 - "$work" <<'EOF' || exit 1
import io, os, sys, tarfile, zipfile, stat
work = sys.argv[1]
def tar(name, *entries):
    with tarfile.open(f"{work}/{name}.tar.gzip", "w:gz") as t:
        for e in entries:
            info = tarfile.TarInfo(e[0])
            for k, v in e[1].items(): setattr(info, k, v)
            data = e[2] if len(e) > 2 else b""
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
tar("good", ("a/b", {}, b"x"), ("a/l", {"type": tarfile.SYMTYPE, "linkname": "b"}))
tar("dotdot", ("../x", {}, b"x"))
tar("absolute", ("/x", {}, b"x"))
tar("link-out", ("l", {"type": tarfile.SYMTYPE, "linkname": "../../etc/passwd"}))
tar("link-absolute", ("l", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}))
tar("through-link", ("d", {"type": tarfile.SYMTYPE, "linkname": "e"}), ("d/x", {}, b"x"))
tar("hard-link", ("h", {"type": tarfile.LNKTYPE, "linkname": "/etc/passwd"}))
tar("device", ("n", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}))
tar("fifo", ("n", {"type": tarfile.FIFOTYPE}))
tar("setuid", ("s", {"mode": 0o4755}, b"x"))
tar("twice", ("a", {}, b"x"), ("a", {}, b"y"))
tar("deep", ("/".join("d" * 70), {}, b"x"))
tar("control", ("a\nb", {}, b"x"))
tar("backslash", ("a\\..\\b", {}, b"x"))
def zipped(name, build):
    with zipfile.ZipFile(f"{work}/{name}.zip", "w", zipfile.ZIP_DEFLATED) as z: build(z)
zipped("slip", lambda z: z.writestr("../../x", "x"))
zipped("bomb", lambda z: [z.writestr("f%d" % i, b"\0" * (100 << 20)) for i in range(8)])
def many(z):
    for i in range(61000): z.writestr("f%d" % i, "")
zipped("many", many)
def link(z):
    i = zipfile.ZipInfo("l"); i.create_system = 3; i.external_attr = (stat.S_IFLNK | 0o777) << 16
    z.writestr(i, "/etc/passwd")
zipped("link", link)
open(f"{work}/garbage.zip", "wb").write(os.urandom(5000))
open(f"{work}/garbage.squashfs", "wb").write(os.urandom(50000))
data = open(f"{work}/good.tar.gzip", "rb").read()
open(f"{work}/cut.tar.gzip", "wb").write(data[:len(data) // 2])
EOF
message "$work/plain.json"
# unpack NAME: as the data of a run; prints what was said.
unpack() {
	form=${1##*.}
	[ "$form" = gzip ] && form=tar.gzip
	ref=$("$cella" store add "$work/$1" --as data)
	message "$work/m.json" seconds 60 more ",\"data\":{\"encoding\":\"$form\",\"mount\":\"/data\",\"ref\":\"$ref\",\"use_latest\":false}"
	"$cella" run "$work/m.json" --arg cat --arg /data/a/b 2>&1
}
expect "good" x "$(unpack good.tar.gzip)"
# refused NAME SENTENCE
refused() {
	out=$(unpack "$1")
	expect "$1" 125 $?
	contains "$1" "$2" "$out"
}
refused dotdot.tar.gzip "a name that leaves the archive"
refused absolute.tar.gzip "a name that leaves the archive"
refused link-out.tar.gzip "a link that leaves the archive"
refused link-absolute.tar.gzip "a link that leaves the archive"
out=$(unpack through-link.tar.gzip)
[ $? -eq 125 ] || fail "a file through a link: $out"
refused hard-link.tar.gzip "a hard link"
refused device.tar.gzip "neither a file, a directory nor a link"
refused fifo.tar.gzip "neither a file, a directory nor a link"
refused setuid.tar.gzip "a setuid, setgid or sticky file"
refused twice.tar.gzip "it comes twice"
refused deep.tar.gzip "too deep"
refused control.tar.gzip "a name that leaves the archive"
refused backslash.tar.gzip "a name that leaves the archive"
refused slip.zip "a name that leaves the archive"
refused bomb.zip "it expands more than 200 times"
refused many.zip "too many entries"
refused link.zip "a link that leaves the archive"
refused garbage.zip "data.ref"
refused garbage.squashfs "unsquashfs failed"
refused cut.tar.gzip "data.ref"
finish
