#!/bin/sh
# What runs with privilege: the libraries of the launcher's link line, and how
# many lines of ours.  Fails if a parser of strangers' bytes is among them.
cd "${srcdir:-.}" || exit 99
launcher=${abs_top_builddir:-build}/cella-launcher
bad=0
for lib in jansson yaml archive nettle hogweed secp256k1 gmp seccomp; do
	if ldd "$launcher" | grep -q "lib$lib"; then
		echo "cella-launcher links lib$lib"
		bad=1
	fi
done
if nm "$launcher" | grep -E ' [Tt] (json|yaml|aleph|value|schema|signature)_'; then
	echo "cella-launcher links a parser"
	bad=1
fi
# The switch of the attack suite is in no build but its own.
for program in cella cella-dns cella-launcher cella-init cella-unpack; do
	if grep -q -e CELLA_LEAVE_OUT -e control_left_out "${abs_top_builddir:-build}/$program"; then
		echo "$program can leave a control out"
		bad=1
	fi
done
cat sandbox/*.c messages/frame.c messages/launch_msgs.c policy/egress.c \
    policy/emulate.c policy/filter.c policy/grant.c policy/groups.c policy/machine.c \
    policy/syscalls.c base/buf.c base/clock.c base/dir.c base/err.c base/fd.c \
    base/str.c | wc -l | sed 's/^/lines that run with privilege: /'
exit $bad
