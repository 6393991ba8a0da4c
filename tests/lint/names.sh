#!/bin/sh
# Every symbol a file exports begins with the file's own name, so that a call
# says where to look: mount_plan_build() is in mount_plan.c.
bad=0
for lib in lib*.a; do
	nm -A -g --defined-only "$lib" 2>/dev/null |
	sed -n 's/^[^:]*:\(.*\)\.o:[0-9a-f]* [A-Z] \(.*\)$/\1 \2/p' >names.tmp
	while read -r stem sym; do
		stem=${stem#lib*_a-}
		# What protoc-c writes has names of its own.
		case $stem in *.pb-c) continue ;; esac
		case $sym in
		"$stem" | "${stem}"_* | __odr_asan* | __asan*) ;;
		*) echo "$lib: $sym is exported by $stem.c"; bad=1 ;;
		esac
	done <names.tmp
done
rm -f names.tmp
exit $bad
