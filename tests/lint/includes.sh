#!/bin/sh
# The arrows of ARCHITECTURE.md, as the compiler sees them: which directory
# may include which.  Anything not listed is a mistake in the layering.
cd "${srcdir:-.}" || exit 99
allowed='
base:base
messages:base messages
policy:base messages policy
sandbox:base messages policy sandbox guest
runtime:base messages policy runtime guest
guest:base messages guest
'
bad=0
for f in base/*.[ch] messages/*.[ch] policy/*.[ch] sandbox/*.[ch] \
    runtime/*.[ch] guest/*.[ch]; do
	dir=${f%%/*}
	ok=$(printf '%s' "$allowed" | sed -n "s/^$dir://p")
	for inc in $(sed -n 's/^#include "\([a-z]*\)\/.*/\1/p' "$f"); do
		case " $ok " in
		*" $inc "*) ;;
		*) echo "$f may not include $inc/"; bad=1 ;;
		esac
	done
done
# runtime/ and sandbox/ meet in messages/launch_msgs.h and nowhere else; the
# launcher's policy library knows nothing of messages.
for f in egress emulate filter grant groups machine syscalls; do
	if grep -q '"messages/' policy/$f.[ch]; then
		echo "policy/$f is linked into the launcher and includes messages/"
		bad=1
	fi
done
exit $bad
