#!/usr/bin/env bats
# Transactions: what producers, readers and administrators see, and what a restart leaves.

load lib/kc

setup() {
	start_broker -o transaction.max.timeout.ms=60000
	t=$(topic)
	kc-topics create "$t" -p 1
}

teardown() {
	stop_broker
	rm -rf "$BATS_FILE_TMPDIR/broker"
}

ask() { # NAME VERSION JSON
	"$BATS_TEST_DIRNAME/lib/ask" "$KC_BROKERS" "$@"
}

restart() { # [OPTION...]: kill -9, and up again
	kill_broker
	start_broker -o transaction.max.timeout.ms=60000 "$@"
}

# Sets id and epoch, or leaves the error in them.
init() { # ID [TIMEOUT]
	read -r error id epoch < <(ask InitProducerId 4 \
		"{\"TransactionalId\":\"$1\",\"TransactionTimeoutMs\":${2-30000}}" |
		jq -r '"\(.ErrorCode) \(.ProducerId) \(.ProducerEpoch)"')
}

add() { # ID [VERSION]
	ask AddPartitionsToTxn "${2-3}" "{\"V3AndBelowTransactionalId\":\"$1\",\"V3AndBelowProducerId\":$id,
		\"V3AndBelowProducerEpoch\":$epoch,\"V3AndBelowTopics\":[{\"Name\":\"$t\",\"Partitions\":[0]}]}" |
		jq '.ResultsByTopicV3AndBelow[0].ResultsByPartition[0].PartitionErrorCode'
}

send() { # ID SEQUENCE VALUE [VERSION]: prints the error
	"$BATS_TEST_DIRNAME/lib/batches" "$KC_BROKERS" "$t" transaction "$1" "$id" "$epoch" "$2" "$3" "${4-7}"
}

end() { # ID true|false [VERSION]: prints the error
	ask EndTxn "${3-3}" "{\"TransactionalId\":\"$1\",\"ProducerId\":$id,\"ProducerEpoch\":$epoch,
		\"Committed\":$2}" | jq -r '.ErrorCode'
}

state() { # ID
	ask DescribeTransactions 0 "{\"TransactionalIds\":[\"$1\"]}" |
		jq -r '.TransactionStates[0] | "\(.ErrorCode) \(.TransactionState) \(.ProducerEpoch) \(.Topics | length)"'
}

committed() { # prints what is committed, in one line
	kcat -b "$KC_BROKERS" -C -t "$t" -e -q -X isolation.level=read_committed | paste -sd ' '
}

sees() { # WORDS
	[[ $(committed) == "$*" ]]
}

is_state() { # ID WORDS...
	[[ $(state "$1") == "${*:2}" ]]
}

@test "a transaction is seen when it is committed, and never when it is aborted" {
	init a
	[ "$error" = 0 ]
	[ "$(add a)" = 0 ]
	[ "$(send a 0 one)" = 0 ]
	[ "$(state a)" = "0 Ongoing 0 1" ]
	[ "$(committed)" = "" ]
	[ "$(end a true)" = 0 ]
	eventually sees one
	[ "$(state a)" = "0 CompleteCommit 0 0" ]
	[ "$(end a true)" = 0 ]   # the reply was lost
	[ "$(end a false)" = 48 ] # another wish
	[ "$(add a)" = 0 ]
	[ "$(send a 1 two)" = 0 ]
	[ "$(end a false)" = 0 ]
	[ "$(state a)" = "0 CompleteAbort 0 0" ]
	[ "$(add a)" = 0 ]
	[ "$(send a 2 three)" = 0 ]
	[ "$(end a true)" = 0 ]
	eventually sees one three
}

@test "a batch without its partition in the transaction is refused, by version" {
	init a
	[ "$(send a 0 one)" = 48 ]
	[ "$(send a 0 one 10)" = 48 ]
	[ "$(send a 0 one 11)" = 120 ]
	[ "$(send b 0 one)" = 49 ]
}

@test "a second producer fences the first, and aborts what it left open" {
	init a
	[ "$(add a)" = 0 ]
	[ "$(send a 0 lost)" = 0 ]
	local first=$epoch
	init a
	[ "$error" = 0 ]
	[ "$epoch" = $((first + 2)) ]
	epoch=$first
	[ "$(add a)" = 90 ]
	[ "$(add a 1)" = 47 ]
	[ "$(end a true)" = 90 ]
	[ "$(end a true 1)" = 47 ]
	[ "$(send a 1 zombie)" = 47 ]
	[ "$(committed)" = "" ]
}

@test "KIP-890: Produce 12 adds the partition, and every end raises the epoch" {
	init a
	[ "$(send a 0 one 12)" = 0 ]
	[ "$(state a)" = "0 Ongoing 0 1" ]
	run -0 ask EndTxn 5 "{\"TransactionalId\":\"a\",\"ProducerId\":$id,\"ProducerEpoch\":0,\"Committed\":true}"
	[ "$(jq -r '"\(.ErrorCode) \(.ProducerId) \(.ProducerEpoch)"' <<<"$output")" = "0 $id 1" ]
	[ "$(end a true 5)" = 0 ]   # the same again
	[ "$(end a false 5)" = 48 ] # it was committed
	[ "$(send a 1 late 12)" = 47 ]
	epoch=1
	[ "$(send a 0 two 12)" = 0 ]
	[ "$(end a false 5)" = 0 ]
	eventually sees one
}

@test "a transaction that takes too long is aborted, and its producer fenced" {
	init a 3000
	[ "$(add a)" = 0 ]
	[ "$(send a 0 slow)" = 0 ]
	eventually is_state a 0 CompleteAbort 1 0
	[ "$(end a true)" = 90 ]
	[ "$(committed)" = "" ]
	init a 60001
	[ "$error" = 50 ]
}

@test "kill -9: what is open stays open and can be committed, what is decided stays" {
	init a
	[ "$(add a)" = 0 ]
	[ "$(send a 0 one)" = 0 ]
	restart
	[ "$(state a)" = "0 Ongoing 0 1" ]
	[ "$(send a 1 two)" = 0 ]
	[ "$(end a true)" = 0 ]
	restart
	eventually sees one two
	[ "$(state a)" = "0 CompleteCommit 0 0" ]
	[ "$(end a true)" = 0 ]
	init a
	[ "$epoch" = 1 ]
}

# Less than a third of what was written to it is left.
states_compacted() {
	kc-consume -q -e -o beginning __transaction_state |
		jq -s -e 'length > 0 and last.offset > 300 and length * 3 < last.offset' >/dev/null
}

@test "__transaction_state is compacted, and a start after it knows every transaction" {
	local load
	restart -o transaction.state.log.num.partitions=1 -o log.cleaner.backoff.ms=50
	kc-topics create tx -p 4
	kc-topics create sink -p 4
	init a
	[ "$(add a)" = 0 ]
	[ "$(send a 0 one)" = 0 ]
	[ "$(end a true)" = 0 ]
	init b
	[ "$(add b)" = 0 ]
	[ "$(send b 0 two)" = 0 ]
	kc-topics alter -c internal.segment.bytes=4000 -c min.cleanable.dirty.ratio=0 __transaction_state
	"$KC_BIN/../tests/transact" "$KC_BROKERS" >"$BATS_TEST_TMPDIR/ledger" 2>&1 3>&- &
	load=$!
	eventually states_compacted
	kill "$load"
	wait "$load" || true
	restart -o log.cleaner.backoff.ms=50
	eventually states_compacted
	[ "$(state a)" = "0 CompleteCommit 0 0" ]
	[ "$(state b)" = "0 Ongoing 0 1" ]
	[ "$(send b 1 three)" = 0 ]
	[ "$(end b true)" = 0 ]
	eventually sees one two three
	init a
	[ "$epoch" = 1 ]
}

txn_offset() { # GROUP OFFSET: prints the errors
	ask AddOffsetsToTxn 3 "{\"TransactionalId\":\"a\",\"ProducerId\":$id,\"ProducerEpoch\":$epoch,\"GroupId\":\"$1\"}" |
		jq .ErrorCode
	ask TxnOffsetCommit 3 "{\"TransactionalId\":\"a\",\"GroupId\":\"$1\",\"ProducerId\":$id,\"ProducerEpoch\":$epoch,
		\"Topics\":[{\"Name\":\"$t\",\"Partitions\":[{\"PartitionIndex\":0,\"CommittedOffset\":$2,
		\"CommittedMetadata\":\"meta\"}]}]}" | jq '.Topics[0].Partitions[0].ErrorCode'
}

fetched() { # GROUP STABLE
	ask OffsetFetch 7 "{\"GroupId\":\"$1\",\"RequireStable\":$2,\"Topics\":[{\"Name\":\"$t\",\"PartitionIndexes\":[0]}]}" |
		jq -r '.Topics[0].Partitions[0] | "\(.ErrorCode) \(.CommittedOffset) \(.Metadata)"'
}

@test "offsets in a transaction count once it is committed" {
	local g=group-$t
	init a
	[ "$(txn_offset "$g" 5 | paste -sd ' ')" = "0 0" ]
	[ "$(fetched "$g" true)" = "88 -1 " ]
	[ "$(fetched "$g" false)" = "0 -1 " ]
	restart
	[ "$(fetched "$g" true)" = "88 -1 " ]
	[ "$(end a true)" = 0 ]
	[ "$(fetched "$g" true)" = "0 5 meta" ]
	[ "$(txn_offset "$g" 9 | paste -sd ' ')" = "0 0" ]
	[ "$(end a false)" = 0 ]
	[ "$(fetched "$g" true)" = "0 5 meta" ]
	restart
	[ "$(fetched "$g" true)" = "0 5 meta" ]
	# Not in a transaction: nothing is written.
	run -0 ask TxnOffsetCommit 3 "{\"TransactionalId\":\"a\",\"GroupId\":\"$g\",\"ProducerId\":$id,\"ProducerEpoch\":$epoch,
		\"Topics\":[{\"Name\":\"$t\",\"Partitions\":[{\"PartitionIndex\":0,\"CommittedOffset\":1}]}]}"
	[ "$(jq '.Topics[0].Partitions[0].ErrorCode' <<<"$output")" = 48 ]
}

@test "__consumer_offsets stays as it was made, so that a group's offsets are found where they are pending" {
	local g
	init a
	for g in group-{1..8}; do
		[ "$(txn_offset "$g" 5 | paste -sd ' ')" = "0 0" ]
	done
	run -0 ask CreatePartitions 3 '{"Topics":[{"Name":"__consumer_offsets","Count":5}],"TimeoutMs":9000}'
	[ "$(jq -r '.Results[0] | "\(.ErrorCode) \(.ErrorMessage)"' <<<"$output")" = \
		"42 the partitions of an internal topic are the broker's own affair" ]
	run -0 ask DeleteTopics 4 '{"TopicNames":["__consumer_offsets"],"TimeoutMs":9000}'
	[ "$(jq '.Responses[0].ErrorCode' <<<"$output")" = 42 ]
	restart -o offsets.topic.num.partitions=5
	[ "$(kc-topics show __consumer_offsets | grep -c "	partition	")" = 1 ]
	[ "$(end a true)" = 0 ]
	for g in group-{1..8}; do
		[ "$(fetched "$g" true)" = "0 5 meta" ]
	done
}

@test "transactions are listed and described, with all filters" {
	init open-1
	local open=$id
	[ "$(add open-1)" = 0 ]
	init idle-2
	ids() { # VERSION JSON
		ask ListTransactions "$@" | jq -r '[.TransactionStates[].TransactionalId] | sort | join(" ")'
	}
	[ "$(ids 0 '{}')" = "idle-2 open-1" ]
	[ "$(ids 0 '{"StateFilters":["Ongoing"]}')" = open-1 ]
	[ "$(ids 0 "{\"ProducerIdFilters\":[$open]}")" = open-1 ]
	[ "$(ids 1 '{"StateFilters":["Ongoing"],"DurationFilter":60000}')" = "" ]
	[ "$(ids 2 '{"TransactionalIdPattern":"idle-.*"}')" = idle-2 ]
	[ "$(ask ListTransactions 2 '{"TransactionalIdPattern":"("}' | jq .ErrorCode)" = 128 ]
	[ "$(ask ListTransactions 0 '{"StateFilters":["Nope"]}' | jq -c .UnknownStateFilters)" = '["Nope"]' ]
	[ "$(state nobody)" = "105  0 0" ]
	[ "$(state '')" = "42  0 0" ]
}

@test "all partitions are added or none, and a marker from outside ends a transaction" {
	init a
	run -0 ask AddPartitionsToTxn 3 "{\"V3AndBelowTransactionalId\":\"a\",\"V3AndBelowProducerId\":$id,
		\"V3AndBelowProducerEpoch\":0,\"V3AndBelowTopics\":[{\"Name\":\"$t\",\"Partitions\":[0,7]}]}"
	[ "$(jq -c '[.ResultsByTopicV3AndBelow[0].ResultsByPartition[].PartitionErrorCode]' <<<"$output")" = "[55,3]" ]
	[ "$(state a)" = "0 Empty 0 0" ]
	[ "$(add a)" = 0 ]
	[ "$(send a 0 one)" = 0 ]
	run -0 ask WriteTxnMarkers 1 "{\"Markers\":[{\"ProducerId\":$id,\"ProducerEpoch\":0,\"TransactionResult\":false,
		\"Topics\":[{\"Name\":\"$t\",\"PartitionIndexes\":[0,9]}]}]}"
	[ "$(jq -c '[.Markers[0].Topics[0].Partitions[].ErrorCode]' <<<"$output")" = "[0,3]" ]
	[ "$(committed)" = "" ]
	# Brokers ask whether a partition is in a transaction.
	local q="{\"TransactionalId\":\"a\",\"ProducerId\":$id,\"ProducerEpoch\":0,\"VerifyOnly\":true,\"Topics\":[{\"Name\":\"$t\",\"Partitions\":[0]}]}"
	[ "$(ask AddPartitionsToTxn 5 "{\"Transactions\":[$q]}" |
		jq '.ResultsByTransaction[0].TopicResults[0].ResultsByPartition[0].PartitionErrorCode')" = 0 ]
	[ "$(end a false)" = 0 ]
	[ "$(ask AddPartitionsToTxn 5 "{\"Transactions\":[$q]}" |
		jq '.ResultsByTransaction[0].TopicResults[0].ResultsByPartition[0].PartitionErrorCode')" = 120 ]
}

@test "a coordinator of a higher epoch wrote the last marker: ours end transactions all the same" {
	init a
	run -0 ask WriteTxnMarkers 1 "{\"Markers\":[{\"ProducerId\":$id,\"ProducerEpoch\":0,\"TransactionResult\":false,
		\"CoordinatorEpoch\":9,\"Topics\":[{\"Name\":\"$t\",\"PartitionIndexes\":[0]}]}]}"
	[ "$(send a 0 one 12)" = 0 ]
	[ "$(end a false 5)" = 0 ]
	epoch=1
	[ "$(send a 0 two 12)" = 0 ]
	[ "$(end a true 5)" = 0 ]
	eventually sees two
}

@test "a transaction that is decided takes no more batches while its markers are due" {
	stop_broker
	: >"$BATS_TEST_TMPDIR/rules"
	start_broker --faults "$BATS_TEST_TMPDIR/rules"
	init a
	[ "$(add a)" = 0 ]
	[ "$(send a 0 one)" = 0 ]
	kc-broker fault add --data-dir "$BATS_FILE_TMPDIR/broker" disk slow=5s
	end a true >"$BATS_TEST_TMPDIR/end" &
	local ending=$!
	eventually is_state a 0 PrepareCommit 0 1
	[ "$(send a 1 late)" = 19 ] # once more, until the transaction has ended
	wait $ending
	[ "$(cat "$BATS_TEST_TMPDIR/end")" = 0 ]
	kc-broker fault clear --data-dir "$BATS_FILE_TMPDIR/broker"
	eventually sees one
}
