#!/usr/bin/env bats
# Acknowledged pipelines whose end commits: kc-consume --from-group, a filter,
# kc-produce --commit-group, with and without --txn.

load lib/kc

setup_file() {
	start_broker
}

teardown_file() {
	stop_broker
}

setup() {
	t=$(topic)
	g=$t-group
	dir=$BATS_TEST_TMPDIR
	pids=()
}

teardown() {
	local p
	for p in "${pids[@]}"; do kill -9 "$p" 2>/dev/null || true; done
}

# Numbers 1 to N in $t, and an empty $t-out.
numbers() { # N [PARTITIONS]
	kc-topics -q create "$t" "$t-out" -p "${2-1}"
	seq "$1" | kc-produce --raw "$t"
}

rest() {
	kc-consume --from-group "$g" "$t" -e
}

sent() {
	kc-consume "$t-out" -e --raw
}

# A pipeline's end in the background, fed by file descriptor 8; sets $pid.
sink() { # NAME OPTION...
	local name=$1
	shift
	mkfifo "$dir/$name"
	kc-produce --commit-group "$g" "$t-out" "$@" <"$dir/$name" 2>"$dir/$name.err" 3>&- 4>&- &
	pid=$!
	pids+=("$pid")
}

ends_with() { # STATUS PID
	status=0
	wait "$2" || status=$?
	[[ $status == "$1" ]] || { echo "status $status, not $1"; cat "$dir"/*.err; return 1; }
}

is_at() { # OFFSET
	[[ $(kc-consume --from-group "$g" "$t" -e -c 1 | jq .offset) == "$1" ]]
}

has_sent() { # N
	[[ $(sent | wc -l) == "$1" ]]
}

# The numbers 1 to N. A transaction's markers may come after the commit's answer.
is_sent_to() { # N
	cmp -s <(sent | sort -n) <(seq "$1")
}

is_sent() { # VALUE,VALUE...
	[[ $(sent | paste -sd,) == "$1" ]]
}

@test "what is acknowledged is committed, and comes once" {
	numbers 1000 3
	kc-consume --from-group "$g" "$t" -e -c 300 | kc-produce --commit-group "$g" "$t-out"
	[[ $(sent | wc -l) == 300 && $(rest | wc -l) == 700 ]]
	rest | kc-produce --commit-group "$g" "$t-out"
	[[ -z $(rest) ]]
	sent | sort -n | cmp - <(seq 1000)
}

@test "--txn: the same, exactly once" {
	numbers 1000 3
	kc-consume --from-group "$g" "$t" -e -c 300 | kc-produce --commit-group "$g" --txn "$t-out"
	eventually has_sent 300
	[[ $(rest | wc -l) == 700 ]]
	rest | kc-produce --commit-group "$g" --txn "$t-out"
	[[ -z $(rest) ]]
	eventually is_sent_to 1000
}

@test "a filter may drop lines: what is behind the last that arrived comes again" {
	numbers 100
	rest | jq -c 'select((.value | tonumber) % 30 == 0)' | kc-produce --commit-group "$g" --txn "$t-out"
	eventually is_sent 30,60,90
	[[ $(rest | jq -r .value | paste -sd,) == 91,92,93,94,95,96,97,98,99,100 ]]
	rest | jq -c 'select((.value | tonumber) % 30 == 0)' | kc-produce --commit-group "$g" --txn "$t-out"
	eventually is_sent 30,60,90
}

@test "a filter may make several lines of one" {
	numbers 50
	rest | jq -c '., (.value += "again")' | kc-produce --commit-group "$g" --txn "$t-out"
	eventually has_sent 100
	[[ -z $(rest) ]]
}

@test "barriers pass what was dropped, and make several lines of one safe" {
	numbers 100 3
	local o
	for o in "" --txn; do
		# shellcheck disable=SC2086
		kc-consume --from-group "$g$o" --barriers "$t" -e |
			jq -c 'select(.kc.next or .offset % 10 == 3) | ., select(.value)' |
			kc-produce --commit-group "$g$o" $o "$t-out"
		exits 3 kc-consume --from-group "$g$o" "$t" -e --fail-empty
	done
	[[ $(kc-consume "$t-out" -e | wc -l) == $((4 * $(kc-consume "$t" -e | jq 'select(.offset % 10 == 3)' | grep -c offset))) ]]
}

@test "barriers: input that is cut is not committed behind the last one" {
	numbers 100
	kc-consume --from-group "$g" --barriers "$t" -e >"$dir/lines"
	[[ $(tail -n 1 "$dir/lines" | jq -c .kc.next) == "{\"$t/0\":100}" ]]
	exits 1 kc-produce --commit-group "$g" --txn "$t-out" < <(tail -n 1 "$dir/lines" | sed 's/:100}/:0}/'; head -n 50 "$dir/lines")
	says "the input was cut"
	[[ -z $(sent) ]]
	is_at 0
	exits 0 kc-produce --commit-group "$g" --txn "$t-out" "$dir/lines"
	eventually is_sent_to 100
	# without --commit-group it is no record
	exits 1 kc-produce "$t-out" < <(tail -n 1 "$dir/lines")
	says "no value and no json"
}

@test "lines that an older run has committed are passed over" {
	numbers 100
	rest >"$dir/lines"
	head -n 60 "$dir/lines" | kc-produce --commit-group "$g" --txn "$t-out"
	exits 0 kc-produce --commit-group "$g" --txn "$t-out" "$dir/lines"
	says "60 lines were committed before"
	eventually is_sent_to 100
}

@test "a pause commits, and a signal" {
	numbers 10
	sink one --txn
	exec 8>"$dir/one"
	rest | head -n 4 >&8
	eventually is_at 4
	eventually has_sent 4
	rest | head -n 2 >&8
	eventually has_sent 6
	kill -TERM "$pid"
	ends_with 143 "$pid"
	is_at 6
	exec 8>&-
}

@test "a record that fails: nothing of its batch is committed" {
	numbers 100
	kc-topics -q alter "$t-out" -c max.message.bytes=2000
	rest | jq -c 'if .offset == 50 then .value = "x" * 3000 else . end' >"$dir/lines"
	exits 1 kc-produce --commit-group "$g" "$t-out" "$dir/lines"
	says "line 51: record"
	is_at 0
	exits 1 kc-produce --commit-group "$g-txn" --txn "$t-out" < <(jq -c 'del(.kc)' "$dir/lines")
	says "line 51: record"
	g=$g-txn
	is_at 0
	# read_committed sees nothing of the second run
	(($(sent | wc -l) <= 100))
}

@test "--txn: nothing of a run that failed is visible" {
	numbers 100
	exits 1 kc-produce --commit-group "$g" --txn "$t-out" < <(rest; echo '{"no":"record"}')
	says "line 101"
	[[ -z $(sent) ]]
	[[ $(kc-consume "$t-out" --isolation uncommitted -e | wc -l) -le 100 ]]
	is_at 0
}

@test "--rejects keeps what fails, and the rest is committed" {
	numbers 100
	kc-topics -q alter "$t-out" -c max.message.bytes=2000
	rest | jq -c 'if .offset == 50 then .value = "x" * 3000 else . end' >"$dir/lines"
	exits 4 kc-produce --commit-group "$g" --rejects "$dir/bad" "$t-out" "$dir/lines"
	[[ $(jq -r .src "$dir/bad") == "$t/0/50" && -z $(rest) ]]
	[[ $(sent | wc -l) == 99 ]]
}

@test "rejects that cannot be kept are not committed" {
	numbers 10
	kc-topics -q alter "$t-out" -c max.message.bytes=2000
	rest | jq -c 'if .offset == 5 then .value = "x" * 3000 else . end' >"$dir/lines"
	exits 1 kc-produce --commit-group "$g" --rejects /dev/full "$t-out" "$dir/lines"
	is_at 0
}

@test "lines out of order, without src or of another group end the run" {
	numbers 10
	rest >"$dir/lines"
	exits 1 kc-produce --commit-group "$g" --txn "$t-out" < <(tac "$dir/lines")
	says "a line of offset 8 comes behind one of offset 9"
	exits 1 kc-produce --commit-group "$g" --txn "$t-out" < <(kc-consume "$t" -e)
	says "line 1: the line has no src"
	exits 1 kc-produce --commit-group other --txn "$t-out" "$dir/lines"
	says "read for group '$g', not 'other'"
	exits 1 kc-produce --commit-group "$g" --txn "$t-out" < <(jq -c '.src = "a/b"' "$dir/lines")
	says "src 'a/b' is not TOPIC/PARTITION/OFFSET"
	[[ -z $(sent) ]]
	is_at 0
}

@test "lines of another cluster are refused" {
	numbers 10
	rest | jq -c '.kc.cluster = "elsewhere"' >"$dir/lines"
	exits 1 kc-produce --commit-group "$g" --txn "$t-out" "$dir/lines"
	says "the lines are of cluster 'elsewhere'"
	says "kc-replay"
	# without the member it is seen by what this cluster lacks
	exits 1 kc-produce --commit-group "$g" --txn "$t-out" < <(jq -c 'del(.kc) | .src = "nowhere-\(.src)"' "$dir/lines")
	says "this cluster has no 'nowhere-$t' [0]"
	[[ -z $(sent) ]]
}

fault() {
	kc-broker fault --data-dir "$BATS_FILE_TMPDIR/broker" "$@"
}

@test "a coordinator that moves is waited for" {
	only_kc_broker
	numbers 10
	local i
	# loading, not available, not the one, a commit under way
	for i in 14 15 16 88; do
		fault add OffsetFetch error=$i count=2
		kc-consume --from-group "$g-$i" "$t" -e >"$dir/lines"
		[[ $(wc -l <"$dir/lines") == 10 ]]
		fault add OffsetFetch error=$i count=2
		kc-produce --commit-group "$g-$i" --txn "$t-out" "$dir/lines"
		fault add OffsetFetch error=$i count=2
		exits 3 kc-consume -g "$g-$i" "$t" -e --fail-empty
	done
	eventually has_sent 40
}

is_member() {
	[[ -s $dir/member ]]
}

@test "a group that has members is refused: status 5" {
	numbers 10
	kc-consume -g "$g" "$t" >"$dir/member" 3>&- 4>&- &
	pids+=($!)
	eventually is_member
	kc-consume --src "$t" -e >"$dir/lines"
	exits 5 kc-produce --commit-group "$g" "$t-out" "$dir/lines"
	says "has members"
	exits 5 kc-produce --commit-group "$g" --txn "$t-out" "$dir/lines"
	says "has members"
	[[ -z $(sent) ]]
}

@test "a twin fences the run before it: status 5, and nothing comes twice" {
	numbers 20
	sink one --txn
	local one=$pid
	exec 8>"$dir/one"
	rest >"$dir/lines"
	head -n 5 "$dir/lines" >&8
	eventually has_sent 5
	exits 0 kc-produce --commit-group "$g" --txn "$t-out" "$dir/lines"
	tail -n 15 "$dir/lines" >&8 || true
	exec 8>&-
	ends_with 5 "$one"
	grep -q "fenced" "$dir/one.err"
	eventually is_sent_to 20
}

# ---- acknowledgements through a FIFO ---------------------------------------------

# kc-consume --ack | FILTER | kc-produce --ack; the statuses in $ends
acked() { # FILTER OPTION...
	local filter=$1
	shift
	[[ -p $dir/acks ]] || mkfifo "$dir/acks"
	ends=$(
		set +e
		kc-consume -g "$g" "$t" -e --ack "$dir/acks" "$@" 2>"$dir/reader.err" |
			sh -c "$filter" | kc-produce "$t-out" --ack "$dir/acks" 2>"$dir/end.err"
		echo "${PIPESTATUS[@]}"
	)
	echo "status $ends"
	cat "$dir/reader.err" "$dir/end.err"
}
left() { kc-consume --from-group "$g" "$t" -e | wc -l; }
arrived() { kc-consume "$t-out" -e -q | wc -l; }

@test "--ack: what is acknowledged through a FIFO is committed, by a real group" {
	kc-topics -q create "$t" "$t-out" -p 3
	seq 3000 | kc-produce --raw "$t"
	acked cat --summary
	[[ $ends == "0 0 0" && $(left) == 0 && $(arrived) == 3000 ]]
	[[ $(jq -c '[.records, .acked]' "$dir/reader.err") == '[3000,3000]' ]]
	# in any order, as long as nothing is missing
	g=$g-two
	acked shuf --max-inflight 5000
	[[ $ends == "0 0 0" && $(left) == 0 && $(arrived) == 6000 ]]
	# several lines of one
	g=$g-three
	acked 'jq -c "., ."' --max-inflight 5000
	[[ $ends == "0 0 0" && $(left) == 0 && $(arrived) == 12000 ]]
}

@test "--ack: a filter that drops lines needs barriers" {
	kc-topics -q create "$t" "$t-out" -p 2
	seq 100 | kc-produce --raw "$t"
	acked 'jq -c "select(.value == null or (.value | tonumber % 10 == 5))"' --barriers
	[[ $ends == "0 0 0" && $(left) == 0 && $(arrived) == 10 ]]
	g=$g-two
	acked 'jq -c --unbuffered "select(.value != \"1\")"' --drain 300ms --max-inflight 10
	[[ $ends == "1 "* && $(left) -ge 1 ]]
	grep -q 'does a filter drop lines? then --barriers' "$dir/reader.err"
}

@test "--ack: what the end cannot write is refused, and what came before is committed" {
	kc-topics -q create "$t" -p 1
	kc-topics -q create "$t-out" -p 1 -c max.message.bytes=300
	{ seq 5; printf '%0400d\n' 6; seq 7 9; } | kc-produce --raw "$t"
	acked cat
	[[ $ends == "1 0 1" && $(left) == 4 && $(arrived) == 5 ]]
	grep -q "$t/0/5' is refused downstream (nack)" "$dir/reader.err"
}

@test "--ack: an end that is gone leaves the rest uncommitted; a signal waits for it" {
	kc-topics -q create "$t" "$t-out" -p 1
	seq 5000 | kc-produce --raw "$t"
	mkfifo "$dir/acks"
	# it acknowledges ten and ends
	ends=$(
		set +e
		kc-consume -g "$g" "$t" -e --ack "$dir/acks" 2>"$dir/reader.err" |
			jq -r --unbuffered '"{\"ack\":\"\(.src)\"}"' | head -n 10 >"$dir/acks"
		echo "${PIPESTATUS[0]}"
	)
	[[ $ends == 1 && $(left) == 4990 ]]
	grep -q 'not acknowledged' "$dir/reader.err"
	# nonsense ends it
	{ kc-consume -g "$g" "$t" -e --ack "$dir/acks" 2>"$dir/reader.err" || echo $? >"$dir/status"; } >"$dir/lines" &
	echo '{"ack":"here"}' >"$dir/acks"
	wait
	[[ $(<"$dir/status") == 1 ]]
	grep -q "src 'here' is not" "$dir/reader.err"
	# up to an offset; a signal ends the reading, what is out is waited for
	kc-consume -g "$g" "$t" --ack "$dir/acks" >"$dir/lines" 2>"$dir/reader.err" </dev/null 3>&- 4>&- &
	pid=$!
	exec 7>"$dir/acks"
	all_out() { [[ $(wc -l <"$dir/lines") == 1000 ]]; }
	eventually all_out
	kill -TERM $pid
	echo "{\"ack\":\"$t/0/..1009\"}" >&7
	ends_so() { ! kill -0 $pid 2>/dev/null; }
	eventually ends_so
	exec 7>&-
	status=0
	wait $pid || status=$?
	[[ $status == 143 && $(left) == 3990 ]]
}

@test "--ack: wrong options" {
	mkfifo "$dir/acks"
	exits 2 kc-consume x --ack "$dir/acks"
	exits 2 kc-consume x -g y --ack "$dir/nosuch"
	says mkfifo
	exits 2 kc-consume x -g y --ack "$dir/acks" --exec cat
	exits 2 kc-consume x -g y --ack "$dir/acks" --raw
	exits 2 kc-produce x --ack "$dir/acks" --commit-group g
	exits 2 kc-produce x --ack "$dir/acks" --raw
	runs_out 75 'nobody reads it' kc-produce x --ack "$dir/acks" </dev/null
}

@test "wrong options are status 2" {
	exits 2 kc-produce --txn t </dev/null
	says "--txn needs --commit-group"
	exits 2 kc-produce --raw --commit-group g t </dev/null
	says "--from-group"
	exits 2 kc-produce --commit-group g --txn --rejects x t </dev/null
	says "all or nothing"
	exits 2 kc-produce --commit-group g --max-errors 3 t </dev/null
	says "--rejects"
	exits 2 kc-produce t -X transactional.id=x </dev/null
	says "--txn"
	exits 2 kc-consume -g g --from-group g t
	says "exclude each other"
	exits 2 kc-consume --barriers t
	says "--from-group"
	exits 2 kc-consume --from-group g --raw t
	says "this form has none"
}

# ---- the last one: the broker of this file ends in it --------------------------

@test "a broker that goes away: status 75, and a run later all is there once" {
	only_kc_broker
	numbers 20
	sink one --txn --timeout 10s
	local one=$pid
	exec 8>"$dir/one"
	rest | head -n 5 >&8
	eventually has_sent 5
	stop_broker
	echo "{\"src\":\"$t/0/5\",\"value\":\"6\"}" >&8
	exec 8>&-
	ends_with 75 "$one"
	start_broker
	pids+=("$BROKER_PID") # of this test only
	rest | kc-produce --commit-group "$g" --txn "$t-out"
	eventually is_sent_to 20
}
