#!/usr/bin/env bats
# Groups of the consumer protocol (KIP-848), request by request. Members that
# speak it need a newer librdkafka than the distribution's: tests/lib/ask does.
# shellcheck disable=SC2030,SC2031  # every test is a subshell of its own

load lib/kc

broker() { # OPTION...
	run_kc_broker --data-dir "$BATS_TEST_TMPDIR/broker" "$@"
}

setup() {
	only_kc_broker
	broker
	t=$(topic)
	kc-topics create "$t" -p 4
	id=$(ask Metadata 12 '{"Topics":null}' | jq -r --arg t "$t" '.Topics[] | select(.Name == $t).TopicId')
}

teardown() {
	stop_broker
}

ask() { # NAME VERSION [JSON]
	"$BATS_TEST_DIRNAME"/lib/ask "$KC_BROKERS" "$@"
}

# What a heartbeat gets: "error epoch partitions", "-" for no assignment.
beat() { # MEMBER EPOCH [JSON]
	ask ConsumerGroupHeartbeat 1 "$(jq -cn --arg m "$1" --argjson e "$2" --argjson more "${3:-{\}}" \
		'{GroupId: "g", MemberId: $m, MemberEpoch: $e} + $more')" >"$BATS_TEST_TMPDIR/beat"
	jq -r '"\(.ErrorCode) \(.MemberEpoch) " + (if .Assignment then
		([.Assignment.TopicPartitions[].Partitions[]] | sort | map(tostring) | join(",")) else "-" end)' \
		"$BATS_TEST_TMPDIR/beat"
}

join() { # MEMBER [JSON]
	beat "$1" 0 "$(jq -cn --arg t "$t" --argjson more "${2:-{\}}" \
		'{RebalanceTimeoutMs: 10000, SubscribedTopicNames: [$t], TopicPartitions: []} + $more')"
}

owns() { # PARTITION...
	jq -cn --arg id "$id" '{TopicPartitions: [{TopicId: $id, Partitions: $ARGS.positional | map(tonumber)}]}' --args "$@"
}

is() { # TEXT WANTED
	[[ $1 == "$2" ]] || { echo "got '$1', not '$2'"; return 1; }
}

state() {
	ask ConsumerGroupDescribe 1 '{"GroupIds":["g"]}' |
		jq -r '.Groups[0] | "\(.ErrorCode) \(.GroupState) \(.GroupEpoch) \(.AssignmentEpoch) \(.Members | length)"'
}

@test "a member gets all partitions, and the second half of them after the first gave them up" {
	is "$(join a)" "0 2 0,1,2,3"
	is "$(beat a 2)" "0 2 -"
	is "$(join b)" "0 3 "
	is "$(state)" "0 Reconciling 3 3 2"
	is "$(beat a 2)" "0 2 0,1"
	is "$(beat b 3)" "0 3 -"              # not given up yet
	is "$(beat a 2 "$(owns 0 1)")" "0 3 -"
	is "$(beat b 3)" "0 3 2,3"
	is "$(state)" "0 Stable 3 3 2"
	is "$(beat a -1)" "0 -1 -"
	is "$(beat b 3)" "0 4 0,1,2,3"
	is "$(beat b -1)" "0 -1 -"
	is "$(state)" "0 Empty 5 4 0"
}

@test "epochs fence: too new, too old, unknown; the one before with what it has is a retry" {
	is "$(join a)" "0 2 0,1,2,3"
	is "$(beat a 3)" "110 0 -"
	is "$(beat a 1)" "110 0 -"
	is "$(beat a 1 "$(owns 7)")" "110 0 -"
	is "$(beat x 2)" "25 0 -"
	join b >/dev/null
	beat a 2 >/dev/null
	is "$(beat a 2 "$(owns 0 1)")" "0 3 -"
	is "$(beat a 2 "$(owns 0 1)")" "0 3 -"
	run jq -r .ErrorMessage <(ask ConsumerGroupHeartbeat 1 '{"GroupId":"none","MemberId":"m","MemberEpoch":4}')
	is "$output" "Consumer group none not found."
}

@test "a restart finds the group as it was" {
	is "$(join a '{"InstanceId":"i","RackId":"r"}')" "0 2 0,1,2,3"
	is "$(join b)" "0 3 "
	before=$(ask ConsumerGroupDescribe 1 '{"GroupIds":["g"]}' | jq -S '.Groups[].Members |= sort_by(.MemberId)')
	kill_broker
	broker
	after=$(ask ConsumerGroupDescribe 1 '{"GroupIds":["g"]}' | jq -S '.Groups[].Members |= sort_by(.MemberId)')
	[[ $before == "$after" ]]
	is "$(beat a 2)" "0 2 0,1"
}

@test "a static member comes back under a new id and has what it had" {
	is "$(join a '{"InstanceId":"i"}')" "0 2 0,1,2,3"
	is "$(join b '{"InstanceId":"i"}')" "111 0 -"
	is "$(beat a -2 '{"InstanceId":"i"}')" "0 -2 -"
	is "$(join b '{"InstanceId":"i"}')" "0 2 0,1,2,3"
	is "$(beat a 2 '{"InstanceId":"i"}')" "82 0 -"
	is "$(beat a 2)" "25 0 -"
}

@test "bad requests are refused in Kafka's words" {
	says() { # ERROR TEXT
		is "$(jq -r '"\(.ErrorCode) \(.ErrorMessage)"' "$BATS_TEST_TMPDIR/beat")" "$1 $2"
	}
	beat "" 0 >/dev/null
	says 42 "MemberId can't be empty."
	beat m 0 >/dev/null
	says 42 "RebalanceTimeoutMs must be provided in first request."
	beat m 0 '{"RebalanceTimeoutMs":1}' >/dev/null
	says 42 "TopicPartitions must be empty when (re-)joining."
	beat m 0 '{"RebalanceTimeoutMs":1,"TopicPartitions":[]}' >/dev/null
	says 42 "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining."
	beat m -2 >/dev/null
	says 42 "InstanceId can't be null."
	beat m -3 >/dev/null
	says 42 "MemberEpoch is invalid."
	join m '{"ServerAssignor":"mine"}' >/dev/null
	says 112 "ServerAssignor mine is not supported. Supported assignors: uniform,range."
	join m '{"SubscribedTopicRegex":"a(?=b)","SubscribedTopicNames":null}' >/dev/null
	says 128 "SubscribedTopicRegex \`a(?=b)\` is not a valid regular expression: invalid or unsupported Perl syntax."
}

@test "a pattern is matched again when topics come, and partitions that come are given out" {
	is "$(join a "{\"SubscribedTopicNames\":null,\"SubscribedTopicRegex\":\"$t.*\"}")" "0 2 0,1,2,3"
	kc-topics create "$t-2" -p 1
	eventually grows 5
	kc-topics alter "$t-2" -p 3
	eventually grows 7
	kc-topics delete --yes "$t-2"
	eventually shrinks
}

grows() { # N: of partitions, however the member's epoch is
	ask ConsumerGroupHeartbeat 1 "{\"GroupId\":\"g\",\"MemberId\":\"a\",\"MemberEpoch\":$(epoch)}" >/dev/null
	[[ $(ask ConsumerGroupDescribe 1 '{"GroupIds":["g"]}' |
		jq '[.Groups[0].Members[0].Assignment.TopicPartitions[].Partitions[]] | length') -eq $1 ]]
}

shrinks() {
	ask ConsumerGroupHeartbeat 1 "{\"GroupId\":\"g\",\"MemberId\":\"a\",\"MemberEpoch\":$(epoch)}" >/dev/null
	[[ $(ask ConsumerGroupDescribe 1 '{"GroupIds":["g"]}' |
		jq '[.Groups[0].Members[0].TargetAssignment.TopicPartitions[].Partitions[]] | length') -eq 4 ]]
}

epoch() {
	ask ConsumerGroupDescribe 1 '{"GroupIds":["g"]}' | jq '.Groups[0].Members[0].MemberEpoch'
}

@test "a silent member is fenced after the session time-out, one group's own included" {
	stop_broker
	broker -o group.consumer.min.session.timeout.ms=100 -o group.consumer.session.timeout.ms=300 \
		-o group.consumer.min.heartbeat.interval.ms=100 -o group.consumer.heartbeat.interval.ms=100
	is "$(join a)" "0 2 0,1,2,3"
	gone() { [[ $(state) == "0 Empty "* ]]; }
	eventually gone
	is "$(beat a 2)" "25 0 -"
}

@test "commits are checked against the member's epoch" {
	commit() { # MEMBER EPOCH
		ask OffsetCommit 9 "$(jq -cn --arg t "$t" --arg m "$1" --argjson e "$2" '{GroupId: "g", MemberId: $m,
			GenerationIdOrMemberEpoch: $e, Topics: [{Name: $t, Partitions: [{PartitionIndex: 0, CommittedOffset: 3}]}]}')" |
			jq '.Topics[0].Partitions[0].ErrorCode'
	}
	is "$(join a)" "0 2 0,1,2,3"
	is "$(commit a 2)" 0
	is "$(commit a 3)" 113
	is "$(commit a 1)" 113
	is "$(commit x 2)" 25
	is "$(ask OffsetFetch 9 "{\"Groups\":[{\"GroupId\":\"g\",\"MemberId\":\"a\",\"MemberEpoch\":1,\"Topics\":null}]}" |
		jq '.Groups[0].ErrorCode')" 113
	is "$(ask DeleteGroups 2 '{"GroupsNames":["g"]}' | jq '.Results[0].ErrorCode')" 68
	is "$(ask DescribeGroups 6 '{"Groups":["g"]}' | jq -r '.Groups[0] | "\(.ErrorCode) \(.GroupState)"')" "69 Dead"
	is "$(ask ListGroups 5 '{"TypesFilter":["Consumer"]}' | jq -r '.Groups[] | "\(.GroupId) \(.GroupState) \(.GroupType)"')" \
		"g Stable consumer"
	beat a -1 >/dev/null
	is "$(ask DeleteGroups 2 '{"GroupsNames":["g"]}' | jq '.Results[0].ErrorCode')" 0
	is "$(ask ListGroups 5 '{}' | jq '.Groups | length')" 0
}

type() {
	ask ListGroups 5 '{}' | jq -r '.Groups[] | select(.GroupId == "g").GroupType'
}

@test "a classic group becomes a consumer group for its first such member, and classic again after the last" {
	kcat -b "$KC_BROKERS" -X session.timeout.ms=6000 -X heartbeat.interval.ms=200 -G g -q -u "$t" \
		>/dev/null 2>"$BATS_TEST_TMPDIR/kcat.err" </dev/null 3>&- 4>&- &
	local pid=$!
	disown
	assigned() { [[ $(ask ListGroups 5 '{}' | jq -r '.Groups[].GroupState') == Stable ]]; }
	eventually assigned
	is "$(type)" classic
	join a >/dev/null
	is "$(type)" consumer
	shared() {
		ask ConsumerGroupHeartbeat 1 "{\"GroupId\":\"g\",\"MemberId\":\"a\",\"MemberEpoch\":$(
			ask ConsumerGroupDescribe 1 '{"GroupIds":["g"]}' | jq '.Groups[0].Members[] | select(.MemberId == "a").MemberEpoch')}" >/dev/null
		[[ $(ask ConsumerGroupDescribe 1 '{"GroupIds":["g"]}' | jq -r '.Groups[0] |
			"\(.GroupState) \([.Members[].MemberType] | sort)"') == "Stable [0,1]" ]]
	}
	eventually shared
	beat a -1 >/dev/null
	is "$(type)" classic
	eventually assigned
	kill -9 "$pid"
}

@test "a group's own session time-out and heartbeat interval" {
	ask IncrementalAlterConfigs 1 '{"Resources":[{"ResourceType":32,"ResourceName":"g","Configs":[
		{"Name":"consumer.heartbeat.interval.ms","ConfigOperation":0,"Value":"7000"}]}]}' |
		jq -e '.Responses[0].ErrorCode == 0'
	join a >/dev/null
	is "$(jq .HeartbeatIntervalMs "$BATS_TEST_TMPDIR/beat")" 7000
}
