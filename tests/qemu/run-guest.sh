#!/bin/sh
# Runs integration scripts in a QEMU guest with Debian's own kernel: cgroup v2,
# Linux 6.1.  The host's root is the guest's, read-only below a layer in
# memory.  Emulated, so that it runs where there is no KVM.
#
# usage: run-guest.sh BUILD-DIRECTORY SCRIPT...     scripts of tests/integration,
#            or of tests/attack: "attack", "attack-quick", "attack=ROW,ROW"; the
#            first takes longer than GUEST_SECONDS, 900, unless told otherwise;
#            or, as the last, "units": what is installed, under systemd
# Prints one line a script: PASS, FAIL or SKIP, its name, and how long it took.
set -eu
build=$(cd "$1" && pwd)
shift
top=$(cd "$(dirname "$0")/../.." && pwd)
cache=$build/guest
mkdir -p "$cache"

# The package that Debian's linux-image-amd64 stands for today.
package=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: //p' | head -n 1)
version=${package#linux-image-}
if [ ! -e "$cache/kernel-$version/boot/vmlinuz-$version" ]; then
	rm -rf "$cache/kernel-$version"
	mkdir -p "$cache/debs"
	(cd "$cache/debs" && apt-get -o APT::Sandbox::User=root -qq download "$package")
	dpkg -x "$cache/debs/$package"_*.deb "$cache/kernel-$version"
	rm -rf "$cache/debs"
	depmod -b "$cache/kernel-$version" "$version"
fi
kernel=$cache/kernel-$version

# The initrd: a shell, the modules of the root, and what the guest needs.
rd=$cache/initrd
rm -rf "$rd"
mkdir -p "$rd/bin" "$rd/lib/modules/$version" "$rd/proc" "$rd/sys" "$rd/dev" "$rd/lower" "$rd/upper" "$rd/root"
cp /bin/busybox "$rd/bin/busybox"
for m in virtio_pci 9p 9pnet_virtio overlay loop erofs ext4 squashfs veth nf_tables nft_ct nft_limit nft_connlimit \
    nft_masq nft_chain_nat; do
	modprobe -d "$kernel" -S "$version" --show-depends "$m"
done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' >"$cache/modules"
while read -r m; do
	cp "$m" "$rd/lib/modules/$version/"
	basename "$m"
done <"$cache/modules" >"$rd/modules"
cat >"$rd/init" <<'EOF'
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
while read -r m; do /bin/busybox insmod /lib/modules/*/$m; done </modules
# Nothing else is loaded: a program that tries every protocol would wait for
# modprobe, emulated, hundreds of times.
echo >/proc/sys/kernel/modprobe
/bin/busybox mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=512000,cache=loose host /lower
/bin/busybox mount -t tmpfs -o size=1200m tmpfs /upper
/bin/busybox mkdir /upper/u /upper/w
/bin/busybox mount -t overlay -o lowerdir=/lower,upperdir=/upper/u,workdir=/upper/w overlay /root
for d in proc sys dev; do /bin/busybox mount --move /$d /root/$d; done

/bin/busybox mount -t tmpfs tmpfs /root/run
/bin/busybox mount -t cgroup2 cgroup2 /root/sys/fs/cgroup
cd /root
/bin/busybox mount --move . /
exec /bin/busybox chroot . /bin/sh "$(/bin/busybox sed -n 's/.*guest=\([^ ]*\).*/\1/p' proc/cmdline)"
EOF
chmod +x "$rd/init"
(cd "$rd" && find . | cpio -o -H newc --quiet) >"$cache/initrd.cpio"

# What is installed, for the units.
rm -rf "$cache/installed"
case " $* " in
*" units "*)
	make -C "$build" install DESTDIR="$cache/installed" >"$cache/install.log" 2>&1
	mkdir "$cache/installed/units"
	cp "$build"/packaging/*.service "$top"/packaging/*.socket "$top"/packaging/*.conf "$cache/installed/units" ;;
esac

# What runs in it.
cat >"$cache/inside.sh" <<EOF
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TMPDIR=/run abs_top_srcdir=$top abs_top_builddir=$build
ip link set lo up 2>/dev/null
cd $build
for s in $*; do
	[ \$s != units ] || exec /bin/sh $top/tests/qemu/units.sh $cache/installed $build/tests/images
	begun=\$(date +%s)
	case \$s in
	attack) /usr/bin/python3 $top/tests/attack/run.py >/tmp/log 2>&1 ;;
	attack=*) /usr/bin/python3 $top/tests/attack/run.py \$(echo "\${s#attack=}" | tr , ' ') >/tmp/log 2>&1 ;;
	attack-quick) /usr/bin/python3 $top/tests/attack/run.py --quick >/tmp/log 2>&1 ;;
	*) /bin/sh $top/tests/integration/\$s >/tmp/log 2>&1 ;;
	esac
	status=\$?
	took="\$((\$(date +%s) - begun)) s"
	case \$status in
	0) echo "guest: PASS \$s (\$took)" ;;
	77) echo "guest: SKIP \$s (\$took)" ;;
	*) echo "guest: FAIL \$s (\$took)"; sed -n '/ RED /s/^/guest:   /p' /tmp/log
	    sed 's/^/guest:   /' /tmp/log | tail -n 30 ;;
	esac
done
echo "guest: done"
echo o >/proc/sysrq-trigger
sleep 10
EOF

timeout "${GUEST_SECONDS:-900}" qemu-system-x86_64 -accel tcg -cpu max -M q35 -nodefaults \
    -no-user-config -display none -serial stdio -net none -no-reboot \
    -m 3072 -smp 2 -kernel "$kernel/boot/vmlinuz-$version" \
    -initrd "$cache/initrd.cpio" \
    -virtfs "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap" \
    -append "console=ttyS0 panic=-1 quiet mitigations=off guest=$cache/inside.sh" \
    </dev/null >"$cache/log" 2>&1 || :
tr -d '\r' <"$cache/log" | sed -n 's/^guest: //p' >"$cache/results"
grep -q '^done' "$cache/results" || {
	echo "FAIL guest did not end"
	tr -d '\r' <"$cache/log" | tail -n 30
	exit 1
}
grep -v '^done' "$cache/results"
! grep -q '^FAIL' "$cache/results"
