#!/bin/sh
# Functions of 80 lines, files of 600 and headers of 150 at the most; tables
# stand in files of their own.
cd "${srcdir:-.}" || exit 99
bad=0
for f in base/*.c messages/*.c policy/*.c sandbox/*.c runtime/*.c guest/*.c; do
	n=$(wc -l <"$f")
	case $f in
	policy/syscalls.c) continue ;; # a table
	esac
	if [ "$n" -gt 600 ]; then
		echo "$f: $n lines"
		bad=1
	fi
	awk -v f="$f" '
	/^{/ { start = NR }
	/^}/ { if (start && NR - start > 80) { print f ": line " start ": " NR - start " lines"; bad = 1 } start = 0 }
	END { exit bad }' "$f" || bad=1
done
for f in base/*.h messages/*.h policy/*.h sandbox/*.h runtime/*.h guest/*.h; do
	case $f in
	policy/groups_rules.h) continue ;; # a table
	esac
	n=$(wc -l <"$f")
	if [ "$n" -gt 150 ]; then
		echo "$f: $n lines"
		bad=1
	fi
done
exit $bad
