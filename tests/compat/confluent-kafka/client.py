"""confluent-kafka against a broker: produce, consume, groups, transactions, administration; the data are checked."""
import sys
import time
import uuid

import confluent_kafka as ck
from confluent_kafka import (Consumer, ConsumerGroupTopicPartitions, ElectionType, KafkaException, Producer,
                             TopicPartition)
from confluent_kafka.admin import (AclBinding, AclBindingFilter, AclOperation, AclPermissionType, AdminClient,
                                   AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions,
                                   NewTopic, OffsetSpec, ResourcePatternType, ResourceType)
from tap import check, equal, report, run, until

servers = {'bootstrap.servers': sys.argv[1]}
admin = AdminClient(servers)
run_id = uuid.uuid4().hex[:8]


def results(futures):
    return {key: future.result(20) for key, future in futures.items()}


def make_topic(what, partitions=1, **config):
    name = f'{what}-{run_id}'
    results(admin.create_topics([NewTopic(name, partitions, 1, config={k.replace('_', '.'): v
                                                                      for k, v in config.items()})]))
    return name


def produce(topic, values, **settings):
    failures = []
    producer = Producer({**servers, 'linger.ms': 5, **settings})
    for i, value in enumerate(values):
        producer.produce(topic, value, key=str(i), headers=[('h', b'1'), ('h', None)],
                         on_delivery=lambda e, m: failures.append(e) if e else None)
    equal(producer.flush(30), 0)
    equal(failures, [])


def read(consumer, count, seconds=30):
    """Reads count messages; an error of the consumer is raised."""
    messages = []
    deadline = time.monotonic() + seconds
    while len(messages) < count and time.monotonic() < deadline:
        for m in consumer.consume(1000, 0.2):
            if m.error():
                raise KafkaException(m.error())
            messages.append(m)
    return messages


def read_all(topic, partitions=1, **settings):
    """Reads every partition to its end as it is now."""
    consumer = Consumer({**servers, 'group.id': 'unused', 'enable.auto.commit': False, 'enable.partition.eof': True,
                         'auto.offset.reset': 'earliest', **settings})
    consumer.assign([TopicPartition(topic, p, ck.OFFSET_BEGINNING) for p in range(partitions)])
    messages, ends, deadline = [], 0, time.monotonic() + 30
    while ends < partitions and time.monotonic() < deadline:
        for m in consumer.consume(1000, 0.2):
            if m.error() and m.error().code() == ck.KafkaError._PARTITION_EOF:
                ends += 1
            elif m.error():
                raise KafkaException(m.error())
            else:
                messages.append(m)
    consumer.close()
    equal(ends, partitions)
    return messages


for codec in ('none', 'gzip', 'snappy', 'lz4', 'zstd'):
    @check(f'produce and consume, compression {codec}')
    def _(codec=codec):
        topic = make_topic(codec)
        values = [f'value {i} '.encode() * 20 for i in range(5000)]
        produce(topic, values, **{'compression.type': codec})
        messages = read_all(topic)
        equal([m.value() for m in messages], values)
        equal([m.offset() for m in messages], list(range(5000)))
        equal(messages[0].headers(), [('h', b'1'), ('h', None)])

for acks in ('0', '1', 'all'):
    @check(f'produce with acks={acks}')
    def _(acks=acks):
        topic = make_topic('acks-' + acks)
        produce(topic, [b'x'] * 1000, acks=acks)
        until(lambda: len(read_all(topic)) == 1000)


@check('an idempotent producer: every message once, in order')
def _():
    topic = make_topic('idempotent')
    values = [str(i).encode() for i in range(20000)]
    produce(topic, values, **{'enable.idempotence': True, 'queue.buffering.max.messages': 100000})
    equal([m.value() for m in read_all(topic)], values)


@check('a message that is too large is refused')
def _():
    topic = make_topic('large', max_message_bytes='1000')
    errors = []
    producer = Producer(servers)
    producer.produce(topic, b'x' * 5000, on_delivery=lambda e, m: errors.append(e))
    producer.flush(20)
    equal(errors[0].code(), ck.KafkaError.MSG_SIZE_TOO_LARGE)


def group_reads(name, **settings):
    topic = make_topic(name, 6)
    produce(topic, [str(i).encode() for i in range(3000)])
    group = f'{name}-{run_id}'
    settings = {**servers, 'group.id': group, 'auto.offset.reset': 'earliest', 'enable.auto.commit': False,
                **settings}
    consumer = Consumer(settings)
    consumer.subscribe([topic])
    messages = read(consumer, 3000)
    equal(sorted(int(m.value()) for m in messages), list(range(3000)))
    consumer.commit(asynchronous=False)
    equal(sum(p.offset for p in consumer.committed(consumer.assignment(), 10)), 3000)
    consumer.close()
    produce(topic, [b'9999'])
    again = Consumer(settings)
    again.subscribe([topic])
    equal([m.value() for m in read(again, 1)], [b'9999'])
    again.close()


def two_members(name, **settings):
    """The second member takes half of the partitions; when it leaves they come back."""
    topic = make_topic(name, 6)
    first, second = ({**servers, 'group.id': f'{name}-{run_id}', 'auto.offset.reset': 'earliest',
                      **settings} for _ in range(2))
    if 'group.instance.id' in settings:
        second['group.instance.id'] += '-second'
    a, b = Consumer(first), Consumer(second)

    def sizes():
        a.poll(0.05)
        b.poll(0.05)
        return len(a.assignment()), len(b.assignment())
    a.subscribe([topic])
    until(lambda: a.poll(0.05) is None and len(a.assignment()) == 6)
    b.subscribe([topic])
    until(lambda: sizes() == (3, 3), 40)
    b.close()
    if 'group.instance.id' not in settings:
        until(lambda: a.poll(0.05) is None and len(a.assignment()) == 6, 40)
    a.close()


for strategy in ('range', 'roundrobin', 'cooperative-sticky'):
    @check(f'classic group, {strategy}: reads all, commits, goes on where it was')
    def _(strategy=strategy):
        group_reads(strategy, **{'partition.assignment.strategy': strategy})

    @check(f'classic group, {strategy}: a second member comes and goes')
    def _(strategy=strategy):
        two_members('two-' + strategy, **{'partition.assignment.strategy': strategy})


@check('static membership: a restarted member keeps its partitions, without a rebalance')
def _():
    topic = make_topic('static', 4)
    rebalances = []

    def member(number, watched):
        c = Consumer({**servers, 'group.id': f'static-{run_id}', 'group.instance.id': f'member-{number}',
                      'session.timeout.ms': 30000, 'heartbeat.interval.ms': 200})
        c.subscribe([topic], on_assign=lambda _, p: watched and rebalances.append(p))
        return c
    a, b = member(1, True), member(2, False)
    until(lambda: (a.poll(0.05), b.poll(0.05)) and (len(a.assignment()), len(b.assignment())) == (2, 2), 40)
    before, seen = sorted((p.topic, p.partition) for p in b.assignment()), len(rebalances)
    b.close()
    b = member(2, False)
    until(lambda: (a.poll(0.05), b.poll(0.05)) and len(b.assignment()) == 2, 20)
    equal(sorted((p.topic, p.partition) for p in b.assignment()), before)
    equal(len(rebalances), seen)
    a.close()
    b.close()


@check('group with the consumer protocol: reads all, commits, goes on where it was')
def _():
    group_reads('protocol', **{'group.protocol': 'consumer'})


@check('group with the consumer protocol: a second member comes and goes')
def _():
    two_members('protocol-two', **{'group.protocol': 'consumer'})


@check('group with the consumer protocol, range on the server')
def _():
    two_members('protocol-range', **{'group.protocol': 'consumer', 'group.remote.assignor': 'range'})


@check('group with the consumer protocol and a regular expression')
def _():
    topic = make_topic('regex', 2)
    produce(topic, [b'1'] * 10)
    c = Consumer({**servers, 'group.id': f'regex-{run_id}', 'group.protocol': 'consumer',
                  'auto.offset.reset': 'earliest'})
    c.subscribe([f'^regex-{run_id[:4]}.*'])
    equal(len(read(c, 10)), 10)
    c.close()


@check('a transaction that commits and one that aborts')
def _():
    topic = make_topic('txn', 2)
    p = Producer({**servers, 'transactional.id': f'txn-{run_id}'})
    p.init_transactions(20)
    for n in range(6):
        p.begin_transaction()
        for i in range(100):
            p.produce(topic, f'{n}'.encode(), partition=i % 2)
        p.flush(20)
        (p.abort_transaction if n % 2 else p.commit_transaction)(20)
    committed = [m.value() for m in read_all(topic, 2, **{'isolation.level': 'read_committed'})]
    equal({v: committed.count(v) for v in set(committed)}, {b'0': 100, b'2': 100, b'4': 100})
    equal(len(read_all(topic, 2, **{'isolation.level': 'read_uncommitted'})), 600)


@check('an open transaction is not read before its end')
def _():
    topic = make_topic('open')
    p = Producer({**servers, 'transactional.id': f'open-{run_id}'})
    p.init_transactions(20)
    p.begin_transaction()
    p.produce(topic, b'x')
    p.flush(20)
    c = Consumer({**servers, 'group.id': 'unused', 'isolation.level': 'read_committed',
                  'auto.offset.reset': 'earliest'})
    c.assign([TopicPartition(topic, 0, 0)])
    equal(read(c, 1, 1), [])
    p.commit_transaction(20)
    equal(len(read(c, 1)), 1)
    c.close()


@check('offsets in a transaction: consume, transform, produce')
def _():
    source, target = make_topic('etl-in', 2), make_topic('etl-out', 2)
    produce(source, [str(i).encode() for i in range(500)])
    c = Consumer({**servers, 'group.id': f'etl-{run_id}', 'auto.offset.reset': 'earliest',
                  'enable.auto.commit': False, 'isolation.level': 'read_committed'})
    c.subscribe([source])
    p = Producer({**servers, 'transactional.id': f'etl-{run_id}'})
    p.init_transactions(20)
    done = attempts = 0
    while done < 500:
        batch = read(c, min(50, 500 - done))
        p.begin_transaction()
        for m in batch:
            p.produce(target, m.value())
        p.send_offsets_to_transaction(c.position(c.assignment()), c.consumer_group_metadata(), 20)
        attempts += 1
        if attempts % 3 == 0:
            p.abort_transaction(20)
            for partition in c.committed(c.assignment(), 20):
                partition.offset = max(partition.offset, 0)
                c.seek(partition)
            continue
        p.commit_transaction(20)
        done += len(batch)
    c.close()
    values = [int(m.value()) for m in read_all(target, 2, **{'isolation.level': 'read_committed'})]
    equal(sorted(values), list(range(500)))


@check('a second producer of the same transactional id fences the first')
def _():
    topic = make_topic('fence')
    first, second = (Producer({**servers, 'transactional.id': f'fence-{run_id}'}) for _ in range(2))
    first.init_transactions(20)
    first.begin_transaction()
    first.produce(topic, b'first')
    first.flush(20)
    second.init_transactions(20)
    try:
        first.commit_transaction(20)
        raise AssertionError('the first was not fenced')
    except KafkaException as e:
        equal(e.args[0].code() in (ck.KafkaError._FENCED, ck.KafkaError.PRODUCER_FENCED,
                                   ck.KafkaError.INVALID_PRODUCER_EPOCH), True)
    second.begin_transaction()
    second.produce(topic, b'second')
    second.commit_transaction(20)
    equal([m.value() for m in read_all(topic, **{'isolation.level': 'read_committed'})], [b'second'])


@check('admin: cluster, topics, partitions')
def _():
    topic = make_topic('admin', 2)
    cluster = admin.describe_cluster(include_authorized_operations=True).result(20)
    equal(len(cluster.nodes) >= 1 and cluster.controller is not None, True)
    results(admin.create_partitions([NewPartitions(topic, 5)]))
    described = results(admin.describe_topics(ck.TopicCollection([topic])))
    equal(len(described[topic].partitions), 5)
    equal(topic in admin.list_topics(timeout=20).topics, True)
    try:
        results(admin.create_topics([NewTopic(topic, 1, 1)]))
        raise AssertionError('a topic was made twice')
    except KafkaException as e:
        equal(e.args[0].code(), ck.KafkaError.TOPIC_ALREADY_EXISTS)
    results(admin.delete_topics([topic]))
    until(lambda: topic not in admin.list_topics(timeout=20).topics)


@check('admin: configurations are shown and altered')
def _():
    topic = make_topic('config', retention_ms='100000')
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    equal(results(admin.describe_configs([resource]))[resource]['retention.ms'].value, '100000')
    results(admin.incremental_alter_configs([ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[
        ConfigEntry('retention.ms', '200000', incremental_operation=AlterConfigOpType.SET)])]))
    equal(results(admin.describe_configs([resource]))[resource]['retention.ms'].value, '200000')
    broker = ConfigResource(ConfigResource.Type.BROKER, str(next(iter(admin.list_topics(timeout=20).brokers))))
    equal('log.retention.ms' in results(admin.describe_configs([broker]))[broker], True)


@check('admin: a list is appended to and subtracted from, a default comes back, and what is wrong is refused')
def _():
    topic = make_topic('lists', retention_ms='100000', cleanup_policy='compact')

    def alter(key, value, operation):
        results(admin.incremental_alter_configs([ConfigResource(
            ConfigResource.Type.TOPIC, topic,
            incremental_configs=[ConfigEntry(key, value, incremental_operation=operation)])]))

    def value(key):
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        return results(admin.describe_configs([resource]))[resource][key].value
    alter('cleanup.policy', 'delete', AlterConfigOpType.APPEND)
    until(lambda: value('cleanup.policy') == 'compact,delete')
    alter('cleanup.policy', 'compact', AlterConfigOpType.SUBTRACT)
    until(lambda: value('cleanup.policy') == 'delete')
    alter('retention.ms', None, AlterConfigOpType.DELETE)
    until(lambda: value('retention.ms') == '604800000')
    for key, wrong in ('retention.ms', 'x'), ('retention.ms', '-7'), ('nonesuch', '1'):
        try:
            alter(key, wrong, AlterConfigOpType.SET)
            raise AssertionError(f'{key}={wrong} was taken')
        except KafkaException as e:
            equal(e.args[0].code(), ck.KafkaError.INVALID_CONFIG)


@check('admin: authorized operations of the cluster, a topic and a group')
def _():
    topic = make_topic('authorized')
    c = Consumer({**servers, 'group.id': topic})
    c.subscribe([topic])
    until(lambda: c.poll(0.05) is None and c.assignment())
    cluster = admin.describe_cluster(include_authorized_operations=True).result(20)
    described = results(admin.describe_topics(ck.TopicCollection([topic]), include_authorized_operations=True))[topic]
    group = results(admin.describe_consumer_groups([topic], include_authorized_operations=True))[topic]
    for what, count in (cluster, 7), (described, 8), (group, 5):
        equal(len(what.authorized_operations), count)
    equal(admin.describe_cluster().result(20).authorized_operations, None)
    c.close()


@check('admin: access control is disabled, leaders need no election')
def _():
    topic = make_topic('acl')
    rule = AclBinding(ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, 'User:x', '*', AclOperation.READ,
                      AclPermissionType.ALLOW)
    every = AclBindingFilter(ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY,
                             AclPermissionType.ANY)
    for futures in admin.create_acls([rule]), admin.delete_acls([every]):
        for future in futures.values():
            equal(future.exception(20).args[0].code(), ck.KafkaError.SECURITY_DISABLED)
    for error in admin.elect_leaders(ElectionType.PREFERRED, [TopicPartition(topic, 0)]).result(20).values():
        equal(error.code(), ck.KafkaError.ELECTION_NOT_NEEDED)


@check('admin: offsets, and records deleted')
def _():
    topic = make_topic('offsets')
    now = int(time.time() * 1000)
    producer = Producer(servers)
    for i in range(10):
        producer.produce(topic, b'x', timestamp=now - 10000 + i * 1000)
    producer.flush(20)
    at = TopicPartition(topic, 0)

    def offset(spec):
        return results(admin.list_offsets({at: spec}))[at].offset
    equal(offset(OffsetSpec.earliest()), 0)
    equal(offset(OffsetSpec.latest()), 10)
    equal(offset(OffsetSpec.max_timestamp()), 9)
    equal(offset(OffsetSpec.for_timestamp(now - 5000)), 5)
    results(admin.delete_records([TopicPartition(topic, 0, 4)]))
    equal(offset(OffsetSpec.earliest()), 4)
    equal([m.offset() for m in read_all(topic)], [4, 5, 6, 7, 8, 9])


@check('admin: groups are listed, described, altered and deleted')
def _():
    group_reads('groups')
    group, topic = f'groups-{run_id}', f'groups-{run_id}'
    equal(group in [g.group_id for g in admin.list_consumer_groups().result(20).valid], True)
    equal(results(admin.describe_consumer_groups([group]))[group].state.name, 'EMPTY')
    request = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 3)])
    results(admin.alter_consumer_group_offsets([request]))
    listed = results(admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]))[group]
    equal({p.partition: p.offset for p in listed.topic_partitions}[0], 3)
    results(admin.delete_consumer_groups([group]))
    equal(group in [g.group_id for g in admin.list_consumer_groups().result(20).valid], False)


report(f'confluent-kafka {ck.version()}, librdkafka {ck.libversion()[0]}')
run()
