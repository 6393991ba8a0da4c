#!/bin/sh
# Ephemeral volumes have a size; data is read; the export is packed, the same
# bytes twice, and starts from data where they share a mount.
. "$abs_top_srcdir/tests/lib/node.sh"
need=tools
. "$abs_top_srcdir/tests/lib/tools.sh"
r=$work/r.json
message "$work/m.json" more ',"volumes":[{"mount":"/var/cache","ephemeral":true,"size_mib":1}]'
out=$("$cella" run "$work/m.json" --arg disk --arg /var/cache/x)
contains "ephemeral" "No space left on device after 1 MiB" "$out"
expect "rename in a volume" moved "$("$cella" run "$work/m.json" --arg move --arg /var/cache/f --arg /var/cache/d)"
expect "rename in /tmp" moved "$("$cella" run "$work/m.json" --arg move --arg /tmp/f --arg /tmp/d)"
mkdir "$work/d"; echo first >"$work/d/state"; mkdir "$work/d/sub"; echo two >"$work/d/sub/b"
data=$("$cella" store add "$work/d" --as data)
expect "deterministic" "$data" "$("$cella" store add "$work/d" --as data)"
message "$work/m.json" more ",\"data\":{\"encoding\":\"tar.gzip\",\"mount\":\"/data\",\"ref\":\"$data\",\"use_latest\":false}"
expect "data" first "$("$cella" run "$work/m.json" --arg cat --arg /data/state)"
contains "read-only" "Read-only file system" "$("$cella" run "$work/m.json" --arg put --arg /data/x --arg y)"
for form in zip tar.gzip squashfs; do
	message "$work/m.json" more ",\"export\":{\"encoding\":\"$form\",\"mount\":\"/out\"}"
	"$cella" run "$work/m.json" --arg put --arg /out/file --arg text --result "$r" --export "$work/e"
	expect "$form" 0 $?
	first=$(sed -n '/"export"/,/}/s/.*"digest": "\(.*\)",/\1/p' "$r" | tail -n 1)
	expect "$form: digest" "$first" "$(sha256sum <"$work/e" | cut -d' ' -f1)"
	"$cella" run "$work/m.json" --arg put --arg /out/file --arg text --result "$r"
	expect "$form: the same twice" "$first" "$(sed -n '/"export"/,/}/s/.*"digest": "\(.*\)",/\1/p' "$r" | tail -n 1)"
done
message "$work/m.json" more ",\"export\":{\"encoding\":\"plain\",\"mount\":\"/out\"}"
out=$("$cella" run "$work/m.json" --arg put --arg /out/other --arg text --result "$r" 2>&1)
expect "an export that cannot be packed" 1 $?
contains "sentence" "plain: the export is one file, called data" "$out"
expect "verdict" exit "$(field "$r" verdict)"
message "$work/m.json" more ",\"data\":{\"encoding\":\"tar.gzip\",\"mount\":\"/s\",\"ref\":\"$data\",\"use_latest\":false},\"export\":{\"encoding\":\"tar.gzip\",\"mount\":\"/s\"}"
"$cella" run "$work/m.json" --arg put --arg /s/new --arg text --export "$work/e.tgz"
expect "state" "first text two" "$(mkdir "$work/x"; tar -xzf "$work/e.tgz" -C "$work/x"; cat "$work/x/state" | tr -d '\n'; echo " $(cat "$work/x/new") $(cat "$work/x/sub/b")")"
finish
