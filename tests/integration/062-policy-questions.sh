#!/bin/sh
# Questions to policies: what is different between two, by what they permit; one
# call, one connection.
. "$abs_top_srcdir/tests/lib/node.sh"
look
policy() {
	printf 'version: 1\n%s\n' "$2" >"$work/$1"
}
diff_of() {
	"$cella" policy diff "$@" 2>&1
	echo "exit $?"
}
policy a 'tier: standard
limits: {memory: 512MiB, pids: 64}'
policy b 'limits: {pids: 64, memory: 524288KiB}
tier: standard'
policy narrow 'tier: standard
limits: {memory: 256MiB, pids: 64}'
policy both 'tier: standard
limits: {memory: 256MiB, pids: 65}'
expect "another spelling" "exit 0" "$(diff_of "$work/a" "$work/b")"
expect "less" "narrower  limits: memory: 536870912 -> 268435456
exit 1" "$(diff_of "$work/a" "$work/narrow")"
expect "less is no failure" "exit 0" "$(diff_of --fail-if-wider "$work/a" "$work/narrow" | tail -n 1)"
expect "more of one" "narrower  limits: memory: 536870912 -> 268435456
wider     limits: pids: 64 -> 65
exit 2" "$(diff_of "$work/a" "$work/both")"
expect "more is a failure" "exit 2" "$(diff_of --fail-if-wider "$work/a" "$work/both" | tail -n 1)"
expect "tiers" "exit 2" "$(diff_of strict standard | tail -n 1)"
expect "tiers, back" "exit 1" "$(diff_of standard strict | tail -n 1)"
contains "a call" "wider     system calls: connect: refused -> allowed" "$(diff_of strict standard)"
"$cella" policy diff --json "$work/a" "$work/narrow" | tr -d ' \n' >"$work/json"
expect "as JSON" '{"change":"narrower","differences":[{"area":"limits","item":"memory","change":"narrower","before":"536870912","after":"268435456"}]}' \
    "$(cat "$work/json")"

# With a message: what that one gets under each.
code=$(printf '#!/bin/sh\n' >"$work/x" && "$cella" store add "$work/x" --as code)
runtime=$(printf x | sha256sum | cut -d ' ' -f 1)
message "$work/m.json" memory 256
expect "a message" "exit 0" "$(diff_of --message "$work/m.json" "$work/a" "$work/narrow")"
message "$work/m.json" memory 512
contains "a message that one refuses" "asked 536870912 bytes, allowed 268435456" \
    "$(diff_of --message "$work/m.json" "$work/a" "$work/narrow")"
expect "a message that one refuses" "exit 125" "$(diff_of --message "$work/m.json" "$work/a" "$work/narrow" | tail -n 1)"

# One question.
explain() {
	"$cella" policy explain "$@"
	echo "exit $?"
}
expect "a call" "EAFNOSUPPORT
  by    seccomp: group sock-local, sock-lo, no rule for these arguments
  then  network namespace of its own; nf_tables where it has a way out; Landlock's TCP rules where it has no network
exit 2" "$(explain --syscall 'socket(38, 5, 0)')"
expect "a call that is allowed" "allow exit 0" "$(explain --syscall 'socket(2, 1, 0)' | sed -n '1p;$p' | paste -sd ' ')"
expect "in another tier" "EAFNOSUPPORT exit 2" "$(explain --tier strict --syscall 'socket(2, 1, 0)' | sed -n '1p;$p' | paste -sd ' ')"
policy out 'tier: networked
net: {mode: egress, allow: [{cidr: 203.0.113.0/24, proto: tcp, ports: [443]}]}'
expect "a connection" "allow
  by    nf_tables: net.allow: tcp 203.0.113.0/24 ports 443-443
  then  nothing: whoever is there answers
exit 0" "$(explain --policy "$work/out" --connect 203.0.113.9:443)"
expect "another" '{"allowed":false,"verdict":"dropped","layer":"nf_tables","rule":"neverreachable,whateveralistsays","second":"thehost'"'"'sownroutesandrules"}exit2' \
    "$(explain --json --policy "$work/out" --connect 169.254.169.254:80 | tr -d ' \n')"
expect "no call" "exit 1" "$(explain --syscall 'socket(' 2>/dev/null)"

# The filter itself: every call that is permitted ends at a return that allows.
"$cella" policy explain --tier strict --filter >"$work/filter"
contains "it looks at the architecture first" "A = architecture" "$(head -n 1 "$work/filter")"
expect "as long as it is" "$("$cella" policy explain --tier strict --json | tr -d ' \n' | sed 's/.*"instructions":\([0-9]*\).*/\1/')" "$(wc -l <"$work/filter")"
contains "where a call ends" "kill  ; " "$(grep 'init_module' "$work/filter")"
expect "what is out of bounds" "" "$(grep 'return allow' "$work/filter" | grep -w -e mount -e ptrace -e bpf)"

policy bad 'tier: soft'
expect "no policy" "exit 125" "$(diff_of "$work/a" "$work/bad" | tail -n 1)"
expect "no file" "exit 125" "$(diff_of "$work/a" "$work/none" | tail -n 1)"
expect "one operand" "exit 64" "$(diff_of "$work/a" | tail -n 1)"
finish
