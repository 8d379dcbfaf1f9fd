#!/usr/bin/env bats
# kc-dlq and kc-replay as a user whom access control lists forbid a step: which right is missing is said, with what it is
# missing on, and nothing is sent. Only in make check-kafka: kc-broker has no such lists.
# shellcheck disable=SC2154,SC2164

load lib/kc
load lib/lag
load lib/acl

setup_file() {
	start_broker
}

teardown_file() {
	stop_broker
}

setup() {
	[[ -n ${KC_TEST_BROKERS-} ]] || skip "is about Apache Kafka's access control lists"
	cd "$BATS_TEST_TMPDIR"
}

# Sets $src and $dlq, names that nothing has yet: lists that are there before their topics have spread when these have.
named() {
	src=$(topic) dlq=$src.dlq
}

# The topics, a ledger with entries, and two dead letters.
letters() {
	kc-topics create -q -p 1 "$src" "$dlq"
	for o in 0 1; do
		printf '{"topic":"%s","partition":0,"key":"k%d","value":"v%d","headers":[{"key":"__connect.errors.topic","value":"%s"}' "$dlq" $o $o "$src"
		printf ',{"key":"__connect.errors.partition","value":"0"},{"key":"__connect.errors.offset","value":"%d"}]}\n' $o
	done | kc-produce
	kc-dlq discard "$dlq" 0:1 -q
	kc-dlq restore "$dlq" 0:1 -q
}

arrived() { kc-consume "$src" -e --isolation uncommitted -f '%s '; }

# What the user may do with one thing, and what is said of it.
refused() { # TEXT KIND NAME RIGHT...
	local text=$1 kind=$2 name=$3 right
	for right in "${@:4}"; do acl ALLOW "$kind" "$name" "$right"; done
	[[ $# -gt 3 ]] || acl DENY "$kind" "$name" DESCRIBE
	letters
	exits 5 guest kc-dlq redrive "$dlq" --yes
	says "$text"
	[[ -z $(arrived) ]]
	# who may do all does it then
	exits 0 kc-dlq redrive "$dlq" --yes
	says '2 of 2 sent'
}

@test "a redrive without READ of its dead letters" {
	named
	refused "'$dlq" TOPIC "$dlq" DESCRIBE
	named
	refused "not authorised for the topic (it needs READ)" TOPIC "$dlq" DESCRIBE
}

@test "a redrive without WRITE on its target" {
	named
	refused "topic '$src': cannot commit" TOPIC "$src" READ DESCRIBE DESCRIBE_CONFIGS
	named
	refused "not authorised for the topic (it needs WRITE)" TOPIC "$src" READ DESCRIBE DESCRIBE_CONFIGS
	# without transactions, too
	exits 0 kc-dlq restore "$dlq" --yes --state redriven
	exits 5 guest kc-dlq redrive "$dlq" --yes --eos scan
	says "topic '$src': not authorised for the topic (it needs WRITE)"
	[[ $(arrived) == "v0 v1 " ]]
}

@test "a redrive without READ or WRITE of its ledger" {
	named
	refused "ledger '$dlq.kc-ledger': '$dlq.kc-ledger' [0]: not authorised for the topic (it needs READ)" TOPIC "$dlq.kc-ledger" DESCRIBE WRITE
	named
	refused "topic '$dlq.kc-ledger': cannot commit" TOPIC "$dlq.kc-ledger" READ DESCRIBE
}

@test "a redrive without its group" {
	named
	refused "group 'kc-dlq.$dlq': not authorised for the group (it needs DESCRIBE)" GROUP "kc-dlq.$dlq"
	named
	refused "not authorised for the group (it needs READ)" GROUP "kc-dlq.$dlq" DESCRIBE
}

@test "a redrive without its transactional id, which it can do without" {
	local cluster
	named
	letters
	cluster=$(kc-dlq redrive "$dlq" --dry-run --plan - -q | jq -r '.cluster // empty')
	src=$(topic) dlq=$src.dlq
	acl DENY TXN "kc-dlq.$cluster.$dlq" WRITE
	letters
	exits 5 guest kc-dlq redrive "$dlq" --yes
	says "not authorised for the transactional id (it needs WRITE) (--eos scan does without transactions)"
	[[ -z $(arrived) ]]
	exits 0 guest kc-dlq redrive "$dlq" --yes --eos scan
	[[ $(arrived) == "v0 v1 " ]]
}

@test "a target that may not be seen" {
	named
	acl DENY TOPIC "$src" DESCRIBE
	letters
	exits 1 guest kc-dlq redrive "$dlq" --yes
	says "topic '$src' does not exist, or may not be seen"
	[[ -z $(arrived) ]]
}

@test "a replay without WRITE on its target, without its transactional id, without its group, without READ of its source" {
	named
	acl ALLOW TOPIC "$src" DESCRIBE
	acl ALLOW TOPIC "$src" DESCRIBE_CONFIGS
	letters
	exits 5 guest kc-replay "$dlq" --to "$src" --name "$src"
	says "'$src'"
	says "not authorised for the topic (it needs WRITE)"
	exits 5 guest kc-replay "$dlq" --to "$src" --name "$src-2" --eos scan
	says "not authorised for the topic (it needs WRITE)"
	[[ -z $(arrived) ]]
	named
	acl DENY TXN "kc-replay.$src" WRITE
	letters
	exits 0 guest kc-replay "$dlq" --to "$src" --name "$src"
	says "not authorised for the transactional id (it needs WRITE): mode scan then"
	exits 0 kc-replay verify "$src"
	named
	acl ALLOW GROUP "kc-replay.$src" DESCRIBE
	letters
	exits 0 guest kc-replay "$dlq" --to "$src" --name "$src"
	says "not authorised for the group (it needs READ): mode txn-checkpoint then"
	exits 0 kc-replay verify "$src"
	named
	acl ALLOW TOPIC "$dlq" DESCRIBE
	letters
	exits 5 guest kc-replay "$dlq" --to "$src" --name "$src"
	says "'$dlq' [0]: not authorised for the topic (it needs READ)"
	exits 1 kc-replay status "$src"
}
