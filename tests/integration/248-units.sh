#!/bin/sh
# The service manager's units: it knows every word of them, what they leave open
# is below our bounds, and they start programs of ours.
. "$abs_top_srcdir/tests/lib/node.sh"
units=$work/units
mkdir "$units"
cp "$abs_top_srcdir"/packaging/*.socket "$abs_top_builddir"/packaging/*.service "$units"
grep -l '@[a-z]*@' "$units"/* && fail "a place is open"
for unit in cellad.service cella-front.service; do
	program=$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$units/$unit")
	[ -x "$abs_top_builddir/$(basename "$program")" ] || fail "$unit starts $program"
done
# It wants programs to be there.
sed -i 's|^\(Exec[A-Za-z]*\)=[^ ]*|\1=/bin/true|' "$units"/*.service
out=$(systemd-analyze verify --man=no "$units/cellad.service" "$units/cella-front.service" 2>&1)
expect "a word that it does not know" "" "$(printf '%s\n' "$out" | grep "$units")"
echo 'Nonsense=yes' >>"$units/cella-front.service"
contains "a word that nobody knows" Nonsense "$(systemd-analyze verify --man=no "$units/cella-front.service" 2>&1)"
# bound UNIT TENTHS
bound() {
	systemd-analyze security --offline=yes --threshold="$2" "$units/$1" >"$work/out" 2>&1 ||
	    fail "$1: $(tail -n 1 "$work/out"), wanted below $2 tenths"
}
bound cella-front.service 20
bound cellad.service 70
# The bound is one.
systemd-analyze security --offline=yes --threshold=5 "$units/cella-front.service" >/dev/null 2>&1 && fail "the bound is none"
finish
