# kc.bash - what every bats file uses: `load lib/kc` at its top.
#
#   start_broker [OPTION...]   in setup_file: a broker for this file; exports KC_BROKERS
#   stop_broker                in teardown_file
#   topic                      a topic name of this test's own
#   exits STATUS COMMAND...    runs it; $output, $stderr, $lines as bats' run --separate-stderr
#   says TEXT                  $stderr of the last command contains TEXT
#   runs_out STATUS TEXT COMMAND...   what waits until its --timeout, and then exits so and says that
#   eventually COMMAND...      until it succeeds, at most 60 s
#   pause SECONDS              the pace of a loop that waits for a condition
#   only_kc_broker [WHY]       skips where the broker is Apache Kafka
#
# With KC_TEST_BROKERS set (make check-kafka) start_broker uses that cluster:
# a file that doesn't call only_kc_broker or give options can't tell which broker it got.
# shellcheck shell=bash disable=SC2154

bats_require_minimum_version 1.5.0

ROOT=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
. "$ROOT/tests/lib/pause.bash"
PATH=${KC_BIN:-$ROOT/build/bin}:$PATH
export LC_ALL=C.UTF-8
# Nobody's own configuration, colours or data directory may reach a test.
unset KC_PROFILE KC_CONFIG NO_COLOR XDG_RUNTIME_DIR
export XDG_CONFIG_HOME=$BATS_FILE_TMPDIR/config XDG_DATA_HOME=$BATS_FILE_TMPDIR/data \
	XDG_CACHE_HOME=$BATS_FILE_TMPDIR/cache XDG_STATE_HOME=$BATS_FILE_TMPDIR/state

# Starts kc-broker on a free port and waits until it accepts. Sets KC_BROKERS and BROKER_PID.
# Ready in milliseconds; its words are in $BROKER_LOG.
run_kc_broker() { # OPTION...
	local fifo=$BATS_FILE_TMPDIR/ready
	BROKER_LOG=$BATS_FILE_TMPDIR/broker.log
	rm -f "$fifo"
	mkfifo "$fifo"
	# 3 and 4 are bats' own, 8 a test's pipe: a broker holding them would keep their readers waiting.
	TMPDIR=$BATS_FILE_TMPDIR kc-broker --port 0 --ready-fd 9 "$@" 9>"$fifo" 2>>"$BROKER_LOG" </dev/null 3>&- 4>&- 8>&- &
	BROKER_PID=$!
	if ! read -r -t 60 KC_BROKERS <"$fifo"; then
		echo "kc-broker did not start:" >&2
		cat "$BROKER_LOG" >&2
		return 1
	fi
	export BROKER_PID KC_BROKERS BROKER_LOG
}

start_broker() { # OPTION...
	if [[ -n ${KC_TEST_BROKERS-} ]]; then
		export KC_BROKERS=$KC_TEST_BROKERS BROKER_PID=
		return
	fi
	run_kc_broker --data-dir "$BATS_FILE_TMPDIR/broker" "$@"
}

# Ended; a child that nobody has waited for yet counts.
is_gone() { # PID
	local state
	state=$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) || return 0
	[[ -z $state || $state == Z ]]
}

# Asks the broker to end, and fails when it doesn't within the deadline.
stop_broker() {
	[[ -n ${BROKER_PID-} ]] || return 0
	kill "$BROKER_PID" 2>/dev/null || true
	if ! eventually is_gone "$BROKER_PID"; then
		kill -9 "$BROKER_PID"
		echo "kc-broker did not end" >&2
		return 1
	fi
}

kill_broker() {
	kill -9 "$BROKER_PID"
	eventually is_gone "$BROKER_PID"
}

# librdkafka from 2.10 on describes groups of the new protocol (KIP-848).
names_new_members() {
	local version
	version=$(kc-lag -V)
	version=${version##*librdkafka }
	[[ $(printf '%s\n' 2.10 "${version%)}" | sort -V | head -n 1) == 2.10 ]]
}

only_kc_broker() {
	[[ -z ${KC_TEST_BROKERS-} ]] || skip "${1-is about kc-broker}"
}

topic() {
	echo "${BATS_TEST_FILENAME##*/}-$BATS_TEST_NUMBER-$RANDOM"
}

exits() { # STATUS COMMAND...
	local want=$1
	shift
	run --separate-stderr "$@"
	if [[ $status -ne $want ]]; then
		printf 'status %s, not %s, of: %s\n' "$status" "$want" "$*"
		printf 'stdout: %s\nstderr: %s\n' "${output:0:2000}" "${stderr:0:2000}"
		return 1
	fi
}

says() { # TEXT
	[[ $stderr == *"$1"* ]] || {
		printf 'stderr lacks: %s\nstderr: %s\n' "$1" "$stderr"
		return 1
	}
}

# A machine that is busy may need longer than a short --timeout before there is something to wait for.
runs_out() { # STATUS TEXT COMMAND...
	local want=$1 text=$2 t
	shift 2
	for t in 300ms 3s 30s; do
		exits "$want" "$@" --timeout "$t" && says "$text" && return
	done
	return 1
}

eventually() { # COMMAND...
	local deadline=$((SECONDS + 60))
	until "$@"; do
		((SECONDS < deadline)) || return 1
		pause 0.02
	done
}
