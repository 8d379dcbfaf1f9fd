#!/usr/bin/env bats
# kc-consume: what is there comes out, once, in every form, and a group
# commits what was written and nothing else.

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

make_topic() { # [OPTION...]
	kc-topics -q create "$t" "$@"
}

# Numbers 1 to N, one partition.
numbers() { # N
	make_topic -p 1
	seq "$1" | kc-produce --raw "$t"
}

# kc-consume in the background, its output in $dir/NAME; sets $pid.
background() { # NAME OPTION...
	local name=$1
	shift
	kc-consume "$@" >"$dir/$name" 2>"$dir/$name.err" </dev/null 3>&- 4>&- &
	pid=$!
	pids+=("$pid")
}

has_lines() { # NAME N
	[[ $(wc -l <"$dir/$1") -ge $2 ]]
}

# Ends the process of background() by a signal; sets $status.
end_by() { # SIGNAL PID
	kill -"$1" "$2"
	status=0
	wait "$2" || status=$?
}

# What the group has not read yet.
rest_of_group() {
	kc-consume -g "$g" "$t" -e --raw
}

# Status 2, this text, and no output.
refuses() { # TEXT ARGUMENT...
	local text=$1
	shift
	exits 2 kc-consume "$@"
	[[ -z $output ]]
	says "$text"
}

# ---- forms -------------------------------------------------------------------

@test "a record is one line of kc-record(5)" {
	make_topic -p 2
	local line='{"topic":"'$t'","partition":1,"offset":0,"timestamp":1795332687352,"timestamp_type":"create","key":{"base64":"/wA="},"value":"a\"\\\n\u0001\u007fé😀","headers":[{"key":"a","value":"1"},{"key":"a","value":null},{"key":"","value":{"base64":"AA=="}}]}'
	kc-produce <<<"$line"
	exits 0 kc-consume "$t" -e
	[[ $output == "${line//\\u007f/$'\x7f'}" && -z $stderr ]]
}

@test "null and empty are told apart in every form" {
	make_topic -p 1
	printf '%s\n' '{"value":null}' '{"key":"","value":""}' | kc-produce "$t"
	[[ $(kc-consume "$t" -e | jq -c '[.key, .value]' | paste -sd' ') == '[null,null] ["",""]' ]]
	[[ $(kc-consume "$t" -e -f '%k|%s|%K|%S.') == '||-1|-1.||0|0.' ]]
	[[ $(kc-consume "$t" -e -f '%k|%s.' -Z) == 'NULL|NULL.|.' ]]
	[[ $(kc-consume "$t" -e --raw -Z | paste -sd,) == 'NULL,' ]]
	[[ $(kc-consume "$t" -e --as kcat | jq -c '[.key, .payload]' | paste -sd' ') == '[null,null] ["",""]' ]]
}

@test "-j splices valid JSON as it is, and nothing else" {
	make_topic -p 1
	printf '%s\n' 1.10 9007199254740993 '"\u0000"' '{"a":1, "a":2}' 'no json' '[1,]' ' 1' '"\ud800"' |
		kc-produce --raw "$t"
	[[ $(kc-consume "$t" -e -j | sed 's/.*"key":null,//; s/,"headers.*//' | head -4 | paste -sd' ') == \
		'"json":1.10 "json":9007199254740993 "json":"\u0000" "json":{"a":1, "a":2}' ]]
	[[ $(kc-consume "$t" -e -j | tail -4 | jq -c '[has("json"), .value]' | paste -sd' ') == \
		'[false,"no json"] [false,"[1,]"] [false," 1"] [false,"\"\\ud800\""]' ]]
}

@test "--raw is the bytes, -D and -K are what stands between them" {
	make_topic -p 1
	printf '%s\n' '{"key":"k","value":{"base64":"AP8K"}}' '{"value":"b"}' | kc-produce "$t"
	kc-consume "$t" -e --raw | cmp - <(printf '\0\377\n\nb\n')
	kc-consume "$t" -e --raw -K '\t' -D '%\0' | cmp - <(printf 'k\t\0\377\n%%\0\tb%%\0')
}

@test "-f has kcat's letters" {
	make_topic -p 1
	kc-produce "$t" <<<'{"key":"k","value":"v1","timestamp":1795332687352,"headers":[{"key":"a","value":"1"},{"key":"n","value":null}]}'
	exits 0 kc-consume "$t" -e -f '%t [%p] %o %k=%s %K %S %T %h 100%% \x41\\\n'
	[[ $output == "$t [0] 0 k=v1 1 2 1795332687352 a=1,n=NULL 100% A\\" ]]
	[[ $(kc-consume "$t" -e -f '%R' | od -An -tx1) == ' 00 00 00 02' ]]
}

@test "--as kcat is what kcat -J writes" {
	make_topic -p 1
	kc-produce "$t" <<<'{"key":"k","value":"a\u0001b","headers":[{"key":"a","value":"1"},{"key":"n","value":null}]}'
	[[ $(kc-consume "$t" -e --as kcat) == "$(kcat -b "$KC_BROKERS" -C -t "$t" -e -q -J | sed 's/"broker":[0-9]*,//')" ]]
	kc-produce "$t" <<<'{"value":{"base64":"/w=="}}'
	exits 1 kc-consume "$t" -e --as kcat
	says "offset 1: the value is not UTF-8"
}

@test "--src says where each record came from" {
	numbers 1
	[[ $(kc-consume "$t" -e --src | jq -r .src) == "$t/0/0" ]]
}

# ---- where to begin and end ----------------------------------------------------

@test "-o beginning, end, N, -N and ranges" {
	numbers 10
	[[ $(kc-consume "$t" -e --raw -o beginning | wc -l) == 10 ]]
	exits 0 kc-consume "$t" -e --raw -o end
	[[ -z $output ]]
	[[ $(kc-consume "$t" -e --raw -o 7 | paste -sd,) == 8,9,10 ]]
	[[ $(kc-consume "$t" -e --raw -o 10) == '' ]]
	[[ $(kc-consume "$t" -e --raw -o -2 | paste -sd,) == 9,10 ]]
	[[ $(kc-consume "$t" -e --raw -o -200 | wc -l) == 10 ]]
	[[ $(kc-consume "$t" --raw -o 2:4 | paste -sd,) == 3,4 ]]
	[[ $(kc-consume "$t" --raw -o :2 | paste -sd,) == 1,2 ]]
	[[ $(kc-consume "$t" --raw -o 8:end | paste -sd,) == 9,10 ]]
	[[ $(kc-consume "$t" --raw -o -3:-1 | paste -sd,) == 8,9 ]]
	[[ $(kc-consume "$t" --raw -o 3:3) == '' ]]
}

@test "times begin and end where the timestamps say" {
	make_topic -p 1
	local now=$(($(date +%s) * 1000)) i
	for i in 5 4 3 2 1; do echo "{\"timestamp\":$((now - i * 60000)),\"value\":\"$i\"}"; done | kc-produce "$t"
	[[ $(kc-consume "$t" -e -o "@$((now - 180000))" --raw | paste -sd,) == 3,2,1 ]]
	[[ $(kc-consume "$t" -e -o @-150s --raw | paste -sd,) == 2,1 ]]
	[[ $(kc-consume "$t" -o "@$((now - 240000)):@$((now - 120000))" --raw | paste -sd,) == 4,3 ]]
	[[ $(kc-consume "$t" -o "s@$((now - 240000))" -o "e@$((now - 120000))" --raw | paste -sd,) == 4,3 ]]
	[[ $(kc-consume "$t" -o :@now --raw | wc -l) == 5 ]]
	[[ $(kc-consume "$t" -e -o @now --raw) == '' ]]
	exits 2 kc-consume "$t" -o ":@$((now + 3600000))"
	says "ends in the future"
}

@test "-e ends with what was there, also when more comes" {
	make_topic -p 1
	# endless, and faster than each look at it is
	while echo more; do :; done 3>&- 4>&- | kc-produce --raw "$t" 3>&- 4>&- &
	pids+=($!)
	disown
	eventually kc-consume "$t" -e -c 1 --fail-empty
	exits 0 kc-consume "$t" -e --summary
	[[ $(jq -c '[.stopped, .partitions[0].next == .partitions[0].end]' <<<"$stderr") == '["end",true]' ]]
}

@test "-e on nothing is nothing" {
	make_topic -p 3
	exits 0 kc-consume "$t" -e
	[[ -z $output && -z $stderr ]]
}

reads_123() { # OPTION...
	[[ $(kc-consume "$@" -e --raw | paste -sd,) == 1,2,3 ]]
}

@test "-e passes the control records of transactions" {
	make_topic -p 1
	kcat -q -b "$KC_BROKERS" -P -t "$t" -X transactional.id="$t" < <(seq 3) ||
		skip "this broker has no transactions"
	# On several nodes the markers come after the commit's answer.
	eventually reads_123 "$t"
	reads_123 -g "$g" "$t"
}

@test "-c is exact" {
	numbers 5000
	[[ $(kc-consume "$t" -c 3 --raw | paste -sd,) == 1,2,3 ]]
	[[ $(kc-consume "$t" -c 4999 --raw | wc -l) == 4999 ]]
	[[ $(kc-consume "$t" -e -c 10000 --raw | wc -l) == 5000 ]]
}

@test "--where prints what it is true of, and a group passes the others over" {
	make_topic -p 1
	printf '%s\n' '{"key":"a","json":{"amount":150,"items":[{"sku":"x"},{"sku":"y"}]}}' '{"key":"b","json":{"amount":7}}' \
		'{"key":"a","value":null}' '{"value":"no JSON","headers":[{"key":"h","value":"1"},{"key":"h","value":"2"}]}' | kc-produce "$t"
	where() { # CONDITION... EXPECTED: offsets
		local options=()
		while [[ $# -gt 1 ]]; do options+=(--where "$1") && shift; done
		[[ $(kc-consume "$t" -e "${options[@]}" -f '%o ') == "$1" ]]
	}
	where 'value.amount > 100' '0 '
	where 'value.items.sku = y' '0 '
	where 'key = a' '0 2 '
	where 'key=a' value '0 '
	where header.h '3 '
	where 'header.h = 2' '3 '
	where 'header.h != 2' '0 1 2 '
	where 'value ~ ^no' '3 '
	where 'offset >= 1' 'offset < 3' partition=0 "topic=$t" '1 2 '
	where 'timestamp > 1700000000000' '0 1 2 3 '
	exits 3 kc-consume "$t" -e --where 'key = z' --fail-empty
	[[ $(kc-consume "$t" -c 1 --where 'key = b' -f %o) == 1 ]]
	exits 0 kc-consume "$t" -g "$g" -e --where 'key = z'
	[[ -z $output && $(kc-lag show "$g" --json | jq .lag) == 0 ]]
	exits 2 kc-consume "$t" --where 'kye = z'
	says "--where: a record has no 'kye' (it has value, value.NAME, key,"
	exits 2 kc-consume "$t" --where 'key ~ ('
	says "bad regular expression"
	exits 2 kc-consume "$t" -g "$g" --exec cat --where key
	says "--where is for what is printed: --exec is given every record"
}

@test "--tail is the last records of all partitions, by time" {
	make_topic -p 3
	for i in {1..9}; do
		echo "{\"partition\":$((i * 2 % 3)),\"timestamp\":$(($(date +%s) * 1000 - 1000 + i)),\"value\":\"v$i\"}"
	done | kc-produce "$t" --keep-partition
	[[ $(kc-consume "$t" --tail 4 --raw | paste -sd' ') == "v6 v7 v8 v9" ]]
	[[ $(kc-consume "$t" --tail 99 --raw | paste -sd' ') == "v1 v2 v3 v4 v5 v6 v7 v8 v9" ]]
	[[ $(kc-consume "$t" --tail 2 -p 0 --raw | paste -sd' ') == "v6 v9" ]]
	[[ $(kc-consume "$t" --tail 2 --where 'value ~ v[1-4]' --raw | paste -sd' ') == "v3 v4" ]]
	exits 3 kc-consume "$t" --tail 2 --where key --fail-empty
	exits 1 bash -c "kc-consume '$t' --tail 2 >/dev/full"
	exits 2 kc-consume "$t" --tail 2 -o end
	says "--tail says what to read: without -g, --from-group, -o and -c"
}

@test "--tail counts records, not the offsets of transactions" {
	make_topic -p 1
	seq 8 | kc-produce "$t" --raw
	kc-topics create -q "$t-to" -p 1
	for i in {1..8}; do
		kc-consume --from-group "$g" "$t" -c 1 | kc-produce --commit-group "$g" --txn "$t-to"
	done
	[[ $(kc-consume "$t-to" -o -4 -e --raw | wc -l) == 2 ]]
	[[ $(kc-consume "$t-to" --tail 4 --raw | paste -sd' ') == "5 6 7 8" ]]
}

@test "partitions, several topics, regular expressions" {
	make_topic -p 4
	for i in 0 1 2 3; do echo "{\"partition\":$i,\"value\":\"p$i\"}"; done | kc-produce "$t" --keep-partition
	kc-topics -q create "$t-two" -p 1
	echo two | kc-produce --raw "$t-two"
	[[ $(kc-consume "$t" -p 0,2-3 -e --raw | sort | paste -sd,) == p0,p2,p3 ]]
	[[ $(kc-consume "$t" -t "$t-two" -e --raw | sort | paste -sd,) == p0,p1,p2,p3,two ]]
	[[ $(kc-consume "^$t" -e --raw | sort | paste -sd,) == p0,p1,p2,p3,two ]]
	[[ $(kc-consume "^$t-" -e --raw) == two ]]
}

@test "twenty thousand records over partitions come whole, in their order" {
	make_topic -p 4
	seq 20000 | kc-produce --raw "$t"
	kc-consume "$t" -e -f '%p %o\n' >"$dir/all"
	[[ $(wc -l <"$dir/all") == 20000 ]]
	awk '$2 != next_of[$1]++ { exit 1 }' "$dir/all"
	kc-consume "$t" -e --raw | sort -n | cmp - <(seq 20000)
}

# ---- following -----------------------------------------------------------------

@test "what comes is printed at once, until a signal" {
	numbers 1
	background out "$t" --raw
	eventually has_lines out 1
	echo 2 | kc-produce --raw "$t"
	eventually has_lines out 2
	end_by TERM "$pid"
	[[ $status == 143 && ! -s $dir/out.err ]]
}

@test "a follower notices that its reader is gone, though nothing comes" {
	numbers 3
	kc-consume "$t" --raw 3>&- 4>&- | head -n 2 >"$dir/out"
	[[ ${PIPESTATUS[0]} == 141 && $(paste -sd, "$dir/out") == 1,2 ]]
}

# ---- groups --------------------------------------------------------------------

@test "a group reads on where it stopped, and -c commits exactly that many" {
	numbers 100
	[[ $(kc-consume -g "$g" "$t" -c 30 --raw | tail -n 1) == 30 ]]
	[[ $(kc-consume -g "$g" "$t" -c 1 --raw) == 31 ]]
	[[ $(rest_of_group | sed -n '1p;$p' | paste -sd,) == 32,100 ]]
	exits 3 kc-consume -g "$g" "$t" -e --fail-empty
	says "no records"
}

@test "-o says where a group begins that is nowhere yet" {
	numbers 10
	[[ $(kc-consume -g "$g" "$t" -e --raw -o -2 | paste -sd,) == 9,10 ]]
	seq 11 12 | kc-produce --raw "$t"
	[[ $(kc-consume -g "$g" "$t" -e --raw -o beginning | paste -sd,) == 11,12 ]]
}

@test "a signal commits what was written" {
	numbers 100
	background out -g "$g" "$t" --raw
	eventually has_lines out 100
	end_by TERM "$pid"
	[[ $status == 143 ]]
	[[ -z $(rest_of_group) ]]
}

@test "a full disk is status 1 and commits nothing" {
	numbers 100
	# shellcheck disable=SC2016
	run --separate-stderr bash -c 'kc-consume -g "$0" "$1" -c 5 >/dev/full' "$g" "$t"
	[[ $status == 1 ]]
	says "cannot write to stdout"
	[[ $(rest_of_group | wc -l) == 100 ]]
}

@test "a closed pipe commits nothing that was not written" {
	# more than a pipe holds
	make_topic -p 1
	seq 100000 | kc-produce --raw "$t"
	kc-consume -g "$g" "$t" --raw 3>&- 4>&- | head -c 1 >/dev/null
	[[ ${PIPESTATUS[0]} == 141 ]]
	rest_of_group >"$dir/rest"
	tail -n 1 "$dir/rest" | grep -qx 100000
	# What is gone fits into the pipe.
	(($(head -n 1 "$dir/rest") < 40000))
}

@test "members that come and go lose nothing and repeat nothing" {
	make_topic -p 6
	background a -g "$g" "$t" --raw
	local a=$pid b i
	for i in 1 2 3 4 5; do seq $((i * 1000 - 999)) $((i * 1000)); done | kc-produce --raw "$t"
	eventually has_lines a 5000
	background b -g "$g" "$t" --raw
	b=$pid
	for i in $(seq 6 200); do
		seq $((i * 100 - 99 + 4500)) $((i * 100 + 4500)) | kc-produce --raw "$t"
		[[ -s $dir/b ]] && break
	done
	end_by TERM "$a"
	[[ $status == 143 ]]
	echo end | kc-produce --raw "$t"
	eventually grep -qx end "$dir/a" "$dir/b"
	end_by TERM "$b"
	[[ $status == 143 ]]
	rest_of_group >"$dir/rest"
	[[ $(cat "$dir/a" "$dir/b" "$dir/rest" | wc -l) == $((i * 100 + 4501)) ]]
	[[ $(cat "$dir/a" "$dir/b" "$dir/rest" | sort -u | wc -l) == $((i * 100 + 4501)) ]]
}

@test "a member that is killed loses nothing" {
	numbers 1000
	background a -g "$g" "$t" --raw -X session.timeout.ms=6000
	eventually has_lines a 1000
	kill -9 "$pid"
	rest_of_group >"$dir/rest"
	[[ $(cat "$dir/a" "$dir/rest" | sort -nu | wc -l) == 1000 ]]
}

# ---- for scripts ---------------------------------------------------------------

@test "--fail-empty and --summary" {
	numbers 3
	exits 3 kc-consume "$t" -e -o end --fail-empty
	exits 0 kc-consume "$t" -e --summary -c 2
	[[ $(jq -c '[.records, .stopped, .partitions[0].next, .partitions[0].end, .partitions[0].complete]' <<<"$stderr") == \
		'[2,"count",2,3,false]' ]]
	exits 0 kc-consume "$t" -e --summary
	[[ $(jq -c '[.records, .stopped, (.partitions[0] | .first, .last, .complete)]' <<<"$stderr") == \
		'[3,"end",0,2,true]' ]]
}

@test "a topic that does not exist: status 1, and the nearest name" {
	numbers 1
	exits 1 kc-consume "${t}x" -e
	says "topic '${t}x' does not exist (did you mean '$t'?)"
	exits 1 kc-consume -g "$g" nothing-like-it -e
	says "topic 'nothing-like-it' does not exist"
	exits 1 kc-consume '^nothing-like-it' -e
	says "no topic matches"
	kc-topics | grep -q nothing-like-it && return 1
	true
}

@test "a partition or an offset that does not exist: status 1, and what there is" {
	numbers 10
	exits 1 kc-consume "$t" -p 0,7 -e
	says "topic '$t' has no partition 7 (it has 1, from 0)"
	exits 1 kc-consume "$t" -o 11 -e
	says "'$t' [0] has no offset 11: it begins at 0 and ends before 10"
}

@test "an unreachable broker is status 75, with the cause" {
	exits 75 kc-consume -b 127.0.0.1:1 "$t" --timeout 500ms
	says "cannot reach broker '127.0.0.1:1': connection refused (is it running? try: kc-broker)"
}

@test "a read that falls short of its end is status 75, and names the partition" {
	numbers 3
	# An end that does not come: nothing is ever written there.
	runs_out 75 "not read to the end: '$t' [0] at 3 of 5" kc-consume "$t" -o 0:5 --raw
	[[ $(paste -sd, <<<"$output") == 1,2,3 ]]
}

@test "wrong usage is status 2, and nothing is contacted" {
	refuses "no topic"
	refuses "'sometimes' is not an offset" "$t" -o sometimes
	refuses "ends before it starts" "$t" -o 5:3
	refuses "--group" "$t" -o stored
	refuses "'x' is not a list of partitions" "$t" -p x
	refuses "exclude each other" "$t" -p 0 -g g
	refuses "no token '%z' at byte 1" "$t" -f %z
	refuses "--count" "$t" -c 0
	refuses "--raw" "$t" --raw -j
	refuses "-D is for --raw" "$t" -D x
	refuses "-Z is for --raw and -f" "$t" -Z
	refuses "--src" "$t" --raw --src
	refuses "kcat" "$t" --as xml
	refuses "--as kcat" "$t" --to kcat
	refuses "no.such.property" "$t" -X no.such.property=1
	refuses "$dir/none" "$t" -F "$dir/none"
	refuses "--exit-at-end" "$t" --exit-at-ende
	refuses "illegal" bad/name -e
	refuses "'order*' is no topic (several are arguments of their own; a pattern is a regular expression: '^orders-')" 'order*'
	refuses "'a,b' is no topic" a,b
}

@test "kcat's letters are known" {
	numbers 2
	exits 0 kc-consume -C -J -t "$t" -e
	[[ ${#lines[@]} == 2 ]]
	[[ $(kc-consume -G "$g" "$t" -e --raw | paste -sd,) == 1,2 ]]
}

@test "the examples of kc-consume(1) and kc-record(5) work" {
	make_topic -p 1
	printf '%s\n' '{"key":"a","json":{"amount":150,"password":"x"}}' '{"key":"b","json":{"amount":7}}' \
		'{"key":"c","value":null}' '{"value":{"base64":"/wD+"},"headers":[{"key":"h","value":"1"}]}' | kc-produce "$t"
	kc-topics -q create "$t-clean" -p 1
	[[ $(kc-consume "$t" -e -j | jq -c 'select(.json.amount > 100) | .topic = "'"$t"'-clean" | del(.json.password)' |
		kc-produce && kc-consume "$t-clean" -e | jq -c '[.key, .value]') == '["a","{\"amount\":150}"]' ]]
	[[ $(kc-consume "$t" -e | jq -c 'select(.value == null) | .key') == '"c"' ]]
	[[ $(kc-consume "$t" -e | jq -c 'select(.value | type == "object")' | jq -r '.value.base64' | base64 -d | od -An -tx1) == ' ff 00 fe' ]]
	[[ $(kc-consume "$t" -o 3 -e | jq -c '.headers | from_entries') == '{"h":"1"}' ]]
	[[ $(kc-consume "$t" -o -1 -c 1 -f '%p\t%o\n') == $'0\t3' ]]
}
