#!/usr/bin/env bats
# shellcheck disable=SC2154
# kc-replay: ranges, selection, shape, pace; jobs that are gone on with, and verified; archives.
load lib/kc
load lib/transactions

setup_file() { start_broker -o log.cleaner.backoff.ms=50; }
teardown_file() { stop_broker; }

setup() {
	src=$(topic)-s
	dst=$(topic)-d
	cd "$BATS_TEST_TMPDIR" || return
}

# Ten records a partition of three, from 2026-01-15T10:00:00Z on, a second apart: keys k0 to k9, a header n.
fill() { # TOPIC
	kc-topics create "$1" -p 3 -q -c retention.ms=-1
	for p in 0 1 2; do
		for i in 0 1 2 3 4 5 6 7 8 9; do
			echo '{"topic":"'"$1"'","partition":'$p',"key":"k'$i'","value":"'$p$i'","headers":[{"key":"n","value":"'$i'"}],"timestamp":'$((1768471200000 + i * 1000 + p))'}'
		done
	done | kc-produce -q
}

target() { kc-topics create "$1" -p "${2:-3}" -q -c retention.ms=-1; }

count() { kc-consume "$1" -q -e | wc -l; }
news() { grep '^{' "$1" | tail -n 1 | jq .sent; }
prints() { [ "$("${@:2}" 2>/dev/null)" = "$1" ]; }
# Waits until a command prints so.
until_equals() { eventually prints "$@"; } # TEXT COMMAND...

values() { kc-consume "$1" -q -e -f '%s\n' | sort | paste -sd ' '; }
# What a record is, but for its topic and offset.
content() { kc-consume "$1" -q -e | jq -c 'del(.topic, .offset)' | sort; }
bare() { kc-consume "$1" -q -e | jq -c 'del(.topic, .offset) | .headers |= map(select(.key != "kc-replay"))' | sort; }

@test "a copy is what the source is, and each record says where it came from" {
	fill "$src"
	target "$dst"
	exits 0 kc-replay "$src" --to "$dst" --name "$dst"
	says "mode txn-offsets"
	[ -z "$output" ]
	[ "$(bare "$dst")" = "$(content "$src")" ]
	line=$(kc-consume "$dst" -q -e -p 1 -c 1)
	[[ $(jq -r '.headers[1] | "\(.key)=\(.value)"' <<<"$line") == kc-replay=$dst.*/1/0 ]]
	exits 0 kc-replay verify "$dst"
	[ "$(jq -c '[.expected, .matched, .missing, .duplicate, .altered, .strange]' <<<"$output")" = '[30,30,0,0,0,0]' ]
}

@test "every kind of bytes arrives as it was" {
	kc-topics create "$src" -q
	target "$dst" 1
	{
		echo '{"topic":"'"$src"'","key":null,"value":null}'
		echo '{"topic":"'"$src"'","key":"","value":""}'
		echo '{"topic":"'"$src"'","key":{"base64":"/wA="},"value":{"base64":"AP8="},"headers":[{"key":"a","value":null},{"key":"a","value":""},{"key":"a","value":{"base64":"/w=="}}]}'
		echo '{"topic":"'"$src"'","value":"{\"n\":9007199254740993,\"z\":\"\\u0000\",\"d\":1.10}"}'
	} | kc-produce -q
	exits 0 kc-replay "$src" --to "$dst"
	[ "$(bare "$dst")" = "$(content "$src")" ]
}

@test "a record of nearly the topic's limit passes" {
	kc-topics create "$src" -q
	target "$dst" 1
	head -c 1048000 /dev/zero | tr '\0' x | kc-produce "$src" --raw -q
	exits 0 kc-replay "$src" --to "$dst" --no-tag
	[ "$(kc-consume "$dst" -q -e -f '%S\n')" = 1048000 ]
}

@test "ranges: partitions, offsets, times, a count" {
	fill "$src"
	for o in '-p 0,2 -c 20' '--offsets 0:2-4,1:9,2:8-' '--from 2026-01-15T10:00:08' '--until 2026-01-15T10:00:01' '-p 1 -c 4'; do
		t=$(topic)
		target "$t"
		exits 0 kc-replay "$src" --to "$t" $o
		all+=("$(values "$t")")
	done
	[ "${all[0]}" = '00 01 02 03 04 05 06 07 08 09 20 21 22 23 24 25 26 27 28 29' ]
	[ "${all[1]}" = '02 03 04 19 28 29' ]
	[ "${all[2]}" = '08 09 18 19 28 29' ]
	[ "${all[3]}" = '00 10 20' ]
	[ "${all[4]}" = '10 11 12 13' ]
}

@test "selection: keys, headers, samples, tombstones, the latest of each key" {
	fill "$src"
	echo '{"topic":"'"$src"'","partition":0,"key":"k1","value":null}' | kc-produce -q
	run_select() {
		local t
		t=$(topic)
		target "$t"
		exits 0 kc-replay "$src" --to "$t" "$@" && got=$(kc-consume "$t" -q -e -Z -f '%p:%k=%s\n' | sort | paste -sd ' ')
	}
	run_select --key k3 --key k4
	[ "$got" = '0:k3=03 0:k4=04 1:k3=13 1:k4=14 2:k3=23 2:k4=24' ]
	run_select --key-regex '^k[89]$' -p 0
	[ "$got" = '0:k8=08 0:k9=09' ]
	run_select -H n=5
	[ "$got" = '0:k5=05 1:k5=15 2:k5=25' ]
	run_select --tombstones only
	[ "$got" = '0:k1=NULL' ]
	run_select --key k1 --tombstones drop -p 0
	[ "$got" = '0:k1=01' ]
	run_select --key k1 --latest-per-key
	[ "$got" = '0:k1=NULL 1:k1=11 2:k1=21' ]
	run_select --sample 50%:key
	first=$got
	run_select --sample 50%:key
	[ "$got" = "$first" ]
	# a key's records are all there, or none is
	[ "$(tr ' ' '\n' <<<"$got" | grep -v NULL | sed 's/.*:\(k.\)=.*/\1/' | sort | uniq -c | awk '{ print $1 }' | sort -u)" = 3 ]
}

@test "shape: headers, timestamps, partitions" {
	fill "$src"
	target "$dst"
	exits 0 kc-replay "$src" --to "$dst" --headers -n --headers +by=me --no-tag --timestamp shift=2026-03-01 --to-partition 2 -p 1
	[ "$(kc-consume "$dst" -q -e | jq -c '[.partition, .timestamp - 1772323200000, .headers]' | sed -n '1p;10p' | paste -sd ' ')" = \
		'[2,0,[{"key":"by","value":"me"}]] [2,9000,[{"key":"by","value":"me"}]]' ]
	other=$(topic)
	target "$other" 1
	exits 0 kc-replay "$src" --to "$other" --timestamp now --headers none
	says 'records are placed by their key'
	[ "$(kc-consume "$other" -q -e | jq -s "map(select(.timestamp > $(($(date +%s) - 600))000)) | length")" = 30 ]
	[ "$(kc-consume "$other" -q -e | jq -c '[.headers[].key]' | sort -u)" = '["kc-replay"]' ]
}

@test "--via: a command changes, drops and adds; what fails in it writes nothing" {
	fill "$src"
	target "$dst"
	exits 0 kc-replay "$src" --to "$dst" -p 0 --name "$dst" --via 'jq -c "select(.value != \"03\") | .value += \"!\""'
	[ "$(values "$dst")" = '00! 01! 02! 04! 05! 06! 07! 08! 09!' ]
	exits 0 kc-replay verify "$dst"
	other=$(topic)
	target "$other"
	exits 1 kc-replay "$src" --to "$other" --via 'head -n 3; exit 7'
	says "ended with status 7"
	exits 1 kc-replay "$src" --to "$other" --via 'jq -c "del(.src)"'
	says "has no src"
	exits 1 kc-replay "$src" --to "$other" --via 'echo nonsense'
	[ -z "$(values "$other")" ]
}

@test "--plan tells everything and does nothing; --dry-run writes nothing" {
	fill "$src"
	exits 0 kc-replay "$src" --to "$dst" --create-like --plan --speed 2x
	[ "$(jq -c '[.mode, .target_is_made, .records_at_most, .expected_ms, (.partitions | length), .partitions[1].first_timestamp]' <<<"$output")" = \
		'["scan",true,30,4501,3,1768471200001]' ]
	exits 0 kc-replay "$src" --to "$dst" --create-like --dry-run --key k1
	[ "$(tail -n 1 <<<"$stderr" | jq -c '[.read, .sent]')" = '[30,3]' ]
	exits 1 kc-topics show "$dst"
	exits 1 kc-replay "$src" --to "$dst" --plan
	says "does not exist (--create-like"
}

@test "--create-like: partitions and configs" {
	kc-topics create "$src" -p 2 -q -c retention.ms=1d -c cleanup.policy=compact
	echo '{"topic":"'"$src"'","key":"a","value":"1"}' | kc-produce -q
	exits 0 kc-replay "$src" --to "$dst" --create-like
	[ "$(kc-topics show "$dst" | grep config | cut -f 3,4 | sort | paste -sd ' ')" = \
		"$(kc-topics show "$src" | grep config | cut -f 3,4 | sort | paste -sd ' ')" ]
	[ "$(values "$dst")" = 1 ]
}

@test "the same topic is refused, unless it is meant" {
	fill "$src"
	exits 2 kc-replay "$src"
	says "--same-topic"
	exits 0 kc-replay "$src" --same-topic --name "$src"
	[ "$(kc-consume "$src" -q -e -f '%s\n' | wc -l)" = 60 ]
	exits 0 kc-replay verify "$src"
}

@test "a job: begun once, listed, done; its name is free then" {
	fill "$src"
	target "$dst"
	exits 0 kc-replay "$src" --to "$dst" --name "$dst" --summary
	[ "$(tail -n 1 <<<"$stderr" | jq -c '[.mode, .state, .read, .sent, .left]')" = '["txn-offsets","done",30,30,0]' ]
	exits 0 kc-replay jobs
	[ "$(grep "^$dst	" <<<"$output" | cut -f 1-8)" = "$dst	done	100%	30	30	txn-offsets	$src	$dst" ]
	exits 0 kc-replay status "$dst" --json
	[ "$(jq -c '[.state, .spec.topic, (.partitions | map(.next))]' <<<"$output")" = "[\"done\",\"$src\",[10,10,10]]" ]
	exits 0 kc-replay --resume "$dst"
	says "nothing is left"
	exits 0 kc-replay "$src" --to "$dst" --name "$dst"
	[ "$(kc-consume "$dst" -q -e -f '%s\n' | wc -l)" = 60 ]
	exits 1 kc-replay status no-such-job
	exits 1 kc-replay --resume no-such-job
	exits 3 kc-replay pause "$dst"
}

# A job in the background that takes long; waits until it has begun. Sets $pid.
begin() { # JOB OPTION...
	kc-replay "$src" --to "$dst" --name "$1" "${@:2}" 2>"$1.err" &
	pid=$!
	eventually sent "$1" 1
}
sent() { # JOB AT-LEAST
	[ "$(kc-replay status "$1" --json 2>/dev/null | jq .sent)" -ge "$2" ] 2>/dev/null
}

@test "ended by a signal, killed, gone on with: everything once, in each mode" {
	fill "$src"
	for mode in txn checkpoint scan; do
		dst=$(topic)
		target "$dst"
		begin "$dst" --eos $mode --rate 2
		kill -TERM $pid
		status=0
		wait $pid || status=$?
		[ $status = 143 ]
		grep -q -- "--resume $dst" "$dst.err"
		[ "$(kc-replay status "$dst" | sed -n 's/^state\t//p')" = stopped ]
		exits 1 kc-replay "$src" --to "$dst" --name "$dst"
		says "has begun already"
		before=$(kc-replay status "$dst" --json | jq .sent)
		kc-replay --resume "$dst" --rate 2 2>again.err &
		pid=$!
		eventually sent "$dst" $((before + 1))
		kill -9 $pid
		wait $pid || true
		[ "$(kc-replay status "$dst" | sed -n 's/^state\t//p')" = interrupted ]
		exits 0 kc-replay resume "$dst" --speed max
		says "done: 30 records read, 30 written (is all there? kc-replay verify $dst)"
		[ "$(bare "$dst")" = "$(content "$src")" ]
		exits 0 kc-replay verify "$dst"
		exits 2 kc-replay resume
	done
}

@test "a twin takes over: the older run ends with 5" {
	fill "$src"
	target "$dst"
	begin "$dst" --rate 2
	exits 0 kc-replay --resume "$dst" --speed max
	status=0
	wait $pid || status=$?
	[ $status = 5 ]
	grep -q 'fenced by another run' "$dst.err"
	[ "$(bare "$dst")" = "$(content "$src")" ]
	# without transactions, the second one is refused
	other=$(topic)
	target "$other"
	dst=$other
	begin "$other" --rate 5 --eos scan
	exits 5 kc-replay --resume "$other"
	says "is being run by process $pid"
	kill $pid
	wait $pid || true
}

@test "pause: between transactions, and on again" {
	fill "$src"
	target "$dst"
	begin "$dst" --rate 3
	exits 0 kc-replay pause "$dst"
	eventually state "$dst" paused
	n=$(kc-consume "$dst" -q -e -f '%s\n' | wc -l)
	[ "$n" -lt 30 ]
	# no transaction is open: who reads uncommitted sees no more
	[ "$(kc-consume "$dst" -q -e --isolation uncommitted -f '%s\n' | wc -l)" = "$n" ]
	exits 0 kc-replay pause "$dst"
	wait $pid
	[ "$(bare "$dst")" = "$(content "$src")" ]
}
state() { # JOB STATE
	[ "$(kc-replay status "$1" --json | jq -r .state)" = "$2" ]
}

@test "--speed keeps the times between records, --max-gap folds silences" {
	fill "$src"
	target "$dst"
	exits 0 kc-replay "$src" --to "$dst" --speed 20x --summary
	says "mode scan"
	ms=$(tail -n 1 <<<"$stderr" | jq .ms)
	[ "$ms" -ge 450 ]
	# merged by time: all partitions' n-th records before any (n+1)-th; each of them stands in its own partition
	[ "$(bare "$dst")" = "$(content "$src")" ]
	exits 0 kc-replay "$src" --to "$dst" --speed 0.1x --max-gap 10ms --summary
	ms=$(tail -n 1 <<<"$stderr" | jq .ms)
	[ "$ms" -ge 90 ]
	[ "$ms" -lt 60000 ]
	exits 0 kc-replay "$src" --to "$dst" --rate 100 --ramp 100ms --summary
	[ "$(tail -n 1 <<<"$stderr" | jq .ms)" -ge 300 ]
	exits 0 kc-replay "$src" --to "$dst" --bytes-rate 400 --summary
	[ "$(tail -n 1 <<<"$stderr" | jq .ms)" -ge 250 ]
	yes '' | head -n 2 >two
	exits 0 kc-replay "$src" --to "$dst" --step -c 3 <two
	says "record 3"
}

@test "--follow: what comes is replayed, until a signal; gone on with it follows again" {
	fill "$src"
	target "$dst"
	kc-replay "$src" --to "$dst" --follow --name "$dst" 2>"$dst.err" &
	pid=$!
	until_equals 30 count "$dst"
	echo '{"topic":"'"$src"'","partition":1,"value":"more"}' | kc-produce -q
	until_equals 31 count "$dst"
	exits 0 kc-replay status "$dst" --json
	[ "$(jq -c '[.spec.follow, .state]' <<<"$output")" = '[true,"running"]' ]
	kill -TERM $pid
	code=0
	wait $pid || code=$?
	[ "$code" = 143 ]
	echo '{"topic":"'"$src"'","partition":2,"value":"later"}' | kc-produce -q
	exits 1 kc-replay "$src" --to "$dst" --follow --name "$dst"
	says "follows its topic (go on with it: kc-replay --resume $dst)"
	kc-replay --resume "$dst" --speed 1000x --max-gap 0s 2>"$dst.err" &
	pid=$!
	until_equals 32 count "$dst"
	kill -TERM $pid
	wait $pid || true
	exits 0 kc-replay verify "$dst"
	[ "$(jq -c '[.expected, .matched]' <<<"$output")" = '[32,32]' ]
	exits 0 kc-replay "$src" --to "$dst" --follow --plan
	[ "$(jq -c '[.partitions[1].to, .records_at_most, .expected_ms]' <<<"$output")" = '[null,32,null]' ]
	exits 2 kc-replay "$src" --to "$dst" --follow --until -1h
	exits 2 kc-replay "$src" --to "$dst" --follow --offsets 0:1-2
	exits 2 kc-replay "$src" --to "$dst" --follow --latest-per-key
	exits 2 kc-replay "$src" --same-topic --follow
}

@test "--follow: partitions that the source gets are taken in, also while it stands still" {
	fill "$src"
	target "$dst"
	kc-replay "$src" --to "$dst" --follow --name "$dst" 2>"$dst.err" &
	pid=$!
	until_equals 30 count "$dst"
	kc-topics alter -q "$src" -p 5
	kc-topics alter -q "$dst" -p 5
	kc-produce -q <<<'{"topic":"'"$src"'","partition":4,"value":"four"}'
	until_equals 31 count "$dst"
	until_equals 'four 4' kc-consume "$dst" -q -p 4 -e -f '%s %p\n'
	grep -q "'$src' has 2 partitions more" "$dst.err"
	kill -9 $pid
	wait $pid || true
	# the target does not grow: by their keys then
	kc-topics alter -q "$src" -p 6
	kc-produce -q <<<'{"topic":"'"$src"'","partition":5,"key":"k","value":"five"}'
	kc-replay --resume "$dst" --speed 1000x --max-gap 0s 2>"$dst.err" &
	pid=$!
	until_equals 32 count "$dst"
	grep -q "no partition 5: records are placed by their key" "$dst.err"
	kill -TERM $pid
	wait $pid || true
	exits 0 kc-replay verify "$dst"
	[ "$(jq -c '[.expected, .matched]' <<<"$output")" = '[32,32]' ]
	# who names some gets no others
	target "$dst-p"
	kc-replay "$src" --to "$dst-p" -p 0,5 --follow -c 12 --name "$dst-p" 2>"$dst.err" &
	pid=$!
	until_equals 11 count "$dst-p"
	kc-topics alter -q "$src" -p 7
	kc-produce -q <<<'{"topic":"'"$src"'","partition":6,"value":"six"}'
	kc-produce -q <<<'{"topic":"'"$src"'","partition":0,"value":"zero"}'
	wait $pid
	[ "$(count "$dst-p")" = 12 ]
	exits 0 kc-replay status "$dst-p"
	[[ $output != *$'partition\t6'* ]]
}

@test "--max-lag: of several groups the slowest decides" {
	fill "$src"
	target "$dst"
	kc-consume -g "$dst-a" "$dst" -q -e
	kc-replay "$src" --to "$dst" --max-lag "$dst-a:5" --max-lag "$dst-b:9" --name "$dst" 2>"$dst.err" &
	pid=$!
	until_equals 5 count "$dst"
	until_equals 1 grep -c "'$dst-a' is . records behind: waiting until it is less than 5" "$dst.err"
	[ "$(kc-consume -g "$dst-a" "$dst" -q -e | wc -l)" = 5 ]
	until_equals 1 grep -c "'$dst-b' is .* records behind: waiting until it is less than 9" "$dst.err"
	n=$(count "$dst")
	[ "$n" -gt 5 ]
	[ "$n" -le 9 ]
	kill -TERM $pid
	wait $pid || true
	exits 0 kc-replay status "$dst" --json
	[ "$(jq -c .spec.max_lag <<<"$output")" = "[\"$dst-a:5\",\"$dst-b:9\"]" ]
	exits 0 kc-replay --resume "$dst" --max-lag "$dst-a:1000" --max-lag "$dst-c:1000"
	exits 0 kc-replay status "$dst" --json
	[ "$(jq -c .spec.max_lag <<<"$output")" = "[\"$dst-a:1000\",\"$dst-c:1000\"]" ]
}

@test "--max-lag: a group that reads the target never falls further behind" {
	fill "$src"
	target "$dst"
	for o in '' '--eos scan'; do
		t=$(topic)
		target "$t"
		kc-replay "$src" --to "$t" --max-lag "$t:7" $o 2>"$t.err" &
		pid=$!
		until_equals 7 count "$t"
		until_equals 1 grep -c 'records behind: waiting' "$t.err"
		[ "$(count "$t")" = 7 ]
		n=0
		while [ $n -lt 30 ]; do
			got=$(kc-consume -g "$t" "$t" -q -e | wc -l)
			[ "$got" -le 7 ]
			n=$((n + got))
		done
		wait $pid
		[ "$(count "$t")" = 30 ]
	done
	exits 2 kc-replay "$src" --to "$dst" --max-lag 7
	says "GROUP:N"
}

@test "--errors-to: what the target does not take becomes a dead letter, status 4" {
	kc-topics create "$src" -q
	kc-topics create "$dst" -q -c max.message.bytes=1000
	for i in 1 2 3; do
		[ $i = 2 ] && head -c 2000 /dev/zero | tr '\0' x || printf $i
		echo
	done | kc-produce "$src" --raw -q
	exits 1 kc-replay "$src" --to "$dst"
	says "record $src/0/1: record is too large"
	for o in txn scan; do
		exits 4 kc-replay "$src" --to "$dst" --errors-to "$dst.dlq" --name "$dst.$o" --eos $o --summary
		says "1 records that could not be written: they are in '$dst.dlq'"
		[ "$(grep '^{' <<<"$stderr" | jq -c '[.read, .sent, .dead]')" = '[3,2,1]' ]
		exits 0 kc-replay verify "$dst.$o"
		[ "$(jq -c '[.expected, .missing, .dead]' <<<"$output")" = '[2,0,1]' ]
	done
	[ "$(count "$dst")" = 4 ]
	exits 0 kc-dlq list "$dst.dlq"
	[ "$(cut -f 4 <<<"$output" | paste -sd ' ')" = "$src/0/1 $src/0/1" ]
	exits 2 kc-replay "$src" --to "$dst" --errors-to "$dst"
}

@test "--errors-to: what only the broker refuses is found among the others" {
	kc-topics create "$src" -q
	kc-topics create "$dst" -q
	for i in 1 2 3 4 5 6 7 8; do
		[ $i = 5 ] && head -c 2000 /dev/zero | tr '\0' x || printf $i
		echo
	done | kc-produce "$src" --raw -q
	# the limits are known when the first record is sent; then they change
	mkfifo lines
	kc-replay "$src" --to "$dst" --errors-to "$dst.dlq" --name "$dst" --eos scan --step <lines 2>"$dst.err" &
	pid=$!
	exec 7>lines
	echo >&7
	until_equals 1 count "$dst"
	kc-topics alter "$dst" -c max.message.bytes=1000 -q
	exec 7>&-
	code=0
	wait $pid || code=$?
	[ "$code" = 4 ]
	[ "$(count "$dst")" = 7 ]
	[ "$(count "$dst.dlq")" = 1 ]
	exits 0 kc-replay verify "$dst"
}

@test "--stats and SIGUSR2 tell how far it is" {
	fill "$src"
	target "$dst"
	kc-replay "$src" --to "$dst" --follow --stats 50ms 2>"$dst.err" &
	pid=$!
	until_equals 30 news "$dst.err"
	kill -TERM $pid
	wait $pid || true
	kc-replay "$src" --to "$dst" --follow 2>"$dst.err2" &
	pid=$!
	until_equals 60 count "$dst"
	[ -z "$(grep '^{' "$dst.err2")" ]
	kill -USR2 $pid
	until_equals 30 news "$dst.err2"
	kill -TERM $pid
	wait $pid || true
}

@test "records that are gone: told with their offsets, or a gap that is counted" {
	fill "$src"
	target "$dst"
	kc-topics trim "$src" -o 4 -yq
	exits 1 kc-replay "$src" --to "$dst" --offsets 0:2-7
	says "has no offset 2 any more: it begins at 4"
	exits 4 kc-replay "$src" --to "$dst" --offsets 0:2-7 --allow-gap --name "$dst"
	[ "$(values "$dst")" = '04 05 06 07' ]
	kc-replay status "$dst" | grep -qx 'gone	0	2	4'
	exits 0 kc-replay verify "$dst"
}

@test "records that go while they are replayed: what came before is kept, and it goes on behind them" {
	fill "$src"
	target "$dst"
	begin "$dst" --rate 10 --offsets 0:0-9
	kill $pid
	wait $pid || true
	kc-topics trim "$src" -o 8 -yq
	exits 1 kc-replay --resume "$dst"
	says "were deleted before they were replayed: 0:"
	exits 4 kc-replay --resume "$dst" --allow-gap --speed max
	[[ $(values "$dst") == *' 08 09' ]]
	exits 0 kc-replay verify "$dst"
}

@test "a topic that was made anew is not replayed further" {
	only_kc_broker
	fill "$src"
	target "$dst"
	begin "$dst" --rate 10
	kill $pid
	wait $pid || true
	kc-topics delete -yq "$src"
	kc-topics create "$src" -p 3 -q
	exits 1 kc-replay --resume "$dst"
	says "is not what it was"
	seq 1 100 | kc-produce "$src" --raw -q -p 0
	seq 1 100 | kc-produce "$src" --raw -q -p 1
	seq 1 100 | kc-produce "$src" --raw -q -p 2
	exits 1 kc-replay --resume "$dst"
	says "another record"
}

@test "a compacted topic: what is left is replayed, and the holes are no end" {
	only_kc_broker
	kc-topics create "$src" -q -c cleanup.policy=compact -c internal.segment.bytes=4000 -c min.cleanable.dirty.ratio=0
	target "$dst" 1
	seq 1 2000 | awk '{ print "k" $1 % 50 ":" $1 }' | kc-produce "$src" --raw -K : -q -X batch.num.messages=20 -X linger.ms=0
	eventually has_fewer "$src" 400
	exits 0 kc-replay "$src" --to "$dst" --name "$dst" --offsets 0:3-1990 --summary
	[ "$(tail -n 1 <<<"$stderr" | jq .left)" = 0 ]
	exits 0 kc-replay verify "$dst"
	[ "$(jq .matched <<<"$output")" = "$(kc-consume "$dst" -q -e -f '\n' | wc -l)" ]
	[ "$(jq .matched <<<"$output")" -lt 400 ]
}
has_fewer() { [ "$(kc-consume "$1" -q -e -f '\n' | wc -l)" -lt "$2" ]; }

@test "control records at the end and between are passed" {
	kc-topics create "$src" -q
	target "$dst" 1
	# each a transaction: the log ends in control records
	for i in 1 2 3; do
		kc-consume "$(one_record "$i")" -q -e | jq -c '.topic="'"$src"'"' | kc-produce -q
	done
	exits 0 kc-replay "$src" --same-topic --no-tag --eos txn --name "$src"
	exits 0 kc-replay "$src" --to "$dst" --name "$dst" --summary
	[ "$(tail -n 1 <<<"$stderr" | jq -c '[.sent, .left]')" = '[6,0]' ]
	[ "$(values "$dst")" = '1 1 2 2 3 3' ]
}
one_record() { # VALUE: a topic with it
	local t
	t=$(topic)-$1
	kc-topics create "$t" -q
	echo "$1" | kc-produce "$t" --raw -q
	echo "$t"
}

@test "an open transaction holds the end back: told, not waited for" {
	kc-topics create "$src" -q
	target "$dst" 1
	seq 1 5 | kc-produce "$src" --raw -q
	hold_open "$src"
	exits 0 kc-replay "$src" --to "$dst"
	says "an open transaction holds back offsets 5 to 5"
	[ "$(values "$dst")" = '1 2 3 4 5' ]
	exits 75 kc-replay "$src" --to "$dst" --offsets 0:0-5 --timeout 5s --name "$dst"
	says "an open transaction holds back offsets 5 to 5"
	end_open
	exits 0 kc-replay --resume "$dst"
	[ "$(kc-consume "$dst" -q -e -f '%s\n' | wc -l)" = 11 ]
}

@test "verify finds what is missing, there twice, altered, and strange" {
	fill "$src"
	target "$dst" 1
	exits 0 kc-replay "$src" --to "$dst" --name "$dst" --offsets 0:0-9 --headers -n
	kc-consume "$dst" -q -e >all
	other=$(topic)
	# the same job's records, tampered with, behind the true ones
	sed -n 4p all | jq -c '.value="changed"' | kc-produce -q
	exits 3 kc-replay verify "$dst"
	[ "$(head -n 1 <<<"$output")" = "duplicate $src/0/3" ]
	sed -n 5p all | jq -c '.headers[0].value |= sub("/[0-9]+$"; "/77")' | kc-produce -q
	exits 3 kc-replay verify "$dst" --json
	[ "$(jq -c '[.matched, .missing, .duplicate, .altered, .strange]' <<<"$output")" = '[9,0,1,0,1]' ]
	# the source itself is changed: what was written is not what it has
	exits 0 kc-replay "$src" --to "$other-x" --create-like --name "$other" --offsets 1:0-9
	kc-topics trim "$dst" -o 2 -yq
	exits 3 kc-replay verify "$dst"
	says "2 missing"
}

@test "archives: exported, restored, found when damaged" {
	fill "$src"
	echo '{"topic":"'"$src"'","partition":0,"key":null,"value":{"base64":"/wA="},"headers":[{"key":"a","value":null},{"key":"a","value":null}]}' | kc-produce -q
	exits 0 kc-replay export "$src" --out a --segment-size 300
	digest=$(jq -r .digest <<<"$output")
	[ "$(jq -c '[.records, .complete]' <<<"$output")" = '[31,true]' ]
	[ "$(stat -c %a a a/*.zst | sort -u | paste -sd ' ')" = '600 700' ]
	[ "$(cat a/*.zst | zstd -dc | wc -l)" = 31 ]
	exits 0 kc-replay import a --to "$dst" --create-like --name "$dst" --digest "$digest"
	says "mode txn-checkpoint"
	[ "$(bare "$dst")" = "$(content "$src")" ]
	exits 0 kc-replay verify "$dst"
	# shellcheck disable=SC2034
	f=$(ls a/*.zst | sed -n 2p)
	damage() { # WHAT THEN
		rm -rf b
		cp -r a b
		eval "$1"
		exits 1 kc-replay import b --to "$dst" && says "$2"
	}
	damage 'printf x >>b/${f#a/}' 'it has grown'
	damage 'truncate -s -1 b/${f#a/}' 'it is cut off'
	damage 'printf x | dd of=b/${f#a/} bs=1 seek=20 conv=notrunc status=none' 'its digest differs'
	damage 'rm b/${f#a/}' 'No such file'
	damage 'jq "del(.segments[1])" a/manifest.json >b/manifest.json' 'its chain breaks'
	damage 'jq ".segments |= .[:-1]" a/manifest.json >b/manifest.json' 'files are missing'
	damage 'jq ".partitions[2].to = 9" a/manifest.json >b/manifest.json' 'the manifest was changed'
	exits 1 kc-replay import a --to "$dst" --digest 00
	says "its digest is $digest"
	[ "$(kc-consume "$dst" -q -e -f '%s\n' | wc -l)" = 31 ]
}

@test "an export that is interrupted goes on; another selection is refused" {
	kc-topics create "$src" -q
	seq 1 20000 | kc-produce "$src" --raw -q
	kc-replay export "$src" --out a --segment-size 20K >out 2>err &
	pid=$!
	eventually test -e a/manifest.json
	kill -9 $pid 2>/dev/null || true
	wait $pid || true
	exits 0 kc-replay export "$src" --out a --segment-size 20K
	[ "$(jq .records <<<"$output")" = 20000 ]
	[ "$(cat a/*.zst | zstd -dc | jq -r .value | cmp - <(seq 1 20000) && echo same)" = same ]
	exits 1 kc-replay export "$src" --out a --from -1h
	says "another archive"
	exits 0 kc-replay export "$src" --out c --key none
	[ "$(jq .records <<<"$output")" = 0 ]
}

@test "another cluster: the position is in the target, with the records" {
	only_kc_broker
	fill "$src"
	mkdir two
	mkfifo ready
	kc-broker --data-dir two --port 0 --ready-fd 9 9>ready 2>two.log </dev/null 3>&- 4>&- &
	other_pid=$!
	read -r -t 60 other <ready
	exits 0 kc-replay "$src" --to "$dst" --create-like --to-cluster "$other" --name x
	says "mode txn-checkpoint: two clusters"
	exits 0 kc-replay jobs --to-cluster "$other"
	[[ $output == "x	done"* ]]
	exits 1 kc-replay status x
	exits 0 kc-replay verify x --to-cluster "$other"
	mkdir -p "$XDG_CONFIG_HOME/kc"
	echo "profiles: {far: {brokers: '$other'}}" >"$XDG_CONFIG_HOME/kc/config.yaml"
	exits 0 kc-replay verify x --to-cluster far
	[ "$(KC_BROKERS=$other bare "$dst")" = "$(content "$src")" ]
	# what names the first cluster does not name the other one
	echo "bootstrap.servers=$KC_BROKERS" >first.properties
	exits 0 kc-replay "$src" --to "$dst-2" --create-like --to-cluster far -F first.properties --name y
	exits 0 kc-topics show -b "$other" "$dst-2"
	exits 1 kc-topics show "$dst-2"
	echo "profiles: {far: {properties: {client.id: x}}}" >"$XDG_CONFIG_HOME/kc/config.yaml"
	exits 2 kc-replay verify x --to-cluster far
	says "--to-cluster: profile 'far' names no brokers"
	kill $other_pid
	wait $other_pid || true
	rm "$XDG_CONFIG_HOME/kc/config.yaml"
}

@test "mistakes are told, and nothing is done" {
	fill "$src"
	target "$dst"
	exits 2 kc-replay
	exits 2 kc-replay "$src" extra --to "$dst"
	exits 2 kc-replay "$src" --to "$dst" --offsets 0:9-1
	exits 2 kc-replay "$src" --to "$dst" --offsets 0:1,0:2
	exits 2 kc-replay "$src" --to "$dst" --offsets 0:1 --last 1h
	exits 2 kc-replay "$src" --to "$dst" --sample 0%
	exits 2 kc-replay "$src" --to "$dst" --speed fast
	exits 2 kc-replay "$src" --to "$dst" --speed 1x --rate 5
	exits 2 kc-replay "$src" --to "$dst" --rate 0
	exits 2 kc-replay "$src" --to "$dst" --ramp 1s
	exits 2 kc-replay "$src" --to "$dst" --key-regex '('
	exits 2 kc-replay "$src" --to "$dst" --headers oops
	exits 2 kc-replay "$src" --to "$dst" --timestamp soon
	exits 2 kc-replay "$src" --to "$dst" --to-partition x
	exits 2 kc-replay "$src" --to "$dst" --eos scan --no-tag
	exits 2 kc-replay --resume x --key k
	exits 2 kc-replay "$src" --to "$dst" --name 'a/b'
	exits 1 kc-replay "$src" --to "$dst" --to-partition 7
	exits 1 kc-replay "$src" --to "$dst" --offsets 0:0-10
	says "has no offset 10 yet"
	exits 1 kc-replay "$src-no" --to "$dst"
	exits 75 kc-replay "$src" --to "$dst" -b 127.0.0.1:1 --timeout 500ms
	exits 1 kc-replay import nowhere
	[ -z "$(values "$dst")" ]
}
