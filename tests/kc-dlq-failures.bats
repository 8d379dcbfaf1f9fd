#!/usr/bin/env bats
# kc-dlq and kc-replay when brokers fail them, records expire, secrets are about and rights are missing.

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
}

teardown() {
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
