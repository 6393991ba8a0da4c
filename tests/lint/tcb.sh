#!/bin/sh
# What runs with privilege, which is the launcher and the monitor: the libraries
# of their link lines, and how many lines of ours.  Fails if a parser is among
# them.
cd "${srcdir:-.}" || exit 99
build=${abs_top_builddir:-build}
bad=0
for program in cella-launcher cellad; do
	[ -x "$build/$program" ] || { echo "no $program"; bad=1; }
	for lib in jansson yaml archive nettle hogweed secp256k1 gmp seccomp \
	    microhttpd sqlite3; do
		if ldd "$build/$program" | grep -q "lib$lib"; then
			echo "$program links lib$lib"
			bad=1
		fi
	done
	if nm "$build/$program" | grep -E ' [Tt] (json|yaml|aleph|value|schema|signature)_'; then
		echo "$program links a parser"
		bad=1
	fi
	echo "$program links: $(ldd "$build/$program" | sed -n 's/^.*\(lib[a-z0-9-]*\)\.so.* => .*/\1/p' | tr '\n' ' ')"
done
# The switch of the attack suite is in no build but its own.
for program in cella cellad cella-core cella-dns cella-front cella-launcher \
    cella-init cella-prepare cella-unpack; do
	if grep -q -e CELLA_LEAVE_OUT -e control_left_out "$build/$program"; then
		echo "$program can leave a control out"
		bad=1
	fi
done
cat sandbox/*.c messages/frame.c messages/launch_msgs.c policy/egress.c \
    policy/emulate.c policy/filter.c policy/grant.c policy/groups.c policy/landlock_plan.c \
    policy/machine.c policy/mount_plan.c \
    policy/syscalls.c base/buf.c base/clock.c base/dir.c base/err.c base/fd.c \
    base/loop.c base/str.c messages/frame_link.c runtime/cellad_main.c \
    runtime/listen.c runtime/monitor.c runtime/policy_open.c runtime/spawn.c \
    runtime/store_open.c | wc -l | sed 's/^/lines that run with privilege: /'
exit $bad
