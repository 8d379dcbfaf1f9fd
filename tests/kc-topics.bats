#!/usr/bin/env bats
# kc-topics: list, show, create, delete, alter.

load lib/kc

setup_file() {
	start_broker
}

teardown_file() {
	stop_broker
}

# The topic is there, with this many partitions.
has() { # TOPIC PARTITIONS
	[[ $(kc-topics list "$1" | cut -f1,2) == "$1"$'\t'"$2" ]]
}

gone() { # TOPIC
	[[ -z $(kc-topics list "$1") ]]
}

config_is() { # TOPIC NAME VALUE
	[[ $(kc-topics show "$1" --json | jq -r --arg n "$2" '.configs[$n]') == "$3" ]]
}

@test "create makes a topic that list shows" {
	t=$(topic)
	exits 0 kc-topics create "$t" -p 3
	says "created topic '$t'"
	[[ -z $output ]]
	eventually has "$t" 3
	exits 0 kc-topics "list" "$t" --json
	jq -e --arg t "$t" '.topic == $t and .partitions == 3 and .replicas >= 1
		and .internal == false' <<<"$output"
}

@test "create waits until the topic can be used, however many partitions it has" {
	t=$(topic)
	exits 0 kc-topics create "$t" -p 500
	[[ $(kc-topics show "$t" | awk -F'\t' '$2 == "partition" && $7 == 0' | wc -l) == 500 ]]
}

@test "create waits for leaders that do not know yet that they are" {
	only_kc_broker
	t=$(topic)
	kc-broker fault add "ListOffsets topic=$t error=NOT_LEADER_OR_FOLLOWER count=2" --admin-socket "$BATS_FILE_TMPDIR/broker/.admin"
	exits 0 kc-topics create "$t"
	[[ $(kc-broker fault list --admin-socket "$BATS_FILE_TMPDIR/broker/.admin" | cut -f 2,3) == $'3\t2' ]]
	kc-broker fault clear --admin-socket "$BATS_FILE_TMPDIR/broker/.admin"
}

@test "create leaves partitions and replicas to the broker" {
	t=$(topic)
	exits 0 kc-topics create "$t"
	kc-topics list "$t" | awk -F"\t" '{ exit !($2 >= 1 && $3 >= 1) }'
}

@test "create takes readable sizes and durations" {
	t=$(topic)
	exits 0 kc-topics create "$t" -c retention.ms=7d -c max.message.bytes=2M \
		-c cleanup.policy=compact
	exits 0 kc-topics show "$t" --json
	jq -e '.configs == {"cleanup.policy": "compact",
		"max.message.bytes": "2097152", "retention.ms": "604800000"}' <<<"$output"
}

@test "create of a topic that exists fails, and not with --if-not-exists" {
	t=$(topic)
	kc-topics create "$t"
	exits 1 kc-topics create "$t"
	says "topic '$t': topic exists already (--if-not-exists accepts that)"
	exits 0 kc-topics create "$t" --if-not-exists
	says "topic '$t' exists already"
}

@test "create of some that exist is partial" {
	t=$(topic)
	kc-topics create "$t"
	exits 4 kc-topics create "$t" "$t-b" --json
	says "1 of 2 topics failed"
	[[ $(jq -r .result <<<"$output" | paste -sd,) == failed,created ]]
}

@test "create of many: a request for a hundred, each with its own answer" {
	t=$(topic)
	kc-topics create -q "$t-7"
	mapfile -t names < <(seq -f "$t-%g" 1 230)
	if [[ -z ${KC_TEST_BROKERS-} ]]; then
		fault() { kc-broker fault "$@" --admin-socket "$BATS_FILE_TMPDIR/broker/.admin"; }
		fault add "CreateTopics nth=1000 close" >/dev/null
	fi
	exits 4 kc-topics create "${names[@]}" "$t-9" --json
	[[ $(jq -r .result <<<"$output" | sort | uniq -c | tr -s ' ' | paste -sd,) == " 229 created, 2 failed" ]]
	[[ $(jq -r 'select(.error).topic' <<<"$output") == "$t-7"$'\n'"$t-9" ]]
	says "topic '$t-9': topic exists already"
	says "2 of 231 topics failed"
	[[ $(kc-topics list "$t-*" | wc -l) == 230 ]]
	# each is ready
	exits 0 kc-topics show "$t-1" "$t-230"
	if [[ -z ${KC_TEST_BROKERS-} ]]; then
		[[ $(fault list | cut -f 2) == 3 ]]
		fault clear
	fi
	# partitions count, too
	exits 0 kc-topics create "$t-a" "$t-b" "$t-c" -p 4000 -n
	exits 0 kc-topics create --if-not-exists -q "${names[@]}"
}

@test "create --dry-run makes nothing" {
	t=$(topic)
	exits 0 kc-topics create "$t" --dry-run
	says "would create topic '$t'"
	gone "$t"
}

@test "create says why a config is refused" {
	t=$(topic)
	exits 1 kc-topics create "$t" -c no.such.config=1
	says no.such.config
	gone "$t"
	exits 2 kc-topics create "$t" -c retention.ms=7x
	says "'7x' is not a duration"
	exits 2 kc-topics create "$t" -c retention.ms
	says "neither NAME=VALUE"
}

@test "create with more replicas than brokers fails" {
	exits 1 kc-topics create "$(topic)" -r 100
	says "replication factor"
}

@test "an illegal topic name is a usage error" {
	for name in "a b" a/b .. "" "$(printf 'x%.0s' {1..250})"; do
		exits 2 kc-topics create -- "$name"
		says "illegal topic name"
		[[ -z $output ]]
	done
}

@test "list takes globs and regular expressions, and hides internal topics" {
	t=$(topic)
	kc-topics create "$t-one" "$t-two"
	[[ $(kc-topics list "$t-*" | cut -f1 | paste -sd,) == "$t-one,$t-two" ]]
	[[ $(kc-topics list "^${t}-t.o\$" | cut -f1) == "$t-two" ]]
	[[ $(kc-topics "list" "nothing-like-it-*") == "" ]]
	[[ $(kc-topics | grep -c "^__") -eq 0 ]]
	exits 2 kc-topics list '^('
	says "not a regular expression"
}

@test "show has a row a partition, with its offsets" {
	t=$(topic)
	kc-topics create "$t" -p 2
	seq 5 | kc-produce --raw "$t" -p 1
	[[ $(kc-topics show "$t" | awk -F'\t' '$2 == "partition" { print $1, $3, $7, $8 }') == \
		"$t 0 0 0"$'\n'"$t 1 0 5" ]]
	exits 0 kc-topics show "$t" --json
	jq -e '.partitions | length == 2 and .[1].start == 0 and .[1].end == 5 and
		(.[0].leader as $l | .[0].replicas | index($l) != null)' <<<"$output"
}

@test "show has the configs that were set, with -a all" {
	t=$(topic)
	kc-topics create "$t" -c retention.ms=1h
	[[ $(kc-topics show "$t" | awk -F'\t' '$2 == "config" { print $3, $4 }') == "retention.ms 3600000" ]]
	kc-topics show -a "$t" --json | jq -e '.configs["cleanup.policy"] == "delete"
		and (.configs | length > 10)'
}

@test "show of a topic that does not exist names a near one" {
	t=$(topic)
	kc-topics create "$t"
	exits 1 kc-topics show "${t}x"
	says "topic '${t}x': does not exist (did you mean '$t'?)"
	exits 4 kc-topics show "$t" "${t}x"
	[[ $output == "$t"$'\t'partition* ]]
	exits 2 kc-topics show
	says "show needs a topic"
	gone "${t}x"
}

@test "alter adds partitions, safe to run twice, and takes none away" {
	t=$(topic)
	kc-topics create "$t" -p 2
	exits 0 kc-topics alter "$t" -p 5
	eventually has "$t" 5
	exits 0 kc-topics alter "$t" -p 5
	exits 1 kc-topics alter "$t" -p 1
	says "has 5 partitions, and they cannot be taken away"
}

@test "alter sets and unsets configs and leaves the others" {
	t=$(topic)
	kc-topics create "$t" -c retention.ms=1h -c cleanup.policy=compact
	exits 0 kc-topics alter "$t" -c max.message.bytes=3M -c cleanup.policy-
	says "altered topic '$t'"
	eventually config_is "$t" max.message.bytes 3145728
	eventually config_is "$t" retention.ms 3600000
	eventually config_is "$t" cleanup.policy null
}

@test "alter --dry-run checks and changes nothing" {
	t=$(topic)
	kc-topics create "$t" -c retention.ms=1h
	exits 0 kc-topics alter "$t" -c retention.ms=2h --dry-run
	says "would alter topic '$t'"
	exits 1 kc-topics alter "$t" -c retention.ms=-5 --dry-run
	says retention.ms
	eventually config_is "$t" retention.ms 3600000
}

@test "alter says what it lacks" {
	exits 2 kc-topics alter x
	says "nothing to alter"
	exits 1 kc-topics alter "$(topic)" -p 3
	says "does not exist"
}

@test "trim deletes what is before a time, an offset or the last N, and nothing else" {
	t=$(topic)
	kc-topics create -q "$t" -p 2
	now=$(($(date +%s) * 1000))
	for i in {1..6}; do
		echo "{\"timestamp\":$((now + i)),\"value\":\"v$i\",\"partition\":$((i % 2))}"
	done | kc-produce "$t" --keep-partition
	left() { kc-consume "$t" -e --raw | sort | paste -sd' '; }
	exits 0 kc-topics trim "$t" -o "@$((now + 3))" -n
	says "would trim topic '$t': 2 offsets"
	exits 1 kc-topics trim "$t-none" -o 1 </dev/null
	says "topic '$t-none': does not exist"
	exits 2 kc-topics trim "$t-none" "$t" -o "@$((now + 3))" </dev/null
	says "delete what is before @$((now + 3)) of topic '$t'? (there is no terminal to ask on; try: --yes)"
	[[ $(left) == "v1 v2 v3 v4 v5 v6" ]]
	exits 0 kc-topics trim "$t" -o "@$((now + 3))" -y
	says "trimmed topic '$t': 2 offsets"
	[[ $(left) == "v3 v4 v5 v6" ]]
	exits 4 kc-topics trim "$t" "$t-none" -o -1 -y
	[[ $(left) == "v5 v6" ]]
	exits 1 kc-topics trim "$t" -o 4 -y
	says "[0] ends before 4, with 3"
	exits 0 kc-topics trim "$t" -o 1 -y
	says ": 0 offsets"
	[[ $(left) == "v5 v6" ]]
	exits 0 kc-topics trim "$t" -o end -y --json
	[[ $output == '{"topic":"'"$t"'","result":"trimmed","offsets":2}' && -z $(left) ]]
	exits 2 kc-topics trim "$t" -y
	says "trim needs -o"
	exits 2 kc-topics trim "$t" -y -o 1:2
	says "trim wants one place"
}

@test "trim of a topic that is only compacted is refused, before a dry run promises anything" {
	t=$(topic)
	kc-topics create -q "$t" -p 1 -c cleanup.policy=compact
	echo '{"key":"a","value":"b"}' | kc-produce -q "$t"
	for o in -n -y; do
		exits 1 kc-topics trim "$t" -o end $o
		says "topic '$t': its records cannot be deleted: it is only compacted (cleanup.policy=compact,delete allows it"
	done
	[[ $(kc-consume "$t" -e | wc -l) == 1 ]]
	kc-topics alter -q "$t" -c cleanup.policy=compact,delete
	eventually kc-topics trim -q "$t" -o end -y
	[[ -z $(kc-consume "$t" -e) ]]
}

@test "delete demands --yes where there is no terminal" {
	t=$(topic)
	kc-topics create "$t"
	exits 2 kc-topics delete "$t" </dev/null
	says "--yes"
	eventually has "$t" "$(kc-topics list "$t" | cut -f2)"
	exits 0 kc-topics delete "$t" --dry-run
	says "would delete topic '$t'"
	exits 0 kc-topics delete "$t" --yes
	says "deleted topic '$t'"
	eventually gone "$t"
}

@test "delete of a topic that does not exist fails, and not with --if-exists" {
	t=$(topic)
	exits 1 kc-topics delete -y "$t"
	says "topic '$t': does not exist"
	# nothing is asked about what is not there
	exits 1 kc-topics delete "$t" </dev/null
	says "topic '$t': does not exist"
	exits 0 kc-topics delete --if-exists "$t" </dev/null
	exits 1 kc-topics delete -n "$t"
	exits 0 kc-topics delete -y --if-exists "$t"
	says "topic '$t' does not exist"
	kc-topics create "$t"
	exits 4 kc-topics delete -y "$t" "$t-no" --json
	[[ $(jq -r .result <<<"$output" | paste -sd,) == deleted,failed ]]
}

@test "delete does not delete what was not there when it asked" {
	t=$(topic)
	cd "$BATS_TEST_TMPDIR"
	kc-topics create -q "$t" -p 1
	mkfifo answer
	script -qfec "kc-topics delete $t $t-new" typed <answer >/dev/null 3>&- &
	exec 8>answer
	eventually grep -q "delete topic '$t' with all records" typed
	kc-topics create -q "$t-new" -p 1
	eventually has "$t-new" 1
	echo y >&8
	exec 8>&-
	run wait $!
	eventually gone "$t"
	has "$t-new" 1
	kc-topics delete -qy "$t-new"
}

@test "names with odd but legal characters work" {
	t="$(topic)._-Z"
	exits 0 kc-topics create "$t" -p 1
	eventually has "$t" 1
	kc-topics delete -y "$t"
}

@test "an unreachable broker is a temporary failure with its cause" {
	exits 75 kc-topics -b localhost:1 --timeout 300ms
	says "cannot reach broker 'localhost:1': connection refused (is it running? try: kc-broker)"
	exits 75 kc-topics -b no..host:9092 --timeout 300ms
	says "cannot reach broker 'no..host:9092': cannot resolve the name"
}

@test "an unknown property or verb is a usage error that names a near one" {
	exits 2 kc-topics -X linger.mss=1
	says "unknown property 'linger.mss' from -X (did you mean linger.ms?"
	exits 2 kc-topics -X linger.ms=abc
	says "bad value 'abc' of property 'linger.ms' from -X"
	exits 2 kc-topics lst
	says "unknown command 'lst'"
}

@test "-X list and -X dump need no broker" {
	exits 0 kc-topics -b localhost:1 -X list
	[[ $output == *bootstrap.servers* ]]
	exits 0 kc-topics -b localhost:1 -X dump
	[[ $output == *"bootstrap.servers = localhost:1"* ]]
}

@test "a full disk behind stdout is an error" {
	run --separate-stderr bash -c 'kc-topics list -a >/dev/full'
	[[ $status -eq 1 ]]
	says "cannot write to stdout: No space left on device"
}
