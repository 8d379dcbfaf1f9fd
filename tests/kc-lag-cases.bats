#!/usr/bin/env bats
# kc-lag in every state that groups and logs can be in, as other tools get them wrong; ages to the
# millisecond. All of it runs against Apache Kafka too, but for what its skip explains. A share group, which
# kc-broker does not have, and a user who may not see something, are in kc-lag-kafka.bats; what cannot be
# measured is in kc-lag-partial.bats.
# shellcheck disable=SC2154,SC2030,SC2031,SC2164

load lib/kc
load lib/lag

setup_file() {
	start_broker --virtual-brokers 3 -o log.cleaner.backoff.ms=50
}

teardown_file() {
	stop_broker
}

setup() {
	ten_records
}

teardown() {
	end_members
	[[ -n ${KC_TEST_BROKERS-} ]] || kc-broker fault clear >/dev/null
}

# ---- the matrix -------------------------------------------------------------------------

@test "assigned, no commit: unread, and in no total" {
	member "$t" -g "$g" -o end
	eventually stable "$g" 1
	rows_are "$t 0 - - 10 no-commit UNKNOWN
$t 1 - - 0 no-commit OK" "$g" topic partition committed lag unread reason status
	kc-lag "$g" --summary --json | jq -e '(has("lag") | not) and .unread == 10'
}

@test "committed, not assigned: out of the totals only where nobody subscribes" {
	kc-topics create -q "$t-left" -p 1
	seq 5 | kc-produce -q --raw "$t-left"
	commit "$g" "$t-left/0/1" "$t/0/10"
	member "$t" -g "$g" -o end
	eventually stable "$g" 1
	is "$(rows "$g" topic lag counted reason | grep -F -- -left)" "$t-left 4 false unassigned"
	kc-lag "$g" --json | jq -se --arg t "$t" 'map(select(.topic == $t)) | all(.member and .counted == null)'
	kc-lag "$g" --summary --json | jq -e '.lag == 0'
	kc-lag "$g" -a --summary --json | jq -e '.lag == 4'
}

# Brokers forget what was committed on a deleted topic; a member that died keeps its share for a while.
@test "a deleted topic is a row with a reason, and no failure" {
	kc-topics create -q "$t-gone" -p 1
	member "$t" "$t-gone" -g "$g" -o end
	eventually stable "$g" 1
	kill -9 $pids
	kc-topics delete -q -y "$t-gone"
	eventually is_gone_topic
	rows_are "$t 0
$t 1
$t-gone 0" "$g" topic partition
	is "$(rows "$g" lag reason status | tail -n 1)" "- topic-gone UNKNOWN"
	exits 0 kc-lag "$g"
	jq -se 'all(.partial == null)' <<<"$output"
}

is_gone_topic() {
	! kc-topics show "$t-gone" >/dev/null 2>&1
}

@test "a commit before the start: what is left, and what is lost" {
	commit "$g" "$t/0/2"
	delete_records "$t" 0 6
	rows_are "2 6 10 4 4 0 LOST" "$g" committed start end lag lost ahead status
	delete_records "$t" 0 10
	rows_are "2 10 10 0 8 0 LOST" "$g" committed start end lag lost ahead status
	is "$(kc-lag "$g" --columns kafka | awk 'NR == 3 { print $6 }')" 8
}

@test "a commit beyond the end is ahead, not caught up and not negative" {
	commit "$g" "$t/0/15"
	rows_are "15 10 0 5 AHEAD" "$g" committed end lag ahead status
	is "$(kc-lag "$g" --columns kafka | awk 'NR == 3 { print $6 }')" -5
}

# The first answer about the end is from before the records that the group has read by then.
@test "a commit beyond an end that is old is not ahead: it is looked at again" {
	only_kc_broker "the answer is held back by a fault rule"
	commit "$g" "$t/0/15"
	fault "ListOffsets topic=$t delay=1s count=1"
	kc-lag "$g" --json >late 3>&- 4>&- &
	pids=$!
	fired() { kc-broker fault list | cut -f 3 | grep -qx 1; }
	eventually fired
	seq 5 | kc-produce -q --raw "$t" -p 0
	wait "$pids"
	is "$(jq -r '"\(.committed) \(.end) \(.lag) \(.ahead) \(.status)"' late)" "15 15 0 0 OK"
}

@test "a group that reads and commits meanwhile is never ahead, and has no negative lag" {
	: >going
	while [[ -e going ]]; do
		echo x
		pause 0.01
	done 3>&- 4>&- | kc-produce -q --raw "$t" -p 0 -X linger.ms=0 3>&- 4>&- &
	pids=$!
	/usr/bin/python3 - "$KC_BROKERS" "$t" "$g" 3>&- 4>&- <<-'PY' &
	import sys
	from confluent_kafka import Consumer
	brokers, topic, group = sys.argv[1:]
	c = Consumer({"bootstrap.servers": brokers, "group.id": group, "auto.offset.reset": "earliest"})
	c.subscribe([topic])
	while True:
	    m = c.poll(1)
	    if m and not m.error():
	        c.commit(m, asynchronous=False)
	PY
	pids="$pids $!"
	commits() { [[ $(rows "$g" committed | head -n 1) -gt 10 ]]; }
	eventually commits
	for _ in {1..20}; do
		kc-lag "$g" --json --no-state
	done >all
	rm going
	jq -se 'length == 40 and all(.ahead // 0 | . == 0) and all(.lag // 0 | . >= 0) and all(.status != "AHEAD")' all
	jq -se 'map(.committed // empty) | unique | length > 1' all
}

@test "a group that is empty has stopped where it has lag" {
	commit "$g" "$t/0/4" "$t/1/0"
	rows_are "0 6 STOPPED Empty
1 0 OK Empty" "$g" partition lag status state
}

@test "a dead group is an answer of no" {
	exits 3 kc-lag "$g"
	says "group '$g' does not exist"
	[[ -z $output ]]
	# no header on a terminal either, where both go to one screen
	for opts in "$g" "$g --summary" "^$g" "$g --by host" "$g --columns kafka"; do
		exits 3 script -qec "kc-lag $opts" /dev/null
		is "${#lines[@]}" 1
		[[ $output == "kc-lag: "*"group"* ]]
	done
}

# An owner has the shortest name that only it has.
owners() {
	at_terminal "kc-lag $g"
	[[ ${lines[0]} == *" STATUS "*" OWNER"* ]] || return
	printf '%s\n' "${lines[@]:1}" | awk '{ print $1, $2, $(NF - 1), $NF }'
}

@test "static members: the instance id, in rows and totals" {
	member "$t" -g "$g" -X group.instance.id=pod-7 -o end
	eventually stable "$g" 1
	rows_are "0 pod-7
1 pod-7" "$g" partition instance_id
	kc-lag "$g" --by instance --json | jq -e '.instance_id == "pod-7" and .partitions == 2'
	kc-lag --by instance --json | jq -se 'any(.instance_id == "pod-7")'
	is "$(owners | awk '{ print $3 }' | sort -u)" pod-7
}

@test "owners at a terminal, and totals by member, client, host and topic" {
	kc-topics create -q "$t-2" -p 1
	seq 3 | kc-produce -q --raw "$t-2"
	commit "$g" "$t/0/4" "$t/1/0" "$t-2/0/0"
	holder "$g" one "$t" "$t-2"
	holder "$g" two "$t" "$t-2"
	eventually stable "$g" 2
	host=$(rows "$g" host | sort -u)
	[[ -n $host && $host != *$'\n'* && $host != - ]]
	is "$(owners)" "$t 0 one $host
$t 1 two $host
$t-2 0 one $host"
	by() { kc-lag "$g" --by "$1" --json | jq -r ".$2 + \" \(.partitions) \(.lag)\""; }
	is "$(by client client_id)" "one 2 9"$'\n'"two 1 0"
	is "$(by topic topic)" "$t 2 6"$'\n'"$t-2 1 3"
	is "$(by host host)" "$host 3 9"
	is "$(by member client_id)" "one 2 9"$'\n'"two 1 0"
	is "$(kc-lag "$g" -t "$t-2" --json | jq -r '"\(.topic) \(.lag)"')" "$t-2 3"
	is "$(by member member | cut -d ' ' -f 1)" "$(rows "$g" member | sort -u)"
	at_terminal "kc-lag $g --by client"
	is "$(printf '%s\n' "${lines[@]}" | awk '{ print $1, $2, $3, $4 }')" "GROUP CLIENT PARTS LAG
$g one 2 9
$g two 1 0"
}

@test "owners of the same client are told apart by their ids; nobody is -" {
	commit "$g" "$t/0/4" "$t/1/0"
	holder "$g" same "$t"
	holder "$g" same "$t"
	eventually stable "$g" 2
	is "$(owners)" "$(rows "$g" topic partition member host)"
	end_members
	left() { kc-lag list --json | jq -se --arg g "$g" 'any(.group == $g and .state == "Empty")' >/dev/null; }
	eventually left
	at_terminal "kc-lag $g"
	is "$(printf "%s\n" "${lines[@]:1}" | awk "{ print \$(NF - 1), \$NF }")" "STOPPED -
OK -"
}

@test "a group of the new protocol: lag as ever, members where librdkafka can name them" {
	ask ConsumerGroupHeartbeat 1 "$(jq -cn --arg g "$g" --arg t "$t" '{GroupId: $g, MemberId: "m", MemberEpoch: 0,
		RebalanceTimeoutMs: 10000, SubscribedTopicNames: [$t], TopicPartitions: []}')" '.ErrorCode == 0'
	ask OffsetCommit 9 "$(jq -c --arg g "$g" --arg t "$t" '{GroupId: $g, GenerationIdOrMemberEpoch: .MemberEpoch,
		MemberId: "m", Topics: [{Name: $t, Partitions: [{PartitionIndex: 0, CommittedOffset: 4}]}]}' reply)" \
		'.Topics[0].Partitions[0].ErrorCode == 0'
	if names_new_members; then
		rows_are "consumer 0 6 m UNKNOWN no-history
consumer 1 - m OK no-commit" "$g" protocol partition lag member status reason
		kc-lag "$g" --summary --json | jq -e '.members == 1 and .lag == 6'
	else
		rows_are "consumer 0 6 - UNKNOWN no-history" "$g" protocol partition lag member status reason
		kc-lag "$g" --summary --json | jq -e '(has("members") | not) and .lag == 6'
	fi
}

# ---- transactions -------------------------------------------------------------------------

# python3: STEPS are produce (a record), commit, abort, begin; the transaction is left as it is.
transact() { # STEP...
	/usr/bin/python3 - "$KC_BROKERS" "$t" "$@" <<-'PY'
	import sys
	from confluent_kafka import Producer
	p = Producer({"bootstrap.servers": sys.argv[1], "transactional.id": sys.argv[2]})
	p.init_transactions(20)
	for step in sys.argv[3:]:
	    if step == "begin": p.begin_transaction()
	    elif step == "commit": p.commit_transaction(20)
	    elif step == "abort": p.abort_transaction(20)
	    else:
	        p.produce(sys.argv[2], step, partition=0); p.flush(20)
	PY
}

@test "nothing but a marker is unread: said so, and well" {
	transact begin a b commit
	rows_are "0" "$g" x || true
	commit "$g" "$t/0/12"
	rows_are "12 13 1 markers OK 0" "$g" committed end lag reason status age_ms
	kc-lag "$g" --age off --json | jq -e '.lag == 1 and .reason == null'
}

@test "isolation: ends as readers of committed records have them" {
	transact begin a b
	commit "$g" "$t/0/4"
	rows_are "12 8" "$g" end lag
	opts='--isolation committed' rows_are "10 6" "$g" end lag
}

@test "both isolations side by side: what waits for a transaction is said so" {
	transact begin a b
	commit "$g" "$t/0/4" "$t/1/0"
	opts='--isolation both' rows_are "0 12 10 8 6 - STOPPED
1 0 0 0 0 - OK" "$g" partition end stable lag stable_lag reason status
	commit "$g" "$t/0/10"
	opts='--isolation both' rows_are "12 10 2 0 open-transaction OK" "$g" end stable lag stable_lag reason status | head -n 1
	opts='--isolation both' rows "$g" partition reason status >both
	[[ $(head -n 1 both) == "0 open-transaction OK" ]]
	opts='--isolation uncommitted' rows_are "0 - - 2 STOPPED
1 - - 0 OK" "$g" partition stable stable_lag lag status
	# a group that has read on reads what is not committed too
	commit "$g" "$t/0/11"
	opts='--isolation both' rows "$g" lag stable_lag reason status >both
	[[ $(head -n 1 both) == "1 0 - STOPPED" ]]
	exits 0 script -qec "kc-lag $g --isolation both" /dev/null
	[[ $output == *"END"*"STABLE"*"LAG"* ]]
	transact begin c commit
	commit "$g" "$t/0/11"
	opts='--isolation both' rows "$g" end stable lag stable_lag >both
	[[ $(head -n 1 both) == "15 15 4 4" ]] || [[ $(head -n 1 both) == "16 16 5 5" ]]
}

@test "the lag of a compacted topic is a bound, and said to be" {
	kc-topics create -q "$t-c" -p 1 -c cleanup.policy=compact
	kc-topics create -q "$t-cd" -p 1 -c cleanup.policy=compact,delete
	for x in "$t-c" "$t-cd"; do seq 5 | jq -c --arg t "$x" '{topic: $t, key: "k", value: "v"}' | kc-produce -q; done
	commit "$g" "$t/0/4" "$t-c/0/2" "$t-cd/0/1"
	rows_are "$t 6 -
$t-c 3 true
$t-cd 4 true" "$g" topic lag compacted
	kc-lag "$g" --summary --json | jq -e '.lag == 13 and .compacted'
	exits 0 script -qec "kc-lag $g" /dev/null
	[[ $output == *" 6 "*" 3~ "*" 4~ "* ]]
	exits 0 script -qec "kc-lag $g --summary" /dev/null
	[[ $output == *" 13~ "* ]]
	commit "$g" "$t/0/4" "$t-c/0/5" "$t-cd/0/5"
	kc-lag "$g" --summary --json | jq -e '.lag == 6 and (has("compacted") | not)'
}

@test "aborted records are not the oldest unread for readers of committed ones" {
	transact begin a b abort begin c commit
	commit "$g" "$t/0/10"
	kc-consume "$t" -p 0 -e | jq -r 'select(.value == "c").timestamp' >want
	opts='--isolation committed' rows_are "$(cat want) record" "$g" oldest_ms age_source
}

@test "offsets committed in a transaction that aborts are not there" {
	/usr/bin/python3 - "$KC_BROKERS" "$t" "$g" <<-'PY'
	import sys
	from confluent_kafka import Producer, Consumer, TopicPartition
	brokers, topic, group = sys.argv[1:]
	p = Producer({"bootstrap.servers": brokers, "transactional.id": topic})
	c = Consumer({"bootstrap.servers": brokers, "group.id": group})
	p.init_transactions(20)
	for offset, end in ((3, p.commit_transaction), (8, p.abort_transaction)):
	    p.begin_transaction()
	    p.send_offsets_to_transaction([TopicPartition(topic, 0, offset)], c.consumer_group_metadata(), 20)
	    end(20)
	PY
	rows_are "3 7" "$g" committed lag
}

# ---- ages ------------------------------------------------------------------------------------

# Records with these timestamps in partition 1, offsets from 0.
stamped() { # MS...
	local ms i=0
	for ms; do
		echo '{"topic":"'"$t"'","partition":1,"key":"'${key-$((i++))}'","value":"'"$ms"'","timestamp":'"$ms"'}'
	done | kc-produce -q
}

# The age is now - timestamp: within the run's own bounds.
age_is() { # GROUP TIMESTAMP SOURCE
	local before after
	before=$(date +%s%3N)
	rows "$1" oldest_ms age_source age_ms >age
	after=$(date +%s%3N)
	read -r oldest source age <age
	is "$oldest $source" "$2 $3"
	((age >= before - $2 && age <= after - $2)) || { echo "age $age of $2 is not from $((before - $2)) to $((after - $2))"; return 1; }
}

both_ways() { # TIMESTAMP SOURCE-OF-SEARCH [SEARCHED]
	opts='--age record' age_is "$g" "$1" record
	opts='--age search' age_is "$g" "${3-$1}" "$2"
}

@test "the age is right to the millisecond, both ways" {
	now=$(date +%s%3N)
	stamped $((now - 86400123)) $((now - 3600001)) $((now - 59999)) $((now - 7))
	for i in 0 1 2 3; do
		commit "$g" "$t/1/$i"
		ts=$(kc-consume "$t" -p 1 -o "$i" -c 1 | jq .timestamp)
		both_ways "$ts" search
	done
	commit "$g" "$t/1/4"
	rows_are "0 none" "$g" age_ms age_source
}

@test "equal timestamps" {
	stamped 1700000000000 1700000000000 1700000000000
	commit "$g" "$t/1/2"
	both_ways 1700000000000 bound
}

@test "timestamps that go back: the record's own; a search says that it is a bound" {
	stamped 1700000005000 1700000001000 1700000009000
	commit "$g" "$t/1/1"
	both_ways 1700000001000 bound 1700000005000
}

@test "a timestamp in the future has a negative age" {
	future=$(($(date +%s%3N) + 3600000))
	stamped $future $((future + 1))
	commit "$g" "$t/1/0"
	both_ways $future search
	((age < 0))
	kc-lag "$g" --summary --json | jq -e '.age_ms == 0'
}

@test "a hole that compaction left: the next record" {
	kc-topics create -q "$t-c" -p 1 -c cleanup.policy=compact -c internal.segment.bytes=2000 \
		-c min.cleanable.dirty.ratio=0
	seq 0 199 | jq -c --arg t "$t-c" '{topic: $t, partition: 0, key: "k\(if . == 1 then 2 else . end)", value: "v",
		timestamp: (1700000000000 + .)}' | kc-produce -q -X batch.num.messages=10 -X linger.ms=0
	eventually has_hole
	commit "$g" "$t-c/0/1"
	opts='--age record' rows_are "1 199 1700000000002 record" "$g" committed lag oldest_ms age_source
	opts='--age search' rows_are "1700000000000 bound" "$g" oldest_ms age_source
}

has_hole() {
	[[ $(kc-consume "$t-c" -e -q -o beginning | jq -r .offset | head -n 3 | paste -sd,) == 0,2,3 ]]
}

@test "lost records: the age is that of the oldest that is left" {
	stamped 1700000001000 1700000002000 1700000003000
	seq 3 | kc-produce -q --raw "$t" -p 0
	commit "$g" "$t/0/2"
	delete_records "$t" 0 6
	ts=$(kc-consume "$t" -p 0 -o 6 -c 1 | jq .timestamp)
	opts='--age record' age_is "$g" "$ts" record
}

@test "a record without a timestamp has no age" {
	kc-topics create -q "$t-none" -p 1
	for b in ${KC_BROKERS//,/ }; do   # its leader takes it
		"$ROOT/tests/lib/batches" "$b" "$t-none" good
	done >codes
	grep -qx 0 codes
	commit "$g" "$t-none/0/0"
	opts='--age record' rows_are "1 - -" "$g" lag age_ms age_source
	opts='--age search' rows_are "1 - -" "$g" lag age_ms age_source
}

@test "ages take no longer than their budget: what is not known by then has none" {
	only_kc_broker "no broker is late at will"
	commit "$g" "$t/0/4"
	fault "Fetch delay=10m"
	opts='--age record --age-budget 300ms' rows_are "6 - STOPPED" "$g" lag age_ms status
	exits 0 kc-lag "$g" --age record --age-budget 300ms
}

@test "many groups at many places of one partition" {
	stamped 1700000000001 1700000000002 1700000000003 1700000000004 1700000000005
	for i in 0 1 2 3 4; do commit "$g-$i" "$t/1/$i"; done
	for how in record search; do
		kc-lag "^$g-" --age $how --json | jq -se 'all(.oldest_ms == 1700000000001 + .committed)'
	done
}

@test "who may not read the topic gets the age by a search" {
	only_kc_broker "kc-lag-kafka.bats has it with an access control list"
	stamped 1700000000001 1700000000002
	commit "$g" "$t/1/1"
	fault "Fetch topic=$t error=TOPIC_AUTHORIZATION_FAILED"
	rows_are "1700000000002 search" "$g" oldest_ms age_source
	opts='--age record' rows_are "1 -" "$g" lag oldest_ms
}
