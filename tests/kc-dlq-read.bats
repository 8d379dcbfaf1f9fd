#!/usr/bin/env bats
# kc-dlq: what only reads: ls, groups, list, show, tail, check, export, and the search for origins.

load lib/kc
load lib/transactions

setup_file() {
	start_broker
}

teardown_file() {
	stop_broker
}

# Sets $dlq to a topic with the golden dead letters of these files, in two partitions.
golden() { # NAME...
	local name
	dlq=$(topic).dlq
	kc-topics create -q -p 2 -c retention.ms=-1 "$dlq"
	for name; do
		jq -c --arg t "$dlq" 'del(.kc, .offset, .timestamp_type) | .topic = $t | .partition %= 2' \
			"$ROOT/tests/golden/deadletter/$name.jsonl"
	done | kc-produce
}

# One dead letter that says where it died, failed at a time in ms, with this class and message.
letter() { # OFFSET FAILED-AT CLASS MESSAGE [KEY]
	printf '{"topic":"%s","partition":0,"key":"%s","value":"v%s","headers":[{"key":"trace","value":"t%s"}' \
		"$dlq" "${5-k$1}" "$1" "$1"
	printf ',{"key":"__dlq.errors.%s","value":"%s"}' topic "$src" partition 0 offset "$1" group billing message "$4"
	printf ',{"key":"kc-%s","value":"%s"}' error-class "$3" failed-at "$2"
	echo ']}'
}

# $src with three records, $dlq with four deaths of two causes.
letters() {
	src=$(topic)
	dlq=$src.dlq
	kc-topics create -q -p 1 -c retention.ms=-1 "$src" "$dlq"
	for i in 0 1 2; do echo '{"key":"k'$i'","value":"v'$i'","headers":[{"key":"own","value":"h'$i'"}]}'; done | kc-produce "$src"
	{
		letter 0 1700000000000 java.lang.IllegalStateException 'order 17 has no customer'
		letter 1 1700003600000 org.shop.PriceException 'price is 3'
		letter 2 1700000100000 java.lang.IllegalStateException 'order 9 has no customer'
		letter 7 1700007200000 java.lang.IllegalStateException 'order 4 has no customer'
	} | kc-produce
}

# ---- groups ----

@test "groups are counted, the largest first, with what was masked" {
	letters
	exits 0 kc-dlq groups "$dlq"
	[[ ${#lines[@]} == 2 ]]
	[[ ${lines[0]} == 3$'\t'2023-11-14T22:13:20.000Z$'\t'2023-11-15T00:13:20.000Z$'\t'0:3$'\t'*$'\t'java.lang.IllegalStateException$'\t'-$'\t''order <n> has no customer'$'\t'- ]]
	[[ ${lines[1]} == 1$'\t'*$'\t'org.shop.PriceException$'\t'-$'\t''price is <n>'$'\t'- ]]
}

@test "groups --json has an example, and a note that was written" {
	letters
	id=$(kc-dlq groups "$dlq" --json | jq -r 'select(.count == 1).group')
	kc-dlq note "$dlq" --group "$id" 'ask the shop'
	kc-dlq groups "$dlq" --json | jq -es --arg d "$dlq" --arg id "$id" '.[1] == {group: $id, count: 1,
		first: 1700003600000, last: 1700003600000, example: "\($d)/0/1", scheme: "kc",
		class: "org.shop.PriceException", message: "price is <n>", note: "ask the shop"}'
	[[ $(kc-dlq list "$dlq" --group "${id:0:4}" | cut -f1) == 0:1 ]]
}

@test "groups --by counts by anything that is known" {
	letters
	by() { kc-dlq groups "$dlq" --by "$1" --json | jq -r ".$1, .count" | paste -sd ' '; }
	[[ $(by class) == "java.lang.IllegalStateException 3 org.shop.PriceException 1" ]]
	[[ $(by message) == "order <n> has no customer 3 price is <n> 1" ]]
	[[ $(by hour) == "2023-11-14T22:00Z 2 2023-11-14T23:00Z 1 2023-11-15T00:00Z 1" ]]
	[[ $(by origin) == "$src/0 4" ]]
	[[ $(by partition) == "0 4" ]]
	[[ $(by key) == "k0 1 k1 1 k2 1 k7 1" ]]
	[[ $(by scheme) == "kc 4" ]]
	[[ $(by state) == "open 4" ]]
	[[ $(by stage) == "null 4" && $(by frame) == "null 4" ]]
	exits 2 kc-dlq groups "$dlq" --by color
}

@test "groups --by rule counts what each rule of a file would take" {
	letters
	cat >"$BATS_TEST_TMPDIR/rules" <<-'YAML'
		- {name: nine, match: {message: 'order 9 '}, do: park}
		- {name: prices, match: {class: PriceException}, do: discard}
		- {name: never, match: {class: NoSuch}, do: park}
	YAML
	exits 0 kc-dlq groups "$dlq" --by rule --rules "$BATS_TEST_TMPDIR/rules" --json
	[[ $(jq -r '"\(.rule) \(.count)"' <<<"$output" | sort | paste -sd ' ') == "nine 1 null 2 prices 1" ]]
	# the first that matches decides, and a group can be what a rule is about
	id=$(kc-dlq groups "$dlq" --json | jq -r 'select(.count == 3).group')
	echo "- {name: all, match: {group: $id}, do: park}" | cat - "$BATS_TEST_TMPDIR/rules" >"$BATS_TEST_TMPDIR/more"
	exits 0 kc-dlq groups "$dlq" --by rule --rules - --json <"$BATS_TEST_TMPDIR/more"
	[[ $(jq -r '"\(.rule) \(.count)"' <<<"$output" | sort | paste -sd ' ') == "all 3 prices 1" ]]
	exits 2 kc-dlq groups "$dlq" --by rule
	says "--by rule and --rules FILE go together"
	exits 2 kc-dlq groups "$dlq" --rules "$BATS_TEST_TMPDIR/rules"
}

@test "groups --redact masks keys; of messages it shows only what all of the group say" {
	letters
	letter 8 1700007300000 org.shop.PriceException "card '4111' of 17" smith | kc-produce
	exits 0 kc-dlq groups "$dlq" --by key --redact key,message
	[[ ${#lines[@]} == 1 && $output == 5$'\t'*"[redacted]" ]]
	exits 0 kc-dlq groups "$dlq" --json
	[[ $output == *"card <str> of <n>"* && $output != *4111* ]]
	exits 2 kc-dlq groups "$dlq" --redact colour
}

@test "dead letters that frameworks wrote are grouped by their root" {
	golden connect spring
	exits 0 kc-dlq groups "$dlq" --by class
	[[ $output == *$'\t'com.fasterxml.jackson.core.JsonParseException* ]]
	[[ $(kc-dlq list "$dlq" --class JsonParseException | wc -l) == 4 ]]
	[[ $(kc-dlq list "$dlq" --class DataException | wc -l) == 6 ]]
	[[ $(kc-dlq groups "$dlq" --class PickySink --by class | wc -l) == 0 ]]
	kc-dlq groups "$dlq" --json | jq -es 'map(select(.frame == "SpringDeadLetters$Orders.charge")) | length >= 3'
	[[ $(kc-dlq groups "$dlq" --by scheme | cut -f1,5 | paste -sd' ') == $'9\tspring 8\tconnect 2\tspring-retry' ]]
}

# ---- list ----

@test "list says of each where it died and what of" {
	letters
	exits 0 kc-dlq list "$dlq"
	[[ ${#lines[@]} == 4 ]]
	[[ ${lines[1]} == 0:1$'\t'open$'\t'2023-11-14T23:13:20.000Z$'\t'$src/0/1$'\t'k1$'\t'org.shop.PriceException$'\t''price is 3' ]]
}

@test "list can be narrowed, and shows other states when they are named" {
	letters
	[[ $(kc-dlq list "$dlq" --class IllegalState* | cut -f1 | paste -sd' ') == "0:0 0:2 0:3" ]]
	[[ $(kc-dlq list "$dlq" --class IllegalState* --limit 2 | cut -f1 | paste -sd' ') == "0:0 0:2" ]]
	[[ -z $(kc-dlq list "$dlq" --limit 0) ]]
	[[ $(kc-dlq list "$dlq" 0:2-3 | cut -f1 | paste -sd' ') == "0:2 0:3" ]]
	[[ $(kc-dlq list "$dlq" --since @1700003600000 | cut -f1 | paste -sd' ') == "0:1 0:3" ]]
	kc-dlq discard -q "$dlq" 0:0
	[[ $(kc-dlq list "$dlq" | cut -f1 | paste -sd' ') == "0:1 0:2 0:3" ]]
	[[ $(kc-dlq list "$dlq" --state discarded | cut -f1,2) == $'0:0\tdiscarded' ]]
}

@test "list --json tells all that the headers tell" {
	letters
	kc-dlq list "$dlq" --json 0:0 | jq -e --arg s "$src" --arg d "$dlq" '.timestamp > 0 and (del(.timestamp, .group)) == {
		src: "\($d)/0/0", state: "open", key: "k0", dlq: {scheme: "kc",
		origin: {topic: $s, partition: 0, offset: 0, group: "billing"}, failed_at: 1700000000000,
		error: {class: "java.lang.IllegalStateException", message: "order 17 has no customer"}}}'
}

@test "a tab or control character in a message forges no column" {
	letters
	letter 8 1700007200000 'a.B' 'x\ty\u001b[31m\nz' | kc-produce
	[[ $(kc-dlq list "$dlq" 0:4 | cut -f7) == 'x\x09y\x1b[31m' ]]
}

# ---- show ----

@test "show tells everything of one, and what became of it" {
	letters
	kc-dlq park -q "$dlq" 0:0 --note 'wait for Anna' --run r1
	exits 0 kc-dlq show "$dlq" 0:0
	for want in "record       $dlq 0:0" "state        parked" "run          r1" "note         wait for Anna" \
		"scheme       kc" "origin       $src/0/0, group billing" "class        java.lang.IllegalStateException" \
		"message      order 17 has no customer" "  masked     order <n> has no customer" \
		"header       trace: t0" "key          k0" "value        v0" "failed       2023-11-14T22:13:20.000Z"; do
		[[ $'\n'$output$'\n' == *$'\n'"$want"$'\n'* ]] || { echo "lacks: $want"; echo "$output"; return 1; }
	done
	kc-dlq show "$dlq" 0:0 --json | jq -e '.entry.run == "r1" and .entry.note == "wait for Anna" and
		.state == "parked" and .record.value == "v0" and (.record.headers | length) == 8'
}

@test "show of what is not there, or of nothing" {
	letters
	exits 1 kc-dlq show "$dlq" 0:99
	says "'$dlq' has no such record"
	exits 2 kc-dlq show "$dlq"
	says "which record?"
	exits 2 kc-dlq show
	exits 1 kc-dlq show "${dlq}x" 0:0
	says "did you mean '$dlq'?"
}

@test "show tells of deaths before, and prints a stack as it was" {
	golden spring
	at=$(kc-dlq list "$dlq" --json | jq -r 'select(.dlq.before and .key == "order-1") | .src | split("/")[1:] | join(":")')
	exits 0 kc-dlq show "$dlq" "$at"
	[[ $output == *"before       spring"* ]]
	[[ $output == *"             orders/1/0 of 2026-11-22T07:30:00.000Z, group billing"* ]]
	[[ $output == *"                 at SpringDeadLetters\$Orders.again(SpringDeadLetters.java:"* ]]
	[[ $output == *"header       trace: abc"* ]]
	[[ $output != *"header       kafka_dlt"* ]]
}

# ---- export, and the payload of the origin ----

@test "export is the record itself: sent again, it is the same" {
	golden by-hand share
	kc-topics create -q -p 2 "$dlq.copy"
	exits 0 kc-dlq export "$dlq"
	jq -c '.topic += ".copy"' <<<"$output" | kc-produce
	bare() { kc-consume -e "$1" | jq -c 'del(.topic, .timestamp_type)' | sort; }
	[[ $(bare "$dlq") == "$(bare "$dlq.copy")" ]]
	[[ $(bare "$dlq" | wc -l) == 26 ]]
}

@test "export names the dead letter, its state and group, and what is known" {
	letters
	kc-dlq export "$dlq" 0:1 | jq -e --arg d "$dlq" '.src == "\($d)/0/1" and .kc.state == "open" and
		(.kc.group | test("^[0-9a-f]{12}$")) and .kc.dlq.error.class == "org.shop.PriceException" and .value == "v1"'
}

@test "export -j shows JSON as JSON, unaltered" {
	letters
	echo '{"n":9007199254740993, "d":1.10}' | kc-produce --raw "$dlq" -p 0
	[[ $(kc-dlq export -j "$dlq" | tail -n 1) == *',"json":{"n":9007199254740993, "d":1.10},'* ]]
	kc-dlq export -j "$dlq" 0:1 | jq -e '.value == "v1" and (has("json") | not)'
}

@test "a payload that was not copied is read where it died" {
	letters
	printf '{"topic":"%s","key":null,"value":null,"headers":[' "$dlq" >"$BATS_TEST_TMPDIR/line"
	printf '{"key":"__dlq.errors.%s","value":"%s"},' topic "$src" partition 0 offset 1 >>"$BATS_TEST_TMPDIR/line"
	echo '{"key":"__dlq.errors.message","value":"rejected"}]}' >>"$BATS_TEST_TMPDIR/line"
	kc-produce <"$BATS_TEST_TMPDIR/line"
	[[ $(kc-dlq show "$dlq" 0:4) == *"(not copied: --payload origin reads it where it died)"* ]]
	[[ $(kc-dlq show "$dlq" 0:4 --payload origin) == *$'\nkey          k1\nvalue        v1' ]]
	kc-dlq export "$dlq" 0:4 --payload origin | jq -e '.key == "k1" and .value == "v1" and
		.headers[0] == {key: "own", value: "h1"} and (.headers | length) == 5'
	# 0:3 died at an offset that is not there.
	exits 4 kc-dlq export "$dlq" 0:3-4 --payload origin
	says "'$dlq' 0:3: its source record '$src' [0] offset 7 is gone"
	says "1 of 2 went out as they lie"
	[[ $(jq -r .value <<<"$output" | paste -sd' ') == "v7 v1" ]]
	exits 1 kc-dlq show "$dlq" 0:3 --payload origin
}

@test "source records of several topics and places are read together, and come in the order of the dead letters" {
	local i
	src=$(topic) dlq=$src.dlq
	kc-topics create -q -p 2 "$src" "$src-2"
	kc-topics create -q -p 1 "$dlq"
	for t in "$src" "$src-2"; do
		for ((i = 0; i < 3000; i++)); do
			echo '{"topic":"'"$t"'","partition":'$((i % 2))',"key":null,"value":"'"$t/$i"'"}'
		done
	done | kc-produce
	# backwards, and the first of all at the end
	for i in 2999 17 1500 16 2 0; do
		for t in "$src" "$src-2"; do
			printf '{"key":null,"value":"dead","headers":['
			printf '{"key":"__connect.errors.%s","value":"%s"},' topic "$t" partition $((i % 2)) offset $((i / 2))
			echo '{"key":"__connect.errors.exception.message","value":"no"}]}'
		done
	done | kc-produce "$dlq"
	exits 0 kc-dlq export "$dlq" --payload origin
	for i in 2999 17 1500 16 2 0; do printf '%s\n' "$src/$i" "$src-2/$i"; done >"$BATS_TEST_TMPDIR/want"
	diff "$BATS_TEST_TMPDIR/want" <(jq -r .value <<<"$output")
}

# ---- what is selected by its content, and what is masked ----

# $dlq with five dead letters whose values are documents.
documents() {
	local i
	dlq=$(topic).dlq
	kc-topics create -q -p 1 "$dlq"
	for i in 1 2 3 4; do
		printf '{"key":"k%d","value":"{\\"amount\\": %d, \\"card\\":{\\"no\\":\\"4111-%d\\"}}","headers":[{"key":"trace","value":"t%d"},' $i $i $i $i
		printf '{"key":"__connect.errors.topic","value":"orders"},{"key":"__connect.errors.exception.message","value":"card 4111-%d of %cbob%c"},' $i "'" "'"
		echo '{"key":"__connect.errors.exception.stacktrace","value":"X: card 4111-'$i'"}]}'
	done | kc-produce "$dlq"
	echo '{"key":"k5","value":"no document 4111-5"}' | kc-produce "$dlq"
}

selected() { # OPTION...
	kc-dlq list "$dlq" "$@" --json | jq -r .key | paste -sd' '
}

@test "where selects by what is in a record, with other terms together" {
	documents
	[[ $(selected --where 'value.amount > 2') == "k3 k4" ]]
	[[ $(selected --where 'value.amount>=2' --where 'value.amount != 3') == "k2 k4" ]]
	[[ $(selected --where 'value.card.no = 4111-2' --where 'header.trace ~ ^t[12]$') == "k2" ]]
	[[ $(selected --where value.card) == "k1 k2 k3 k4" ]]
	[[ $(selected --where 'message !~ 4111-[12]') == "k3 k4 k5" ]]
	[[ $(selected --where 'scheme = none') == "k5" ]]
	[[ $(selected --where 'offset < 3') == "" ]]
	exits 2 kc-dlq list "$dlq" --where 'valu.amount = 1'
	says "a dead letter has no 'valu' (did you mean value?)"
	exits 2 kc-dlq list "$dlq" --where 'value.amount > much'
	says "compares with a number, and 'much' is none"
	# it is a selection as any other: of a run, too
	exits 0 kc-dlq discard "$dlq" --where 'value.amount > 3' --run cheap
	kc-dlq runs "$dlq" cheap --json | jq -e '.select == ["where=value.amount > 3"]'
	[[ $(selected --state discarded) == "k4" ]]
}

@test "redact masks fields in all that shows records, and what is masked is not sent back" {
	documents
	for verb in "list --json" list show "show --json" export "export -j"; do
		# shellcheck disable=SC2086
		exits 0 kc-dlq $verb "$dlq" 0:0-4 --redact value.card.no,message
		[[ -n $output && $output != *4111* && $output != *bob* ]]
	done
	kc-dlq export "$dlq" 0:1 --redact value.card.no | jq -e '.value == "{\"amount\": 2, \"card\":{\"no\":\"[redacted]\"}}" and
		.kc.redacted == ["value.card.no"] and .headers[0].value == "t2"'
	kc-dlq export "$dlq" 0:4 --redact value.card.no | jq -e '.value == "[redacted]"'
	kc-dlq export "$dlq" 0:1 --redact key --redact header.trace | jq -e '.key == "[redacted]" and .headers[0].value == "[redacted]"'
	[[ $(kc-dlq show "$dlq" 0:1 --redact message) == *"message      card <n>-<n> of <str>"* ]]
	timeout -s INT 20 kc-dlq tail "$dlq" --limit 1 --json --redact key | jq -e '.key == "[redacted]"'
	exits 2 kc-dlq show "$dlq" 0:1 --redact mesage
	says "--redact: there is no 'mesage' to mask (did you mean message?)"
	kc-dlq export "$dlq" 0:1 --redact value.card.no >"$BATS_TEST_TMPDIR/masked"
	exits 1 kc-dlq import "$dlq" "$BATS_TEST_TMPDIR/masked"
	says "what is masked in it cannot be sent back (kc-dlq export --no-redact, and without --redact)"
	[[ $(selected) == "k1 k2 k3 k4 k5" ]]
}

# ---- locate ----

@test "what the configuration masks is masked by every verb that shows records, unless --no-redact" {
	local -a verb
	local config=$BATS_TEST_TMPDIR/config.yaml f=$BATS_TEST_TMPDIR/f
	letters
	cat >"$config" <<-END
		redact: {'other.*': value}
		profiles:
		  prod:
		    redact:
		      '${dlq%.*}.*': [key, header.trace]
		      '*': value
	END
	export KC_CONFIG=$config KC_PROFILE=prod
	exits 0 kc-dlq export "$dlq"
	jq -es 'map(.key, .value) | all(. == "[redacted]")' <<<"$output"
	says "'key' is masked, and import refuses what is masked (--no-redact, and without --redact: all of it)"
	exits 0 kc-dlq export "$dlq" --no-redact
	[[ $stderr != *masked* ]]
	while read -r verb; do
		read -ra verb <<<"$verb"
		exits 0 kc-dlq "${verb[0]}" "$dlq" "${verb[@]:1}"
		[[ $output == *redacted* && $output != *k0* && $output != *t0* ]] || { echo "${verb[*]}: $output"; return 1; }
		exits 0 kc-dlq "${verb[0]}" "$dlq" "${verb[@]:1}" --no-redact
		[[ $output != *redacted* && $output == *k0* ]] || { echo "${verb[*]}: $output"; return 1; }
	done <<-END
		list
		show 0:0
		export
		tail --limit 4
		groups --by key
	END
	# what is masked does not come back, what is not does
	kc-dlq export "$dlq" 0:0 >"$f"
	exits 1 kc-dlq import "$dlq" "$f"
	says "what is masked in it cannot be sent back"
	kc-dlq export "$dlq" 0:0 --no-redact >"$f"
	exits 0 kc-dlq import "$dlq" "$f"
	# an editor shows all
	EDITOR=true exits 2 kc-dlq edit "$dlq" 0:1
	says "the configuration masks 'key' in '$dlq', and an editor shows all (if that is meant: --no-redact)"
	EDITOR=true exits 1 kc-dlq edit "$dlq" 0:1 --no-redact
	says "nothing was changed"
	# of another profile, it is not masked
	KC_PROFILE='' exits 0 kc-dlq export "$dlq"
	jq -es 'map(.key, .value) | all(. != "[redacted]")' <<<"$output"
	exits 0 kc-dlq -X dump
	[[ $output == *"redact '*' = value    # profile 'prod' of $config"* ]]
	echo "redact: {orders.dlq: [key, valeu.card]}" >"$config"
	KC_PROFILE='' exits 2 kc-dlq list "$dlq"
	says "line 1: redact 'orders.dlq': there is no 'valeu.card' to mask (did you mean value?)"
}

@test "dead letters without headers are found in the source by what they hold" {
	src=$(topic)
	dlq=$src.dlq
	kc-topics create -q -p 1 -c retention.ms=-1 "$src" "$dlq"
	printf '{"key":"%s","value":"%s"}\n' a one b two c two c three | kc-produce "$src"
	printf '{"key":%s,"value":"%s"}\n' null two '"c"' three '"q"' three null nowhere | kc-produce "$dlq"
	exits 0 kc-dlq list "$dlq" --locate "$src"
	says "2 of 4 found in '$src'"
	says "1 of them are there more than once"
	[[ $(cut -f4 <<<"$output" | paste -sd' ') == "$src/0/2 $src/0/3 - -" ]]
	kc-dlq list "$dlq" --locate "$src" --json 0:0-1 | jq -es 'map([.dlq.origin.offset, .dlq.warning]) == [
		[2, "the origin was found by its content, which is at 2 places: this is the last"],
		[3, "the origin was found by its content"]]'
	kc-dlq export "$dlq" 0:0 --locate "$src" --payload origin | jq -e '.key == "c" and .value == "two"'
}

@test "what is younger than the dead letter is not where it came from" {
	src=$(topic)
	dlq=$src.dlq
	kc-topics create -q -p 1 -c retention.ms=-1 "$src" "$dlq"
	echo '{"key":null,"value":"x","timestamp":1700000000000}' | kc-produce "$dlq"
	printf '{"key":"%s","value":"x","timestamp":%s}\n' old 1699999990000 young 1700000010000 | kc-produce "$src"
	[[ $(kc-dlq list "$dlq" --locate "$src" | cut -f4) == "$src/0/0" ]]
	exits 0 kc-dlq list "$dlq" --locate "$src" --locate-since @1700000000000
	says "0 of 1 found"
	says "--locate-since looks further back"
	exits 2 kc-dlq list "$dlq" --locate-since -1h
	exits 1 kc-dlq list "$dlq" --locate "$src-not-there"
}

# ---- tail ----

@test "tail prints what is there, and what comes" {
	letters
	kc-dlq tail "$dlq" --limit 5 >"$BATS_TEST_TMPDIR/tail" 3>&- 4>&- &
	pid=$!
	has() { [[ $(wc -l <"$BATS_TEST_TMPDIR/tail") == "$1" ]]; }
	eventually has 4
	letter 8 1700007200000 a.B new | kc-produce
	eventually has 5
	wait $pid
	[[ $(tail -n 1 "$BATS_TEST_TMPDIR/tail" | cut -f1,7) == $'0:4\tnew' ]]
}

@test "tail selects, and ends by a signal" {
	letters
	kc-dlq tail "$dlq" --class PriceException --json >"$BATS_TEST_TMPDIR/tail" 3>&- 4>&- &
	pid=$!
	has_one() { [[ $(wc -l <"$BATS_TEST_TMPDIR/tail") == 1 ]]; }
	eventually has_one
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	[[ $status == 143 ]]
	jq -e --arg d "$dlq" '.src == "\($d)/0/1"' "$BATS_TEST_TMPDIR/tail"
}

# ---- check ----

@test "check is one line: 0 when nothing is open, 3 when something is" {
	letters
	exits 3 kc-dlq check "$dlq"
	[[ -z $stderr && ${#lines[@]} == 1 ]]
	[[ $output == "NO $dlq: 4 open (limit 0), oldest "*"; 3 of group "*" java.lang.IllegalStateException: order <n> has no customer" ]]
	kc-dlq discard -qy "$dlq"
	exits 0 kc-dlq check "$dlq"
	[[ $output == "OK $dlq: 0 open" && -z $stderr ]]
}

@test "check has limits for number, age and rate" {
	letters
	exits 0 kc-dlq check "$dlq" --max-open 4
	exits 3 kc-dlq check "$dlq" --max-open 3
	exits 0 kc-dlq check "$dlq" --max-age 9000d
	exits 3 kc-dlq check "$dlq" --max-age 1h
	[[ $output == *"oldest "*" (limit 1h"* ]]
	exits 0 kc-dlq check "$dlq" --max-rate 0
	letter 9 "$(date +%s)000" a.B now | kc-produce
	exits 3 kc-dlq check "$dlq" --max-rate 0/h
	[[ $output == *", 1/h (limit 0/h)"* ]]
	exits 0 kc-dlq check "$dlq" --max-open 1 --class PriceException
	kc-dlq check "$dlq" --max-open 9 --json | jq -e --arg d "$dlq" '.topic == $d and .ok and .open == 5 and
		.oldest == 1700000000000 and .last_hour == 1'
	exits 2 kc-dlq check "$dlq" --max-rate many
	exits 1 kc-dlq check "$dlq-not-there"
}

# ---- ls ----

@test "ls finds dead-letter topics by name, ledger or content" {
	letters
	local other=$src-odd
	kc-topics create -q -p 1 -c retention.ms=-1 "$other" "$src-plain"
	echo '{"key":"a","value":"b"}' | kc-produce "$src-plain"
	(dlq=$other && letter 0 1700000000000 a.B c) | kc-produce
	exits 0 kc-dlq ls
	grep -q "^$dlq"$'\t'"4"$'\t'"2023-11-14T22:13:20.000Z"$'\t'- <<<"$output"
	[[ $output != *"$other"* ]]
	exits 0 kc-dlq ls --all
	grep -q "^$other"$'\t'1$'\t' <<<"$output"
	[[ $output != *"$src-plain"* ]]
	kc-dlq discard -qy "$other"
	exits 0 kc-dlq ls
	grep -q "^$other"$'\t'0$'\t' <<<"$output"
	[[ $output != *.kc-ledger* ]]
	[[ $(kc-dlq ls "$src-o*" | cut -f1) == "$other" ]]
}

@test "ls says how each stands, and reads no more than it was told" {
	letters
	kc-topics alter -q "$dlq" -c retention.ms=3600000
	kc-dlq ls "$dlq" --json | jq -e --arg d "$dlq" '.topic == $d and .open == 4 and .exact and .oldest == 1700000000000 and
		.last_hour == 4 and .scheme == "kc" and .class == "java.lang.IllegalStateException" and
		.message == "order <n> has no customer" and .expires > now * 1000'
	kc-dlq ls "$dlq" --json --sample 2 | jq -e '.open == 4 and (.exact | not)'
	[[ $(kc-dlq ls "$dlq" --sample 2 | cut -f2) == "<=4" ]]
	exits 0 kc-dlq ls "$src-nothing*"
	[[ -z $output ]]
	says "no topic matches"
	exits 2 kc-dlq ls --all "$dlq"
}

@test "ls warns of a topic whose compaction takes dead letters away" {
	letters
	exits 0 kc-dlq ls "$dlq"
	[[ $stderr != *compacted* ]]
	kc-topics alter -q "$dlq" -c cleanup.policy=compact,delete
	exits 0 kc-dlq ls "$dlq"
	says "'$dlq' is compacted: of dead letters with the same key only the last will stay"
}

@test "a closed pipe ends a verb quietly, a full disk does not, and the ledger is right either way" {
	src=$(topic) dlq=$src.dlq
	kc-topics create -q -p 1 "$src" "$dlq"
	# more than a pipe holds
	awk -v dlq="$dlq" -v src="$src" 'BEGIN { for (i = 0; i < 2000; i++) {
		printf "{\"topic\":\"%s\",\"key\":\"k%d\",\"value\":\"%0100d\",\"headers\":[", dlq, i, i
		printf "{\"key\":\"__connect.errors.topic\",\"value\":\"%s\"},{\"key\":\"__connect.errors.partition\",\"value\":\"0\"},", src
		printf "{\"key\":\"__connect.errors.offset\",\"value\":\"%d\"}]}\n", i } }' | kc-produce -q
	for verb in list export tail "redrive --plan -"; do
		# shellcheck disable=SC2086
		run --separate-stderr bash -c 'kc-dlq "$@" | head -n 1 >/dev/null; exit "${PIPESTATUS[0]}"' - $verb "$dlq"
		[[ $status == 141 && -z $stderr ]]
	done
	for verb in list export groups "redrive --plan -"; do
		# shellcheck disable=SC2086
		run --separate-stderr bash -c 'kc-dlq "$@" >/dev/full' - $verb "$dlq"
		[[ $status == 1 ]]
		says "cannot write to stdout: No space left on device"
	done
	[[ $(kc-dlq list "$dlq" | wc -l) == 2000 ]]
	run --separate-stderr bash -c 'kc-dlq redrive "$1" -y --json --limit 5 >/dev/full' - "$dlq"
	[[ $status == 1 ]]
	[[ $(kc-consume "$src" -e | wc -l) == 5 && $(kc-dlq list "$dlq" --state redriven | wc -l) == 5 ]]
}

@test "reading verbs change nothing" {
	letters
	kc-topics --json >"$BATS_TEST_TMPDIR/before"
	for verb in groups list export check; do kc-dlq $verb "$dlq" >/dev/null || [[ $? == 3 ]]; done
	kc-dlq show "$dlq" 0:1 >/dev/null
	kc-dlq ls >/dev/null
	kc-topics --json | diff "$BATS_TEST_TMPDIR/before" -
}

@test "what was aborted is no dead letter, what is not committed is none yet: neither is waited for" {
	local verb
	letters
	abort_tail "$dlq"
	hold_open "$dlq"
	for verb in list export "list --state open" "tail --limit 4"; do
		# shellcheck disable=SC2086
		exits 0 timeout 60 kc-dlq ${verb/%/ $dlq}
		[[ ${#lines[@]} == 4 ]] || { echo "$verb: $output"; return 1; }
	done
	exits 0 timeout 60 kc-dlq redrive "$dlq" --plan -
	[[ $(grep -c '"do":"send"' <<<"$output") == 4 ]]
	exits 0 timeout 60 kc-dlq groups "$dlq" --json
	[[ $(jq -s 'map(.count) | add' <<<"$output") == 4 ]]
	exits 0 timeout 60 kc-dlq ls "$dlq" --json
	[[ $(jq .open <<<"$output") == 4 ]]
	exits 3 timeout 60 kc-dlq check "$dlq" --max-open 3
	exits 1 timeout 60 kc-dlq show "$dlq" 0:4
	exits 0 timeout 60 kc-dlq redrive "$dlq" --yes
	says "4 of 4 sent"
	end_open
	exits 0 timeout 60 kc-dlq list "$dlq" --state open
	[[ ${#lines[@]} == 1 ]]
	exits 0 timeout 60 kc-dlq park "$dlq" --yes
	exits 0 timeout 60 kc-dlq check "$dlq"
	[[ $(kc-lag "kc-dlq.$dlq" | jq -s 'map(.lag) | add') == 0 ]]
}
