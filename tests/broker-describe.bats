# broker-describe - what administration asks of kc-broker, answered as a
# cluster of one node answers it: paged topics, directories, quorum, elections

load lib/kc

setup_file() {
	start_broker
}

teardown_file() {
	stop_broker
}

setup() {
	only_kc_broker
	t=$(topic)
	kc-topics create -q "$t" -p 3
}

# The reply to a request, or what jq makes of it; TOPIC in the request is $t.
ask() { # NAME VERSION JSON [JQ]
	"$ROOT/tests/lib/ask" "$KC_BROKERS" "$1" "$2" "${3//TOPIC/$t}" | jq -c "${4-.}"
}

is() { # WANTED COMMAND...
	local wanted=$1
	shift
	run "$@"
	[[ $status -eq 0 && $output == "$wanted" ]] || {
		printf 'wanted: %s\ngot:    %s\n' "$wanted" "$output"
		return 1
	}
}

# Names and partitions of a page, and where it stopped.
page='[(.Topics[] | "\(.Name) \([.Partitions[].PartitionIndex] | join(","))"), "\(.NextCursor.TopicName) \(.NextCursor.PartitionIndex)"]'

@test "topics are described in pages, and the cursor goes on" {
	kc-topics create -q "$t-u"
	topics='"Topics":[{"Name":"TOPIC-u"},{"Name":"TOPIC"},{"Name":"TOPIC"}]'
	is "[\"$t 0,1,2\",\"$t-u 0\",\"null null\"]" ask DescribeTopicPartitions 0 "{$topics}" "$page"
	is "[\"$t 0,1\",\"$t 2\"]" ask DescribeTopicPartitions 0 "{$topics,\"ResponsePartitionLimit\":2}" "$page"
	is "[\"$t 2\",\"$t-u 0\",\"null null\"]" ask DescribeTopicPartitions 0 \
		"{$topics,\"ResponsePartitionLimit\":2,\"Cursor\":{\"TopicName\":\"TOPIC\",\"PartitionIndex\":2}}" "$page"
	is "[\"$t 0,1,2\",\"$t-u 0\"]" ask DescribeTopicPartitions 0 "{$topics,\"ResponsePartitionLimit\":3}" "$page"
	is "[\"$t 0\",\"$t 1\"]" ask DescribeTopicPartitions 0 "{$topics,\"ResponsePartitionLimit\":0}" "$page"
	is "[\"$t \",\"$t-u 0\",\"null null\"]" ask DescribeTopicPartitions 0 \
		"{$topics,\"Cursor\":{\"TopicName\":\"TOPIC\",\"PartitionIndex\":9}}" "$page"
}

@test "without names, pages go through all topics" {
	kc-topics create -q "$t-u"
	all=() at=null pages=0
	until [ "$at" = null ] && [ $pages -gt 0 ]; do
		reply=$(ask DescribeTopicPartitions 0 "{\"ResponsePartitionLimit\":2,\"Cursor\":$at}")
		mapfile -t -O ${#all[@]} all < <(jq -r '.Topics[] | .Name + " \(.Partitions[].PartitionIndex)"' <<<"$reply")
		at=$(jq -c .NextCursor <<<"$reply")
		pages=$((pages + 1))
	done
	[ $pages -ge 2 ]
	diff <(printf '%s\n' "${all[@]}") \
		<(ask Metadata 12 '{"Topics":null}' '.Topics[]' | jq -r '.Name + " \(.Partitions[].PartitionIndex)"')
}

@test "a cursor of another topic, and topics that are not there" {
	is '[42,42]' ask DescribeTopicPartitions 0 \
		'{"Topics":[{"Name":"TOPIC"},{"Name":"x"}],"Cursor":{"TopicName":"y","PartitionIndex":0}}' '[.Topics[].ErrorCode]'
	is '[42]' ask DescribeTopicPartitions 0 \
		'{"Topics":[{"Name":"TOPIC"}],"Cursor":{"TopicName":"TOPIC","PartitionIndex":-1}}' '[.Topics[].ErrorCode]'
	is '[17,3,0]' ask DescribeTopicPartitions 0 \
		'{"Topics":[{"Name":"TOPIC"},{"Name":"TOPIC-none"},{"Name":"/"}]}' '.Topics | sort_by(.ErrorCode == 0) | map(.ErrorCode)'
}

@test "an epoch ends where the log ends" {
	printf '%s\n' a b c | kcat -q -P -b "$KC_BROKERS" -t "$t" -p 0
	for v in 2 3 4; do
		is '[[0,0,3],[0,-1,-1],[0,-1,-1],[75,-1,-1],[74,-1,-1],[3,-1,-1]]' ask OffsetForLeaderEpoch $v \
			'{"Topics":[{"Topic":"TOPIC","Partitions":[{"LeaderEpoch":0},{"LeaderEpoch":1},{"LeaderEpoch":-1},
			{"CurrentLeaderEpoch":1},{"CurrentLeaderEpoch":-2},{"Partition":9}]}]}' \
			'[.Topics[].Partitions[] | [.ErrorCode, .LeaderEpoch, .EndOffset]]'
	done
}

@test "the largest timestamp is that of a record that is there" {
	local now i
	now=$(date +%s)000
	max() { # OFFSET AFTER: behind DeleteRecords
		ask DeleteRecords 2 "{\"Topics\":[{\"Name\":\"TOPIC\",\"Partitions\":[{\"Offset\":$1}]}]}" >/dev/null
		is "[0,$2]" ask ListOffsets 8 '{"ReplicaId":-1,"Topics":[{"Name":"TOPIC","Partitions":[{"Timestamp":-3,"CurrentLeaderEpoch":-1}]}]}' \
			".Topics[0].Partitions[0] | [.ErrorCode, .Offset, (.Timestamp - $now)]"
	}
	for i in 1 5 3 4 2; do
		echo "{\"partition\":0,\"value\":null,\"timestamp\":$((now + i))}"
	done | kc-produce -q --keep-partition -X linger.ms=500 -X compression.type=lz4 "$t" # one batch
	[ "$(od -An -tu1 -j60 -N1 "$BATS_FILE_TMPDIR/broker/$t-0/00000000000000000000.log")" -eq 5 ] # its count
	max 0 1,5
	max 1 1,5
	max 2 3,4
	max 4 4,2
	ask DeleteRecords 2 '{"Topics":[{"Name":"TOPIC","Partitions":[{"Offset":-1}]}]}' >/dev/null
	is '[0,-1,-1]' ask ListOffsets 8 '{"ReplicaId":-1,"Topics":[{"Name":"TOPIC","Partitions":[{"Timestamp":-3,"CurrentLeaderEpoch":-1}]}]}' \
		'.Topics[0].Partitions[0] | [.ErrorCode, .Offset, .Timestamp]'
}

@test "the data directory, its volume, and what each partition takes" {
	head -c 1000 /dev/zero | tr '\0' x | kcat -q -P -b "$KC_BROKERS" -t "$t" -p 1
	for v in 1 2 3 4 5; do
		is "[[\"$t\",0,true],[\"$t\",1,false]]" ask DescribeLogDirs $v \
			'{"Topics":[{"Topic":"TOPIC","Partitions":[1,0,9,1]},{"Topic":"TOPIC-none","Partitions":[0]}]}' \
			'[.Results[].Topics[] | .Name as $n | .Partitions[] | [$n, .PartitionIndex, .PartitionSize < 1000]]'
	done
	is "\"$(realpath "$BATS_FILE_TMPDIR/broker")\"" ask DescribeLogDirs 4 '{"Topics":null}' '.Results[].LogDir'
	is "$(($(stat -f -c '%b * %S' "$BATS_FILE_TMPDIR/broker")))" ask DescribeLogDirs 4 '{}' '.Results[].TotalBytes'
	is 3 ask DescribeLogDirs 4 '{"Topics":null}' "[.Results[].Topics[] | select(.Name == \"$t\") | .Partitions[]] | length"
	is 0 ask DescribeLogDirs 4 '{"Topics":[]}' '.Results[].Topics | length'
}

@test "partitions stay in the one directory" {
	dir=$(realpath "$BATS_FILE_TMPDIR/broker")
	for v in 1 2; do
		is '[0,3,57]' ask AlterReplicaLogDirs $v "{\"Dirs\":[
			{\"Path\":\"$dir\",\"Topics\":[{\"Name\":\"TOPIC\",\"Partitions\":[0,9]}]},
			{\"Path\":\"/nowhere\",\"Topics\":[{\"Name\":\"TOPIC\",\"Partitions\":[0]}]}]}" \
			'[.Results[].Partitions[].ErrorCode]'
	done
}

@test "no election is needed" {
	for v in 0 1 2; do
		is '[84,3,3]' ask ElectLeaders $v \
			'{"TopicPartitions":[{"Topic":"TOPIC","Partitions":[0,9]},{"Topic":"TOPIC-none","Partitions":[0]}]}' \
			'[.ReplicaElectionResults[].PartitionResult[].ErrorCode]'
	done
	is 42 ask ElectLeaders 2 '{"ElectionType":7,"TopicPartitions":null}' .ErrorCode
	is 0 ask ElectLeaders 2 '{"ElectionType":1,"TopicPartitions":null}' \
		'.ErrorCode + ([.ReplicaElectionResults[].PartitionResult[]] | length)'
}

@test "replicas stay where they are, and none is on its way" {
	for v in 0 1; do
		is '[0,85,39,39,3]' ask AlterPartitionReassignments $v \
			'{"Topics":[{"Name":"TOPIC","Partitions":[{"Replicas":[1]},{"Replicas":null},{"Replicas":[1,2]},
			{"Replicas":[]},{"PartitionIndex":9,"Replicas":[1]}]}]}' '[.Responses[].Partitions[].ErrorCode]'
	done
	is '[]' ask ListPartitionReassignments 0 '{}' .Topics
	is '[]' ask ListPartitionReassignments 0 '{"Topics":[{"Name":"TOPIC","PartitionIndexes":[0]}]}' .Topics
}

@test "the quorum is this broker, and grows with the metadata" {
	asked='{"Topics":[{"TopicName":"__cluster_metadata","Partitions":[{}]}]}'
	for v in 0 1 2; do
		is '[1,1,1,0]' ask DescribeQuorum $v "$asked" '.Topics[].Partitions[] |
			[.LeaderId, .LeaderEpoch, (.CurrentVoters | length), .HighWatermark - .CurrentVoters[0].LogEndOffset]'
	done
	is "\"$KC_BROKERS\"" ask DescribeQuorum 2 "$asked" '.Nodes[].Listeners[] | "\(.Host):\(.Port)"'
	before=$(ask DescribeQuorum 2 "$asked" '.Topics[].Partitions[].HighWatermark')
	kc-topics create -q "$t-u"
	[ "$(ask DescribeQuorum 2 "$asked" '.Topics[].Partitions[].HighWatermark')" -gt "$before" ]
	is '[3,0]' ask DescribeQuorum 2 '{"Topics":[{"TopicName":"TOPIC","Partitions":[{}]}]}' \
		'[.Topics[].Partitions[].ErrorCode, (.Nodes | length)]'
}

@test "what has configs" {
	is '[]' ask ListConfigResources 0 '{}' .ConfigResources
	is '["8 1","4 1"]' ask ListConfigResources 1 '{"ResourceTypes":[4,8]}' '[.ConfigResources[] | "\(.ResourceType) \(.ResourceName)"]'
	is '[]' ask ListConfigResources 1 '{"ResourceTypes":[16,32]}' .ConfigResources
	is "[\"$t\"]" ask ListConfigResources 1 '{"ResourceTypes":[2]}' "[.ConfigResources[].ResourceName | select(. == \"$t\")]"
	is '[2,4,8]' ask ListConfigResources 1 '{}' '[.ConfigResources[].ResourceType] | unique'
	is '[35,[]]' ask ListConfigResources 1 '{"ResourceTypes":[2,99]}' '[.ErrorCode, .ConfigResources]'
}

@test "who wrote to a partition" {
	producers='.Topics[].Partitions[] | [.PartitionIndex, .ErrorCode, [.ActiveProducers[] |
		[.LastSequence, .CoordinatorEpoch, .CurrentTxnStartOffset, .ProducerId >= 0, .LastTimestamp > 1e12]]]'
	printf 'a\nb\nc\n' | kc-produce -q --raw "$t" -p 1
	is '[0,0,[]]
[1,0,[[2,-1,-1,true,true]]]
[7,3,[]]' ask DescribeProducers 0 '{"Topics":[{"Name":"TOPIC","PartitionIndexes":[0,1,7]}]}' "$producers"
	is '[0,3,[]]' ask DescribeProducers 0 '{"Topics":[{"Name":"TOPIC-none","PartitionIndexes":[0]}]}' "$producers"
}
