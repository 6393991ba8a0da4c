# The network of a node, for a script: sourced after cellad.sh.  $net is what its
# servers serve and log, $work/key its owner's key, $work/other.key another's.
net=$work/net
mkdir -p "$net/messages" "$net/files" "$net/cars" "$net/faults"
: >"$net/log"
: >"$net/hooks"
printf '%064d\n' 1 >"$work/key"
printf '%064d\n' 2 >"$work/other.key"
# What the keys sign as (EIP-55).
owner=0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf
other=0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; [ -z "${node:-}" ] || { kill "$node"; wait "$node"; }; rm -rf "$work"' EXIT

# network_start COMMAND...: a server that prints its port; sets server and port.
network_start() {
	: >"$net/port"
	"$@" >"$net/port" 2>/dev/null &
	server=$!
	await grep -q . "$net/port"
	port=$(cat "$net/port")
}

# network_api: the paths of an Aleph API that a node reads (aleph_server.py).
network_api() {
	network_start "$abs_top_srcdir/tests/node/aleph_server.py" "$net"
}

# network_feed [CERTIFICATE KEY]: a feed (feed_server.mjs); wants npm.sh.
network_feed() {
	mkdir -p "$net"
	network_start env --chdir="$modules" node "$abs_top_srcdir/tests/node/feed_server.mjs" "$net" "$@"
	await [ -e "$net/send" ]
}

# network_send LINE: to who follows the feed.
network_send() {
	printf '%s %s\n' "$(date +%s.%N)" "$1" >>"$net/send"
}

# network_sign KEY TYPE CONTENT: a message, as one line.
network_sign() {
	printf '%s' "$3" >"$work/content.json"
	"$cella" message sign "$work/content.json" --key "$1" --type "$2" | tr -d '\n'
}

# network_field NAME: of a message on standard input, its own and not its content's.
network_field() {
	grep -o "\"$1\": \"[^\"]*\"" | head -n 1 | cut -d '"' -f 4
}

# network_store FILE [KEY]: with the network alone, and its STORE message; sets
# digest and hash.
network_store() {
	digest=$(sha256sum "$1" | cut -d ' ' -f 1)
	cp "$1" "$net/files/$digest"
	network_sign "${2:-$work/key}" STORE "{\"address\":\"$owner\",\"time\":1,\"item_type\":\"storage\",\"item_hash\":\"$digest\"}" >"$work/s.json"
	hash=$(network_field item_hash <"$work/s.json")
	cp "$work/s.json" "$net/messages/$hash"
}

# network_blocks FILE [OPTION=VALUE]...: its archive with a gateway alone
# (tests/node/ipfs.py); sets cid, and old, the same of version 0.  Options:
# chunk, fan, raw of the tree; but=last (it is missing), other (it is), reversed.
network_blocks() {
	PYTHONPATH=$abs_top_srcdir/tests/node PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 - "$net/cars" "$@" >"$work/cids" <<'END'
import sys
import ipfs
cars, name, *options = sys.argv[1:]
options = dict(o.split("=") for o in options)
but = options.pop("but", "")
tree = ipfs.Tree(open(name, "rb").read(), **{k: int(v) for k, v in options.items()})
if but == "last":
    tree.blocks.pop()
elif but == "other":
    tree.blocks[-1] = (tree.blocks[-1][0], b"?" + tree.blocks[-1][1][1:])
elif but == "reversed":
    tree.blocks = list(dict.fromkeys(reversed(tree.blocks)))
for cid in (ipfs.text(tree.root), ipfs.old_text(tree.root)):
    with open(f"{cars}/{cid}", "wb") as f:
        f.write(tree.car())
    print(cid)
END
	{
		read -r cid
		read -r old
	} <"$work/cids"
}

# network_program REF [KEY [LATEST]]: publishes an exec function whose code that
# is, signed by its owner if there is a key; prints its hash, or why not.  Wants
# an image in $image.
network_program() {
	if [ $# -gt 1 ]; then
		network_sign "$2" PROGRAM "{\"type\":\"vm-function\",\"address\":\"$owner\",\"time\":1,\"allow_amend\":false,
		 \"environment\":{\"reproducible\":false,\"internet\":false,\"aleph_api\":false,\"shared_cache\":false},
		 \"resources\":{\"vcpus\":1,\"memory\":64,\"seconds\":5},\"volumes\":[],
		 \"code\":{\"encoding\":\"plain\",\"entrypoint\":\"run\",\"ref\":\"$1\",\"use_latest\":${3:-false},\"interface\":\"exec\"},
		 \"runtime\":{\"ref\":\"$image\",\"use_latest\":false,\"comment\":\"\"},\"on\":{\"http\":true}}" >"$work/m.json"
	else
		cat >"$work/m.json" <<END
{"type":"vm-function","address":"0x00","time":1,"allow_amend":false,
 "environment":{},"resources":{"memory":64,"seconds":5},
 "code":{"encoding":"plain","entrypoint":"run","ref":"$1","interface":"exec"},
 "runtime":{"ref":"$image","comment":""},"on":{"http":true}}
END
	fi
	"$cella" publish "$work/m.json" 2>&1
}
