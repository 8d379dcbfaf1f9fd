# crash.bash - what the tests have in common that kill tools and brokers: sourced by tests/crash-*.
#
#   result STATUS NAME       a line of TAP
#   finish                   the last lines, and the exit status
#   is_ours                  the broker is kc-broker: KC_TEST_BROKERS does not name a cluster
#   brokers_up               a broker `main`, or that cluster: sets KC_BROKERS
#   broker_up NAME           a broker with the data in $dir/NAME, on the same port each time; its address is in $address
#   broker_kill NAME         kill -9
#   broker_end NAME          asks it to end, and waits
#   pass_ms N                the pace of chance, not a wait for something
#   eventually COMMAND...    until it succeeds, at most 60 s
#   same FILE COMMAND...     it prints what FILE has, at last: on several nodes markers come after the commit's answer
#   fault NAME ARG...        kc-broker fault, of that broker
#   arm NAME CLIENT MS REQUEST...
#                            chooses when to kill: when that broker has done one of these requests of that client and
#                            not answered it, or not done it; or some time within so many milliseconds
#   await_moment NAME PID... waits for that
#   disarm NAME              nothing is waited for any more
#
# $dir is for files and goes away, unless something has failed. What is in $tools is ended at the exit.
# shellcheck shell=bash disable=SC2034
set -uo pipefail
. tests/lib/pause.bash
PATH=${KC_BIN:-$PWD/build/bin}:$PATH
dir=$(mktemp -d "${TMPDIR:-/tmp}/kc-crash.XXXXXX")
tests=0 failed=0 address='' point='' ms=0
tools=() # process ids; negative ones are process groups
declare -A broker_pid=() broker_port=()

cleanup() {
	local p
	for p in "${tools[@]}" "${broker_pid[@]}"; do kill -9 -- "$p" 2>/dev/null; done
	wait 2>/dev/null
	if [ "$failed" = 0 ]; then rm -rf "$dir"; else echo "# kept for a look: $dir"; fi
}
trap cleanup EXIT

result() { # STATUS NAME
	tests=$((tests + 1))
	if [ "$1" = 0 ]; then echo "ok $tests - $2"; else echo "not ok $tests - $2"; failed=$((failed + 1)); fi
}

finish() {
	echo "1..$tests"
	exit $((failed > 0))
}

bail_out() { # WHY
	echo "Bail out! $1"
	failed=1
	exit 1
}

is_ours() { [ -z "${KC_TEST_BROKERS-}" ]; }

brokers_up() {
	export KC_BROKERS=${KC_TEST_BROKERS-}
	is_ours || return 0
	broker_up main
	KC_BROKERS=$address
}

broker_up() { # NAME
	rm -f "$dir/ready"
	mkfifo "$dir/ready"
	kc-broker --data-dir "$dir/$1" --port "${broker_port[$1]:-0}" --ready-fd 9 9>"$dir/ready" 2>>"$dir/broker.log" </dev/null &
	broker_pid[$1]=$!
	if ! read -r -t 60 address <"$dir/ready"; then
		tail -n 5 "$dir/broker.log" | sed 's/^/# /'
		bail_out "broker '$1' did not start"
	fi
	broker_port[$1]=${address##*:}
}

broker_kill() { # NAME
	kill -9 "${broker_pid[$1]}"
	wait "${broker_pid[$1]}" 2>/dev/null
	unset "broker_pid[$1]"
}

broker_end() { # NAME
	local status
	kill "${broker_pid[$1]}"
	wait "${broker_pid[$1]}"
	status=$?
	unset "broker_pid[$1]"
	return $status
}

pass_ms() { pause "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"; }

eventually() { # COMMAND...
	local deadline=$((SECONDS + 60))
	until "$@"; do
		((SECONDS < deadline)) || return 1
		pass_ms 20
	done
	return 0
}

same() { # FILE COMMAND...
	local i
	for ((i = 0; i < 100; i++)); do
		"${@:2}" >"$1.got"
		cmp -s "$1" "$1.got" && return
		pass_ms 100
	done
	diff "$1" "$1.got" | head -n 5 | sed 's/^/# /'
	return 1
}

fault() { kc-broker fault "${@:2}" --data-dir "$dir/$1"; }

arm() { # NAME CLIENT MS REQUEST...
	local name=$1 client=$2 how=close
	point='' ms=$((RANDOM % $3))
	shift 3
	((RANDOM % 2)) && [ -n "${broker_pid[$name]-}" ] || return 0
	((RANDOM % 2)) || how=drop
	point="${*:1 + RANDOM % $#:1} client=$client nth=$((1 + RANDOM % 3)) $how"
	fault "$name" add "$point" >/dev/null
}

# The rule has acted, or the processes are gone; not for ever: it may be one request too many.
await_hit() { # NAME PID...
	local name=$1 until=$((${EPOCHREALTIME/[.,]/} + 2000000))
	shift
	while kill -0 "$@" 2>/dev/null && ((${EPOCHREALTIME/[.,]/} < until)); do
		[ "$(fault "$name" list | cut -f 3)" = 0 ] || return 0
		pass_ms 2
	done
}

await_moment() { # NAME PID...
	if [ -n "$point" ]; then await_hit "$@"; else pass_ms "$ms"; fi
}

# What did not act is not for the next one.
disarm() { # NAME
	[ -z "$point" ] || [ -z "${broker_pid[$1]-}" ] || fault "$1" clear
	point=''
}
