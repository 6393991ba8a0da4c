# What scripts say of what they see.  Sourced.  A script that starts no machine and
# no node has this alone, and its turn beside others.
failures=0

fail() {
	echo "FAILED: $*"
	failures=$((failures + 1))
}

# expect WHAT WANTED GOT
expect() {
	[ "$2" = "$3" ] || fail "$1: wanted '$2', got '$3'"
}

# contains WHAT PART WHOLE
contains() {
	case $3 in
	*"$2"*) ;;
	*) fail "$1: no '$2' in: $3" ;;
	esac
}
