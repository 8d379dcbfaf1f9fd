"""kafka-python against a broker: produce, consume, groups, transactions, administration; the data are checked."""
import sys
import threading
import time
import uuid

import kafka
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec
from kafka.coordinator.assignors import cooperative_sticky, range as range_, roundrobin
from kafka.errors import MessageSizeTooLargeError, TopicAlreadyExistsError
from kafka.structs import OffsetAndMetadata
from tap import check, equal, report, run, until

servers = sys.argv[1]
admin = KafkaAdminClient(bootstrap_servers=servers)
run_id = uuid.uuid4().hex[:8]


def make_topic(what, partitions=1, **configs):
    name = f'{what}-{run_id}'
    admin.create_topics({name: {'num_partitions': partitions, 'replication_factor': 1,
                                'configs': {k.replace('_', '.'): v for k, v in configs.items()}}})
    return name


def producer(**settings):
    return KafkaProducer(bootstrap_servers=servers, **settings)


def consumer(*topics, **settings):
    return KafkaConsumer(*topics, **{'bootstrap_servers': servers, 'auto_offset_reset': 'earliest',
                                     'enable_auto_commit': False, **settings})


def produce(topic, values, **settings):
    p = producer(**settings)
    sent = [p.send(topic, v, key=str(i).encode(), headers=[('h', b'1')]) for i, v in enumerate(values)]
    p.flush(30)
    for s in sent:
        s.get(timeout=30)
    p.close()


def read(c, count, seconds=30):
    records, deadline = [], time.monotonic() + seconds
    while len(records) < count and time.monotonic() < deadline:
        for batch in c.poll(200).values():
            records += batch
    return records


def read_all(topic, partitions=1, **settings):
    c = consumer(**settings)
    parts = [TopicPartition(topic, p) for p in range(partitions)]
    c.assign(parts)
    c.seek_to_beginning(*parts)
    ends = c.end_offsets(parts)
    records, deadline = [], time.monotonic() + 30
    while any(c.position(p) < ends[p] for p in parts):
        if time.monotonic() > deadline:
            raise TimeoutError(f'{len(records)} records within 30 s')
        for batch in c.poll(200).values():
            records += batch
    c.close()
    return records


for codec in (None, 'gzip', 'snappy', 'lz4', 'zstd'):
    @check(f'produce and consume, compression {codec}')
    def _(codec=codec):
        topic = make_topic(str(codec))
        values = [f'value {i} '.encode() * 20 for i in range(2000)]
        produce(topic, values, compression_type=codec)
        records = read_all(topic)
        equal([r.value for r in records], values)
        equal([r.offset for r in records], list(range(2000)))
        equal(list(records[0].headers), [('h', b'1')])

for acks in (0, 1, 'all'):
    @check(f'produce with acks={acks}')
    def _(acks=acks):
        topic = make_topic(f'acks-{acks}')
        produce(topic, [b'x'] * 500, acks=acks, enable_idempotence=False)
        until(lambda: len(read_all(topic)) == 500)


@check('an idempotent producer: every record once, in order')
def _():
    topic = make_topic('idempotent')
    values = [str(i).encode() for i in range(5000)]
    produce(topic, values, enable_idempotence=True)
    equal([r.value for r in read_all(topic)], values)


@check('a record that is too large is refused')
def _():
    topic = make_topic('large', max_message_bytes='1000')
    p = producer()
    try:
        p.send(topic, b'x' * 5000).get(timeout=20)
        raise AssertionError('it was accepted')
    except MessageSizeTooLargeError:
        pass
    finally:
        p.close()


def group_reads(name, **settings):
    topic = make_topic(name, 6)
    produce(topic, [str(i).encode() for i in range(1000)])
    c = consumer(topic, group_id=f'{name}-{run_id}', **settings)
    records = read(c, 1000)
    equal(sorted(int(r.value) for r in records), list(range(1000)))
    c.commit()
    equal(sum(c.committed(p) for p in c.assignment()), 1000)
    c.close()
    produce(topic, [b'9999'])
    again = consumer(topic, group_id=f'{name}-{run_id}', **settings)
    equal([r.value for r in read(again, 1)], [b'9999'])
    again.close()


def two_members(name, **settings):
    """Each member polls in a thread of its own, as an application's would."""
    topic = make_topic(name, 6)
    members = [consumer(topic, group_id=f'{name}-{run_id}', **settings)]
    ended, failures, threads = [threading.Event(), threading.Event()], [], []

    def serve(n):
        try:
            while not ended[n].is_set():
                members[n].poll(100)
            members[n].close()
        except Exception as e:
            failures.append(e)

    def start(n):
        threads.append(threading.Thread(target=serve, args=(n,)))
        threads[n].start()
    try:
        start(0)
        until(lambda: len(members[0].assignment()) == 6)
        members.append(consumer(topic, group_id=f'{name}-{run_id}', **settings))
        start(1)
        until(lambda: [len(m.assignment()) for m in members] == [3, 3], 40)
        ended[1].set()
        until(lambda: len(members[0].assignment()) == 6, 40)
    finally:
        for n, t in enumerate(threads):
            ended[n].set()
            t.join(20)
    equal(failures, [])


for name, assignor in (('range', range_.RangePartitionAssignor), ('roundrobin', roundrobin.RoundRobinPartitionAssignor),
                       ('cooperative-sticky', cooperative_sticky.CooperativeStickyAssignor)):
    @check(f'group, {name}: reads all, commits, goes on where it was')
    def _(name=name, assignor=assignor):
        group_reads(name, partition_assignment_strategy=[assignor])

    @check(f'group, {name}: a second member comes and goes')
    def _(name=name, assignor=assignor):
        two_members(f'two-{name}', partition_assignment_strategy=[assignor])


@check('static membership: a restarted member gets its partitions again')
def _():
    group_reads('static', group_instance_id='member-1')


@check('a transaction that commits and one that aborts')
def _():
    topic = make_topic('txn', 2)
    p = producer(transactional_id=f'txn-{run_id}')
    p.init_transactions()
    for n in range(6):
        p.begin_transaction()
        for i in range(50):
            p.send(topic, str(n).encode(), partition=i % 2)
        p.flush(20)
        p.abort_transaction() if n % 2 else p.commit_transaction()
    p.close()
    committed = [r.value for r in read_all(topic, 2, isolation_level='read_committed')]
    equal({v: committed.count(v) for v in set(committed)}, {b'0': 50, b'2': 50, b'4': 50})
    equal(len(read_all(topic, 2, isolation_level='read_uncommitted')), 300)


@check('offsets in a transaction')
def _():
    topic = make_topic('txn-offsets')
    produce(topic, [b'x'] * 10)
    group = f'txn-offsets-{run_id}'
    c = consumer(topic, group_id=group)
    equal(len(read(c, 10)), 10)
    p = producer(transactional_id=group)
    p.init_transactions()
    at = TopicPartition(topic, 0)
    for end, offset, want in (('abort', 5, None), ('commit', 7, 7)):
        p.begin_transaction()
        p.send_offsets_to_transaction({at: OffsetAndMetadata(offset, 'note', -1)}, c.consumer_group_metadata()
                                      if hasattr(c, 'consumer_group_metadata') else group)
        p.abort_transaction() if end == 'abort' else p.commit_transaction()
        until(lambda: c.committed(at) == want)
    p.close()
    c.close()


@check('admin: topics, partitions, cluster')
def _():
    topic = make_topic('admin', 2)
    equal(len(admin.describe_cluster()['brokers']) >= 1, True)
    admin.create_partitions({topic: 5})
    equal(len(admin.describe_topics([topic])[0]['partitions']), 5)
    try:
        make_topic('admin', 2)
        raise AssertionError('a topic was made twice')
    except TopicAlreadyExistsError:
        pass
    equal(topic in admin.list_topics(), True)
    admin.delete_topics([topic])
    until(lambda: topic not in admin.list_topics())


@check('admin: configurations are shown and altered')
def _():
    topic = make_topic('config', retention_ms='100000')

    def shown():
        found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter='all')
        return found['topic'][topic]['retention.ms']['value']
    equal(shown(), '100000')
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {'retention.ms': '200000'})])
    equal(shown(), '200000')
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {'retention.ms': '300000'})], incremental=False)
    equal(shown(), '300000')


@check('admin: offsets, and records deleted')
def _():
    topic = make_topic('offsets')
    now = int(time.time() * 1000)
    p = producer()
    for i in range(10):
        p.send(topic, b'x', timestamp_ms=now - 10000 + i * 1000)
    p.flush(20)
    p.close()
    at = TopicPartition(topic, 0)

    def offset(spec):
        return admin.list_partition_offsets({at: spec})[at].offset
    equal(offset(OffsetSpec.EARLIEST), 0)
    equal(offset(OffsetSpec.LATEST), 10)
    equal(offset(OffsetSpec.MAX_TIMESTAMP), 9)
    equal(offset(now - 5000), 5)
    admin.delete_records({at: 4})
    equal(offset(OffsetSpec.EARLIEST), 4)
    equal([r.offset for r in read_all(topic)], [4, 5, 6, 7, 8, 9])


@check('admin: groups are listed, described, altered and deleted')
def _():
    group_reads('groups')
    group = f'groups-{run_id}'

    def listed():
        return group in [g['group_id'] for g in admin.list_groups()]
    equal(listed(), True)
    equal(str(admin.describe_groups([group])[group]['group_state']).lower().endswith('empty'), True)
    at = TopicPartition(group, 0)
    admin.alter_group_offsets(group, {at: OffsetAndMetadata(3, 'note', -1)})
    offsets = admin.list_group_offsets({group: None})[group]
    equal((offsets[at].offset, offsets[at].metadata), (3, 'note'))
    admin.delete_groups([group])
    equal(listed(), False)


@check('admin: log directories, quorum, reassignments, elections')
def _():
    equal(len(admin.describe_log_dirs()) >= 1, True)
    admin.describe_metadata_quorum()
    equal(len(admin.list_partition_reassignments() or []), 0)
    admin.describe_features()


@check('admin: transactions are listed and described')
def _():
    name = f'listed-{run_id}'
    topic = make_topic('listed')
    p = producer(transactional_id=name)
    p.init_transactions()
    p.begin_transaction()
    p.send(topic, b'x').get(timeout=20)
    equal(name in str(admin.list_transactions()), True)
    equal(topic in str(admin.describe_transactions([name])), True)
    equal(len(admin.describe_producers([TopicPartition(topic, 0)])), 1)
    p.commit_transaction()
    p.close()


report(f'kafka-python {kafka.__version__}')
run()
admin.close()
