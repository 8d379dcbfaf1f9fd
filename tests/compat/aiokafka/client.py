"""aiokafka against a broker: produce, consume, groups, transactions, administration; the data are checked."""
import asyncio
import contextlib
import sys
import time
import uuid

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import MessageSizeTooLargeError, ProducerFenced
from tap import check, equal, report, run

servers = sys.argv[1]
run_id = uuid.uuid4().hex[:8]
loop = asyncio.new_event_loop()


def check_async(what):
    """Each coroutine has a minute."""
    def add(coroutine):
        check(what)(lambda: loop.run_until_complete(asyncio.wait_for(coroutine(), 60)))
    return add


async def until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f'not true within {seconds} s')
        await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def administration():
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def make_topic(what, partitions=1, **config):
    name = f'{what}-{run_id}'
    async with administration() as admin:
        reply = await admin.create_topics([NewTopic(name, partitions, 1, topic_configs={
            k.replace('_', '.'): v for k, v in config.items()})])
        equal(reply.topic_errors[0][1], 0)
    return name


def consumer(*topics, **settings):
    return AIOKafkaConsumer(*topics, **{'bootstrap_servers': servers, 'auto_offset_reset': 'earliest',
                                        'enable_auto_commit': False, **settings})


async def produce(topic, values, **settings):
    async with AIOKafkaProducer(bootstrap_servers=servers, **settings) as p:
        sent = [await p.send(topic, v, key=str(i).encode(), headers=[('h', b'1')]) for i, v in enumerate(values)]
        await asyncio.gather(*sent)


async def read(c, count):
    records = []
    while len(records) < count:
        for batch in (await c.getmany(timeout_ms=200)).values():
            records += batch
    return records


async def read_all(topic, partitions=1, **settings):
    async with consumer(**settings) as c:
        parts = [TopicPartition(topic, p) for p in range(partitions)]
        c.assign(parts)
        ends = await c.end_offsets(parts)
        await c.seek_to_beginning(*parts)
        records = []
        while True:
            positions = [await c.position(p) for p in parts]
            if all(at >= ends[p] for at, p in zip(positions, parts)):
                return records
            for batch in (await c.getmany(timeout_ms=200)).values():
                records += batch


for codec in (None, 'gzip', 'snappy', 'lz4', 'zstd'):
    @check_async(f'produce and consume, compression {codec}')
    async def _(codec=codec):
        topic = await make_topic(str(codec))
        values = [f'value {i} '.encode() * 20 for i in range(2000)]
        await produce(topic, values, compression_type=codec, acks='all')
        records = await read_all(topic)
        equal([r.value for r in records], values)
        equal([r.offset for r in records], list(range(2000)))
        equal(list(records[0].headers), [('h', b'1')])

for acks in (0, 1, 'all'):
    @check_async(f'produce with acks={acks}')
    async def _(acks=acks):
        topic = await make_topic(f'acks-{acks}')
        await produce(topic, [b'x'] * 500, acks=acks)

        async def there():
            return len(await read_all(topic)) == 500
        await until(there)


@check_async('an idempotent producer: every record once, in order')
async def _():
    topic = await make_topic('idempotent')
    values = [str(i).encode() for i in range(5000)]
    await produce(topic, values, enable_idempotence=True)
    equal([r.value for r in await read_all(topic)], values)


@check_async('a record that is too large is refused')
async def _():
    topic = await make_topic('large', max_message_bytes='1000')
    try:
        await produce(topic, [b'x' * 5000])
        raise AssertionError('it was accepted')
    except MessageSizeTooLargeError:
        pass


async def group_reads(name, **settings):
    topic = await make_topic(name, 6)
    await produce(topic, [str(i).encode() for i in range(1000)])
    async with consumer(topic, group_id=f'{name}-{run_id}', **settings) as c:
        records = await read(c, 1000)
        equal(sorted(int(r.value) for r in records), list(range(1000)))
        await c.commit()
        equal(sum([await c.committed(p) for p in c.assignment()]), 1000)
    await produce(topic, [b'9999'])
    async with consumer(topic, group_id=f'{name}-{run_id}', **settings) as c:
        equal([r.value for r in await read(c, 1)], [b'9999'])


async def two_members(name, **settings):
    topic = await make_topic(name, 6)
    settings['group_id'] = f'{name}-{run_id}'
    async with consumer(topic, **settings) as a:
        async def alone():
            return len(a.assignment()) == 6
        await until(alone)
        async with consumer(topic, **settings) as b:
            async def shared():
                return (len(a.assignment()), len(b.assignment())) == (3, 3)
            await until(shared, 40)
        await until(alone, 40)


@check_async('group, default assignor: reads all, commits, goes on where it was')
async def _():
    await group_reads('default')


@check_async('group, sticky: a second member comes and goes')
async def _():
    await two_members('sticky', partition_assignment_strategy=[StickyPartitionAssignor])


@check_async('group, roundrobin: a second member comes and goes')
async def _():
    await two_members('roundrobin', partition_assignment_strategy=[RoundRobinPartitionAssignor])


@check_async('static membership: a restarted member reads on')
async def _():
    await group_reads('static', group_instance_id='member-1')


@check_async('a transaction that commits and one that aborts')
async def _():
    topic = await make_topic('txn', 2)
    async with AIOKafkaProducer(bootstrap_servers=servers, transactional_id=f'txn-{run_id}') as p:
        for n in range(6):
            await p.begin_transaction()
            for i in range(50):
                await p.send(topic, str(n).encode(), partition=i % 2)
            await p.flush()
            await (p.abort_transaction() if n % 2 else p.commit_transaction())
    committed = [r.value for r in await read_all(topic, 2, isolation_level='read_committed')]
    equal({v: committed.count(v) for v in set(committed)}, {b'0': 50, b'2': 50, b'4': 50})
    equal(len(await read_all(topic, 2)), 300)


@check_async('offsets in a transaction')
async def _():
    topic = await make_topic('txn-offsets')
    await produce(topic, [b'x'] * 10)
    group = f'txn-offsets-{run_id}'
    at = TopicPartition(topic, 0)
    async with AIOKafkaProducer(bootstrap_servers=servers, transactional_id=group) as p:
        for end, offset, want in (('abort', 5, None), ('commit', 7, 7)):
            await p.begin_transaction()
            await p.send_offsets_to_transaction({at: offset}, group)
            await (p.abort_transaction() if end == 'abort' else p.commit_transaction())
            async with consumer(group_id=group) as c:
                c.assign([at])

                async def committed():
                    return await c.committed(at) == want
                await until(committed)


@check_async('a second producer of the same transactional id fences the first')
async def _():
    topic = await make_topic('fence')
    settings = {'bootstrap_servers': servers, 'transactional_id': f'fence-{run_id}'}
    async with AIOKafkaProducer(**settings) as first:
        await first.begin_transaction()
        await first.send_and_wait(topic, b'first')
        async with AIOKafkaProducer(**settings) as second:
            try:
                await first.commit_transaction()
                raise AssertionError('the first was not fenced')
            except ProducerFenced:
                pass
            async with second.transaction():
                await second.send_and_wait(topic, b'second')
    equal([r.value for r in await read_all(topic, isolation_level='read_committed')], [b'second'])


@check_async('admin: topics, partitions, configurations, records deleted, groups')
async def _():
    await group_reads('admin')
    topic = group = f'admin-{run_id}'
    async with administration() as admin:
        equal(len((await admin.describe_cluster())['brokers']) >= 1, True)
        await admin.create_partitions({topic: NewPartitions(8)})
        equal(len((await admin.describe_topics([topic]))[0]['partitions']), 8)
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, {'retention.ms': '200000'})
        await admin.alter_configs([resource])
        shown = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        equal([c[1] for r in shown for c in r.resources[0][4] if c[0] == 'retention.ms'], ['200000'])
        equal(group in [g[0] for g in await admin.list_consumer_groups()], True)
        equal((await admin.describe_consumer_groups([group]))[0].groups[0][2], 'Empty')
        offsets = await admin.list_consumer_group_offsets(group)
        equal(sum(o.offset for o in offsets.values()), 1000)
        await admin.delete_topics([topic])
        equal(topic in await admin.list_topics(), False)


report(f'aiokafka {aiokafka.__version__}')
run()
