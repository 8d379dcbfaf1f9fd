#!/usr/bin/env bats
# The life of a consumer that somebody else wrote (kafka-python), as kc-lag sees it from run to run: it keeps up,
# falls behind, hangs, dies, comes back, is sent back. What is said, and when, is printed as it goes.
# shellcheck disable=SC2154

load lib/kc

setup_file() {
	start_broker
}

teardown_file() {
	stop_broker
}

teardown() {
	local pid
	for pid in ${producer-} ${consumer-}; do
		kill -9 "$pid" 2>/dev/null || true
	done
}

# Ten records every tenth of a second, until the file is gone.
produce() {
	while [[ -e producing ]]; do
		seq 10
		pause 0.1
	done | kc-produce -q --raw "$t" >/dev/null
}

consume() {
	: >consumer.out
	"$BATS_TEST_DIRNAME/lib/paced-consumer" "$KC_BROKERS" "$g" "$t" pace >consumer.out 2>consumer.err </dev/null 3>&- 4>&- 8>&- &
	consumer=$!
	disown
	eventually grep -q joined consumer.out
}

# One run of kc-lag, as from cron; its verdict is in $status. A new one is told.
look() {
	local line
	line=$(kc-lag "$g" --window 1s --json 2>look.err | jq -r '"\(.status) \(.lag) \(.client_id // "nobody") \(.consumed_per_s // 0 | floor)"')
	read -r verdict lag owner rate <<<"$line"
	seen+=" $verdict"
	[[ $verdict == "${last-}" ]] ||
		echo "# $(((${EPOCHREALTIME/[^0-9]/} - started) / 1000)) ms: $verdict, lag $lag, owned by $owner, $rate records/s" >&3
	last=$verdict
}

is_now() { # VERDICT
	look
	[[ $verdict == "$1" ]]
}

# Three samples of a machine with much to do take longer than eventually() waits.
at_last() { # COMMAND...
	eventually "$@" || eventually "$@" || eventually "$@"
}

# Until the verdict is so; on the way only verdicts of the list are right.
becomes() { # VERDICT ALLOWED...
	local word
	seen=
	at_last is_now "$1" || { echo "never $1, but:$seen"; return 1; }
	for word in $seen; do
		[[ " $* " == *" $word "* ]] || { echo "on the way to $1:$seen"; return 1; }
	done
}

keeps() { # VERDICT TIMES
	local i
	for ((i = 0; i < $2; i++)); do
		is_now "$1" || { echo "no longer $1 but $verdict"; return 1; }
		pause 0.2
	done
}

step() {
	echo "# -- $*" >&3
}

@test "a consumer keeps up, falls behind, hangs, dies, comes back and is sent back" {
	cd "$BATS_TEST_TMPDIR"
	export XDG_STATE_HOME=$BATS_TEST_TMPDIR/state
	t=$(topic) g=$t-g started=${EPOCHREALTIME/[^0-9]/}
	kc-topics create -q "$t"
	touch producing
	produce 3>&- 4>&- 8>&- &
	producer=$!
	disown

	step "it reads 100 records/s, as many as are produced"
	echo 5000 >pace
	consume
	# a verdict on lag takes as long as --window says
	watched() { look && [[ $rate -gt 0 ]]; }
	at_last watched
	keeps OK 10
	[[ $owner == paced ]]

	step "20,000 records at once, and it reads 20 a second"
	echo 20 >pace
	seq 20000 | kc-produce -q --raw "$t"
	becomes SLOW OK
	[[ $owner == paced && $lag -gt 19000 ]]

	step "its handler hangs; its heartbeats go on"
	echo 0 >pace
	becomes STALLED SLOW OK
	keeps STALLED 5
	[[ $owner == paced ]]
	exits 5 kc-lag reset "$g" --to latest --execute
	says "group '$g' has 1 member, which would commit over it: "
	says "(client 'paced', host"

	step "kill -9"
	kill -9 "$consumer"
	becomes STOPPED STALLED
	[[ $owner == nobody ]]

	step "it is started again, and reads fast"
	echo 50000 >pace
	consume
	becomes OK STOPPED STALLED SLOW
	caught_up() { look && [[ $verdict == OK && $lag -lt 100 ]]; }
	at_last caught_up

	step "it is stopped, sent back to the beginning, and started again"
	kill -9 "$consumer"
	rm producing
	idle() { [[ $(kc-lag list --state empty | grep -c "^$g	") == 1 ]]; }
	at_last idle
	kc-lag reset "$g" --to earliest --execute -q >/dev/null
	becomes REWOUND OK STOPPED
	[[ $lag -gt 20000 ]]
	consume
	# a member that has just joined has not committed yet
	becomes OK REWOUND STOPPED STALLED
	[[ $lag -lt 2000 ]]   # not before it is where it was
	exits 0 kc-lag wait "$g" --timeout 20s
}
