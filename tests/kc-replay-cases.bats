#!/usr/bin/env bats
# shellcheck disable=SC2154
# kc-replay where something is not as it should be: configs that change records, offsets that are gone or set by
# others, rights that are missing, what was aborted.
load lib/kc
load lib/transactions

setup_file() { start_broker; }
teardown_file() { stop_broker; }

setup() {
	src=$(topic)-s
	dst=$(topic)-d
	cd "$BATS_TEST_TMPDIR" || return
}

# Ten records a partition of two, from 2026-01-15T10:00:00Z on, a second apart.
fill() { # TOPIC [OPTION...]
	kc-topics create "$1" -p 2 -q -c retention.ms=-1 "${@:2}"
	for p in 0 1; do
		for i in 0 1 2 3 4 5 6 7 8 9; do
			echo '{"topic":"'"$1"'","partition":'$p',"key":"k'$i'","value":"'$p$i'","timestamp":'$((1768471200000 + i * 1000 + p))'}'
		done
	done | kc-produce -q
}

values() { kc-consume "$1" -q -e -f '%s\n' | sort | paste -sd ' '; }
all='00 01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19'

# Of a plan, these words are a warning.
warns() { # TEXT
	jq -e --arg t "$1" '.warnings | any(contains($t))' <<<"$output" >/dev/null || {
		echo "no warning has: $1"
		jq .warnings <<<"$output"
		return 1
	}
}

# A job in the background that takes long; waits until it has begun, and ends it by a signal.
begun() { # JOB OPTION...
	kc-replay "$src" --to "$dst" --name "$1" --rate 2 "${@:2}" 2>"$1.err" 3>&- &
	local pid=$!
	has_sent() { [ "$(kc-replay status "$1" --json 2>/dev/null | jq .sent)" -ge 1 ] 2>/dev/null; }
	eventually has_sent "$1"
	kill -TERM $pid
	wait $pid || [ $? = 143 ]
}

# ---- what a plan warns of -------------------------------------------------------------

@test "a plan warns of readers that see what is aborted, and of times that the target changes, refuses or deletes" {
	fill "$src"
	kc-topics create "$dst" -p 2 -q -c retention.ms=-1
	exits 0 kc-replay "$src" --to "$dst" --plan
	warns 'exactly once is what read_committed readers see'
	[ "$(jq '.warnings | length' <<<"$output")" = 1 ]
	exits 0 kc-replay "$src" --to "$dst" --plan --eos scan
	[ "$(jq '.warnings | length' <<<"$output")" = 0 ]
	kc-topics alter "$dst" -q -c message.timestamp.type=LogAppendTime
	# what it keeps for an hour counts from its own time then
	kc-topics alter "$dst" -q -c retention.ms=3600000 -c message.timestamp.before.max.ms=7200000
	exits 0 kc-replay "$src" --to "$dst" --plan --eos scan
	warns "topic '$dst' stamps records itself (message.timestamp.type): their timestamps are not kept"
	[ "$(jq '.warnings | length' <<<"$output")" = 1 ]
	exits 0 kc-replay "$src" --to "$dst"
	says "warning: topic '$dst' stamps records itself"
	[ "$(values "$dst")" = "$all" ]
	kc-topics create "$dst-2" -p 2 -q -c retention.ms=3600000 -c message.timestamp.before.max.ms=7200000
	exits 0 kc-replay "$src" --to "$dst-2" --plan
	warns "records are older than topic '$dst-2' keeps them (retention.ms=3600000)"
	warns "records are older than topic '$dst-2' takes them (message.timestamp.before.max.ms=7200000)"
	# what it warns of is so
	exits 1 kc-replay "$src" --to "$dst-2"
	says "warning: records are older than topic '$dst-2' takes them"
	says 'the topic allows 2 hours (message.timestamp.before.max.ms; --timestamp now drops timestamps)'
	exits 4 kc-replay "$src" --to "$dst-2" --errors-to "$dst-2.dlq"
	[ -z "$(values "$dst-2")" ]
	[ "$(kc-dlq list "$dst-2.dlq" | wc -l)" = 20 ]
	for o in now shift; do
		exits 0 kc-replay "$src" --to "$dst-2" --plan --timestamp $o --eos scan
		[ "$(jq '.warnings | length' <<<"$output")" = 0 ]
	done
	exits 0 kc-replay "$src" --to "$dst-2" --plan --timestamp shift=2026-01-01 --eos scan
	[ "$(jq '.warnings | length' <<<"$output")" = 2 ]
	kc-topics alter "$dst-2" -q -c cleanup.policy=compact
	exits 0 kc-replay "$src" --to "$dst-2" --plan --eos scan
	[ "$(jq '.warnings | length' <<<"$output")" = 1 ]
	kc-topics alter "$dst-2" -q -c cleanup.policy=delete
	exits 0 kc-replay "$src" --to "$dst-2" --timestamp now
	[ "$(values "$dst-2")" = "$all" ]
}

# Two dead letters of $src, as Kafka Connect writes them, a day old.
letters() {
	local i
	for i in 0 1; do
		printf '{"topic":"%s","timestamp":%s,"value":"v%s","headers":[' "$src.dlq" $(($(date +%s) * 1000 - 86400000)) $i
		printf '{"key":"__connect.errors.topic","value":"%s"},{"key":"__connect.errors.partition","value":"0"}' "$src"
		printf ',{"key":"__connect.errors.offset","value":"%s"}]}\n' $i
	done | kc-produce -q
}

@test "dead letters with the time of their origin: what the target refuses stays open, what it stamps itself is sent" {
	kc-topics create "$src" "$src.dlq" -q -c retention.ms=-1
	letters
	kc-topics alter "$src" -q -c message.timestamp.before.max.ms=3600000
	exits 1 kc-dlq redrive "$src.dlq" --yes --timestamp origin --eos scan
	says 'the topic allows 60 minutes (message.timestamp.before.max.ms; --timestamp now drops timestamps)'
	[ -z "$(values "$src")" ]
	kc-topics alter "$src" -q -c retention.ms=3600000
	exits 1 kc-dlq redrive "$src.dlq" --yes --timestamp origin
	says "it is older than topic '$src' keeps records (retention.ms=3600000): it would be deleted at once (--timestamp now)"
	kc-topics alter "$src" -q -c message.timestamp.type=LogAppendTime
	exits 0 kc-dlq redrive "$src.dlq" --yes --timestamp origin
	[ "$(values "$src")" = 'v0 v1' ]
}

@test "a plan warns of tombstones that a compacted source forgets meanwhile" {
	fill "$src" -c cleanup.policy=compact -c delete.retention.ms=5000
	kc-topics create "$dst" -p 2 -q -c retention.ms=-1
	exits 0 kc-replay "$src" --to "$dst" --plan --rate 2
	warns "topic '$src' is compacted and forgets tombstones after 5000 ms (delete.retention.ms), before this replay is at its end"
	for o in '--rate 1000' '--rate 2 --tombstones drop'; do
		# shellcheck disable=SC2086
		exits 0 kc-replay "$src" --to "$dst" --plan $o --eos scan
		[ "$(jq '.warnings | length' <<<"$output")" = 0 ]
	done
	# one that goes on began long ago
	begun "$dst"
	kc-topics alter "$src" -q -c delete.retention.ms=1
	for o in --plan --dry-run ''; do
		# shellcheck disable=SC2086
		exits 0 kc-replay --resume "$dst" --rate 1000 $o
		[[ $output$stderr == *"forgets tombstones after 1 ms"* ]]
	done
}

# ---- going on --------------------------------------------------------------------------

@test "what was deleted before a job goes on is counted, by its plan too, and passed by --allow-gap" {
	fill "$src"
	kc-topics create "$dst" -p 2 -q -c retention.ms=-1
	begun "$dst"
	local n plan
	n=$(kc-replay status "$dst" --json | jq '[.partitions[] | 9 - .next] | add')
	kc-topics trim "$src" -o 9 -yq
	for plan in --plan --dry-run --stats=1h; do
		exits 1 kc-replay --resume "$dst" $plan
		says "topic '$src': $n offsets were deleted before they were replayed: "
		says "--resume $dst --allow-gap goes on behind them"
	done
	exits 0 kc-replay --resume "$dst" --allow-gap --plan
	[ "$(jq -c '[.records_at_most, (.gaps | map(.to - .from) | add)]' <<<"$output")" = "[2,$n]" ]
	exits 4 kc-replay --resume "$dst" --allow-gap --speed max
	says "done, but for $n offsets that were gone before they were replayed (kc-replay status $dst)"
	[ "$(values "$dst" | wc -w)" = $((20 - n)) ]
	[[ $(values "$dst") == *09*19 ]]
	exits 0 kc-replay verify "$dst"
}

@test "a job goes on with the --via that it began with, and takes no other" {
	fill "$src"
	kc-topics create "$dst" -p 2 -q -c retention.ms=-1
	begun "$dst" --via 'jq -c ".value += \"!\""'
	exits 2 kc-replay --resume "$dst" --via cat
	says '--resume takes everything but the pace from the job'
	exits 2 kc-replay resume "$dst" --via cat
	says "'--via' belongs to 'kc-replay run'"
	exits 0 kc-replay resume "$dst" --speed max
	[ "$(values "$dst" | tr -d !)" = "$all" ]
	[ "$(values "$dst" | tr -cd ! | wc -c)" = 20 ]
}

# ---- transactions are short ------------------------------------------------------------

# How many transactions of this id are open, as their coordinators say.
open_of() { # TRANSACTIONAL-ID
	local b
	for b in ${KC_BROKERS//,/ }; do
		"$ROOT"/tests/lib/ask "$b" ListTransactions 0 '{"StateFilters": ["Ongoing"]}'
	done | jq -s --arg id "$1" '[.[].TransactionStates[] | select(.TransactionalId == $id)] | length'
}
count() { kc-consume "$1" -q -e | wc -l; }
prints() { [ "$("${@:2}" 2>/dev/null)" = "$1" ]; }

@test "no transaction is open while a replay waits: for its pace, for readers, for Enter, in a pause" {
	local o t pid
	fill "$src"
	kc-topics create "$src.h" -q
	hold_open "$src.h" x
	[ "$(open_of hold)" = 1 ]
	end_open
	mkfifo lines
	exec 8<>lines
	printf '\n\n' >&8
	for o in '--speed 0.01x' "--max-lag $src-g:2" --step '--rate 1'; do
		t=$dst${o// /_}
		t=${t//:/_}
		kc-topics create "$t" -p 2 -q -c retention.ms=-1
		# shellcheck disable=SC2086
		kc-replay "$src" --to "$t" --name "$t" --eos txn $o <lines 2>"$BATS_TEST_TMPDIR/err" 3>&- 4>&- 8>&- &
		pid=$!
		if [ "$o" = '--rate 1' ]; then
			eventually kc-replay pause "$t" 2>/dev/null
			eventually prints paused eval "kc-replay status '$t' --json | jq -r .state"
			[ "$(count "$t")" -lt 20 ]
		else
			# committed: the others wait
			eventually prints 2 count "$t"
		fi
		[ "$(open_of "kc-replay.$t")" = 0 ]
		kill -TERM $pid
		wait $pid || [ $? = 143 ]
	done
}

@test "a pause may last for longer than a transaction may be open" {
	only_kc_broker
	local pid
	fill "$src"
	kc-topics create "$dst" -p 2 -q -c retention.ms=-1
	kc-topics create "$src.h" -q
	hold_open "$src.h" x
	kc-replay "$src" --to "$dst" --name "$dst" --eos txn --rate 1 2>"$dst.err" 3>&- 4>&- &
	pid=$!
	eventually kc-replay pause "$dst" 2>/dev/null
	eventually prints paused eval "kc-replay status '$dst' --json | jq -r .state"
	kc-broker fault clock +20m --data-dir "$BATS_FILE_TMPDIR/broker" >/dev/null
	eventually prints 0 open_of hold
	kill "$holder"
	exec 7>&-
	wait "$holder" || true
	kill -TERM $pid
	wait $pid || [ $? = 143 ]
	exits 0 kc-replay --resume "$dst" --speed max
	[ "$(values "$dst")" = "$all" ]
}

@test "a week later its group's offsets and its transactional id have expired, and the job goes on" {
	only_kc_broker
	fill "$src"
	kc-topics create "$dst" -p 2 -q -c retention.ms=-1
	begun "$dst" --eos txn
	kc-lag list | grep -q "kc-replay.$dst"
	kc-broker fault clock +8d --data-dir "$BATS_FILE_TMPDIR/broker" >/dev/null
	has_expired() { [[ $(kc-lag list) != *"kc-replay.$dst"* ]]; }
	eventually has_expired
	exits 0 kc-replay --resume "$dst" --speed max
	says "the offsets of group 'kc-replay.$dst' have expired: going on where the job's document is"
	[ "$(values "$dst")" = "$all" ]
	exits 0 kc-replay verify "$dst"
}

# ---- the group of a job ---------------------------------------------------------------

@test "offsets of a job's group that have expired change nothing; those that others set are refused" {
	fill "$src"
	kc-topics create "$dst" -p 2 -q -c retention.ms=-1
	begun "$dst"
	kc-lag delete -yq --offsets-of "$src" "kc-replay.$dst"
	exits 0 kc-replay --resume "$dst" --speed max
	says "the offsets of group 'kc-replay.$dst' have expired: going on where the job's document is"
	[ "$(values "$dst")" = "$all" ]
	kc-topics create "$dst-2" -p 2 -q -c retention.ms=-1
	dst=$dst-2
	begun "$dst"
	kc-lag reset "kc-replay.$dst" -t "$src" --to latest --execute -q >/dev/null
	exits 1 kc-replay --resume "$dst"
	says "somebody set it (kc-lag shows it; delete the group to trust the job)"
	kc-lag delete -yq "kc-replay.$dst"
	exits 0 kc-replay --resume "$dst" --speed max
	[ "$(values "$dst")" = "$all" ]
}

@test "a group with members is not the job's own: nothing is written" {
	local pid job how o
	fill "$src"
	kc-topics create "$dst" -p 2 -q -c retention.ms=-1
	begun "$dst" --eos txn
	n=$(values "$dst" | wc -w)
	for job in "$dst" "$dst-2"; do
		kc-consume -g "kc-replay.$job" "$src" -q >/dev/null 3>&- 4>&- &
		pid=$!
		has_members() { [ "$(kc-lag members "kc-replay.$1" 2>/dev/null | wc -l)" -gt 0 ]; }
		eventually has_members "$job"
		o=("$src" --to "$dst" --name "$job")
		[ "$job" != "$dst" ] || o=(--resume "$job")
		for how in --plan --dry-run --speed=max; do
			exits 5 kc-replay "${o[@]}" "$how"
			says "group 'kc-replay.$job' has 1 member, which would commit over it: "
		done
		kill $pid
		wait $pid || true
	done
	[ "$(values "$dst" | wc -w)" = "$n" ]
}

# ---- rights ---------------------------------------------------------------------------

fault() { # RULE
	# shellcheck disable=SC2086
	kc-broker fault add $1 --data-dir "$BATS_FILE_TMPDIR/broker" >/dev/null
}

@test "without the right to transactions a new job does without them and says so; one that asked for them does not begin" {
	only_kc_broker
	fill "$src"
	kc-topics create "$dst" -p 2 -q -c retention.ms=-1
	fault "InitProducerId transactional-id=kc-replay* error=TRANSACTIONAL_ID_AUTHORIZATION_FAILED"
	exits 5 kc-replay "$src" --to "$dst" --eos txn
	says 'not authorised for the transactional id (it needs WRITE)'
	[ -z "$(values "$dst")" ]
	exits 5 kc-replay "$src" --to "$dst" --no-tag
	exits 0 kc-replay "$src" --to "$dst" --name "$dst"
	says 'mode scan then'
	says 'mode scan: transactions are not allowed here'
	kc-broker fault clear --data-dir "$BATS_FILE_TMPDIR/broker"
	[ "$(values "$dst")" = "$all" ]
	exits 0 kc-replay verify "$dst"
}

# RULE|TEXT: a right that is missing, and what is said of it; J is the job.
@test "a replay that lacks a right says which and of what, and writes nothing" {
	only_kc_broker
	local rule text job n=0
	fill "$src"
	kc-topics create "$dst" -p 2 -q -c retention.ms=-1
	kc-topics create kc-checkpoints -q || true
	kc-topics delete kc-checkpoints -yq
	fault "CreateTopics error=TOPIC_AUTHORIZATION_FAILED"
	exits 5 kc-replay "$src" --to "$dst"
	says "cannot make topic 'kc-checkpoints', which remembers how far replays are (it needs CREATE;"
	exits 5 kc-replay "$src" --to "$dst-new" --create-like
	says "--create-like: topic '$dst-new' (it needs CREATE)"
	kc-broker fault clear --data-dir "$BATS_FILE_TMPDIR/broker"
	while IFS='|' read -r rule text; do
		job=$dst-$((n += 1))
		fault "$rule"
		exits 5 kc-replay "$src" --to "$dst" --name "$job" --eos txn --timeout 5s
		says "${text//J/kc-replay.$job}"
		says '(it needs '
		[[ $stderr != *"another run"* ]]
		kc-broker fault clear --data-dir "$BATS_FILE_TMPDIR/broker"
		[ -z "$(values "$dst")" ]
	done <<-END
		Fetch topic=$src error=TOPIC_AUTHORIZATION_FAILED|'$src' [0]: not authorised for the topic (it needs READ)
		FindCoordinator version=1-6 transactional-id=kc-replay* error=TRANSACTIONAL_ID_AUTHORIZATION_FAILED|(transactional id 'J'): not authorised for the transactional id (it needs WRITE)
		Produce topic=kc-checkpoints error=TOPIC_AUTHORIZATION_FAILED|topic 'kc-checkpoints': not authorised for the topic (it needs WRITE)
		AddOffsetsToTxn error=GROUP_AUTHORIZATION_FAILED|group 'J' (transactional id 'J'): not authorised for the group (it needs READ)
		TxnOffsetCommit error=GROUP_AUTHORIZATION_FAILED|group 'J' (transactional id 'J'): not authorised for the group (it needs READ)
		AddPartitionsToTxn topic=$dst error=TOPIC_AUTHORIZATION_FAILED|'$dst'
		Produce topic=$dst error=TOPIC_AUTHORIZATION_FAILED|topic '$dst': not authorised for the topic (it needs WRITE)
	END
	# all but the last two failed before there was a job
	[ "$(kc-replay jobs | grep -o "^$dst-[0-9]*" | paste -sd ' ')" = "$dst-6 $dst-7" ]
	fault "Produce topic=$dst error=TOPIC_AUTHORIZATION_FAILED"
	exits 5 kc-replay "$src" --to "$dst" --eos scan
	says "topic '$dst': not authorised for the topic (it needs WRITE)"
	kc-broker fault clear --data-dir "$BATS_FILE_TMPDIR/broker"
	for rule in "Fetch topic=kc-checkpoints error=TOPIC_AUTHORIZATION_FAILED|'kc-checkpoints' [0]: not authorised for the topic (it needs READ)" \
		"OffsetFetch error=GROUP_AUTHORIZATION_FAILED|group 'kc-replay.$dst-7': not authorised for the group (it needs DESCRIBE)"; do
		fault "${rule%|*}"
		exits 5 kc-replay --resume "$dst-7"
		says "${rule#*|}"
		kc-broker fault clear --data-dir "$BATS_FILE_TMPDIR/broker"
	done
	exits 0 kc-replay --resume "$dst-7"
	[ "$(values "$dst")" = "$all" ]
}

@test "without the right to its group a new job keeps its offsets in its document alone" {
	only_kc_broker
	fill "$src"
	kc-topics create "$dst" -p 2 -q -c retention.ms=-1
	fault "AddOffsetsToTxn error=GROUP_AUTHORIZATION_FAILED"
	begun "$dst"
	grep -q "(it needs READ): mode txn-checkpoint then" "$dst.err"
	exits 0 kc-replay --resume "$dst" --speed max
	kc-broker fault clear --data-dir "$BATS_FILE_TMPDIR/broker"
	says 'mode txn-checkpoint: as the job began'
	[ "$(values "$dst")" = "$all" ]
	exits 0 kc-replay verify "$dst"
}

# ---- what was aborted ------------------------------------------------------------------

@test "a tail that was aborted is an end, for a replay, for its resumption, and for dead letters" {
	kc-topics create "$src" "$src.dlq" "$dst" -q
	seq 1 5 | kc-produce "$src" --raw -q
	abort_tail "$src"
	exits 0 kc-replay "$src" --to "$dst" --name "$dst" --summary
	[ "$(tail -n 1 <<<"$stderr" | jq -c '[.sent, .left]')" = '[5,0]' ]
	[ "$(values "$dst")" = '1 2 3 4 5' ]
	exits 0 kc-replay verify "$dst"
	# gone on with where only what was aborted is left
	echo 6 | kc-produce "$src" --raw -q
	abort_tail "$src"
	exits 0 kc-replay "$src" --to "$dst" --name "$dst" --offsets 0:8- --summary
	[ "$(tail -n 1 <<<"$stderr" | jq -c '[.sent, .left]')" = '[1,0]' ]
	exits 0 kc-replay --resume "$dst"
	kc-consume "$src" -q -e -c 2 | jq -c --arg d "$src.dlq" '.topic = $d' | kc-produce -q
	abort_tail "$src.dlq"
	exits 0 kc-dlq redrive "$src.dlq" --yes --to "$dst"
	says '2 of 2 sent'
	[ "$(kc-lag "kc-dlq.$src.dlq" | jq -s 'map(.lag) | add')" = 0 ]
	exits 0 kc-dlq redrive "$src.dlq" --yes --to "$dst"
	says 'nothing to redrive'
}

@test "dead letters behind an open transaction are not waited for, and there once it ends" {
	kc-topics create "$src.dlq" "$dst" -q
	seq 1 2 | kc-produce "$src.dlq" --raw -q
	hold_open "$src.dlq" 3
	exits 0 kc-dlq redrive "$src.dlq" --yes --to "$dst"
	says '2 of 2 sent'
	says "'$src.dlq' [0]: an open transaction holds back offsets 2 to 2: they are not seen until it ends"
	exits 0 kc-dlq ls "$src.dlq"
	says 'an open transaction holds back offsets 2 to 2'
	end_open
	exits 0 kc-dlq redrive "$src.dlq" --yes --to "$dst"
	says '1 of 1 sent'
	[ "$(values "$dst")" = '1 2 3' ]
}
