#!/bin/sh
# The node as units of a real service manager: the guest's first process becomes
# systemd, and this script one of its services.  What is installed, and where;
# a store with an image.
#
# usage: units.sh INSTALLED IMAGES      as process 1
set -u
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

if [ $$ -eq 1 ]; then
	cp -a "$1/usr/local/." /usr/local/
	cp "$1"/units/*.service "$1"/units/*.socket /etc/systemd/system/
	mkdir -p /usr/local/lib/sysusers.d
	cp "$1"/units/*.conf /usr/local/lib/sysusers.d/
	cp "$0" /usr/local/units.sh
	date +%s >/run/units.begun
	# The guest's root is an overlay, which has no unnamed files.
	mkdir -p /var/lib/cella
	mount -t tmpfs tmpfs /var/lib/cella
	# Nothing of the host's but what a service needs; what clears /tmp could clear us away.
	for unit in systemd-udevd.service systemd-udev-trigger.service systemd-networkd.service systemd-timesyncd.service \
	    systemd-resolved.service systemd-tmpfiles-setup.service systemd-tmpfiles-clean.timer tmp.mount \
	    dev-hugepages.mount dev-mqueue.mount; do
		ln -sf /dev/null "/etc/systemd/system/$unit"
	done
	cat >/etc/systemd/system/units.service <<EOF
[Service]
Type=oneshot
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
ExecStart=/bin/sh /usr/local/units.sh run $2
EOF
	cat >/etc/systemd/system/units.target <<EOF
[Unit]
Requires=basic.target
After=basic.target
Wants=units.service
EOF
	echo 0123456789abcdef0123456789abcdef >/etc/machine-id
	: >/etc/fstab
	exec /lib/systemd/systemd --unit=units.target --show-status=0 --log-target=null
fi

failed=
fail() {
	failed=yes
	echo "guest:   $*"
}
# expect WHAT WANTED GOT
expect() {
	[ "$2" = "$3" ] || fail "$1: wanted '$2', got '$3'"
}
# call PATH: its body.
call() {
	curl -s -m 30 --retry 3 "http://127.0.0.1:4020$1"
}
main() {
	systemctl show -p MainPID --value "$1"
}

systemd-sysusers
systemctl -q enable cellad.socket cella-front.service 2>/dev/null
systemctl start cellad.socket cella-front.service || fail "they do not start"
expect "front" active "$(systemctl is-active cella-front)"
expect "node" active "$(systemctl is-active cellad)"
expect "health" ok "$(call /healthz)"
front=$(main cella-front)
expect "who front is" cella-front "$(stat -c %U "/proc/$front")"
expect "what it may" 0000000000000000 "$(sed -n 's/^CapEff:\t//p' "/proc/$front/status")"
expect "in a cgroup of its own" /system.slice/cella-front.service "$(sed -n 's/^0:://p' "/proc/$front/cgroup")"
expect "no other one" "" "$(ps -o comm= --ppid "$(main cellad)" | grep front)"

# A function of an image, published by the operator, called by anybody.
cp -a "$2/." /var/lib/cella/
image=$(cella image show busybox 2>&1)
case $image in *[!0-9a-f]*) fail "image: $image" ;; esac
printf '#!/bin/sh\necho hello; echo x >>/var/lib/x/calls\n' >/run/hello
code=$(cella store add /run/hello --as code)
cat >/run/hello.json <<EOF
{"type":"vm-function","address":"0x00","time":1,"allow_amend":false,
 "environment":{},"resources":{"memory":64,"seconds":10},
 "code":{"encoding":"plain","entrypoint":"hello","ref":"$code","interface":"exec"},
 "runtime":{"ref":"$image","comment":""},"on":{"http":true},
 "volumes":[{"mount":"/var/lib/x","name":"x","persistence":"host","size_mib":4}]}
EOF
hello=$(cella publish /run/hello.json 2>&1)
case $hello in *[!0-9a-f]*) fail "publish: $hello" ;; esac
expect "a call" hello "$(call "/vm/$hello")"

# What it writes beside its work stands in the host's journal, by its names.
printf '#!/bin/sh\necho "said <b>" >&2; echo spoke\n' >/run/speaks
code=$(cella store add /run/speaks --as code)
sed "s/\"hello\"/\"speaks\"/; s/\"ref\":\"[0-9a-f]*\",\"interface\"/\"ref\":\"$code\",\"interface\"/" /run/hello.json >/run/speaks.json
speaks=$(cella publish /run/speaks.json)
expect "one that speaks" spoke "$(call "/vm/$speaks")"
spoken() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		journalctl -q -o cat "$@" 2>/dev/null | grep . && return
		sleep 0.5
	done
}
expect "in the journal" "said <b>" "$(spoken "CELLA_FUNCTION=$speaks" CELLA_STREAM=stderr)"
expect "its unit" "said <b>" "$(spoken -u cellad "CELLA_FUNCTION=$speaks" CELLA_STREAM=stderr)"

# A command in a cgroup of its own, and in one that it has not alone.
expect "in a scope" hello "$(systemd-run -q --scope -p Delegate=yes cella run /run/hello.json 2>/dev/null)"
case $(systemd-run -q --scope -p Delegate=yes sh -c 'cella run /run/hello.json; true' 2>&1) in
*"sh ("*") is in it: systemd-run"*) ;;
*) fail "whose the cgroup is, is not told" ;;
esac

case $(systemd-run -q --scope cella run /run/hello.json 2>&1) in
*"systemd has not delegated the cgroup"*) ;;
*) fail "a cgroup that is the manager's is taken" ;;
esac

# Front dies: its unit brings another, and no caller is refused.
kill -KILL "$front"
expect "after a kill" hello "$(call "/vm/$hello")"
[ "$(main cella-front)" != "$front" ] || fail "it is the same"
systemctl restart cella-front
expect "after a restart of front" hello "$(call "/vm/$hello")"
systemctl restart cellad
expect "after a restart of the node" hello "$(call "/vm/$hello")"
expect "the audit log" 0 "$(cella audit verify >/dev/null 2>&1; echo $?)"

# Without front's unit the node starts one.
systemctl -q disable --now cella-front.service cella-front.socket 2>/dev/null
systemctl stop cellad
systemctl start cellad
expect "in one unit" hello "$(call "/vm/$hello")"
expect "node's own" cella-front "$(ps -o comm= --ppid "$(main cellad)" | grep front)"
systemctl stop cellad cellad.socket
expect "its end" success "$(systemctl show -p Result --value cellad)"
expect "nothing is left" "" "$(find /sys/fs/cgroup -name 'cella.*')"

took="$(($(date +%s) - $(cat /run/units.begun))) s"
if [ -z "$failed" ]; then
	echo "guest: PASS units ($took)"
else
	echo "guest: FAIL units ($took)"
	journalctl --no-pager -u cellad -u cella-front | tail -n 30 | sed 's/^/guest:   /'
fi
echo "guest: done"
echo o >/proc/sysrq-trigger
sleep 10
