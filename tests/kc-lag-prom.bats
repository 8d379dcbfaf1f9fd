#!/usr/bin/env bats
# kc-lag for Prometheus: --prom FILE, --serve PORT, and what they do when brokers are gone.
load lib/kc

setup_file() {
	start_broker
}

teardown_file() {
	stop_broker
}

teardown() {
	[[ -z ${own-} ]] || kill "$own" 2>/dev/null || true
	[[ -z ${SERVE_PID-} ]] || { kill "$SERVE_PID" 2>/dev/null || true; eventually is_gone "$SERVE_PID"; }
}

# A topic of its own with 10 records, 4 of them read by a group of the same name.
behind() {
	t=$(topic)
	kc-topics create -q "$t"
	seq 10 | kc-produce -q --raw "$t"
	kc-consume -q -g "$t" -c 4 "$t" >/dev/null
}

serve() { # OPTION...
	local log=$BATS_TEST_TMPDIR/serve.log
	kc-lag --serve 0 "$@" 2>"$log" 3>&- 4>&- &
	SERVE_PID=$!
	eventually grep -q 'http://' "$log"
	url=$(grep -o 'http://[^ ]*' "$log")
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

promtool() {
	"${KC_BIN:-$ROOT/build/bin}/../promtool" "$@"
}

@test "--prom - is text that promtool likes, with the lag in it" {
	behind
	exits 0 kc-lag --prom - "$t"
	grep -qE "^kc_lag_records\{cluster=\"[^\"]+\",group=\"$t\",topic=\"$t\",partition=\"0\"\} 6$" <<<"$output"
	grep -qE "^kafka_consumergroup_group_lag\{cluster_name=\"[^\"]+\",group=\"$t\",topic=\"$t\",partition=\"0\",member_host=\"\",consumer_id=\"\",client_id=\"\"\} 6$" <<<"$output"
	grep -qE '^kc_lag_up\{.*\} 1$' <<<"$output"
	kc-lag --prom - --prom-style kc | promtool check metrics
}

@test "--prom FILE replaces the file in one step, and keeps it when nothing can be measured" {
	behind
	local file=$BATS_TEST_TMPDIR/kc.prom inode
	echo old >"$file"
	inode=$(stat -c %i "$file")
	exits 0 kc-lag --prom "$file" "$t"
	[[ -z $output ]]
	grep -q "group=\"$t\"" "$file"
	[[ $(stat -c %i "$file") != "$inode" ]]
	cp "$file" "$file.before"
	exits 75 kc-lag -b 127.0.0.1:1 --timeout 500ms --prom "$file" "$t"
	cmp "$file" "$file.before"
	[[ $(find "$BATS_TEST_TMPDIR" -name "*prom*" | wc -l) = 2 ]]
}

@test "a file that cannot be written is exit 1" {
	exits 1 kc-lag --prom /nonexistent/kc.prom
	says '/nonexistent'
}

@test "fewer labels, other names, a name for the cluster" {
	behind
	exits 0 kc-lag --prom - --prom-style kafka_exporter "$t"
	grep -q "^kafka_consumergroup_lag{consumergroup=\"$t\",topic=\"$t\",partition=\"0\"} 6$" <<<"$output"
	[[ $output != *kc_lag* ]]
	exits 0 kc-lag --prom - --no-partitions --cluster-name prod "$t"
	grep -q "^kc_lag_group_records{cluster=\"prod\",group=\"$t\"} 6$" <<<"$output"
	[[ $output != *partition=* ]]
	exits 0 kc-lag --prom - --prom-style kle --no-members "$t"
	[[ $output != *member_host* ]]
}

@test "mistakes are exit 2" {
	exits 2 kc-lag --prom - --prom-style klee
	says 'did you mean kle?'
	exits 2 kc-lag --prom-style kle
	says 'for --prom and --serve'
	exits 2 kc-lag --prom - --serve 0
	exits 2 kc-lag --serve nonsense:port
	says "'port'"
	exits 2 kc-lag --watch 2s </dev/null
	says 'needs a terminal'
	exits 2 kc-lag --watch 5ms
	says 'too often'
}

@test "--serve measures when asked, and serves a fresh result again" {
	behind
	serve --fresh 0s "$t"
	[[ $(get "$url") == 200* ]]
	get "$url" | grep -q "^kc_lag_group_records{.*group=\"$t\"} 6$"
	kc-consume -q -g "$t" -c 3 "$t" >/dev/null
	for _ in 1 2 3; do
		get "$url" >"$BATS_TEST_TMPDIR/page"
		grep -q "^kc_lag_group_records{.*group=\"$t\"} 3$" "$BATS_TEST_TMPDIR/page"
		grep -q "^kc_lag_group_age_seconds{.*group=\"$t\"} [0-9]" "$BATS_TEST_TMPDIR/page"
	done
	[[ $(get "${url%metrics}healthz") == $'200\nok' ]]
	[[ $(get "${url%metrics}nothing" | head -n 1) == 404 ]]
}

@test "--fresh: within it nothing is measured" {
	behind
	serve --fresh 1h "$t"
	get "$url" | grep -q "^kc_lag_group_records{.*group=\"$t\"} 6$"
	kc-consume -q -g "$t" -c 3 "$t" >/dev/null
	get "$url" | grep -q "^kc_lag_group_records{.*group=\"$t\"} 6$"
}

@test "scrapes that come together share a measuring" {
	only_kc_broker "is about a fault rule"
	export KC_BROKER_ADMIN=$BATS_FILE_TMPDIR/broker/.admin
	behind
	serve --fresh 0s "$t"
	get "$url" | grep -q "^kc_lag_group_records{.*group=\"$t\"} 6$"
	kc-broker fault add "ListGroups delay=1s" >/dev/null
	python3 - "$url" >"$BATS_TEST_TMPDIR/scraped" <<-'PY'
	import concurrent.futures, sys, urllib.request
	with concurrent.futures.ThreadPoolExecutor(12) as pool:
	    for text in pool.map(lambda _: urllib.request.urlopen(sys.argv[1], timeout=20).read().decode(), range(12)):
	        print(*[line for line in text.splitlines() if line.startswith("kc_lag_group_records")])
	PY
	asked=$(kc-broker fault list | cut -f 3)
	kc-broker fault clear >/dev/null
	[[ $(grep -c "group=\"$t\"} 6$" "$BATS_TEST_TMPDIR/scraped") == 12 ]]
	# who comes while one goes on waits for the next
	((asked >= 1 && asked <= 4))
}

@test "a scrape that comes during a measuring is answered when that ends" {
	only_kc_broker "is about a fault rule"
	export KC_BROKER_ADMIN=$BATS_FILE_TMPDIR/broker/.admin
	behind
	kc-broker fault add "ListGroups delay=1s" >/dev/null
	serve "$t"
	SECONDS=0
	get "$url" >"$BATS_TEST_TMPDIR/page"
	# its patience is 8 s
	((SECONDS < 7))
	kc-broker fault clear >/dev/null
	grep -q "^kc_lag_group_records{.*group=\"$t\"} 6$" "$BATS_TEST_TMPDIR/page"
}

@test "--serve ends on SIGTERM, as a signal ends" {
	serve
	kill "$SERVE_PID"
	status=0
	wait "$SERVE_PID" || status=$?
	[[ $status = 143 ]]
}

@test "brokers that are gone are kc_lag_up 0 and no number, and it recovers" {
	only_kc_broker
	local dir=$BATS_TEST_TMPDIR/own fifo=$BATS_TEST_TMPDIR/ready port
	mkfifo "$fifo"
	kc-broker --port 0 --data-dir "$dir" --ready-fd 9 9>"$fifo" 2>/dev/null 3>&- 4>&- &
	own=$!
	read -r -t 60 KC_BROKERS <"$fifo"
	port=${KC_BROKERS##*:}
	behind
	serve --fresh 0s --timeout 5s
	get "$url" | grep -q 'kc_lag_up{.*} 1$'
	kill -9 "$own"
	eventually is_gone "$own"
	is_down() { get "$url" >"$BATS_TEST_TMPDIR/down"; grep -q 'kc_lag_up{.*} 0$' "$BATS_TEST_TMPDIR/down"; }
	eventually is_down
	run grep -c '^kc_lag_' "$BATS_TEST_TMPDIR/down"
	[[ $output = 1 ]]
	[[ $(get "${url%metrics}healthz" | head -n 1) == 503 ]]
	kc-broker --port "$port" --data-dir "$dir" 2>/dev/null 3>&- 4>&- &
	own=$!
	is_up() { get "$url" | grep -q "^kc_lag_group_records{.*group=\"$t\"} 6$"; }
	eventually is_up
	kill "$own"
	eventually is_gone "$own"
}
