// sarama against a broker: produce, consume, groups, transactions, administration; the data are checked.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
)

var (
	servers = []string{os.Args[1]}
	run     = fmt.Sprintf("%x", time.Now().UnixNano()&0xffffffff)
	admin   sarama.ClusterAdmin
)

// A check fails by a panic of must, equal or until.
func check(what string, f func()) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Printf("not ok - %s: %s\n", what, strings.Join(strings.Fields(fmt.Sprint(r)), " "))
		} else {
			fmt.Printf("ok - %s\n", what)
		}
	}()
	f()
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func need[T any](v T, err error) T {
	must(err)
	return v
}

func equal[T any](got, want T) {
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		panic(fmt.Sprintf("got %.200s, not %.200s", g, w))
	}
}

func until(condition func() bool) {
	for deadline := time.Now().Add(30 * time.Second); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			panic("not true within 30 s")
		}
	}
}

func config() *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.V4_1_0_0
	c.Producer.Return.Successes = true
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	c.Consumer.Offsets.AutoCommit.Interval = 100 * time.Millisecond
	return c
}

func makeTopic(what string, partitions int32, configs map[string]*string) string {
	name := what + "-" + run
	must(admin.CreateTopic(name, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1,
		ConfigEntries: configs}, false))
	return name
}

func messages(topic string, n int) []*sarama.ProducerMessage {
	m := make([]*sarama.ProducerMessage, n)
	for i := range m {
		m[i] = &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(fmt.Sprint(i)),
			Value:   sarama.StringEncoder(fmt.Sprint(i)),
			Headers: []sarama.RecordHeader{{Key: []byte("h"), Value: []byte("1")}}}
	}
	return m
}

func produce(topic string, n int, c *sarama.Config) {
	p := need(sarama.NewSyncProducer(servers, c))
	defer p.Close()
	must(p.SendMessages(messages(topic, n)))
}

// Reads n messages of partition 0.
func read(topic string, n int, c *sarama.Config) (all []*sarama.ConsumerMessage) {
	consumer := need(sarama.NewConsumer(servers, c))
	defer consumer.Close()
	p := need(consumer.ConsumePartition(topic, 0, sarama.OffsetOldest))
	defer p.Close()
	late := time.After(30 * time.Second)
	for len(all) < n {
		select {
		case m := <-p.Messages():
			all = append(all, m)
		case <-late:
			panic(fmt.Sprintf("%d messages within 30 s, not %d", len(all), n))
		}
	}
	return all
}

func values(ms []*sarama.ConsumerMessage) (v []string) {
	for _, m := range ms {
		v = append(v, string(m.Value))
	}
	return v
}

func numbers(n int) (v []string) {
	for i := range n {
		v = append(v, fmt.Sprint(i))
	}
	return v
}

// A member of a group: what it has read and how many partitions it owns.
type member struct {
	sync.Mutex
	seen   []string
	owned  atomic.Int32
	cancel context.CancelFunc
	ended  chan error
}

func (m *member) Setup(s sarama.ConsumerGroupSession) error {
	n := 0
	for _, p := range s.Claims() {
		n += len(p)
	}
	m.owned.Store(int32(n))
	return nil
}
func (m *member) Cleanup(sarama.ConsumerGroupSession) error { m.owned.Store(0); return nil }
func (m *member) ConsumeClaim(s sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for msg := range claim.Messages() {
		m.Lock()
		m.seen = append(m.seen, string(msg.Value))
		m.Unlock()
		s.MarkMessage(msg, "")
	}
	return nil
}
func (m *member) count() int { m.Lock(); defer m.Unlock(); return len(m.seen) }
func (m *member) stop()      { m.cancel(); must(<-m.ended) }

func join(topic string, c *sarama.Config) *member {
	g := need(sarama.NewConsumerGroup(servers, topic, c))
	ctx, cancel := context.WithCancel(context.Background())
	m := &member{cancel: cancel, ended: make(chan error, 1)}
	go func() {
		var err error
		for err == nil && ctx.Err() == nil {
			err = g.Consume(ctx, []string{topic}, m)
		}
		m.ended <- errors.Join(err, g.Close())
	}()
	return m
}

func groupReads(name string, c *sarama.Config) {
	topic := makeTopic(name, 6, nil)
	produce(topic, 1000, config())
	m := join(topic, c)
	until(func() bool { return m.count() >= 1000 })
	m.stop()
	want := numbers(1000)
	slices.Sort(want)
	slices.Sort(m.seen)
	equal(m.seen, want)
	produce(topic, 1, config())
	m = join(topic, c)
	until(func() bool { return m.count() >= 1 })
	m.stop()
	equal(m.seen, []string{"0"})
}

func twoMembers(name string, c *sarama.Config) {
	topic := makeTopic(name, 6, nil)
	c.Consumer.Group.Heartbeat.Interval = 200 * time.Millisecond
	a := join(topic, c)
	until(func() bool { return a.owned.Load() == 6 })
	b := join(topic, c)
	until(func() bool { return a.owned.Load() == 3 && b.owned.Load() == 3 })
	b.stop()
	until(func() bool { return a.owned.Load() == 6 })
	a.stop()
}

func transactional(id string) *sarama.Config {
	c := config()
	c.Producer.Idempotent = true
	c.Producer.Transaction.ID = id
	c.Net.MaxOpenRequests = 1
	return c
}

func count(topic string, level sarama.IsolationLevel, n int) map[string]int {
	c := config()
	c.Consumer.IsolationLevel = level
	m := map[string]int{}
	for _, v := range values(read(topic, n, c)) {
		m[v]++
	}
	return m
}

func transactions() {
	check("a transaction that commits and one that aborts", func() {
		topic := makeTopic("txn", 1, nil)
		p := need(sarama.NewSyncProducer(servers, transactional(topic)))
		defer p.Close()
		for n := range 5 {
			must(p.BeginTxn())
			for range 20 {
				need2(p.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(fmt.Sprint(n))}))
			}
			if n%2 == 0 {
				must(p.CommitTxn())
			} else {
				must(p.AbortTxn())
			}
		}
		equal(count(topic, sarama.ReadCommitted, 60), map[string]int{"0": 20, "2": 20, "4": 20})
		equal(count(topic, sarama.ReadUncommitted, 100), map[string]int{"0": 20, "1": 20, "2": 20, "3": 20, "4": 20})
	})

	check("offsets in a transaction", func() {
		topic := makeTopic("txn-offsets", 1, nil)
		p := need(sarama.NewSyncProducer(servers, transactional(topic)))
		defer p.Close()
		for _, end := range []struct {
			commit  bool
			at, now int64
		}{{false, 5, -1}, {true, 7, 7}} {
			must(p.BeginTxn())
			must(p.AddOffsetsToTxn(map[string][]*sarama.PartitionOffsetMetadata{
				topic: {{Partition: 0, Offset: end.at}}}, topic))
			if end.commit {
				must(p.CommitTxn())
			} else {
				must(p.AbortTxn())
			}
			r := need(admin.ListConsumerGroupOffsets(topic, map[string][]int32{topic: {0}}))
			equal(r.GetBlock(topic, 0).Offset, end.now)
		}
	})

	check("a second producer of the same transactional id fences the first", func() {
		topic := makeTopic("fence", 1, nil)
		first := need(sarama.NewSyncProducer(servers, transactional(topic)))
		defer first.Close()
		must(first.BeginTxn())
		need2(first.SendMessage(messages(topic, 1)[0]))
		second := need(sarama.NewSyncProducer(servers, transactional(topic)))
		defer second.Close()
		if err := first.CommitTxn(); err == nil {
			panic("the first was not fenced")
		}
		must(second.BeginTxn())
		need2(second.SendMessage(messages(topic, 1)[0]))
		must(second.CommitTxn())
		equal(count(topic, sarama.ReadCommitted, 1), map[string]int{"0": 1})
	})
}

func need2(_ int32, _ int64, err error) { must(err) }

func administration() {
	check("admin: topics, partitions, cluster", func() {
		topic := makeTopic("admin", 2, nil)
		brokers, _, err := admin.DescribeCluster()
		must(err)
		equal(len(brokers) >= 1, true)
		must(admin.CreatePartitions(topic, 5, nil, false))
		equal(len(need(admin.DescribeTopics([]string{topic}))[0].Partitions), 5)
		err = admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false)
		equal(errors.Is(err, sarama.ErrTopicAlreadyExists), true)
		must(admin.DeleteTopic(topic))
		until(func() bool { _, there := need(admin.ListTopics())[topic]; return !there })
	})

	check("admin: configurations are shown and altered", func() {
		value, other := "100000", "200000"
		topic := makeTopic("config", 1, map[string]*string{"retention.ms": &value})
		shown := func() string {
			for _, e := range need(admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: topic})) {
				if e.Name == "retention.ms" {
					return e.Value
				}
			}
			return ""
		}
		equal(shown(), value)
		must(admin.AlterConfig(sarama.TopicResource, topic, map[string]*string{"retention.ms": &other}, false))
		equal(shown(), other)
		must(admin.IncrementalAlterConfig(sarama.TopicResource, topic, map[string]sarama.IncrementalAlterConfigsEntry{
			"retention.ms": {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value}}, false))
		equal(shown(), value)
	})

	check("admin: offsets, records deleted, log directories", func() {
		topic := makeTopic("offsets", 1, nil)
		produce(topic, 10, config())
		c := need(sarama.NewClient(servers, config()))
		defer c.Close()
		equal(need(c.GetOffset(topic, 0, sarama.OffsetNewest)), 10)
		must(admin.DeleteRecords(topic, map[int32]int64{0: 4}))
		equal(need(c.GetOffset(topic, 0, sarama.OffsetOldest)), 4)
		brokers, _, err := admin.DescribeCluster()
		must(err)
		equal(len(need(admin.DescribeLogDirs([]int32{brokers[0].ID()}))) >= 1, true)
	})

	check("admin: groups are listed, described and deleted", func() {
		groupReads("groups", config())
		group := "groups-" + run
		_, there := need(admin.ListConsumerGroups())[group]
		equal(there, true)
		equal(need(admin.DescribeConsumerGroups([]string{group}))[0].State, "Empty")
		r := need(admin.ListConsumerGroupOffsets(group, nil))
		sum := int64(0)
		for p := range int32(6) {
			sum += r.GetBlock(group, p).Offset
		}
		equal(sum, 1001)
		must(admin.DeleteConsumerGroup(group))
		_, there = need(admin.ListConsumerGroups())[group]
		equal(there, false)
	})

	check("an old protocol version (2.1) still works", func() {
		c := config()
		c.Version = sarama.V2_1_0_0
		topic := makeTopic("old", 1, nil)
		produce(topic, 100, c)
		equal(values(read(topic, 100, c)), numbers(100))
	})
}

func main() {
	admin = need(sarama.NewClusterAdmin(servers, config()))
	for _, codec := range []sarama.CompressionCodec{sarama.CompressionNone, sarama.CompressionGZIP, sarama.CompressionSnappy,
		sarama.CompressionLZ4, sarama.CompressionZSTD} {
		check("produce and consume, compression "+codec.String(), func() {
			c := config()
			c.Producer.Compression = codec
			topic := makeTopic(codec.String(), 1, nil)
			produce(topic, 5000, c)
			ms := read(topic, 5000, config())
			equal(values(ms), numbers(5000))
			equal(ms[4999].Offset, 4999)
			equal(string(ms[0].Headers[0].Value), "1")
		})
	}
	for _, acks := range []sarama.RequiredAcks{sarama.NoResponse, sarama.WaitForLocal, sarama.WaitForAll} {
		check(fmt.Sprintf("produce with acks=%d", acks), func() {
			c := config()
			c.Producer.RequiredAcks = acks
			topic := makeTopic(fmt.Sprintf("acks%d", acks), 1, nil)
			produce(topic, 1000, c)
			equal(len(read(topic, 1000, config())), 1000)
		})
	}
	check("an idempotent producer: every message once, in order", func() {
		c := config()
		c.Producer.Idempotent = true
		c.Net.MaxOpenRequests = 1
		topic := makeTopic("idempotent", 1, nil)
		produce(topic, 20000, c)
		equal(values(read(topic, 20000, config())), numbers(20000))
	})
	check("a message that is too large is refused", func() {
		limit := "1000"
		topic := makeTopic("large", 1, map[string]*string{"max.message.bytes": &limit})
		p := need(sarama.NewSyncProducer(servers, config()))
		defer p.Close()
		_, _, err := p.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.ByteEncoder(make([]byte, 5000))})
		equal(errors.Is(err, sarama.ErrMessageSizeTooLarge), true)
	})
	for _, s := range []sarama.BalanceStrategy{sarama.NewBalanceStrategyRange(), sarama.NewBalanceStrategyRoundRobin(),
		sarama.NewBalanceStrategySticky()} {
		c := config()
		c.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{s}
		check("group, "+s.Name()+": reads all, commits, goes on where it was", func() { groupReads(s.Name(), c) })
		check("group, "+s.Name()+": a second member comes and goes", func() { twoMembers("two-"+s.Name(), c) })
	}
	check("static membership: a restarted member reads on", func() {
		c := config()
		c.Consumer.Group.InstanceId = "member-1"
		groupReads("static", c)
	})
	transactions()
	administration()
	must(admin.Close())
}
