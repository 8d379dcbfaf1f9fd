#!/usr/bin/env bats
# kc-dlq capture: a filter behind a handler, and the end of its pipeline.
# shellcheck disable=SC2154

load lib/kc

setup_file() {
	start_broker
}

teardown_file() {
	stop_broker
}

setup() {
	dir=$BATS_TEST_TMPDIR
}

# N lines of records of $src with their src, as kc-consume gives them to a handler.
handled() { # N
	src=$(topic) dlq=$src.dlq
	kc-topics create -q -p 1 "$src" "$dlq"
	for ((i = 0; i < $1; i++)); do
		echo '{"key":"k'$i'","value":"v'$i'","headers":[{"key":"h","value":"x"}]}'
	done | kc-produce "$src"
	kc-consume "$src" -e --src
}

@test "capture passes lines on as they are, and makes dead letters of those with an error" {
	handled 4 >"$BATS_TEST_TMPDIR/all"
	jq -c 'if .key == "k1" then .error = {class: "a.B", message: "no price", kind: "permanent"} | .value = "half done"
		elif .key == "k2" then {src, error: "text only"} else . end' "$BATS_TEST_TMPDIR/all" >"$BATS_TEST_TMPDIR/in"
	echo garbage >>"$BATS_TEST_TMPDIR/in"
	exits 0 kc-dlq capture "$dlq" <"$BATS_TEST_TMPDIR/in"
	says "2 passed on, 3 captured in '$dlq'"
	grep -E '"k[03]"' "$BATS_TEST_TMPDIR/in" | diff - <(echo "$output")
	# what died is the record that the handler was given
	kc-consume "$dlq" -e | jq -es 'map(.value) == ["v1", "v2", "garbage"] and map(.key) == ["k1", "k2", null]'
	kc-dlq list "$dlq" --json | jq -es --arg s "$src" '.[0].dlq.error == {class: "a.B", message: "no price", kind: "permanent"} and
		.[0].dlq.origin.topic == $s and .[0].dlq.origin.offset == 1 and .[1].dlq.error.message == "text only" and
		.[2].dlq.error.class == "kc.parse"'
	exits 0 kc-dlq redrive "$dlq" 0:0-1
	kc-consume "$src" -e | jq -es 'map(select(.offset > 3) | .value) == ["v1", "v2"] and (last.headers[0] == {key: "h", value: "x"})'
}

@test "capture keeps the line when the record is gone, or when that is asked for" {
	handled 2 >"$BATS_TEST_TMPDIR/all"
	jq -c '.error = "x" | .value = "changed"' "$BATS_TEST_TMPDIR/all" | tail -n 1 >"$BATS_TEST_TMPDIR/in"
	exits 0 kc-dlq capture "$dlq" --payload line --scheme connect <"$BATS_TEST_TMPDIR/in"
	jq -c '.src = "'"$src"'/0/77"' "$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/gone"
	exits 0 kc-dlq capture "$dlq" <"$BATS_TEST_TMPDIR/gone"
	says "is not to be had"
	[[ $(kc-consume "$dlq" -e -f '%s ') == "changed changed " ]]
	kc-consume "$dlq" -e | head -n 1 | jq -e '.headers | any(.key == "__connect.errors.topic")'
}

@test "capture stops when too much fails, or when it cannot write, and takes no dead letters of its own topic" {
	handled 20 >"$BATS_TEST_TMPDIR/all"
	jq -c '.error = "x"' "$BATS_TEST_TMPDIR/all" >"$BATS_TEST_TMPDIR/in"
	# what came at once is judged before any of it is written
	exits 4 kc-dlq capture "$dlq" --breaker 50%/10 <"$BATS_TEST_TMPDIR/in"
	says "line 10: more than 50% of the last 10 lines failed: stopped, and nothing from line 1 on is captured or passed on"
	[[ -z $output && -z $(kc-consume "$dlq" -e) ]]
	# good lines that came with them wait for the verdict, too
	{ head -n 5 "$BATS_TEST_TMPDIR/all"; sed 1,5d "$BATS_TEST_TMPDIR/in"; } >"$BATS_TEST_TMPDIR/late"
	exits 4 kc-dlq capture "$dlq" --breaker 50%/10 <"$BATS_TEST_TMPDIR/late"
	says "line 11: more than 50% of the last 10 lines failed: stopped, and nothing from line 1 on is captured or passed on"
	says "0 passed on, 0 captured"
	[[ -z $output && -z $(kc-consume "$dlq" -e) ]]
	exits 1 kc-dlq capture "$src" <"$BATS_TEST_TMPDIR/in"
	says "it is a record of '$src' itself"
	exits 1 kc-dlq capture "$dlq-not-there" -X allow.auto.create.topics=false --timeout 1s <"$BATS_TEST_TMPDIR/in"
	exits 2 kc-dlq capture "$dlq" --scheme camel-case <"$BATS_TEST_TMPDIR/in"
	[[ -z $output ]]
}

@test "nothing goes on behind a failure that cannot be kept" {
	handled 4 >"$dir/all"
	kc-topics alter -q "$dlq" -c max.message.bytes=2000
	jq -c --arg x "$(printf '%03000d' 0)" 'if .key == "k1" then .error = "x" | .value = $x else . end' "$dir/all" >"$dir/in"
	exits 1 kc-dlq capture "$dlq" --payload line <"$dir/in"
	says "line 2: a dead letter of"
	[[ -z $output ]]
}

@test "what is an error that cannot be read, or nothing at all, is kept as it is" {
	handled 1 >"$dir/all"
	{ jq -c '.error = 5' "$dir/all"; echo '{"src":"'"$src"'/0/0"}'; } >"$dir/in"
	exits 0 kc-dlq capture "$dlq" <"$dir/in"
	[[ -z $output ]]
	kc-dlq list "$dlq" --json | jq -es 'map(.dlq.error.class) == ["kc.parse", "kc.parse"]'
	kc-consume "$dlq" -e --raw | cmp - "$dir/in"
}

# ---- the spill ------------------------------------------------------------------------

@test "--spill keeps what cannot be written, whole, and sends it later" {
	handled 4 >"$dir/all"
	kc-topics alter -q "$dlq" -c max.message.bytes=2000
	jq -c --arg x "$(printf '%03000d' 0)" 'if .key == "k3" then . else .error = {message: "no", stack: ("s" * 5000)} |
		if .key == "k1" then .value = $x else . end end' "$dir/all" >"$dir/in"
	exits 4 kc-dlq capture "$dlq" --payload line --spill "$dir/spill" <"$dir/in"
	says "line 2: a dead letter could not be written to '$dlq', it goes to '$dir/spill': a dead letter of"
	says "1 dead letters could not be written to '$dlq': they are in '$dir/spill' (kc-produce <$dir/spill sends them)"
	[[ $(jq -r .key <<<"$output") == k3 ]]
	[[ $(kc-consume "$dlq" -e -f '%k ') == "k0 k2 " && $(stat -c %a "$dir/spill") == 600 ]]
	# another run adds to it
	grep '"k1"' "$dir/in" | kc-dlq capture "$dlq" --payload line --spill "$dir/spill" 2>/dev/null || [[ $? == 4 ]]
	[[ $(wc -l <"$dir/spill") == 2 ]]
	kc-topics alter -q "$dlq" -c max.message.bytes=100000
	head -n 1 "$dir/spill" | kc-produce
	kc-dlq export "$dlq" 0:2 | jq -e --arg s "$src" '.key == "k1" and (.value | length) == 3000 and .kc.dlq.origin.topic == $s and
		.kc.dlq.origin.offset == 1 and (.kc.dlq.error.stack | length) == 5000'
}

@test "--spill keeps what the broker refuses, and is on disk before anything goes on" {
	only_kc_broker
	handled 3 >"$dir/all"
	jq -c 'if .key == "k1" then .error = "x" else . end' "$dir/all" >"$dir/in"
	kc-broker fault add "Produce topic=$dlq error=TOPIC_AUTHORIZATION_FAILED" --data-dir "$BATS_FILE_TMPDIR/broker" >/dev/null
	exits 4 kc-dlq capture "$dlq" --spill "$dir/spill" <"$dir/in"
	[[ $(jq -r .key <<<"$output" | paste -sd,) == k0,k2 && $(jq -r .key "$dir/spill") == k1 ]]
	exits 5 kc-dlq capture "$dlq" <"$dir/in"
	says "0 passed on, 0 captured"
	says "a dead letter could not be written to '$dlq', and nothing behind it is passed on (--spill FILE keeps it)"
	[[ -z $output ]]
	exits 1 kc-dlq capture "$dlq" --spill /dev/full <"$dir/in"
	says "--spill '/dev/full'"
	[[ -z $output ]]
	exits 1 kc-dlq capture "$dlq" --spill "$dir/no/such" <"$dir/in"
	says "--spill: cannot open '$dir/no/such'"
	kc-broker fault clear --data-dir "$BATS_FILE_TMPDIR/broker"
	[[ -z $(kc-consume "$dlq" -e) ]]
}

@test "--spill is not for a broker that does not answer: the lines come again, and would be there twice" {
	only_kc_broker
	local data=$BATS_FILE_TMPDIR/broker
	handled 3 >"$dir/all"
	kc-topics alter -q "$dlq" -c max.message.bytes=2000
	jq -c --arg x "$(printf '%03000d' 0)" '.error = "x" | if .key == "k0" then .value = $x else . end' "$dir/all" >"$dir/in"
	kc-broker fault add "Produce topic=$dlq drop" --data-dir "$data" >/dev/null
	runs_out 75 "0 passed on, 0 captured" kc-dlq capture "$dlq" --payload line --spill "$dir/spill" <"$dir/in"
	[[ -e $dir/spill && ! -s $dir/spill && -z $output && $stderr != *"$dir/spill"* ]]
	# what an earlier batch left there is told of
	mkfifo "$dir/lines"
	kc-dlq capture "$dlq" --payload line --spill "$dir/spill" --timeout 3s <"$dir/lines" 2>"$dir/err" &
	exec 8>"$dir/lines"
	head -n 1 "$dir/in" >&8
	eventually test -s "$dir/spill"
	sed 1d "$dir/in" >&8
	exec 8>&-
	status=0
	wait $! || status=$?
	kc-broker fault clear --data-dir "$data"
	[[ $status == 75 && $(wc -l <"$dir/spill") == 1 ]]
	grep -q "1 dead letters could not be written to '$dlq': they are in '$dir/spill' (kc-produce <$dir/spill sends them)" "$dir/err"
}

# ---- pipelines that commit ---------------------------------------------------------------

# 100 records of two partitions, and the filter of their handler: every tenth fails.
hundred() {
	src=$(topic) dlq=$src.dlq g=$src-g
	kc-topics create -q -p 2 "$src" "$src-out"
	kc-topics create -q "$dlq"
	seq 100 | kc-produce --raw "$src"
	# shellcheck disable=SC2016
	handler='if .value and (.value | tonumber) % 10 == 0 then .error = "ten" else . end'
}

left() { kc-consume --from-group "$g" "$src" -e | wc -l; }
dead() { kc-consume "$dlq" -e --raw | sort -n | paste -sd,; }
tens=10,20,30,40,50,60,70,80,90,100

@test "--commit-group: a group has done what is written and what is captured" {
	hundred
	kc-consume --from-group "$g" "$src" -e | jq -c "$handler" | kc-dlq capture "$dlq" --commit-group "$g" >"$dir/out"
	[[ $(left) == 0 && $(dead) == "$tens" && $(wc -l <"$dir/out") == 90 ]]
	kc-dlq list "$dlq" --json | jq -es --arg g "$g" 'map(.dlq.origin.group == $g) | all'
	# what was committed before is passed over
	kc-consume "$src" -e --src | jq -c "$handler" >"$dir/in"
	exits 0 kc-dlq capture "$dlq" --commit-group "$g" <"$dir/in"
	says "100 lines were committed before, and passed over"
	[[ -z $output && $(dead) == "$tens" ]]
	exits 1 kc-dlq capture "$dlq" --commit-group "$g-2" < <(jq -c 'del(.src)' "$dir/in")
	says "line 1: the line has no src"
	exits 2 kc-dlq capture "$dlq" --commit-group "$g" --ack "$dir/x" <"$dir/in"
	says "--ack and --commit-group exclude each other"
}

@test "what cannot be captured is not committed: it comes again" {
	hundred
	kc-topics alter -q "$dlq" -c max.message.bytes=100
	kc-consume --from-group "$g" "$src" -e | jq -c '.error = "no"' >"$dir/in"
	exits 1 kc-dlq capture "$dlq" --commit-group "$g" <"$dir/in"
	[[ $(left) == 100 ]]
	# a flood is none of the records
	exits 4 kc-dlq capture "$dlq" --commit-group "$g" --breaker 50%/10 <"$dir/in"
	[[ $(left) == 100 && -z $(dead) ]]
	exits 4 kc-dlq capture "$dlq" --commit-group "$g" --spill "$dir/spill" <"$dir/in"
	[[ $(left) == 0 && $(wc -l <"$dir/spill") == 100 ]]
}

@test "between a reader with barriers and kc-produce: what was captured last is done, too" {
	hundred
	for o in "" --txn; do
		kc-consume --from-group "$g$o" --barriers "$src" -e | jq -c "$handler" | kc-dlq capture "$dlq" -q |
			kc-produce --commit-group "$g$o" $o "$src-out"
	done
	[[ $(left) == 0 && $(g=$g--txn left) == 0 ]]
	[[ $(kc-consume "$src-out" -e | wc -l) == 180 && $(kc-consume "$dlq" -e | wc -l) == 20 ]]
}

@test "--ack: a reader in a group is told of what is written and what is captured" {
	hundred
	mkfifo "$dir/acks"
	kc-consume -g "$g" "$src" -e --ack "$dir/acks" --summary 2>"$dir/err" | jq -c "$handler" |
		kc-dlq capture "$dlq" --ack "$dir/acks" >"$dir/out"
	[[ $(jq -c '[.records, .acked]' "$dir/err") == '[100,100]' ]]
	[[ $(left) == 0 && $(dead) == "$tens" && $(wc -l <"$dir/out") == 90 ]]
	# with barriers the handler may drop, too
	g=$g-2
	kc-consume -g "$g" "$src" -e --ack "$dir/acks" --barriers | jq -c --unbuffered "select(.value != \"7\") | $handler" |
		kc-dlq capture "$dlq" --ack "$dir/acks" >"$dir/out"
	[[ $(left) == 0 && $(wc -l <"$dir/out") == 89 ]]
	# what cannot be kept is not acknowledged
	g=$g-3
	kc-topics alter -q "$dlq" -c max.message.bytes=100
	status=0
	kc-consume -g "$g" "$src" -e --ack "$dir/acks" 2>"$dir/err" | jq -c '.error = "no"' |
		kc-dlq capture "$dlq" --ack "$dir/acks" || status=$?
	[[ $status == 1 && $(left) == 100 ]]
}
