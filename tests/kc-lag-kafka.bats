#!/usr/bin/env bats
# kc-lag beside Kafka's own script on the same state of Apache Kafka: --columns kafka is its table byte for byte, and
# what the two make of each state is shown; and what kc-broker does not have: share groups, access control lists.
# Only in make check-kafka: there is a script to compare with.
# shellcheck disable=SC2154,SC2030,SC2031,SC2164

load lib/kc
load lib/lag
load lib/acl

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
	end_members
}

script() { # OPTION...
	"$ROOT/tests/lib/kafka/cluster" tool "$ROOT/${BUILD:-build}/kafka-jars" \
		org.apache.kafka.tools.consumer.group.ConsumerGroupCommand --bootstrap-server "$KC_BROKERS" "$@" 2>/dev/null
}

# A group in each state that can be made here: what it commits on partitions 0 to 2.
states() {
	commit "$t-behind" "$t/0/4" "$t/1/10" "$t/2/0"
	commit "$t-ahead" "$t/0/15"
	commit "$t-lost" "$t/1/2"
	delete_records "$t" 1 6
	kc-topics create -q "$t-left" -p 1
	seq 5 | kc-produce -q --raw "$t-left"
	commit "$t-members" "$t-left/0/1" "$t/0/3"
	member "$t" -g "$t-members" -o end -X client.id=a
	member "$t" -g "$t-members" -o end -X client.id=a-very-long-client-id
	eventually stable "$t-members" 2
	kc-topics create -q "$t-compact" -p 1 -c cleanup.policy=compact
	seq 5 | jq -c --arg t "$t-compact" '{topic: $t, key: "k", value: "v"}' | kc-produce -q
	commit "$t-compacted" "$t-compact/0/2"
	kc-topics create -q "$t-txn" -p 1
	/usr/bin/python3 - "$KC_BROKERS" "$t-txn" <<-'PY'
	import sys
	from confluent_kafka import Producer
	p = Producer({"bootstrap.servers": sys.argv[1], "transactional.id": sys.argv[2]})
	p.init_transactions(20)
	p.begin_transaction()
	p.produce(sys.argv[2], "a", partition=0)
	p.commit_transaction(20)
	PY
	commit "$t-markers" "$t-txn/0/1"
	commit "$t-static" "$t/2/7"
	holder "$t-static" static "$t" -X group.instance.id=pod-7
	eventually stable "$t-static" 1
}

@test "--columns kafka is the script's table, byte for byte, in every state" {
	states
	for g in behind ahead lost members compacted markers static; do
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

# ---- who may not see all -----------------------------------------------------------------

@test "a group that the user may not see is a row with the reason, listed or not" {
	commit "$t-seen" "$t/0/4"
	commit "$t-secret" "$t/0/4"
	is "$(guest kc-lag "$t-secret" --json | jq .lag)" 6
	acl DENY GROUP "$t-secret" DESCRIBE
	named_is_refused() {
		exits 3 guest kc-lag "$t-secret" "$t-seen" --json || return
		[[ $(jq -r '"\(.group) \(.lag) \(.reason) \(.status) \(.partial)"' <<<"$output" | sort) == \
			"$t-secret null unauthorized UNKNOWN true"$'\n'"$t-seen 6 null STOPPED true" ]]
	}
	eventually named_is_refused
	says "partial: not all could be measured: "
	# who may not describe the cluster gets a list without it
	acl DENY CLUSTER kafka-cluster DESCRIBE
	acl ALLOW GROUP "$t-seen" DESCRIBE
	is_hidden() { exits 0 guest kc-lag "^$t-s" --json && [[ $(jq -r .group <<<"$output") == "$t-seen" ]]; }
	eventually is_hidden
	named_is_refused
}

# Brokers leave out what is committed on it: nothing tells such a group from one that has committed nothing.
@test "a topic that the user may not see: what a member owns is a row with the reason, what is committed is not there" {
	holder "$t-owner" one "$t"
	eventually stable "$t-owner" 1
	commit "$t-former" "$t/0/4"
	acl DENY TOPIC "$t" DESCRIBE
	unauthorized() { [[ $(guest kc-lag "$t-owner" --json | jq -r '"\(.topic) \(.lag) \(.reason) \(.partial)"' | sort -u) == "$t null unauthorized true" ]]; }
	eventually unauthorized
	exits 3 guest kc-lag "$t-owner"
	exits 0 guest kc-lag "$t-former" --json
	jq -e '.reason == "no-offsets" and (has("lag") | not)' <<<"$output"
}

@test "who may not read the topic gets the age by a search; no right to the group of kc-lag's own handle is no matter" {
	commit "$t-g" "$t/0/4" "$t/1/4" "$t/2/4"
	acl ALLOW TOPIC "$t" DESCRIBE
	acl DENY TOPIC "$t" READ
	acl DENY GROUP kc-lag DESCRIBE
	refused() { [[ $(guest kc-lag "$t-g" --json --age record | jq -r '.age_source' | sort -u) == null ]]; }
	eventually refused
	exits 0 guest kc-lag "$t-g" --json
	[[ -z $stderr ]]
	jq -se 'length == 3 and all(.lag == 6 and .age_ms > 0 and (.age_source == "search" or .age_source == "bound"))' <<<"$output"
}

# ---- side by side --------------------------------------------------------------------------

# A row's LAG behind the other's; without rows, what it says instead.
theirs_of() { # GROUP
	"$ROOT/tests/lib/kafka/cluster" tool "$ROOT/${BUILD:-build}/kafka-jars" \
		org.apache.kafka.tools.consumer.group.ConsumerGroupCommand --bootstrap-server "$KC_BROKERS" --describe --group "$1" \
		>theirs 2>/dev/null || true
	awk '/^GROUP / { rows = 1; next } rows && NF { printf "%s%s", s, $6; s = "," }
		NF && !rows && !text { text = $0; sub(/.*errors\./, "", text); text = substr(text, 1, 40) } END { if (!s) printf "\"%s\"", text }' theirs
}

ours_of() { # GROUP
	kc-lag "$1" --json >ours 2>words || true
	if [[ -s ours ]]; then
		jq -rs 'map("lag \(.lag // "-")\(if .compacted then "~" else "" end)" +
			(if (.lost // 0) > 0 then " lost \(.lost)" else "" end) +
			(if (.ahead // 0) > 0 then " ahead \(.ahead)" else "" end) +
			(if .unread then " unread \(.unread)" else "" end) +
			(if .reason then " (\(.reason))" else "" end)) | join(", ")' ours
	else
		cut -c 1-60 words
	fi
}

@test "what both say of the same state" {
	states
	kc-topics create -q "$t-gone" -p 1
	holder "$t-gone" gone "$t-gone"
	eventually stable "$t-gone" 1
	kill -9 "${pids##* }"
	kc-topics delete -q -y "$t-gone"
	ask ConsumerGroupHeartbeat 1 "$(jq -cn --arg g "$t-new" --arg t "$t" '{GroupId: $g, MemberId: "m", MemberEpoch: 0,
		RebalanceTimeoutMs: 10000, SubscribedTopicNames: [$t], TopicPartitions: []}')" '.ErrorCode == 0'
	ask OffsetCommit 9 "$(jq -c --arg g "$t-new" --arg t "$t" '{GroupId: $g, GenerationIdOrMemberEpoch: .MemberEpoch,
		MemberId: "m", Topics: [{Name: $t, Partitions: [{PartitionIndex: 0, CommittedOffset: 4}]}]}' reply)" \
		'.Topics[0].Partitions[0].ErrorCode == 0'
	for g in behind ahead lost members static compacted markers gone new nobody; do
		printf '# %-9s kafka-consumer-groups: %-10s kc-lag: %s\n' "$g" "$(theirs_of "$t-$g")" \
			"$(ours_of "$t-$g")" | tee -a table >&3
	done
	grep -q "^# ahead .* -5 .* ahead 5" table
	grep -q "^# lost .* 8 .* lag 4 lost 4" table
	grep -q "^# markers .* 1 .* lag 1 (markers)" table
	grep -q "^# compacted .* 3 .* lag 3~" table
	grep -q "^# gone .* lag - (topic-gone)" table
	grep -q "^# new .* lag 6" table
	grep -q "^# behind .*6,0,10.*lag 6, lag 4 lost 0\|^# behind .*6,0,10.*lag 6, lag 0, lag 10" table
}
