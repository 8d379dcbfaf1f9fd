#!/usr/bin/env bats
# Consumer groups, as clients see them: kcat with the distribution's librdkafka.
# shellcheck disable=SC2030,SC2031  # every test is a subshell of its own

load lib/kc

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

new_topic() { # PARTITIONS
	t=$(topic)
	g=group-$t
	kc-topics create "$t" -p "$1"
}

# PARTITION:LINE... spread evenly
produce() { # FIRST LAST PARTITIONS
	local i p
	for ((p = 0; p < $3; p++)); do
		for ((i = $1 + p; i <= $2; i += $3)); do
			echo "line $i"
		done | kcat -b "$KC_BROKERS" -P -t "$t" -p "$p" -X acks=all
	done
}

# To the end, then leaves: offsets are committed on the way out.
consume() { # [OPTION...]
	kcat -b "$KC_BROKERS" -X auto.offset.reset=earliest -X session.timeout.ms=6000 \
		-X heartbeat.interval.ms=500 -G "$g" -q -u -e "$@" "$t" 3>&- 4>&-
}

# A member that stays. Its words, with the assignments, go to NAME.err.
member() { # NAME [OPTION...]
	local name=$BATS_TEST_TMPDIR/$1
	shift
	kcat -b "$KC_BROKERS" -X auto.offset.reset=earliest -X session.timeout.ms=6000 \
		-X heartbeat.interval.ms=500 -X auto.commit.interval.ms=100 -G "$g" -u "$@" "$t" \
		>"$name.out" 2>"$name.err" </dev/null 3>&- 4>&- &
	pid=$!
	disown
	pids="${pids-} $pid"
}

# How many partitions it has, by the last thing it said of them.
owned() { # NAME
	local last
	last=$(grep -a 'rebalanced' "$BATS_TEST_TMPDIR/$1.err" | tail -n 1)
	[[ $last == *assigned:* ]] || { echo 0; return; }
	grep -o '\[[0-9]*\]' <<<"${last##*assigned:}" | wc -l
}

owns() { # NAME N
	[[ $(owned "$1") -eq $2 ]]
}

share() { # NAME NAME TOTAL
	local a b
	a=$(owned "$1") b=$(owned "$2")
	((a > 0 && b > 0 && a + b == $3))
}

has_lines() { # N FILE...
	local n=$1
	shift
	[[ $(sort -u "$@" | wc -l) -ge $n ]]
}

@test "a group reads every record, and goes on where it stopped" {
	new_topic 3
	produce 1 300 3
	exits 0 consume
	[[ $(sort -u <<<"$output" | wc -l) -eq 300 ]]
	[[ ${#lines[@]} -eq 300 ]]
	exits 0 consume
	[[ -z $output ]]
	produce 301 310 1
	exits 0 consume
	[[ ${#lines[@]} -eq 10 ]]
	[[ ${lines[0]} == "line 301" ]]
}

@test "groups do not know of each other" {
	new_topic 1
	produce 1 10 1
	exits 0 consume
	[[ ${#lines[@]} -eq 10 ]]
	g=other-$g
	exits 0 consume
	[[ ${#lines[@]} -eq 10 ]]
}

@test "two members share the partitions; when one is killed the other takes all" {
	new_topic 4
	member a
	eventually owns a 4
	member b
	local b=$pid
	eventually share a b 4
	produce 1 400 4
	eventually has_lines 400 "$BATS_TEST_TMPDIR"/[ab].out
	kill -9 "$b"
	eventually owns a 4
	produce 401 800 4
	eventually has_lines 800 "$BATS_TEST_TMPDIR"/[ab].out
}

@test "a member that leaves is replaced at once" {
	new_topic 2
	member a
	eventually owns a 2
	# its session would outlast the wait
	member b -X session.timeout.ms=60000
	local b=$pid
	eventually share a b 2
	kill -INT "$b"
	eventually owns a 2
}

@test "cooperative members share, too" {
	new_topic 4
	member a -X partition.assignment.strategy=cooperative-sticky
	eventually grep -q 'incremental assignment of 4' "$BATS_TEST_TMPDIR/a.err"
	member b -X partition.assignment.strategy=cooperative-sticky
	eventually grep -q 'incremental assignment of 2' "$BATS_TEST_TMPDIR/b.err"
	# a kept what b did not get
	[[ $(grep -ac 'incremental revoke of 2' "$BATS_TEST_TMPDIR/a.err") -eq 1 ]]
	run ! grep -aq 'incremental revoke of 4' "$BATS_TEST_TMPDIR/a.err"
	produce 1 400 4
	eventually has_lines 400 "$BATS_TEST_TMPDIR"/[ab].out
	[[ -s $BATS_TEST_TMPDIR/a.out && -s $BATS_TEST_TMPDIR/b.out ]]
}

@test "members without a common strategy do not meet" {
	new_topic 1
	member a -X partition.assignment.strategy=range
	eventually owns a 1
	member b -X partition.assignment.strategy=roundrobin -X debug=cgrp
	eventually grep -qi 'inconsistent' "$BATS_TEST_TMPDIR/b.err"
	owns a 1
}

@test "a static member comes back without a rebalance" {
	new_topic 2
	member a -X group.instance.id=one
	member b -X group.instance.id=two
	local b=$pid
	eventually share a b 2
	local before
	before=$(grep -ac rebalanced "$BATS_TEST_TMPDIR/a.err")
	kill -9 "$b"
	member b2 -X group.instance.id=two
	eventually owns b2 1
	[[ $(grep -ac rebalanced "$BATS_TEST_TMPDIR/a.err") -eq $before ]]
}

@test "offsets survive kill -9 of the broker" {
	only_kc_broker
	run_kc_broker --data-dir "$BATS_TEST_TMPDIR/data"
	new_topic 2
	produce 1 100 2
	exits 0 consume
	[[ ${#lines[@]} -eq 100 ]]
	kill_broker
	run_kc_broker --data-dir "$BATS_TEST_TMPDIR/data"
	produce 101 120 2
	exits 0 consume
	[[ ${#lines[@]} -eq 20 ]]
	stop_broker
	run_kc_broker --data-dir "$BATS_TEST_TMPDIR/data"
	exits 0 consume
	[[ -z $output ]]
	stop_broker
}

# Every generation leaves a record of its own, whose key has no topic.
generations() {
	kcat -b "$KC_BROKERS" -C -t __consumer_offsets -e -q -o beginning -f '%k\n' |
		grep -a "$g" | grep -avc "$t"
}

# kcat ends when no broker is there, kc-consume does not.
@test "a member lives through a restart of the broker" {
	only_kc_broker
	run_kc_broker --data-dir "$BATS_TEST_TMPDIR/data"
	new_topic 2
	g=members
	kc-consume -g "$g" --raw "$t" >"$BATS_TEST_TMPDIR/a.out" \
		2>"$BATS_TEST_TMPDIR/a.err" </dev/null 3>&- 4>&- &
	pids=$!
	disown
	produce 1 100 2
	eventually has_lines 100 "$BATS_TEST_TMPDIR/a.out"
	[[ $(generations) -gt 0 ]]
	local before
	before=$(generations)
	kill_broker
	run_kc_broker --data-dir "$BATS_TEST_TMPDIR/data" --port "${KC_BROKERS##*:}"
	produce 101 200 2
	eventually has_lines 200 "$BATS_TEST_TMPDIR/a.out"
	[[ $(generations) -eq $before ]]
	stop_broker
}

@test "a topic that is made anew has no offsets of its namesake" {
	new_topic 1
	produce 1 10 1
	exits 0 consume
	[[ ${#lines[@]} -eq 10 ]]
	kc-topics delete "$t" --yes
	eventually kc-topics create "$t" -p 1
	produce 1 5 1
	exits 0 consume
	[[ ${#lines[@]} -eq 5 ]]
}

@test "offsets are in a real topic" {
	new_topic 1
	produce 1 3 1
	exits 0 consume
	exits 0 kcat -b "$KC_BROKERS" -C -t __consumer_offsets -e -q -o beginning -f '%k\n'
	[[ $output == *"$g"*"$t"* ]]
}
