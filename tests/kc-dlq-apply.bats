#!/usr/bin/env bats
# kc-dlq apply: rules in order, the first that matches a record decides.

load lib/kc

setup_file() {
	start_broker
}

teardown_file() {
	stop_broker
}

# Sets $src and $dlq, with N dead letters of the first in the second, one partition each.
# Record i has key ki and value vi; every third died of PriceException now, the others of TimeoutException.
dead_letters() { # N
	local i class
	src=$(topic)
	dlq=$src.dlq
	kc-topics create -q "$src" "$dlq"
	for ((i = 0; i < $1; i++)); do
		class=java.util.concurrent.TimeoutException
		((i % 3)) || class=org.shop.PriceException
		printf '{"topic":"%s","key":"k%d","value":"v%d","headers":[' "$dlq" "$i" "$i"
		printf '{"key":"__connect.errors.%s","value":"%s"},' topic "$src" partition 0 offset "$i" exception.class.name "$class"
		printf '{"key":"__connect.errors.exception.message","value":"order %d failed"}]}\n' "$i"
	done | kc-produce
}

# A file of rules, from stdin.
rules() {
	cat >"$BATS_TEST_TMPDIR/rules"
	rules=$BATS_TEST_TMPDIR/rules
}

arrived() { # [TOPIC]
	kc-consume "${1-$src}" -e -f '%s\n' | sort -V | paste -sd ' '
}

# What is in this state: "0:0 0:3".
in_state() {
	kc-dlq list "$dlq" --state "$1" | grep -oE '^[0-9]+:[0-9]+' | sort -V | paste -sd ' '
}

@test "the first rule that matches decides, and what matches none stays open" {
	dead_letters 6
	rules <<-END
		- name: one-price
		  match: {message: '^order 3 '}
		  do: discard
		  note: a test
		- name: prices
		  match: {class: PriceException}
		  do: park
		- {name: late, match: {class: '*TimeoutException', message: ['order [12] ', 'order 3 ']}, do: redrive, rate: 50/s}
	END
	exits 0 kc-dlq apply "$dlq" --rules "$rules" --run r1
	says "one-price: 1 of 1 discarded; run r1.one-price"
	says "prices: 1 of 1 parked; run r1.prices"
	says "late: 2 of 2 sent; run r1.late"
	says "2 match no rule and stay open"
	[[ $(in_state discarded) == 0:3 ]]
	[[ $(in_state parked) == 0:0 ]]
	[[ $(in_state open) == "0:4 0:5" ]]
	[[ $(arrived) == "v1 v2" ]]
	kc-dlq show "$dlq" 0:3 --state discarded | grep -q 'a test'
	[[ $(kc-dlq runs "$dlq" --json | jq -r '"\(.run) \(.verb)"' | sort | paste -sd ,) == \
		"r1.late redrive,r1.one-price discard,r1.prices park" ]]
	# once more: nothing is left that they match
	exits 0 kc-dlq apply "$dlq" --rules "$rules"
	says "late: nothing to redrive"
	[[ $(arrived) == "v1 v2" ]]
}

@test "what an earlier rule matches is not for later ones, even when its limit left it open" {
	dead_letters 6
	rules <<-END
		- {name: some, match: {class: TimeoutException}, do: redrive, limit: 1, to: $src}
		- {name: others, do: park}
	END
	exits 0 kc-dlq apply "$dlq" --rules "$rules" --yes
	[[ $(in_state parked) == "0:0 0:3" ]]
	[[ $(in_state open) == "0:2 0:4 0:5" ]]
	[[ $(arrived) == v1 ]]
}

@test "a run of a rule goes on with what the rule matched, and not with more" {
	dead_letters 6
	rules <<-END
		- {name: first, match: {message: 'order 0 '}, do: redrive, limit: 0}
		- {name: second, match: {message: 'order [012] '}, do: redrive, limit: 1}
	END
	exits 0 kc-dlq apply "$dlq" --rules "$rules" --run r
	[[ $(arrived) == v1 ]]
	exits 0 kc-dlq redrive "$dlq" --resume r.second
	[[ $(arrived) == "v1 v2" ]]
	[[ $(in_state open) == "0:0 0:3 0:4 0:5" ]]
}

@test "a dry run counts each rule and changes nothing, and asks nothing" {
	dead_letters 6
	rules <<-END
		- {name: prices, match: {class: PriceException}, do: discard}
		- {name: others, do: redrive}
	END
	exits 0 kc-dlq apply "$dlq" --rules "$rules" --dry-run
	says "prices: would be: 2 of 2 discarded"
	says "others: would be: 4 of 4 sent"
	[[ $(in_state open) == "0:0 0:1 0:2 0:3 0:4 0:5" ]]
	[[ -z $(arrived) ]]
	[[ -z $(kc-topics list "$dlq.*") ]]
	exits 0 kc-dlq apply "$dlq" --rules - --dry-run --json <"$rules"
	jq -es 'map([.verb, .selected]) == [["discard", 2], ["redrive", 4]]' <<<"$output"
}

@test "a rule without a match must be meant" {
	dead_letters 2
	rules <<-END
		- {name: prices, match: {class: PriceException}, do: discard}
		- {name: others, do: park}
	END
	exits 2 kc-dlq apply "$dlq" --rules "$rules" </dev/null
	says "rule 'others'"
	says "--yes"
	[[ $(in_state open) == "0:0 0:1" ]]
	exits 0 kc-dlq apply "$dlq" --rules "$rules" --yes </dev/null
	[[ -z $(in_state open) ]]
}

@test "age, origin, scheme, key, and another topic" {
	dead_letters 4
	kc-topics create -q "$src.other"
	rules <<-END
		- {name: old, match: {age: '>7d'}, do: discard}
		- {name: elsewhere, match: {origin: nowhere}, do: discard}
		- {name: spring, match: {scheme: spring}, do: discard}
		- {name: one, match: {key: k3, origin: $src/0, age: ['<2d', '<1h']}, do: redrive, to: $src.other,
		   via: 'jq -c ".value = \"mended\""'}
	END
	exits 0 kc-dlq apply "$dlq" --rules "$rules"
	says "3 match no rule"
	[[ $(arrived "$src.other") == mended ]]
	[[ $(in_state open) == "0:0 0:1 0:2" ]]
}

@test "what a rule could not do makes the whole partial, and the others are done" {
	dead_letters 3
	rules <<-END
		- {name: broken, match: {class: TimeoutException}, do: redrive, to: $src.absent}
		- {name: prices, match: {class: PriceException}, do: park}
	END
	exits 4 kc-dlq apply "$dlq" --rules "$rules"
	says "rule 'broken': "
	says "1 of 2 rules were not done"
	[[ $(in_state open) == "0:1 0:2" ]]
	[[ $(in_state parked) == 0:0 ]]
	rules <<<"- {name: broken, match: {class: TimeoutException}, do: redrive, to: $src.absent}"
	exits 1 kc-dlq apply "$dlq" --rules "$rules"
}

@test "a canary that comes back ends it with 3, before the rules behind" {
	dead_letters 2
	rules <<-END
		- {name: times, match: {class: TimeoutException}, do: redrive, canary: 1}
		- {name: prices, match: {class: PriceException}, do: park}
	END
	# the handler is still broken: what is sent dies again
	kc-consume "$src" -c 1 -j 3>&- | jq -c --arg t "$dlq" '.topic = $t' | kc-produce 3>&- &
	exits 3 kc-dlq apply "$dlq" --rules "$rules" --watch 30s
	wait $!
	says "rule 'times': 1 of 1 sent came back"
	says "the rules behind 'times' were not applied"
	[[ -z $(in_state parked) ]]
}

@test "mistakes in rules are named with their line, and nothing is done" {
	dead_letters 2
	bad() { # WORDS: the rules from stdin are refused so
		rules
		exits 2 kc-dlq apply "$dlq" --rules "$rules" --yes
		says "rules' line $1"
	}
	bad "3: a rule has no member 'rat' (did you mean 'rate'?)" <<-END
		- name: a
		  do: redrive
		  rat: 50/s
	END
	bad "3: 'match' has no member 'clas' (did you mean 'class'?)" <<-END
		- name: a
		  match:
		    clas: X
		  do: park
	END
	bad "1: 'parc' is nothing to do (redrive, park, discard)" <<<"- {name: a, do: parc}"
	bad "1: a rule wants 'do'" <<<"- {name: a}"
	bad "1: a rule wants 'name'" <<<"- {do: park}"
	bad "1: 'rate' is not for 'do: park'" <<<"- {name: a, do: park, rate: 1/s}"
	bad "1: 'note' is not for 'do: redrive'" <<<"- {name: a, do: redrive, note: x}"
	bad "1: '2d' is no age" <<<"- {name: a, match: {age: 2d}, do: park}"
	bad "1: bad regular expression '('" <<<"- {name: a, match: {message: (}, do: park}"
	bad "1: 'limit' wants a whole number" <<<"- {name: a, do: redrive, limit: few}"
	bad "1: 'a b' is no name of a rule" <<<"- {name: a b, do: park}"
	bad "2: rule 'b' is never reached: 'a' matches everything" <<<$'- {name: a, do: park}\n- {name: b, do: park}'
	bad "2: there is a rule 'a' already, in line 1" <<<$'- {name: a, match: {key: x}, do: park}\n- {name: a, do: park}'
	bad "2: 'name' is there twice" <<<$'- name: a\n  name: b'
	bad "1: no rules" <<<"rules: 5"
	bad "1: no rules" </dev/null
	# what only redrive knows is looked at before any rule is applied, too
	bad "2: rule 'b': --rate: 'fast' is no rate" <<<$'- {name: a, match: {key: k0}, do: park}\n- {name: b, do: redrive, rate: fast}'
	bad "1: rule 'a': --to: '$dlq' is a dead-letter topic" <<<"- {name: a, do: redrive, to: $dlq}"
	[[ $(in_state open) == "0:0 0:1" ]]
	exits 2 kc-dlq apply "$dlq"
	says "which rules? (kc-dlq apply $dlq --rules FILE)"
	exits 2 kc-dlq apply "$dlq" --rules "$rules" --class X
	says "the rules select"
	exits 1 kc-dlq apply "$dlq" --rules "$BATS_TEST_TMPDIR/absent"
}
