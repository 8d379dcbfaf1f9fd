#!/usr/bin/env bats
# What kc-broker says about itself: /metrics, /healthz, status, the log.
load lib/kc

setup() {
	only_kc_broker
}

teardown() {
	stop_broker
}

start() { # OPTION...
	run_kc_broker --data-dir "$BATS_TEST_TMPDIR/data" "$@"
	export KC_BROKER_ADMIN=$BATS_TEST_TMPDIR/data/.admin
	url=$(kc-broker status --json | jq -r '.metrics // empty')
}

# GET: the status on the first line, then the body.
get() { # URL
	python3 -c '
import sys, urllib.error, urllib.request
try:
    r = urllib.request.urlopen(sys.argv[1], timeout=20)
except urllib.error.HTTPError as e:
    r = e
print(r.status)
sys.stdout.write(r.read().decode())' "$1"
}

# The text of /metrics is well formed: names, types before samples, histograms that add up.
check() {
	python3 -c '
import re, sys
kind, seen, last = {}, set(), {}
for line in sys.stdin.read().split("\n")[1:-1]:
    if line.startswith("# HELP "):
        continue
    if line.startswith("# TYPE "):
        _, _, name, what = line.split(" ")
        assert name not in kind, "two types: " + line
        assert what in ("counter", "gauge", "histogram"), line
        assert what != "counter" or name.endswith("_total"), "a counter is a _total: " + line
        kind[name] = what
        continue
    m = re.fullmatch(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-z_]+=\"[^\"]*\",?)*)\})? (-?[0-9.e+]+)", line)
    assert m, "malformed: " + line
    name, labels, value = m.groups()
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    assert name in kind or kind.get(base) == "histogram", "no type: " + line
    assert (name, labels) not in seen, "twice: " + line
    seen.add((name, labels))
    if name.endswith("_bucket"):
        key = base, re.sub(r",?le=\"[^\"]*\"", "", labels)
        assert float(value) >= last.get(key, 0), "falls: " + line
        last[key] = float(value)
assert len(seen) > 30, len(seen)'
}

value() { # SAMPLE: its value in /metrics
	get "$url" | awk -v s="$1" '$1 == s { print $2 }'
}

@test "metrics are off unless asked for, and on loopback" {
	start
	[ -z "$url" ]
	# shellcheck disable=SC2016
	! grep -q microhttpd "/proc/$BROKER_PID/maps"
	stop_broker
	start --metrics 0
	[[ $url == http://127.0.0.1:*/metrics ]]
}

@test "metrics are well formed, and count" {
	start --metrics 127.0.0.1:0
	kc-topics create -q t -p 2
	seq 1 100 | kc-produce -q --raw t
	kc-consume t -e >/dev/null
	get "$url" | check
	[ "$(value 'kafka_server_brokertopicmetrics_messagesin_total{topic="t"}')" = 100 ]
	[ "$(value 'kafka_server_brokertopicmetrics_bytesin_total{topic="t"}')" -gt 200 ]
	[ "$(value 'kafka_server_brokertopicmetrics_bytesout_total{topic="t"}')" -gt 200 ]
	[ "$(value kafka_server_replicamanager_partitioncount)" = 2 ]
	[ "$(get "$url" | awk '/^kafka_log_log_logendoffset{topic="t"/ { n += $2 } END { print n }')" = 100 ]
	[ "$(get "$url" | awk '/^kafka_network_requestmetrics_requests_total{request="Produce"/ { n += $2 } END { print (n > 0) }')" = 1 ]
	[ "$(value kc_broker_fsync_seconds_count)" -ge 1 ]
	[ "$(value kc_broker_commit_bytes_total)" -gt 200 ]
}

@test "compaction and open transactions are counted" {
	start --metrics 127.0.0.1:0 -o log.cleaner.backoff.ms=50
	cleaned() { (($(value kc_broker_cleaner_rounds_total) > 0)); }
	is_open() { [ "$(value kc_broker_transactions_open)" = "$1" ]; }
	kc-topics create -q c -c cleanup.policy=compact -c internal.segment.bytes=4000 -c min.cleanable.dirty.ratio=0
	jq -nc 'range(1000) | {key: "k\(. % 10)", value: "\(.)"}' |
		kc-produce -q -X batch.num.messages=20 -X linger.ms=0 c
	eventually cleaned
	[ "$(value kc_broker_cleaner_read_bytes_total)" -gt "$(value kc_broker_cleaner_kept_bytes_total)" ]
	[ "$(value kc_broker_cleaner_failures_total)" = 0 ]
	is_open 0
	[ "$(kc-broker status --json | jq .transactions_open)" = 0 ]
	kc-topics create -q t
	id=$("$BATS_TEST_DIRNAME"/lib/ask "$KC_BROKERS" InitProducerId 4 \
		'{"TransactionalId":"x","TransactionTimeoutMs":30000}' | jq .ProducerId)
	"$BATS_TEST_DIRNAME"/lib/ask "$KC_BROKERS" AddPartitionsToTxn 3 "{\"V3AndBelowTransactionalId\":\"x\",
		\"V3AndBelowProducerId\":$id,\"V3AndBelowProducerEpoch\":0,
		\"V3AndBelowTopics\":[{\"Name\":\"t\",\"Partitions\":[0]}]}" >/dev/null
	is_open 1
	[ "$(kc-broker status --json | jq .transactions_open)" = 1 ]
	get "$url" | check
}

@test "healthz says ok, and 503 with the reason when the log is read-only" {
	start --metrics 127.0.0.1:0
	exits 0 get "${url%metrics}healthz"
	[ "$output" = $'200\nok' ]
	kc-topics create -q t
	kc-broker fault add disk eio >/dev/null
	run kcat -b "$KC_BROKERS" -P -t t -p 0 -X retries=0 -X message.timeout.ms=5000 -X enable.idempotence=false <<<b
	exits 0 get "${url%metrics}healthz"
	[[ $output == 503* && $output == *restart* ]]
	[ "$(value kc_broker_store_failed)" = 1 ]
	exits 3 kc-broker status --json
	[ "$(jq -r .health <<<"$output")" = degraded ]
}

@test "other pages and methods are refused in words" {
	start --metrics 127.0.0.1:0
	exits 0 get "${url%metrics}"
	[ "$output" = $'404\nthere are /metrics and /healthz' ]
	exits 2 kc-broker --data-dir "$BATS_TEST_TMPDIR/d" --port 0 --metrics nowhere:port
	says '--metrics'
	exits 1 kc-broker --data-dir "$BATS_TEST_TMPDIR/d" --port 0 --metrics "$(sed -E 's,http://(.*)/.*,\1,' <<<"$url")"
	says 'address already in use'
}

@test "a broker that is busy does not keep the page waiting for ever" {
	start --metrics 127.0.0.1:0
	kill -STOP "$BROKER_PID"
	exits 1 timeout 10 python3 -c '
import sys, urllib.request
urllib.request.urlopen(sys.argv[1], timeout=1)' "$url"
	kill -CONT "$BROKER_PID"
	exits 0 get "$url"
}

@test "status is for people, and as JSON for programs" {
	start --fsync always
	kc-topics create -q t -p 3
	exits 0 kc-broker status
	[[ $output == 'health:                ok'* ]]
	[[ $output == *"data dir:              $BATS_TEST_TMPDIR/data"* ]]
	# all values are one below the other
	[ "$(sed -E 's/^([^:]*: +).*/\1/' <<<"$output" | awk '{ print length }' | sort -u)" = 23 ]
	exits 0 kc-broker status --json
	[ "$(jq -c '[.topics, .partitions, .fsync, .pid, .addresses[0]]' <<<"$output")" = "[1,3,\"always\",$BROKER_PID,\"$KC_BROKERS\"]" ]
	exits 0 kc-broker --data-dir "$BATS_TEST_TMPDIR/data" status
	is_counted() {
		seq 1000 | kc-produce -q --raw t
		(($(kc-broker status --json | jq .records_in_per_second) > 0))
	}
	eventually is_counted
	exits 2 kc-broker status now
	says "unexpected argument 'now'"
}

@test "so many requests of one connection are worked on, and no more" {
	start --metrics 0
	kc-topics create -q t
	kc-broker fault add Produce delay=1h >/dev/null
	seq 400 | kcat -P -b "$KC_BROKERS" -t t -X batch.num.messages=1 3>&- 4>&- &
	taken() { [ "$(value 'kafka_network_requestmetrics_requests_total{request="Produce",version="7"}')" = 256 ]; }
	eventually taken
	kill "$!"
}

@test "the log: levels, JSON, a file that is opened anew" {
	local log=$BATS_TEST_TMPDIR/log
	start --log-format json --log-file "$log"
	kc-broker fault add Heartbeat client='"x"' close >/dev/null
	jq -es 'length > 0 and all(.[]; has("time") and has("level") and has("message"))' "$log"
	[ "$(jq -r 'select(.message == "fault rule added") | .id' "$log")" = 1 ]
	mv "$log" "$log.1"
	kill -HUP "$BROKER_PID"
	again() { kc-broker fault add Heartbeat close >/dev/null && [ -s "$log" ]; }
	eventually again
	exits 2 kc-broker --log-format yaml
	exits 1 kc-broker --data-dir "$BATS_TEST_TMPDIR/d" --log-file "$BATS_TEST_TMPDIR/none/log"
	says 'cannot open the log'
}
