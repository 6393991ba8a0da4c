#!/bin/sh
# What is odd about a policy file is told with its place; what is not, is not.
. "$abs_top_srcdir/tests/lib/node.sh"
look
lint_of() {
	"$cella" policy lint "$work/p.yaml" 2>&1 | sed "s|$work/||"
	"$cella" policy lint "$work/p.yaml" >/dev/null 2>&1
	echo "exit $?"
}
cat >"$work/p.yaml" <<'END'
version: 1
tier: standard
limits: {memory: 512MiB}
clamp: [memory]
END
expect "nothing" "exit 0" "$(lint_of)"
cat >"$work/p.yaml" <<'END'
version: 1
tier: networked
net:
  mode: egress
  allow:
    - {cidr: 203.0.113.0/24, proto: tcp, ports: [443]}
    - {cidr: 203.0.113.7/32, proto: tcp, ports: [443]}
    - {cidr: 203.0.113.7/32, proto: udp, ports: [443]}
    - {cidr: 203.0.113.0/24, proto: tcp, ports: [443]}
    - {cidr: 0.0.0.0/0, proto: udp, ports: [53]}
seccomp:
  groups: [life, mem, io, file, thread, info, signal, sock-lo, sock-inet, sysv-mq]
limits: {memory: 512MiB}
clamp: [memory, wall]
exec_writable: true
END
odd='p.yaml: line 12, column 64: seccomp.groups[8]: the others permit all that it does
p.yaml: line 7, column 7: net.allow[1]: net.allow[0] has all of it
p.yaml: line 9, column 7: net.allow[3]: net.allow[0] has all of it
p.yaml: line 14, column 17: clamp[1]: limits does not name it: the tier'"'"'s is lowered to'
expect "what has no effect, what is wide" "$odd
p.yaml: line 15, column 16: exec_writable: programs on writable volumes may run, and the file does not say why (why: \"...\")
p.yaml: line 12, column 75: seccomp.groups[9]: no tier has this group, and the file does not say why (why: \"...\")
p.yaml: line 10, column 14: net.allow[4].cidr: a wide network, and the file does not say why (why: \"...\")
exit 2" "$(lint_of)"
"$cella" policy lint --json "$work/p.yaml" | tr -d ' \n' >"$work/json"
contains "as JSON" '{"id":"lint:covered","path":"net.allow[1]","message":"net.allow[0]hasallofit","line":7,"column":7}' "$(cat "$work/json")"
echo 'why: "a test"' >>"$work/p.yaml"
expect "with a word why" "$odd
exit 2" "$(lint_of)"
echo "tier: soft" >"$work/p.yaml"
expect "no policy" "exit 125" "$(lint_of | tail -n 1)"
finish
