#!/usr/bin/env bats
# The fuzzers' requests (make fuzz) at a broker that runs: it goes on, and
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
}

resident() { # kB
	awk '/^VmRSS/ { print $2 }' "/proc/$BROKER_PID/status"
}

@test "requests that are anything, again and again: served, memory flat, log short" {
	local before start=$SECONDS
	# what ASan keeps of freed memory is not the broker's
	ASAN_OPTIONS=quarantine_size_mb=1 run_kc_broker --data-dir "$BATS_TEST_TMPDIR/broker"
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
}
