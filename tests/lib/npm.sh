# Packages of npm, as tests/oracle/package-lock.json names them, once in the
# build tree.  Sourced; sets modules to where they are.
command -v npm >/dev/null || { echo "needs npm"; exit 77; }
modules=$abs_top_builddir/tests/oracle.modules
(
	mkdir -p "$modules"
	flock 9
	cmp -s "$abs_top_srcdir/tests/oracle/package-lock.json" "$modules/package-lock.json" && exit 0
	cp "$abs_top_srcdir/tests/oracle/package.json" "$modules/"
	cp "$abs_top_srcdir/tests/oracle/package-lock.json" "$modules/package-lock.json.new"
	cd "$modules" || exit 1
	mv package-lock.json.new package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1 || {
		cat npm.log
		rm -f package-lock.json
		exit 1
	}
) 9>"$abs_top_builddir/tests/oracle.lock" || exit 1
