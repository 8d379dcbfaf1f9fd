#!/usr/bin/env bats
# kc-lag beside Kafka's own script on the same state of Apache Kafka: --columns kafka is its table byte for byte, and
# what the two make of each state is shown. Only in make check-kafka: there is a script to compare with.
# shellcheck disable=SC2154,SC2030,SC2031,SC2164

load lib/kc

setup_file() {
	start_broker
}

teardown_file() {
	stop_broker
}

setup() {
	[[ -n ${KC_TEST_BROKERS-} ]] || skip "compares with Apache Kafka's script"
	cd "$BATS_TEST_TMPDIR"
	export XDG_STATE_HOME=$BATS_TEST_TMPDIR/state
	t=$(topic)
	kc-topics create -q "$t" -p 3 -c retention.ms=-1
	for p in 0 1 2; do seq 10 | kc-produce -q --raw "$t" -p $p; done
}

teardown() {
	local pid
	for pid in ${pids-}; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}

script() { # OPTION...
	"$ROOT/tests/lib/kafka/cluster" tool "$ROOT/${BUILD:-build}/kafka-jars" \
		org.apache.kafka.tools.consumer.group.ConsumerGroupCommand --bootstrap-server "$KC_BROKERS" "$@" 2>/dev/null
}

commit() {
	"$ROOT/${BUILD:-build}/tests/commit" "$@"
}

member() { # OPTION...
	kc-consume "$@" -q >/dev/null 2>&1 3>&- 4>&- &
	pids="${pids-} $!"
}

stable() { # GROUP MEMBERS
	kc-lag list --json | jq -se --arg g "$1" --argjson n "$2" 'any(.group == $g and .state == "Stable" and .members == $n)' >/dev/null
}

# A group in each state that can be made here: what it commits on partitions 0 to 2.
states() {
	commit "$t-behind" "$t/0/4" "$t/1/10" "$t/2/0"
	commit "$t-ahead" "$t/0/15"
	commit "$t-lost" "$t/1/2"
	for b in ${KC_BROKERS//,/ }; do
		"$ROOT/tests/lib/ask" "$b" DeleteRecords 2 "$(jq -cn --arg t "$t" '{Topics: [{Name: $t,
			Partitions: [{PartitionIndex: 1, Offset: 6}]}], TimeoutMs: 5000}')" >/dev/null
	done
	kc-topics create -q "$t-left" -p 1
	seq 5 | kc-produce -q --raw "$t-left"
	commit "$t-members" "$t-left/0/1" "$t/0/3"
	member "$t" -g "$t-members" -o end -X client.id=a
	member "$t" -g "$t-members" -o end -X client.id=a-very-long-client-id
	eventually stable "$t-members" 2
}

@test "--columns kafka is the script's table, byte for byte, in every state" {
	states
	for g in behind ahead lost members; do
		script --describe --group "$t-$g" >theirs
		kc-lag --columns kafka "$t-$g" >ours 2>/dev/null
		diff theirs ours
	done
}

is_listed() { # GROUP
	kc-lag list --json | jq -se --arg g "$1" 'any(.group == $g)' >/dev/null
}

@test "a share group is shown as what it is, without a number, and is not changed" {
	"$ROOT/tests/lib/kafka/cluster" tool "$ROOT/${BUILD:-build}/kafka-jars" org.apache.kafka.tools.consumer.ConsoleShareConsumer \
		--bootstrap-server "$KC_BROKERS" --topic "$t" --group "$t-share" >/dev/null 2>&1 3>&- 4>&- &
	pids="${pids-} $!"
	commit "$t-other" "$t/0/1"
	eventually is_listed "$t-share"
	exits 0 kc-lag "$t-share" --json
	jq -e --arg g "$t-share" '.group == $g and .protocol == "share" and .reason == "share-group" and
		(has("lag") | not) and (has("topic") | not)' <<<"$output"
	exits 0 kc-lag "^$t-(share|other)" --summary --json
	jq -se '[.[] | .lag] | sort == [null, 9]' <<<"$output"
	exits 5 kc-lag reset "$t-share" --to earliest --execute
	says "is a share or streams group: brokers keep its positions"
	exits 5 kc-lag delete -y "$t-share"
	exits 1 kc-lag members "$t-share"
	says "cannot name its members"
}

# One word a cell: the sum of LAG, "-" where a partition has none.
theirs_of() { # GROUP
	script --describe --group "$1" | awk 'NR > 2 && NF { printf "%s%s", s, $6; s = "," }'
}

ours_of() { # GROUP
	kc-lag "$1" --json --age off | jq -rs 'map("lag \(.lag // "-")" +
		(if (.lost // 0) > 0 then " lost \(.lost)" else "" end) +
		(if (.ahead // 0) > 0 then " ahead \(.ahead)" else "" end) +
		(if .unread then " unread \(.unread)" else "" end) + (if .reason then " (\(.reason))" else "" end)) | join(", ")'
}

@test "what both say of the same state" {
	states
	for g in behind ahead lost members nobody; do
		printf '# %-8s kafka-consumer-groups: %-12s kc-lag: %s\n' "$g" "$(theirs_of "$t-$g")" \
			"$(ours_of "$t-$g" 2>/dev/null)" | tee -a table >&3
	done
	grep -q "^# ahead .* -5 .* ahead 5" table
	grep -q "^# lost .* 8 .* lag 4 lost 4" table
	grep -q "^# behind .*6,0,10.*lag 6, lag 4 lost 0\|^# behind .*6,0,10.*lag 6, lag 0, lag 10" table
}
