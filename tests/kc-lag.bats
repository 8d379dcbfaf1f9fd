#!/usr/bin/env bats
# kc-lag: lag of groups and partitions, and what can be wrong with it.
# shellcheck disable=SC2154

load lib/kc

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

@test "the broker is away: temporary" {
	exits 75 kc-lag -b localhost:1 --timeout 300ms
	says "cannot reach broker 'localhost:1': connection refused"
}
