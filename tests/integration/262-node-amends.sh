#!/bin/sh
# An owner puts another file in the place of one that functions refer to, and
# takes messages back.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
image=$(image busybox)

printf '%064d\n' 1 >"$work/key"
printf '%064d\n' 2 >"$work/other.key"
# What the keys sign as (EIP-55).
owner=0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf
other=0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF

# message KEY TYPE CONTENT: signed, in $work/signed.json
message() {
	printf '%s' "$3" >"$work/content.json"
	"$cella" message sign "$work/content.json" --key "$1" --type "$2" >"$work/signed.json"
}
publish() {
	"$cella" publish "$work/signed.json" 2>&1
}
# store KEY OWNER TIME TEXT [REF]: the file is there, its message is published.
store() {
	printf '#!/bin/sh\necho %s\n' "$4" >"$work/file"
	digest=$("$cella" store add "$work/file" --as code)
	message "$1" STORE "{\"address\":\"$2\",\"time\":$3,\"item_type\":\"storage\",\"item_hash\":\"$digest\"${5:+,\"ref\":\"$5\"}}"
	publish
}
# program KEY OWNER TIME REF LATEST
program() {
	message "$1" PROGRAM "{\"type\":\"vm-function\",\"address\":\"$2\",\"time\":$3,\"allow_amend\":false,
	 \"environment\":{\"reproducible\":false,\"internet\":false,\"aleph_api\":false,\"shared_cache\":false},
	 \"resources\":{\"vcpus\":1,\"memory\":64,\"seconds\":5},\"volumes\":[],
	 \"code\":{\"encoding\":\"plain\",\"entrypoint\":\"run\",\"ref\":\"$4\",\"use_latest\":$5,\"interface\":\"exec\"},
	 \"runtime\":{\"ref\":\"$image\",\"use_latest\":false,\"comment\":\"\"},\"on\":{\"http\":true}}"
	publish
}
node_start
first=$(store "$work/key" "$owner" 1 first)
latest=$(program "$work/key" "$owner" 1 "$first" true)
pinned=$(program "$work/key" "$owner" 1 "$first" false)
expect "before" "first first" "$(call "$latest") $(call "$pinned")"

# ---- amends ----
second=$(store "$work/key" "$owner" 3 second "$first")
expect "an amend" "second first" "$(call "$latest") $(call "$pinned")"
contains "the record" "\"latest\":\"$second\"" "$("$cella" audit show --json | tr -d ' \n')"
store "$work/key" "$owner" 2 older "$first" >/dev/null
expect "an older one comes later" second "$(call "$latest")"
out=$(store "$work/other.key" "$other" 9 stolen "$first")
contains "another owner's" "of another owner" "$out"
out=$(store "$work/other.key" "$owner" 9 stolen "$first")
contains "in the owner's name" "of another owner" "$out"
printf '{"chain":"ETH","sender":"%s","type":"STORE","time":9,"item_type":"inline","signature":null,"item_content":' "$owner" >"$work/signed.json"
content="{\"address\":\"$owner\",\"time\":9,\"item_type\":\"storage\",\"item_hash\":\"$digest\",\"ref\":\"$first\"}"
printf '"%s","item_hash":"%s"}' "$(printf %s "$content" | sed 's/"/\\"/g')" "$(printf %s "$content" | sha256sum | cut -d ' ' -f 1)" >>"$work/signed.json"
contains "unsigned" "signature is missing" "$(publish)"
out=$(store "$work/key" "$owner" 9 twice "$second")
contains "an amend of an amend" "takes another's place itself" "$out"
out=$(store "$work/key" "$owner" 9 lost "$(printf %064d 5)")
contains "of nothing" "no STORE message" "$out"
expect "nothing of these" "second first" "$(call "$latest") $(call "$pinned")"
message "$work/key" STORE "{\"address\":\"$owner\",\"time\":1,\"item_type\":\"storage\",\"item_hash\":\"$(printf %064d 6)\"}"
contains "a file that is not there" "content.item_hash" "$(publish)"
message "$work/key" STORE "{\"address\":\"$owner\",\"time\":-1,\"item_type\":\"storage\",\"item_hash\":\"x\"}"
out=$(publish)
contains "all that is wrong" "2 things are wrong" "$out"
message "$work/key" POST "{\"address\":\"$owner\",\"time\":1}"
contains "of another type" "not a PROGRAM, a STORE or a FORGET" "$(publish)"

# ---- it survives ----
for pid in $(child cella-core); do kill -9 "$pid"; done
await sh -c "[ \"\$(curl -s http://$http/vm/$latest)\" = second ]"
expect "cella run sees it too" second "$("$cella" run "$latest")"

# ---- FORGET ----
forget() { # KEY OWNER HASH...
	key=$1 address=$2
	shift 2
	message "$key" FORGET "{\"address\":\"$address\",\"time\":4,\"hashes\":[$(printf '"%s",' "$@" | sed 's/,$//')]}"
	"$cella" publish "$work/signed.json" --json 2>&1
}
contains "a signature is needed" "needs its owner's signature" "$(forget "$work/other.key" "$owner" "$latest")"
contains "another's function" '"functions": []' "$(forget "$work/other.key" "$other" "$latest" "$first")"
expect "it is there yet" "second first" "$(call "$latest") $(call "$pinned")"
forget "$work/key" "$owner" "$second" >/dev/null
expect "an amend that is taken back" older "$(call "$latest")"
contains "a function" "$latest" "$(forget "$work/key" "$owner" "$latest")"
call "$latest" >/dev/null
expect "it is gone" 404 "$(status)"
program "$work/key" "$owner" 1 "$first" true >"$work/out"
contains "it cannot be published again" "took it back" "$(cat "$work/out")"
forget "$work/key" "$owner" "$first" >/dev/null
call "$pinned" >/dev/null
expect "a file that is taken back" 502 "$(status)"
for pid in $(child cella-core); do kill -9 "$pid"; done
await sh -c "[ \"\$(curl -s -o /dev/null -w '%{http_code}' http://$http/vm/$latest)\" = 404 ]"
expect "it is not listed" 0 "$(curl -s --unix-socket "$CELLA_STORE/control.sock" http://x/control/messages | grep -c "$latest")"

# What runs when it is taken back ends.
printf '#!/bin/sh\nsleep 60\n' >"$work/file"
digest=$("$cella" store add "$work/file" --as code)
slow=$(program "$work/key" "$owner" 8 "$digest" false | tail -n 1)
curl -s -o /dev/null -w '%{http_code}' "http://$http/vm/$slow" >"$work/slow" &
caller=$!
await sh -c "\"$cella\" ps --json | grep -q serving"
forget "$work/key" "$owner" "$slow" >/dev/null
wait $caller
expect "what ran" 502 "$(cat "$work/slow")"
expect "the log" 0 "$("$cella" audit verify >/dev/null 2>&1; echo $?)"
node_stop
expect "end" 0 "$status"
finish
