#!/usr/bin/env bats
# What the tools do when brokers fail them: coordinators that move, answers that are lost.

load lib/kc

setup_file() {
	only_kc_broker
	start_broker
}

teardown_file() {
	stop_broker
}

setup() {
	only_kc_broker
	own=''
}

teardown() {
	[[ -z $own ]] || kill -9 "$own" 2>/dev/null || true
	kc-broker fault clear --data-dir "$BATS_FILE_TMPDIR/broker"
}

fault() { # RULE
	# shellcheck disable=SC2086
	kc-broker fault add $1 --data-dir "$BATS_FILE_TMPDIR/broker" >/dev/null
}

# Sets $src and $dlq: topics of this test, the second with N dead letters of the first, one partition each.
dead_letters() { # N
	local i
	src=$(topic)
	dlq=$src.dlq
	kc-topics create -q "$src" "$dlq"
	for ((i = 0; i < $1; i++)); do
		printf '{"topic":"%s","key":"k%d","value":"v%d","headers":[{"key":"__connect.errors.topic","value":"%s"}' "$dlq" "$i" "$i" "$src"
		printf ',{"key":"__connect.errors.partition","value":"0"},{"key":"__connect.errors.offset","value":"%d"}]}\n' "$i"
	done | kc-produce
}

# ---- the coordinator ---------------------------------------------------------------

@test "a coordinator that moves is waited for, and 75 in the end: no crash" {
	dead_letters 3
	local code
	for code in COORDINATOR_LOAD_IN_PROGRESS COORDINATOR_NOT_AVAILABLE NOT_COORDINATOR; do
		fault "OffsetFetch error=$code"
		for verb in list groups runs check rebuild "redrive --yes" "park --yes" "purge --yes"; do
			# shellcheck disable=SC2086
			exits 75 kc-dlq $verb "$dlq" --timeout 300ms
			says "(run it again later)"
		done
		exits 4 kc-dlq ls "$dlq" --timeout 300ms
		kc-broker fault clear --data-dir "$BATS_FILE_TMPDIR/broker"
	done
	fault "OffsetFetch error=NOT_COORDINATOR count=3"
	exits 0 kc-dlq redrive "$dlq" --yes
	[[ $(kc-consume "$src" -e | wc -l) == 3 ]]
}

@test "a replay resumes although the coordinator moves" {
	src=$(topic)
	kc-topics create -q "$src" "$src-to"
	seq 1000 | kc-produce -q --raw "$src"
	kc-replay -q "$src" --to "$src-to" --name "$src" --rate 500 3>&- 4>&- &
	local pid=$!
	has_begun() { kc-consume "$src-to" -e -c 1 --fail-empty >/dev/null 2>&1; }
	eventually has_begun
	kill -9 $pid
	fault "OffsetFetch error=NOT_COORDINATOR count=3"
	exits 0 kc-replay -q --resume "$src"
	[[ $(kc-consume "$src-to" -e --raw | sort -n | cmp - <(seq 1000)) == "" ]]
}

# ---- a new epoch whose answer is lost ------------------------------------------------

# A broker of this test's own, which can be killed and started again at its port: once who connects to it does not
# hold that by chance, having been given it as his own.
own_broker() {
	local fifo=$BATS_TEST_TMPDIR/ready
	[[ -p $fifo ]] || mkfifo "$fifo"
	for _ in {1..50}; do
		kc-broker --data-dir "$BATS_TEST_TMPDIR/own" --port "${port:-0}" --ready-fd 9 9>"$fifo" 2>>"$BATS_TEST_TMPDIR/own.log" </dev/null 3>&- 4>&- &
		own=$!
		if read -r -t 20 KC_BROKERS <"$fifo"; then
			port=${KC_BROKERS##*:}
			export KC_BROKERS
			return
		fi
	done
	cat "$BATS_TEST_TMPDIR/own.log"
	return 1
}

own_fault() { # RULE
	# shellcheck disable=SC2086
	kc-broker fault add $1 --data-dir "$BATS_TEST_TMPDIR/own" >/dev/null
}

# The rule of this request has acted.
has_hit() { # REQUEST
	kc-broker fault list --data-dir "$BATS_TEST_TMPDIR/own" | awk -v r="$1" '$4 == r && $3 { hit = 1 } END { exit !hit }'
}

# The tool's transaction is aborted, for which it needs a new epoch; the broker gives it, and dies before it says so.
# Sets $status.
loses_its_epoch() { # TOOL TARGET COMMAND...
	own_fault "Produce client=$1 topic=$2 nth=1 error=UNKNOWN_PRODUCER_ID"
	own_fault "InitProducerId transactional-id=$1.* nth=2 drop"
	"${@:3}" 2>"$BATS_TEST_TMPDIR/err" 3>&- 4>&- &
	local tool=$!
	eventually has_hit InitProducerId
	kill -9 "$own"
	eventually is_gone "$own"
	own_broker
	status=0
	wait "$tool" || status=$?
	stderr=$(<"$BATS_TEST_TMPDIR/err")
}

@test "a broker that dies while it gives a new epoch: 75 and its reason, not 5" {
	port=''
	own_broker
	dead_letters 5
	loses_its_epoch kc-dlq "$src" kc-dlq redrive "$dlq" --yes -q
	[[ $status == 75 ]]
	says "the broker was lost while it gave this run a new epoch"
	exits 0 kc-dlq redrive "$dlq" --yes
	[[ $(kc-consume "$src" -e --raw | wc -l) == 5 ]]

	# known by its name when it comes back: whether it could leave its group is chance
	local handler=(kc-consume -g "$src" "$src" -e --exec cat --to "$src-out" --txn -X "group.instance.id=$src")
	loses_its_epoch kc-consume "$src-out" "${handler[@]}"
	[[ $status == 75 ]]
	says "the broker was lost while it gave this run a new epoch"
	exits 0 "${handler[@]}"
	[[ $(kc-consume "$src-out" -e --raw | wc -l) == 5 ]]
	kill -9 "$own"
}

@test "a twin is 5 although connections were lost before" {
	dead_letters 40
	kc-dlq redrive "$dlq" --yes --rate 10/s 2>"$BATS_TEST_TMPDIR/err" 3>&- 4>&- &
	local first=$!
	has_begun() { kc-consume "$src" -e -c 1 --fail-empty >/dev/null 2>&1; }
	eventually has_begun
	fault "any client=kc-dlq close after count=3"
	exits 0 kc-dlq redrive "$dlq" --yes
	status=0
	wait $first || status=$?
	[[ $status == 5 ]]
	[[ $(kc-consume "$src" -e --raw | wc -l) == 40 ]]
}
