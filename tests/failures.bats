#!/usr/bin/env bats
# What the tools do when brokers fail them: coordinators that move, answers that are lost, rights that are missing,
# records that expire; and what they must not tell.

load lib/kc

setup_file() {
	only_kc_broker
	start_broker
}

teardown_file() {
	stop_broker
}

setup() {
	only_kc_broker
	own=''
}

teardown() {
	[[ -z $own ]] || kill -9 "$own" 2>/dev/null || true
	kc-broker fault clear --data-dir "$BATS_FILE_TMPDIR/broker"
}

fault() { # RULE
	# shellcheck disable=SC2086
	kc-broker fault add $1 --data-dir "$BATS_FILE_TMPDIR/broker" >/dev/null
}

# Sets $src and $dlq: topics of this test, the second with N dead letters of the first, one partition each.
dead_letters() { # N [TIMESTAMP]
	local i
	src=$(topic)
	dlq=$src.dlq
	kc-topics create -q "$src" "$dlq"
	for ((i = 0; i < $1; i++)); do
		printf '{"topic":"%s","timestamp":%s,"key":"k%d","value":"v%d","headers":[' "$dlq" "${2-null}" "$i" "$i"
		printf '{"key":"__connect.errors.topic","value":"%s"}' "$src"
		printf ',{"key":"__connect.errors.partition","value":"0"},{"key":"__connect.errors.offset","value":"%d"}]}\n' "$i"
	done | kc-produce
}

# ---- the coordinator ---------------------------------------------------------------

@test "a coordinator that moves is waited for, and 75 in the end: no crash" {
	dead_letters 3
	local code
	for code in COORDINATOR_LOAD_IN_PROGRESS COORDINATOR_NOT_AVAILABLE NOT_COORDINATOR; do
		fault "OffsetFetch error=$code"
		for verb in list groups runs check rebuild "redrive --yes" "park --yes" "purge --yes"; do
			# shellcheck disable=SC2086
			runs_out 75 "(run it again later)" kc-dlq $verb "$dlq"
		done
		runs_out 4 "(run it again later)" kc-dlq ls "$dlq"
		kc-broker fault clear --data-dir "$BATS_FILE_TMPDIR/broker"
	done
	fault "OffsetFetch error=NOT_COORDINATOR count=3"
	exits 0 kc-dlq redrive "$dlq" --yes
	[[ $(kc-consume "$src" -e | wc -l) == 3 ]]
}

@test "a replay resumes although the coordinator moves" {
	src=$(topic)
	kc-topics create -q "$src" "$src-to"
	seq 1000 | kc-produce -q --raw "$src"
	kc-replay -q "$src" --to "$src-to" --name "$src" --rate 50 3>&- 4>&- &
	local pid=$!
	has_begun() { kc-consume "$src-to" -e -c 1 --fail-empty >/dev/null 2>&1; }
	eventually has_begun
	kill -9 $pid
	fault "OffsetFetch error=NOT_COORDINATOR count=3"
	exits 0 kc-replay -q --resume "$src" --speed max
	[[ $(kc-consume "$src-to" -e --raw | sort -n | cmp - <(seq 1000)) == "" ]]
}

@test "a broker that still loads its groups is waited for before they are listed" {
	src=$(topic)
	kc-topics create -q "$src"
	kc-consume -g "$src-g" "$src" -e
	fault "ListGroups error=COORDINATOR_LOAD_IN_PROGRESS count=3"
	exits 0 kc-lag list
	[[ $output == *"$src-g"* ]]
	fault "ListGroups error=COORDINATOR_LOAD_IN_PROGRESS"
	runs_out 75 "(run it again later)" kc-lag
}

@test "a connection that breaks while a tool looks at configs is no failure" {
	t=$(topic)
	kc-topics create -q "$t" -p 2
	for tool in produce topics; do
		fault "DescribeConfigs client=kc-$tool nth=1 close"
		case $tool in
		produce) exits 0 kc-produce -q --raw "$t" <<<one ;;
		topics) exits 0 kc-topics show "$t" ;;
		esac
		[ "$(kc-broker fault list --data-dir "$BATS_FILE_TMPDIR/broker" | cut -f 3)" = 1 ]
		kc-broker fault clear --data-dir "$BATS_FILE_TMPDIR/broker"
	done
	[ "$(kc-consume "$t" -q -e --raw)" = one ]
	# but not for ever
	fault "DescribeConfigs client=kc-produce close"
	exits 75 kc-produce -q --raw "$t" --timeout 300ms <<<two
	[ "$(kc-consume "$t" -q -e --raw)" = one ]
}

# ---- a new epoch whose answer is lost ------------------------------------------------

# A broker of this test's own, which can be killed and started again at its port: once who connects to it does not
# hold that by chance, having been given it as his own.
own_broker() {
	local fifo=$BATS_TEST_TMPDIR/ready
	[[ -p $fifo ]] || mkfifo "$fifo"
	for _ in {1..50}; do
		kc-broker --data-dir "$BATS_TEST_TMPDIR/own" --port "${port:-0}" --ready-fd 9 9>"$fifo" 2>>"$BATS_TEST_TMPDIR/own.log" </dev/null 3>&- 4>&- &
		own=$!
		if read -r -t 60 KC_BROKERS <"$fifo"; then
			port=${KC_BROKERS##*:}
			export KC_BROKERS
			return
		fi
	done
	cat "$BATS_TEST_TMPDIR/own.log"
	return 1
}

own_fault() { # RULE
	# shellcheck disable=SC2086
	kc-broker fault add $1 --data-dir "$BATS_TEST_TMPDIR/own" >/dev/null
}

# The rule of this request has acted.
has_hit() { # REQUEST
	kc-broker fault list --data-dir "$BATS_TEST_TMPDIR/own" | awk -v r="$1" '$4 == r && $3 { hit = 1 } END { exit !hit }'
}

# The tool's transaction is aborted, for which it needs a new epoch; the broker gives it, and dies before it says so.
# Sets $status.
loses_its_epoch() { # TOOL TARGET COMMAND...
	own_fault "Produce client=$1 topic=$2 nth=1 error=UNKNOWN_PRODUCER_ID"
	own_fault "InitProducerId transactional-id=$1.* nth=2 drop"
	"${@:3}" 2>"$BATS_TEST_TMPDIR/err" 3>&- 4>&- &
	local tool=$!
	eventually has_hit InitProducerId
	kill -9 "$own"
	eventually is_gone "$own"
	own_broker
	status=0
	wait "$tool" || status=$?
	stderr=$(<"$BATS_TEST_TMPDIR/err")
}

@test "a broker that dies while it gives a new epoch: 75 and its reason, not 5" {
	port=''
	own_broker
	dead_letters 5
	loses_its_epoch kc-dlq "$src" kc-dlq redrive "$dlq" --yes -q
	[[ $status == 75 ]]
	says "the broker was lost while it gave this run a new epoch"
	exits 0 kc-dlq redrive "$dlq" --yes
	[[ $(kc-consume "$src" -e --raw | wc -l) == 5 ]]

	# known by its name when it comes back: whether it could leave its group is chance
	local handler=(kc-consume -g "$src" "$src" -e --exec cat --to "$src-out" --txn -X "group.instance.id=$src")
	loses_its_epoch kc-consume "$src-out" "${handler[@]}"
	[[ $status == 75 ]]
	says "the broker was lost while it gave this run a new epoch"
	exits 0 "${handler[@]}"
	[[ $(kc-consume "$src-out" -e --raw | wc -l) == 5 ]]
	kill -9 "$own"
}

@test "a twin is 5 although connections were lost before" {
	dead_letters 40
	kc-dlq redrive "$dlq" --yes --rate 2/s 2>"$BATS_TEST_TMPDIR/err" 3>&- 4>&- &
	local first=$!
	has_begun() { kc-consume "$src" -e -c 1 --fail-empty >/dev/null 2>&1; }
	eventually has_begun
	fault "any client=kc-dlq close after count=3"
	exits 0 kc-dlq redrive "$dlq" --yes
	status=0
	wait $first || status=$?
	[[ $status == 5 ]]
	[[ $(kc-consume "$src" -e --raw | wc -l) == 40 ]]
}

# ---- rights that are missing -----------------------------------------------------------

# RULE|TEXT: a right that is missing, and what is said of it.
@test "a redrive that lacks a right says which, and sends nothing" {
	dead_letters 3
	exits 0 kc-dlq park "$dlq" 0:2 # the ledger is there, and has no run yet
	local rule text
	while IFS='|' read -r rule text; do
		fault "$rule"
		exits 5 kc-dlq redrive "$dlq" --yes --timeout 5s --eos txn
		says "$text"
		[[ $stderr != *"another run"* ]]
		[[ -z $(kc-consume "$src" -e) ]]
		kc-broker fault clear --data-dir "$BATS_FILE_TMPDIR/broker"
	done <<-END
		Fetch topic=$dlq error=TOPIC_AUTHORIZATION_FAILED|'$dlq' [0]: not authorised for the topic (it needs READ)
		Fetch topic=$dlq.kc-ledger error=TOPIC_AUTHORIZATION_FAILED|'$dlq.kc-ledger' [0]: not authorised for the topic (it needs READ)
		DescribeGroups error=GROUP_AUTHORIZATION_FAILED|group 'kc-dlq.$dlq': not authorised for the group
		OffsetFetch error=GROUP_AUTHORIZATION_FAILED|group 'kc-dlq.$dlq': not authorised for the group (it needs DESCRIBE)
		FindCoordinator version=1-6 transactional-id=kc-dlq* error=TRANSACTIONAL_ID_AUTHORIZATION_FAILED|not authorised for the transactional id (it needs WRITE)
		InitProducerId transactional-id=kc-dlq* error=TRANSACTIONAL_ID_AUTHORIZATION_FAILED|not authorised for the transactional id (it needs WRITE)
		AddPartitionsToTxn error=TRANSACTIONAL_ID_AUTHORIZATION_FAILED|not authorised for the transactional id (it needs WRITE)
		Produce topic=$src error=TOPIC_AUTHORIZATION_FAILED|topic '$src': not authorised for the topic (it needs WRITE)
		Produce topic=$dlq.kc-ledger error=TOPIC_AUTHORIZATION_FAILED|not authorised for the topic (it needs WRITE)
		AddOffsetsToTxn error=GROUP_AUTHORIZATION_FAILED|not authorised for the group (it needs READ)
		AddPartitionsToTxn error=TOPIC_AUTHORIZATION_FAILED|topic '$dlq.kc-ledger': cannot commit
		TxnOffsetCommit error=GROUP_AUTHORIZATION_FAILED|not authorised for the group (it needs READ)
		EndTxn error=TRANSACTIONAL_ID_AUTHORIZATION_FAILED|not authorised for the transactional id (it needs WRITE)
	END
	exits 0 kc-dlq redrive "$dlq" --yes
	[[ $(kc-consume "$src" -e | wc -l) == 2 ]]
}

# As Apache Kafka does it: the transaction that has lost its topics has nothing to be ended.
@test "who may not write to a topic in a transaction is told of topic and right, and not of the end that is refused" {
	dead_letters 3
	exits 0 kc-dlq redrive "$dlq" 0:0
	local text="'$src': cannot commit (transactional id 'kc-dlq."
	fault "EndTxn client=kc-dlq nth=2 error=INVALID_TXN_STATE"
	fault "AddPartitionsToTxn topic=$src error=TOPIC_AUTHORIZATION_FAILED"
	exits 5 kc-dlq redrive "$dlq" --yes
	says "$text"
	says "not authorised for the topic (it needs WRITE)"
	exits 5 kc-replay "$dlq" --to "$src" --name "$src"
	says "one of the topics"
	says "'$src'"
	kc-broker fault clear --data-dir "$BATS_FILE_TMPDIR/broker"
	exits 0 kc-dlq redrive "$dlq" --yes
	[[ $(kc-consume "$src" -e -f '%s ') == "v0 v1 v2 " ]]
	# without transactions it ends so, too, with what could be sent
	fault "Produce topic=$src error=TOPIC_AUTHORIZATION_FAILED"
	kc-dlq restore "$dlq" --yes --state redriven -q
	exits 5 kc-dlq redrive "$dlq" --yes --eos scan
	says "topic '$src': not authorised for the topic (it needs WRITE)"
	[[ $(wc -l <<<"$stderr") == 1 ]]
}

@test "a redrive that may not write to one of several topics sends the others' once, and goes on when it may" {
	dead_letters 4
	local other=$src-other
	kc-topics create -q "$other"
	kc-consume "$dlq" -e -c 2 | jq -c --arg o "$other" '.headers[0].value = $o | .value += "o" | del(.partition, .timestamp)' | kc-produce
	fault "Produce topic=$other error=TOPIC_AUTHORIZATION_FAILED"
	exits 5 kc-dlq redrive "$dlq" --yes --order arrival --rate 8/s --run r
	says "topic '$other': not authorised for the topic (it needs WRITE)"
	[[ $(kc-consume "$src" -e -f '%s ') == "v0 v1 v2 v3 " ]]
	[[ $(kc-dlq list "$dlq" | grep -oE '^[0-9]+:[0-9]+' | paste -sd,) == 0:4,0:5 ]]
	kc-broker fault clear --data-dir "$BATS_FILE_TMPDIR/broker"
	exits 0 kc-dlq redrive "$dlq" --resume r
	[[ $(kc-consume "$src" -e -f '%s ') == "v0 v1 v2 v3 " && $(kc-consume "$other" -e -f '%s ') == "v0o v1o " ]]
}

# ---- records that expire ----------------------------------------------------------------

@test "retention in the midst of triage: ls says when, a run does without, and nothing else is lost" {
	port=''
	own_broker
	# an hour and a half old
	local old=$(($(date +%s) * 1000 - 5400000))
	dead_letters 4 $old
	kc-topics alter -q "$dlq" -c retention.ms=7200000 -c segment.ms=600000
	kc-dlq ls "$dlq" --json | jq -e --argjson old "$old" '.open == 4 and .expires == $old + 7200000'
	exits 0 kc-dlq redrive "$dlq" 0:0 --yes
	exits 0 kc-dlq park "$dlq" 0:1
	# what is captured has the time of its capture, not of the record: it stays
	exits 0 kc-dlq capture "$dlq" <<<"{\"topic\":\"$src\",\"src\":\"$src/0/7\",\"key\":\"late\",\"value\":\"late\",\"timestamp\":$old,\"error\":\"no\"}"
	kc-topics alter -q "$dlq" -c retention.ms=3600000
	kc-broker fault clock +10m --data-dir "$BATS_TEST_TMPDIR/own" >/dev/null
	are_gone() { [[ $(kc-consume "$dlq" -e -q | wc -l) == 1 ]]; }
	eventually are_gone
	exits 0 kc-dlq redrive "$dlq" --yes
	says "1 of 1 sent"
	exits 0 kc-dlq check "$dlq"
	[[ $(kc-lag "kc-dlq.$dlq" | jq -s 'map(.lag) | add') == 0 ]]
	# only the one that was sent in time, and the one that did not expire
	[[ $(kc-consume "$src" -e -f '%s\n' | sort | paste -sd,) == late,v0 ]]
	kill -9 "$own"
}

@test "what was exported is kept longer than retention keeps it, and sent once" {
	port=''
	own_broker
	local old=$(($(date +%s) * 1000 - 5400000)) f=$BATS_TEST_TMPDIR/kept
	dead_letters 5 $old
	kc-topics alter -q "$dlq" -c retention.ms=7200000 -c segment.ms=600000
	exits 0 kc-dlq ls "$dlq"
	says "'$dlq': retention takes the oldest open record, from "
	says "(kc-topics alter $dlq -c retention.ms=-1 keeps all; kc-dlq export --no-redact $dlq and later import --gone keeps what is open)"
	kc-dlq export "$dlq" >"$f"
	exits 0 kc-dlq redrive "$dlq" 0:0 --yes
	exits 0 kc-dlq discard "$dlq" 0:1
	kc-topics alter -q "$dlq" -c retention.ms=3600000
	kc-broker fault clock +10m --data-dir "$BATS_TEST_TMPDIR/own" >/dev/null
	are_gone() { [[ -z $(kc-consume "$dlq" -e -q) ]]; }
	eventually are_gone
	exits 1 kc-dlq import "$dlq" "$f"
	says "'$dlq' 0:1: is not open: it is discarded"
	says "'$dlq' 0:2: is not there any more (--gone sends it all the same)"
	exits 4 kc-dlq import "$dlq" "$f" --gone --dry-run
	says "would be: 3 of 3 sent"
	exits 4 kc-dlq import "$dlq" "$f" --gone --limit 2
	says "'$dlq' 0:0: is not open: it is redriven"
	says "3 of 5 were not sent"
	exits 4 kc-dlq import "$dlq" "$f" --gone
	exits 1 kc-dlq import "$dlq" "$f" --gone
	[[ $(kc-consume "$src" -e -f '%s ') == "v0 v2 v3 v4 " ]]
	kc-consume "$src" -e | jq -es --arg d "$dlq" 'last.headers | from_entries | ."kc-redrive-of" == "\($d)/0/4" and (has("__connect.errors.topic") | not)'
	kill -9 "$own"
}

# ---- secrets ------------------------------------------------------------------------------

@test "what is masked is nowhere: not in what is shown, not in the ledger, not in a failure's words" {
	dead_letters 0
	local verb i
	for i in 0 1; do
		printf '{"topic":"%s","key":"4111222233334444","value":"{\\"card\\":\\"4111222233334444\\",\\"n\\":%d}","headers":[{"key":"trace","value":"4111222233334444"}' "$dlq" "$i"
		printf ',{"key":"__connect.errors.topic","value":"%s"},{"key":"__connect.errors.partition","value":"0"}' "$src"
		printf ',{"key":"__connect.errors.offset","value":"%d"},{"key":"__connect.errors.exception.class.name","value":"E"}' "$i"
		printf ',{"key":"__connect.errors.exception.message","value":"no card 4111222233334444"}'
		printf ',{"key":"__connect.errors.exception.stacktrace","value":"E: no card 4111222233334444\\n\\tat org.shop.Pay.card(Pay.java:7)"}]}\n'
	done | kc-produce
	local masks=(--redact "value.card,key" --redact header.trace --redact message)
	for verb in "list --json" "list --state open" "show 0:0" "show 0:0 --json" "export 0:0" "export -j" "tail --limit 2" "tail --limit 2 --json"; do
		# shellcheck disable=SC2086
		exits 0 kc-dlq ${verb/ / $dlq } "${masks[@]}"
		[[ -n $output && $output$stderr != *4111222233334444* ]] || { echo "$verb: $output$stderr"; return 1; }
	done
	# not asked for, it is all there
	[[ $(kc-dlq export "$dlq" | grep -o 4111222233334444 | wc -l) -ge 10 ]]
	for verb in "ls --json" "check --max-open 5" "runs --json" "redrive --dry-run 0:0" "redrive --yes 0:0" "park 0:1"; do
		# shellcheck disable=SC2086
		run --separate-stderr kc-dlq ${verb/ / $dlq }
		[[ $output$stderr != *4111222233334444* ]] || { echo "$verb: $output$stderr"; return 1; }
	done
	[[ $(kc-consume "$dlq.kc-ledger" -e | wc -l) -gt 1 ]]
	! kc-consume "$dlq.kc-ledger" -e | grep 4111222233334444
}
