#!/usr/bin/env bats
# What kc-broker keeps of old records, and what it lets go: retention and compaction.
load lib/kc

setup_file() {
	start_broker -o log.cleaner.backoff.ms=50 -o log.retention.check.interval.ms=100 \
		-o log.initial.task.delay.ms=0 \
		-o offsets.topic.segment.bytes=1048576
}
teardown_file() { stop_broker; }
setup() {
	only_kc_broker
	DATA=$BATS_FILE_TMPDIR/broker
	T=$(topic)
}

# COUNT records with COUNT/KEYS values each, as kc-record lines
records() { # COUNT KEYS [VALUE]
	jq -nc --argjson n "$1" --argjson k "$2" --arg v "${3-value}" \
		'range($n) | {key: "k\(. % $k)", value: "\($v)-\(.)"}'
}
# Small batches, so that segments are small.
produce() { # TOPIC
	kc-produce -q -X batch.num.messages=20 -X linger.ms=0 "$1"
}
newest() { jq -r '"\(.key) \(.value)"' | awk '{ v[$1] = $2 } END { for (k in v) print k, v[k] }' | sort; }
read_all() { kc-consume -q -e -o beginning "$1"; }
count_of() { read_all "$1" | wc -l; }
has_fewer() { (($(count_of "$1") < $2)); } # TOPIC COUNT
has_count() { (($(count_of "$1") == $2)); }
segments() { find "$DATA/$1-0" -name '*.log' | wc -l; }
has_segments() { (($(segments "$1") == $2)); }
start_of() { kc-topics show --json "$1" | jq '.partitions[0].start'; }
starts_behind() { (($(start_of "$1") > $2)); }

compacted() { # TOPIC [NAME=VALUE...]
	local t=$1 c=()
	shift
	for x in cleanup.policy=compact internal.segment.bytes=4000 min.cleanable.dirty.ratio=0 "$@"; do
		c+=(-c "$x")
	done
	kc-topics create "${c[@]}" "$t"
}

@test "a compacted topic keeps the newest value of every key" {
	compacted "$T"
	records 2000 50 >"$BATS_TEST_TMPDIR/in"
	produce "$T" <"$BATS_TEST_TMPDIR/in"
	eventually has_fewer "$T" 400
	cmp <(newest <"$BATS_TEST_TMPDIR/in") <(read_all "$T" | newest)
	# offsets never change, and still ascend
	read_all "$T" | jq -s -e 'map(.offset) | . == sort and (unique | length) == length and last == 1999' >/dev/null
	cmp <(read_all "$T" | jq -r '.value' | sed 's/.*-//') <(read_all "$T" | jq -r .offset)
}

@test "what is compacted stays so after a crash, and can be compacted again" {
	# a broker of its own: the file's lives in another process
	DATA=$BATS_TEST_TMPDIR/data
	again() { run_kc_broker --data-dir "$DATA" -o log.cleaner.backoff.ms=50; }
	again
	compacted "$T"
	records 2000 50 >"$BATS_TEST_TMPDIR/in"
	produce "$T" <"$BATS_TEST_TMPDIR/in"
	eventually has_fewer "$T" 400
	kill_broker
	again
	has_fewer "$T" 400
	cmp <(newest <"$BATS_TEST_TMPDIR/in") <(read_all "$T" | newest)
	[[ -z $(find "$DATA/$T-0" -name '*.cleaned' -o -name '*.swap' -o -name '*.deleted') ]]
	records 2000 50 again >"$BATS_TEST_TMPDIR/again"
	produce "$T" <"$BATS_TEST_TMPDIR/again"
	eventually has_fewer "$T" 400
	cmp <(newest <"$BATS_TEST_TMPDIR/again") <(read_all "$T" | newest)
	stop_broker
}

@test "tombstones go, delete.retention.ms after they were met" {
	compacted "$T" delete.retention.ms=100
	records 400 20 | produce "$T"
	jq -nc 'range(20) | {key: "k\(.)", value: null}' | produce "$T"
	records 400 1 pad | sed 's/"k0"/"pad"/' | produce "$T"
	gone() {
		# something dirty, so that there is a reason to clean
		records 60 1 pad | sed 's/"k0"/"pad"/' | produce "$T"
		! read_all "$T" | grep -q '"key":"k'
	}
	eventually gone
}

@test "compressed batches are compacted and stay compressed" {
	local codec
	for codec in gzip snappy lz4 zstd; do
		compacted "$T.$codec" internal.segment.bytes=1500
		records 1000 25 >"$BATS_TEST_TMPDIR/in"
		produce_with() { kc-produce -q -X batch.num.messages=100 -X linger.ms=5 -X "compression.codec=$codec" "$T.$codec"; }
		produce_with <"$BATS_TEST_TMPDIR/in"
		eventually has_fewer "$T.$codec" 700
		cmp <(newest <"$BATS_TEST_TMPDIR/in") <(read_all "$T.$codec" | newest)
	done
}

@test "min.compaction.lag.ms keeps young records, and acts when altered" {
	compacted "$T" min.compaction.lag.ms=3600000
	compacted "$T.other"
	records 1000 10 | produce "$T"
	records 1000 10 | produce "$T.other"
	eventually has_fewer "$T.other" 500
	has_count "$T" 1000
	exits 0 kc-topics alter -c min.compaction.lag.ms=0 "$T"
	eventually has_fewer "$T" 500
}

@test "min.cleanable.dirty.ratio and max.compaction.lag.ms act when altered" {
	compacted "$T" min.cleanable.dirty.ratio=1
	compacted "$T.other"
	records 1000 10 | produce "$T"
	records 1000 10 | produce "$T.other"
	eventually has_fewer "$T.other" 500
	has_count "$T" 1000
	exits 0 kc-topics alter -c max.compaction.lag.ms=1 "$T"
	eventually has_fewer "$T" 500
}

@test "cleanup.policy acts when altered: to compact, and back to delete" {
	kc-topics create -c internal.segment.bytes=4000 -c min.cleanable.dirty.ratio=0 "$T"
	records 1000 10 | produce "$T"
	has_count "$T" 1000
	exits 0 kc-topics alter -c cleanup.policy=compact "$T"
	eventually has_fewer "$T" 500
	[[ $(start_of "$T") -eq 0 ]]
	exits 0 kc-topics alter -c cleanup.policy=delete -c retention.bytes=1 "$T"
	eventually starts_behind "$T" 700
}

@test "a compacted topic is never cut by age or size" {
	compacted "$T" retention.ms=1 retention.bytes=1
	kc-topics create -c internal.segment.bytes=4000 -c retention.bytes=1 "$T.other"
	records 500 500 | produce "$T"
	records 500 500 | produce "$T.other"
	eventually starts_behind "$T.other" 300
	[[ $(start_of "$T") -eq 0 ]]
	has_count "$T" 500
}

delete_records() { # TOPIC OFFSET: low watermark and error
	"$ROOT/tests/lib/ask" "$KC_BROKERS" DeleteRecords 2 "$(jq -nc --arg t "$1" --argjson o "$2" \
		'{Topics: [{Name: $t, Partitions: [{PartitionIndex: 0, Offset: $o}]}]}')" |
		jq -c '.Topics[0].Partitions[0] | [.LowWatermark, .ErrorCode]'
}

@test "DeleteRecords: not of a topic that is only compacted, nor behind its end" {
	kc-topics create -c cleanup.policy=compact "$T"
	kc-topics create -c cleanup.policy=compact,delete "$T-both"
	for t in "$T" "$T-both"; do
		records 4 4 | produce "$t"
	done
	[[ $(delete_records "$T" 2) == '[-1,44]' && $(start_of "$T") == 0 ]]
	[[ $(delete_records "$T" 9) == '[-1,44]' ]]
	[[ $(delete_records "$T-both" 2) == '[2,0]' && $(start_of "$T-both") == 2 ]]
	[[ $(delete_records "$T-both" 9) == '[-1,1]' ]]
	[[ $(delete_records "$T-both" 1) == '[2,0]' ]]
	# the policy acts when altered
	kc-topics alter "$T" -c cleanup.policy=delete
	[[ $(delete_records "$T" -1) == '[4,0]' ]]
}

@test "compact,delete does both" {
	kc-topics create -c cleanup.policy=compact,delete -c internal.segment.bytes=4000 \
		-c min.cleanable.dirty.ratio=0 "$T"
	records 1000 10 | produce "$T"
	eventually has_fewer "$T" 500
	exits 0 kc-topics alter -c retention.ms=1 "$T"
	eventually has_count "$T" 0
}

@test "retention.ms acts when altered, on the active segment, too" {
	kc-topics create "$T"
	records 100 100 | produce "$T"
	has_count "$T" 100
	exits 0 kc-topics alter -c retention.ms=1 "$T"
	eventually has_count "$T" 0
	[[ $(start_of "$T") -eq 100 ]]
}

@test "retention.bytes acts when altered; files go after file.delete.delay.ms" {
	kc-topics create -c internal.segment.bytes=4000 -c file.delete.delay.ms=3600000 "$T"
	records 1000 1000 | produce "$T"
	local n
	n=$(segments "$T")
	((n > 5))
	exits 0 kc-topics alter -c retention.bytes=9000 "$T"
	eventually starts_behind "$T" 300
	has_fewer "$T" 700
	[[ $(segments "$T") -eq $n ]]
	exits 0 kc-topics alter -c retention.bytes=5000 -c file.delete.delay.ms=0 "$T"
	eventually is_shorter_than "$T" "$n"
}
is_shorter_than() { (($(segments "$1") < $2)); }

@test "segment.bytes and segment.ms act when altered" {
	kc-topics create "$T"
	records 500 500 | produce "$T"
	has_segments "$T" 1
	exits 0 kc-topics alter -c internal.segment.bytes=4000 "$T"
	records 500 500 | produce "$T"
	(($(segments "$T") > 3))
	kc-topics create "$T.ms"
	jq -nc '{value: "a", timestamp: 1700000000000}, {value: "b", timestamp: 1700000001000}' | produce "$T.ms"
	has_segments "$T.ms" 1
	exits 0 kc-topics alter -c segment.ms=500 -c retention.ms=-1 "$T.ms"
	jq -nc '{value: "c", timestamp: 1700000002000}' | produce "$T.ms"
	eventually has_segments "$T.ms" 2
}

@test "segment.index.bytes and index.interval.bytes act when altered" {
	kc-topics create "$T"
	records 500 500 | produce "$T"
	has_segments "$T" 1
	exits 0 kc-topics alter -c index.interval.bytes=0 -c segment.index.bytes=80 "$T"
	records 500 500 | produce "$T"
	(($(segments "$T") > 1))
}

@test "max.message.bytes acts when altered" {
	kc-topics create "$T"
	head -c 20000 /dev/zero | tr '\0' x >"$BATS_TEST_TMPDIR/large"
	exits 0 kc-produce -q --raw "$T" <"$BATS_TEST_TMPDIR/large"
	exits 0 kc-topics alter -c max.message.bytes=10000 "$T"
	run kc-produce -q --raw "$T" <"$BATS_TEST_TMPDIR/large"
	[[ $status -ne 0 ]]
	has_count "$T" 1
}

@test "compression.type and its level act when altered" {
	local before after
	kc-topics create "$T"
	plain() { jq -nc 'range(2000) | {value: "\(.) \(. * 7919 % 1000) \(. * 104729 % 977)"}' |
		kc-produce -q -X compression.codec=none -X linger.ms=20000 "$T"; }
	size() { kc-topics show --json "$T" | jq '[.partitions[].size? // 0] | add'; }
	bytes() { stat -c %s "$DATA/$T-0/00000000000000000000.log"; }
	plain
	before=$(bytes)
	exits 0 kc-topics alter -c compression.type=gzip -c compression.gzip.level=1 "$T"
	plain
	after=$(bytes)
	((after - before < before / 2))
	exits 0 kc-topics alter -c compression.gzip.level=9 "$T"
	plain
	(($(bytes) - after < after - before))
}

@test "the levels of zstd and lz4 act when altered" {
	local low high before codec
	plain() { seq 1 20000 | awk '{ printf "{\"value\":\"%d %d %d\"}\n", $1, $1 * 7919 % 1000, $1 * 104729 % 977 }' |
		kc-produce -q -X compression.codec=none -X linger.ms=20000 -X batch.num.messages=20000 "$T"; }
	bytes() { stat -c %s "$DATA/$T-0/00000000000000000000.log"; }
	kc-topics create "$T"
	plain
	for codec in "zstd 1 19" "lz4 1 12"; do
		# shellcheck disable=SC2086
		set -- $codec
		before=$(bytes)
		exits 0 kc-topics alter -c compression.type="$1" -c compression."$1".level="$2" "$T"
		plain
		low=$(($(bytes) - before))
		exits 0 kc-topics alter -c compression."$1".level="$3" "$T"
		before=$(bytes)
		plain
		high=$(($(bytes) - before))
		((high < low)) || { echo "$1: $low bytes at level $2, $high at $3"; return 1; }
	done
	has_count "$T" 100000
}

# The codec of the batch at an offset: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.
codec_at() { # TOPIC OFFSET
	"$ROOT/tests/lib/ask" "$KC_BROKERS" Fetch 11 "$(jq -nc --arg t "$1" --argjson o "$2" \
		'{MaxWaitMs: 10000, MinBytes: 1, Topics: [{Topic: $t, Partitions: [{Partition: 0, FetchOffset: $o, PartitionMaxBytes: 1}]}]}')" |
		jq -r '.Responses[0].Partitions[0].Records[45:46]'
}

@test "compression.type acts when altered: every codec, none, and back to the producer's" {
	local type at=0 codecs=()
	kc-topics create "$T"
	for type in gzip snappy lz4 zstd uncompressed producer; do
		exits 0 kc-topics alter -c compression.type="$type" "$T"
		kc-produce -q -X compression.codec=lz4 --raw "$T" < <(yes "$type" | head -n 50)
		codecs+=("$(codec_at "$T" "$at")")
		((at += 50))
	done
	[ "${codecs[*]}" = "1 2 3 4 0 3" ]
	[ "$(kc-consume -q -e --raw "$T" | uniq -c | awk '{ print $1 }' | sort -u)" = 50 ]
}

@test "flush.messages and flush.ms act when altered" {
	# a broker of its own, which syncs in an hour
	DATA=$BATS_TEST_TMPDIR/data
	commits() { kc-broker status --data-dir "$DATA" --json | jq .commits; }
	has_more() { (($(commits) > $1)); } # COMMITS
	is_forced() { # after the next record
		local before
		before=$(commits)
		records 1 1 | produce "$T"
		eventually has_more "$before"
	}
	run_kc_broker --data-dir "$DATA" --fsync interval:3600000
	kc-topics create "$T"
	local before
	before=$(commits)
	records 20 1 | produce "$T"
	[ "$(commits)" = "$before" ]
	exits 0 kc-topics alter -c flush.messages=1 "$T"
	is_forced
	exits 0 kc-topics alter -c flush.messages- -c flush.ms=0 "$T"
	is_forced
	stop_broker
}

@test "preallocate acts when altered, from the next segment on" {
	kc-topics create -c segment.bytes=4194304 -c segment.ms=60000 -c retention.ms=-1 "$T"
	blocks() { stat -c %b "$DATA/$T-0/$1.log"; }
	at() { jq -nc --argjson t "$1" '{value: "x", timestamp: $t}' | produce "$T"; }
	at 1700000000000
	(($(blocks 00000000000000000000) < 4194304 / 512))
	exits 0 kc-topics alter -c preallocate=true "$T"
	at 1700000030000
	(($(blocks 00000000000000000000) < 4194304 / 512))
	at 1700000090000
	(($(blocks 00000000000000000002) >= 4194304 / 512))
}

@test "message.timestamp.type and its limits act when altered" {
	kc-topics create "$T"
	old() { jq -nc '{value: "old", timestamp: 1600000000000}' | kc-produce -q "$T"; }
	exits 0 old
	exits 0 kc-topics alter -c message.timestamp.before.max.ms=1000 "$T"
	run old
	[[ $status -ne 0 ]]
	early() { jq -nc '{value: "early", timestamp: (now * 1000 + 7200000 | floor)}' | kc-produce -q "$T"; }
	run early
	[[ $status -ne 0 ]]
	exits 0 kc-topics alter -c message.timestamp.after.max.ms=86400000 "$T"
	exits 0 early
	exits 0 kc-topics alter -c message.timestamp.after.max.ms- "$T"
	run early
	[[ $status -ne 0 ]]
	exits 0 kc-topics alter -c message.timestamp.type=LogAppendTime "$T"
	exits 0 old
	kc-consume -q -e -o 2 -c 1 "$T" | jq -e '.timestamp_type == "append" and .timestamp > 1700000000000'
}

@test "min.insync.replicas above one is one on one node, as in Apache Kafka" {
	kc-topics create -c min.insync.replicas=2 "$T"
	exits 0 kc-produce -q -X acks=all "$T" <<<'{"value":"x"}'
	has_count "$T" 1
}

@test "configs that are out of bounds or unknown are refused" {
	kc-topics create "$T"
	exits 1 kc-topics alter -c min.cleanable.dirty.ratio=1.5 "$T"
	says "Value must be no more than 1"
	exits 1 kc-topics alter -c min.compaction.lag.ms=10 -c max.compaction.lag.ms=5 "$T"
	says "min.compaction.lag.ms"
	exits 1 kc-topics alter -c cleanup.policy=shred "$T"
	exits 1 kc-topics alter -c compact.harder=true "$T"
	exits 2 kc-broker --port 0 -o log.cleaner.dedupe.buffer.size=1
	says "log.cleaner.dedupe.buffer.size"
	exits 2 kc-broker --port 0 -o log.cleaner.io.max.bytes.per.second=fast
	says "log.cleaner.io.max.bytes.per.second"
}
