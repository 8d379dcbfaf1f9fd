#!/usr/bin/env bats
# kc-lag's verdicts from what earlier runs saw, the file they are kept in, limits, and how many requests it takes.
# shellcheck disable=SC2154,SC2030,SC2031,SC2164

load lib/kc

setup_file() {
	start_broker --metrics 0 --log-level debug
}

teardown_file() {
	stop_broker
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	export XDG_STATE_HOME=$BATS_TEST_TMPDIR/state
	t=$(topic)
	g=$t-g
	kc-topics create -q "$t" -p 1
}

teardown() {
	local pid
	for pid in ${pids-}; do
		kill -9 "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}

commit() {
	"$ROOT/${BUILD:-build}/tests/commit" "$@"
}

is() { # TEXT WANTED
	[[ $1 == "$2" ]] || { printf "got '%s'\nnot '%s'\n" "$1" "$2"; return 1; }
}

status_of() { # [OPTION...]
	kc-lag "$g" --json --age off --window 1s "$@" | jq -r .status
}

# A consumer in Python that does what the file "pace" says: run, slow (three records a second), or hang.
consumer() {
	echo run >pace
	/usr/bin/python3 - "$KC_BROKERS" "$t" "$g" >consumer.log 2>&1 3>&- 4>&- <<-'PY' &
	import sys, time
	from confluent_kafka import Consumer
	brokers, topic, group = sys.argv[1:]
	c = Consumer({"bootstrap.servers": brokers, "group.id": group, "enable.auto.commit": False,
	              "auto.offset.reset": "earliest", "session.timeout.ms": 6000})
	c.subscribe([topic])
	while True:
	    pace = open("pace").read().strip()
	    if pace == "hang":
	        time.sleep(0.05)
	        continue
	    m = c.poll(0.05)
	    if m and not m.error():
	        c.commit(m, asynchronous=False)
	        if pace == "slow":
	            time.sleep(0.3)
	PY
	pids=$!
}

becomes() { # STATUS: and says so in the session
	local now
	now=$(status_of)
	[[ ${said-} == "$now" ]] || echo "$now" >>session
	said=$now
	if [[ ${producing-} ]]; then seq 8 | kc-produce -q --raw "$t"; fi
	[[ $now == "$1" ]]
}

@test "a consumer that is well, slow, stuck, well again, and dead" {
	consumer
	seq 10 | kc-produce -q --raw "$t"
	eventually becomes OK
	echo slow >pace
	seq 1000 | kc-produce -q --raw "$t"
	producing=1 eventually becomes SLOW
	echo hang >pace
	eventually becomes STALLED
	echo run >pace
	eventually becomes OK
	kill -9 $pids
	seq 10 | kc-produce -q --raw "$t"
	eventually becomes STOPPED
	session=$(paste -sd' ' session)
	echo "# as kc-lag saw a consumer in Python: $session" >&3
	[[ $session == *OK*SLOW*STALLED*OK*STOPPED ]]
}

@test "a commit that goes back, and one that is regained" {
	seq 10 | kc-produce -q --raw "$t"
	commit "$g" "$t/0/10"
	is "$(status_of)" OK
	commit "$g" "$t/0/3"
	is "$(status_of)" REWOUND
	commit "$g" "$t/0/10"
	is "$(status_of)" OK
}

@test "without a history there is no verdict on a living group, and no-state keeps it so" {
	seq 10 | kc-produce -q --raw "$t"
	kc-consume "$t" -g "$g" -o end -q >out 2>&1 3>&- 4>&- &
	pids=$!
	member() { kc-lag "$g" --json --age off --no-state | jq -e '.member and .committed == null' >/dev/null; }
	eventually member
	[[ ! -e $XDG_STATE_HOME ]]
	seq 3 | kc-produce -q --raw "$t"
	kill -STOP $pids
	is "$(status_of --no-state)" UNKNOWN || { cat out; kc-lag list; false; }
}

@test "rates, and when it will have caught up" {
	seq 100 | kc-produce -q --raw "$t"
	commit "$g" "$t/0/0"
	status_of >/dev/null
	rated() {
		commit "$g" "$t/0/40"
		kc-lag "$g" --json --age off >row
		jq -e '.consumed_per_s > 0 and .produced_per_s == 0 and .eta_ms > 0 and .lag == 60' row >/dev/null
	}
	eventually rated
	jq -e '(.lag / .consumed_per_s * 1000 - .eta_ms) | fabs < 100' row
	jq -e '(has("eta_never") | not)' row
}

@test "the state: one file, no lock left, damage is told and mended" {
	seq 10 | kc-produce -q --raw "$t"
	commit "$g" "$t/0/4"
	for _ in 1 2 3 4; do
		for _ in {1..25}; do
			kc-lag --json --age off >/dev/null 2>>errors || exit 1
		done &
		loops="${loops-} $!"
	done
	for pid in $loops; do wait "$pid"; done
	[[ ! -s errors ]]
	files=("$XDG_STATE_HOME"/kc/lag/*)
	is "${#files[@]}" 1
	[[ ${files[0]} == *.jsonl && $(stat -c %a "${files[0]}") == 600 ]]
	jq -se --arg g "$g" 'map(select(.group == $g)) | length == 1 and (.[0].samples | length % 3 == 0)' "${files[0]}"
	flock -n "${files[0]}" true
	echo '{"group":' >>"${files[0]}"
	exits 0 kc-lag "$g"
	says "warning: state '${files[0]}': line "
	exits 0 kc-lag "$g"
	[[ -z $stderr ]]
	exec 7<"${files[0]}"
	flock -n 7
	exits 0 kc-lag "$g"
	says "another run holds it; this run is not remembered"
	[[ -n $output ]]
	exec 7<&-
	XDG_STATE_HOME=/dev/null/x exits 0 kc-lag "$g"
	says "warning: nothing is remembered for the next run"
}

@test "runs about some groups leave the others' history alone" {
	seq 10 | kc-produce -q --raw "$t"
	commit "$g" "$t/0/4"
	commit "$g-2" "$t/0/5"
	kc-lag --age off >/dev/null
	kc-lag "$g" --age off >/dev/null
	is "$(jq -r 'select(.group | startswith("'"$g"'")) | "\(.group) \(.samples | length)"' "$XDG_STATE_HOME"/kc/lag/* | sort)" \
		"$g 6"$'\n'"$g-2 3"
}

@test "limits: the answer is no, with the group and the reason" {
	seq 10 | kc-produce -q --raw "$t"
	commit "$g" "$t/0/4"
	exits 0 kc-lag "$g" --warn lag=7 --critical lag=100,lost=1
	exits 3 kc-lag "$g" --warn lag=6
	says "kc-lag: warning: group '$g': lag 6 >= 6"
	jq -e '.lag == 6' <<<"$output"
	exits 3 kc-lag "$g" --warn lag=1 --critical age=1ms,status=stopped
	says "critical: group '$g': age "
	says ", status STOPPED"
	says "1 of 1 groups over a limit, 1 critical"
	exits 3 kc-lag "$g" --warn age=1h --age off
	says "the age of group '$g' could not be measured"
	exits 2 kc-lag "$g" --warn lag
	says "option '--warn': 'lag' is no threshold (lag=N, lost=N,"
	exits 2 kc-lag "$g" --critical status=bad
	says "'bad' is no status"
	exits 3 kc-lag "$g" "$g-none" --warn lag=1
	says "warning: group '$g'"
	says "group '$g-none' does not exist"
}

@test "lag up to --min-lag is well" {
	seq 10 | kc-produce -q --raw "$t"
	commit "$g" "$t/0/4"
	is "$(status_of) $(status_of --min-lag 5) $(status_of --min-lag 6)" "STOPPED STOPPED OK"
}

@test "what moved since an earlier run" {
	seq 10 | kc-produce -q --raw "$t"
	commit "$g" "$t/0/4"
	exits 0 kc-lag "$g" --since 0s
	[[ -z $output ]]
	seq 5 | kc-produce -q --raw "$t"
	commit "$g" "$t/0/11"
	exits 0 kc-lag "$g" --since 1h
	jq -e --arg g "$g" --arg t "$t" '.group == $g and .topic == $t and .partition == 0 and .consumed == 7 and
		.produced == 5 and .lag == 4 and .lag_change == -2 and .since_ms > 0' <<<"$output"
}

@test "unread records that retention deletes soonest" {
	kc-topics create -q "$t-keep" -p 1 -c retention.ms=-1
	kc-topics alter -q "$t" -c retention.ms=1h
	for x in "$t" "$t-keep"; do
		echo '{"topic":"'"$x"'","value":"v","timestamp":'$(($(date +%s%3N) - 1800000))'}'
	done | kc-produce -q
	commit "$g" "$t/0/0" "$t-keep/0/0"
	soon() {
		kc-lag "$g" --risk >risks
		jq -se --arg t "$t" 'length == 1 and .[0].topic == $t and .[0].retention_ms == 3600000 and
			.[0].left_ms == 3600000 - .[0].age_ms and .[0].left_ms > 1700000 and .[0].left_ms <= 1800000' risks >/dev/null
	}
	eventually soon
}

@test "Burrow's words and numbers" {
	seq 10 | kc-produce -q --raw "$t"
	commit "$g" "$t/0/4"
	kc-lag "$g" --burrow-status | jq -e --arg g "$g" --arg t "$t" '.error == false and .status.group == $g and
		.status.status == "ERR" and .status.partition_count == 1 and .status.totallag == 6 and
		.status.maxlag.current_lag == 6 and .status.partitions[0].status == "STOP" and
		.status.partitions[0].topic == $t and .status.partitions[0].end.offset == 4'
}

@test "the state: a run that waits for who reads it keeps nobody from it" {
	kc-topics create -q "$t-w" -p 50
	commit -n 50 "$g" "$t-w/50/0"
	mkfifo slow
	exec 7<>slow
	kc-lag "^$g-" --json --age off >slow 3>&- 4>&- &
	pids=$!
	saved() { [[ -n $(find state -name '*.jsonl' -size +0) ]]; }
	eventually saved
	exits 0 kc-lag "$g-1" --json --age off
	[[ -z $stderr ]]
	kill -0 "$pids"                 # it still waits
	exec 7>&-
}

# ---- requests -------------------------------------------------------------------------------

# Requests that the broker has counted, as "NAME N".
counted() {
	/usr/bin/python3 -c 'import sys, urllib.request
sys.stdout.write(urllib.request.urlopen(sys.argv[1], timeout=20).read().decode())' "$url" |
		sed -n 's/^kafka_network_requestmetrics_requests_total{.*request="\([A-Za-z]*\)".*} \([0-9]*\)$/\1 \2/p' |
		awk '{ n[$1] += $2 } END { for (r in n) print r, n[r] }' | sort
}

asked() { # COMMAND...
	counted >before
	"$@" >/dev/null
	counted >after
	join -a 2 before after | awk '{ n = NF == 3 ? $3 - $2 : $2; if (n) print $1, n }' >asked
}

count_of() { # REQUEST
	awk -v r="$1" '$1 == r { n = $2 } END { print n + 0 }' asked
}

@test "a hundred groups take a hundred OffsetFetch, and a handful of everything else" {
	only_kc_broker "requests are counted by kc-broker"
	url=$(kc-broker status --json --admin-socket "$BATS_FILE_TMPDIR/broker/.admin" | jq -r .metrics)
	kc-topics create -q "$t-many" -p 50
	seq 100 | kc-produce -q --raw "$t-many"
	commit -n 100 "$g" "$t-many/50/0"
	asked kc-lag "^$g-" --json --age off --no-state
	cat asked
	is "$(count_of ListGroups) $(count_of DescribeGroups) $(count_of OffsetFetch)" "1 1 100"
	is "$(count_of ListOffsets)" 2
	# a broker lists the groups that it coordinates: nobody is asked who does
	(($(count_of FindCoordinator) <= 8 && $(count_of Metadata) <= 10))
	is "$(count_of DescribeConfigs)" 1
	asked kc-lag "^$g-" --json --no-state
	(($(count_of Fetch) <= 4))
	is "$(count_of OffsetCommit) $(count_of JoinGroup) $(count_of CreateTopics)" "0 0 0"
}

@test "two thousand partitions of one group are asked for in chunks" {
	only_kc_broker "requests are counted by kc-broker"
	url=$(kc-broker status --json --admin-socket "$BATS_FILE_TMPDIR/broker/.admin" | jq -r .metrics)
	kc-topics create -q "$t-wide" -p 2100
	commit -n 1 "$g" "$t-wide/2100/0"
	asked kc-lag "$g-0" --json --age off --no-state
	is "$(count_of OffsetFetch) $(count_of ListOffsets)" "1 10"
	is "$(kc-lag "$g-0" --age off | jq -se 'length == 2100 and all(.lag == 0)')" true
}

# A broker that swallows them has all that a kc-lag lets be in flight, and no more.
@test "a thousand groups: three connections, and at most 256 requests in flight on each" {
	only_kc_broker "requests are counted by kc-broker"
	commit -n 1000 "$g" "$t/1/0"
	kc-broker fault add "OffsetFetch drop" --admin-socket "$BATS_FILE_TMPDIR/broker/.admin"
	exits 3 kc-lag "^$g-" --json --age off --no-state --timeout 10s
	kc-broker fault clear --admin-socket "$BATS_FILE_TMPDIR/broker/.admin"
	is "$(jq -s 'length == 1000 and all(.reason == "timeout" and .partial)' <<<"$output")" true
	is "$(sed -n 's/.*fault rule fires .*api=OffsetFetch .*peer=//p' "$BROKER_LOG" | sort | uniq -c | awk '{ print $1 }' | paste -sd ' ')" \
		"256 256 256"
}

@test "groups that are described: at most 256 requests in flight" {
	only_kc_broker "requests are counted by kc-broker"
	mapfile -t names < <(seq -f "$g-none-%g" 300)
	kc-broker fault add "DescribeGroups version=1-6 drop" --admin-socket "$BATS_FILE_TMPDIR/broker/.admin"
	exits 3 kc-lag "${names[@]}" --json --age off --no-state --timeout 10s
	kc-broker fault clear --admin-socket "$BATS_FILE_TMPDIR/broker/.admin"
	is "$(grep -c "fault rule fires .*api=DescribeGroups" "$BROKER_LOG")" 256
	exits 3 kc-lag "${names[@]}" --json --no-state
	is "$(grep -c 'does not exist' <<<"$stderr")" 300
}

# ---- a monitoring plugin ---------------------------------------------------------

plugin() { # STATUS OPTION...
	local want=$1
	shift
	exits "$want" kc-lag --nagios --no-state "$@"
	[[ -z $stderr && ${#lines[@]} == 1 ]]
}

@test "--nagios: one line, performance data, and a plugin's exit status" {
	t=$(topic)
	kc-topics create -q "$t"
	seq 10 | kc-produce -q --raw "$t"
	kc-consume -q -g "$t" -c 4 "$t" >/dev/null
	plugin 0 "$t"
	[[ $output =~ ^"KAFKA LAG OK - 1 groups, lag 6 | lag=6;;;0 '$t lag'=6;;;0 '$t age'="[0-9]+\.[0-9]{3}s ]]
	plugin 1 "$t" --warn lag=6 --critical lag=7
	[[ $output == "KAFKA LAG WARNING - group '$t': lag 6 >= 6 | lag=6;;;0 '$t lag'=6;6;7;0"* ]]
	plugin 2 "$t" --warn lag=1 --critical lag=6
	[[ $output == "KAFKA LAG CRITICAL - group '$t': lag 6 >= 6 |"* ]]
	plugin 3 "$t-not-there"
	[[ $output == "KAFKA LAG UNKNOWN - group '$t-not-there': does not exist |"* ]]
	plugin 2 "$t" "$t-not-there" --critical lag=6
	plugin 3 "$t" "$t-not-there" --warn lag=6
	plugin 3 -b 127.0.0.1:1 --timeout 500ms
	[[ $output == "KAFKA LAG UNKNOWN - cannot reach broker"* ]]
	plugin 3 "$t" --age off --critical age=1h
	[[ $output == *"its age could not be measured"* ]]
}
