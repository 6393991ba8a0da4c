# Images that are slow to build are built once, in the build tree, and linked
# into the store of the test.  Set "need" to their names before.
for name in $need; do
	(
		flock 9
		# An image holds programs of ours: a newer one wants another.
		[ "$images.$name" -nt "$abs_top_builddir/cella-unpack" ] &&
		    [ "$images.$name" -nt "$abs_top_srcdir/guest/asgi.py" ] &&
		    [ "$images.$name" -nt "$abs_top_srcdir/guest/cella_rollup.py" ] &&
		    "$cella" image show "$name" --store "$images" >/dev/null 2>&1 ||
		    { "$cella" image build "$name" --store "$images" >/dev/null 2>&1 &&
			touch "$images.$name"; }
	) 9>"$images.lock" || { echo "no image $name"; exit 1; }
done
cp -aln "$images/." "$CELLA_STORE/" 2>/dev/null || cp -an "$images/." "$CELLA_STORE/"
image() {
	"$cella" image show "$1"
}
look
