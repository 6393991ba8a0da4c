#!/bin/sh
# Machine directories that StartSession must refuse can be made, and each is
# refused with its status and its words.
. "$abs_top_srcdir/tests/lib/node.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
. "$abs_top_srcdir/tests/lib/session.sh"
config=$work/c.yaml
sep='{'
# refuses NAME STATUS TEXT CONFIGURATION
refuses() {
	printf '%s\n' "$4" >"$config"
	echo_machine "$work/$1"
	printf '%s "%s": ["%s", "%s"]' "$sep" "$1" "$2" "$3" >>"$work/refused.json"
	sep=,
}
A=INVALID_ARGUMENT R=OUT_OF_RANGE
refuses manual $A "yield manual must be enabled" 'htif: {yield_manual: false}'
refuses automatic $A "yield automatic must be enabled" 'htif: {yield_automatic: false}'
refuses getchar $A "console getchar must be disabled" 'htif: {console_getchar: true}'
refuses rollup $A "missing server rollup config" 'rollup: false'
refuses tx $A "tx buffer buffer cannot be shared" 'rollup: {tx_buffer: {shared: true}}'
refuses rx $A "rx buffer buffer cannot be shared" 'rollup: {rx_buffer: {shared: true}}'
refuses metadata $A "input metadata buffer cannot be shared" 'rollup: {input_metadata: {shared: true}}'
refuses vouchers $A "voucher hashes buffer cannot be shared" 'rollup: {voucher_hashes: {shared: true}}'
refuses notices $A "notice hashes buffer cannot be shared" 'rollup: {notice_hashes: {shared: true}}'
refuses power $R "tx buffer memory range length not a power of two (2097153)" 'rollup: {tx_buffer: {length: 2097153}}'
refuses aligned $R "rx buffer memory range start not aligned to its power of two size" 'rollup: {rx_buffer: {start: 0x60001000}}'
refuses overlap $A "memory ranges overlap at 0x60200000" 'rollup: {rx_buffer: {start: 0x60200000}}'
echo } >>"$work/refused.json"
# One that is not what its hash says; one whose program never waits, and ends.
config=
echo_machine "$work/changed"
echo x >"$work/changed/tree/x"
echo_machine "$work/ends" --no-such-option
sed -i "s|}\$|, \"changed\": [\"ABORTED\", \"'$work/changed': its hash is not that of its contents\"], \"ends\": [\"ABORTED\", \"the machine ended before it waited (exit status 64)\"]}|" "$work/refused.json"
session_node
expect "refused" "" "$(session refused "$work")"
# A root that clients cannot leave.
node_stop
echo_machine "$work/good"
mkdir "$work/root"
mv "$work/good" "$work/root/in"
ln -s / "$work/root/out"
session_node --session-root "$work/root"
expect "below the root" "" "$(session started in "$work/root/in")"
contains "beside it" "'$work/tx' is not below '$work/root'" "$(session started out "$work/tx")"
contains "by a link" "No such file" "$(session started link "$work/root/out$work/tx")"
contains "by dots" "No such file" "$(session started dots "$work/root/../tx")"
expect "end" "" "$(session ended in)"
node_stop

# Many at once: each is as if it were alone.
session_node
echo_machine "$work/many" --notices=1
expect "many" "" "$(session concurrent "$work/many" 64)"
node_stop
finish
