#!/usr/bin/python3
"""Inputs that change a volume through an overlay, and what is committed of them.

  layers.py STATE_HASH STATE_COMMIT WORK VOLUMES SEED

In a mount namespace of its own.  Each volume gets a few inputs, one after the
other; after each the tree must be what was seen through the overlay, whenever the
commit was killed.  Prints a line for each that is not; ends with 0 if none.
"""
import os, random, shutil, stat, subprocess, sys
import agree, manifest


def clear(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def paths(top):
    out = []
    for d, subs, files in os.walk(top):
        out += [d + b"/" + n for n in subs + files]
    return sorted(out)


def change(r, top):
    """One of the things that programs do."""
    everything = paths(top)
    old = r.choice(everything) if everything else top + b"/first"
    new = r.choice([os.path.dirname(p) for p in everything] + [top]) + b"/" + r.choice((b"n", b"a", b"b", b"a-"))
    what = r.randrange(10)
    if os.path.islink(os.path.dirname(new)):
        return
    if what == 0:
        clear(old)
    elif what == 1:  # once more, under its name: as another kind
        kind = os.path.isdir(old)
        clear(old)
        if kind:
            open(old, "wb").write(b"was a directory")
        else:
            os.mkdir(old, 0o700)
            open(old + b"/inside", "wb").write(b"was a file")
    elif what == 2:  # a directory that comes back empty, or with something else
        directories = [p for p in everything if os.path.isdir(p) and not os.path.islink(p)]
        if directories:
            d = r.choice(directories)
            shutil.rmtree(d)
            os.mkdir(d, r.choice((0o700, 0o755)))
            if r.random() < 0.5:
                open(d + b"/again", "wb").write(b"y" * r.choice((0, 5000)))
    elif what == 3 and not os.path.isdir(new):
        clear(new)
        open(new, "wb").write(r.randbytes(r.choice((0, 10, 4096, 9000))))
    elif what == 4 and os.path.isfile(old) and not os.path.islink(old):
        with open(old, "r+b") as f:
            f.seek(r.randrange(5000))
            f.write(b"!")
    elif what == 5 and not os.path.islink(old) and os.path.lexists(old):
        os.chmod(old, r.choice((0o700, 0o755)))
    elif what == 6 and not os.path.lexists(new):
        os.symlink(r.choice((b"a", b"/", b"..")), new)
    elif what == 7 and os.path.lexists(old) and not new.startswith(old + b"/") and old != new:
        try:
            os.rename(old, new)
        except OSError:  # of a lower directory: EXDEV, and programs copy
            pass
    elif what == 8 and os.path.isfile(old) and not os.path.islink(old) and not os.path.lexists(new):
        os.link(old, new)
    elif what == 9 and os.path.isfile(old) and not os.path.islink(old):
        os.utime(old)  # copied up, and as it was


def mount(work, n):
    upper, merged = f"{work}/upper{n}", f"{work}/merged"
    for d in (upper, f"{work}/work{n}"):
        os.mkdir(d)
    os.chmod(upper, stat.S_IMODE(os.stat(f"{work}/tree").st_mode))
    # Which turns redirect_dir and metacopy off.
    subprocess.run(["mount", "-t", "overlay", "-o", f"lowerdir={work}/tree,upperdir={upper},workdir={work}/work{n},userxattr",
                    "overlay", merged], check=True)
    return upper, merged


def hash_of(tool, directory):
    ran = subprocess.run([tool, directory], capture_output=True)
    return ran.stderr.decode().strip()


def root_of(directory):
    return manifest.memory_root({0: manifest.manifest(directory)}, 0, 27).hex()


def one_input(r, tools, work, n, journal):
    """An input, and what killed it: (what the journal says then, what is wrong)."""
    tree = f"{work}/tree"
    before = manifest.records(tree)
    upper, merged = mount(work, n)
    try:
        for _ in range(r.choice((0, 1, 4, 15))):
            change(r, os.fsencode(merged))
        after, after_hash = manifest.records(merged), hash_of(tools[0], merged)
    finally:
        subprocess.run(["umount", merged], check=True)
    how = r.choice(("", "", "discarded", "weighed", "kept", "applied", "applied"))
    ran = subprocess.run([tools[1], work, str(journal), upper, how, str(r.randrange(12))], capture_output=True)
    said = ran.stdout.decode().strip()
    if ran.returncode != (9 if how in ("weighed", "kept", "applied") else 0):
        return journal, f"{how}: {ran.stderr.decode()}"
    # What was kept may be in the journal, or not yet; what was applied is.
    accepted = how in ("", "applied") or (how == "kept" and r.random() < 0.5)
    rows = after if accepted else before
    journal += accepted
    # Once more, and it is killed there, too: the last time it is not.
    if how in ("weighed", "kept", "applied"):
        ran = subprocess.run([tools[1], work, str(journal)], capture_output=True)
        said = ran.stdout.decode().strip()
        if ran.returncode != 0:
            return journal, f"after {how}: {ran.stderr.decode()}"
    if manifest.records(tree) != rows:
        return journal, f"{how}: the tree is not what was seen"
    if accepted and hash_of(tools[0], tree) != after_hash:
        return journal, f"{how}: the tree has another hash"
    if said != root_of(tree):
        return journal, f"{how}: the layer led to another root"
    if os.path.exists(f"{work}/next") or os.path.exists(f"{work}/next.plan"):
        return journal, f"{how}: something is left"
    return journal, None


def volume(r, tools, work):
    """What is wrong, or None."""
    for d in ("tree", "merged"):
        os.mkdir(f"{work}/{d}")
    os.chmod(f"{work}/tree", 0o755)
    agree.grow(r, os.fsencode(f"{work}/tree"))
    journal = r.choice((0, 5))
    for n in range(5):
        journal, wrong = one_input(r, tools, work, n, journal)
        if wrong is not None:
            return f"input {n}: {wrong}"
    return None


def main(tool, commit, work, volumes, seed):
    bad = 0
    for turn in range(int(volumes)):
        here = f"{work}/{turn}"
        os.mkdir(here)
        wrong = volume(random.Random(f"{seed}/{turn}"), (tool, commit), here)
        if wrong is not None:
            bad += 1
            print(f"volume {turn} of seed {seed}: {wrong}")
        shutil.rmtree(here)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
