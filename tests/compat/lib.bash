# lib.bash - what every script of tests/compat uses: a broker of its own, a work folder, the count.
#
#   BUILD           the build folder (default build): kc-broker is $BUILD/bin/kc-broker,
#                   and what a client needs is kept in $BUILD/compat/NAME
#   COMPAT_BROKERS  host:port of a broker to run against instead, such as Apache Kafka
#   COMPAT_FSYNC    --fsync of the broker that is started (default group)
#
# A client's program prints TAP: "ok - what", "ok - what # skip why", "not ok - what: why".
# shellcheck shell=bash

ROOT=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
BUILD=${BUILD:-$ROOT/build}
[[ $BUILD == /* ]] || BUILD=$ROOT/$BUILD
export LC_ALL=C.UTF-8
NAME=$(basename "$(cd "$(dirname "$0")" && pwd)")
HERE=$ROOT/tests/compat/$NAME
WORK=$BUILD/compat/$NAME
mkdir -p "$WORK"
BROKER_PID='' BROKERS='' RUN_DIR=''
passed=0 failed=0 skipped=0

die() { # STATUS WORDS...
	echo "$NAME: ${*:2}" >&2
	exit "$1"
}

# A program that isn't there ends the script with status 2, and with what to install.
need() { # PROGRAM PACKAGE
	command -v "$1" >/dev/null || die 2 "needs $1 (try: apt-get install $2)"
}

clean_up() {
	stop_broker
	[[ -z $RUN_DIR ]] || rm -rf "$RUN_DIR"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# Sets BROKERS, BROKER_PID and RUN_DIR, a folder that is gone at the end.
start_broker() { # OPTION...
	RUN_DIR=$(mktemp -d "$WORK/run.XXXXXX")
	BROKERS=${COMPAT_BROKERS-}
	[[ -z $BROKERS ]] || return 0
	[[ -x $BUILD/bin/kc-broker ]] || die 2 "no $BUILD/bin/kc-broker (try: make)"
	mkfifo "$RUN_DIR/ready"
	"$BUILD/bin/kc-broker" --data-dir "$RUN_DIR/data" --port 0 --fsync "${COMPAT_FSYNC:-group}" --ready-fd 9 \
		"$@" 9>"$RUN_DIR/ready" 2>"$WORK/broker.log" </dev/null &
	BROKER_PID=$!
	read -r -t 20 BROKERS <"$RUN_DIR/ready" || die 1 "kc-broker did not start (see $WORK/broker.log)"
}

# A broker that has died before it was asked to is a failure of its own.
stop_broker() {
	local status=0
	[[ -n $BROKER_PID ]] || return 0
	if ! kill -TERM "$BROKER_PID" 2>/dev/null; then
		wait "$BROKER_PID" || status=$?
		not_ok "kc-broker ran to the end: status $status (see $WORK/broker.log)"
	fi
	wait "$BROKER_PID" || true
	BROKER_PID=''
}

ok() { passed=$((passed + 1)); echo "ok - $*"; }
not_ok() { failed=$((failed + 1)); echo "not ok - $*"; }

# Counts the TAP of a program; one that dies, hangs or says nothing is a failure.
client() { # SECONDS COMMAND...
	local log=$WORK/client.log status=0 lines bad skip
	timeout -k 10 "$1" "${@:2}" >"$log" 2>"$WORK/client.err" </dev/null || status=$?
	grep -E '^(not )?ok ' "$log"
	lines=$(grep -c '^ok ' "$log") bad=$(grep -c '^not ok ' "$log") skip=$(grep -ciE '^ok .*# skip' "$log")
	passed=$((passed + lines - skip)) failed=$((failed + bad)) skipped=$((skipped + skip))
	if [[ $status != 0 && $bad = 0 ]] || ((lines + bad == 0)); then
		not_ok "ran to the end: status $status (see $WORK/client.err)"
		tail -n 5 "$WORK/client.err"
	fi
}

# The packages of requirements.txt in a venv of this client's own.
python_packages() {
	need python3 python3-venv
	cmp -s "$HERE/requirements.txt" "$WORK/venv/requirements.txt" && return
	rm -rf "$WORK/venv"
	python3 -m venv "$WORK/venv" || die 2 "cannot make a venv (try: apt-get install python3-venv)"
	"$WORK/venv/bin/pip" -q --disable-pip-version-check install -r "$HERE/requirements.txt" || die 2 "pip failed"
	cp "$HERE/requirements.txt" "$WORK/venv/"
}

finish() {
	stop_broker
	echo "$passed passed, $failed failed, $skipped skipped"
	((failed == 0 && passed > 0))
	exit
}
