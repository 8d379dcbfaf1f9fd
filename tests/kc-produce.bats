#!/usr/bin/env bats
# kc-produce: lines in, records out, and a name for every line that fails.

load lib/kc

setup_file() {
	start_broker
}

teardown_file() {
	stop_broker
}

setup() {
	t=$(topic)
	rejects=$BATS_TEST_TMPDIR/rejects
}

teardown() {
	[[ -z ${own-} ]] || stop_broker
}

make_topic() { # [OPTION...]
	kc-topics -q create "$t" "$@"
}

# Envelope lines of the test's topic, without what differs from run to run.
records() { # JQ-FILTER
	kc-consume "$t" -e | jq -c "$1"
}

values() {
	kc-consume "$t" -e | jq -r .value
}

# One envelope line produced to the test's topic.
line() { # STATUS LINE [OPTION...]
	local want=$1 text=$2
	shift 2
	run --separate-stderr kc-produce "$@" <<<"$text"
	[[ $status -eq $want ]] || {
		printf 'status %s, not %s: %s\n%s\n' "$status" "$want" "$text" "$stderr"
		return 1
	}
}

nothing_sent() {
	[[ -z $(values) ]]
}

# ---- what goes in comes out --------------------------------------------------

@test "raw lines are values, also empty ones and a last one without newline" {
	make_topic -p 1
	printf 'a\n\n b \nlast' | kc-produce --raw "$t"
	[[ $(records '[.key, .value, .headers]' | paste -sd' ') == \
		'[null,"a",[]] [null,"",[]] [null," b ",[]] [null,"last",[]]' ]]
}

@test "an envelope line with all its members goes through unchanged" {
	make_topic -p 3
	l='{"topic":"'$t'","partition":2,"offset":7,"timestamp":1700000000001,"timestamp_type":"create","key":{"base64":"AP8="},"value":"v\u0001\"é","headers":[{"key":"a","value":"1"},{"key":"a","value":null},{"key":"","value":{"base64":"gA=="}}]}'
	line 0 "$l"
	[[ $(records "del(.offset)") == "$(jq -c "del(.offset)" <<<"$l")" ]]
}

@test "null, empty and absent are told apart" {
	make_topic -p 1
	kc-produce "$t" <<-'END'
		{"value":null}
		{"key":"","value":""}
		{"key":null,"value":"x"}
		{"value":"x","headers":[{"key":"h","value":""},{"key":"h","value":null}]}
	END
	[[ $(records '[.key, .value, (.headers | map(.value))]' | paste -sd' ') == \
		'[null,null,[]] ["","",[]] [null,"x",[]] [null,"x",["",null]]' ]]
}

@test "a json member is the value, byte for byte" {
	make_topic -p 1
	kc-produce "$t" <<<'{"json":{"b" : 1.10,"a":9007199254740993,"a":"\u0000"}}'
	[[ $(kc-consume "$t" -e --raw) == '{"b" : 1.10,"a":9007199254740993,"a":"\u0000"}' ]]
}

@test "consume, produce, consume gives equal lines" {
	make_topic -p 2
	kc-topics -q create "$t-2" -p 2
	seq 1000 | kc-produce --raw "$t" -H h=1 -H h
	kc-consume "$t" -e | jq -c --arg t "$t-2" '.topic = $t' | kc-produce
	diff <(records 'del(.offset)' | sort) \
		<(kc-consume "$t-2" -e | jq -c --arg t "$t" '.topic = $t | del(.offset)' | sort)
}

@test "a topic on the command line wins, and frees the partition" {
	make_topic -p 3
	for _ in 1 2 3; do
		echo '{"topic":"elsewhere","partition":2,"key":"k","value":"x"}'
	done | kc-produce "$t"
	free=$(records .partition | sort -u)
	[[ $(wc -l <<<"$free") -eq 1 ]]
	line 0 '{"partition":2,"value":"kept"}' "$t" --keep-partition
	[[ $(records 'select(.value == "kept") | .partition') == 2 ]]
	line 0 '{"partition":2,"value":"sent"}' "$t" -p 1
	[[ $(records 'select(.value == "sent") | .partition') == 1 ]]
}

@test "keys are placed as Java's producer places them" {
	make_topic -p 7
	printf '%s:x\n' a b abc user-42 'é' | kc-produce --raw -K : "$t"
	# murmur2, as org.apache.kafka.common.utils.Utils computes it, modulo 7
	[[ $(records '[.key, .partition]' | sort | paste -sd' ') == \
		'["a",5] ["abc",4] ["b",6] ["user-42",1] ["é",4]' ]]
}

@test "timestamps are kept, and dropped with --now" {
	make_topic -p 1 -c retention.ms=-1
	kc-produce "$t" <<<'{"timestamp":1,"value":"old"}'
	kc-produce "$t" --now <<<'{"timestamp":1,"value":"now"}'
	[[ $(records 'select(.value == "old") | .timestamp') == 1 ]]
	[[ $(records 'select(.value == "now") | .timestamp > 1700000000000') == true ]]
}

@test "-K -D -Z -k -H" {
	make_topic -p 1
	printf 'k1=v=1;=v2;none;k4=;' | kc-produce --raw -K = -D ';' "$t"
	printf 'a\0b' | kc-produce --raw -D '\0' -k key -H 'h=x=y' -H n "$t"
	printf '\n=\n' | kc-produce --raw -Z -K = "$t"
	[[ $(records '[.key, .value, (.headers | map([.key, .value]))]' | paste -sd' ') == \
		'["k1","v=1",[]] ["","v2",[]] [null,"none",[]] ["k4","",[]] ["key","a",[["h","x=y"],["n",null]]] ["key","b",[["h","x=y"],["n",null]]] [null,null,[]] [null,null,[]]' ]]
}

@test "an empty -D makes each file a record, whatever is in it" {
	local f=$BATS_TEST_TMPDIR
	make_topic -p 1
	head -c 300000 /dev/urandom >"$f/a"
	printf 'x\n\ny' >"$f/b"
	: >"$f/c"
	exits 0 kc-produce --raw -D '' "$t" "$f/a" "$f/b" "$f/c"
	[[ $(kc-consume "$t" -e -f '%S,') == 300000,4,0, ]]
	kc-consume "$t" -e --raw -D '' | cmp - <(cat "$f/a" "$f/b")
	kc-produce --raw -D '' -k in "$t" <"$f/b"
	[[ $(kc-consume "$t" -o 3 -e -f '%k=%S') == in=4 ]]
}

@test "-H adds to a line's own headers" {
	make_topic
	line 0 '{"value":"x","headers":[{"key":"a","value":"1"}]}' "$t" -H a=2
	[[ $(records '.headers | map(.value)') == '["1","2"]' ]]
}

@test "files are read in order, - is stdin, -c stops" {
	make_topic -p 1
	printf '1\n2\n' >"$BATS_TEST_TMPDIR/a"
	printf '5\n6\n' >"$BATS_TEST_TMPDIR/b"
	printf '3\n4' | kc-produce --raw -c 5 "$t" "$BATS_TEST_TMPDIR/a" - "$BATS_TEST_TMPDIR/b"
	[[ $(values | paste -sd,) == 1,2,3,4,5 ]]
}

@test "kcat's lines and letters" {
	# a record of 1970 is past any retention
	make_topic -p 1 -c retention.ms=-1
	echo '{"topic":"'"$t"'","partition":0,"offset":3,"tstype":"create","ts":5,"broker":1,"headers":["a","1","b",null],"key":null,"payload":"p"}' |
		kc-produce --from kcat
	[[ $(records '[.timestamp, .value, (.headers | map([.key, .value]))]') == \
		'[5,"p",[["a","1"],["b",null]]]' ]]
	echo l | kc-produce -P -J -l --raw -t "$t" -X linger.ms=0
	[[ $(values | tail -1) == l ]]
}

@test "every codec arrives" {
	make_topic -p 1
	for z in none gzip snappy lz4 zstd; do
		seq 1 300 | sed "s/^/$z-/" | kc-produce --raw -z $z "$t"
	done
	[[ $(values | cut -d- -f1 | uniq -c | awk '{ print $1 $2 }' | paste -sd' ') == \
		"300none 300gzip 300snappy 300lz4 300zstd" ]]
}

@test "lines of many sizes arrive whole, up to the topic's limit" {
	make_topic -p 1 -c max.message.bytes=3M
	for n in 1 4095 4096 65535 65536 1000000 3000000; do
		head -c $n /dev/zero | tr '\0' x
		echo
	done >"$BATS_TEST_TMPDIR/in"
	kc-produce --raw "$t" <"$BATS_TEST_TMPDIR/in"
	kc-consume "$t" -e --raw | cmp - "$BATS_TEST_TMPDIR/in"
}

@test "small limits make small batches, without any refusal" {
	make_topic -p 1 -c max.message.bytes=2000
	seq 20000 | kc-produce --raw "$t"
	values | cmp - <(seq 20000)
}

@test "nothing in, nothing out, status 0" {
	make_topic
	exits 0 kc-produce --raw "$t" </dev/null
	[[ -z $output && -z $stderr ]]
	nothing_sent
}

@test "what was sent is acknowledged while the input pauses" {
	make_topic -p 1
	mkfifo "$BATS_TEST_TMPDIR/in"
	kc-produce --raw "$t" --report "$BATS_TEST_TMPDIR/report" <"$BATS_TEST_TMPDIR/in" 3>&- &
	pid=$!
	exec 8>"$BATS_TEST_TMPDIR/in"
	echo one >&8
	eventually grep -q '"line":1' "$BATS_TEST_TMPDIR/report"
	[[ $(values) == one ]]
	echo two >&8
	eventually grep -q '"line":2' "$BATS_TEST_TMPDIR/report"
	exec 8>&-
	wait $pid
	[[ $(values | paste -sd,) == one,two ]]
}

@test "a report says where each line went" {
	make_topic -p 2
	exits 0 kc-produce --raw "$t" -p 1 --report - <<<$'a\nb'
	[[ $(jq -c '[.input, .line, .topic, .partition, .offset]' <<<"$output" | paste -sd' ') == \
		"[\"stdin\",1,\"$t\",1,0] [\"stdin\",2,\"$t\",1,1]" ]]
}

@test "-v counts, silence otherwise" {
	make_topic
	exits 0 kc-produce --raw "$t" <<<x
	[[ -z $stderr ]]
	exits 0 kc-produce --raw "$t" -v <<<$'x\ny'
	says "sent 2 records"
	says "to 1 topic"
}

@test "a dry run checks everything and sends nothing" {
	make_topic -p 1
	exits 0 kc-produce --raw "$t" --dry-run -v <<<x
	says "checked 1 records"
	line 1 '{"partition":5,"value":"x"}' "$t" --keep-partition -n
	says "stdin, line 1: partition 5 does not exist: topic '$t' has 1 (0 to 0; without a number, the partitioner chooses)"
	nothing_sent
	exits 4 kc-produce "$t" -n <<<$'bad\n{"value":"x"}\nworse'
	says "stdin, line 1:"
	says "stdin, line 3:"
	says "2 of 3 records failed"
	nothing_sent
	exits 1 kc-produce --raw "$t-no" -n <<<x
	says "topic '$t-no' does not exist (make it: kc-topics create $t-no)"
	[[ -z $(kc-topics list "$t-no") ]]
}

@test "SIGTERM flushes, counts, and ends by the signal" {
	make_topic -p 1
	mkfifo "$BATS_TEST_TMPDIR/in"
	kc-produce --raw "$t" --report "$BATS_TEST_TMPDIR/report" \
		<"$BATS_TEST_TMPDIR/in" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	pid=$!
	exec 8>"$BATS_TEST_TMPDIR/in"
	seq 100 >&8
	eventually grep -q '"line":100' "$BATS_TEST_TMPDIR/report"
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	exec 8>&-
	[[ $status -eq 143 ]]
	grep -q "interrupted: 100 records sent, 0 failed" "$BATS_TEST_TMPDIR/err"
}

@test "a signal while no broker answers ends by the signal" {
	kc-produce --raw t -b localhost:1 </dev/null 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	pid=$!
	# it says so once it has tried in vain for a second
	eventually grep -q "still trying" "$BATS_TEST_TMPDIR/err"
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	[[ $status -eq 143 ]]
}

# ---- bad input ---------------------------------------------------------------

@test "bad lines: each names its line and the remedy, status 1, nothing is sent" {
	make_topic -p 1
	while IFS='|' read -r text want; do
		line 1 "$text" "$t"
		says "stdin, line 1:"
		says "$want"
	done <<-'END'
		not json|not a JSON object (plain lines are read with --raw)
		{"value":"x"|
		{"value":"x"} trailing|
		{"payload":"x"}|unknown member 'payload' (did you mean value, or --from kcat?)
		{"key":"k"}|no value and no json (a tombstone is "value":null)
		{"value":"x","json":1}|both value and json
		{"value":{"base64":"@@@@"}}|not base64
		{"value":{"base64":"AA"}}|not base64
		{"value":"x","partition":"0"}|partition
		{"value":"x","timestamp":1.5}|timestamp
	END
	run --separate-stderr kc-produce "$t" < <(printf '{"value":"\xff"}\n')
	[[ $status -eq 1 ]]
	says "not UTF-8 (write them as {\"base64\":...})"
	nothing_sent
}

@test "a bad line stops the reading; what stood before it was sent" {
	make_topic -p 1
	exits 1 kc-produce "$t" <<<$'{"value":"1"}\n{"value":"2"}\nbad\n{"value":"4"}'
	says "stdin, line 3: byte 1: not a JSON object"
	says "2 records sent, 0 failed"
	[[ $(values | paste -sd,) == 1,2 ]]
}

@test "with --rejects bad lines are kept and the others go on" {
	make_topic -p 1
	exits 4 kc-produce "$t" --rejects "$rejects" <<<$'{"value":"1"}\nbad\n{"value":"3"}'
	says "stdin, line 2:"
	says "1 of 3 records failed (they are in $rejects)"
	[[ $(values | paste -sd,) == 1,3 ]]
	jq -e '.kc.line == "bad" and .error.line == 2 and .error.input == "stdin"
		and (.error.message | test("JSON")) and (has("value") | not)' "$rejects"
	# it cannot pass for a record
	exits 1 kc-produce "$t" <"$rejects"
	says "no value"
}

@test "a line without a topic, and none given" {
	line 1 '{"value":"x"}'
	says "the line names no topic (add one: kc-produce TOPIC, or a member topic)"
}

@test "a partition that does not exist is that record's error" {
	make_topic -p 2
	exits 4 kc-produce --rejects "$rejects" <<-END
		{"topic":"$t","value":"1"}
		{"topic":"$t","partition":2,"value":"2"}
		{"topic":"$t","value":"3"}
	END
	says "stdin, line 2: partition 2 does not exist: topic '$t' has 2 (0 to 1; without a number, the partitioner chooses)"
	[[ $(values | sort | paste -sd,) == 1,3 ]]
	[[ $(jq -c '[.topic, .partition, .value, .error.line]' "$rejects") == "[\"$t\",2,\"2\",2]" ]]
}

@test "a record over the limit is its own error, and its neighbours arrive" {
	make_topic -p 1 -c max.message.bytes=10000
	{ seq 100; head -c 10000 /dev/zero | tr '\0' x; echo; seq 101 200; } >"$BATS_TEST_TMPDIR/in"
	exits 4 kc-produce --raw "$t" <"$BATS_TEST_TMPDIR/in"
	says "stdin, line 101: record is too large: 10072 bytes in its batch, the topic allows 10000 (max.message.bytes"
	values | cmp - <(seq 200)
	# to the byte
	head -c 9928 /dev/zero | tr '\0' x | kc-produce --raw "$t"
	exits 1 kc-produce --raw "$t" < <(head -c 9929 /dev/zero | tr '\0' x)
}

@test "a record that is too large even when compressed is its own error" {
	make_topic -p 1 -c max.message.bytes=20000
	{ seq 100; head -c 40000 /dev/urandom | base64 -w0; echo; seq 101 200; } >"$BATS_TEST_TMPDIR/in"
	exits 4 kc-produce --raw -z gzip "$t" --rejects "$rejects" <"$BATS_TEST_TMPDIR/in"
	says "stdin, line 101: record is larger than the topic allows (see its config max.message.bytes)"
	values | sort -n | cmp - <(seq 200)
	[[ $(jq -r .value "$rejects") == $(sed -n 101p "$BATS_TEST_TMPDIR/in") ]]
	# and one that fits, compressed
	head -c 100000 /dev/zero | tr '\0' x | kc-produce --raw -z gzip "$t"
}

@test "a timestamp an hour ahead is its own error, and its neighbours arrive" {
	make_topic -p 1 -c message.timestamp.after.max.ms=1h
	late=$((($(date +%s) + 7200) * 1000))
	exits 4 kc-produce "$t" --rejects "$rejects" <<-END
		{"value":"1"}
		{"value":"2","timestamp":$late}
		{"value":"3"}
	END
	says "stdin, line 2: timestamp "
	says "ahead of now, the topic allows 60 minutes (message.timestamp.after.max.ms; --now drops timestamps)"
	[[ $(values | paste -sd,) == 1,3 ]]
	[[ $(jq .timestamp "$rejects") == "$late" ]]
	exits 0 kc-produce --now <"$rejects"
	[[ $(values | paste -sd,) == 1,3,2 ]]
}

@test "timestamp 0 is refused, not changed" {
	make_topic -p 1
	line 1 '{"value":"x","timestamp":0}' "$t"
	says "timestamp 0 cannot be sent"
	nothing_sent
}

@test "a compacted topic wants keys" {
	make_topic -p 1 -c cleanup.policy=compact
	exits 4 kc-produce "$t" <<<$'{"key":"k","value":"1"}\n{"value":"2"}\n{"key":"k","value":"3"}'
	says "stdin, line 2: record has no key, and the topic is compacted"
	[[ $(values | paste -sd,) == 1,3 ]]
}

@test "an illegal topic name: of an option 2, of a line that line's error" {
	exits 2 kc-produce --raw "a b" <<<x
	says "illegal topic name 'a b' (1 to 249 of letters, digits"
	line 1 '{"topic":"a/b","value":"x"}'
	says "stdin, line 1: illegal topic name 'a/b'"
}

@test "rejects can be sent again once they are mended" {
	make_topic -p 1 -c retention.ms=-1
	line 1 '{"topic":"'"$t"'","partition":7,"timestamp":5,"key":{"base64":"/w=="},"value":"v","headers":[{"key":"h","value":null}]}' --rejects "$rejects"
	jq -c '.partition = 0' "$rejects" | kc-produce
	[[ $(records '[.partition, .timestamp, .key, .value, .headers]') == \
		'[0,5,{"base64":"/w=="},"v",[{"key":"h","value":null}]]' ]]
}

@test "--max-errors stops" {
	make_topic -p 1
	exits 4 kc-produce "$t" --max-errors 2 <<<$'bad\n{"value":"1"}\nworse\n{"value":"2"}'
	says "stopped after 2 errors (--max-errors)"
	[[ $(values) == 1 ]]
}

@test "the first errors are shown, the others counted" {
	make_topic -p 1
	run --separate-stderr bash -c "yes bad | head -25 | kc-produce $t --rejects $rejects"
	[[ $status -eq 1 ]]
	[[ $(grep -c ', line ' <<<"$stderr") -eq 10 ]]
	says "15 more errors, all in the rejects"
	[[ $(wc -l <"$rejects") -eq 25 ]]
}

# ---- files, configuration, brokers -------------------------------------------

@test "a file that cannot be read: status 1 before anything is sent" {
	make_topic
	echo x >"$BATS_TEST_TMPDIR/a"
	exits 1 kc-produce --raw "$t" "$BATS_TEST_TMPDIR/a" /nonexistent
	says "cannot open '/nonexistent': No such file or directory"
	nothing_sent
}

@test "rejects or a report never overwrite an input" {
	make_topic
	echo x >"$BATS_TEST_TMPDIR/a"
	exits 2 kc-produce --raw "$t" "$BATS_TEST_TMPDIR/a" --rejects "$BATS_TEST_TMPDIR/a"
	says "is input and output at once"
	[[ $(cat "$BATS_TEST_TMPDIR/a") == x ]]
}

@test "a full disk behind rejects or a report is an error" {
	make_topic -p 1
	exits 1 kc-produce "$t" --rejects /dev/full <<<bad
	says "No space left on device"
	exits 1 kc-produce --raw "$t" --report /dev/full <<<x
	says "No space left on device"
}

@test "wrong options" {
	exits 2 kc-produce --raw <<<x
	says "--raw needs a topic"
	exits 2 kc-produce t -k key <<<x
	says "-k needs --raw"
	exits 2 kc-produce t --raw -H =x <<<x
	says "a header has a name"
	exits 2 kc-produce t --raw -D '\q' <<<x
	says "-D: '\\q' is neither text nor one of"
	exits 2 kc-produce t --raw -z brotli <<<x
	exits 2 kc-produce t --rwa <<<x
	says "--raw"
	exits 2 kc-produce t --config /nonexistent <<<x
	says "/nonexistent"
	exits 2 kc-produce t -X nosuch.property=1 <<<x
	says "unknown property 'nosuch.property' from -X"
	exits 2 kc-produce t -X linger.mss=1 <<<x
	says "did you mean linger.ms?"
}

@test "-X dump shows kc's own defaults" {
	exits 0 kc-produce -X dump
	[[ $output == *"enable.idempotence = true"*"# default"* ]]
	[[ $output == *"partitioner = murmur2_random"* ]]
}

@test "a copy to a topic that is not there yet keeps its partitions" {
	make_topic -p 5
	for i in {1..40}; do echo "{\"key\":\"k$i\",\"value\":\"v$i\"}"; done | kc-produce "$t"
	kc-consume "$t" -e | jq -c --arg t "$t-copy" '.topic = $t' >"$BATS_TEST_TMPDIR/copy"
	exits 0 kc-produce <"$BATS_TEST_TMPDIR/copy"
	diff <(sort <"$BATS_TEST_TMPDIR/copy" | jq -c 'del(.offset)') \
		<(kc-consume "$t-copy" -e | sort | jq -c 'del(.offset)')
	# one that was there before does not grow
	exits 4 kc-produce < <(echo "{\"topic\":\"$t\",\"partition\":9,\"value\":\"x\"}"
		echo "{\"topic\":\"$t\",\"partition\":0,\"value\":\"x\"}")
	says "partition 9"
}

has_x() {
	[[ $(values) == x ]]
}

@test "acks=1 needs no other property" {
	make_topic -p 1
	exits 0 kc-produce --raw "$t" -X acks=1 <<<x
	# on several nodes it becomes visible later than it is acknowledged
	eventually has_x
}

@test "an unreachable broker is a temporary failure" {
	exits 75 kc-produce --raw t -b localhost:1 --timeout 300ms <<<x
	says "cannot reach broker 'localhost:1': connection refused (is it running? try: kc-broker)"
	# a name that no resolver is asked for
	exits 75 kc-produce --raw t -b no..host:9092 --timeout 300ms <<<x
	says "cannot resolve the name"
}

@test "a broker that dies: status 75, and every line is counted" {
	only_kc_broker
	own=1
	run_kc_broker --ephemeral
	kc-topics -q create "$t" -p 1
	mkfifo "$BATS_TEST_TMPDIR/in"
	kc-produce --raw "$t" --timeout 10s --rejects "$rejects" \
		--report "$BATS_TEST_TMPDIR/report" \
		<"$BATS_TEST_TMPDIR/in" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	pid=$!
	exec 8>"$BATS_TEST_TMPDIR/in"
	seq 10 >&8
	eventually grep -q '"line":10' "$BATS_TEST_TMPDIR/report"
	kill_broker
	seq 11 30 >&8
	exec 8>&-
	status=0
	wait $pid || status=$?
	cat "$BATS_TEST_TMPDIR/err"
	[[ $status -eq 75 ]]
	grep -q "10 records sent, 20 failed" "$BATS_TEST_TMPDIR/err"
	tail -1 "$BATS_TEST_TMPDIR/err" | grep -q "connection refused (is it running?"
	[[ $(jq -r .value "$rejects" | paste -sd,) == "$(seq 11 30 | paste -sd,)" ]]
}

@test "a broker that comes back within the time-out loses nothing" {
	only_kc_broker
	own=1
	run_kc_broker --data-dir "$BATS_TEST_TMPDIR/data"
	kc-topics -q create "$t" -p 1
	mkfifo "$BATS_TEST_TMPDIR/in"
	kc-produce --raw "$t" --report "$BATS_TEST_TMPDIR/report" <"$BATS_TEST_TMPDIR/in" 3>&- &
	pid=$!
	exec 8>"$BATS_TEST_TMPDIR/in"
	seq 10 >&8
	eventually grep -q '"line":10' "$BATS_TEST_TMPDIR/report"
	kill_broker
	seq 11 30 >&8
	run_kc_broker --data-dir "$BATS_TEST_TMPDIR/data" --port "${KC_BROKERS##*:}"
	exec 8>&-
	wait $pid
	values | cmp - <(seq 30)
}
