#!/usr/bin/env bats
# kc-lag where something cannot be measured: rows with a reason, what the others know, exit 3, within the deadline;
# and what is away for a moment only is asked for again. Against Apache Kafka a node is killed, or does not answer.
# The rest needs fault rules, since these states cannot be brought about there: they last for milliseconds, or fall
# between two requests of one run, as each skip says.
# shellcheck disable=SC2154,SC2030,SC2031,SC2164

load lib/kc
load lib/lag

setup_file() {
	start_broker --virtual-brokers 3
}

teardown_file() {
	stop_broker
}

setup() {
	ten_records
}

teardown() {
	end_members
	[[ -z ${sick-} ]] || well
	[[ -n ${KC_TEST_BROKERS-} ]] || kc-broker fault clear >/dev/null
}

# So much sooner than without --timeout that a busy machine makes no difference.
in_time() { # SECONDS COMMAND...
	SECONDS=0
	"${@:2}"
	((SECONDS < $1)) || { echo "took $SECONDS s"; return 1; }
}

# ---- brokers that are away -------------------------------------------------------------

# Topic $t-w of partitions without replicas; $node leads its partition 0, not partition $other, nor is it the
# coordinator of group $g, which has committed 1 on each.
spread() {
	local i
	kc-topics create -q "$t-w" -p 6 -r 1
	for i in {0..5}; do seq 10 | kc-produce -q --raw "$t-w" -p $i; done
	kc-topics show "$t-w" --json >topic.json
	node=$(jq '.partitions[0].leader' topic.json)
	other=$(jq "[.partitions[] | select(.leader != $node)][0].partition" topic.json)
	for i in {0..19}; do
		g=$t-g$i
		eventually commit "$g" "$t-w/0/1" "$t-w/$other/1"
		kc-lag list --json | jq -r --arg g "$g" 'select(.group == $g).coordinator' >coordinator
		[[ $(<coordinator) == "$(address "$node")" ]] || return 0
	done
	return 1
}

address() { # NODE
	kcat -b "$KC_BROKERS" -L | sed -n "s/^  broker $1 at \([^ ]*\).*/\1/p"
}

node_of() { # ADDRESS
	kcat -b "$KC_BROKERS" -L | sed -n "s/^  broker \([0-9]*\) at ${1//./\\.}.*/\1/p"
}

# Node $1 is away, until well: it is dead, or deaf.
dead() {
	sick=$1
	if [[ -n ${KC_TEST_BROKERS-} ]]; then
		"$ROOT/tests/lib/kafka/cluster" kill "$KC_TEST_CLUSTER" "$1"
	else
		fault "any node=$1 close"
	fi
}

deaf() {
	sick=$1
	if [[ -n ${KC_TEST_BROKERS-} ]]; then
		kill -STOP "$(<"$KC_TEST_CLUSTER/$1/pid")"
	else
		fault "any node=$1 delay=10m"
	fi
}

well() {
	local node=$sick
	sick=
	if [[ -n ${KC_TEST_BROKERS-} ]]; then
		kill -CONT "$(<"$KC_TEST_CLUSTER/$node/pid")" 2>/dev/null ||
			env -u KC_SUITE "$ROOT/tests/lib/kafka/cluster" again "$KC_TEST_CLUSTER" "$node" "$KC_TEST_JARS"
		# a node that was killed reads its logs first
		eventually is_whole || eventually is_whole || eventually is_whole || eventually is_whole || eventually is_whole
	else
		kc-broker fault clear >/dev/null
	fi
}

is_whole() {
	kcat -b "$KC_BROKERS" -L -m 5 2>/dev/null | awk '/^  broker / { n++ } /leader -1/ { bad++ } END { exit n != 3 || bad }'
}

others_are_known() { # REASONS-AS-REGEX
	says "partial: not all could be measured: "
	jq -se --argjson o "$other" 'map(select(.partition == $o))[0] | .lag == 9 and .age_ms > 0 and .partial' <<<"$output"
	jq -se --arg why "$1" 'map(select(.partition == 0))[0] | .lag == null and .committed == 1 and (.reason | test($why)) and
		.status == "UNKNOWN" and .partial' <<<"$output"
}

@test "a broker that is dead: what the others know, and a row with a reason; partial, 3" {
	spread
	dead "$node"
	in_time 90 exits 3 kc-lag "$g" --json --timeout 10s
	others_are_known 'no-leader|timeout'
	well
	knows_all() { kc-lag "$g" --json 2>/dev/null | jq -se 'length == 2 and all(.lag == 9 and .partial == null)' >/dev/null; }
	eventually knows_all
}

@test "a group whose coordinator is deaf: not known, which is not that it does not exist" {
	only_kc_broker "which groups it has is not known, and then another has them"
	commit "$g" "$t/0/4"
	commit -n 40 "$g-other" "$t/1/4"   # the others have some, whatever their names hash to
	fault "any node=$(node_of "$(kc-lag list --json | jq -r --arg g "$g" 'select(.group == $g).coordinator')") delay=10m"
	in_time 25 exits 3 kc-lag "$g" --json --timeout 4s
	jq -se --arg g "$g" 'length == 1 and .[0].group == $g and .[0].reason == "timeout" and .[0].partial' <<<"$output"
	[[ $stderr != *exist* && $stderr != *"such a name"* ]]
	says "partial: not all could be measured: "
}

@test "a broker that is deaf: what the others know, and a row with a reason; partial, 3" {
	spread
	deaf "$node"
	in_time 90 exits 3 kc-lag "$g" --json --timeout 5s
	others_are_known 'no-leader|timeout'
	well
}

# ---- leaders that move ------------------------------------------------------------------

@test "a leader that has moved meanwhile is asked for again, with all of its partitions" {
	only_kc_broker "a leader does not move between two requests of one run"
	kc-topics create -q "$t-m" -p 64
	commit -n 1 "$g" "$t-m/64/0"
	fault "ListOffsets topic=$t-m partition=17 error=NOT_LEADER_OR_FOLLOWER count=2"
	exits 0 kc-lag "$g-0" --json
	[[ -z $stderr ]]
	jq -se 'length == 64 and all(.lag == 0 and .partial == null)' <<<"$output"
	kc-broker fault list | cut -f 3 | grep -qx 2
}

@test "a leader that is none for good: within the deadline, and no other is without its age" {
	only_kc_broker "a leader that Metadata names says so for milliseconds only"
	seq 5 | kc-produce -q --raw "$t" -p 1
	commit "$g" "$t/0/4" "$t/1/1"
	for error in NOT_LEADER_OR_FOLLOWER LEADER_NOT_AVAILABLE OFFSET_NOT_AVAILABLE; do
		fault "ListOffsets topic=$t partition=0 error=$error"
		in_time 25 exits 3 kc-lag "$g" --timeout 3s --json
		is "$(jq -r '"\(.partition) \(.lag) \(.reason) \(.age_source)"' <<<"$output")" "0 null no-leader null
1 4 null record"
		kc-broker fault clear >/dev/null
	done
}

move_leader() { # NODE
	ask AlterPartitionReassignments 0 "$(jq -cn --arg t "$t-l" --argjson n "$1" '{TimeoutMs: 10000,
		Topics: [{Name: $t, Partitions: [{PartitionIndex: 0, Replicas: [$n]}]}]}')" '.Responses[0].Partitions[0].ErrorCode == 0'
	leads() { [[ $(kc-topics show "$t-l" --json | jq ".partitions[0] | [.leader, .replicas] == [$1, [$1]]") == true ]]; }
	eventually leads "$1"
}

@test "a leader that moves again and again: every run is whole" {
	[[ -n ${KC_TEST_BROKERS-} ]] || skip "a virtual broker's partitions stay where they are"
	kc-topics create -q "$t-l" -p 1 -r 1
	seq 10 | kc-produce -q --raw "$t-l"
	commit "$g" "$t-l/0/1"
	mkdir moves
	(cd moves && for n in 1 2 3 1 2 3 1 2 3; do move_leader $n; done; : >../moved) 3>&- 4>&- &
	pids=$!
	while [[ ! -e moved ]]; do
		exits 0 kc-lag "$g" --json
		is "$(jq -r '"\(.lag) \(.partial)"' <<<"$output")" "9 null"
		echo run >>runs
	done
	wait "$pids"
	[[ $(wc -l <runs) -ge 9 ]]
}

# ---- one by one ------------------------------------------------------------------------

@test "a partition without a leader is a row without a number: partial, 3" {
	only_kc_broker "the test of a dead broker has it"
	seq 2 | kc-produce -q --raw "$t" -p 1
	commit "$g" "$t/0/4" "$t/1/1"
	fault "leader topic=$t partition=0 lost"
	exits 3 kc-lag "$g" --json
	says "partial: not all could be measured: no-leader"
	is "$(jq -r '"\(.partition) \(.lag) \(.reason) \(.status) \(.partial)"' <<<"$output")" \
		"0 null no-leader UNKNOWN true
1 1 null STOPPED true"
}

@test "a group that the user may not see is a row with the reason" {
	only_kc_broker "kc-lag-kafka.bats has it with an access control list"
	commit "$g" "$t/0/4"
	fault "OffsetFetch group=$g error=GROUP_AUTHORIZATION_FAILED"
	exits 3 kc-lag "$g" --json
	jq -e '.group and .reason == "unauthorized" and .status == "UNKNOWN" and (has("lag") | not) and .partial' <<<"$output"
}

@test "a topic that the user may not see is a row with the reason" {
	only_kc_broker "kc-lag-kafka.bats has it with an access control list"
	commit "$g" "$t/0/4"
	fault "ListOffsets topic=$t error=TOPIC_AUTHORIZATION_FAILED"
	exits 3 kc-lag "$g" --json
	jq -e '.topic and .reason == "unauthorized" and (has("lag") | not) and .partial' <<<"$output"
}

@test "one bad partition of many does not spoil the others" {
	only_kc_broker "brokers do not fail one partition at will"
	kc-topics create -q "$t-m" -p 64
	commit -n 1 "$g" "$t-m/64/0"
	fault "ListOffsets topic=$t-m partition=17 error=UNKNOWN_SERVER_ERROR"
	exits 3 kc-lag "$g-0" --json
	is "$(jq -r 'select(.lag == null) | "\(.partition) \(.reason)"' <<<"$output")" "17 error"
	is "$(jq -r .lag <<<"$output" | grep -c '^0$')" 63
}

@test "a coordinator that is loading: partial, 3, within the deadline" {
	only_kc_broker "loading takes milliseconds"
	commit "$g" "$t/0/4"
	fault "OffsetFetch group=$g error=COORDINATOR_LOAD_IN_PROGRESS"
	in_time 25 exits 3 kc-lag "$g" --timeout 3s --json
	jq -e '(.reason == "loading" or .reason == "timeout") and .partial' <<<"$output"
}

@test "a slow broker: what the others know is there in time" {
	only_kc_broker "the test of a deaf broker has it, which is slow in all"
	commit "$g" "$t/0/4" "$t/1/0"
	leader=$(kc-topics show "$t" --json | jq '.partitions[0].leader')
	other=$(kc-topics show "$t" --json | jq '.partitions[1].leader')
	[[ $leader != "$other" ]]
	fault "ListOffsets node=$leader delay=10m"
	in_time 25 exits 3 kc-lag "$g" --timeout 3s --json
	is "$(jq -r '"\(.partition) \(.lag) \(.reason)"' <<<"$output")" "0 null timeout
1 0 null"
}

@test "a coordinator that has moved: partial, 3, and no crash" {
	only_kc_broker "a coordinator does not move between two requests of one run"
	commit "$g" "$t/1/4"
	fault "OffsetFetch error=16"
	exits 3 kc-lag "$g" --timeout 3s --json
	says "partial"
	exits 75 kc-lag export "$g" --timeout 3s
	says "run it again later"
}

@test "a group that goes to another coordinator meanwhile is asked for there" {
	only_kc_broker "a coordinator does not move between two requests of one run"
	commit -n 3 "$g" "$t/1/4"
	fault "OffsetFetch group=$g-1 error=NOT_COORDINATOR count=1"
	is "$(kc-lag "^$g" --json | jq -r '"\(.group) \(.committed)"')" "$g-0 4
$g-1 4
$g-2 4"
	is "$(kc-broker fault list | cut -f 2,3)" $'2\t1'   # asked twice, and refused once
}

@test "a coordinator that is found too late: partial, and no crash" {
	only_kc_broker "no broker is late at will"
	commit -n 40 "$g" "$t/1/4"
	fault "FindCoordinator node=1 delay=1200ms"
	for _ in 1 2 3 4; do
		run kc-lag "^$g" --timeout 3s --json
		[[ $status == 0 || $status == 3 ]]
	done
}

@test "no right to describe the group of kc-lag's own handle: all is measured, nothing is said" {
	only_kc_broker "kc-lag-kafka.bats has it with an access control list"
	commit -n 150 "$g" "$t/1/4"
	fault "FindCoordinator group=kc-lag error=GROUP_AUTHORIZATION_FAILED"
	exits 0 kc-lag "^$g" --json
	[[ -z $stderr ]]
	jq -se 'length == 150 and all(.committed == 4 and .partial == null)' <<<"$output"
	kc-broker fault list | grep -qP '^\d+\t[1-9].*\tFindCoordinator group=kc-lag '   # it has been asked
}

@test "a broker that lists no groups in time: partial, 3" {
	only_kc_broker "no broker loses one kind of request"
	commit -n 40 "$g" "$t/1/4"   # so many that some have another coordinator, whatever their names hash to
	fault "ListGroups node=2 drop"
	in_time 25 exits 3 kc-lag "^$g" --timeout 3s --json
	says "partial"
	jq -se 'length > 0 and length < 40 and all(.partial)' <<<"$output"
}

@test "a broker that lists no groups in time: no group is called missing, and none is under a limit" {
	only_kc_broker "no broker loses one kind of request"
	kc-topics create -q -p 1 "$t.dlq"
	jq -cn --arg t "$t" '{topic: "\($t).dlq", value: "v", headers: [["topic", $t], ["partition", "0"], ["offset", "0"]] |
		map({key: "__connect.errors.\(.[0])", value: .[1]})}' | kc-produce -q
	commit -n 40 "$g" "$t/1/0"
	fault "ListGroups node=2 drop"
	exits 75 kc-lag export "$g-none" --timeout 3s
	says "not every broker listed its groups in time"
	exits 75 kc-dlq redrive "$t.dlq" --yes --max-lag 1000 --timeout 4s
	says "--max-lag: not every group could be measured"
	kc-broker fault clear >/dev/null
	exits 0 kc-dlq redrive "$t.dlq" --yes --max-lag 1000
	says "1 of 1 sent"
}
