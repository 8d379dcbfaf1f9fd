#!/usr/bin/env bats
# Other people's clients that Debian has: librdkafka 2.0.2 (python3-confluent-kafka) and kafka-python 2.0.2, which
# speaks old versions of the protocol. The newest of all clients are in tests/compat (make compat).

load lib/kc

setup_file() { start_broker -o num.partitions=4; }
teardown_file() { stop_broker; }

# Debian's Python, which has Debian's packages; the program comes on stdin.
python() { timeout -k 5 200 /usr/bin/python3 - "$KC_BROKERS" "$@"; }

@test "librdkafka: every codec, idempotent, is read back by a cooperative group" {
	exits 0 python "$(topic)" <<-'END'
		import sys, time
		from confluent_kafka import Consumer, Producer
		servers, name = sys.argv[1:]
		for codec in 'none', 'gzip', 'snappy', 'lz4', 'zstd':
		    topic = name + codec
		    p = Producer({'bootstrap.servers': servers, 'enable.idempotence': True, 'compression.type': codec, 'linger.ms': 5})
		    failed = []
		    for i in range(2000):
		        p.produce(topic, b'value %d' % i * 20, partition=0, on_delivery=lambda e, m: e and failed.append(e))
		    assert p.flush(20) == 0 and not failed, failed
		    c = Consumer({'bootstrap.servers': servers, 'group.id': topic, 'auto.offset.reset': 'earliest',
		                  'partition.assignment.strategy': 'cooperative-sticky'})
		    c.subscribe([topic])
		    got, deadline = [], time.monotonic() + 60
		    while len(got) < 2000 and time.monotonic() < deadline:
		        got += [m.value() for m in c.consume(500, 0.2)]
		    c.close()
		    assert got == [b'value %d' % i * 20 for i in range(2000)], (codec, len(got))
	END
}

@test "librdkafka: a transaction is read once it is committed, and never when it is aborted" {
	exits 0 python "$(topic)" <<-'END'
		import sys, time
		from confluent_kafka import Consumer, Producer, TopicPartition
		servers, topic = sys.argv[1:]
		p = Producer({'bootstrap.servers': servers, 'transactional.id': topic})
		p.init_transactions(20)
		for n in range(4):
		    p.begin_transaction()
		    for i in range(100):
		        p.produce(topic, b'%d' % n, partition=0)
		    p.flush(20)
		    (p.abort_transaction if n % 2 else p.commit_transaction)(20)
		for level, want in ('read_committed', b'02'), ('read_uncommitted', b'0123'):
		    c = Consumer({'bootstrap.servers': servers, 'group.id': 'unused', 'isolation.level': level,
		                  'enable.partition.eof': True})
		    c.assign([TopicPartition(topic, 0, 0)])
		    got, at_end, deadline = [], False, time.monotonic() + 60
		    while not at_end and time.monotonic() < deadline:
		        for m in c.consume(500, 0.2):
		            at_end |= m.error() is not None
		            got += [] if m.error() else [m.value()]
		    c.close()
		    assert at_end and b''.join(got) == b''.join(b'%c' % v * 100 for v in want), (level, len(got))
	END
}

@test "kafka-python 2.0.2: old versions of the protocol produce, join a group and commit" {
	exits 0 python "$(topic)" <<-'END'
		import sys
		from kafka import KafkaConsumer, KafkaProducer, TopicPartition
		servers, topic = sys.argv[1:]
		p = KafkaProducer(bootstrap_servers=servers, acks='all', compression_type='gzip')
		for f in [p.send(topic, b'%d' % i) for i in range(1000)]:
		    f.get(20)
		for want in 1000, 0:
		    c = KafkaConsumer(topic, bootstrap_servers=servers, group_id=topic, auto_offset_reset='earliest',
		                      enable_auto_commit=False, consumer_timeout_ms=10000 if want else 1000)
		    got = []
		    for m in c:
		        got.append(int(m.value))
		        if len(got) == want:
		            break
		    assert sorted(got) == list(range(want)), len(got)
		    if want:
		        c.commit()
		        assert sum(c.committed(tp) or 0 for tp in c.assignment()) == 1000
		    c.close()
	END
}
