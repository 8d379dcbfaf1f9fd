#!/usr/bin/env bats
# kc-dlq: what is selected, sent back, put aside; the ledger, runs, failures.
# shellcheck disable=SC2154

load lib/kc

setup_file() {
	start_broker
}

teardown_file() {
	stop_broker
}

# Sets $src and $dlq: topics of this test, the second with N dead letters of the first, two partitions each.
# Record i has key ki and value vi, died at src/(i%2)/i; every third of PriceException, the others of TimeoutException.
dead_letters() { # N [FROM]
	local i from=${2-0}
	if [[ -z ${src-} ]]; then
		src=$(topic)
		dlq=$src.dlq
		kc-topics create -q -p 2 "$src" "$dlq"
	fi
	for ((i = from; i < from + $1; i++)); do
		letter "$i"
	done | kc-produce
}

letter() { # I [HEADER...]
	local class=java.util.concurrent.TimeoutException
	(($1 % 3)) || class=org.shop.PriceException
	printf '{"topic":"%s","partition":%d,"key":"k%d","value":"v%d","headers":[{"key":"trace","value":"t%d"}' \
		"$dlq" $(($1 % 2)) "$1" "$1" "$1"
	printf ',{"key":"__connect.errors.%s","value":"%s"}' topic "$src" partition $(($1 % 2)) offset "$1" \
		exception.class.name "$class" exception.message "order $1 failed"
	echo ']}'
}

# The values of the source topic, sorted.
arrived() {
	kc-consume "$src" -e -f '%s\n' | sort -V | paste -sd ' '
}

# What the ledger has, a line a record: "0/5 redriven".
ledger() {
	kc-consume "$dlq.kc-ledger" -e -j | jq -rs 'map(select(.key | startswith("run/") | not)) |
		INDEX(.key)[] | "\(.key) \(.json.state)"' | sort -V
}

states() { # -> "3 redriven", sorted
	ledger | cut -d' ' -f2 | sort | uniq -c | sed 's/^ *//' | paste -sd,
}

# Lag of the group: what is open.
lag() {
	kc-lag "kc-dlq.$dlq" | jq -s 'map(.lag) | add'
}

@test "redrive sends records back to where they died, without the headers of their death" {
	dead_letters 4
	exits 0 kc-dlq redrive "$dlq" --yes
	says "4 of 4 sent; run "
	[[ -z $output ]]
	[[ $(arrived) == "v0 v1 v2 v3" ]]
	kc-consume "$src" -e | jq -es --arg s "$src" --arg d "$dlq" 'map(select(.value == "v3")) | length == 1 and .[0].partition == 1 and
		.[0].key == "k3" and (.[0].headers | map(select(.key != "kc-redrive-run"))) == [
		{key: "trace", value: "t3"}, {key: "kc-origin", value: "\($s)/1/3"},
		{key: "kc-redrive-count", value: "1"}, {key: "kc-redrive-of", value: "\($d)/1/1"}]'
	[[ $(states) == "4 redriven" ]]
	[[ $(lag) == 0 ]]
}

@test "redrive twice sends once" {
	dead_letters 3
	kc-dlq redrive "$dlq" --yes
	exits 0 kc-dlq redrive "$dlq" --yes
	says "nothing to redrive"
	[[ $(arrived) == "v0 v1 v2" ]]
	[[ $(kc-dlq runs "$dlq" | wc -l) == 1 ]]
}

@test "the ledger says where each copy is" {
	dead_letters 6
	kc-dlq redrive "$dlq" --yes -q
	kc-consume "$dlq.kc-ledger" -e -j | jq -r 'select(.json.to) | .json.to' | sort -V >"$BATS_TEST_TMPDIR/said"
	kc-consume "$src" -e | jq -r '"\(.topic)/\(.partition)/\(.offset)"' | sort -V >"$BATS_TEST_TMPDIR/there"
	diff "$BATS_TEST_TMPDIR/said" "$BATS_TEST_TMPDIR/there"
}

@test "what is not selected stays open, and holds the mark" {
	dead_letters 6
	exits 0 kc-dlq redrive "$dlq" --class PriceException
	[[ $(arrived) == "v0 v3" ]]
	[[ $(lag) == 5 ]]
	exits 0 kc-dlq redrive "$dlq" 0:1 1:0
	[[ $(arrived) == "v0 v1 v2 v3" ]]
	[[ $(lag) == 2 ]]
	exits 0 kc-dlq redrive "$dlq" --key k4 --key k5 --message 'order [0-4]'
	[[ $(arrived) == "v0 v1 v2 v3 v4" ]]
	exits 0 kc-dlq redrive "$dlq" --origin "$src/1" -H trace=t5
	[[ $(arrived) == "v0 v1 v2 v3 v4 v5" ]]
	[[ $(lag) == 0 ]]
}

@test "a group of like failures can be named by the beginning of its id" {
	dead_letters 4
	exits 2 kc-dlq redrive "$dlq" --group abc
	exits 0 kc-dlq redrive "$dlq" --group 0000000000
	says "nothing to redrive"
}

@test "everything at once must be meant" {
	dead_letters 1
	for verb in redrive discard park restore; do
		exits 2 kc-dlq "$verb" "$dlq" </dev/null
		says "everything in '$dlq'? (there is no terminal to ask on; try: --yes)"
	done
	exits 2 kc-dlq redrive "$dlq" --state parked </dev/null
	[[ -z $(arrived) ]]
}

@test "a dry run changes nothing, with any verb, and makes no ledger" {
	dead_letters 3
	for verb in redrive discard park; do
		exits 0 kc-dlq "$verb" "$dlq" --dry-run
		says "would be: 3 of 3"
	done
	exits 0 kc-dlq note "$dlq" --dry-run text
	exits 0 kc-dlq purge "$dlq" --all --dry-run
	says "would be: 3 of 3 deleted"
	exits 0 kc-dlq restore "$dlq" --dry-run
	says "nothing to restore"
	exits 0 kc-dlq redrive "$dlq" -n --json
	jq -e '.dry_run and .selected == 3 and .sent == 3' <<<"$output"
	[[ -z $(kc-topics list "$dlq.kc-ledger") ]]
	[[ -z $(arrived) ]]
	[[ -z $(kc-lag "kc-dlq.$dlq" 2>/dev/null) ]]
}

@test "a dry run of what mends or decides changes nothing, either" {
	local f=$BATS_TEST_TMPDIR/f
	dead_letters 4
	kc-dlq discard "$dlq" 1:1 -q
	what_is() { kc-consume "$dlq" -e; kc-consume "$dlq.kc-ledger" -e; kc-consume "$src" -e; lag; kc-topics list; }
	what_is >"$BATS_TEST_TMPDIR/before"
	VISUAL="sed -i s/v0/mended/" exits 0 kc-dlq edit "$dlq" 0:0 --dry-run
	kc-dlq export "$dlq" 0:0 | jq -c '.value = "mended"' >"$f"
	exits 0 kc-dlq import "$dlq" "$f" --dry-run
	printf '%s\n' '- {name: all, match: {key: k2}, do: discard}' >"$f"
	exits 0 kc-dlq apply "$dlq" --rules "$f" --dry-run
	exits 0 kc-dlq restore "$dlq" --dry-run
	exits 0 kc-dlq purge "$dlq" --all --dry-run
	exits 0 kc-dlq rebuild "$dlq" --dry-run
	exits 0 kc-dlq redrive "$dlq" --dry-run
	what_is | diff "$BATS_TEST_TMPDIR/before" -
}

@test "discard, park and restore change states, and nothing is sent" {
	dead_letters 5
	exits 0 kc-dlq discard "$dlq" 0:0
	says "1 of 1 discarded"
	exits 0 kc-dlq park "$dlq" 1:0 --note "ask the shop"
	exits 0 kc-dlq redrive "$dlq" --yes
	[[ $(arrived) == "v2 v3 v4" ]]
	[[ $(states) == "1 discarded,1 parked,3 redriven" ]]
	[[ $(lag) == 0 ]]
	exits 0 kc-dlq restore "$dlq" --yes
	says "2 of 2 restored"
	[[ $(lag) == 5 ]]
	exits 0 kc-dlq redrive "$dlq" --yes
	[[ $(arrived) == "v0 v1 v2 v3 v4" ]]
	[[ $(states) == "5 redriven" ]]
	kc-consume "$dlq.kc-ledger" -e -j | jq -es 'map(select(.key == "1/0")) | last | .json.note == "ask the shop"'
}

@test "a record that came back is known by its headers, and parked when it comes back too often" {
	dead_letters 1
	for i in 1 2 3; do
		exits 0 kc-dlq redrive "$dlq" --yes
		# it dies again, with all its headers
		kc-consume "$src" -e | tail -n 1 | jq -c --arg s "$src" --arg d "$dlq" '.topic = $d | .partition = 1 | .headers += [
			{key: "__connect.errors.topic", value: $s}, {key: "__connect.errors.partition", value: "0"},
			{key: "__connect.errors.offset", value: "\(.offset)"}]' | kc-produce
	done
	exits 4 kc-dlq redrive "$dlq" --yes
	says "it was redriven 3 times and came back"
	says "0 of 1 sent; 1 parked, 0 failed and 0 skipped are still open"
	[[ $(states) == "1 parked,3 returned" ]]
	[[ $(kc-consume "$src" -e | jq -r '.headers[] | select(.key == "kc-redrive-count").value' | paste -sd ' ') == "1 2 3" ]]
	[[ $(kc-consume "$src" -e | jq -r '.headers[] | select(.key == "kc-origin").value' | sort -u) == "$src/0/0" ]]
	[[ $(lag) == 0 ]]
	kc-dlq runs "$dlq" --json | jq -es 'map(select(.sent == 1 and .returned == 1)) | length == 3'
}

@test "a record that came back without headers is known by its key and value" {
	dead_letters 1
	for i in 1 2; do
		exits 0 kc-dlq redrive "$dlq" --yes --to "$src"
		echo '{"key":"k0","value":"v0"}' | kc-produce "$dlq" -p 1
	done
	exits 4 kc-dlq redrive "$dlq" --yes --to "$src" --max-redrives 2
	says "it was redriven 2 times and came back"
	[[ $(states) == "1 parked,2 returned" ]]
}

@test "equal records that died apart are no returns of each other" {
	src=$(topic) dlq=$src.dlq
	kc-topics create -q "$src" "$dlq" -p 1
	for i in 1 2 3; do echo '{"key":"k","value":"same"}'; done | kc-produce "$dlq"
	exits 0 kc-dlq redrive "$dlq" 0:0 --to "$src" --max-redrives 1
	exits 0 kc-dlq redrive "$dlq" --yes --to "$src" --max-redrives 1 --rate 4/s
	[[ $(arrived) == "same same same" ]]
	[[ $(states) == "3 redriven" ]]
}

@test "any bytes come back as they were" {
	src=$(topic) dlq=$src.dlq
	kc-topics create -q "$src" "$dlq" -p 1
	{
		echo '{"key":null,"value":"{\"n\":9007199254740993,\"d\":1.10,\"z\":\"a\\u0000b\",\"e\":1e400}","headers":[]}'
		echo '{"key":"","value":"","headers":[{"key":"h","value":null},{"key":"h","value":""},{"key":"h","value":"2"},{"key":"h","value":{"base64":"/wA="}}]}'
		echo '{"key":{"base64":"AP8="},"value":{"base64":"/wD+"},"headers":[{"key":"","value":"x"}]}'
		echo '{"key":"k","value":null,"headers":[]}'
	} >"$BATS_TEST_TMPDIR/in"
	kc-produce "$dlq" <"$BATS_TEST_TMPDIR/in"
	exits 0 kc-dlq redrive "$dlq" --yes --to "$src"
	kc-consume "$src" -e | jq -c '{key, value, headers: [.headers[] | select(.key | startswith("kc-") | not)]}' >"$BATS_TEST_TMPDIR/out"
	diff "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
}

@test "what cannot be sent is named, stays open, and does not hold up the others" {
	dead_letters 4
	kc-topics create -q "$src-small" -c max.message.bytes=2000
	jq -nc --arg s "$src" --arg d "$dlq" '{topic: $d, partition: 0, key: "big", value: ("x" * 5000), headers: [
		{key: "__connect.errors.topic", value: $s}, {key: "__connect.errors.partition", value: "0"}, {key: "__connect.errors.offset", value: "9"}]}' | kc-produce
	echo '{"key":"nowhere","value":"x"}' | kc-produce "$dlq" -p 1
	exits 4 kc-dlq redrive "$dlq" --yes
	says "'$dlq' 1:2: its headers do not tell where it came from (--to TOPIC)"
	says "5 of 6 sent; 0 parked, 1 failed and 0 skipped are still open"
	exits 0 kc-dlq restore "$dlq" --yes --state redriven
	exits 4 kc-dlq redrive "$dlq" --yes --to "$src-small"
	says "'$dlq' 0:2: "
	says "5 of 6 sent"
	[[ $(states) == "1 open,5 redriven" ]]
	[[ $(lag) -ge 1 ]]
}

@test "dead letters of dead letters are refused" {
	dead_letters 1
	exits 2 kc-dlq redrive "$dlq" --yes --to "$dlq"
	says "is a dead-letter topic itself"
	exits 2 kc-dlq redrive "$dlq" --yes --to "orders-dlt"
	echo '{"value":"x","headers":[{"key":"__connect.errors.topic","value":"'"$dlq"'"},{"key":"__connect.errors.partition","value":"0"},{"key":"__connect.errors.offset","value":"0"}]}' | kc-produce "$dlq" -p 1
	exits 1 kc-dlq redrive "$dlq" 1:0
	says "is a dead-letter topic itself"
	exits 2 kc-dlq redrive "$dlq.kc-ledger" --yes
	says "is a ledger"
	exits 1 kc-dlq redrive "$dlq-not" --yes
	says "does not exist (did you mean '$dlq'?)"
}

@test "a partition that is not there: the key decides, as in Java" {
	src=$(topic) dlq=$src.dlq
	kc-topics create -q "$src" -p 3
	kc-topics create -q "$dlq" -p 1
	for i in 1 2 3 4 5 6; do
		echo '{"key":"k'$i'","value":"v'$i'","headers":[{"key":"__connect.errors.topic","value":"'"$src"'"},{"key":"__connect.errors.partition","value":"7"},{"key":"__connect.errors.offset","value":"'$i'"}]}'
	done | kc-produce "$dlq"
	exits 0 kc-dlq redrive "$dlq" --yes
	kc-consume "$src" -e -f '%k %p\n' | sort >"$BATS_TEST_TMPDIR/got"
	kc-topics create -q "$src-2" -p 3
	kc-consume "$dlq" -e | jq -c '{key, value}' | kc-produce "$src-2"
	kc-consume "$src-2" -e -f '%k %p\n' | sort | diff "$BATS_TEST_TMPDIR/got" -
}

@test "headers and time of the copies can be shaped" {
	dead_letters 1
	exits 0 kc-dlq redrive "$dlq" --yes --headers keep --headers -trace --headers +who=me --timestamp origin
	at=$(kc-consume "$dlq" -e | jq .timestamp)
	kc-consume "$src" -e | jq -e --argjson at "$at" '.timestamp == $at and
		([.headers[].key] | index("trace") == null and index("__connect.errors.topic") != null and index("who") != null)'
	exits 2 kc-dlq redrive "$dlq" --yes --headers what
}

@test "a copy with the time of its origin that retention would delete at once is not sent" {
	local old=$(($(date +%s) * 1000 - 7200000))
	src=$(topic) dlq=$src.dlq
	kc-topics create -q "$src" "$dlq" -c retention.ms=-1
	kc-topics alter -q "$src" -c retention.ms=3600000
	for i in 0 1; do
		letter $i | jq -c --argjson at "$((old + i * 7000000))" '.partition = 0 | .timestamp = $at | .headers[2].value = "0"'
	done | kc-produce
	exits 4 kc-dlq redrive "$dlq" --yes --timestamp origin
	says "'$dlq' 0:0: it is older than topic '$src' keeps records (retention.ms=3600000): it would be deleted at once (--timestamp now)"
	[[ $(arrived) == v1 && $(states) == "1 redriven" ]]
	exits 0 kc-dlq redrive "$dlq" --yes
	[[ $(arrived) == "v0 v1" ]]
}

@test "a newer record of the same key: parked where the target is compacted, sent elsewhere, or as is said" {
	src=$(topic) dlq=$src.dlq
	kc-topics create -q "$src" -p 1 -c cleanup.policy=compact
	kc-topics create -q "$dlq" -p 1
	printf '{"key":"%s","value":"%s"}\n' a old b old a new | kc-produce "$src"
	printf '{"key":"%s","value":"old","headers":[{"key":"__connect.errors.topic","value":"'"$src"'"},{"key":"__connect.errors.partition","value":"0"},{"key":"__connect.errors.offset","value":"%d"}]}\n' a 0 b 1 |
		kc-produce "$dlq"
	exits 4 kc-dlq redrive "$dlq" --yes -n --if-newer skip
	says "'$dlq' 0:0: skipped: its key has a newer record, '$src' 0:2 (--if-newer)"
	exits 0 kc-dlq redrive "$dlq" --yes -n --if-newer send
	exits 4 kc-dlq redrive "$dlq" --yes
	[[ $(ledger | paste -sd,) == "0/0 parked,0/1 redriven" ]]
	# its own redriven copy is not newer than a record
	exits 0 kc-dlq restore "$dlq" --yes --state redriven
	exits 0 kc-dlq redrive "$dlq" --yes --if-newer park
	[[ $(arrived) == "new old old old old" ]]
}

@test "via mends records, leaves some out, and may not lie" {
	dead_letters 6
	exits 1 kc-dlq redrive "$dlq" --yes --via 'jq -c "del(.src)"'
	says "its answer has no src"
	exits 1 kc-dlq redrive "$dlq" --yes --via 'jq -c ".src = \"x/0/1\""'
	says "it answered for 'x/0/1', which it was not asked"
	exits 1 kc-dlq redrive "$dlq" --yes --via 'jq -c "., ."'
	says "it answered twice"
	exits 1 kc-dlq redrive "$dlq" --yes --via 'jq -c .value=1'
	says "its answer: byte"
	exits 1 kc-dlq redrive "$dlq" --yes --via 'cat; echo no good >&2; exit 3'
	says "it ended with status 3: no good"
	exits 2 kc-dlq redrive "$dlq" --yes --via
	[[ -z $(arrived) ]]
	kc-dlq runs "$dlq" --json | jq -es 'map(.state == "failed" and .sent == 0) | all and length == 5'
	exits 4 kc-dlq redrive "$dlq" --yes --via 'jq -c "select(.key != \"k1\") | if .key == \"k2\" then .value = \"mended\" | .headers = [] else . end"'
	says "'$dlq' 1:0: skipped: the command of --via left it out"
	[[ $(arrived) == "mended v0 v3 v4 v5" ]]
	[[ $(states) == "1 edited,4 redriven" ]]
	kc-consume "$src" -e | jq -es 'map(select(.value == "mended"))[0].headers | from_entries | has("kc-edited") and has("kc-redrive-of") and (has("trace") | not)'
	exits 1 kc-dlq redrive "$dlq" --yes --check 'echo why not >&2; false'
	says "'$dlq' 1:0: --check: it ended with status 1: why not"
	exits 1 kc-dlq redrive "$dlq" --yes --via 'jq -c ".topic = \"'"$dlq-2"'\""'
	says "topic '$dlq-2' does not exist"
	exits 0 kc-dlq redrive "$dlq" --yes --check 'grep -q "\"k1\""'
	[[ $(arrived) == "mended v0 v1 v3 v4 v5" ]]
}

@test "a payload that is not in the dead letter is fetched where it died" {
	src=$(topic) dlq=$src.dlq
	kc-topics create -q "$src" "$dlq" -p 1
	printf '{"key":"k%d","value":"v%d","headers":[{"key":"h","value":"%d"}]}\n' 0 0 0 1 1 1 | kc-produce "$src"
	for o in 1 7; do
		echo '{"key":null,"value":null,"headers":[{"key":"__dlq.errors.topic","value":"'"$src"'"},{"key":"__dlq.errors.partition","value":"0"},{"key":"__dlq.errors.offset","value":"'$o'"},{"key":"__dlq.errors.group","value":"g"}]}'
	done | kc-produce "$dlq"
	exits 4 kc-dlq redrive "$dlq" --yes
	says "'$dlq' 0:1: its source record '$src' [0] offset 7 is gone"
	kc-consume "$src" -e | jq -es 'map(select(.headers | from_entries | has("kc-redrive-of"))) | length == 1 and .[0].key == "k1" and .[0].value == "v1" and (.[0].headers[0] == {key: "h", value: "1"})'
}

@test "what was exported and mended is sent by import, checked against the ledger" {
	dead_letters 6
	f=$BATS_TEST_TMPDIR/f
	kc-dlq export "$dlq" 0:0-1 1:0 | jq -c 'if .key == "k1" then .value = "mended" | .headers += [{key: "kc-redrive-of", value: "a/0/1"}] else . end' >"$f"
	exits 0 kc-dlq import "$dlq" "$f" --dry-run
	[[ -z $(arrived) ]]
	kc-dlq discard "$dlq" 0:1 -q
	exits 4 kc-dlq import "$dlq" "$f"
	says "'$dlq' 0:1: is not open: it is discarded"
	says "1 of 3 were not sent"
	[[ $(arrived) == "mended v0" ]]
	[[ $(ledger | paste -sd,) == "0/0 redriven,0/1 discarded,1/0 edited" ]]
	kc-consume "$src" -e | jq -es --arg d "$dlq" 'map(select(.value == "mended"))[0].headers | map(select(.key == "kc-redrive-of").value) == ["\($d)/1/0"]
		and any(.key == "kc-edited") and any(.key == "trace") and all(.key != "__connect.errors.topic")'
	exits 1 kc-dlq import "$dlq" "$f"
	[[ $(arrived) == "mended v0" ]]
	kc-consume "$dlq" -e >"$f"
	exits 1 kc-dlq import "$dlq" "$f"
	says "line 1: no src: it says which dead letter it is"
	kc-consume "$src" -e --src >"$f"
	exits 1 kc-dlq import "$dlq" "$f"
	says "is of another topic than '$dlq'"
	kc-dlq export "$dlq" 0:2 | sed p | kc-dlq import "$dlq" 2>"$f" || status=$?
	[[ $status == 1 ]]
	grep -q "is there twice" "$f"
}

@test "edit sends what the editor made of a record, and keeps what could not be sent" {
	dead_letters 2
	export TMPDIR=$BATS_TEST_TMPDIR
	VISUAL="sed -i s/v0/mended/" exits 0 kc-dlq edit "$dlq" 0:0
	says '- value "v0"'
	says '+ value "mended"'
	[[ $stderr != *"- key"* && $stderr != *"+ key"* && $stderr != *"header"* ]]
	[[ $(arrived) == "mended" ]]
	[[ $(states) == "1 edited" ]]
	VISUAL=true exits 1 kc-dlq edit "$dlq" 1:0
	says "nothing was changed"
	VISUAL=false exits 1 kc-dlq edit "$dlq" 1:0
	says "the editor ended with status 1"
	[[ -z $(ls "$TMPDIR"/kc-dlq-* 2>/dev/null) ]]
	VISUAL="sed -i s/:/=/" exits 1 kc-dlq edit "$dlq" 1:0
	says "what was edited is still in"
	[[ -n $(ls "$TMPDIR"/kc-dlq-*) ]]
	# someone else was faster
	VISUAL="kc-dlq discard $dlq 1:0 -q; sed -i s/v1/late/" exits 1 kc-dlq edit "$dlq" 1:0
	says "is not open: it is discarded"
	exits 1 kc-dlq edit "$dlq" 1:0
	says "no such open record"
	exits 2 kc-dlq edit "$dlq"
	[[ $(arrived) == "mended" ]]
	dead_letters 1 2
	VISUAL='' EDITOR='' exits 2 kc-dlq edit "$dlq" 0:1 </dev/null
	says "an editor needs a terminal"
}

# What a person at a terminal types, a line an answer; what they see is in $output.
typed() { # ANSWERS COMMAND
	run script -qec "$2" /dev/null <<<"$1"
}

@test "edit at a terminal shows what was changed and asks before it is sent" {
	dead_letters 2
	export TMPDIR=$BATS_TEST_TMPDIR VISUAL="sed -i -e s/v0/mended/ -e s/trace/track/"
	typed n "kc-dlq edit $dlq 0:0"
	[[ $status == 1 && $output == *'- value "v0"'* && $output == *'+ value "mended"'* && $output == *"send it?"* ]]
	[[ $output == *"what was edited is still in"* && -z $(arrived) ]]
	typed y "kc-dlq edit $dlq 0:0 --rate max"
	[[ $status == 0 && $(arrived) == "mended" ]]
	export VISUAL="sed -i s/v1/well/"
	run script -qec "kc-dlq edit $dlq 1:0 --yes" /dev/null </dev/null
	[[ $status == 0 && $output != *"send it?"* && $(arrived) == *well* ]]
}

@test "triage goes through the groups, the largest first, and does what is answered" {
	dead_letters 6
	exits 2 kc-dlq triage "$dlq" </dev/null
	says "there is no terminal (kc-dlq groups $dlq lists"
	typed $'?\ns\nn\nask the shop\nr\nd\nnobody wants them\np\n\nq' "kc-dlq triage $dlq"
	[[ $status == 0 ]]
	[[ $output == *"1 of 2: 4 open"*"class    java.util.concurrent.TimeoutException"* ]]
	[[ $output == *"redrive a few, watch, then the others"* ]]
	[[ $output == *"note     ask the shop"*"1 of 2: 3 open"*"1 of 1: 2 open"*"nothing is open"* ]]
	[[ $(states) == "3 discarded,2 parked,1 redriven" ]]
	[[ $(arrived | wc -w) == 1 ]]
	[[ $(kc-dlq list "$dlq" --state discarded --json | jq -r .note | sort -u) == "nobody wants them" ]]
}

@test "triage --dry-run changes nothing, and a question is answered at a terminal" {
	dead_letters 2
	typed $'a\nd\n\nq' "kc-dlq triage $dlq --dry-run"
	[[ $status == 0 ]]
	[[ -z $(arrived) && -z $(kc-topics list "$dlq.kc-ledger") ]]
	typed $'d\nno\nn\nN\np\nn\nq' "kc-dlq triage $dlq"
	[[ $status == 0 && $(grep -o "nothing was done" <<<"$output" | wc -l) == 3 ]]
	[[ -z $(kc-topics list "$dlq.kc-ledger") ]]
	typed n "kc-dlq redrive $dlq"
	[[ $status == 1 && $output == *"redrive everything in '$dlq'? [y/N]"* ]]
	[[ -z $(arrived) ]]
	typed y "kc-dlq redrive $dlq"
	[[ $status == 0 ]]
	[[ $(arrived) == "v0 v1" ]]
}

@test "a group that has members is refused" {
	dead_letters 1
	kc-consume -g "kc-dlq.$dlq" "$dlq" >"$BATS_TEST_TMPDIR/got" 3>&- &
	pid=$!
	eventually test -s "$BATS_TEST_TMPDIR/got"
	exits 5 kc-dlq redrive "$dlq" --yes
	says "group 'kc-dlq.$dlq' has 1 member"
	kill $pid
	wait $pid || true
	[[ -z $(arrived) ]]
	# it has committed what it read
	exits 0 kc-dlq redrive "$dlq" --yes --assume-none
}

@test "the ledger is the authority: offsets of the group that expired change nothing" {
	dead_letters 4
	kc-dlq redrive "$dlq" 0:0 1:0 -q
	kc-lag delete -y --offsets-of "$dlq" "kc-dlq.$dlq" -q
	[[ -z $(kc-lag "kc-dlq.$dlq" 2>/dev/null | jq -r 'select(.committed)') ]]
	exits 0 kc-dlq redrive "$dlq" --yes
	[[ $(arrived) == "v0 v1 v2 v3" ]]
	[[ $(lag) == 0 ]]
}

@test "binary origins, second deaths and large records go where they belong" {
	src=$(topic) dlq=$src.dlq
	kc-topics create -q -p 4 "$src"
	kc-topics create -q "$dlq" -c max.message.bytes=2M
	{
		# Spring: partition 3 as four bytes, offset 7 as eight
		jq -nc --arg s "$src" '{key: "spring", value: "a", headers: [{key: "kafka_dlt-original-topic", value: $s},
			{key: "kafka_dlt-original-partition", value: {base64: "AAAAAw=="}},
			{key: "kafka_dlt-original-offset", value: {base64: "AAAAAAAAAAc="}},
			{key: "kafka_dlt-exception-fqcn", value: "X"}]}'
		# SmallRye: its newest headers stand in front
		jq -nc --arg s "$src" '{key: "smallrye", value: "b", headers: [{key: "dead-letter-topic", value: $s}, {key: "dead-letter-partition", value: "2"},
			{key: "dead-letter-offset", value: "9"}, {key: "dead-letter-reason", value: "new"}, {key: "dead-letter-topic", value: "other"},
			{key: "dead-letter-partition", value: "0"}, {key: "dead-letter-offset", value: "1"}, {key: "dead-letter-reason", value: "old"}]}'
		head -c 1048000 /dev/zero | tr '\0' z | jq -Rc --arg s "$src" '{key: "large", value: ., headers: [{key: "__dlq.errors.topic", value: $s},
			{key: "__dlq.errors.partition", value: "1"}, {key: "__dlq.errors.offset", value: "1"}]}'
	} | kc-produce "$dlq" -p 0
	exits 0 kc-dlq redrive "$dlq" --yes
	[[ $(kc-consume "$src" -e -f '%k %p %S\n' | sort | paste -sd,) == "large 1 1048000,smallrye 2 1,spring 3 1" ]]
	kc-consume "$src" -e | jq -es 'map(.headers[].key) | all(startswith("kc-"))'
}

@test "limit sends the first N; resume goes on with the same selection and no newer records" {
	dead_letters 6
	exits 0 kc-dlq redrive "$dlq" --class TimeoutException --limit 1 --run first
	[[ $(states) == "1 redriven" ]]
	dead_letters 6 6
	exits 0 kc-dlq redrive "$dlq" --resume first
	says "4 of 4 sent; run first"
	[[ $(arrived) == "v1 v2 v4 v5" ]]
	exits 1 kc-dlq redrive "$dlq" --resume other
	says "there is no redrive 'other'"
	exits 1 kc-dlq redrive "$dlq" --yes --run first
	says "there was a run 'first' already"
	exits 2 kc-dlq redrive "$dlq" --yes --run 'a/b'
}

@test "a canary that comes back stops the rest" {
	dead_letters 10
	# what is sent dies again at once
	kc-consume "$src" -c 2 | jq -c --unbuffered --arg d "$dlq" '.topic = $d | .partition = 0' | kc-produce 3>&- &
	exits 3 kc-dlq redrive "$dlq" --yes --canary 2 --watch 20s
	wait $!
	says "came back: stopped"
	[[ $(states) == "2 returned" || $(states) == "1 redriven,1 returned" ]]
	kc-dlq runs "$dlq" --json | jq -e '.state == "stopped" and .sent == 2 and .returned >= 1'
}

@test "a canary that stays away lets the rest go" {
	dead_letters 10
	exits 0 kc-dlq redrive "$dlq" --yes --canary 2 --watch 200ms
	says "2 sent; watching for returns"
	[[ $(states) == "10 redriven" ]]
}

@test "the rate is kept" {
	dead_letters 10
	begin=$EPOCHREALTIME
	exits 0 kc-dlq redrive "$dlq" --yes --rate 10/s
	awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { exit !(b - a > 0.7) }'
	exits 2 kc-dlq redrive "$dlq" --yes --rate fast
	says "is no rate"
	exits 0 kc-dlq redrive "$dlq" --yes --rate 1MB/s
}

@test "a signal ends it between two transactions, and another run finishes" {
	dead_letters 40
	kc-dlq redrive "$dlq" --yes --rate 2/s --run slow 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	pid=$!
	eventually eval '[[ -n $(arrived) ]]'
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	[[ $status == 143 ]]
	kc-dlq runs "$dlq" slow --json | jq -e '.state == "stopped" and .sent < 40 and .sent > 0'
	exits 0 kc-dlq redrive "$dlq" --resume slow --rate max
	[[ $(arrived) == "$(printf 'v%d\n' {0..39} | paste -sd ' ')" ]]
	[[ $(states) == "40 redriven" ]]
}

@test "a twin takes over: the first is fenced, says by whom, and nothing is sent twice" {
	dead_letters 40
	kc-dlq redrive "$dlq" --yes --rate 2/s --run first 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	pid=$!
	eventually eval '[[ -n $(arrived) ]]'
	exits 0 kc-dlq redrive "$dlq" --yes --rate max --run second
	status=0
	wait $pid || status=$?
	cat "$BATS_TEST_TMPDIR/err"
	[[ $status == 5 ]]
	grep -q "another run has taken over: second of .* (pid [0-9]*) since 20" "$BATS_TEST_TMPDIR/err"
	[[ $(arrived) == "$(printf 'v%d\n' {0..39} | paste -sd ' ')" ]]
}

@test "a ledger that was deleted is noticed" {
	dead_letters 3
	kc-dlq redrive "$dlq" --yes -q
	kc-topics delete -q --yes "$dlq.kc-ledger"
	eventually eval '[[ -z $(kc-topics list "$dlq.kc-ledger") ]]'
	exits 1 kc-dlq redrive "$dlq" --yes
	says "the ledger of '$dlq' is gone"
	[[ $(arrived) == "v0 v1 v2" ]]
	exits 0 kc-dlq discard "$dlq" --yes --assume-none
	[[ $(states) == "3 discarded" ]]
}

@test "a topic that was made anew is not taken for the one that its ledger is of" {
	dead_letters 6
	kc-dlq redrive "$dlq" --yes -q
	kc-topics delete -q --yes "$dlq"
	eventually eval '[[ -z $(kc-topics list "$dlq") ]]'
	kc-topics create -q -p 2 "$dlq"
	dead_letters 2 6
	exits 1 kc-dlq redrive "$dlq" --yes
	says "the ledger tells of records that '$dlq' does not have yet: it was made anew"
	says "(kc-topics delete $dlq.kc-ledger, and then --assume-none)"
	for verb in list groups check; do
		kc-dlq "$verb" "$dlq" 2>&1 | grep -q "was made anew, and states are those of the one before"
	done
	kc-topics delete -q --yes "$dlq.kc-ledger"
	eventually eval '[[ -z $(kc-topics list "$dlq.kc-ledger") ]]'
	exits 0 kc-dlq redrive "$dlq" --yes --assume-none
	says "2 of 2 sent"
	[[ $(arrived) == "v0 v1 v2 v3 v4 v5 v6 v7" ]]
}

@test "a topic that was made anew: of a ledger in a file the path is told" {
	local ledger=$BATS_TEST_TMPDIR/ledger
	dead_letters 3
	kc-dlq discard "$dlq" --yes -q --ledger "file:$ledger"
	kc-topics delete -q --yes "$dlq"
	eventually eval '[[ -z $(kc-topics list "$dlq") ]]'
	kc-topics create -q -p 2 "$dlq"
	dead_letters 1 3
	exits 1 kc-dlq redrive "$dlq" --yes --ledger "file:$ledger"
	says "it was made anew, and the ledger is of the one before (rm $ledger, and then --assume-none)"
	rm "$ledger"
	exits 0 kc-dlq redrive "$dlq" --yes --ledger "file:$ledger" --assume-none
	[[ $(arrived) == "v3" ]]
}

@test "a lost ledger is rebuilt from the headers of what was sent" {
	dead_letters 6
	kc-dlq redrive "$dlq" --class PriceException -q
	kc-dlq redrive "$dlq" 0:1 -q --to "$src-other" 2>/dev/null || kc-dlq redrive "$dlq" 0:1 -q
	kc-dlq discard "$dlq" 1:0 -q
	kc-topics delete -q --yes "$dlq.kc-ledger"
	eventually eval '[[ -z $(kc-topics list "$dlq.kc-ledger") ]]'
	exits 0 kc-dlq rebuild "$dlq" --dry-run
	says "would be: 3 of 3 found again"
	exits 0 kc-dlq rebuild "$dlq"
	says "3 of 3 found again"
	[[ $(ledger | paste -sd,) == "0/0 redriven,0/1 redriven,1/1 redriven" ]]
	exits 0 kc-dlq redrive "$dlq" --yes
	says "3 of 3 sent"
	[[ $(arrived) == "v0 v1 v2 v3 v4 v5" ]]
}

@test "purge deletes what is resolved from the front, and nothing else" {
	dead_letters 8
	kc-dlq redrive "$dlq" 0:0-1 1:1 -q
	kc-dlq discard "$dlq" 1:2 -q
	exits 2 kc-dlq purge "$dlq" </dev/null
	says "for good? (there is no terminal"
	exits 0 kc-dlq purge "$dlq" --dry-run
	says "would be: 2 of 2 deleted"
	[[ $(kc-consume "$dlq" -e | wc -l) == 8 ]]
	exits 0 kc-dlq purge "$dlq" --yes --archive "$BATS_TEST_TMPDIR/archive"
	says "2 of 2 deleted"
	[[ $(jq -r .value "$BATS_TEST_TMPDIR/archive" | paste -sd ' ') == "v0 v2" ]]
	[[ $(stat -c %a "$BATS_TEST_TMPDIR/archive") == 600 ]]
	[[ $(kc-consume "$dlq" -e | wc -l) == 6 ]]
	[[ $(lag) == 6 ]]
	exits 0 kc-dlq redrive "$dlq" --yes
	exits 1 kc-dlq purge "$dlq" --yes --archive "$BATS_TEST_TMPDIR/archive"
	says "cannot make the archive"
	exits 0 kc-dlq purge "$dlq" --yes --before -1d
	[[ $(arrived) == "v0 v2 v3 v4 v6 v7 v1" || $(arrived) == "v0 v1 v2 v3 v4 v6 v7" ]]
	exits 0 kc-dlq purge "$dlq" --yes
	[[ -z $(kc-consume "$dlq" -e) ]]
	# what was discarded is forgotten, what was redriven stays counted
	[[ $(kc-consume "$dlq.kc-ledger" -e | jq -rs 'INDEX(.key)["1/2"].value') == null ]]
	[[ $(kc-consume "$dlq.kc-ledger" -e | jq -rs 'INDEX(.key)["0/0"].value') == *redriven* ]]
}

@test "purge of everything needs the name, and a compacted topic cannot be purged" {
	dead_letters 2
	exits 2 kc-dlq purge "$dlq" --all --yes
	says "--yes-i-mean $dlq"
	exits 2 kc-dlq purge "$dlq" --all --yes-i-mean "$src"
	[[ $(kc-consume "$dlq" -e | wc -l) == 2 ]]
	exits 0 kc-dlq purge "$dlq" --all --yes-i-mean "$dlq"
	[[ -z $(kc-consume "$dlq" -e) ]]
	exits 0 kc-dlq redrive "$dlq" --yes
	says "nothing to redrive"
	kc-topics create -q "$src-c.dlq" -c cleanup.policy=compact
	echo '{"key":"a","value":"b"}' | kc-produce "$src-c.dlq"
	exits 1 kc-dlq purge "$src-c.dlq" --all --yes-i-mean "$src-c.dlq"
	says "it is only compacted"
}

@test "a ledger in a file does the same" {
	dead_letters 5
	f=$BATS_TEST_TMPDIR/ledger
	exits 0 kc-dlq redrive "$dlq" 0:0 --ledger "file:$f"
	exits 0 kc-dlq discard "$dlq" 1:0 --ledger "file:$f" --note "no 'use' \"of\" it"
	exits 0 kc-dlq redrive "$dlq" --yes --ledger "file:$f"
	[[ $(arrived) == "v0 v2 v3 v4" ]]
	[[ $(kc-dlq runs "$dlq" --ledger "file:$f" | wc -l) == 3 ]]
	[[ -z $(kc-topics list "$dlq.kc-ledger") ]]
	[[ $(lag) == 0 ]]
	# a last line that a crash cut off
	printf '{"key":"0/0","val' >>"$f"
	exits 0 kc-dlq redrive "$dlq" --yes --ledger "file:$f"
	says "nothing to redrive"
	exec 8>>"$f"
	flock 8
	exits 5 kc-dlq redrive "$dlq" --yes --ledger "file:$f"
	says "another run has locked the ledger"
	exec 8>&-
	exits 2 kc-dlq redrive "$dlq" --yes --ledger "$f"
	says "is no ledger (file:PATH)"
}

@test "runs are listed, and a run by name" {
	dead_letters 2
	kc-dlq redrive "$dlq" 0:0 --run one -q
	kc-dlq discard "$dlq" 1:0 --run another -q
	[[ $(kc-dlq runs "$dlq" | cut -f1,2,3,7,8 | paste -sd,) == "one	redrive	done	1	1,another	discard	done	1	0" ]]
	kc-dlq runs "$dlq" one --json | jq -e '.run == "one" and .select == ["0:0"] and .sent == 1'
	exits 1 kc-dlq runs "$dlq" three
	exits 2 kc-dlq runs
}

@test "a run that was killed, or fenced, is not called running" {
	local pid
	dead_letters 40
	kc-dlq redrive "$dlq" --yes --rate 2/s --run one -q 3>&- &
	pid=$!
	eventually eval '[[ -n $(arrived) ]]'
	kc-dlq runs "$dlq" --json | jq -es 'map(.state) == ["running"]'
	kill -9 $pid
	wait $pid || true
	kc-dlq runs "$dlq" --json | jq -es 'map(.state) == ["interrupted"]'
	# gone on with: it runs
	kc-dlq redrive "$dlq" --resume one --rate 2/s -q 3>&- 2>/dev/null &
	pid=$!
	eventually eval 'kc-dlq runs "$dlq" --json | jq -es "map(.state) == [\"running\"]"'
	# fenced: its process is there still, perhaps, but another has written
	exits 0 kc-dlq discard "$dlq" --yes --run two
	kc-dlq runs "$dlq" --json | jq -es 'map([.run, .state]) == [["one", "interrupted"], ["two", "done"]]'
	wait $pid || [[ $? == 5 ]]
	kc-dlq runs "$dlq" --json | jq -es 'map(.state) == ["interrupted", "done"]'
}
