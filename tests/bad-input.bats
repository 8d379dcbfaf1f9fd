#!/usr/bin/env bats
# What no honest client sends, and what no honest disk does. Anything that cannot be parsed closes
# its connection and only that; anything wrong with one partition is an error code in a normal reply.
#
# Each row of the matrix, and the test that shows it (here, unless a file is named):
#
#   size < 0, 0, > socket.request.max.bytes   size negative, zero or beyond ...; a large size that is announced ...
#   body shorter than fields, trailing bytes  body shorter than its fields closes, ...
#   array and string lengths                  array and string lengths that are negative or more than there is
#   null, varints, not UTF-8                  null where there must be something, ...
#   unknown tagged field                      unknown tagged fields are skipped by their size
#   unknown key, version, header; TLS, HTTP   unknown requests, versions and headers; ...
#   duplicates in a request                   the same topic, partition or name twice in a request;
#                                             a partition twice ...; the same again and again ...
#   CRC, short header, magic > 2              a batch that does not fit its checksum, ...
#   truncated, none, two, magic 0 and 1       a batch cut off, none, two, or of an old format
#   absurd counts and deltas                  absurd counts and offsets in a batch
#   decompression bomb                        packed records that are damaged or too many;
#                                             broker-limits: what batches unpack to is in memory one at a time
#   oversize record                           a batch larger than the topic's limits
#   topic names                               topic names that are none, or would be a path
#   before SASL is done, expired sessions     SASL is not spoken here: its frames and raw tokens close
#   slow loris, idle                          broker-limits: a connection must ask something, ...; max.connections ...
#   a reader that never drains                broker-limits: who never reads is not answered for ever
#   too many requests in flight               broker-metrics: so many requests of one connection ...;
#                                             broker-limits: 200 large Produce at once ...
#   floods of members, metadata, topics       too many members, too much metadata, ...
#   disk full, EIO, a failed sync             a full disk, and one that fails; unit/store/faults, sweep
#   no descriptors left                       broker-limits: when descriptors run out, ...
#   corrupted files at start                  files that are damaged at a start; unit/store/recovery, crashes
#   partition -1, offsets near 2^63, replicas partitions and offsets that cannot be, ...

load lib/kc

setup_file() {
	run_kc_broker --data-dir "$BATS_FILE_TMPDIR/broker" -o socket.request.max.bytes=20000000 \
		-o group.max.size=3 -o group.consumer.max.size=3 \
		-o max.incremental.fetch.session.cache.slots=2
	kcat -P -b "$KC_BROKERS" -t t </dev/null
	eventually kcat -L -b "$KC_BROKERS" -t t >/dev/null
}

teardown_file() {
	stop_broker
}

setup() {
	only_kc_broker
}

ask() { # NAME VERSION [JSON]
	timeout 60 "$ROOT/tests/lib/ask" "$KC_BROKERS" "$@"
}

# The case's connection is closed, and another one is served.
closes() { # CASE...
	local case
	for case; do
		exits 0 timeout 60 "$ROOT/tests/lib/frames" "$KC_BROKERS" "$case"
		[ "$output" = closed ] || {
			echo "$case: $output"
			return 1
		}
	done
	is_served
}

is_served() {
	[[ $("$ROOT/tests/lib/frames" "$KC_BROKERS" versions) == "reply 000000070000"* ]]
}

# A batch of this kind is refused with this code, and the next one is taken.
refuses() { # CODE CASE...
	local want=$1 case
	shift
	for case; do
		exits 0 timeout 60 "$ROOT/tests/lib/batches" "$KC_BROKERS" t "$case"
		[ "$output" = "$want" ] || {
			echo "$case: $output, not $want"
			return 1
		}
	done
	[ "$("$ROOT/tests/lib/batches" "$KC_BROKERS" t good)" = 0 ]
}

resident() { # kB
	awk '/^VmRSS/ { print $2 }' "/proc/$BROKER_PID/status"
}

end_offset() {
	ask ListOffsets 5 '{"ReplicaId":-1,"Topics":[{"Name":"t","Partitions":[{"PartitionIndex":0,"CurrentLeaderEpoch":-1,"Timestamp":-1}]}]}' |
		jq '.Topics[0].Partitions[0].Offset'
}

@test "size negative, zero or beyond socket.request.max.bytes" {
	closes size-negative size-zero size-huge
}

@test "a large size that is announced takes no memory" {
	local before
	before=$(resident)
	mkfifo "$BATS_TEST_TMPDIR/hold" "$BATS_TEST_TMPDIR/held"
	"$ROOT/tests/lib/frames" "$KC_BROKERS" partial 100 <"$BATS_TEST_TMPDIR/hold" >"$BATS_TEST_TMPDIR/held" 3>&- 4>&- &
	exec 8>"$BATS_TEST_TMPDIR/hold"
	read -r -t 60 line <"$BATS_TEST_TMPDIR/held"
	[ "$line" = held ]
	is_served
	[ "$(resident)" -lt $((before + 4096)) ]
	exec 8>&-
	wait
}

@test "body shorter than its fields closes, trailing bytes are ignored" {
	closes header-short body-short client-id-long
	[[ $("$ROOT/tests/lib/frames" "$KC_BROKERS" trailing-bytes) == "reply 000000070000"* ]]
}

@test "array and string lengths that are negative or more than there is" {
	local before
	before=$(resident)
	closes array-negative array-bomb array-bomb-compact string-negative string-bomb-compact
	[ "$(resident)" -lt $((before + 4096)) ]
}

@test "null where there must be something, endless varints, names that are not UTF-8" {
	closes name-null name-null-compact varint-endless client-id-not-utf8 name-not-utf8
}

@test "unknown tagged fields are skipped by their size" {
	[[ $("$ROOT/tests/lib/frames" "$KC_BROKERS" tag-unknown) == "reply 00000007"* ]]
	closes tags-bomb tag-size-bomb
}

@test "unknown requests, versions and headers; TLS and HTTP on the port" {
	closes api-unknown api-internal version-high version-negative produce-below-3 garbage tls http http
	# a line a host, not one a connection
	[ "$(grep -c "a client tries" "$BROKER_LOG")" -le 2 ]
	grep -q "a client tries TLS" "$BROKER_LOG"
}

@test "the same topic, partition or name twice in a request" {
	exits 0 ask CreateTopics 5 '{"Topics":[{"Name":"twice","NumPartitions":1,"ReplicationFactor":1},{"Name":"twice","NumPartitions":1,"ReplicationFactor":1}]}'
	[ "$(jq -c '[.Topics[].ErrorCode]' <<<"$output")" = "[42]" ]
	exits 0 ask CreatePartitions 1 '{"Topics":[{"Name":"t","Count":2},{"Name":"t","Count":3}]}'
	[ "$(jq -c '[.Results[].ErrorCode]' <<<"$output")" = "[42]" ]
	exits 0 ask Metadata 7 '{"Topics":[{"Name":"t"},{"Name":"t"}]}'
	[ "$(jq -c '[.Topics[].ErrorCode]' <<<"$output")" = "[0]" ]
	exits 0 ask IncrementalAlterConfigs 1 '{"Resources":[{"ResourceType":2,"ResourceName":"t"},{"ResourceType":2,"ResourceName":"t"}]}'
	[ "$(jq -c '[.Responses[].ErrorCode]' <<<"$output")" = "[42,42]" ]
	exits 0 ask AlterConfigs 1 '{"Resources":[{"ResourceType":2,"ResourceName":"t","Configs":[{"Name":"retention.ms","Value":"5000"}]},{"ResourceType":2,"ResourceName":"t"}]}'
	[ "$(jq -c '[.Responses[].ErrorCode]' <<<"$output")" = "[42,42]" ]
	[ "$(kc-topics show --json t | jq -c .configs)" = '{}' ]
	exits 0 ask DeleteTopics 5 '{"TopicNames":["t","t"]}'
	[ "$(jq -c '[.Responses[].ErrorCode]' <<<"$output")" = "[42]" ]
}

# What a reply says of the partition 0 of t, jq's FIELDS of each time it does.
each() { # FIELDS NAME VERSION JSON
	exits 0 ask "${@:2}"
	jq -c "[(.Topics // .Responses)[].Partitions[] | select((.PartitionIndex // .Partition) == 0) | $1]" <<<"$output"
}

@test "a partition twice in a request: one answer, done once" {
	local p='"PartitionIndex":0' batch record='"CurrentLeaderEpoch":-1,"PartitionMaxBytes":1000000' epoch
	batch=$("$ROOT/tests/lib/batches" "$KC_BROKERS" t hex good)
	kc-topics create -q two
	seq 9 | kc-produce -q --raw two
	produce() { # PARTITIONS
		exits 0 ask Produce 9 "{\"Acks\":-1,\"TimeoutMs\":30000,\"TopicData\":[{\"Name\":\"two\",\"PartitionData\":[$1]}]}"
		jq -c '[.Responses[].PartitionResponses[].ErrorCode]' <<<"$output"
	}
	batch="{\"Index\":0,\"Records\":\"$batch\"}"
	# Kafka appends the last one and says nothing of the first
	[ "$(produce "$batch,$batch")" = "[42,42]" ]
	[ "$(produce "$batch")" = "[0]" ]
	# as Kafka: ListOffsets refuses, elsewhere the last one counts
	p="$p,\"CurrentLeaderEpoch\":-1,\"Timestamp\":-1"
	[ "$(each '[.ErrorCode, .Offset]' ListOffsets 5 "{\"ReplicaId\":-1,\"Topics\":[{\"Name\":\"two\",\"Partitions\":[{$p},{$p}]},{\"Name\":\"two\",\"Partitions\":[{$p}]}]}")" = "[[42,-1]]" ]
	[ "$(each '[.ErrorCode, .Offset]' ListOffsets 5 "{\"ReplicaId\":-1,\"Topics\":[{\"Name\":\"two\",\"Partitions\":[{$p}]}]}")" = "[[0,10]]" ]
	exits 0 ask WriteTxnMarkers 1 '{"Markers":[{"ProducerId":1,"ProducerEpoch":0,"TransactionResult":true,"CoordinatorEpoch":0,"Topics":[{"Name":"two","PartitionIndexes":[0,0]}]}]}'
	[ "$(jq -c '[.Markers[].Topics[].Partitions[].ErrorCode]' <<<"$output")" = "[0]" ]
	[ "$(each .Offset ListOffsets 5 "{\"ReplicaId\":-1,\"Topics\":[{\"Name\":\"two\",\"Partitions\":[{$p}]}]}")" = "[11]" ]
	for epoch in -1 0; do
		[ "$(each '[.ErrorCode, (.Records | length > 0)]' Fetch 11 "{\"SessionEpoch\":$epoch,\"Topics\":[{\"Topic\":\"two\",\"Partitions\":[
			{\"Partition\":0,\"FetchOffset\":99,$record},{\"Partition\":0,\"FetchOffset\":1,$record}]}]}")" = "[[0,true]]" ]
	done
	[ "$(each '[.ErrorCode, .LowWatermark]' DeleteRecords 2 '{"Topics":[{"Name":"two","Partitions":[
		{"PartitionIndex":0,"Offset":4},{"PartitionIndex":0,"Offset":2}]},{"Name":"two","Partitions":[]}]}')" = "[[0,2]]" ]
	exits 0 ask OffsetCommit 2 '{"GroupId":"two","GenerationIdOrMemberEpoch":-1,"Topics":[{"Name":"two","Partitions":[{"PartitionIndex":0,"CommittedOffset":1},{"PartitionIndex":0,"CommittedOffset":2}]}]}'
	[ "$(each .CommittedOffset OffsetFetch 7 '{"GroupId":"two","Topics":[{"Name":"two","PartitionIndexes":[0,0]}]}')" = "[2]" ]
}

@test "the same again and again in a request: the reply does not grow with it" {
	many() { # COUNT ITEM: so many of it
		jq -nc --argjson n "$1" --argjson i "$2" '[range($n) | $i]'
	}
	kc-topics create -q much
	exits 0 ask OffsetCommit 2 "$(jq -nc --arg m "$(printf '%4000s' '')" '{GroupId:"much",GenerationIdOrMemberEpoch:-1,Topics:[{Name:"much",Partitions:[{PartitionIndex:0,CommittedOffset:1,CommittedMetadata:$m}]}]}')"
	exits 0 ask OffsetFetch 7 - < <(many 100000 0 | jq -c '{GroupId:"much",Topics:[{Name:"much",PartitionIndexes:.}]}')
	exits 0 ask OffsetFetch 8 - < <(many 50000 '{"GroupId":"much","Topics":null}' | jq -c '{Groups:.}')
	[ "$(jq -c '[.Groups[].Topics[].Partitions[].CommittedOffset]' <<<"$output")" = "[1]" ]
	exits 0 ask DescribeConfigs 4 - < <(many 50000 '{"ResourceType":2,"ResourceName":"much","ConfigurationKeys":null}' | jq -c '{Resources:.,IncludeDocumentation:true,IncludeSynonyms:true}')
	[ "$(jq '.Results | length' <<<"$output")" = 1 ]
	# groups need not exist to have configs
	exits 0 ask DescribeConfigs 4 - < <(jq -nc '{Resources:[range(50000) | {ResourceType:32,ResourceName:"g\(.)",ConfigurationKeys:null}]}')
	[ "$(jq -c '[[.Results[].ErrorCode] | group_by(.)[] | [.[0], length]] | [.[0][0], .[0][1] > 1000, .[1][0]]' <<<"$output")" = "[0,true,42]" ]
	exits 0 ask DescribeGroups 5 - < <(many 100000 '"much"' | jq -c '{Groups:.}')
	[ "$(jq '.Groups | length' <<<"$output")" = 1 ]
	exits 0 ask ConsumerGroupDescribe 1 - < <(many 100000 '"much"' | jq -c '{GroupIds:.}')
	[ "$(jq '.Groups | length' <<<"$output")" = 1 ]
	exits 0 ask DescribeProducers 0 - < <(many 100000 0 | jq -c '{Topics:[{Name:"much",PartitionIndexes:.}]}')
	[ "$(jq '.Topics[0].Partitions | length' <<<"$output")" = 1 ]
	exits 0 ask DescribeTransactions 0 - < <(many 100000 '"much"' | jq -c '{TransactionalIds:.}')
	[ "$(jq '.TransactionStates | length' <<<"$output")" = 1 ]
	exits 0 ask DeleteGroups 2 - < <(many 100000 '"much"' | jq -c '{GroupsNames:.}')
	[ "$(jq -c '[.Results[].ErrorCode]' <<<"$output")" = "[0]" ]
}

@test "a batch that does not fit its checksum, its header or any magic" {
	refuses 2 crc short magic-3
}

@test "a batch cut off, none, two, or of an old format" {
	local before
	before=$(end_offset)
	refuses 87 truncated empty two trailing magic-0 magic-1
	[ "$(end_offset)" = $((before + 1)) ]
}

@test "absurd counts and offsets in a batch" {
	refuses 87 base count-huge count-zero count-negative last-huge last-negative count-more count-less \
		offsets-wrong record-damaged control sequence-missing codec-unknown
}

@test "packed records that are damaged or too many" {
	local before
	refuses 2 packed-damaged packed-short
	before=$(resident)
	refuses 87 bomb
	eventually eval "[ \$(resident) -lt $((before + 8192)) ]"
}

@test "a batch larger than the topic's limits" {
	refuses 10 large
	exits 0 ask CreateTopics 5 '{"Topics":[{"Name":"small","NumPartitions":1,"ReplicationFactor":1,"Configs":[{"Name":"segment.bytes","Value":"1048576"},{"Name":"max.message.bytes","Value":"10000000"}]}]}'
	exits 0 "$ROOT/tests/lib/batches" "$KC_BROKERS" small large
	[ "$output" = 18 ]
}

@test "topic names that are none, or would be a path" {
	local name
	for name in "" . .. ../x a/b 'a b' 'ä' "$(printf '%250s' '' | tr ' ' x)"; do
		exits 0 ask CreateTopics 5 "$(jq -nc --arg n "$name" '{Topics:[{Name:$n,NumPartitions:1,ReplicationFactor:1}]}')"
		[ "$(jq '.Topics[0].ErrorCode' <<<"$output")" = 17 ]
	done
	exits 0 ask CreateTopics 5 '{"Topics":[{"Name":"a.b","NumPartitions":1,"ReplicationFactor":1}]}'
	exits 0 ask CreateTopics 5 '{"Topics":[{"Name":"a_b","NumPartitions":1,"ReplicationFactor":1}]}'
	[ "$(jq '.Topics[0].ErrorCode' <<<"$output")" = 17 ]
	[ ! -e "$BATS_FILE_TMPDIR/x" ]
	# nor is one made for who only asks
	for name in "" .. ../x a/b; do
		exits 0 ask Metadata 7 "$(jq -nc --arg n "$name" '{Topics:[{Name:$n}],AllowAutoTopicCreation:true}')"
		[ "$(jq '.Topics[0].ErrorCode' <<<"$output")" = 17 ]
	done
	[ ! -e "$BATS_FILE_TMPDIR/x" ]
	[ "$(stat -c %a "$BATS_FILE_TMPDIR/broker")" = 700 ]
}

@test "SASL is not spoken here: its frames and raw tokens close" {
	closes sasl-handshake sasl-authenticate sasl-raw
}

@test "partitions and offsets that cannot be, and a fetch as a replica" {
	exits 0 ask ListOffsets 5 '{"ReplicaId":-1,"Topics":[{"Name":"t","Partitions":[{"PartitionIndex":-1,"CurrentLeaderEpoch":-1,"Timestamp":-1},{"PartitionIndex":2147483647,"CurrentLeaderEpoch":-1,"Timestamp":-1}]}]}'
	[ "$(jq -c '[.Topics[0].Partitions[].ErrorCode]' <<<"$output")" = "[3,3]" ]
	exits 0 ask DeleteRecords 1 '{"Topics":[{"Name":"t","Partitions":[{"PartitionIndex":0,"Offset":9223372036854775807}]}]}'
	[ "$(jq '.Topics[0].Partitions[0].ErrorCode' <<<"$output")" = 1 ]
	[[ $("$ROOT/tests/lib/frames" "$KC_BROKERS" fetch-far) == *"0174""00000001""00000000""0001"* ]]
	[[ $("$ROOT/tests/lib/frames" "$KC_BROKERS" fetch-replica) == "reply 0000000700000000001f"* ]]
}

@test "too many members, too much metadata, too many partitions, too many sessions" {
	local i codes=()
	exits 0 ask OffsetCommit 2 "$(jq -nc --arg m "$(printf '%5000s' '' | tr ' ' x)" '{GroupId:"g",GenerationIdOrMemberEpoch:-1,Topics:[{Name:"t",Partitions:[{PartitionIndex:0,CommittedOffset:1,CommittedMetadata:$m}]}]}')"
	[ "$(jq '.Topics[0].Partitions[0].ErrorCode' <<<"$output")" = 12 ]
	exits 0 ask CreateTopics 5 '{"Topics":[{"Name":"many","NumPartitions":10001,"ReplicationFactor":1}]}'
	[ "$(jq '.Topics[0].ErrorCode' <<<"$output")" = 44 ]
	for i in 1 2 3 4; do
		exits 0 ask ConsumerGroupHeartbeat 1 "{\"GroupId\":\"flood\",\"MemberId\":\"m$i\",\"MemberEpoch\":0,
			\"RebalanceTimeoutMs\":1000,\"SubscribedTopicNames\":[\"t\"],\"TopicPartitions\":[]}"
		codes+=("$(jq .ErrorCode <<<"$output")")
	done
	[ "${codes[*]}" = "0 0 0 81" ]
	# more sessions than are kept: those who get none are served all the same
	for i in 1 2 3 4; do
		[[ $("$ROOT/tests/lib/frames" "$KC_BROKERS" fetch-session) == reply* ]]
	done
	[[ $("$ROOT/tests/lib/frames" "$KC_BROKERS" fetch-session | cut -c 23-38) == 0000* ]]
}

own_broker() { # OPTION...: beside the file's
	run_kc_broker --data-dir "$BATS_TEST_TMPDIR/own" "$@"
}

end_own() {
	kill "$BROKER_PID"
	eventually is_gone "$BROKER_PID"
}

@test "a full disk, and one that fails" {
	fault() { kc-broker --data-dir "$BATS_TEST_TMPDIR/own" fault "$@" >/dev/null; }
	own_broker
	kc-topics create -q t
	fault add disk full
	[ "$("$ROOT/tests/lib/batches" "$KC_BROKERS" t good)" = 56 ]
	[ "$(end_offset)" = 0 ]
	fault clear
	[ "$("$ROOT/tests/lib/batches" "$KC_BROKERS" t good)" = 0 ]
	fault add disk eio
	[ "$("$ROOT/tests/lib/batches" "$KC_BROKERS" t good)" = 56 ]
	fault clear
	# no second try: read-only until it is started again, and what was there is read
	[ "$("$ROOT/tests/lib/batches" "$KC_BROKERS" t good)" = 56 ]
	[ "$(kc-consume -q -e t | wc -l)" = 1 ]
	grep -q 'no more appends are taken' "$BROKER_LOG"
	end_own
	own_broker
	[ "$("$ROOT/tests/lib/batches" "$KC_BROKERS" t good)" = 0 ]
	end_own
}

@test "files that are damaged at a start" {
	local log=$BATS_TEST_TMPDIR/own/t-0/00000000000000000000.log
	has_all() { [ "$(kc-consume -q -e t | wc -l)" = 100 ]; }
	own_broker
	kc-topics create -q t
	seq 100 | kc-produce -q --raw t
	exits 1 kc-broker --data-dir "$BATS_TEST_TMPDIR/own" --port 0
	says "$BROKER_PID"
	kill_broker
	# a torn tail goes, and is said in bytes
	head -c 100 /dev/urandom >>"$log"
	own_broker
	grep -q 'dropped 100 bytes' "$BROKER_LOG"
	eventually has_all # what is found is shown once it is durable again
	kill_broker
	# what was acknowledged does not go without a word
	rm "$BATS_TEST_TMPDIR/own/checkpoint"
	exits 1 kc-broker --data-dir "$BATS_TEST_TMPDIR/own" --port 0
	says --repair
	own_broker --repair
	eventually has_all
	kill_broker
	# nor does a part of the write-ahead log
	mv "$BATS_TEST_TMPDIR/own/wal/2" "$BATS_TEST_TMPDIR/kept"
	exits 1 kc-broker --data-dir "$BATS_TEST_TMPDIR/own" --port 0
	says "own/wal/2' is missing"
	mv "$BATS_TEST_TMPDIR/kept" "$BATS_TEST_TMPDIR/own/wal/2"
	own_broker
	eventually has_all
	end_own
}
