#!/usr/bin/env bats
# kc-dlq redrive: where to, how fast, in which order, as planned.
# shellcheck disable=SC2154

load lib/kc

setup_file() {
	start_broker
}

teardown_file() {
	stop_broker
}

# Sets $src and $dlq: topics of this test with one partition each.
topics() {
	src=$(topic)
	dlq=$src.dlq
	kc-topics create -q -p 1 "$src" "$dlq"
}

# Dead letters of $src, one for each offset it died at: key k0..k2, value vOFFSET.
dead() { # OFFSET...
	local o
	for o; do
		printf '{"topic":"%s","partition":0,"key":"k%d","value":"v%d","headers":[' "$dlq" $((o % 3)) "$o"
		printf '{"key":"__connect.errors.%s","value":"%s"},' topic "$src" partition 0 offset "$o"
		echo '{"key":"__connect.errors.exception.class.name","value":"org.shop.PriceException"}]}'
	done | kc-produce
}

fault() { # WORDS...
	kc-broker fault "$@" --data-dir "$BATS_FILE_TMPDIR/broker" >/dev/null
}

# Values as they arrived.
arrived() { # [TOPIC]
	kc-consume "${1-$src}" -e -f '%s\n' | paste -sd ' '
}

# In the background: without transactions, and one record a request, so that a
# fault hits a certain one.
one_by_one() { # [OPTION...]
	exec kc-dlq redrive "$dlq" --yes --eos scan --rate 8/s -q -X batch.num.messages=1 \
		-X max.in.flight=1 "$@" 3>&-
}

is_open() {
	kc-dlq list "$dlq" | grep -oE '^[0-9]+:[0-9]+' | paste -sd ' '
}

@test "to retry is the first of the retry topics that there are" {
	topics
	dead 0 1
	exits 1 kc-dlq redrive "$dlq" --yes --to retry
	says "'$src' has no retry topic (such as $src.retry; or --to TOPIC)"
	[[ $(is_open) == "0:0 0:1" ]]
	kc-topics create -q "$src-retry-5000" "$src-retry-1000" "$src-retry-x"
	exits 0 kc-dlq redrive "$dlq" 0:0 --to retry
	[[ $(arrived "$src-retry-1000") == "v0" ]]
	kc-topics create -q "$src.retry"
	exits 0 kc-dlq redrive "$dlq" 0:1 --to retry
	[[ $(arrived "$src.retry") == "v1" && -z $(arrived) ]]
	dead 2
	exits 0 kc-dlq redrive "$dlq" 0:2 --to origin
	[[ $(arrived) == "v2" ]]
}

@test "so many returns are allowed, and the rate rises in its time" {
	local returning begin
	topics
	dead {0..19}
	# the first that is sent dies again at once
	kc-consume "$src" -c 1 | jq -c --arg d "$dlq" '.topic = $d | .timestamp = null' | kc-produce 3>&- &
	returning=$!
	exits 0 kc-dlq redrive "$dlq" --yes --limit 20 --canary 4 --watch 3s --abort-if-returned 50% --rate max --run r
	wait $returning
	kc-dlq runs "$dlq" r --json | jq -e '.state == "done" and .sent == 20 and .returned == 1'
	exits 2 kc-dlq redrive "$dlq" --yes --abort-if-returned much
	says "--abort-if-returned: 'much' is no percentage (5%)"
	kc-dlq discard "$dlq" 0:20 -q
	dead {20..29}
	begin=$EPOCHREALTIME
	# 5 t^2 records after t seconds; at once they would take half a second
	exits 0 kc-dlq redrive "$dlq" --yes --rate 20/s --ramp 2s
	awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { exit !(b - a > 1) }'
}

@test "a run that is gone on with says when its command is another one" {
	topics
	dead 0 1
	exits 0 kc-dlq redrive "$dlq" --yes --via cat --limit 1 --run r
	exits 0 kc-dlq redrive "$dlq" --resume r --via 'jq -c .'
	says "run 'r' had another --via: 'cat'"
	[[ $(arrived) == "v0 v1" ]]
}

@test "records are held back while readers of the target are behind" {
	topics
	dead 0 1 2 3 4 5
	echo before | kc-produce --raw "$src"
	exits 1 kc-dlq redrive "$dlq" --yes --max-lag "$src-readers:2"
	says "group '$src-readers' does not exist"
	kc-consume "$src" -g "$src-readers" -o beginning -e >/dev/null
	# each of several limits holds, and each is of a group that there is
	kc-consume "$src" -g "$src-others" -o beginning -e >/dev/null
	exits 1 kc-dlq redrive "$dlq" --yes --max-lag "$src-others:2" --max-lag "$src-nobody:2"
	says "group '$src-nobody' does not exist"
	exits 2 kc-dlq redrive "$dlq" --yes --max-lag "$src-others:2" --max-lag many
	says "--max-lag: 'many' is no lag (1000, or GROUP:1000)"
	# nobody reads: it ends when nothing moved for --timeout
	exits 75 kc-dlq redrive "$dlq" --yes --rate 8/s --max-lag "$src-others:1000" --max-lag "$src-readers:3" \
		--timeout 4s --run held
	# two transactions of two records and a marker each
	says "holding back: group '$src-readers' has 6 records to read"
	says "and reads none"
	[[ $(arrived) == "before v0 v1 v2 v3" && $(is_open) == "0:4 0:5" ]]
	kc-consume "$src" -g "$src-others" -e >/dev/null
	kc-dlq redrive "$dlq" --resume held --rate 8/s --max-lag 3 3>&- 2>"$BATS_TEST_TMPDIR/err" &
	pid=$!
	eventually grep -q "holding back: group '$src-readers'" "$BATS_TEST_TMPDIR/err"
	kc-consume "$src" -g "$src-readers" -e >/dev/null
	wait "$pid"
	[[ $(arrived) == "before v0 v1 v2 v3 v4 v5" && -z $(is_open) ]]
}

@test "records go back in the order in which they died, over all transactions" {
	topics
	dead 10 11 13 14 12 15 2 16
	exits 0 kc-dlq redrive "$dlq" --yes --rate 30/s --limit 4 --order arrival -q
	# those that had arrived, each batch in order
	[[ $(arrived) == "v10 v11 v13 v14" ]]
	exits 0 kc-dlq redrive "$dlq" --yes --rate 8/s
	says "4 of 4 sent"
	[[ $(arrived) == "v10 v11 v13 v14 v2 v12 v15 v16" && -z $(is_open) ]]
	# a canary is the first of them, and the limit counts as they lie
	dead 30 25 20 26 40
	exits 0 kc-dlq redrive "$dlq" --yes --rate 8/s --canary 1 --watch 100ms --limit 4
	[[ $(arrived) == *" v20 v25 v26 v30" && $(is_open) == "0:12" ]]
	exits 0 kc-dlq redrive "$dlq" --yes -q
}

@test "many records out of order are sent in order before all of them were read" {
	topics
	# every hundredth died 2500 records late
	awk -v dlq="$dlq" -v src="$src" 'BEGIN { for (i = 0; i < 14000; i++) {
		o = i % 100 ? i : i - 2500; if (o < 0) o = i
		printf "{\"topic\":\"%s\",\"partition\":0,\"value\":\"%d\",\"headers\":[", dlq, o
		printf "{\"key\":\"__connect.errors.topic\",\"value\":\"%s\"},{\"key\":\"__connect.errors.partition\",\"value\":\"0\"},", src
		printf "{\"key\":\"__connect.errors.offset\",\"value\":\"%d\"}]}\n", o } }' | kc-produce
	kc-consume "$dlq" -e -f '%s\n' >"$BATS_TEST_TMPDIR/dead"
	exits 1 sort -n -c "$BATS_TEST_TMPDIR/dead"
	exits 0 kc-dlq redrive "$dlq" --yes --rate max
	says "14000 of 14000 sent"
	kc-consume "$src" -e -f '%s\n' >"$BATS_TEST_TMPDIR/arrived"
	sort -n "$BATS_TEST_TMPDIR/dead" | cmp - "$BATS_TEST_TMPDIR/arrived"
}

@test "of one source partition, records in several dead-letter partitions go back in order" {
	src=$(topic) dlq=$src.dlq
	kc-topics create -q -p 1 "$src"
	kc-topics create -q -p 3 "$dlq"
	for o in {0..59}; do
		printf '{"topic":"%s","partition":%d,"key":"k","value":"v%d","headers":[' "$dlq" $((o * 7 % 3)) "$o"
		printf '{"key":"__connect.errors.%s","value":"%s"},' topic "$src" partition 0 offset "$o"
		echo '{"key":"__connect.errors.exception.class.name","value":"X"}]}'
	done | kc-produce
	exits 0 kc-dlq redrive "$dlq" --yes --rate 100/s
	[[ $(arrived) == "$(printf 'v%d\n' {0..59} | paste -sd ' ')" ]]
	kc-dlq runs "$dlq" --json | jq -e '.sent == 60 and .selected == 60'
}

@test "a plan says what would be done, and changes nothing; from it, that is done and nothing else" {
	topics
	dead 5 3 4
	plan=$BATS_TEST_TMPDIR/plan
	exits 0 kc-dlq redrive "$dlq" --plan "$plan" --headers +mended=yes
	says "would be: 3 of 3 sent"
	says "the plan is in '$plan' (kc-dlq redrive $dlq --from $plan does it)"
	[[ -z $(arrived) && -z $(kc-topics list "$dlq.kc-ledger") ]]
	jq -es --arg d "$dlq" --arg s "$src" '.[0].plan == "redrive" and .[0].headers == ["+mended=yes"] and .[4].records == 3 and
		(.[1:4] | map([.src, .do, .to, .redrives])) == ([1, 2, 0] | map(["\($d)/0/\(.)", "send", "\($s)/0", 1]))' "$plan"
	exits 1 kc-dlq redrive "$dlq" --plan "$plan"
	# what came later is not in it
	dead 2
	exits 2 kc-dlq redrive "$dlq" --from "$plan" --to elsewhere
	says "--from goes with options of pace only"
	exits 0 kc-dlq redrive "$dlq" --from "$plan" --rate 8/s --run planned
	says "3 of 3 sent; run planned"
	[[ $(arrived) == "v3 v4 v5" && $(is_open) == "0:3" ]]
	kc-consume "$src" -e | jq -es 'all(.headers[0] == {key: "mended", value: "yes"})'
	# a second time it is stale
	exits 5 kc-dlq redrive "$dlq" --from "$plan"
	says "the plan is stale: '$dlq' 0:1 is redriven; nothing was done"
	[[ $(is_open) == "0:3" && $(kc-dlq runs "$dlq" | wc -l) == 1 ]]
}

@test "a plan is refused when anything in it is no longer so" {
	topics
	dead 0 1 2 3
	plan=$BATS_TEST_TMPDIR/plan
	kc-dlq redrive "$dlq" 0:0-2 --plan - -q >"$plan"
	exits 2 kc-dlq redrive "$dlq.other.dlq" --from "$plan"
	sed '2d' "$plan" >"$plan.cut"
	exits 1 kc-dlq redrive "$dlq" --from "$plan.cut"
	says "this plan was changed, or is not all there: its end tells of 3 records, and 2 are there"
	head -n 3 "$plan" >"$plan.cut"
	exits 1 kc-dlq redrive "$dlq" --from "$plan.cut"
	says "has no end"
	echo nonsense >"$plan.cut"
	exits 1 kc-dlq redrive "$dlq" --from "$plan.cut"
	says "line 1: it is no plan of a redrive"
	kc-dlq discard "$dlq" 0:1 -q
	exits 5 kc-dlq redrive "$dlq" --from "$plan"
	says "0:1 is discarded"
	kc-dlq restore "$dlq" 0:1 -q
	# the same offsets, other records
	kc-topics delete -qy "$dlq" "$dlq.kc-ledger"
	eventually eval '[[ -z $(kc-topics list "$dlq") ]]'
	kc-topics create -q -p 1 "$dlq"
	dead 0 9 2 3
	exits 5 kc-dlq redrive "$dlq" --from "$plan" --assume-none
	says "'$dlq' 0:1 is another record"
	[[ -z $(arrived) ]]
}

@test "a planned run that was stopped goes on; what a command makes otherwise than planned is not sent" {
	topics
	dead 0 1 2 3
	plan=$BATS_TEST_TMPDIR/plan
	kc-dlq redrive "$dlq" --plan "$plan" -q
	kc-dlq redrive "$dlq" --from "$plan" --canary 1 --watch 60s --run stopped 3>&- 2>/dev/null &
	pid=$!
	eventually eval '[[ -n $(arrived) ]]'
	kill -TERM $pid
	wait $pid || true
	exits 2 kc-dlq redrive "$dlq" --resume stopped
	says "run 'stopped' was of a plan: it goes on with --from"
	exits 0 kc-dlq redrive "$dlq" --from "$plan" --resume stopped
	[[ $(arrived) == "v0 v1 v2 v3" && -z $(is_open) ]]
	dead 4 5
	echo '"as planned"' >"$BATS_TEST_TMPDIR/made"
	kc-dlq redrive "$dlq" --plan "$plan.2" -q --via "jq -c --slurpfile v $BATS_TEST_TMPDIR/made '.value = \$v[0]'"
	echo '"something else"' >"$BATS_TEST_TMPDIR/made"
	exits 1 kc-dlq redrive "$dlq" --from "$plan.2"
	says "'$dlq' 0:4: it would not be sent, or parked, as the plan says"
	[[ $(is_open) == "0:4 0:5" ]]
	echo '"as planned"' >"$BATS_TEST_TMPDIR/made"
	exits 0 kc-dlq redrive "$dlq" --from "$plan.2"
	[[ $(arrived) == *" as planned as planned" ]]
}

@test "readers of committed records see each once, whatever was aborted; others may see more" {
	local pid
	only_kc_broker 'needs its fault rules'
	topics
	dead {0..39}
	kc-dlq redrive "$dlq" --yes --rate 2/s -q 3>&- &
	pid=$!
	eventually eval '[[ -n $(arrived) ]]'
	# the copies of a transaction are there, and its end is not taken
	fault add EndTxn client=kc-dlq error=CONCURRENT_TRANSACTIONS
	eventually eval '[[ $(kc-consume "$src" -e -X isolation.level=read_uncommitted -f "%s\n" | wc -l) -gt $(arrived | wc -w) ]]'
	kill -9 $pid
	wait $pid || true
	fault clear
	exits 0 kc-dlq redrive "$dlq" --yes --rate max
	[[ $(arrived) == "$(printf 'v%d\n' {0..39} | paste -sd ' ')" ]]
	[[ $(kc-consume "$src" -e -X isolation.level=read_uncommitted -f '%s\n' | wc -l) -gt 40 ]]
	# and a plan says so, with what to do
	dead 40
	exits 0 kc-dlq redrive "$dlq" --yes --plan "$BATS_TEST_TMPDIR/plan"
	says "read_committed"
	exits 0 kc-dlq redrive "$dlq" --yes --eos scan --plan "$BATS_TEST_TMPDIR/scan"
	[[ $stderr != *read_committed* ]]
}

@test "without transactions each is sent once, and what a killed run sent is known by its headers" {
	local pid
	only_kc_broker 'needs its fault rules'
	topics
	dead 0 1 2 3 4 5 6 7
	# of the second batch of two a copy is there, and nobody was told so: that holds the run
	fault add Produce topic="$src" nth=3 drop
	one_by_one &
	pid=$!
	eventually eval '[[ $(arrived) == "v0 v1 v2" ]]'
	[[ $(kc-dlq list "$dlq" --state redriven | wc -l) == 2 ]]
	kill -9 $pid
	wait $pid || true
	fault clear
	exits 0 kc-dlq redrive "$dlq" --yes --eos scan
	says "did not end: looking for what it sent"
	says "that the ledger did not have"
	[[ $(arrived) == "v0 v1 v2 v3 v4 v5 v6 v7" && -z $(is_open) ]]
	# the copies are seen by readers of uncommitted records, too: none was aborted
	[[ $(kc-consume "$src" -e -X isolation.level=read_uncommitted -f '%s\n' | wc -l) == 8 ]]
	kc-dlq runs "$dlq" --json | jq -es 'map([.state, .selected, .sent]) == [["stopped", 3, 3], ["done", 5, 5]]'
	[[ $(kc-lag "kc-dlq.$dlq" | jq -s 'map(.lag) | add') == 0 ]]
	# marks without transactions, too, and a ledger in a file
	dead 8
	exits 0 kc-dlq discard "$dlq" 0:8 --eos scan
	[[ -z $(is_open) ]]
}

@test "without transactions a run that was killed while it wrote the ledger is counted as far as it came" {
	local pid
	only_kc_broker 'needs its fault rules'
	topics
	dead 0 1 2 3
	# the run, where it sends to, 0:0, 0:1, and not the run again
	fault add Produce topic="$dlq.kc-ledger" nth=4 drop
	one_by_one &
	pid=$!
	eventually eval '[[ $(kc-dlq list "$dlq" --state redriven | wc -l) == 2 ]]'
	kill -9 $pid
	wait $pid || true
	fault clear
	kc-dlq runs "$dlq" --json | jq -e '[.state, .selected, .sent] == ["interrupted", 2, 2]'
	exits 0 kc-dlq redrive "$dlq" --yes --eos scan
	[[ $stderr != *"that the ledger did not have"* && $(arrived) == "v0 v1 v2 v3" ]]
	kc-dlq runs "$dlq" --json | jq -es 'map([.state, .selected, .sent]) == [["stopped", 2, 2], ["done", 2, 2]]'
}

@test "without transactions what a killed run sent of an export is not sent again when its dead letters are gone" {
	local pid f=$BATS_TEST_TMPDIR/kept
	only_kc_broker 'needs its fault rules'
	topics
	dead 0 1 2
	kc-dlq export "$dlq" >"$f"
	kc-topics trim "$dlq" -o 3 -yq
	fault add Produce topic="$src" nth=1 drop
	kc-dlq import "$dlq" "$f" --gone --eos scan --limit 2 -q 3>&- &
	pid=$!
	eventually eval '[[ $(arrived) == "v0 v1" ]]'
	kill -9 $pid
	wait $pid || true
	fault clear
	exits 4 kc-dlq import "$dlq" "$f" --gone --eos scan
	says "found 2 that the ledger did not have"
	says "'$dlq' 0:0: is not open: it is redriven"
	[[ $(arrived) == "v0 v1 v2" ]]
}

@test "without transactions and with a ledger in a file: what cannot be sent is told, the others are known" {
	local ledger=file:$BATS_TEST_TMPDIR/ledger
	topics
	kc-topics alter -q "$src" -c max.message.bytes=2000
	dead 0 1
	printf '{"topic":"%s","key":"big","value":"%04000d","headers":[{"key":"__connect.errors.topic","value":"%s"},{"key":"__connect.errors.partition","value":"0"},{"key":"__connect.errors.offset","value":"2"}]}\n' "$dlq" 0 "$src" | kc-produce
	exits 4 kc-dlq redrive "$dlq" --yes --eos scan --ledger "$ledger"
	says "'$dlq' 0:2: "
	says "2 of 3 sent"
	exits 1 kc-dlq redrive "$dlq" --yes --eos scan --ledger "$ledger"
	[[ $(arrived) == "v0 v1" ]]
	[[ $(kc-dlq list "$dlq" --ledger "$ledger" | cut -f1) == "0:2" ]]
	[[ -z $(kc-topics list "$dlq.kc-ledger") ]]
}

# Another broker: sets $other, its address, and $other_pid.
start_other() {
	mkdir "$BATS_TEST_TMPDIR/two"
	mkfifo "$BATS_TEST_TMPDIR/ready"
	kc-broker --data-dir "$BATS_TEST_TMPDIR/two" --port 0 --ready-fd 9 9>"$BATS_TEST_TMPDIR/ready" 2>"$BATS_TEST_TMPDIR/two.log" </dev/null 3>&- 4>&- &
	other_pid=$!
	read -r -t 60 other <"$BATS_TEST_TMPDIR/ready"
}

@test "to another cluster: the ledger stays here, and what a killed run sent is looked for there" {
	local pid there=$BATS_TEST_TMPDIR/two
	only_kc_broker
	topics
	dead 0 1 2 3 4 5
	start_other
	exits 1 kc-dlq redrive "$dlq" 0:0 --to-cluster "$other"
	says "topic '$src' does not exist"
	kc-topics create -q -b "$other" "$src"
	exits 0 kc-dlq redrive "$dlq" 0:0 --to-cluster "$other" --dry-run
	exits 0 kc-dlq redrive "$dlq" 0:0 --to-cluster "$other" --run first
	kc-dlq runs "$dlq" first --json | jq -e '(.cluster | length) > 5 and .sent == 1'
	[[ -z $(arrived) && $(KC_BROKERS=$other arrived) == v0 && $(is_open) == "0:1 0:2 0:3 0:4 0:5" ]]
	exits 2 kc-dlq redrive "$dlq" --resume first
	says "run 'first' sent to the cluster '"
	# a copy is there, and nobody was told so
	kc-broker fault add "Produce topic=$src nth=2 drop" --data-dir "$there" >/dev/null
	one_by_one --to-cluster "$other" &
	pid=$!
	eventually eval '[[ $(KC_BROKERS=$other arrived) == "v0 v1 v2" ]]'
	kill -9 $pid
	wait $pid || true
	kc-broker fault clear --data-dir "$there"
	exits 1 kc-dlq redrive "$dlq" --yes
	says "it did not end, and what it sent must be looked for in the cluster '"
	exits 1 kc-dlq discard "$dlq" --yes
	# as a profile, too
	mkdir -p "$XDG_CONFIG_HOME/kc"
	echo "profiles: {far: {brokers: '$other'}}" >"$XDG_CONFIG_HOME/kc/config.yaml"
	exits 0 kc-dlq redrive "$dlq" --yes --to-cluster far --via "test \$KC_BROKERS = $KC_BROKERS && cat"
	rm "$XDG_CONFIG_HOME/kc/config.yaml"
	[[ $(KC_BROKERS=$other arrived) == "v0 v1 v2 v3 v4 v5" && -z $(arrived) && -z $(is_open) ]]
	exits 2 kc-dlq redrive "$dlq" --yes --to-cluster "$other" --eos txn
	says "--to-cluster: a transaction is of one cluster"
	exits 2 kc-dlq redrive "$dlq" --yes --to-cluster "$other" --plan -
	exits 2 kc-dlq redrive "$dlq" --yes --to-cluster "$other" --if-newer park
	exits 2 kc-dlq redrive "$dlq" --yes --to-cluster nowhere
	says "--to-cluster: there is no profile 'nowhere'"
	kill $other_pid
	wait $other_pid || true
	exits 75 kc-dlq redrive "$dlq" --yes --to-cluster "$other" --timeout 1s
	says "--to-cluster: "
}

@test "who may not see configs sends with the time of the origin, but does not learn what is compacted" {
	only_kc_broker 'needs its fault rules'
	topics
	dead 0 1
	fault add DescribeConfigs error=TOPIC_AUTHORIZATION_FAILED
	exits 5 kc-dlq redrive "$dlq" --yes --timestamp origin
	says "configs of topic '$src' (--if-newer send does not ask for them)"
	[[ -z $(arrived) ]]
	exits 0 kc-dlq redrive "$dlq" --yes --timestamp origin --if-newer send
	[[ $(arrived) == "v0 v1" ]]
	fault clear
}

@test "who may not use transactions is told what to do" {
	only_kc_broker 'needs its fault rules'
	topics
	dead 0
	fault add InitProducerId transactional-id='kc-dlq.*' error=TRANSACTIONAL_ID_AUTHORIZATION_FAILED
	exits 5 kc-dlq redrive "$dlq" --yes
	says "(--eos scan does without transactions)"
	fault clear
	exits 0 kc-dlq redrive "$dlq" --yes --eos scan
	[[ $(arrived) == "v0" ]]
}

@test "leaders that do not know yet that they are, are waited for" {
	only_kc_broker 'needs its fault rules'
	local error
	topics
	dead 0 1
	for error in NOT_LEADER_OR_FOLLOWER LEADER_NOT_AVAILABLE; do
		fault add "ListOffsets topic=$dlq error=$error count=9"
		exits 0 kc-dlq list "$dlq"
		fault add "ListOffsets topic=$dlq error=$error count=9"
		fault add "ListOffsets topic=$dlq.kc-ledger error=$error count=2"
		fault add "Metadata topic=$dlq error=LEADER_NOT_AVAILABLE count=2"
		fault add "Produce topic=$src error=$error count=1"
		exits 0 kc-dlq redrive "$dlq" --yes --limit 1
	done
	fault clear
	[[ $(arrived) == "v0 v1" ]]
	# not for ever
	fault add "ListOffsets topic=$dlq error=NOT_LEADER_OR_FOLLOWER"
	runs_out 75 "'$dlq' [0] has no leader (run it again later)" kc-dlq list "$dlq"
	fault clear
}
