#!/usr/bin/python3
"""Random volumes, and what two implementations make of them.

  agree.py STATE_HASH WORK VOLUMES SEED

Prints a line for each that they disagree on; ends with 0 if there is none.
"""
import os, random, shutil, subprocess, sys
import manifest


def grow(r, directory):
    """Some files, directories and links, deep and flat, empty and long."""
    directories = [directory]
    for _ in range(r.choice((0, 1, 5, 20))):
        parent = r.choice(directories)
        name = r.choice((b"a", b"b", b"a-", b"a.b", b"\xc3\xa4", b"\xff", b" x", b"z\n", b"%d" % r.randrange(100)))
        path = parent + b"/" + name * r.choice((1, 1, 1, 30))
        if os.path.lexists(path):
            continue
        kind = r.random()
        if kind < 0.3:
            os.mkdir(path, 0o700)
            directories.append(path)
        elif kind < 0.4:
            os.symlink(r.choice((b"a", b"../..", b"/nowhere", b"x" * 300)), path)
        elif kind < 0.45 and os.path.isfile(parent + b"/a"):
            os.link(parent + b"/a", path, follow_symlinks=False)
        else:
            size = r.choice((0, 1, 100, 4095, 4096, 4097, 9000, 20000))
            with open(path, "wb") as f:
                if r.random() < 0.3 and size > 4096:  # a hole
                    f.truncate(size)
                    f.seek(r.randrange(size))
                    f.write(b"x")
                else:
                    f.write(r.randbytes(size) if r.random() < 0.5 else b"\0" * size)
    for top, subs, files in os.walk(directory, topdown=False):
        for name in files:
            if not os.path.islink(top + b"/" + name):
                os.chmod(top + b"/" + name, r.choice((0o600, 0o644, 0o755, 0o400, 0o4755)))
        os.chmod(top, r.choice((0o700, 0o755, 0o1777)))


def main(tool, work, volumes, seed):
    r, bad = random.Random(int(seed)), 0
    directory = os.fsencode(work) + b"/volume"
    for turn in range(int(volumes)):
        os.mkdir(directory)
        grow(r, directory)
        ran = subprocess.run([tool, directory], capture_output=True)
        state = manifest.manifest(directory)
        if ran.returncode != 0 or ran.stdout != state:
            bad += 1
            print(f"volume {turn} of seed {seed}: the manifests differ {ran.stderr.decode()}")
        elif ran.stderr.decode().strip() != manifest.machine_hash(state).hex():
            bad += 1
            print(f"volume {turn} of seed {seed}: the hashes differ")
        for top, _, _ in os.walk(directory):
            os.chmod(top, 0o700)
        shutil.rmtree(directory)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
