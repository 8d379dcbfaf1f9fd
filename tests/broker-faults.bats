#!/usr/bin/env bats
# kc-broker for people who write tests: fault rules, virtual brokers, old releases, a clock that moves.
load lib/kc

setup() {
	only_kc_broker
	ask=$BATS_TEST_DIRNAME/lib/ask
}

teardown() {
	stop_broker
}

start() { # OPTION...
	run_kc_broker --data-dir "$BATS_TEST_TMPDIR/data" "$@"
	export KC_BROKER_ADMIN=$BATS_TEST_TMPDIR/data/.admin
}

fault() { # WORDS...
	kc-broker fault "$@" >"$BATS_TEST_TMPDIR/fault"
}

# What the broker says to a request: jq's view of the reply, or "closed".
asks() { # JQ NAME VERSION [JSON]
	"$ask" "${KC_BROKERS%%,*}" "${@:2}" | jq -rcR "fromjson? // . | if type == \"object\" then $1 else . end"
}

offset() { # TOPIC: where its partition 0 ends
	asks '.Topics[0].Partitions[0].Offset' ListOffsets 1 \
		"{\"ReplicaId\":-1,\"Topics\":[{\"Name\":\"$1\",\"Partitions\":[{\"PartitionIndex\":0,\"Timestamp\":-1}]}]}"
}

list_offsets='{"ReplicaId":-1,"Topics":[{"Name":"t","Partitions":[{"PartitionIndex":0,"Timestamp":-1},{"PartitionIndex":1,"Timestamp":-1}]},{"Name":"u","Partitions":[{"PartitionIndex":0,"Timestamp":-1}]}]}'
codes='[.Topics[].Partitions[].ErrorCode]'

fired() { # N: the first rule fired so often
	[[ $(kc-broker fault list | cut -f 3 | head -n 1) == "$1" ]]
}

milliseconds() { # COMMAND...
	local from=${EPOCHREALTIME/[^0-9]/}
	"$@" >&2 || return
	echo $(((${EPOCHREALTIME/[^0-9]/} - from) / 1000))
}

# ---- rules --------------------------------------------------------------------------

@test "the nth Produce answers an error; a client goes on by itself" {
	start
	kc-topics create -q t
	fault add Produce topic=t nth=3 error=NOT_LEADER_OR_FOLLOWER
	seq 1 5 | while read -r i; do echo "$i" | kcat -b "$KC_BROKERS" -P -t t -p 0; done
	fired 1
	exits 0 kc-consume t -e -f '%s\n'
	[ "$output" = $'1\n2\n3\n4\n5' ]
}

@test "an error is for the partition named, and the others are served" {
	start
	kc-topics create -q t -p 2
	kc-topics create -q u
	fault add ListOffsets topic=t partition=1 error=NOT_LEADER_OR_FOLLOWER
	[ "$(asks "$codes" ListOffsets 1 "$list_offsets")" = '[0,6,0]' ]
	fault clear
	fault add ListOffsets topic='?' error=7
	[ "$(asks "$codes" ListOffsets 1 "$list_offsets")" = '[7,7,7]' ]
	fault clear
	[ "$(asks "$codes" ListOffsets 1 "$list_offsets")" = '[0,0,0]' ]
}

@test "an error has the place that the request's own reply has for it" {
	start
	kc-topics create -q t
	fault add any error=REQUEST_TIMED_OUT
	[ "$(asks .ErrorCode Heartbeat 3 '{"GroupId":"g"}')" = 7 ]
	[ "$(asks .ErrorCode JoinGroup 5 '{"GroupId":"g"}')" = 7 ]
	[ "$(asks .ErrorCode InitProducerId 4)" = 7 ]
	[ "$(asks .ErrorCode ListGroups 4)" = 7 ]
	[ "$(asks .ErrorCode ApiVersions 2)" = 7 ]
	[ "$(asks '.Topics[0]|[.ErrorCode,.Name]' Metadata 9 '{"Topics":[{"Name":"t"}]}')" = '[7,"t"]' ]
	[ "$(asks '.Groups[0]|[.ErrorCode,.GroupId]' DescribeGroups 5 '{"Groups":["g"]}')" = '[7,"g"]' ]
	[ "$(asks '.Coordinators[0]|[.ErrorCode,.Key]' FindCoordinator 4 '{"KeyType":0,"CoordinatorKeys":["g"]}')" = '[7,"g"]' ]
	[ "$(asks '.Topics[0]|[.ErrorCode,.Name]' CreateTopics 5 '{"Topics":[{"Name":"new"}]}')" = '[7,"new"]' ]
	[ "$(asks '.Results[0]|[.ErrorCode,.GroupId]' DeleteGroups 2 '{"GroupsNames":["g"]}')" = '[7,"g"]' ]
	[ "$(asks '.Topics[0].Partitions[0]|[.ErrorCode,.PartitionIndex]' OffsetCommit 8 \
		'{"GroupId":"g","Topics":[{"Name":"t","Partitions":[{"PartitionIndex":5}]}]}')" = '[7,5]' ]
	[ "$(asks '.Groups[0]|[.ErrorCode,.GroupId]' OffsetFetch 8 \
		'{"Groups":[{"GroupId":"g","Topics":[{"Name":"t","PartitionIndexes":[0]}]}]}')" = '[7,"g"]' ]
	[ "$(asks '.Results[0]|[.ErrorCode,.ResourceType,.ResourceName]' DescribeConfigs 4 \
		'{"Resources":[{"ResourceType":2,"ResourceName":"t"}]}')" = '[7,2,"t"]' ]
	[ "$(asks .ErrorCode DescribeCluster 0)" = 7 ]
}

@test "every request that is served has a reply that refuses it" {
	start
	fault add any error=UNKNOWN_SERVER_ERROR after
	local row name
	for row in "$BATS_TEST_DIRNAME"/../cmd/kc-broker/wire/*_request.msg; do
		name=$(awk '!/^#/ { print $3; exit }' "$row")
		"$ask" "$KC_BROKERS" "${name%Request}" "$(awk '!/^#/ { print $4; exit }' "$row" | grep -oE '^[0-9]+')" >/dev/null 2>&1 || true
	done
	kc-broker status >/dev/null
	! grep -q 'cannot be encoded' "$BROKER_LOG"
}

@test "after: the request is done, and its reply says that it is not" {
	start
	kc-topics create -q t
	fault add CreateTopics error=REQUEST_TIMED_OUT after
	[ "$(asks '.Topics[0].ErrorCode' CreateTopics 5 '{"Topics":[{"Name":"made","NumPartitions":1,"ReplicationFactor":1}]}')" = 7 ]
	fault clear
	exits 0 kc-topics show -q made
}

@test "conditions: group, transactional id, client, version, count, every, chance" {
	start
	fault add Heartbeat group='g*' error=14
	[ "$(asks .ErrorCode Heartbeat 3 '{"GroupId":"other"}')" = 25 ]
	[ "$(asks .ErrorCode Heartbeat 3 '{"GroupId":"g1"}')" = 14 ]
	fault clear
	fault add InitProducerId transactional-id=pay error=51
	[ "$(asks .ErrorCode InitProducerId 2 '{"TransactionalId":null}')" = 0 ]
	[ "$(asks .ErrorCode InitProducerId 2 '{"TransactionalId":"pay","TransactionTimeoutMs":1000}')" = 51 ]
	fault clear
	fault add Heartbeat client=someone error=14
	[ "$(asks .ErrorCode Heartbeat 3)" != 14 ]
	fault clear
	fault add Heartbeat client=te?t version=2-3 count=2 error=14
	[ "$(asks .ErrorCode Heartbeat 4)" != 14 ]
	[ "$(asks .ErrorCode Heartbeat 3)" = 14 ]
	[ "$(asks .ErrorCode Heartbeat 2)" = 14 ]
	[ "$(asks .ErrorCode Heartbeat 3)" != 14 ]
	fault clear
	fault add Heartbeat every=2 error=14
	[ "$(for i in 1 2 3 4; do asks .ErrorCode Heartbeat 3; done | grep -c '^14$')" = 2 ]
	fault clear
	fault add Heartbeat chance=0.5 seed=7 error=14
	local first second
	first=$(for i in 1 2 3 4 5 6 7 8; do asks .ErrorCode Heartbeat 3; done)
	fault clear
	fault add Heartbeat chance=0.5 seed=7 error=14
	second=$(for i in 1 2 3 4 5 6 7 8; do asks .ErrorCode Heartbeat 3; done)
	[ "$first" = "$second" ]
	grep -q '^14$' <<<"$first"
	grep -qv '^14$' <<<"$first"
}

@test "close, before and after; drop; truncate" {
	start
	kc-topics create -q t
	fault add Heartbeat close
	[ "$(asks .ErrorCode Heartbeat 3)" = closed ]
	fault clear
	fault add CreateTopics drop close
	[ "$(asks . CreateTopics 5 '{"Topics":[{"Name":"lost","NumPartitions":1,"ReplicationFactor":1}]}')" = closed ]
	exits 0 kc-topics show -q lost
	fault clear
	fault add Heartbeat truncate=6
	exits 1 "$ask" "$KC_BROKERS" Heartbeat 3
	fault clear
	fault add Heartbeat drop
	exits 124 timeout 0.5 "$ask" "$KC_BROKERS" Heartbeat 3
}

@test "the connection ends after so many requests, each connection for itself" {
	start
	kc-topics create -q t
	fault add any request=10 close after
	seq 1 50 | kc-produce -q --raw t -X batch.num.messages=1 -X max.in.flight=1
	kc-broker fault list | awk '$3 < 2 { exit 1 }'
	[ "$(kc-consume t -e | wc -l)" = 50 ]
}

@test "a reply is delayed, and says how long its client was throttled" {
	start
	kc-topics create -q t
	fault add Heartbeat delay=300ms
	[ "$(milliseconds asks .ErrorCode Heartbeat 3)" -ge 300 ]
	fault clear
	fault add any throttle=1500ms
	[ "$(asks .ThrottleTimeMs Heartbeat 3)" = 1500 ]
	[ "$(asks .ThrottleTimeMs ApiVersions 2)" = 1500 ]
	[ "$(asks .ThrottleTimeMs Metadata 5)" = 1500 ]
	[ "$(asks .ThrottleTimeMs Produce 7 '{"Acks":1}')" = 1500 ]
}

@test "a fetch is delayed although it goes on from session to session" {
	start
	echo a | kc-produce -q --raw t
	fault add Fetch topic=t delay=400ms
	[ "$(milliseconds kc-consume t -e)" -ge 400 ]
}

@test "a partition's leader is lost for a time" {
	start
	kc-topics create -q t -p 2
	kc-topics create -q u
	fault add leader topic=t partition=1 lost for=1m
	[ "$(asks '[.Topics[0].Partitions[]|[.ErrorCode,.LeaderId]]' Metadata 5 '{"Topics":[{"Name":"t"}]}')" = '[[0,1],[5,-1]]' ]
	[ "$(asks "$codes" ListOffsets 1 "$list_offsets")" = '[0,6,0]' ]
	local pid
	echo m | kcat -b "$KC_BROKERS" -P -t t -p 1 -X debug=metadata 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	pid=$!
	# that one finds no leader, and waits for it
	eventually grep -q 'partition 1 Leader -1' "$BATS_TEST_TMPDIR/err"
	fault clock +1m
	[ -z "$(kc-broker fault list)" ]
	wait "$pid"
	[ "$(kc-consume t -e | wc -l)" = 1 ]
}

@test "a coordinator is loading, or lost, for a time" {
	start
	fault add coordinator group=g loading
	[ "$(asks .ErrorCode Heartbeat 3 '{"GroupId":"g"}')" = 14 ]
	[ "$(asks '.ErrorCode' FindCoordinator 3 '{"Key":"g"}')" = 0 ]
	[ "$(asks .ErrorCode Heartbeat 3 '{"GroupId":"h"}')" = 25 ]
	fault clear
	fault add coordinator group=g lost for=1m
	[ "$(asks .ErrorCode Heartbeat 3 '{"GroupId":"g"}')" = 15 ]
	[ "$(asks '.ErrorCode' FindCoordinator 3 '{"Key":"g"}')" = 15 ]
	fault clock +1m
	[ "$(asks '.ErrorCode' FindCoordinator 3 '{"Key":"g"}')" = 0 ]
}

@test "the disk is full: appends are refused, and go on when there is room" {
	start
	echo a | kc-produce -q --raw t
	fault add disk full
	exits 0 kc-consume t -e
	run -1 kcat -b "$KC_BROKERS" -P -t t -p 0 -X retries=0 -X message.timeout.ms=5000 -X enable.idempotence=false <<<b
	fault clear
	echo c | kc-produce -q --raw t
	exits 0 kc-consume t -e -f '%s\n'
	[ "$output" = $'a\nc' ]
}

@test "a sync fails: the log is read-only, and status says what to do" {
	start
	echo a | kc-produce -q --raw t
	fault add disk eio
	run -1 kcat -b "$KC_BROKERS" -P -t t -p 0 -X retries=0 -X message.timeout.ms=5000 -X enable.idempotence=false <<<b
	exits 3 kc-broker status
	says 'restart'
	[[ $output == *'degraded'* ]]
	exits 0 kc-consume t -e -f '%s\n'
	[ "$output" = a ]
}

@test "the last sync fails: the end is no good one, and the log says what may be lost" {
	local log=$BATS_TEST_TMPDIR/log status=0
	start --fsync never --log-file "$log"
	echo a | kc-produce -q --raw t
	fault add disk eio
	kill "$BROKER_PID"
	wait "$BROKER_PID" || status=$?
	[ "$status" = 1 ]
	grep -q "error cannot sync .* Input/output error: what was written since the start may be lost" "$log"
	grep -q "^kc-broker: cannot sync .* may be lost (mend the disk" "$BROKER_LOG"
	start --fsync never
	exits 0 kc-consume t -e -f '%s\n'
	[ "$output" = a ]
	status=0
	kill "$BROKER_PID"
	wait "$BROKER_PID" || status=$?
	[ "$status" = 0 ]
}

@test "a slow disk, and one that only says that it syncs" {
	start
	kc-topics create -q t
	fault add disk slow=300ms
	produce() { echo a | kc-produce -q --raw t; }
	[ "$(milliseconds produce)" -ge 300 ]
	fault clear
	fault add disk nosync
	fault add disk slow=100ms
	[ "$(kc-broker fault list | wc -l)" = 2 ]
	produce
}

@test "rules from a file; a bad one is refused with its line" {
	printf '# two rules\n\nHeartbeat error=14\n  Produce nth=3 close\n' >"$BATS_TEST_TMPDIR/rules"
	start --faults "$BATS_TEST_TMPDIR/rules"
	[ "$(asks .ErrorCode Heartbeat 3)" = 14 ]
	[ "$(kc-broker fault list | cut -f 4)" = $'Heartbeat error=14\nProduce nth=3 close' ]
	printf 'Heartbeat error=14\nProduce nht=3 close\n' >"$BATS_TEST_TMPDIR/rules"
	exits 2 kc-broker --port 0 --data-dir "$BATS_TEST_TMPDIR/other" --faults "$BATS_TEST_TMPDIR/rules"
	says "$BATS_TEST_TMPDIR/rules:2: unknown word 'nht=3' (try: "
	exits 2 kc-broker --port 0 --data-dir "$BATS_TEST_TMPDIR/other" --faults "$BATS_TEST_TMPDIR/none"
	says 'No such file'
}

@test "bad rules say what would be right" {
	start
	refused() { # RULE TEXT
		# shellcheck disable=SC2086
		exits 2 kc-broker fault add $1
		says "$2"
	}
	refused 'Produces close' "'Produces' is nothing that can fail"
	refused 'Produce' 'nothing happens (try: error='
	refused 'Produce error=NOT_LEDER' "no error is called 'NOT_LEDER'"
	refused 'Produce error=0' 'error=NONE is no fault'
	refused 'Produce nth=0 close' "nth '0'"
	refused 'Produce nth close' "'nth' lacks its value"
	refused 'Produce close=1' "'close=1' takes no value"
	refused 'Produce delay=soon' "delay 'soon'"
	refused 'Produce chance=2 close' "chance '2'"
	refused 'Produce version=b close' "version 'b'"
	refused 'Produce version=4-1 close' "version '4-1'"
	refused 'Produce partition=1 close' 'partition= needs topic='
	refused 'Produce delay=1s after' 'after belongs to'
	refused 'Produce full' "has no meaning here: 'full'"
	refused 'disk close' "has no meaning here: 'close' (try: for=, full, eio, nosync, slow=)"
	exits 2 kc-broker fault add
	exits 2 kc-broker fault
	exits 2 kc-broker fault clock soon
	exits 1 kc-broker fault clear 99
	says 'there is no fault rule 99'
}

@test "rules have numbers, end on their own, and are cleared one by one" {
	start
	[ "$(kc-broker fault add Heartbeat close)" = 1 ]
	[ "$(kc-broker fault add Produce close for=200ms)" = 2 ]
	[ "$(kc-broker fault add Fetch close)" = 3 ]
	exits 0 kc-broker fault clear 1
	left() { [ "$(kc-broker fault list | cut -f 1)" = 3 ]; }
	eventually left
}

# ---- the clock ----------------------------------------------------------------------

@test "the clock moves forward, and what was kept for a time expires" {
	start
	kc-topics create -q t -c retention.ms=60000 -c segment.ms=1000
	seq 1 3 | kc-produce -q --raw t
	fault clock +1d
	[ "$(asks '.Topics[0].Partitions[0].Offset' ListOffsets 1 \
		'{"ReplicaId":-1,"Topics":[{"Name":"t","Partitions":[{"PartitionIndex":0,"Timestamp":-1}]}]}')" = 3 ]
	gone() {
		[ "$(asks '.Topics[0].Partitions[0].Offset' ListOffsets 1 \
			'{"ReplicaId":-1,"Topics":[{"Name":"t","Partitions":[{"PartitionIndex":0,"Timestamp":-2}]}]}')" = 3 ]
	}
	eventually gone
}

# ---- virtual brokers ----------------------------------------------------------------

@test "virtual brokers: each has its address, leaders and coordinators are spread" {
	start --virtual-brokers 3
	[ "$(tr ',' '\n' <<<"$KC_BROKERS" | sort -u | wc -l)" = 3 ]
	kc-topics create -q t -p 6 -r 3
	[ "$(asks '[.Brokers[]|.NodeId]' Metadata 5 '{"Topics":[]}')" = '[1,2,3]' ]
	[ "$(asks '[.Topics[0].Partitions[].LeaderId]|sort' Metadata 5 '{"Topics":[{"Name":"t"}]}')" = '[1,1,2,2,3,3]' ]
	[ "$(asks '[.Topics[0].Partitions[]|.LeaderId==.ReplicaNodes[0] and (.IsrNodes|length)==3]|all' \
		Metadata 5 '{"Topics":[{"Name":"t"}]}')" = true ]
	[ "$(asks '[.Brokers[].Port]|unique|length' DescribeCluster 0)" = 3 ]
	for i in $(seq 6); do echo "$i" | kcat -b "$KC_BROKERS" -P -t t -p $((i - 1)); done
	[ "$(kc-consume t -e | wc -l)" = 6 ]
	seq 100 | kc-produce -q --raw t
	exits 0 timeout 20 kcat -b "$KC_BROKERS" -G g -o beginning -X auto.offset.reset=earliest -c 106 t
	[ "$(wc -l <<<"$output")" = 106 ]
}

@test "virtual brokers: who asks the wrong one is told" {
	start --virtual-brokers 2
	kc-topics create -q t -p 2
	kc-topics create -q u
	local first=${KC_BROKERS%%,*} second=${KC_BROKERS##*,} at
	both() { for at in $first $second; do KC_BROKERS=$at asks "$@"; done | sort; }
	[ "$(both '.Topics[0].Partitions|map(.ErrorCode)|sort' ListOffsets 1 "$list_offsets")" = $'[0,6]\n[0,6]' ]
	[ "$(both .ErrorCode Heartbeat 3 '{"GroupId":"g"}')" = $'16\n25' ]
	local port
	port=$(asks .Port FindCoordinator 3 '{"Key":"g"}')
	[ "$(KC_BROKERS=127.0.0.1:$port asks .ErrorCode Heartbeat 3 '{"GroupId":"g"}')" = 25 ]
	fault add Heartbeat node=2 error=7
	[[ $(both .ErrorCode Heartbeat 3 '{"GroupId":"g"}' | tr '\n' ' ') =~ ^(16|25)\ 7\ $ ]]
}

@test "virtual brokers: the first is the quorum, the others observe it, whoever is asked" {
	start --virtual-brokers 3
	local first=${KC_BROKERS%%,*} at
	for at in ${KC_BROKERS//,/ }; do
		[ "$(KC_BROKERS=$at asks '[.Nodes[0].NodeId, .Nodes[0].Listeners[0].Port, (.Topics[0].Partitions[0] |
			.LeaderId, ([.CurrentVoters, .Observers] | map(map(.ReplicaId))[]),
			.HighWatermark - .Observers[1].LogEndOffset)]' DescribeQuorum 2 \
			'{"Topics":[{"TopicName":"__cluster_metadata","Partitions":[{}]}]}')" = "[1,${first##*:},1,[1],[2,3],0]" ]
	done
}

@test "virtual brokers: as many as a machine has ports" {
	exits 2 kc-broker --virtual-brokers 0
	exits 2 kc-broker --virtual-brokers 101
	exits 2 kc-broker --data-dir "$BATS_TEST_TMPDIR/d" --virtual-brokers 50 --port 65500
	says 'there is no port above 65535'
	start --virtual-brokers 2
	exits 0 kc-topics create r2 -r 2
	exits 1 kc-topics create r3 -r 3
}

# ---- old releases -------------------------------------------------------------------

@test "an old release offers what it had, and serves no more" {
	start --as-version 2.8
	max() { asks "[.ApiKeys[]|select(.ApiKey==$1).MaxVersion][0]" ApiVersions 2; }
	[ "$(max 0)" = 9 ]
	[ "$(max 1)" = 12 ]
	[ "$(max 3)" = 11 ]
	[ "$(max 18)" = 3 ]
	[ "$(max 68)" = null ]
	[ "$(max 75)" = null ]
	[ "$(asks . Metadata 12 '{"Topics":[]}')" = closed ]
	[ "$(asks '.Brokers|length' Metadata 8 '{"Topics":[]}')" = 1 ]
	echo a | kc-produce -q --raw t
	exits 0 kc-consume t -e -f '%s\n'
	[ "$output" = a ]
}

@test "an unknown release is refused with those that are known" {
	exits 2 kc-broker --data-dir "$BATS_TEST_TMPDIR/d" --as-version 1.9
	says "--as-version '1.9' is not known (try one of: 2.0 2.1 "
}

# ---- who may ------------------------------------------------------------------------

@test "the admin socket is its user's, and found by a command that has a broker of its own" {
	start
	[ "$(stat -c %a "$BATS_TEST_TMPDIR/data/.admin")" = 600 ]
	stop_broker
	[ ! -e "$BATS_TEST_TMPDIR/data/.admin" ]
	# shellcheck disable=SC2016
	exits 0 kc-broker --ephemeral -q -- sh -c 'kc-broker fault add Heartbeat close && kc-broker fault list'
	[ "$output" = $'1\n1\t0\t0\tHeartbeat close' ]
	unset KC_BROKER_ADMIN
	exits 75 kc-broker fault list --data-dir "$BATS_TEST_TMPDIR/data"
	says 'no kc-broker is running here'
	exits 75 kc-broker status --data-dir "$BATS_TEST_TMPDIR/nowhere"
	start --admin-socket "$BATS_TEST_TMPDIR/socket"
	exits 0 kc-broker status --admin-socket "$BATS_TEST_TMPDIR/socket"
	exits 1 kc-broker --port 0 --data-dir "$BATS_TEST_TMPDIR/second" --admin-socket "$BATS_TEST_TMPDIR/socket"
	says 'another kc-broker listens on the socket'
}
