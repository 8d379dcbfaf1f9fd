#!/usr/bin/env bats
# kc-broker keeps within its limits, and those who keep within theirs are served.

load lib/kc

setup() {
	only_kc_broker
}

own_broker() { # OPTION...
	run_kc_broker --data-dir "$BATS_TEST_TMPDIR/broker" "$@"
	own=$BROKER_PID
}

teardown() {
	[ -z "${own-}" ] || stop_broker
}

crowd() {
	timeout 250 "$ROOT/tests/lib/crowd" "$KC_BROKERS" "$@"
}

ask() { # NAME VERSION [JSON]
	timeout 60 "$ROOT/tests/lib/ask" "$KC_BROKERS" "$@"
}

is_served() {
	[[ $("$ROOT/tests/lib/frames" "$KC_BROKERS" versions) == "reply 000000070000"* ]]
}

peak() { # kB
	awk '/^VmHWM/ { print $2 }' "/proc/$BROKER_PID/status"
}

# N connections that stay until let_go; prints how many were let in.
hold() { # N
	mkfifo "$BATS_TEST_TMPDIR/hold" "$BATS_TEST_TMPDIR/held"
	"$ROOT/tests/lib/crowd" "$KC_BROKERS" hold "$1" <"$BATS_TEST_TMPDIR/hold" >"$BATS_TEST_TMPDIR/held" 3>&- 4>&- &
	exec 8>"$BATS_TEST_TMPDIR/hold"
	read -r -t 60 held <"$BATS_TEST_TMPDIR/held"
}

let_go() {
	exec 8>&-
	wait %2 2>/dev/null || true
}

@test "200 large Produce at once: all are taken, in the memory allowed" {
	local before
	# what ASan keeps of freed memory is not the broker's
	export ASAN_OPTIONS=quarantine_size_mb=4
	own_broker --memory-max 16M -o message.max.bytes=10000000 --wal-size 64M
	ask CreateTopics 5 '{"Topics":[{"Name":"t","NumPartitions":1,"ReplicationFactor":1}]}' >/dev/null
	before=$(peak)
	exits 0 crowd t 200 1000000
	[ "$output" = 200 ]
	# what was there, what is allowed, and 40 MB on their way to the disk and back to the system
	echo "peak $(peak) kB, before $before kB"
	[ "$(peak)" -lt $((before + 16384 + 40960)) ]
}

@test "--memory-max is a size, and not too small" {
	exits 2 kc-broker --memory-max 1K
	says "--memory-max"
	exits 2 kc-broker --memory-max lots
}

@test "max.connections, for everybody" {
	own_broker -o max.connections=10
	hold 30
	[ "$held" = 10 ]
	let_go
	eventually is_served
}

@test "max.connections.per.ip, and the addresses that have their own" {
	own_broker -o max.connections.per.ip=5 -o max.connections.per.ip.overrides=::1:9
	hold 20
	[ "$held" = 5 ]
	KC_BROKERS="[::1]:${KC_BROKERS##*:}" is_served
	let_go
	exits 2 kc-broker -o max.connections.per.ip.overrides=nonsense
	says "max.connections.per.ip.overrides"
}

@test "max.connection.creation.rate makes connections wait" {
	local start=${EPOCHREALTIME/./}
	own_broker -o max.connection.creation.rate=10 -o quota.window.num=2
	for _ in {1..20}; do is_served; done
	[ $(((${EPOCHREALTIME/./} - start) / 1000)) -ge 700 ]
}

@test "a connection must ask something, ask it to the end, and not sleep" {
	# one limit is short, the others are beyond what is allowed
	own_broker -o kc.first.request.timeout.ms=1000
	exits 0 crowd idle silent
	[ "$output" -ge 1 ] && [ "$output" -le 9 ]
	stop_broker
	own_broker -o kc.first.request.timeout.ms=50000 -o kc.partial.request.timeout.ms=2000
	exits 0 crowd idle partial
	[ "$output" -ge 1 ] && [ "$output" -le 25 ]
	stop_broker
	own_broker -o connections.max.idle.ms=3000
	exits 0 crowd idle between
	[ "$output" -ge 2 ] && [ "$output" -le 50 ]
}

@test "who never reads is not answered for ever" {
	local before
	# freed memory that the sanitizer keeps is not the broker's
	export ASAN_OPTIONS=quarantine_size_mb=4
	own_broker -o kc.reply.timeout.ms=2000
	ask CreateTopics 5 '{"Topics":[{"Name":"wide","NumPartitions":5000,"ReplicationFactor":1}]}' >/dev/null
	before=$(peak)
	exits 0 crowd idle deaf
	[ "$output" -ge 1 ]
	[ "$(peak)" -lt $((before + 32768)) ]
	is_served
}

@test "when descriptors run out, connections are refused and the others go on" {
	ulimit -Sn 60 && ulimit -Hn 60
	own_broker
	grep -q '^Max open files  *60  *60' "/proc/$BROKER_PID/limits"
	( ulimit -Sn 60; is_served )
	ulimit -Sn 60
	hold 50
	[ "$held" -lt 50 ]
	let_go
	eventually is_served
}

@test "the soft limit of descriptors is raised" {
	ulimit -Sn 100
	own_broker
	soft=$(awk '/^Max open files/ { print $4 }' "/proc/$BROKER_PID/limits")
	[ "$soft" = "$(ulimit -Hn)" ]
}

@test "what takes long to unpack does not hold up the others, and keeps its order" {
	own_broker
	ask CreateTopics 5 '{"Topics":[{"Name":"t","NumPartitions":1,"ReplicationFactor":1}]}' >/dev/null
	exits 0 timeout 60 "$ROOT/tests/lib/batches" "$KC_BROKERS" t bombs 8
	# a loop that unpacked them would answer others once in between, at most
	echo "$output answers"
	[ "$output" -gt 24 ]
	# packed and idempotent, many in flight: in order, none twice
	seq 1 40000 | kcat -P -b "$KC_BROKERS" -t t -z gzip -X enable.idempotence=true -X linger.ms=5 -X batch.num.messages=5000
	kcat -C -e -q -b "$KC_BROKERS" -t t | cmp - <(seq 1 40000)
}

@test "packed batches of one request: each partition has its own answer" {
	own_broker
	ask CreateTopics 5 '{"Topics":[{"Name":"t","NumPartitions":6,"ReplicationFactor":1}]}' >/dev/null
	exits 0 timeout 60 "$ROOT/tests/lib/batches" "$KC_BROKERS" t several small packed bomb packed small zeros packed
	[ "$output" = "0 0 87 0 0 0 3" ]
	[ "$(kcat -C -e -q -b "$KC_BROKERS" -t t -f '%p\n' | sort | uniq -c | tr -s ' \n' ' ')" = " 1 0 1 1 1 3 1 4 1 5 " ]
}

@test "a packed batch that nobody waits for is taken, too" {
	own_broker
	ask CreateTopics 5 '{"Topics":[{"Name":"t","NumPartitions":1,"ReplicationFactor":1}]}' >/dev/null
	exits 0 timeout 60 "$ROOT/tests/lib/batches" "$KC_BROKERS" t unasked 3
	eventually has_end 3
}

has_end() { # OFFSET
	[ "$(ask ListOffsets 5 '{"ReplicaId":-1,"Topics":[{"Name":"t","Partitions":[{"PartitionIndex":0,"CurrentLeaderEpoch":-1,"Timestamp":-1}]}]}' |
		jq '.Topics[0].Partitions[0].Offset')" = "$1" ]
}

@test "what batches unpack to is in memory one at a time" {
	local before
	export ASAN_OPTIONS=quarantine_size_mb=4
	own_broker
	# unpacked for good, of which max.message.bytes is told only then
	ask CreateTopics 5 '{"Topics":[{"Name":"t","NumPartitions":20,"ReplicationFactor":1,"Configs":[{"Name":"compression.type","Value":"uncompressed"}]}]}' >/dev/null
	before=$(peak)
	exits 0 timeout 60 "$ROOT/tests/lib/batches" "$KC_BROKERS" t several zeros zeros zeros zeros zeros \
		zeros zeros zeros zeros zeros zeros zeros zeros zeros zeros zeros zeros zeros zeros zeros
	[ "$output" = "$(printf '10%.0s ' {1..20} | sed 's/ $//')" ]
	# one of 16 MB as it is unpacked and one as it would be stored, and as much for buffers that grow
	echo "peak $(peak) kB, before $before kB"
	[ "$(peak)" -lt $((before + 4 * 16384)) ]
}

resident() { # kB
	awk '/^VmRSS/ { print $2 }' "/proc/$BROKER_PID/status"
}

# A build with a sanitizer takes more for the same.
times() {
	if grep -q __asan_init "$(command -v kc-broker)"; then echo 6; else echo 1; fi
}

@test "groups take twice kc.groups.max.bytes at worst, and the next is refused" {
	local offsets before
	for offsets in '1 0' '100 0'; do
		own_broker --fsync never -o kc.groups.max.bytes=4194304
		ask CreateTopics 5 '{"Topics":[{"Name":"t","NumPartitions":100,"ReplicationFactor":1}]}' >/dev/null
		before=$(resident)
		# shellcheck disable=SC2086
		exits 0 timeout 100 "$ROOT/tests/lib/commits" "$KC_BROKERS" t $offsets
		[[ $output == *' 28' ]]
		[ "${output% *}" -gt 300 ]
		echo "$offsets: $output, $(resident) kB, before $before kB"
		[ "$(resident)" -lt $((before + (2 * 4096 + 3072) * $(times))) ]
		stop_broker
		rm -rf "$BATS_TEST_TMPDIR/broker"
	done
}

@test "a partition takes less than 1 KB until it is written to" {
	local before
	own_broker
	before=$(resident)
	ask CreateTopics 5 '{"Topics":[{"Name":"t","NumPartitions":8000,"ReplicationFactor":1}]}' >/dev/null
	echo "$(resident) kB, before $before kB"
	[ "$(resident)" -lt $((before + 8000 * $(times))) ]
}

# A Fetch of partitions that nobody has; $session is that of the reply, 0 = none.
fetch() { # SESSION EPOCH TOPIC PARTITIONS ERROR
	local error
	read -r error session < <(timeout 60 "$ROOT/tests/lib/fetch-session" "$KC_BROKERS" "${@:1:4}")
	[ "$error" = "$5" ]
}

@test "beyond max.incremental.fetch.session.cache.slots clients fetch without a session" {
	local first second
	own_broker -o max.incremental.fetch.session.cache.slots=2
	fetch 0 0 none 1 0
	first=$session
	fetch 0 0 none 1 0
	second=$session
	[ "$first" -gt 0 ] && [ "$second" -gt 0 ]
	fetch 0 0 none 1 0
	[ "$session" = 0 ]
	fetch "$first" 1 none 0 0
	# who was silent for two minutes makes room
	exits 0 kc-broker fault clock --data-dir "$BATS_TEST_TMPDIR/broker" +3m
	fetch "$first" 2 none 0 0
	fetch 0 0 none 1 0
	[ "$session" -gt 0 ]
	fetch "$second" 1 none 0 70
	fetch "$first" 3 none 0 0
}

@test "beyond 262,144 partitions in fetch sessions clients fetch without a session" {
	local before first
	own_broker
	before=$(resident)
	fetch 0 0 none 200000 0
	first=$session
	[ "$first" -gt 0 ]
	fetch 0 0 none 62145 0
	[ "$session" = 0 ]
	echo "$(resident) kB, before $before kB"
	[ "$(resident)" -lt $((before + 150000 * $(times))) ]
	fetch 0 0 none 62144 0
	[ "$session" -gt 0 ]
	fetch 0 0 none 1 0
	[ "$session" = 0 ]
	# one more in a session that is there: the client is to come again with all of them
	fetch "$first" 1 more 1 70
	# which made room
	fetch 0 0 none 1 0
	[ "$session" -gt 0 ]
}
