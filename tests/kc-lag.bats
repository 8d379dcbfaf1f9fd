#!/usr/bin/env bats
# kc-lag: lag of groups and partitions, and what can be wrong with it.
# shellcheck disable=SC2154

load lib/kc
load lib/lag

setup_file() {
	start_broker
}

teardown_file() {
	stop_broker
}

# A row of the group, as the values of these members.
row() { # GROUP MEMBERS-AS-JQ
	kc-lag "$1" --json | jq -c "$2"
}

@test "a group that has read a part: lag, in a pipe as JSON" {
	t=$(topic)
	kc-topics create -q "$t" -p 1
	seq 10 | kc-produce --raw "$t"
	kc-consume "$t" -g "$t-g" -c 4 >/dev/null
	exits 0 kc-lag "$t-g"
	jq -e --arg g "$t-g" --arg t "$t" '.group == $g and .topic == $t and .partition == 0 and
		.committed == 4 and .start == 0 and .end == 10 and .lag == 6 and .lost == 0 and
		.ahead == 0 and .state == "Empty" and .protocol == "classic" and
		.status == "STOPPED" and (has("unread") or has("member") | not)' <<<"$output"
	[[ ${#lines[@]} -eq 1 ]]
}

@test "all groups, by names and by expressions" {
	t=$(topic)
	kc-topics create -q "$t" -p 1
	seq 10 | kc-produce --raw "$t"
	kc-consume "$t" -g "$t-a" -c 4 >/dev/null
	kc-consume "$t" -g "$t-b" -c 7 >/dev/null
	[[ $(kc-lag "^$t-" --summary --json | jq -r '"\(.group) \(.lag)"' | sort) == "$t-a 6"$'\n'"$t-b 3" ]]
	[[ $(kc-lag -g "$t-b" --json | jq -r .lag) == 3 ]]
	kc-lag --json | jq -s -e --arg g "$t-a" 'map(select(.group == $g)) | length == 1'
	exits 2 kc-lag '^('
	says "is not a regular expression"
	kc-lag list | awk -F'\t' -v g="$t-a" '$1 == g { found = $2 " " $3 " " $4 } END { exit found != "Empty classic 0" }'
}

@test "a group that does not exist is an answer of no, with the near one named" {
	t=$(topic)
	kc-topics create -q "$t"
	seq 3 | kc-produce --raw "$t"
	kc-consume "$t" -g "$t-group" -e >/dev/null
	exits 3 kc-lag "$t-grup"
	says "group '$t-grup' does not exist (did you mean '$t-group'?)"
	[[ -z $output ]]
	exits 3 kc-lag '^no-such-group'
	says "no group has such a name"
	exits 3 kc-lag "$t-group" "$t-none"
	[[ $(jq -r .group <<<"$output") == "$t-group" ]]
}

@test "the members of a JSON line are those that the manual names" {
	t=$(topic)
	cd "$BATS_TEST_TMPDIR"
	kc-topics create -q "$t" -p 3 -c cleanup.policy=compact
	seq 30 | jq -c --arg t "$t" '{topic: $t, key: "k", value: "v"}' | kc-produce -q
	commit "$t-g" "$t/0/1"
	holder "$t-g" one "$t"
	eventually stable "$t-g" 1
	sed -n '/^\.Sh JSON LINES/,/^\.Sh CHANGING/p' "$ROOT/man/kc-lag.1" | grep -oE '[a-z_]+' | sort -u >named
	kc-lag "$t-g" --isolation both --json | jq -r 'keys[]' | sort -u >there
	end_members
	is "$(comm -23 there named)" ""
	for name in group topic partition committed start end lag lost ahead unread age_ms age_source status reason state \
		protocol member client_id instance_id host coordinator; do
		grep -qx "$name" named
		[[ $name == instance_id ]] || grep -qx "$name" there
	done
}

@test "at a terminal: nothing but a word where there are no groups; else the worst first, as many as fit" {
	only_kc_broker "other suites left groups in the cluster"
	# shellcheck disable=SC2034 # of run_kc_broker
	local KC_BROKERS BROKER_PID BROKER_LOG i
	run_kc_broker --data-dir "$BATS_TEST_TMPDIR/broker"
	for opts in "" --json --summary "--by topic" "--columns kafka" --risk; do
		exits 0 kc-lag $opts
		[[ -z $output && -z $stderr ]]
		at_terminal "kc-lag $opts"
		is "$status ${lines[*]}" "0 kc-lag: there are no consumer groups (or none that you may describe)"
	done
	kc-topics create -q few -p 1
	seq 10 | kc-produce -q --raw few
	for i in 0 1 2 3 4 5 6 7 8 9; do commit "g$i" "few/0/$((10 - i))"; done
	ROWS=10 at_terminal kc-lag
	is "$(printf '%s\n' "${lines[@]}" | awk '{ print $1 }' | xargs)" "GROUP g9 g8 g7 g6 g5 g4 g3 kc-lag:"
	is "${lines[8]}" "kc-lag: 3 more groups: lag 3, STOPPED at worst (-a shows all)"
	ROWS=10 at_terminal "kc-lag -a"
	is "$(printf '%s\n' "${lines[@]}" | awk '{ print $1 }' | xargs)" "GROUP g9 g8 g7 g6 g5 g4 g3 g2 g1 g0"
	# what is no terminal has no colour, nor a header
	exits 0 kc-lag --summary --color always
	[[ ${#lines[@]} == 10 && $output != *$'\033'* ]]
	stop_broker
}

@test "the broker is away: temporary" {
	exits 75 kc-lag -b localhost:1 --timeout 300ms
	says "cannot reach broker 'localhost:1': connection refused"
}
