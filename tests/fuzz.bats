#!/usr/bin/env bats
# The fuzzers' requests and batches (make fuzz) at a broker that runs: it goes on, and
# neither its memory nor its log grows with them.

load lib/kc

setup() {
	only_kc_broker
}

teardown() {
	stop_broker
}

storm() { # SEED: prints how many requests were sent
	timeout 200 "$ROOT/tests/lib/storm" "$KC_BROKERS" "$1" "$ROOT"/tests/fuzz/seeds/wire/*Request*
	timeout 200 "$ROOT/tests/lib/storm" "$KC_BROKERS" "$1" --batches batches "$ROOT"/tests/fuzz/seeds/batch/*
}

resident() { # kB
	awk '/^VmRSS/ { print $2 }' "/proc/$BROKER_PID/status"
}

@test "requests that are anything, again and again: served, memory flat, log short" {
	local before start=$SECONDS
	# what ASan keeps of freed memory is not the broker's
	ASAN_OPTIONS=quarantine_size_mb=1 run_kc_broker --data-dir "$BATS_TEST_TMPDIR/broker"
	kc-topics create -q batches -c message.timestamp.after.max.ms=9223372036854775807 -c retention.ms=-1
	storm 1
	before=$(resident)
	for seed in 2 3 4; do
		storm "$seed"
		[[ $("$ROOT/tests/lib/frames" "$KC_BROKERS" versions) == "reply 000000070000"* ]]
	done
	echo "$(resident) kB, before $before kB; $(wc -l <"$BROKER_LOG") lines"
	[ "$(resident)" -lt $((before + 4096)) ]
	# eleven lines a second about peers, and those of a start
	[ "$(wc -l <"$BROKER_LOG")" -lt $(((SECONDS - start + 2) * 11 + 10)) ]
	# what was taken can be read: the five seeds four times, and what else was a batch
	[ "$(kc-consume -q -e batches | wc -l)" -gt 20 ]
}
