// kafkajs against a broker: produce, consume, groups, transactions, administration; the data are checked.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { randomBytes } from 'node:crypto'

const require = createRequire(process.env.MODULES + '/')
const { Kafka, CompressionTypes, CompressionCodecs, ConfigResourceTypes, logLevel } = require('kafkajs')
CompressionCodecs[CompressionTypes.Snappy] = require('kafkajs-snappy')
const LZ4 = require('kafkajs-lz4')
CompressionCodecs[CompressionTypes.LZ4] = new (LZ4.default ?? LZ4)().codec

const run = randomBytes(4).toString('hex')
const kafka = new Kafka({ clientId: 'compat', brokers: [process.argv[2]], logLevel: logLevel.ERROR,
	retry: { retries: 3 } })
const admin = kafka.admin()
const checks = []
const check = (what, f) => checks.push([what, f])

async function until(condition, seconds = 30) {
	const deadline = Date.now() + seconds * 1000
	while (!await condition()) {
		if (Date.now() > deadline) throw new Error(`not true within ${seconds} s`)
		await new Promise(r => setTimeout(r, 50))
	}
}

async function makeTopic(what, partitions = 1, configs = {}) {
	const topic = `${what}-${run}`
	await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: partitions, replicationFactor: 1,
		configEntries: Object.entries(configs).map(([name, value]) => ({ name, value })) }] })
	return topic
}

async function produce(topic, values, { compression, acks, ...settings } = {}) {
	const p = kafka.producer(settings)
	await p.connect()
	const sent = await p.send({ topic, compression, acks,
		messages: values.map((value, i) => ({ key: String(i), value, headers: { h: '1' } })) })
	await p.disconnect()
	return sent
}

// Reads with a group until done(messages) is true; the group's settings as kafkajs names them.
async function read(topic, groupId, done, settings = {}) {
	const { commit, ...rest } = settings
	const c = kafka.consumer({ groupId: `${groupId}-${run}`, ...rest })
	const messages = []
	await c.connect()
	await c.subscribe({ topics: [topic], fromBeginning: true })
	await c.run({ autoCommit: commit !== false, autoCommitThreshold: 1,
		eachMessage: async ({ partition, message }) => { messages.push({ partition, ...message }) } })
	try {
		await until(() => done(messages))
	} finally {
		await c.disconnect()
	}
	return messages
}

for (const name of ['None', 'GZIP', 'Snappy', 'LZ4'])
	check(`produce and consume, compression ${name}`, async () => {
		const topic = await makeTopic(name)
		const values = Array.from({ length: 2000 }, (_, i) => `value ${i} `.repeat(20))
		await produce(topic, values, { compression: CompressionTypes[name] })
		const messages = await read(topic, name, m => m.length >= 2000)
		assert.deepEqual(messages.map(m => m.value.toString()), values)
		assert.deepEqual(messages.map(m => m.offset), values.map((_, i) => String(i)))
		assert.equal(messages[0].headers.h.toString(), '1')
	})

for (const acks of [0, 1, -1])
	check(`produce with acks=${acks}`, async () => {
		const topic = await makeTopic(`acks${acks}`)
		await produce(topic, Array(500).fill('x'), { acks })
		await until(async () => (await admin.fetchTopicOffsets(topic))[0].high === '500')
	})

check('an idempotent producer: every message once, in order', async () => {
	const topic = await makeTopic('idempotent')
	const p = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
	await p.connect()
	for (let n = 0; n < 20; n++)
		await p.send({ topic, messages: Array.from({ length: 100 }, (_, i) => ({ value: String(n * 100 + i) })) })
	await p.disconnect()
	const messages = await read(topic, 'idempotent', m => m.length >= 2000)
	assert.deepEqual(messages.map(m => Number(m.value)), Array.from({ length: 2000 }, (_, i) => i))
})

check('a message that is too large is refused', async () => {
	const topic = await makeTopic('large', 1, { 'max.message.bytes': '1000' })
	await assert.rejects(produce(topic, ['x'.repeat(5000)]), { type: 'MESSAGE_TOO_LARGE' })
})

check('a group reads all, commits, goes on where it was', async () => {
	const topic = await makeTopic('group', 6)
	await produce(topic, Array.from({ length: 1000 }, (_, i) => String(i)))
	const first = await read(topic, 'group', m => m.length >= 1000)
	assert.deepEqual(first.map(m => Number(m.value)).sort((a, b) => a - b), Array.from({ length: 1000 }, (_, i) => i))
	await produce(topic, ['9999'])
	const second = await read(topic, 'group', m => m.length >= 1)
	assert.deepEqual(second.map(m => m.value.toString()), ['9999'])
})

check('a second member comes and goes', async () => {
	const topic = await makeTopic('two', 6)
	const sizes = [0, 0]
	const members = [0, 1].map(n => {
		const c = kafka.consumer({ groupId: `two-${run}`, rebalanceTimeout: 10000 })
		c.on(c.events.GROUP_JOIN, ({ payload }) => { sizes[n] = (payload.memberAssignment[topic] ?? []).length })
		return c
	})
	const start = async c => {
		await c.connect()
		await c.subscribe({ topics: [topic] })
		await c.run({ eachMessage: async () => {} })
	}
	await start(members[0])
	await until(() => sizes[0] === 6)
	await start(members[1])
	await until(() => sizes[0] === 3 && sizes[1] === 3, 40)
	await members[1].disconnect()
	await until(() => sizes[0] === 6, 40)
	await members[0].disconnect()
})

check('a transaction that commits and one that aborts', async () => {
	const topic = await makeTopic('txn', 2)
	const p = kafka.producer({ transactionalId: `txn-${run}`, maxInFlightRequests: 1, idempotent: true })
	await p.connect()
	for (let n = 0; n < 6; n++) {
		const t = await p.transaction()
		await t.send({ topic, messages: Array.from({ length: 50 }, (_, i) => ({ value: String(n), partition: i % 2 })) })
		await (n % 2 ? t.abort() : t.commit())
	}
	await p.send({ topic, messages: [{ value: 'end', partition: 0 }, { value: 'end', partition: 1 }] })
	await p.disconnect()
	const ends = m => m.filter(x => x.value.toString() === 'end').length === 2
	const count = m => Object.fromEntries([...'012345'].map(v => [v, m.filter(x => x.value.toString() === v).length]))
	assert.deepEqual(count(await read(topic, 'committed', ends)), { 0: 50, 1: 0, 2: 50, 3: 0, 4: 50, 5: 0 })
	assert.deepEqual(count(await read(topic, 'all', ends, { readUncommitted: true })),
		{ 0: 50, 1: 50, 2: 50, 3: 50, 4: 50, 5: 50 })
})

check('offsets in a transaction', async () => {
	const topic = await makeTopic('txn-offsets')
	await produce(topic, ['x', 'y'])
	const groupId = `txn-offsets-${run}`
	const p = kafka.producer({ transactionalId: groupId, maxInFlightRequests: 1, idempotent: true })
	await p.connect()
	for (const [end, offset, want] of [['abort', '1', '-1'], ['commit', '2', '2']]) {
		const t = await p.transaction()
		await t.sendOffsets({ consumerGroupId: groupId, topics: [{ topic, partitions: [{ partition: 0, offset }] }] })
		await t[end]()
		const offsets = await admin.fetchOffsets({ groupId, topics: [topic] })
		assert.equal(offsets[0].partitions[0]?.offset, want)
	}
	await p.disconnect()
})

check('admin: topics, partitions, cluster', async () => {
	const topic = await makeTopic('admin', 2)
	assert.ok((await admin.describeCluster()).brokers.length >= 1)
	await admin.createPartitions({ topicPartitions: [{ topic, count: 5 }] })
	assert.equal((await admin.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length, 5)
	assert.equal(await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] }), false)
	assert.ok((await admin.listTopics()).includes(topic))
	assert.deepEqual((await admin.listPartitionReassignments({})).topics, [])
	await admin.deleteTopics({ topics: [topic] })
	await until(async () => !(await admin.listTopics()).includes(topic))
})

check('admin: configurations are shown and altered', async () => {
	const topic = await makeTopic('config', 1, { 'retention.ms': '100000' })
	const resource = { type: ConfigResourceTypes.TOPIC, name: topic }
	const shown = async () => (await admin.describeConfigs({ includeSynonyms: true, resources: [resource] }))
		.resources[0].configEntries.find(e => e.configName === 'retention.ms').configValue
	assert.equal(await shown(), '100000')
	await admin.alterConfigs({ resources: [{ ...resource, configEntries: [{ name: 'retention.ms', value: '200000' }] }] })
	assert.equal(await shown(), '200000')
})

check('admin: offsets by time, records deleted', async () => {
	const topic = await makeTopic('offsets')
	const now = Date.now()
	const p = kafka.producer()
	await p.connect()
	await p.send({ topic, messages: Array.from({ length: 10 }, (_, i) =>
		({ value: 'x', timestamp: String(now - 10000 + i * 1000) })) })
	await p.disconnect()
	assert.equal((await admin.fetchTopicOffsetsByTimestamp(topic, now - 5000))[0].offset, '5')
	await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '4' }] })
	assert.equal((await admin.fetchTopicOffsets(topic))[0].low, '4')
})

check('admin: groups are listed, described, reset and deleted', async () => {
	const topic = await makeTopic('groups')
	await produce(topic, ['x', 'y', 'z'])
	await read(topic, 'groups', m => m.length >= 3)
	const groupId = `groups-${run}`
	assert.ok((await admin.listGroups()).groups.some(g => g.groupId === groupId))
	assert.equal((await admin.describeGroups([groupId])).groups[0].state, 'Empty')
	await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '1' }] })
	assert.equal((await admin.fetchOffsets({ groupId, topics: [topic] }))[0].partitions[0].offset, '1')
	await admin.deleteGroups([groupId])
	assert.ok(!(await admin.listGroups()).groups.some(g => g.groupId === groupId))
})

await admin.connect()
console.log(`ok - kafkajs ${require('kafkajs/package.json').version}, node ${process.version}`)
for (const [what, f] of checks) {
	let timer
	const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error('a minute is over')), 60000) })
	try {
		await Promise.race([f(), late])
		console.log(`ok - ${what}`)
	} catch (e) {
		console.log(`not ok - ${what}: ${String(e.message).replace(/\s+/g, ' ').slice(0, 400)}`)
		console.error(e)
	}
	clearTimeout(timer)
}
await admin.disconnect()
process.exit(0)
