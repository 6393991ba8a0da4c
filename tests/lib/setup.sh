# What quickstart and run-tests share: a progress line for each step, the
# packages, the build.  Sourced from the top of the tree.

step() {
	printf '==> %s\n' "$1"
}

packages='autoconf automake gcc libc6-dev make pkg-config
libarchive-dev libcap-dev libcmocka-dev libcurl4-gnutls-dev libgnutls28-dev libjansson-dev libmicrohttpd-dev libnghttp2-dev
libnl-3-dev libprotobuf-c-dev libseccomp-dev libsecp256k1-dev libsqlite3-dev libyaml-dev nettle-dev
protobuf-c-compiler protobuf-compiler
apt dpkg e2fsprogs erofs-utils squashfs-tools busybox-static scdoc curl'
test_packages='gcovr clang-format python3 python3-grpcio python3-hpack python3-prometheus-client python3-protobuf zip procps qemu-system-x86 kmod cpio strace
iproute2 nftables openssl nghttp2-client systemd'

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# Installs what is missing, and only then touches the network.
install_packages() {
	missing=
	for p in $packages $test_packages; do
		dpkg-query -W -f '${Status}\n' "$p" 2>/dev/null |
		    grep -q 'ok installed' || missing="$missing $p"
	done
	# Of Debian, unless there is one from elsewhere.
	command -v npm >/dev/null || missing="$missing nodejs npm"
	[ -n "$missing" ] || return 0
	step "install$missing"
	as_root apt-get -qq update &&
	    # shellcheck disable=SC2086 # a list of words
	    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
		--no-install-recommends $missing >/dev/null
}

# build DIRECTORY CONFIGURE-OPTION...: output only if it fails.
build() {
	dir=$1
	shift
	mkdir -p "$dir" || return 1
	top=$(pwd)
	{
		[ configure -nt configure.ac ] && [ Makefile.in -nt Makefile.am ] ||
		    autoreconf -fi
	} >"$dir/build.log" 2>&1 &&
	    {
		[ -e "$dir/Makefile" ] ||
		    (cd "$dir" && "$top/configure" "$@")
	    } >>"$dir/build.log" 2>&1 &&
	    make -C "$dir" -j2 all >>"$dir/build.log" 2>&1 && return 0
	tail -n 40 "$dir/build.log"
	return 1
}
