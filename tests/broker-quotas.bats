#!/usr/bin/env bats
# Quotas, and what is set while the broker runs: stored, shown, kept over a
# restart, and in force.

load lib/kc

setup_file() {
	# a window of one second: what is allowed a second can be used at once
	run_kc_broker --data-dir "$BATS_FILE_TMPDIR/broker" -o quota.window.num=2 -o kc.client.metrics=log
}

teardown_file() {
	stop_broker
}

setup() {
	only_kc_broker
	data=$BATS_TEST_TMPDIR/data
	head -c 5000 /dev/zero | tr '\0' x >"$data"
}

ask() { # NAME VERSION [JSON]
	timeout 60 "$ROOT/tests/lib/ask" "$KC_BROKERS" "$@"
}

quota() { # TYPE NAME KEY VALUE: prints the code and the message
	ask AlterClientQuotas 1 "$(jq -nc --arg t "$1" --argjson n "$2" --arg k "$3" --argjson v "$4" \
		'{Entries:[{Entity:[{EntityType:$t,EntityName:$n}],Ops:[{Key:$k,Value:($v // 0),Remove:($v == null)}]}]}')" |
		jq -r '.Entries[0] | "\(.ErrorCode) \(.ErrorMessage)"'
}

alter() { # TYPE NAME CONFIG VALUE [OPERATION]
	ask IncrementalAlterConfigs 1 "$(jq -nc --argjson t "$1" --arg n "$2" --arg c "$3" --argjson v "$4" --argjson o "${5:-0}" \
		'{Resources:[{ResourceType:$t,ResourceName:$n,Configs:[{Name:$c,ConfigOperation:$o,Value:$v}]}]}')" |
		jq -r '.Responses[0] | "\(.ErrorCode) \(.ErrorMessage)"'
}

value() { # TYPE NAME CONFIG
	ask DescribeConfigs 4 "{\"Resources\":[{\"ResourceType\":$1,\"ResourceName\":\"$2\",\"ConfigurationKeys\":[\"$3\"]}]}" |
		jq -r '.Results[0].Configs[0] | "\(.Value) \(.ConfigSource) \(.ReadOnly)"'
}

# The milliseconds of librdkafka's word about being throttled, 0 = none.
throttled() { # KCAT-OPTION...
	timeout 60 kcat -b "$KC_BROKERS" -X debug=broker "$@" 2>&1 >/dev/null </dev/null |
		sed -n 's/.*throttled request for \([0-9]*\)ms.*/\1/p' | sort -n | tail -n 1 | grep . || echo 0
}

# A broker of the test's own, which ends with it.
own_broker() {
	run_kc_broker --data-dir "$BATS_TEST_TMPDIR/broker"
	own=$BROKER_PID
}

teardown() {
	[ -z "${own-}" ] || stop_broker
}

@test "quotas are set, shown, found by filters and dropped" {
	[ "$(quota client-id '"one"' producer_byte_rate 1000000)" = "0 null" ]
	[ "$(quota client-id null consumer_byte_rate 2000000)" = "0 null" ]
	[ "$(quota user '"u"' request_percentage 12.5)" = "0 null" ]
	exits 0 ask DescribeClientQuotas 1
	[ "$(jq '.Entries | length' <<<"$output")" = 3 ]
	exits 0 ask DescribeClientQuotas 1 '{"Components":[{"EntityType":"client-id","MatchType":1,"Match":null}],"Strict":true}'
	[ "$(jq -c '[.Entries[] | .Entity[0].EntityName, .Values[0].Key, .Values[0].Value]' <<<"$output")" = '[null,"consumer_byte_rate",2000000.0]' ] ||
		[ "$(jq -c '[.Entries[] | .Entity[0].EntityName, .Values[0].Key, .Values[0].Value]' <<<"$output")" = '[null,"consumer_byte_rate",2000000]' ]
	exits 0 ask DescribeClientQuotas 1 '{"Components":[{"EntityType":"user","MatchType":0,"Match":"u"}]}'
	[ "$(jq '.Entries[0].Values[0].Value' <<<"$output")" = 12.5 ]
	exits 0 ask DescribeClientQuotas 1 '{"Components":[{"EntityType":"zork","MatchType":0,"Match":"u"}]}'
	[ "$(jq .ErrorCode <<<"$output")" = 35 ]
	[ "$(quota client-id null consumer_byte_rate null)" = "0 null" ]
	exits 0 ask DescribeClientQuotas 1
	[ "$(jq '.Entries | length' <<<"$output")" = 2 ]
}

@test "what is no quota is refused in Kafka's words" {
	[ "$(quota client-id '"x"' bogus 1)" = "42 Invalid configuration key bogus" ]
	[ "$(quota client-id '"x"' connection_creation_rate 1)" = "42 Invalid configuration key connection_creation_rate" ]
	[ "$(quota ip '"127.0.0.1"' producer_byte_rate 1)" = "42 Invalid configuration key producer_byte_rate" ]
	[ "$(quota client-id '"x"' producer_byte_rate 0)" = "42 Quota producer_byte_rate must be greater than 0" ]
	[ "$(quota client-id '"x"' producer_byte_rate 1.5)" = "42 producer_byte_rate cannot be a fractional value." ]
	[ "$(quota client-id '""' producer_byte_rate 1)" = "42 Empty client-id not supported" ]
	[ "$(quota zork '"x"' producer_byte_rate 1)" = "42 Unhandled client quota entity type: zork" ]
	[ "$(quota ip '"nowhere"' connection_creation_rate 1)" = "42 nowhere is not a valid IP address" ]
	exits 0 ask AlterClientQuotas 1 '{"Entries":[{"Entity":[{"EntityType":"client-id","EntityName":"v"}],"Ops":[{"Key":"producer_byte_rate","Value":1}]}],"ValidateOnly":true}'
	exits 0 ask DescribeClientQuotas 1 '{"Components":[{"EntityType":"client-id","MatchType":0,"Match":"v"}]}'
	[ "$(jq '.Entries | length' <<<"$output")" = 0 ]
}

@test "a producer over its quota is told how long it is throttled, others are not" {
	[ "$(quota client-id '"slow"' producer_byte_rate 5000)" = "0 null" ]
	# 10 kB: 5 kB at once, the rest takes a second
	cat "$data" "$data" >"$data.twice"
	ms=$(throttled -P -t p -X client.id=slow "$data.twice")
	[ "$ms" -ge 500 ] && [ "$ms" -le 3000 ]
	[ "$(throttled -P -t p -X client.id=quick "$data" "$data")" = 0 ]
}

@test "the connection is not read while it is muted" {
	[ "$(quota client-id '"test"' producer_byte_rate 2000)" = "0 null" ]
	kcat -P -b "$KC_BROKERS" -t m </dev/null
	exits 0 timeout 60 "$ROOT/tests/lib/batches" "$KC_BROKERS" m throttled 4000
	# the second answer, on the same connection, came after what it was told
	read -r told waited <<<"$output"
	[ "$told" -ge 500 ] && [ "$waited" -ge "$told" ]
	[ "$(quota client-id '"test"' producer_byte_rate null)" = "0 null" ]
}

@test "a consumer over its quota is throttled, by its most specific quota" {
	for _ in 1 2 3 4; do kcat -P -b "$KC_BROKERS" -t c "$data"; done
	[ "$(quota client-id null consumer_byte_rate 10000000)" = "0 null" ]
	[ "$(throttled -C -e -t c -X client.id=any)" = 0 ]
	[ "$(quota client-id '"reader"' consumer_byte_rate 10000)" = "0 null" ]
	[ "$(throttled -C -e -t c -X client.id=reader)" -ge 300 ]
	[ "$(quota client-id null consumer_byte_rate null)" = "0 null" ]
}

@test "processing time counts, and every reply says what is owed" {
	[ "$(quota client-id '"test"' request_percentage 0.0001)" = "0 null" ]
	ask Metadata 7 '{"Topics":null}' >/dev/null
	exits 0 ask Metadata 7 '{"Topics":null}'
	[ "$(jq .ThrottleTimeMs <<<"$output")" -gt 0 ]
	[ "$(quota client-id '"test"' request_percentage null)" = "0 null" ]
}

@test "changes of topics over the quota are refused, and come again later" {
	[ "$(quota client-id '"test"' controller_mutation_rate 0.02)" = "0 null" ]
	make() {
		ask CreateTopics 7 "{\"Topics\":[{\"Name\":\"q-$1\",\"NumPartitions\":4,\"ReplicationFactor\":1}]}"
	}
	[ "$(make 1 | jq '.Topics[0].ErrorCode')" = 0 ]
	exits 0 make 2
	[ "$(jq '.Topics[0].ErrorCode' <<<"$output")" = 89 ]
	[ "$(jq .ThrottleTimeMs <<<"$output")" -gt 0 ]
	kc-broker fault clock +10m --data-dir "$BATS_FILE_TMPDIR/broker" >/dev/null
	[ "$(make 2 | jq '.Topics[0].ErrorCode')" = 0 ]
	[ "$(quota client-id '"test"' controller_mutation_rate null)" = "0 null" ]
}

@test "connections of an address over its rate wait their turn" {
	local start=${EPOCHREALTIME/./}
	[ "$(quota ip '"127.0.0.1"' connection_creation_rate 5)" = "0 null" ]
	for _ in 1 2 3 4 5 6 7 8 9 10; do ask ApiVersions 0 >/dev/null; done
	[ $(((${EPOCHREALTIME/./} - start) / 1000)) -ge 700 ]
	eventually eval '[ "$(quota ip "\"127.0.0.1\"" connection_creation_rate null)" = "0 null" ]'
}

@test "quotas and settings are there after kill -9" {
	own_broker
	[ "$(quota user '"kept"' producer_byte_rate 77)" = "0 null" ]
	[ "$(alter 4 1 message.max.bytes '"2000000"')" = "0 null" ]
	[ "$(alter 32 g consumer.session.timeout.ms '"46000"')" = "0 null" ]
	kill_broker
	own_broker
	exits 0 ask DescribeClientQuotas 1 '{"Components":[{"EntityType":"user","MatchType":0,"Match":"kept"}]}'
	[ "$(jq '.Entries[0].Values[0].Value | floor' <<<"$output")" = 77 ]
	[ "$(value 4 1 message.max.bytes)" = "2000000 2 false" ]
	[ "$(value 32 g consumer.session.timeout.ms)" = "46000 8 false" ]
}

@test "properties that can change take effect at once, others are refused" {
	kcat -P -b "$KC_BROKERS" -t d "$data"
	[ "$(alter 4 1 message.max.bytes '"1000"')" = "0 null" ]
	run kcat -P -b "$KC_BROKERS" -t d "$data"
	[ "$status" -ne 0 ]
	[ "$(value 2 d max.message.bytes)" = "1000 2 false" ]
	# of all brokers; the one's own wins
	[ "$(alter 4 "" message.max.bytes '"3000"')" = "0 null" ]
	[ "$(value 4 1 message.max.bytes)" = "1000 2 false" ]
	[ "$(alter 4 1 message.max.bytes null 1)" = "0 null" ]
	[ "$(value 4 1 message.max.bytes)" = "3000 3 false" ]
	[ "$(alter 4 "" message.max.bytes null 1)" = "0 null" ]
	kcat -P -b "$KC_BROKERS" -t d "$data"
	[[ $(alter 4 1 num.partitions '"3"') == "42 Cannot update these configs dynamically: [num.partitions]"* ]]
	[ "$(alter 4 1 zork '"3"')" = "40 Unknown broker config name: zork" ]
	[ "$(alter 4 7 message.max.bytes '"3"')" = "42 Unexpected broker id, expected 1, but received 7" ]
	[ "$(value 4 1 num.partitions)" = "1 5 true" ]
}

@test "connections are limited from now on" {
	[ "$(alter 4 1 max.connections.per.ip.overrides '"127.0.0.1:0"')" = "0 null" ]
	run ask ApiVersions 0
	[ "$output" = closed ] || [ "$status" -ne 0 ]
	# the other address is not
	KC_BROKERS="[::1]:${KC_BROKERS##*:}"
	[ "$(alter 4 1 max.connections.per.ip.overrides null 1)" = "0 null" ]
	KC_BROKERS="127.0.0.1:${KC_BROKERS##*:}"
	ask ApiVersions 0
}

@test "the logger's level is set while it runs" {
	[ "$(value 8 1 root)" = "INFO 6 false" ]
	[ "$(alter 8 1 root '"DEBUG"')" = "0 null" ]
	[ "$(value 8 1 root)" = "DEBUG 6 false" ]
	eventually grep -q " debug connection closed" "$BROKER_LOG"
	[ "$(alter 8 1 root '"INFO"')" = "0 null" ]
	[ "$(alter 8 1 other '"INFO"')" = "40 Logger other does not exist!" ]
	[[ $(alter 8 1 root '"LOUD"') == "40 Cannot set the log level of root to LOUD"* ]]
	[ "$(alter 8 1 root null 1)" = "42 Removing the log level of the root logger is not allowed" ]
}

@test "subscriptions to client metrics are checked, listed, and what is pushed is taken" {
	local id=11112222333344445555666677778888 sub
	push() { # SUBSCRIPTION TERMINATING CODEC
		ask PushTelemetry 0 "{\"ClientInstanceId\":\"$id\",\"SubscriptionId\":$1,\"Terminating\":$2,\"CompressionType\":$3,\"Metrics\":\"abc\"}" | jq .ErrorCode
	}
	[ "$(alter 16 s metrics '"*"')" = "0 null" ]
	[ "$(alter 16 s match '"client_id=te.*"')" = "0 null" ]
	[ "$(alter 16 s interval.ms '"200"')" = "0 null" ]
	[ "$(alter 16 s zork '"1"')" = "42 Unknown client metrics configuration: zork" ]
	[ "$(alter 16 s match '"zork=1"')" = "40 Illegal client matching pattern: zork=1" ]
	[[ $(alter 16 s interval.ms '"5"') == "42 Invalid value 5 for interval.ms"* ]]
	[ "$(ask ListConfigResources 0 | jq -c '[.ConfigResources[].ResourceName]')" = '["s"]' ]
	exits 0 ask GetTelemetrySubscriptions 0 "{\"ClientInstanceId\":\"$id\"}"
	[ "$(jq -c '[.RequestedMetrics, .PushIntervalMs]' <<<"$output")" = '[[""],200]' ]
	sub=$(jq .SubscriptionId <<<"$output")
	[ "$(push 5 false 0)" = 117 ]
	[ "$(push "$sub" false 9)" = 76 ]
	[ "$(push "$sub" false 0)" = 0 ]
	[ "$(push "$sub" true 0)" = 0 ]
	[ "$(push "$sub" true 0)" = 42 ]
	grep -q "client metrics came client=test .*bytes=3" "$BROKER_LOG"
}

@test "client metrics are not advertised unless they are wanted" {
	ask ApiVersions 0 | jq -e '[.ApiKeys[].ApiKey] | contains([71, 72])'
	own_broker
	ask ApiVersions 0 | jq -e '[.ApiKeys[].ApiKey] | (contains([71]) or contains([72])) | not'
	[ "$(ask GetTelemetrySubscriptions 0)" = closed ]
}

@test "features stay where they are, access control lists are off" {
	exits 0 ask UpdateFeatures 2 '{"FeatureUpdates":[{"Feature":"zork","MaxVersionLevel":1}]}'
	[ "$(jq .ErrorCode <<<"$output")" = 95 ]
	exits 0 ask UpdateFeatures 1 '{"FeatureUpdates":[{"Feature":"group.version","MaxVersionLevel":1}],"ValidateOnly":true}'
	[ "$(jq -c '[.ErrorCode, .Results[0].ErrorCode]' <<<"$output")" = "[0,0]" ]
	[ "$(ask DescribeAcls 2 | jq .ErrorCode)" = 54 ]
	[ "$(ask CreateAcls 2 '{"Creations":[{}]}' | jq '.Results[0].ErrorCode')" = 54 ]
	[ "$(ask DeleteAcls 2 '{"Filters":[{}]}' | jq '.FilterResults[0].ErrorCode')" = 54 ]
}

@test "nobody has a SCRAM password, and none is taken that nobody would ask for" {
	local codes='[.Results[] | [.User, .ErrorCode]]'
	[ "$(ask DescribeUserScramCredentials 0 '{"Users":null}' | jq -c "[.ErrorCode, $codes]")" = '[0,[]]' ]
	[ "$(ask DescribeUserScramCredentials 0 '{"Users":[]}' | jq -c "[.ErrorCode, $codes]")" = '[0,[]]' ]
	[ "$(ask DescribeUserScramCredentials 0 '{"Users":[{"Name":"a"},{"Name":"b"},{"Name":"a"}]}' | jq -c "$codes")" = '[["a",92],["b",91]]' ]
	[ "$(ask AlterUserScramCredentials 0 '{"Deletions":[{"Name":"a","Mechanism":1},{"Name":"b","Mechanism":2},{"Name":"b","Mechanism":1}],
		"Upsertions":[{"Name":"b","Mechanism":1,"Iterations":4096,"Salt":"s","SaltedPassword":"p"},{"Name":"c","Mechanism":2}]}' | jq -c "$codes")" = '[["a",91],["b",33],["c",33]]' ]
	[ "$(ask AlterUserScramCredentials 0 | jq -c "$codes")" = '[]' ]
}
