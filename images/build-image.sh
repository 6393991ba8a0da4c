#!/bin/sh
# Assembles a runtime image from Debian packages: downloaded with apt, unpacked
# without installing, packed as erofs.  The same packages give the same bytes.
# Started by "cella image build", which reads the recipe.
#
# usage: cella-build-image OUT PINS [-p PACKAGE]... [-f SOURCE TARGET MODE]...
#            [-l TARGET LINK]... [-d DIRECTORY]... [-b] [-c] [-t TREE]
#   -b  makes links for every applet of /bin/busybox
#   -c  compiles Python's library
#   -t  keeps the directory as well, for users who cannot mount an image
set -eu
umask 022
out=$1 pins=$2
shift 2
work=$(mktemp -d "${TMPDIR:-/tmp}/cella-image.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
root=$work/root
mkdir -p "$work/debs/partial" "$root"
: >"$work/status"
: >"$pins"

say() {
	if [ -t 2 ]; then
		printf '\r\033[K%s' "$1" >&2
	else
		printf '%s\n' "$1" >&2
	fi
}

packages= busybox= compile= tree=
: >"$work/later"
while [ $# -gt 0 ]; do
	case $1 in
	-p) packages="$packages $2"; shift 2 ;;
	-f) printf 'f\t%s\t%s\t%s\n' "$2" "$3" "$4" >>"$work/later"; shift 4 ;;
	-l) printf 'l\t%s\t%s\t-\n' "$2" "$3" >>"$work/later"; shift 3 ;;
	-d) printf 'd\t-\t%s\t-\n' "$2" >>"$work/later"; shift 2 ;;
	-b) busybox=yes; shift ;;
	-c) compile=yes; shift ;;
	-t) tree=$2; shift 2 ;;
	*) echo "cella-build-image: $1?" >&2; exit 64 ;;
	esac
done

# Merged /usr, as Debian has it.
mkdir -p "$root/usr/bin" "$root/usr/lib" "$root/usr/lib64" "$root/usr/sbin"
for l in bin lib lib64 sbin; do
	ln -s "usr/$l" "$root/$l"
done

if [ -n "$packages" ]; then
	say 'image: resolving packages'
	# shellcheck disable=SC2086 # a list of words
	apt-get -o Dir::State::Status="$work/status" \
	    -o APT::Install-Recommends=0 -o Debug::NoLocking=1 \
	    -s install $packages |
	    sed -n 's/^Inst \([^ ]*\) (\([^ ]*\) .*/\1=\2/p' | LC_ALL=C sort >"$pins"
	total=$(wc -l <"$pins")
	say "image: downloading $total packages"
	(cd "$work/debs" && xargs apt-get -o APT::Sandbox::User=root -qq download <"$pins" >/dev/null)
	n=0
	for d in "$work"/debs/*.deb; do
		n=$((n + 1))
		[ ! -t 2 ] || say "image: unpacking $n of $total"
		dpkg-deb --fsys-tarfile "$d" |
		    tar -x -C "$root" --no-same-owner --keep-directory-symlink
	done
fi

# What no program reads.
rm -rf "$root/usr/share/doc" "$root/usr/share/man" "$root/usr/share/info" \
    "$root/usr/share/locale" "$root/usr/share/lintian" "$root/usr/share/bug" \
    "$root/var" "$root/etc/apt" "$root/etc/cron.daily"
mkdir -p "$root/etc" "$root/proc" "$root/dev" "$root/tmp" "$root/opt/code" \
    "$root/work" "$root/data"
printf 'root:x:0:0::/:/usr/sbin/nologin\nmachine:x:1000:1000::/tmp:/usr/sbin/nologin\n' >"$root/etc/passwd"
printf 'root:x:0:\nmachine:x:1000:\n' >"$root/etc/group"
printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
printf 'hosts: files\n' >"$root/etc/nsswitch.conf"

if [ -n "$busybox" ]; then
	for a in $("$root/bin/busybox" --list); do
		[ -e "$root/usr/bin/$a" ] || ln -s busybox "$root/usr/bin/$a"
	done
fi

tab=$(printf '\t')
while IFS=$tab read -r kind source target mode; do
	case $target in
	/*) ;;
	*) echo "cella-build-image: $target is not absolute" >&2; exit 1 ;;
	esac
	mkdir -p "$(dirname "$root$target")"
	case $kind in
	f) cp "$source" "$root$target" && chmod "$mode" "$root$target" ;;
	l) ln -sfn "$source" "$root$target" ;;
	d) mkdir -p "$root$target" ;;
	esac
done <"$work/later"

if [ -n "$compile" ]; then
	say 'image: compiling the Python library'
	if [ "$(id -u)" -eq 0 ]; then
		PYTHONHASHSEED=0 chroot "$root" /usr/bin/python3 -I -S \
		    -m compileall -q -j1 --invalidation-mode unchecked-hash \
		    /usr/lib || :
	fi
fi

# No setuid program, no special file, and nobody's permissions but root's.
find "$root" -type f -perm /6000 -exec chmod ug-s {} +
find "$root" ! -type f ! -type d ! -type l -delete
chmod -R u+rwX,go+rX,go-w "$root"

[ -z "$tree" ] || cp -a "$root" "$tree"
say 'image: packing'
mkfs.erofs --quiet -zlz4hc -x-1 -T0 --all-root \
    -U 00000000-0000-0000-0000-000000000001 "$out" "$root" >/dev/null
[ ! -t 2 ] || printf '\r\033[K' >&2
