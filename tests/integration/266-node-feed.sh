#!/bin/sh
# Messages of the network reach functions that subscribed to them, and owners
# change what the node has of theirs, by a feed that may break off at any time.
. "$abs_top_srcdir/tests/lib/node.sh"
need="busybox"
. "$abs_top_srcdir/tests/lib/tools.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
. "$abs_top_srcdir/tests/lib/npm.sh"
. "$abs_top_srcdir/tests/lib/network.sh"
image=$(image busybox)

network_feed
policy() { # FEED [MORE]
	printf 'version: 1\nfetch: {feed: "%s/api/ws0/messages"%s}\n' "$1" "${2:-}" >"$work/policy.yaml"
	chmod 600 "$work/policy.yaml"
}
post() { # KEY TEXT [ADDRESS]
	network_sign "$1" POST "{\"address\":\"${3:-$owner}\",\"time\":1,\"type\":\"t\",\"content\":{\"text\":\"$2\"}}"
}
metric() {
	curl -s "$(sed -n 's/^metrics //p' "$work/node.out")/metrics" | sed -n "s/^cella_feed_$1 //p"
}
counted() { # RESULT NUMBER
	[ "$(metric "messages_total{result=\"$1\"}")" = "$2" ]
}
is_up() {
	[ "$(metric up)" = 1 ]
}
is_down() {
	[ "$(metric up)" = 0 ]
}
has() { # STATE NUMBER
	[ "$("$cella" jobs --json | grep -c "\"state\": \"$1\"")" -eq "$2" ]
}

policy "ws://127.0.0.1:$port"
node_start --policy "$work/policy.yaml" --metrics 127.0.0.1:0
await is_up
contains "what it asks for" "/api/ws0/messages?history=199&startDate=1" "$(cat "$net/asked")"
function_of posts '! grep -q '\''"bad"'\''' http false on ',"message":[{"type":"POST","content":{"type":"t"}}]'

# ---- who may say something ----
network_send "$(post "$work/key" first)"
await has done 1
first=$(tail -n 1 "$net/send" | cut -d ' ' -f 2-)
network_send "$first"
network_send "$(post "$work/other.key" stolen)"
network_send "$(post "$work/key" changed | sed 's/changed\\/CHANGED\\/')"
network_send "$(post "$work/key" copied | sed 's/"text": "copied"/"text": "bad"/')"
network_send '{"type":"POST","sender":"0xA","content":{"type":"t","address":"0xA"}}'
network_send "$(post "$work/key" last)"
await has done 3
await counted delivered 4 # the first one twice, for one job
expect "another's, and nobody's" 2 "$(metric 'messages_total{result="unverified"}')"
expect "a changed one" 1 "$(metric 'messages_total{result="refused"}')"

# ---- what owners say ----
store() { # TIME TEXT [REF]: its file is here
	printf '#!/bin/sh\necho %s\n' "$2" >"$work/file"
	digest=$("$cella" store add "$work/file" --as code)
	network_sign "$work/key" STORE "{\"address\":\"$owner\",\"time\":$1,\"item_type\":\"storage\",\"item_hash\":\"$digest\"${3:+,\"ref\":\"$3\"}}"
}
store 1 old >"$work/s.json"
old=$("$cella" publish "$work/s.json")
latest=$(network_program "$old" "$work/key" true)
expect "before" old "$(call "$latest")"
network_send "$(store 2 new "$old")"
await counted published 1
expect "an amend" new "$(call "$latest")"
network_send "$(store 3 unknown "$(printf %064d 5)")"
# Of others' words on it no trace is left.
network_send "$(network_sign "$work/other.key" FORGET "{\"address\":\"$other\",\"time\":4,\"hashes\":[\"$latest\",\"$old\"]}")"
network_send "$(network_sign "$work/other.key" STORE "{\"address\":\"$other\",\"time\":9,\"item_type\":\"storage\",\"item_hash\":\"$digest\",\"ref\":\"$old\"}")"
await counted ignored 3
expect "who is not the owner" new "$(call "$latest")"
expect "no record" 0 "$("$cella" audit show --json | grep -c "$other")"
network_send "$(network_sign "$work/key" FORGET "{\"address\":\"$owner\",\"time\":4,\"hashes\":[\"$latest\"]}")"
await counted published 2
call "$latest" >/dev/null
expect "taken back" 404 "$(status)"

# ---- what breaks off ----
expect "all the same connection" 1 "$(grep -c startDate "$net/asked")"
for how in '!close' '!break' '!rule'; do
	network_send "$how"
	await is_down
	await is_up
done
expect "an amend that comes again" 2 "$(metric 'messages_total{result="published"}')"
expect "connected again" 4 "$(grep -c startDate "$net/asked")"
escapes=$(printf '{"type":"\033[2J","type":"\302\233"}')
for what in "$escapes" '!long' '!binary' 'no JSON' '[1]' '{"type":[[[[[[' '{"item_hash":"x"}'; do
	network_send "$what"
done
network_send "$(post "$work/key" after)"
await has done 4
expect "the same connection" 4 "$(grep -c startDate "$net/asked")"

LC_ALL=C grep -q "$(printf '[\033\302]')" "$work/node.err" && fail "a terminal would obey what is logged"

# What comes while core is away, and while the feed is.
touch "$net/refuse"
network_send '!break'
await grep -q 'answers "HTTP/1.1 503' "$work/node.err"
network_send "$(post "$work/key" away)"
rm "$net/refuse"
await has done 5
kill -9 "$(child cella-core)"
network_send "$(post "$work/key" dead)"
await sh -c "[ \"\$(curl -s http://$http/readyz)\" = ok ]"
await has done 6
kill -9 "$(child cella-fetch)"
network_send "$(post "$work/key" gone)"
await has done 7
expect "nothing twice" "7 7" "$("$cella" jobs --json | grep -c '"state"') $("$cella" audit show --kind admit --json | grep -c '"trigger": *"message"')"
grep -q 'it speaks' "$net/asked" && fail "it says something"
node_stop
expect "end" 0 "$status"
kill "$server"

# ---- TLS ----
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
    -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
    -keyout "$work/tls.key" -out "$work/tls.pem" 2>/dev/null
network_feed "$work/tls.pem" "$work/tls.key"
policy "wss://127.0.0.1:$port" ", unverified: true"
: >"$work/node.err"
node_start --policy "$work/policy.yaml" --metrics 127.0.0.1:0
await grep -q 'feed: wss.*ertificate' "$work/node.err"
expect "a certificate that nobody vouches for" 0 "$(metric up)"
node_stop
# The same with an authority that does.
node_within() {
	exec unshare -m sh -c 'mount --bind "$1" /etc/ssl/certs/ca-certificates.crt && shift && exec "$@"' sh "$work/tls.pem" "$@"
}
node_prefix=node_within node_start --policy "$work/policy.yaml" --metrics 127.0.0.1:0
await is_up
network_send "$(post "$work/other.key" anybody)"
await has done 8
node_stop
finish
