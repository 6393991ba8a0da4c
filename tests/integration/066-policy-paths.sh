#!/bin/sh
# What is said of paths is what a machine finds: read, write and execute, in each
# kind of mount.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox tools"
. "$abs_top_srcdir/tests/lib/tools.sh"
mkdir "$work/d"
cp /bin/busybox "$work/d/program"
echo text >"$work/d/file"
data=$("$cella" store add "$work/d" --as data)
cat >"$work/probe" <<'END'
#!/bin/sh
# try PATH ACCESS COMMAND...
try() {
	path=$1 access=$2
	shift 2
	"$@" >/dev/null 2>&1 && echo "$path $access yes" || echo "$path $access no"
}
write() {
	printf "" >>"$1" # of a special command it would be the shell's end
}
for d in /tmp /scratch /out /dev/shm; do
	[ -w $d ] || continue # strict has no /dev/shm
	echo text >$d/file
	cp /bin/busybox $d/true
	chmod 755 $d/true
	try $d/file r cat $d/file
	try $d/file w write $d/file
	try $d/true x $d/true
done
for f in /data/file /opt/code/probe /bin/busybox /etc/passwd /proc/self/status; do
	try $f r cat $f
done
for f in /data/file /data/new /opt/code/probe /opt/code/new /bin/new /new; do
	try $f w write $f
done
try /data/program x /data/program true
try /bin/busybox x /bin/busybox true
try /opt/code/probe x /opt/code/probe stop
try / r ls /
try /dev/null w write /dev/null
try /dev/zero r head -c 1 /dev/zero
try /dev/new w write /dev/new
END
sed -i 's/^try() {/[ "${1:-}" = stop ] \&\& exit 0\ntry() {/' "$work/probe"
code=$("$cella" store add "$work/probe" --as code)
cat >"$work/m.json" <<END
{"type":"vm-function","address":"0x00","time":1,"allow_amend":false,"environment":{},
 "resources":{"memory":128,"seconds":20},
 "code":{"encoding":"plain","entrypoint":"probe","ref":"$code","interface":"exec"},
 "runtime":{"ref":"$(image busybox)","comment":""},
 "data":{"encoding":"tar.gzip","mount":"/data","ref":"$data","use_latest":false},
 "export":{"encoding":"zip","mount":"/out"},
 "volumes":[{"mount":"/scratch","ephemeral":true,"size_mib":8}],"on":{"http":false}}
END
tiers="strict standard"
[ -z "${CELLA_BRIEF:-}" ] || tiers=standard
for tier in $tiers; do
	"$cella" run "$work/m.json" --tier $tier >"$work/found" 2>"$work/err" || fail "$tier: $(cat "$work/err")"
	[ "$(grep -c . "$work/found")" -ge 25 ] || fail "$tier: only some were tried"
	while read -r path access found; do
		"$cella" policy explain --tier $tier --message "$work/m.json" --path "$path" --access "$access" >"$work/said"
		[ $? -eq 0 ] && said=yes || said=no
		expect "$tier: $path $access: $(paste -sd ' ' "$work/said")" "$found" "$said"
	done <"$work/found"
done
expect "the list of them" "/ /proc /dev /dev/shm /tmp /data /opt/code /out /scratch" \
    "$("$cella" policy explain --message "$work/m.json" | sed -n '/^mount /,/^$/s/^\(\/[^ ]*\) .*/\1/p' | paste -sd ' ')"
expect "what may be done" "/scratch memory writable noexec" \
    "$("$cella" policy explain --message "$work/m.json" | sed -n 's/^\(\/scratch\) *\([^ ]*\) *\([^ ]*\) *\([^ ]*\)$/\1 \2 \3 \4/p')"
expect "by what" "EROFS
  by    mount: /data is read-only, noexec
  then  Landlock: the rule for /data does not grant it" \
    "$("$cella" policy explain --message "$work/m.json" --path /data/file --access w)"
"$cella" policy explain --path relative 2>/dev/null
expect "no path" 1 $?
"$cella" policy explain --path /x --access q 2>/dev/null
expect "no access" 64 $?
finish
