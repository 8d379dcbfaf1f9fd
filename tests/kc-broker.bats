# kc-broker - options, start and end, and bytes that no client would send

load lib/kc

setup_file() {
	start_broker
}

teardown_file() {
	stop_broker
}

setup() {
	only_kc_broker
	dir=$BATS_TEST_TMPDIR
	background=(kc-broker)
}

frames() {
	"$ROOT/tests/lib/frames" "$KC_BROKERS" "$@"
}

# The first line of the ready descriptor of a broker in the background; sets $pid, $ready.
background() { # OPTION...
	mkfifo "$dir/ready"
	"${background[@]}" --ready-fd 9 "$@" 9>"$dir/ready" 2>"$dir/log" </dev/null 3>&- 4>&- &
	pid=$!
	read -r -t 60 ready <"$dir/ready"
	rm "$dir/ready"
}

# Ends a broker of background() by a signal; sets $status.
end_by() { # SIGNAL
	kill -"$1" "$pid"
	status=0
	wait "$pid" || status=$?
}

answers() { # HOST:PORT
	[ "$("$ROOT/tests/lib/frames" "$1" versions-newer)" = "reply 00000007002300000001001200000005" ]
}

resident() { # PID: KiB
	awk '/^VmRSS/ {print $2}' "/proc/$1/status"
}

# ---- words -------------------------------------------------------------------

@test "--help says what there is, on stdout" {
	exits 0 kc-broker --help
	[[ $output == *--data-dir* && $output == *--ephemeral* && -z $stderr ]]
}

@test "a bad option is status 2 and nothing is started" {
	exits 2 kc-broker --prot 9092
	says "--port"
	exits 2 kc-broker --port 70000
	says "65535"
	exits 2 kc-broker --fsync sometimes --data-dir "$dir/d"
	says "interval:MS"
	exits 2 kc-broker --ephemeral --data-dir "$dir/d"
	exits 2 kc-broker --listen :9092 --data-dir "$dir/d"
	says "'*'"
	exits 2 kc-broker echo hello
	says "--ephemeral"
	[ ! -e "$dir/d" ]
}

@test "a property must be known, valid, and possible here" {
	exits 2 kc-broker --ephemeral -o num.partition=2
	says "did you mean 'num.partitions'?"
	exits 2 kc-broker --ephemeral -o num.partitions=two
	says "num.partitions"
	exits 2 kc-broker --ephemeral -o num.partitions
	says "KEY=VALUE"
	exits 2 kc-broker --ephemeral -o ssl.keystore.location=/x
	says "no TLS"
	exits 0 kc-broker --ephemeral -o zookeeper.connect=h:2181 -- true
	says "ignored"
}

@test "a properties file is Java's, and its faults have a line" {
	printf '# mine\nnum.partitions : 3\nlog.retention.hours=\\\n  2\nzookeeper.connect=x\n' >"$dir/p"
	exits 0 kc-broker --ephemeral --config "$dir/p" -- true
	says "p:5: property 'zookeeper.connect' is ignored"
	printf 'num.partitions=3\n\nnum.partitions=0\n' >"$dir/p"
	exits 2 kc-broker --ephemeral --config "$dir/p"
	says "p:3: property 'num.partitions'"
	exits 2 kc-broker --ephemeral --config "$dir/none"
	says "No such file"
}

@test "every property is in the manual" {
	sed -n 's/^\t{ "\([a-z.]*\)", CONFIG_.*/\1/p' "$ROOT/cmd/kc-broker/config_keys.c" >"$dir/names"
	[ "$(wc -l <"$dir/names")" -gt 40 ]
	while read -r name; do
		grep -q "^\.It Cm $name\( \|$\)" "$ROOT/man/kc-broker.8" || {
			echo "not in kc-broker(8): $name"
			return 1
		}
	done <"$dir/names"
}

# ---- start and end -----------------------------------------------------------

@test "--port 0 listens on both loopback addresses, and says so" {
	background --port 0 --data-dir "$dir/d"
	[[ $ready =~ ^127\.0\.0\.1:[0-9]+$ ]]
	answers "$ready"
	grep -q "^kc-broker: listening on $ready" "$dir/log"
	if grep -q "\[::1\]" "$dir/log"; then
		answers "[::1]:${ready##*:}"
	fi
	end_by TERM
	[ "$status" = 0 ]
}

@test "SIGTERM ends with 0, SIGINT with 130, SIGHUP is ignored" {
	background --port 0 --data-dir "$dir/d" --pid-file "$dir/pid"
	[ "$(cat "$dir/pid")" = "$pid" ]
	kill -HUP "$pid"
	answers "$ready"
	end_by TERM
	[ "$status" = 0 ]
	[ ! -e "$dir/pid" ]
	# What a script puts in the background must not hear the terminal's
	# interrupt: the shell has it ignored, and so it stays.
	background --port 0 --data-dir "$dir/d"
	kill -INT "$pid"
	answers "$ready"
	end_by TERM
	background=(env --default-signal=INT kc-broker)
	background --port 0 --data-dir "$dir/d"
	end_by INT
	[ "$status" = 130 ]
}

@test "--listen and --advertise are what clients get" {
	background --listen 127.0.0.1:0 --advertise broker.example:1234 --data-dir "$dir/d"
	run ! grep -q "\[::1\]" "$dir/log"
	run kcat -L -b "$ready"
	[[ $output == *"at broker.example:1234"* ]]
	end_by TERM
}

@test "a port in use is status 1 and says what to try" {
	exits 1 kc-broker --data-dir "$dir/d" --port "${KC_BROKERS##*:}"
	says "cannot listen on $KC_BROKERS: address already in use"
	says "--port 0"
}

@test "a data directory belongs to one process" {
	exits 1 kc-broker --port 0 --data-dir "$BATS_FILE_TMPDIR/broker"
	says "$BATS_FILE_TMPDIR/broker"
	answers "$KC_BROKERS"
}

@test "topics are there after a restart, and after a kill" {
	local t
	t=$(topic)
	background --port 0 --data-dir "$dir/d"
	echo one | kcat -P -b "$ready" -t "$t"
	end_by TERM
	background --port 0 --data-dir "$dir/d"
	echo two | kcat -P -b "$ready" -t "$t"
	end_by KILL
	background --port 0 --data-dir "$dir/d"
	run kcat -C -e -q -b "$ready" -t "$t"
	[ "$output" = $'one\ntwo' ]
	end_by TERM
}

# ---- for one command -----------------------------------------------------------

@test "--ephemeral passes on the command's status and removes its data" {
	mkdir "$dir/tmp"
	# shellcheck disable=SC2030,SC2031
	export TMPDIR=$dir/tmp
	# shellcheck disable=SC2016
	exits 7 kc-broker --ephemeral -- sh -c 'ls "$TMPDIR" && echo hi | kcat -P -b $KC_BROKERS -t t && kcat -C -e -q -b $KC_BROKERS -t t; exit 7'
	[[ $output == *hi ]]
	[ -z "$stderr" ]
	[ -z "$(ls "$dir/tmp")" ]
	# shellcheck disable=SC2016
	exits 137 kc-broker --ephemeral -- sh -c 'kill -9 $$'
	run -127 --separate-stderr kc-broker --ephemeral -- kc-no-such-command
	says "kc-no-such-command"
	exits 126 kc-broker --ephemeral -- /etc/passwd
	[ -z "$(ls "$dir/tmp")" ]
}

@test "--ephemeral passes signals on and waits for the command" {
	mkfifo "$dir/up"
	# shellcheck disable=SC2016
	kc-broker --ephemeral -- sh -c 'trap "exit 9" TERM; echo up >"$0"; while :; do sleep 0.05; done' \
		"$dir/up" 3>&- 4>&- &
	pid=$!
	read -r -t 60 _ <"$dir/up"
	end_by TERM
	[ "$status" = 9 ]
}

@test "--ephemeral alone runs until it is told to end, and cleans up" {
	mkdir "$dir/tmp"
	# shellcheck disable=SC2030,SC2031
	export TMPDIR=$dir/tmp
	background --ephemeral
	answers "$ready"
	[ -n "$(ls "$dir/tmp")" ]
	end_by TERM
	[ "$status" = 0 ]
	[ -z "$(ls "$dir/tmp")" ]
}

# ---- bad input -------------------------------------------------------------------

@test "what cannot be a request closes its connection, and only that" {
	local case
	for case in $("$ROOT/tests/lib/frames"); do
		case $case in versions* | fetch-* | tag-unknown | trailing-bytes) continue ;; esac
		exits 0 frames "$case"
		[ "$output" = closed ] || {
			echo "$case: $output"
			return 1
		}
		answers "$KC_BROKERS"
	done
	run kcat -L -b "$KC_BROKERS"
	[[ $status = 0 && $output == *"at $KC_BROKERS"* ]]
}

@test "ApiVersions answers what it does not know" {
	exits 0 frames versions-newer
	[ "$output" = "reply 00000007002300000001001200000005" ]
	exits 0 frames versions-bad-name
	[[ $output == "reply 00000007002a"* ]]
	exits 0 frames versions-wrong-node
	[[ $output == "reply 000000070081"* ]]
	exits 0 frames trailing-bytes
	[[ $output == "reply 000000070000"* ]]
}

@test "TLS and HTTP on the port get one hint in the log" {
	background --port 0 --data-dir "$dir/d"
	"$ROOT/tests/lib/frames" "$ready" http
	"$ROOT/tests/lib/frames" "$ready" http
	end_by TERM
	[ "$(grep -c "a client tries HTTP" "$dir/log")" = 1 ]
}

@test "memory grows with the bytes that come, not with those announced" {
	local before
	answers "$KC_BROKERS"
	before=$(resident "$BROKER_PID")
	mkfifo "$dir/hold" "$dir/held"
	frames partial 200 <"$dir/hold" >"$dir/held" 3>&- 4>&- &
	pid=$!
	exec 8>"$dir/hold"
	read -r -t 60 line <"$dir/held"
	[ "$line" = held ]
	answers "$KC_BROKERS"
	[ "$(resident "$BROKER_PID")" -lt $((before + 4096)) ]
	exec 8>&-
	wait "$pid"
	answers "$KC_BROKERS"
}
