# broker-admin - topics and their configs as clients ask kc-broker for them,
# and that what was acknowledged is there after a crash

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
}

teardown() {
	[[ -z ${own-} ]] || stop_broker
}

# A broker of this test's own, on the data directory of this test; again after a kill.
own_broker() { # OPTION...
	own=1
	run_kc_broker --data-dir "$BATS_TEST_TMPDIR/data" "$@"
}

config() { # TOPIC NAME
	kc-topics show -a "$1" | awk -F '\t' -v n="$2" '$2 == "config" && $3 == n { print $4 }'
}

partitions() { # TOPIC
	kc-topics show "$1" | grep -c "	partition	"
}

@test "a topic has the partitions and configs asked for" {
	exits 0 kc-topics create "$t" -p 3 -c retention.ms=5000 -c cleanup.policy=compact,delete
	[ "$(partitions "$t")" -eq 3 ]
	[ "$(config "$t" retention.ms)" = 5000 ]
	[ "$(config "$t" cleanup.policy)" = compact,delete ]
	[ "$(config "$t" segment.bytes)" = 1073741824 ]
}

@test "every config of Apache Kafka 4 is listed" {
	kc-topics create "$t"
	kc-topics show -a "$t" | awk -F '\t' '$2 == "config" { print $3 }' >"$BATS_TEST_TMPDIR/got"
	diff - "$BATS_TEST_TMPDIR/got" <<-END
		cleanup.policy
		compression.gzip.level
		compression.lz4.level
		compression.type
		compression.zstd.level
		delete.retention.ms
		file.delete.delay.ms
		flush.messages
		flush.ms
		follower.replication.throttled.replicas
		index.interval.bytes
		leader.replication.throttled.replicas
		local.retention.bytes
		local.retention.ms
		max.compaction.lag.ms
		max.message.bytes
		message.timestamp.after.max.ms
		message.timestamp.before.max.ms
		message.timestamp.type
		min.cleanable.dirty.ratio
		min.compaction.lag.ms
		min.insync.replicas
		preallocate
		remote.log.copy.disable
		remote.log.delete.on.disable
		remote.storage.enable
		retention.bytes
		retention.ms
		segment.bytes
		segment.index.bytes
		segment.jitter.ms
		segment.ms
		unclean.leader.election.enable
	END
}

@test "what cannot be created is refused in words" {
	kc-topics create "$t.a"
	exits 1 kc-topics create "$t.a"
	says "exists"
	exits 2 kc-topics create "${t}_a"
	exits 1 kc-topics create __kc_metadata
	exits 1 kc-topics create "$t" -c nope=1
	says "nope"
	exits 1 kc-topics create "$t" -c retention.ns=1
	says "Unknown topic config name: retention.ns (did you mean retention.ms?)"
	exits 1 kc-topics alter "$t.a" -c max.mesage.bytes=1
	says "(did you mean max.message.bytes?)"
	exits 1 kc-topics create "$t" -c segment.bytes=5
	says "Value must be at least 1048576"
	exits 1 kc-topics create "$t" -p 10001
	says "Excessively large number of partitions"
	exits 1 kc-topics create "$t" -r 3
	says "kc.replication.factor.clamp"
	exits 0 kc-topics list "$t"
	[ -z "$output" ]
}

@test "a dry run checks and makes nothing" {
	exits 0 kc-topics create -n "$t" -p 2
	exits 1 kc-topics create -n "$t" -c retention.ms=-5
	exits 0 kc-topics list "$t"
	[ -z "$output" ]
}

@test "configs are set, replaced and dropped" {
	kc-topics create "$t" -c retention.ms=5000
	kc-topics alter "$t" -c max.message.bytes=2000 -c retention.ms-
	[ "$(config "$t" retention.ms)" = 604800000 ]
	[ "$(config "$t" max.message.bytes)" = 2000 ]
	exits 1 kc-topics alter "$t" -c compression.type=none
	says "must be one of"
	[ "$(config "$t" compression.type)" = producer ]
}

@test "a config takes effect at once" {
	kc-topics create "$t" -c max.message.bytes=200
	head -c 1000 /dev/zero | tr '\0' x >"$BATS_TEST_TMPDIR/line"
	exits 1 kcat -q -P -b "$KC_BROKERS" -t "$t" -X message.max.bytes=100000 "$BATS_TEST_TMPDIR/line"
	kc-topics alter "$t" -c max.message.bytes=2000
	exits 0 kcat -q -P -b "$KC_BROKERS" -t "$t" -X message.max.bytes=100000 "$BATS_TEST_TMPDIR/line"
}

@test "partitions only grow" {
	kc-topics create "$t" -p 2
	kc-topics alter "$t" -p 5
	[ "$(partitions "$t")" -eq 5 ]
	exits 1 kc-topics alter "$t" -p 3
	[ "$(partitions "$t")" -eq 5 ]
	# the new ones take records
	echo x | kcat -q -P -b "$KC_BROKERS" -t "$t" -p 4
	[ "$(kcat -q -C -b "$KC_BROKERS" -t "$t" -p 4 -e)" = x ]
}

@test "a deleted topic is gone, and can be made anew and empty" {
	kc-topics create "$t"
	echo old | kcat -q -P -b "$KC_BROKERS" -t "$t"
	exits 0 kc-topics delete -y "$t"
	exits 1 kc-topics show "$t"
	exits 1 kc-topics delete -y "$t"
	kc-topics create "$t"
	echo new | kcat -q -P -b "$KC_BROKERS" -t "$t"
	[ "$(kcat -q -C -b "$KC_BROKERS" -t "$t" -e)" = new ]
}

@test "a producer makes a topic that is not there" {
	echo x | kcat -q -P -b "$KC_BROKERS" -t "$t"
	[ "$(partitions "$t")" -eq 1 ]
	[ "$(kcat -q -C -b "$KC_BROKERS" -t "$t" -e)" = x ]
}

@test "server properties are the defaults of topics, and can forbid" {
	own_broker -o num.partitions=4 -o log.retention.hours=2 -o auto.create.topics.enable=false \
		-o delete.topic.enable=false -o kc.replication.factor.clamp=true
	kc-topics create "$t" -r 3
	[ "$(partitions "$t")" -eq 4 ]
	[ "$(config "$t" retention.ms)" = 7200000 ]
	exits 1 kc-topics delete -y "$t"
	exits 1 kcat -q -P -b "$KC_BROKERS" -t "$t-none" -X topic.message.timeout.ms=1000 <<<x
	exits 0 kc-topics list "$t-none"
	[ -z "$output" ]
}

@test "what was acknowledged is there after kill -9" {
	own_broker
	kc-topics create kept -p 3 -c retention.ms=5000
	kc-topics create grown
	kc-topics create gone
	kc-topics alter grown -p 4
	kc-topics alter kept -c retention.ms=6000 -c cleanup.policy=compact
	kc-topics delete -y gone
	echo x | kcat -q -P -b "$KC_BROKERS" -t grown -p 3
	before=$(kc-topics show kept grown; kcat -L -J -b "$KC_BROKERS" | jq -c '.topics')
	kill_broker

	own_broker
	[ "$(kc-topics show kept grown; kcat -L -J -b "$KC_BROKERS" | jq -c '.topics')" = "$before" ]
	[ "$(config kept retention.ms)" = 6000 ]
	[ "$(kcat -q -C -b "$KC_BROKERS" -t grown -p 3 -e)" = x ]
	exits 1 kc-topics show gone
}

# Topics are made one after the other while the broker is killed: each one
# that was acknowledged must be there.
@test "kill -9 in the middle of many creations loses none that was acknowledged" {
	own_broker
	for round in 1 2 3; do
		(
			i=0
			while kc-topics create -q --timeout 2s "r$round-$i" -p 2; do
				echo "r$round-$i"
				i=$((i + 1))
			done
		) >"$BATS_TEST_TMPDIR/acked" 2>/dev/null 3>&- 4>&- &
		maker=$!
		enough() { [[ $(wc -l <"$BATS_TEST_TMPDIR/acked") -ge 5 ]]; }
		eventually enough
		kill_broker
		kill "$maker" || true # it would wait for its time-out
		wait "$maker" || true
		own_broker
		kc-topics list | cut -f 1 | sort >"$BATS_TEST_TMPDIR/there"
		sort "$BATS_TEST_TMPDIR/acked" | comm -23 - "$BATS_TEST_TMPDIR/there" >"$BATS_TEST_TMPDIR/lost"
		[ ! -s "$BATS_TEST_TMPDIR/lost" ]
	done
}

@test "metadata names this broker and lists topics in order" {
	own_broker
	kc-topics create b a c
	[ "$(kc-topics list | cut -f 1 | paste -sd ' ')" = "a b c" ]
	exits 0 kcat -L -J -b "$KC_BROKERS"
	[ "$(jq -r '.controllerid' <<<"$output")" = 1 ]
	[ "$(jq -r '.brokers[0].name' <<<"$output")" = "$KC_BROKERS" ]
}
