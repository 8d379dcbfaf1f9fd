# transactions.bash - transactions of others, for who reads behind them: `load lib/transactions`.
#
#   hold_open TOPIC [VALUE]   one of the id "hold" with one record, which is open ...
#   end_open                  ... until it is committed
#   abort_tail TOPIC          two records at the topic's end, in one that is aborted
# shellcheck shell=bash

hold_open() { # TOPIC [VALUE]
	local hold=$BATS_TEST_TMPDIR/hold
	[ -p "$hold" ] || mkfifo "$hold"
	/usr/bin/python3 -c 'import sys
from confluent_kafka import Producer
p = Producer({"bootstrap.servers": sys.argv[1], "transactional.id": "hold"})
p.init_transactions()
p.begin_transaction()
p.produce(sys.argv[2], sys.argv[3])
p.flush()
sys.stdin.read()
p.commit_transaction()' "$KC_BROKERS" "$1" "${2-held}" <"$hold" 3>&- 4>&- &
	holder=$!
	exec 7>"$hold"
	eventually is_held "$1" "${2-held}"
}
is_held() { [ "$(kc-consume "$1" -q -e --isolation uncommitted -f '%s\n' | tail -n 1)" = "$2" ]; }
end_open() {
	exec 7>&-
	wait "$holder"
}

abort_tail() { # TOPIC
	/usr/bin/python3 -c 'import sys
from confluent_kafka import Producer
p = Producer({"bootstrap.servers": sys.argv[1], "transactional.id": "abort"})
p.init_transactions()
p.begin_transaction()
p.produce(sys.argv[2], b"no"); p.produce(sys.argv[2], b"no")
p.flush()
p.abort_transaction()' "$KC_BROKERS" "$1"
}
