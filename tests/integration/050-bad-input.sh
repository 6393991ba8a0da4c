#!/bin/sh
# Bad input: one clear sentence, 125, a record with setup-error, nothing left.
. "$abs_top_srcdir/tests/lib/node.sh"
r=$work/r.json
# refused WHAT SENTENCE COMMAND...
refused() {
	what=$1 sentence=$2
	shift 2
	out=$("$@" 2>&1 >/dev/null)
	expect "$what: status" 125 $?
	contains "$what" "$sentence" "$out"
}
message "$work/m.json"
refused "no file" "No such file" "$cella" run "$work/none.json"
echo '{"a":1,"a":2}' >"$work/x.json"
refused "duplicate key" "duplicate" "$cella" run "$work/x.json" --result "$r"
expect "verdict" setup-error "$(field "$r" verdict)"
sed 's/"memory":64/"memory":0/' "$work/m.json" >"$work/x.json"
refused "range" "resources.memory: 0 is outside 1..1048576" "$cella" run "$work/x.json" --result "$r"
expect "verdict" setup-error "$(field "$r" verdict)"
sed 's/"memory":64/"memory":4096/' "$work/m.json" >"$work/x.json"
refused "above the tier" "resources.memory: asked 4294967296 bytes, allowed 2147483648 by rule limits.memory" "$cella" run "$work/x.json"
sed "s/$code/$(printf %064d 7)/" "$work/m.json" >"$work/x.json"
refused "unknown reference" "nothing is known of" "$cella" run "$work/x.json"
sed "s/\"ref\":\"$runtime\"/\"ref\":\"$code\"/" "$work/m.json" >"$work/x.json"
refused "no image" "is not an image that this node made" "$cella" run "$work/x.json"
sed 's/"environment":{}/"environment":{"internet":true}/' "$work/m.json" >"$work/x.json"
refused "internet" "environment.internet: asked true, allowed loopback" "$cella" run "$work/x.json"
sed 's/"entrypoint":"inside"/"entrypoint":"..\/x"/' "$work/m.json" >"$work/x.json"
refused "entrypoint" "is not a path below the code" "$cella" run "$work/x.json"
blob=$CELLA_STORE/blobs/sha256/$(printf %.2s "$code")/$code
chmod 644 "$blob"; printf x >>"$blob"
refused "damaged blob" "is damaged" "$cella" run "$work/m.json"
out=$("$cella" store verify 2>&1)
expect "verify" 1 $?
contains "verify" "1 damaged" "$out"
printf 'type: vm-function\nresources:\n  memory: zero\n' >"$work/m.yaml"
refused "place in YAML" "m.yaml: line 3, column 11: resources.memory: a string, not an integer" "$cella" run "$work/m.yaml"
contains "place in JSON" '"line": 3' "$("$cella" validate "$work/m.yaml" --json)"
printf 'tier: standard\nversion: 1\nunknown: 1\n' >"$work/p.yaml"
refused "policy key" "line 3, column 10: unknown: unknown key" "$cella" run "$work/m.json" --policy "$work/p.yaml"
chmod 666 "$work/p.yaml"
refused "policy of everybody" "nobody else can write" "$cella" run "$work/m.json" --policy "$work/p.yaml"
finish
