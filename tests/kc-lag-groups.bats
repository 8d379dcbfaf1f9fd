#!/usr/bin/env bats
# kc-lag reset, import, export, delete, members, peek, wait: what is done to groups, and that it can be undone.
# shellcheck disable=SC2030,SC2031,SC2154  # every test is a subshell of its own

load lib/kc
load lib/lag

setup_file() {
	start_broker
}

teardown_file() {
	stop_broker
}

teardown() {
	local pid
	for pid in ${pids-}; do
		kill -9 "$pid" 2>/dev/null || true
	done
}

# Topic $t of two partitions with ten records each, the i-th written at second i; group $g has read 4 and 7 of them.
setup() {
	cd "$BATS_TEST_TMPDIR" || return
	t=$(topic)
	g=$t-g
	kc-topics create -q "$t" -p 2 -c retention.ms=-1
	fill "$t"
	printf '%s\n' "$t,0,4" "$t,1,7" | kc-lag import - -g "$g" --execute -q >/dev/null
	export XDG_STATE_HOME=$BATS_TEST_TMPDIR/state
}

fill() { # TOPIC
	local p i
	for p in 0 1; do
		for i in 0 1 2 3 4 5 6 7 8 9; do
			echo '{"topic":"'"$1"'","partition":'$p',"value":"'$p-$i'","timestamp":'$((1768472100000 + 1000 * i))'}'
		done
	done | kc-produce
}

# Where the group is: "P:OFFSET ..."
at() { # [GROUP]
	kc-lag export "${1:-$g}" | jq -rs 'map("\(.partition):\(.offset)") | join(" ")'
}

# The plan on stdout as "P FROM>TO NOTE"; of the last command.
plan() {
	jq -rs 'map("\(.partition) \(.from)>\(.to)\(if .note then " " + .note else "" end)") | join(", ")' <<<"$output"
}

# The newest.
undo_file() {
	local files=("$XDG_STATE_HOME"/kc/lag/undo-*)
	echo "${files[-1]}"
}

# A member of $g that stays, of client "worker".
member() {
	kcat -b "$KC_BROKERS" -X session.timeout.ms=6000 -X heartbeat.interval.ms=500 -X client.id=worker -X enable.auto.commit=false \
		-G "$g" -u "$t" >member.out 2>member.err </dev/null 3>&- 4>&- &
	pids="${pids-} $!"
	disown
	eventually grep -q assigned: member.err
}

@test "without --execute a plan is shown and nothing is changed" {
	exits 0 kc-lag reset "$g" --to earliest
	is "$(plan)" "0 4>0, 1 7>0"
	says "would move 2 of 2 partitions, 11 records again (nothing is changed; --execute does it)"
	jq -se --arg g "$g" --arg t "$t" '.[0] == {group: $g, topic: $t, partition: 0, from: 4, to: 0, start: 0, end: 10,
		replayed: 4, from_timestamp: 1768472104000, to_timestamp: 1768472100000}' <<<"$output"
	exits 0 kc-lag reset "$g" --to latest -n
	is "$(plan)" "0 4>10, 1 7>10"
	says "9 skipped"
	exits 0 kc-lag delete "$g" -n
	says "would delete group '$g' with 2 offsets"
	exits 0 kc-lag delete "$g" --offsets-of "$t:0" --dry-run
	is "$(at)" "0:4 1:7"
	[[ ! -e $XDG_STATE_HOME ]]
}

@test "every target goes where it says" {
	kc-lag export "$g" >before
	to() { # TARGET WANTED
		exits 0 kc-lag reset "$g" --to "$1" --execute
		is "$(at)" "$2"
		exits 0 kc-lag import before --execute
	}
	to earliest "0:0 1:0"
	to latest "0:10 1:10"
	to 5 "0:5 1:5"
	to +2 "0:6 1:9"
	to -2 "0:2 1:5"
	to 2026-01-15T10:15:03Z "0:3 1:3"
	to @1768472106000 "0:6 1:6"
	to current "0:4 1:7"
	is "$(at)" "0:4 1:7"
	exits 0 kc-lag reset "$g" --to 2026-01-15T10:15:30Z
	is "$(plan)" "0 4>10 no-later-record, 1 7>10 no-later-record"
	exits 0 kc-lag reset "$g" --to 7
	is "$(plan)" "0 4>7, 1 7>7 same"
	exits 0 kc-lag reset "$g" --to -30s
	is "$(plan)" "0 4>10 no-later-record, 1 7>10 no-later-record"
}

@test "where another group is" {
	printf '%s\n' "$t,1,2" | kc-lag import - -g "$g-o" --execute
	exits 0 kc-lag reset "$g" --to "group:$g-o" --execute
	is "$(plan)" "0 4>4 no-commit, 1 7>2"
	is "$(at)" "0:4 1:2"
	exits 1 kc-lag reset "$g" --to "group:$g-none"
	says "group '$g-none' has committed nothing"
}

@test "only some partitions, and ones without a commit" {
	exits 0 kc-lag reset "$g" --to earliest -t "$t:1" --execute
	is "$(plan)" "1 7>0"
	is "$(at)" "0:4 1:0"
	exits 0 kc-lag reset "$g-new" --to 3 -t "$t:0" --execute
	is "$(plan)" "0 null>3"
	is "$(at "$g-new")" "0:3"
	exits 0 kc-lag reset "$g-new" --to +1 -t "$t"
	is "$(plan)" "0 3>4, 1 null>null no-commit"
	exits 1 kc-lag reset "$g-none" --to earliest
	says "group '$g-none' does not exist"
	exits 1 kc-lag reset "$g" --to earliest -t "${t}x"
	says "topic '${t}x' does not exist (did you mean '$t'?)"
	exits 1 kc-lag reset "$g" --to earliest -t "$t:2"
	says "topic '$t' has no partition 2"
}

@test "an offset out of the log is refused, or clamped" {
	exits 1 kc-lag reset "$g" --to 11 --execute
	says "'$t' [0] has no offset 11: it begins at 0 and ends before 10 (nothing is changed; --clamp takes the nearest)"
	is "$(at)" "0:4 1:7"
	exits 0 kc-lag reset "$g" --to 11 --clamp --execute
	is "$(plan)" "0 4>10 clamped, 1 7>10 clamped"
	is "$(at)" "0:10 1:10"
	exits 0 kc-lag reset "$g" --to -100 --execute
	is "$(plan)" "0 10>0 clamped, 1 10>0 clamped"
}

@test "a plan is written, and carried out when the group is still there" {
	exits 0 kc-lag reset "$g" --to earliest --plan plan.jsonl
	[[ $(wc -l <plan.jsonl) == 2 ]]
	is "$(at)" "0:4 1:7"
	exits 0 kc-lag reset --from plan.jsonl
	is "$(plan)" "0 4>0, 1 7>0"
	exits 0 kc-lag reset --from plan.jsonl --execute
	is "$(at)" "0:0 1:0"
	# it was carried out: the group is no longer where the plan saw it
	exits 5 kc-lag reset --from plan.jsonl --execute
	says "the plan is stale: group '$g' is at offset 0 of '$t' [0], and was at offset 4"
}

@test "a stale plan changes nothing, not even the partitions that fit" {
	kc-lag reset "$g" --to earliest --plan plan.jsonl >/dev/null
	kc-lag reset "$g" --to 9 -t "$t:1" --execute >/dev/null
	exits 5 kc-lag reset --from plan.jsonl --execute
	says "the plan is stale: group '$g' is at offset 9 of '$t' [1], and was at offset 7 (nothing is changed; make the plan again)"
	is "$(at)" "0:4 1:9"
	exits 5 kc-lag reset --from plan.jsonl
	is "$(plan)" "0 4>0, 1 9>0 stale"
	# an offset that was forgotten, or one that is new, is another place too
	kc-lag delete "$g" --offsets-of "$t:1" -y >/dev/null
	exits 5 kc-lag reset --from plan.jsonl --execute
	says "is at no offset of '$t' [1], and was at offset 7"
	is "$(at)" "0:4"
}

@test "undo restores exactly: offsets, none, metadata, what lies out of the log" {
	jq -nc --arg g "$g" --arg t "$t" '{group: $g, topic: $t, partition: 0, offset: 4, metadata: "by \"hand\" ä"}' >with.jsonl
	jq -nc --arg g "$g" --arg t "$t" '{group: $g, topic: $t, partition: 1, to: 99, exact: true}' >>with.jsonl
	exits 0 kc-lag import with.jsonl --execute
	is "$(at)" "0:4 1:99"
	kc-topics create -q "$t-2"
	kc-lag export "$g" >before
	exits 0 kc-lag reset "$g" --to earliest -t "$t" -t "$t-2:0" --execute --undo undo.jsonl
	says "(undo: kc-lag reset --execute --from 'undo.jsonl')"
	is "$(kc-lag export "$g" | jq -rs 'map("\(.topic):\(.partition):\(.offset)") | join(" ")')" "$t:0:0 $t:1:0 $t-2:0:0"
	exits 0 kc-lag reset --execute --from undo.jsonl
	diff <(kc-lag export "$g") before
	grep -q 'by \\"hand\\" ä' before
}

@test "the undo is there before anything is changed, or nothing is" {
	echo precious >there
	exits 1 kc-lag reset "$g" --to earliest --execute --undo there
	says "'there' exists already"
	[[ $(<there) == precious ]]
	exits 1 kc-lag reset "$g" --to earliest --execute --undo no/such/dir
	says "cannot create 'no/such/dir': No such file or directory"
	exits 2 env -u XDG_STATE_HOME -u HOME "$(command -v kc-lag)" reset "$g" --to earliest --execute
	says "no place for the undo (--undo FILE)"
	is "$(at)" "0:4 1:7"
	exits 0 kc-lag reset "$g" --to earliest --execute
	says "undo: kc-lag reset --execute --from '$(undo_file)'"
	kc-lag reset --execute --from "$(undo_file)"
	is "$(at)" "0:4 1:7"
}

@test "a group with members is refused, and they are named" {
	member
	for command in "reset --to earliest" "reset --to earliest --execute" "delete -y"; do
		# shellcheck disable=SC2086
		exits 5 kc-lag $command "$g"
		says "group '$g' has 1 member, which would commit over it: "
		says "(client 'worker', host "
		says "(stop it first)"
	done
	exits 5 kc-lag delete -y "$g" --offsets-of "$t"
	says "group '$g' reads topic '$t': member "
	is "$(at)" "0:4 1:7"
	[[ ! -e $XDG_STATE_HOME ]]
	exits 0 kc-lag members "$g"
	jq -e --arg g "$g" --arg t "$t" '.group == $g and .client_id == "worker" and (.host | length > 0) and (.member | length > 0) and
		.state == "Stable" and .protocol == "classic" and .assigned == [{topic: $t, partitions: [0, 1]}]' <<<"$output"
}

@test "members of groups that have none, or do not exist" {
	exits 0 kc-lag members "$g"
	says "group '$g' has no members (Empty)"
	[[ -z $output ]]
	exits 3 kc-lag members "$g" "$g-none"
	says "group '$g-none' does not exist"
}

@test "groups by their state" {
	member
	kc-lag export "$g" | kc-lag import - -g "$g-2" --execute -q >/dev/null
	is "$(kc-lag list --state empty | cut -f 1 | grep "^$g")" "$g-2"
	is "$(kc-lag list --state Stable,dead --json | jq -r .group | grep "^$g")" "$g"
	kc-lag list --state Empty,Stable | grep -c "^$g" | grep -qx 2
}

@test "a group of the new protocol is refused while it has members" {
	beat() { # EPOCH
		ask ConsumerGroupHeartbeat 1 "$(jq -cn --arg g "$g-848" --arg t "$t" --argjson e "$1" \
			'{GroupId: $g, MemberId: "m", MemberEpoch: $e, RebalanceTimeoutMs: 10000, SubscribedTopicNames: [$t], TopicPartitions: []}')" \
			'.ErrorCode == 0'
	}
	beat 0
	exits 5 kc-lag reset "$g-848" --to earliest -t "$t" --execute
	if names_new_members; then
		says "group '$g-848' has 1 member, which would commit over it: m (client '"
		exits 0 kc-lag members "$g-848"
	else
		says "group '$g-848' has members, which would commit over it (stop them first; it is of the new protocol"
		exits 1 kc-lag members "$g-848"
		says "cannot name its members"
	fi
	exits 5 kc-lag delete "$g-848" -y
	beat -1
	exits 0 kc-lag reset "$g-848" --to 3 -t "$t" --execute
	is "$(at "$g-848")" "0:3 1:3"
	exits 0 kc-lag delete "$g-848" -y
	exits 3 kc-lag members "$g-848"
}

@test "start-if-lost moves only what lost its place" {
	printf '%s\n' "$t,0,4" "$t,1,7" >at.csv
	delete_records "$t" 0 6
	exits 0 kc-lag reset "$g" --to start-if-lost --execute
	is "$(plan)" "0 4>6, 1 7>7 not-lost"
	is "$(at)" "0:6 1:7"
	# the undo goes back to where no log is any more
	exits 0 kc-lag reset --execute --from "$(undo_file)"
	is "$(at)" "0:4 1:7"
	exits 1 kc-lag import at.csv -g "$g-2"
	says "has no offset 4: it begins at 6"
}

@test "offsets of a deleted topic are told, and can be forgotten" {
	kc-topics create -q "$t-gone" -p 2
	fill "$t-gone"
	printf '%s\n' "$t-gone,0,1" "$t,0,4" | kc-lag import - -g "$g-2" --execute -q >/dev/null
	kc-topics delete -q -y "$t-gone"
	gone() { ! kc-topics show "$t-gone" >/dev/null 2>&1; }
	eventually gone
	exits 0 kc-lag reset "$g-2" --to latest --execute
	if [[ $(plan) == *topic-gone* ]]; then
		is "$(plan)" "0 4>10, 0 1>1 topic-gone"
		# the broker forgets them too, a moment after the topic
		run kc-lag delete "$g-2" -y --offsets-of "$t-gone"
		[[ $status == 0 || ( $status == 1 && $output == *"has committed nothing there"* ) ]]
	fi
	is "$(at "$g-2")" "0:10"
}

@test "export and import carry offsets to other groups, in JSON and in Kafka's CSV" {
	kc-lag export "$g" | jq -se --arg g "$g" --arg t "$t" '. == [{group: $g, topic: $t, partition: 0, offset: 4},
		{group: $g, topic: $t, partition: 1, offset: 7}]'
	kc-lag export "$g" | kc-lag import - -g "$g-2" --execute
	is "$(at "$g-2")" "0:4 1:7"
	is "$(kc-lag export --csv "$g")" "$t,0,4"$'\n'"$t,1,7"
	is "$(kc-lag export --csv "$g" "$g-2")" "$g,$t,0,4"$'\n'"$g,$t,1,7"$'\n'"$g-2,$t,0,4"$'\n'"$g-2,$t,1,7"
	is "$(kc-lag export --csv "^$g")" "$(kc-lag export --csv "$g" "$g-2")"
	[[ $(kc-lag export --csv | grep -c "^$g") == 4 ]]
	kc-lag export --csv "$g" "$g-2" | sed 's/,[0-9]*$/,1/' >all.csv
	exits 0 kc-lag import all.csv --execute
	is "$(at) $(at "$g-2")" "0:1 1:1 0:1 1:1"
	exits 0 kc-lag reset "$g-3" --from <(kc-lag export --csv "$g") --execute
	is "$(at "$g-3")" "0:1 1:1"
	exits 3 kc-lag export "$g-none"
	says "group '$g-none' does not exist"
}

@test "files that are none are refused with their line, and nothing is changed" {
	bad() { # LINE WORDS
		printf '%s\n' "$t,0,1" "$1" >bad
		exits 1 kc-lag import bad -g "$g" --execute
		says "$2"
		is "$(at)" "0:4 1:7"
	}
	bad "$t,1" "bad:2: neither TOPIC,PARTITION,OFFSET nor GROUP,TOPIC,PARTITION,OFFSET"
	bad "$t,0,2" "group '$g' has '$t' [0] twice"
	bad "{\"topic\":\"$t\",\"partition\":1}" "bad:2: no offset in the member to"
	bad "{\"topic\":\"$t\",\"partition\":1,\"to\":1.5}" "bad:2: no offset in the member to"
	bad "{\"topic\":\"$t\",\"partition\":1,\"to\":5" "bad:2: byte "
	bad "{\"topic\":\"$t\",\"partition\":1,\"from\":7,\"to\":7,\"note\":\"no-leader\"}" "could not be planned: no-leader"
	echo "$t,0,1" >one
	exits 1 kc-lag import one
	says "one:1: names no group (give one: --group GROUP)"
	exits 1 kc-lag import no-such-file
	: >empty
	exits 1 kc-lag import empty
	says "'empty' has no offsets"
}

@test "delete takes the group with its offsets, and undo brings them back" {
	exits 2 kc-lag delete "$g"
	says "delete group '$g' with 2 offsets? (there is no terminal to ask on; try: --yes)"
	is "$(at)" "0:4 1:7"
	exits 0 kc-lag delete "$g" -y
	is "$(plan)" "0 4>null, 1 7>null"
	exits 3 kc-lag export "$g"
	exits 0 kc-lag reset --execute --from "$(undo_file)"
	is "$(at)" "0:4 1:7"
	exits 1 kc-lag delete "$g-none" -y
	says "group '$g-none' does not exist"
	exits 4 kc-lag delete "$g-none" "$g" -y
	says "1 of 2 groups could not be deleted"
	exits 3 kc-lag export "$g"
}

@test "delete --offsets-of forgets one topic's" {
	exits 0 kc-lag delete "$g" --offsets-of "$t:1" -y
	is "$(at)" "0:4"
	exits 0 kc-lag reset --execute --from "$(undo_file)"
	is "$(at)" "0:4 1:7"
	exits 1 kc-lag delete "$g" --offsets-of other -y
	says "group '$g' has committed nothing there"
}

@test "several groups at once, by expression too" {
	kc-lag export "$g" | kc-lag import - -g "$g-2" --execute -q >/dev/null
	exits 0 kc-lag reset "^$g" --to earliest --execute
	says "moved 4 of 4 partitions, 22 records again"
	is "$(at) $(at "$g-2")" "0:0 1:0 0:0 1:0"
	exits 0 kc-lag reset --execute --from "$(undo_file)"
	is "$(at) $(at "$g-2")" "0:4 1:7 0:4 1:7"
	exits 0 kc-lag delete "^$g" -y
	exits 3 kc-lag export "$g" "$g-2"
}

@test "a thousand and more partitions" {
	kc-topics create -q "$t-many" -p 1100
	exits 0 kc-lag reset "$g-many" -t "$t-many" --to 0 --execute
	says "moved 1100 of 1100 partitions"
	[[ $(kc-lag export "$g-many" | jq -s 'map(.partition) | unique | length') == 1100 ]]
	exits 0 kc-lag reset --execute --from "$(undo_file)"
	[[ -z $(kc-lag export "$g-many") ]]
}

@test "peek shows the records that come next" {
	exits 0 kc-lag peek "$g"
	is "$(jq -r .value <<<"$output" | sort | xargs)" "0-4 1-7"
	exits 0 kc-lag peek "$g" -t "$t:1" -c 2
	is "$(jq -r .value <<<"$output" | xargs)" "1-7 1-8"
	exits 0 kc-lag peek "$g" -c 100
	[[ ${#lines[@]} == 9 ]]
	kc-lag reset "$g" --to latest --execute -q >/dev/null
	exits 0 kc-lag peek "$g"
	says "group '$g' has read everything"
	exits 3 kc-lag peek "$g-none"
}

@test "wait ends when all is read, and says what is left when it is not" {
	exits 3 kc-lag wait "$g" --timeout 5s
	says "group '$g' has still 9 records to read"
	exits 0 kc-lag wait "$g" --lag 9
	kc-lag wait "$g" --timeout 30s 2>wait.err 3>&- 4>&- &
	local waiting=$!
	kc-consume -q -e -g "$g" "$t" >/dev/null
	wait "$waiting"
	grep -q 'read after' wait.err
	exits 3 kc-lag wait "$g-none" --timeout 5s
	says "group '$g-none' does not exist (yet)"
	exits 75 kc-lag wait "$g" -b localhost:1 --timeout 200ms
}

# A broker of the test's own, for its faults; with the topic.
faulty_broker() {
	run_kc_broker --data-dir "$BATS_TEST_TMPDIR/broker"
	export KC_BROKER_ADMIN=$BATS_TEST_TMPDIR/broker/.admin
	kc-topics create -q "$t" -p 2 -c retention.ms=-1
	fill "$t"
}

fault() {
	kc-broker fault "$@" >fault.out
}

@test "a group that moves between plan and write is not written over" {
	only_kc_broker "the answer is held back by a fault rule"
	# shellcheck disable=SC2034 # of run_kc_broker
	local KC_BROKERS BROKER_PID BROKER_LOG
	faulty_broker
	kc-lag reset "$g" --to 5 -t "$t" --execute -q >/dev/null
	# the plan has the group's offsets by then
	fault add ListOffsets delay=1s count=1
	kc-lag reset "$g" --to earliest --execute >out 2>err 3>&- 4>&- &
	local resetting=$!
	fired() { [[ $(kc-broker fault list | cut -f 3) == 1 ]]; }
	eventually fired
	kc-lag reset "$g" --to 7 --execute -q >/dev/null
	local status=0
	wait "$resetting" || status=$?
	is "$status" 5
	grep -q "the plan is stale: group '$g' is at offset 7 of '$t' \[0\], and was at offset 5" err
	is "$(at)" "0:7 1:7"
	stop_broker
}

@test "what fails for a moment is asked again, what fails for long is an error" {
	only_kc_broker "is about fault rules"
	# shellcheck disable=SC2034 # of run_kc_broker
	local KC_BROKERS BROKER_PID BROKER_LOG
	faulty_broker
	fault add coordinator loading for=300ms
	exits 0 kc-lag reset "$g" --to 5 -t "$t" --execute
	is "$(at)" "0:5 1:5"
	fault add coordinator loading for=300ms
	exits 0 kc-lag members "$g"
	fault add OffsetCommit error=NOT_COORDINATOR count=1
	fault add OffsetFetch error=COORDINATOR_LOAD_IN_PROGRESS count=1
	fault add ListOffsets error=OFFSET_NOT_AVAILABLE count=2
	exits 0 kc-lag reset "$g" --to latest --execute
	is "$(at)" "0:10 1:10"
	fault clear
	fault add coordinator loading
	exits 75 kc-lag export "$g" --timeout 500ms
	exits 75 kc-lag reset "$g" --to latest --timeout 500ms
	fault clear
	# a partition without a leader fails alone
	fault add leader lost topic="$t" partition=1
	exits 4 kc-lag reset "$g" --to earliest --execute
	is "$(plan)" "0 10>0, 1 10>10 no-leader"
	says "1 of 2 partitions could not be planned: '$t' [1] has no leader"
	is "$(at)" "0:0 1:10"
	fault clear
	# what the broker does not take
	fault add OffsetCommit error=GROUP_AUTHORIZATION_FAILED
	exits 5 kc-lag reset "$g" --to 3 --execute
	says "group '$g': not authorised for the group"
	is "$(at)" "0:0 1:10"
	stop_broker
}

@test "mistakes in the options, before any broker is asked" {
	export KC_BROKERS=localhost:1
	exits 2 kc-lag reset "$g"
	says "where to?"
	exits 2 kc-lag reset --to earliest
	says "reset needs a group"
	exits 2 kc-lag reset "$g" --to tomorrow
	says "'tomorrow' is no target"
	exits 2 kc-lag reset "$g" --to earliest -t :1
	exits 2 kc-lag reset "$g" --to earliest --plan -
	exits 2 kc-lag reset "$g" --to earliest --execute -n
	exits 2 kc-lag import
	exits 2 kc-lag delete -y
	exits 2 kc-lag delete g --offsets-of :1 -y
	exits 2 kc-lag peek
	exits 2 kc-lag wait
}
