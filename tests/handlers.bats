#!/usr/bin/env bats
# kc-consume --exec and -- COMMAND: records through handlers that answer, fail,
# die, hang and talk nonsense; commits follow what happened.

load lib/kc

setup_file() {
	start_broker
	cat >"$BATS_FILE_TMPDIR/handler" <<-'END'
		#!/usr/bin/env python3
		# Does what a record's value says, and answers the others with "done VALUE".
		import json, os, sys, time
		state = os.environ.get("STATE", "")
		for line in sys.stdin:
		    r = json.loads(line)
		    say = lambda o: print(json.dumps(o), flush=True)
		    what, _, rest = (r["value"] or "").partition(" ")
		    if what == "die": print("about to die", file=sys.stderr, flush=True); os._exit(3)
		    elif what == "kill": os.kill(os.getpid(), 9)
		    elif what == "hang": time.sleep(1000)
		    elif what == "bad": say({"src": r["src"], "error": {"class": "Bad", "message": "no good", "kind": "permanent"}})
		    elif what == "fail": say({"src": r["src"], "error": "try again"})
		    elif what == "long": say({"src": r["src"], "error": {"message": "m" * 9000, "stack": "s" * 9000, "kind": "permanent"}})
		    elif what == "garbage": print("whatever", flush=True)
		    elif what == "twice": say({"src": r["src"]}); say({"src": r["src"]})
		    elif what == "unknown": say({"src": "elsewhere/0/1"})
		    elif what == "split":
		        for part in rest.split(): say({"src": r["src"], "value": part, "kc": {"more": True}})
		        if rest == "to death": os._exit(3)
		        if rest == "in vain": say({"src": r["src"], "error": {"message": "no", "kind": "permanent"}})
		        else: say({"src": r["src"]})
		    elif what == "quiet": say({"src": r["src"]})
		    elif what == "third":
		        n = len(open(state).read()) if os.path.exists(state) else 0
		        open(state, "a").write("x")
		        say({"src": r["src"]} if n == 2 else {"src": r["src"], "error": "not yet"})
		    else:
		        r["value"] = "done " + r["value"]; say(r)
	END
	chmod +x "$BATS_FILE_TMPDIR/handler"
}

teardown_file() {
	stop_broker
}

setup() {
	t=$(topic)
	g=$t-group
	dir=$BATS_TEST_TMPDIR
	h=$BATS_FILE_TMPDIR/handler
	pids=()
}

teardown() {
	local p
	for p in "${pids[@]}"; do kill -9 "$p" 2>/dev/null || true; done
}

# These values, in one partition.
values() { # VALUE...
	kc-topics -q create "$t" "$t-out" "$t-dlq" -p 1
	printf '%s\n' "$@" | kc-produce --raw "$t"
}

handle() { # OPTION...
	kc-consume -g "$g" "$t" -e --retry-backoff 10ms "$@"
}

rest() {
	kc-consume --from-group "$g" "$t" -e | jq -r .value | paste -sd,
}

sent() {
	kc-consume "$t-out" -e --raw | paste -sd,
}

dead() {
	kc-consume "$t-dlq" -e --raw | paste -sd,
}

# A header of the first dead letter.
header() { # NAME
	kc-consume "$t-dlq" -e -c 1 | jq -r --arg n "$1" '.headers[] | select(.key == $n).value'
}

# kc-consume --exec in the background; sets $pid.
background() { # NAME OPTION...
	local name=$1
	shift
	kc-consume -g "$g" "$t" --exec "$h" "$@" >"$dir/$name" 2>"$dir/$name.err" </dev/null 3>&- 4>&- &
	pid=$!
	pids+=("$pid")
}

ends_with() { # STATUS PID
	status=0
	wait "$2" || status=$?
	[[ $status == "$1" ]] || { echo "status $status, not $1"; cat "$dir"/*.err; return 1; }
}

has_sent() { # N
	[[ $(kc-consume "$t-out" -e --raw | wc -l) -ge $1 ]]
}

# ---- answers -------------------------------------------------------------------

@test "a record that is answered is committed" {
	values 1 2 3
	exits 0 handle --exec 'jq -c --unbuffered "{src}"'
	[[ -z $output && -z $stderr && -z $(rest) ]]
}

@test "what comes of a record goes to --to, without it to stdout" {
	values 1 quiet 3
	exits 0 handle --exec "$h" --to "$t-out"
	[[ -z $output && -z $(rest) && $(sent) == "done 1,done 3" ]]
	g=$g-two
	exits 0 handle --exec "$h"
	[[ -z $(rest) && $(jq -r .value <<<"$output" | paste -sd,) == "done 1,done 3" ]]
}

@test "-j: the handler gets JSON as JSON" {
	values '{"n":1}' '{"n":2}'
	exits 0 handle -j --exec 'jq -c --unbuffered "{src, key, json: {n: (.json.n * 10)}}"' --to "$t-out"
	[[ -z $(rest) && $(sent) == '{"n":10},{"n":20}' ]]
	exits 2 handle --as kcat --exec "$h"
	says '--as'
}

@test "several records of one: all but the last answer say that there is more" {
	values 1 'split a b c' 3 'split in vain' 'split to death' 'split d e'
	exits 4 handle --exec "$h" --to "$t-out" --dlq "$t-dlq" --txn --summary
	[[ -z $(rest) && $(sent) == "done 1,a,b,c,done 3,d,e" ]]
	[[ $(dead) == "split in vain,split to death" ]]
	[[ $(grep '^{' <<<"$stderr" | jq -c '[.committed, .dead]') == '[6,2]' ]]
	g=$g-two
	exits 0 handle -c 2 --exec 'jq -c --unbuffered "{src, value: \"1\", kc: {more: true}}, {src, value: \"2\"}"'
	[[ $(jq -r .value <<<"$output" | paste -sd,) == 1,2,1,2 ]]
	g=$g-three
	exits 1 handle -c 1 --exec 'jq -c --unbuffered "{src, kc: {more: 5}}"'
	says 'more must be true or false'
}

@test "--txn commits both in one transaction" {
	values 1 2 3
	exits 0 handle --exec "$h" --to "$t-out" --txn
	[[ -z $(rest) ]]
	eventually has_sent 3
	[[ $(sent) == "done 1,done 2,done 3" ]]
	exits 3 handle --exec "$h" --to "$t-out" --txn --fail-empty
	# each with a transaction's marker behind it
	[[ $(kc-consume "$t-out" -e --summary 2>&1 >"$dir/all" | jq '.partitions[0].end > .records') == true ]]
}

@test "records come through unaltered" {
	kc-topics -q create "$t" "$t-out" -p 1
	printf '%s\n' '{"key":{"base64":"/wA="},"value":{"base64":"AP8K"},"headers":[{"key":"a","value":"1"},{"key":"a","value":null}],"timestamp":1795332687352}' \
		'{"value":"{\"n\":9007199254740993,\"z\":\"\\u0000\",\"d\":1.10}"}' '{"key":"","value":null}' |
		jq -c . | kc-produce "$t"
	handle --exec cat --to "$t-out"
	cmp <(kc-consume "$t" -e | jq -c '[.key, .value, .headers, .timestamp]') \
		<(kc-consume "$t-out" -e | jq -c '[.key, .value, .headers, .timestamp]')
	[[ $(kc-consume "$t-out" -e | wc -l) == 3 ]]
}

@test "-c gives exactly so many" {
	values $(seq 10)
	exits 0 kc-consume -g "$g" "$t" -c 4 --exec "$h" --to "$t-out"
	[[ $(rest) == 5,6,7,8,9,10 && $(sent) == "done 1,done 2,done 3,done 4" ]]
}

@test "workers: everything once, and each key in its order" {
	kc-topics -q create "$t" "$t-out" -p 3
	seq 3000 | awk '{ print $1 % 17 ":" $1 }' | kc-produce --raw -K : "$t"
	exits 0 handle --exec cat --workers 4 --to "$t-out"
	kc-consume "$t-out" -e --raw | sort -n | cmp - <(seq 3000)
	kc-consume "$t-out" -e -f '%k %s\n' | awk '$2 <= last[$1] { exit 1 } { last[$1] = $2 }'
}

# ---- failures ------------------------------------------------------------------

@test "a failure without --dlq: status 1, and the record comes again" {
	values 1 bad 3
	exits 1 handle --exec "$h" --to "$t-out"
	says "'$t' [0] offset 1: the handler failed: no good (--dlq TOPIC puts such records aside)"
	[[ $(rest) == *bad,3 ]]
}

@test "a failure with --dlq: status 4, and its whole story" {
	values 1 bad 3
	exits 4 handle --exec "$h" --to "$t-out" --dlq "$t-dlq"
	says "1 of 3 records failed: they are in '$t-dlq'"
	[[ -z $(rest) && $(sent) == "done 1,done 3" && $(dead) == bad ]]
	[[ $(header __dlq.errors.topic)/$(header __dlq.errors.partition)/$(header __dlq.errors.offset) == "$t/0/1" ]]
	[[ $(header __dlq.errors.group) == "$g" && $(header kc-error-class) == Bad && $(header __dlq.errors.message) == "no good" ]]
	g=$g-ok
	exits 0 handle --exec "$h" --to "$t-out" --dlq "$t-dlq" --ok-if-dlq --txn
}

@test "--dlq-scheme connect" {
	values bad
	exits 4 handle --exec "$h" --dlq "$t-dlq" --dlq-scheme connect
	[[ $(header __connect.errors.exception.message) == "no good" ]]
}

@test "a failure that passes is tried again" {
	values 1 third 3
	export STATE=$dir/state
	exits 0 handle --exec "$h" --to "$t-out"
	[[ $(wc -c <"$STATE") == 3 && -z $(rest) ]]
}

@test "a failure that stays is a dead letter after its retries" {
	values 1 fail 3
	exits 4 handle --exec "$h" --to "$t-out" --dlq "$t-dlq" --retries 2
	[[ $(dead) == fail && $(header __dlq.errors.delivery.count) == 3 ]]
}

@test "a dead letter that would be too large loses its stack first" {
	values long
	kc-topics -q alter "$t-dlq" -c max.message.bytes=3000
	exits 4 handle --exec "$h" --dlq "$t-dlq"
	[[ $(dead) == long && -z $(header kc-error-stack) && -n $(header __dlq.errors.message) ]]
}

@test "a dead letter that cannot be written: status 1, and the record comes again" {
	values 1 "bad $(printf '%3000s' '' | tr ' ' x)"
	kc-topics -q alter "$t-dlq" -c max.message.bytes=2000
	exits 1 handle --exec "$h" --dlq "$t-dlq"
	[[ -z $(dead) && $(rest) == *bad* ]]
}

@test "the record that kills its handler is found: poison" {
	values 1 2 die 4 kill 6
	exits 4 handle --exec "$h" --to "$t-out" --dlq "$t-dlq"
	[[ -z $(rest) && $(sent) == "done 1,done 2,done 4,done 6" && $(dead) == die,kill ]]
	[[ $(header kc-error-class) == kc.died && $(header kc-error-kind) == poison ]]
	[[ $(header __dlq.errors.message) == "the handler ended with status 3" && $(header kc-error-stack) == *"about to die"* ]]
}

@test "a handler that hangs is ended" {
	values 1 hang 3
	exits 4 handle --exec "$h" --to "$t-out" --dlq "$t-dlq" --answer-timeout 10s
	[[ $(sent) == "done 1,done 3" && $(dead) == hang && $(header kc-error-class) == kc.timeout ]]
}

@test "an answer that is none is kc.parse" {
	values 1 garbage 3
	exits 4 handle --exec "$h" --to "$t-out" --dlq "$t-dlq"
	[[ $(sent) == "done 1,done 3" && $(dead) == garbage && $(header kc-error-class) == kc.parse ]]
	[[ $(header __dlq.errors.message) == *'not a JSON object: "whatever"' ]]
}

@test "two answers for one record, or for one never given: status 1" {
	values 1 twice 3
	exits 1 handle --exec "$h" --to "$t-out" --txn
	says "the handler answered '$t/0/1', which it was not given, or has answered before"
	[[ $(rest) == *3 ]]
	t=$t-b
	values unknown
	exits 1 handle --exec "$h" --to "$t-out"
	says "the handler answered 'elsewhere/0/1'"
	[[ $(rest) == unknown ]]
}

@test "a handler that ends after some records is started again" {
	values $(seq 7)
	exits 0 handle --exec 'jq -nc --unbuffered "input, input | {src}"'
	[[ -z $(rest) ]]
}

@test "a handler that cannot be run, or never answers: status 1, and no dead letters" {
	values 1 2 3
	exits 1 handle --exec /no/such/thing --dlq "$t-dlq"
	says "cannot run the handler '/no/such/thing': it ended with status 127"
	exits 1 handle --exec 'exit 9' --dlq "$t-dlq"
	says "the handler 'exit 9' ended with status 9, 6 times in a row without an answer"
	[[ -z $(dead) && $(rest) == 1,2,3 ]]
}

@test "the breaker: status 4, and what it stops is not committed" {
	local -a all
	mapfile -t all < <(yes bad | head -n 500)
	values "${all[@]}"
	exits 4 handle --exec "$h" --dlq "$t-dlq" --breaker 50%/20
	says "failed: stopped, and the last"
	# it came before the end: of 500, some are left
	[[ $(rest) == *bad* ]]
	exits 4 handle --exec "$h" --dlq "$t-dlq" --breaker none
	says "records failed: they are in"
	[[ -z $(rest) ]]
}

# ---- ends and groups -------------------------------------------------------------

@test "a signal: what is answered is committed, status 143" {
	values 1 2 3
	background out --to "$t-out" --txn
	eventually has_sent 3
	kill -TERM "$pid"
	ends_with 143 "$pid"
	[[ -z $(rest) ]]
}

@test "a full disk is status 1, and commits nothing" {
	values 1 2 3
	# shellcheck disable=SC2016
	run --separate-stderr bash -c 'kc-consume -g "$0" "$1" -e --exec cat >/dev/full' "$g" "$t"
	[[ $status == 1 && $(rest) == 1,2,3 ]]
	says "cannot write to stdout"
}

@test "a closed pipe ends it" {
	values $(seq 2000)
	kc-consume -g "$g" "$t" --exec cat 3>&- 4>&- | head -n 1 >/dev/null
	[[ ${PIPESTATUS[0]} == 141 ]]
}

@test "members come and go with --txn: each record once" {
	kc-topics -q create "$t" "$t-out" -p 6
	seq 3000 | kc-produce --raw "$t"
	background a --to "$t-out" --txn -X transactional.id="$t-a"
	local a=$pid b
	eventually has_sent 500
	background b --to "$t-out" --txn -X transactional.id="$t-b"
	b=$pid
	seq 3001 6000 | kc-produce --raw "$t"
	eventually has_sent 4000
	kill -TERM "$a"
	ends_with 143 "$a"
	eventually has_sent 6000
	kill -TERM "$b"
	ends_with 143 "$b"
	kc-consume "$t-out" -e --raw | sed 's/done //' | sort -n | cmp - <(seq 6000)
	[[ -z $(rest) ]]
}

@test "a member that was away is refused its commit: each record once" {
	kc-topics -q create "$t" "$t-out" -p 2
	seq 500 | kc-produce --raw "$t"
	local a b short=(-X session.timeout.ms=10000 -X transaction.timeout.ms=10000)
	background a --to "$t-out" --txn -X transactional.id="$t-a" "${short[@]}"
	a=$pid
	eventually has_sent 500
	# records on their way while it stands still; the group gives them to the other
	seq 501 1000 | kc-produce --raw "$t"
	kill -STOP "$a"
	background b --to "$t-out" --txn -X transactional.id="$t-b" "${short[@]}"
	b=$pid
	eventually has_sent 1000
	kill -CONT "$a"
	seq 1001 1500 | kc-produce --raw "$t"
	eventually has_sent 1500
	kill -TERM "$a" 2>/dev/null || true
	kill -TERM "$b"
	# 5: its transaction, if it stood still in one, was ended for it
	status=0
	wait "$a" || status=$?
	[[ $status == 143 || $status == 5 ]]
	ends_with 143 "$b"
	kc-consume "$t-out" -e --raw | sed 's/done //' | sort -n | cmp - <(seq 1500)
}

# A record more, its number in $n.
one_more() {
	n=$((n + 1))
	echo "$n" | kc-produce --raw "$t"
	eventually has_sent "$n"
}

# It notices when its partitions are taken; where it keeps them, with its next record.
twins() { # PROTOCOL
	local a b n=3
	values 1 2 3
	background a --to "$t-out" --txn -X partition.assignment.strategy="$1"
	a=$pid
	eventually has_sent 3
	background b --to "$t-out" --txn -X partition.assignment.strategy="$1"
	b=$pid
	for _ in {1..200}; do
		[[ $1 != cooperative-sticky ]] || one_more
		! is_gone "$a" || break
	done
	eventually is_gone "$a"
	ends_with 5 "$a"
	one_more
	kill -TERM "$b"
	ends_with 143 "$b"
	kc-consume "$t-out" -e --raw | sed 's/done //' | sort -n | cmp - <(seq "$n")
}

@test "a twin with --txn fences the one before: status 5, by itself" {
	twins range,roundrobin
	t=$t-b g=$t-b-group
	twins cooperative-sticky
}

# ---- batches -----------------------------------------------------------------------

batches() { # OPTION...
	kc-consume -g "$g" "$t" --raw "$@"
}

@test "-- COMMAND gets so many records at a time" {
	values $(seq 7)
	exits 0 batches -e -c 3 -- sh -c 'paste -sd,'
	[[ $(paste -sd' ' <<<"$output") == "1,2,3 4,5,6 7" && -z $(rest) ]]
}

@test "-- COMMAND that fails: status 1, or 75, and its batch comes again" {
	values $(seq 7)
	# shellcheck disable=SC2016
	exits 1 batches -e -c 3 -- sh -c '! grep -q 5'
	says "'sh' ended with status 1: its 3 records are not committed"
	[[ $(rest) == 4,5,6,7 ]]
	exits 75 batches -e -c 3 -- sh -c 'exit 75'
	exits 1 batches -e -c 3 -- sh -c 'kill -9 $$'
	says "was killed by signal 9"
	exits 1 batches -e -c 3 -- /no/such/command
	[[ $(rest) == 4,5,6,7 ]]
	exits 0 batches -e -c 3 -- sh -c true
	[[ -z $(rest) ]]
}

has_line() { # FILE LINE
	grep -qx "$2" "$1" 2>/dev/null
}

@test "-- COMMAND does not wait for ever for a full batch" {
	values 1 2
	kc-consume -g "$g" "$t" --raw -c 100 --batch-wait 50ms -- sh -c "paste -sd, >>'$dir/got'" 3>&- 4>&- &
	pid=$!
	pids+=("$pid")
	eventually has_line "$dir/got" 1,2
	echo 3 | kc-produce --raw "$t"
	eventually has_line "$dir/got" 3
	kill -TERM "$pid"
	ends_with 143 "$pid"
	[[ -z $(rest) ]]
}

@test "behind -- there are topics when there is none before" {
	values 1
	[[ $(kc-consume -e --raw -- "$t") == 1 ]]
}

@test "wrong options are status 2" {
	local i
	while read -r i; do
		# shellcheck disable=SC2086
		exits 2 kc-consume $i
		[[ -z $output ]]
	done <<-'END'
		t --exec cat
		-g g t --exec cat --raw
		-g g t --exec cat --txn
		-g g t --dlq d
		-g g t --txn
		-g g t --exec cat --dlq t
		-g g t --exec cat --to t
		-g g t --exec cat --breaker 50
		-g g t --exec cat --dlq d --dlq-scheme none
		-g g t --exec cat --workers 0
		-g g t -- cat
		t -c 1 -- cat
		-g g t -c 1 --exec cat -- cat
		t --to xml
	END
}
