#!/bin/sh
# An ordinary user: one id, no cgroups.  What is required and missing refuses
# the run; what the policy calls optional is listed; the rest holds.
. "$abs_top_srcdir/tests/lib/node.sh"
chmod 711 "$work"
mkdir "$work/user"
chown 54321:54321 "$work/user"
# The build tree may be closed to others: a copy of what a user would install.
mkdir "$work/bin" "$work/recipes"
cp "$abs_top_builddir/cella" "$abs_top_builddir/cella-launcher" "$abs_top_builddir/cella-init" \
    "$abs_top_builddir/cella-unpack" "$abs_top_builddir/cellad" "$abs_top_builddir/cella-core" \
    "$abs_top_builddir/cella-dns" "$abs_top_builddir/cella-front" "$abs_top_builddir/cella-prepare" \
    "$abs_top_builddir/cella-files" "$abs_top_builddir/cella-rollup" "$abs_top_srcdir/images/build-image.sh" "$inside" "$work/bin/"
cp "$abs_top_srcdir"/images/*.yaml "$work/recipes/"
chmod -R go+rX "$work/bin" "$work/recipes"
cella=$work/bin/cella
inside=$work/bin/inside
user() {
	HOME=$work/user CELLA_STORE=$work/user/store setpriv --reuid 54321 --regid 54321 --clear-groups "$@"
}
runtime=$(user "$cella" image build "$work/recipes/scratch.yaml" 2>/dev/null)
code=$(user "$cella" store add "$inside" --as code)
message "$work/m.json"
out=$(user "$cella" run "$work/m.json" 2>&1)
expect "required" 125 $?
contains "required" "control cgroup is required and this host cannot enforce it" "$out"
cat >"$work/p.yaml" <<'EOF'
version: 1
optional: [cgroup, core_sched, speculation, io_max, landlock_truncate, landlock_tcp, landlock_ioctl_dev, landlock_scope, landlock_log]
EOF
chmod 644 "$work/p.yaml"
out=$(user "$cella" run "$work/m.json" --policy "$work/p.yaml")
expect "status" 0 $?
contains "uid" "Uid:	1000	1000	1000	1000" "$out"
contains "capabilities" "CapBnd:	0000000000000000" "$out"
contains "filter" "Seccomp:	2" "$out"
out=$(user "$cella" run "$work/m.json" --policy "$work/p.yaml" --json)
contains "degraded" '"cgroup",' "$out"
contains "host" '"rootless": true' "$out"
expect "mount" EPERM "$(user "$cella" run "$work/m.json" --policy "$work/p.yaml" --arg call --arg 165)"
contains "host files" "No such file" "$(user "$cella" run "$work/m.json" --policy "$work/p.yaml" --arg cat --arg /etc/shadow)"
user "$cella" run "$work/m.json" --policy "$work/p.yaml" --arg sleep --timeout 200ms 2>/dev/null
expect "wall" 137 $?
# An archive: unpacked in a machine, used from its volume.
user "$cella" image build "$work/recipes/tools.yaml" >/dev/null 2>&1 || fail "tools"
mkdir "$work/d"
echo first >"$work/d/state"
(cd "$work/d" && zip -q "$work/d.zip" state)
data=$(user "$cella" store add "$work/d.zip" --as data)
message "$work/m.json" more ",\"data\":{\"encoding\":\"zip\",\"mount\":\"/data\",\"ref\":\"$data\",\"use_latest\":false},\"export\":{\"encoding\":\"zip\",\"mount\":\"/out\"}"
expect "data" first "$(user "$cella" run "$work/m.json" --policy "$work/p.yaml" --arg cat --arg /data/state)"
# An image that somebody else built.
tar -cf "$work/root.tar" -C /bin busybox
imported=$(user "$cella" image import mine "$work/root.tar" --policy "$work/p.yaml")
expect "import" 0 $?
runtime=$imported
message "$work/m.json"
expect "imported" busybox "$(user "$cella" run "$work/m.json" --policy "$work/p.yaml" --arg ls --arg / | grep -x busybox)"

# A node of his own: no path of root's, one id, the same calls.
sed 's/"http":false/"http":true/' "$work/m.json" >"$work/user/http.json"
: >"$work/node.out"
HOME=$work/user setpriv --reuid 54321 --regid 54321 --clear-groups "${cella}d" --state-dir "$work/user/store" \
    --http 127.0.0.1:0 --grpc "unix:$work/user/grpc" --policy "$work/p.yaml" >"$work/node.out" 2>"$work/node.err" 8>&- &
node=$!
tail --pid=$node -n +1 -f "$work/node.out" 2>/dev/null | grep -q -m 1 '^ready$' || fail "no node: $(cat "$work/node.err")"
http=$(sed -n 's/^http //p' "$work/node.out")
hash=$(user "$cella" publish "$work/user/http.json")
contains "a call" "Uid:	1000	1000	1000	1000" "$(curl -s "http://$http/vm/$hash")"
front=$(ps -o pid=,comm= --ppid $node | awk '$2 == "cella-front" { print $1 }')
expect "front's root" "" "$(ls -A "/proc/$front/root/")"
expect "front's network" 1 "$(tail -n +3 "/proc/$front/net/dev" | wc -l)"
expect "front's capabilities" 0000000000000000 "$(sed -n 's/^CapPrm:\t//p' "/proc/$front/status")"
# A machine with a state is his to make; a session needs cgroups.
sed 's/"interface":"exec"/"interface":"channel"/' "$work/m.json" >"$work/user/machine.json"
expect "a machine" a8f9a4aaa02183d2d3fc000a778d80370be788b65856125fdacea67412620ef0 \
    "$(user "$cella" machine create --policy "$work/p.yaml" "$work/user/machine.json" "$work/user/machine" 2>&1)"
contains "its owner" "54321" "$(stat -c %u "$work/user/machine/tree")"
contains "a session" "meter: this host has no cgroups for it" \
    "$(user "$cella" session --grpc "unix:$work/user/grpc" start s "$work/user/machine" 2>&1)"
kill $node
wait $node
expect "its end" 0 $?
finish
