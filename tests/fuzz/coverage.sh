#!/bin/sh
# How much of each decoder its corpus reaches, in lines.  Runs in a build made
# with --enable-coverage; fails below the bound that it is given.
#
# usage: coverage.sh SOURCE-DIRECTORY PERCENT
set -eu
top=$1
bound=$2
low=0
decoders() {
	case $1 in
	aleph) echo 'messages/(aleph|aleph_checks|aleph_fields|aleph_item|aleph_schema|schema)\.c' ;;
	archive) echo 'guest/(extract|layer|tree)\.c' ;;
	channel) echo 'messages/channel.*\.c' ;;
	dns) echo 'messages/dns\.c' ;;
	egress) echo 'policy/egress.*\.c' ;;
	exchange) echo 'runtime/exchange.*\.c' ;;
	filter) echo 'policy/(filter|emulate)\.c' ;;
	gate) echo 'runtime/gate\.c' ;;
	grpc) echo '(messages/(grpc|protobuf|proto_message)|runtime/grpc_(call|conn|head|health|reflection|request))\.c' ;;
	ipfs) echo 'messages/(base32|car|cid|dag_pb|ipfs|varint)\.c' ;;
	json) echo 'messages/json\.c' ;;
	machine) echo '(policy/machine|messages/launch_msgs)\.c' ;;
	state) echo 'messages/(machine_config|manifest|merkle_json)\.c' ;;
	websocket) echo 'messages/websocket\.c' ;;
	yaml) echo 'messages/yaml\.c' ;;
	esac
}
for t in aleph archive channel dns egress exchange filter gate grpc ipfs json machine state websocket yaml; do
	find . -name '*.gcda' -delete
	"tests/fuzz/replay_$t" >/dev/null
	lines=$(gcovr -r "$top" --object-directory . -f ".*$(decoders $t)" 2>/dev/null |
	    sed -n 's/^TOTAL.* \([0-9]*\)%.*/\1/p')
	echo "$t: $lines % of $(decoders $t)"
	[ "${lines:-0}" -ge "$bound" ] || low=1
done
exit $low
