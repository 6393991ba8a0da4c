#!/bin/sh
# The exposure score: of twenty policies, as a second implementation that knows
# the page alone has it, and as it was when this was written.
. "$abs_top_srcdir/tests/lib/node.sh"
look
mkdir "$work/p"
# policy SCORE TEXT
n=0
policy() {
	n=$((n + 1))
	printf 'version: 1\n%s\n' "$2" >"$work/p/$n.yaml"
	expect "score of $n" "$1" "$("$cella" policy score --policy "$work/p/$n.yaml" | sed -n '1s/ .*//p')"
}
egress() {
	printf 'tier: networked\nnet: {mode: egress, %s}' "$1"
}
policy 7 'tier: strict'
policy 10 'tier: strict
seccomp: {wx: allow}'
policy 13 'tier: standard'
policy 13 'tier: standard
net: {mode: none}'
policy 10 'tier: standard
optional: []'
policy 12 'tier: standard
optional: [cgroup, landlock]'
policy 14 'tier: standard
audit: {on_full: drop}'
policy 16 'tier: standard
exec_writable: true'
policy 8 'tier: standard
seccomp: {groups: [life, mem, io, file], wx: deny}'
policy 14 'tier: standard
seccomp: {groups: [life, mem, io, splice, file, lock, watch, time, signal, pidfd, thread, info, sock-pair, sock-local, sock-lo, sock-inet, netlink-route, sysv-mq, sched, landlock]}'
policy 16 'tier: standard
limits: {wall: 3600s, memory: 64GiB, stdout: 64MiB}'
policy 16 'tier: standard
mounts: {tmp: {size: 4GiB, files: 100000}, shm: {size: 1GiB}}'
policy 13 'tier: standard
limits: {tmp: 1MiB, export: 1MiB}'
policy 13 'limits: {export: 1024KiB, tmp: 1048576B}
tier: standard'
policy 20 "$(egress 'allow: [{cidr: 0.0.0.0/0, proto: tcp, ports: ["1-65535"]}]')"
policy 20 "$(egress 'allow: [{cidr: 203.0.113.0/24, proto: tcp, ports: [443]}, {cidr: 0.0.0.0/0, proto: tcp, ports: ["1-65535"]}]')"
policy 16 "$(egress 'allow: [{cidr: 203.0.113.7/32, proto: tcp, ports: [443]}], dns: {names: [example.org], servers: [198.51.100.53]}')"
policy 20 "$(egress 'allow: [{cidr: "2001:db8::/32", proto: udp, ports: ["8000-8100"]}], dns: {names: ["*"], servers: [198.51.100.53]}')"
policy 17 "$(egress 'allow: [{cidr: 198.51.100.0/24, proto: tcp, ports: ["1-1024"]}]')"
policy 17 "$(egress 'allow: [{cidr: 198.51.100.0/24, proto: tcp, ports: [80]}]')"
set -- "$work"/p/*.yaml
[ -z "${CELLA_BRIEF:-}" ] || set -- "$work/p/9.yaml" "$work/p/17.yaml"
expect "the page" "" "$("$abs_top_srcdir/tests/policy/score.py" "$cella" "$abs_top_srcdir/docs/score.md" strict standard "$@" 2>&1)"

# What would be better, and a bound.
"$cella" policy score >"$work/out"
contains "a band" "13 (good)" "$(head -n 1 "$work/out")"
expect "what adds most" "SC06   3.00  memory that is writable and executable" "$(sed -n 3p "$work/out")"
expect "three improvements" "SC06 FS07 SC03" "$(sed -n 's/^improve \([^ ]*\).*/\1/p' "$work/out" | paste -sd ' ')"
"$cella" policy score --threshold 13 >/dev/null
expect "within the bound" 0 $?
"$cella" policy score --threshold 12 >/dev/null
expect "above the bound" 2 $?
"$cella" policy score --threshold many 2>/dev/null
expect "no bound" 64 $?
finish
