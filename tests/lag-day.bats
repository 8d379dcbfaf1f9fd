#!/usr/bin/env bats
# kc-lag as cron runs it: a day of 1,440 runs against a load that changes, with incidents.
# shellcheck disable=SC2154

load lib/kc

setup_file() {
	start_broker
}

teardown_file() {
	stop_broker
}

@test "1,440 runs of a day: each incident is told by the second run, and nothing else is" {
	only_kc_broker
	export XDG_STATE_HOME=$BATS_TEST_TMPDIR/state
	kc-topics create -q day -p 10
	run "$BATS_TEST_DIRNAME/lib/cron-day" ${KC_LAG_RUNS-}
	tail -n 20 <<<"$output" | sed 's/^/# /' >&3
	[[ $status == 0 ]]
	[[ ${lines[-1]} == *" 0 problems" ]]
}
