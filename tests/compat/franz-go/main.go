// franz-go against a broker: produce, consume, groups, transactions, administration; the data are checked.
package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var (
	ctx   = context.Background()
	run   = fmt.Sprintf("%x", time.Now().UnixNano()&0xffffffff)
	admin *kadm.Client
)

func client(opts ...kgo.Opt) *kgo.Client {
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(os.Args[1])}, opts...)...)
	must(err)
	return c
}

// A check fails by a panic of must or equal; it has a minute.
func check(what string, f func()) {
	outer := ctx
	var cancel context.CancelFunc
	ctx, cancel = context.WithTimeout(outer, time.Minute)
	defer func() {
		cancel()
		ctx = outer
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

func equal[T any](got, want T) {
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		panic(fmt.Sprintf("got %.200s, not %.200s", g, w))
	}
}

func until(condition func() bool) {
	for !condition() {
		must(ctx.Err())
		time.Sleep(20 * time.Millisecond)
	}
}

func makeTopic(what string, partitions int32, configs map[string]*string) string {
	name := what + "-" + run
	r, err := admin.CreateTopic(ctx, partitions, 1, configs, name)
	must(err)
	must(r.Err)
	return name
}

func records(topic string, n int) []*kgo.Record {
	rs := make([]*kgo.Record, n)
	for i := range rs {
		rs[i] = &kgo.Record{Topic: topic, Key: []byte(fmt.Sprint(i)), Value: []byte(fmt.Sprint(i)),
			Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("1")}, {Key: "h"}}}
	}
	return rs
}

func produce(topic string, n int, opts ...kgo.Opt) {
	c := client(opts...)
	defer c.Close()
	must(c.ProduceSync(ctx, records(topic, n)...).FirstErr())
}

// Polls until n records are there; errors of fetches are raised.
func read(c *kgo.Client, n int) (all []*kgo.Record) {
	for len(all) < n {
		f := c.PollFetches(ctx)
		for _, e := range f.Errors() {
			must(e.Err)
		}
		all = append(all, f.Records()...)
	}
	return all
}

func values(rs []*kgo.Record) (v []string) {
	for _, r := range rs {
		v = append(v, string(r.Value))
	}
	return v
}

func numbers(n int) (v []string) {
	for i := range n {
		v = append(v, fmt.Sprint(i))
	}
	return v
}

func sorted(v []string) []string { slices.Sort(v); return v }

func groupReads(name string, opts ...kgo.Opt) {
	topic := makeTopic(name, 6, nil)
	produce(topic, 1000)
	opts = append(opts, kgo.ConsumerGroup(topic), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	c := client(opts...)
	equal(sorted(values(read(c, 1000))), sorted(numbers(1000)))
	must(c.CommitUncommittedOffsets(ctx))
	c.Close()
	produce(topic, 1)
	c = client(opts...)
	equal(values(read(c, 1)), []string{"0"})
	c.Close()
}

// franz-go falls back to the classic protocol in silence, so the broker is asked.
func groupType(group string) string {
	r, err := kmsg.NewPtrListGroupsRequest().RequestWith(ctx, client())
	must(err)
	for _, g := range r.Groups {
		if g.Group == group {
			return g.GroupType
		}
	}
	return "no group"
}

func twoMembers(name string, opts ...kgo.Opt) {
	topic := makeTopic(name, 6, nil)
	owned := [2]map[int32]bool{{}, {}}
	member := func(n int) *kgo.Client {
		return client(append(opts, kgo.ConsumerGroup(topic), kgo.ConsumeTopics(topic),
			kgo.HeartbeatInterval(200*time.Millisecond), kgo.BlockRebalanceOnPoll(),
			kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, m map[string][]int32) {
				for _, p := range m[topic] {
					owned[n][p] = true
				}
			}),
			kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, m map[string][]int32) {
				for _, p := range m[topic] {
					delete(owned[n], p)
				}
			}))...)
	}
	poll := func(cs ...*kgo.Client) {
		for _, c := range cs {
			short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			c.PollFetches(short)
			cancel()
		}
	}
	allow := func(cs ...*kgo.Client) {
		for _, c := range cs {
			c.AllowRebalance()
		}
	}
	a := member(0)
	defer a.CloseAllowingRebalance()
	until(func() bool { poll(a); n := len(owned[0]); allow(a); return n == 6 })
	b := member(1)
	until(func() bool { poll(a, b); x, y := len(owned[0]), len(owned[1]); allow(a, b); return x == 3 && y == 3 })
	b.CloseAllowingRebalance()
	until(func() bool { poll(a); n := len(owned[0]); allow(a); return n == 6 })
}

func count(topic string, level kgo.IsolationLevel) map[string]int {
	c := client(kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(level))
	defer c.Close()
	n := map[string]int{}
	for n["end"] < 2 {
		for _, r := range read(c, 1) {
			n[string(r.Value)]++
		}
	}
	delete(n, "end")
	return n
}

func transactions() {
	check("a transaction that commits and one that aborts", func() {
		topic := makeTopic("txn", 2, nil)
		p := client(kgo.TransactionalID(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		defer p.Close()
		for n := range 7 {
			must(p.BeginTransaction())
			for i := range 50 {
				v := fmt.Sprint(n)
				if n == 6 {
					if v = "end"; i >= 2 {
						break
					}
				}
				p.Produce(ctx, &kgo.Record{Topic: topic, Partition: int32(i % 2), Value: []byte(v)}, nil)
			}
			must(p.Flush(ctx))
			must(p.EndTransaction(ctx, kgo.TransactionEndTry(n%2 == 0)))
		}
		equal(count(topic, kgo.ReadCommitted()), map[string]int{"0": 50, "2": 50, "4": 50})
		equal(count(topic, kgo.ReadUncommitted()), map[string]int{"0": 50, "1": 50, "2": 50, "3": 50, "4": 50, "5": 50})
	})

	check("consume, transform, produce with a group transact session", func() {
		from, to := makeTopic("etl-in", 3, nil), makeTopic("etl-out", 3, nil)
		produce(from, 1000)
		s, err := kgo.NewGroupTransactSession(kgo.SeedBrokers(os.Args[1]), kgo.TransactionalID(to), kgo.ConsumerGroup(from),
			kgo.ConsumeTopics(from), kgo.RequireStableFetchOffsets(), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		must(err)
		defer s.Close()
		for done, round := 0, 0; done < 1000; round++ {
			f := s.PollRecords(ctx, 100)
			for _, e := range f.Errors() {
				must(e.Err)
			}
			must(s.Begin())
			f.EachRecord(func(r *kgo.Record) { s.Produce(ctx, &kgo.Record{Topic: to, Value: r.Value}, nil) })
			committed, err := s.End(ctx, kgo.TransactionEndTry(round%3 != 2))
			must(err)
			if committed {
				done += f.NumRecords()
			}
		}
		c := client(kgo.ConsumeTopics(to), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
		defer c.Close()
		equal(sorted(values(read(c, 1000))), sorted(numbers(1000)))
	})

	check("a second producer of the same transactional id fences the first", func() {
		topic := makeTopic("fence", 1, nil)
		first, second := client(kgo.TransactionalID(topic)), client(kgo.TransactionalID(topic))
		defer first.Close()
		defer second.Close()
		must(first.BeginTransaction())
		must(first.ProduceSync(ctx, records(topic, 1)...).FirstErr())
		must(second.BeginTransaction())
		must(second.ProduceSync(ctx, records(topic, 1)...).FirstErr())
		err := first.EndTransaction(ctx, kgo.TryCommit)
		if !errors.Is(err, kerr.ProducerFenced) && !errors.Is(err, kerr.InvalidProducerEpoch) {
			panic(fmt.Sprintf("the first was not fenced: %v", err))
		}
		must(second.EndTransaction(ctx, kgo.TryCommit))
	})

	check("admin: transactions and producers are described", func() {
		topic := makeTopic("listed", 1, nil)
		p := client(kgo.TransactionalID(topic))
		defer p.Close()
		must(p.BeginTransaction())
		must(p.ProduceSync(ctx, records(topic, 1)...).FirstErr())
		listed, err := admin.ListTransactions(ctx, nil, nil)
		must(err)
		equal(listed[topic].State, "Ongoing")
		described, err := admin.DescribeTransactions(ctx, topic)
		must(err)
		equal(described[topic].Topics.Lookup(topic, 0), true)
		producers, err := admin.DescribeProducers(ctx, kadm.TopicsSet{topic: {0: {}}})
		must(err)
		equal(len(producers[topic].Partitions[0].ActiveProducers), 1)
		must(p.EndTransaction(ctx, kgo.TryAbort))
	})
}

func administration() {
	check("admin: topics, partitions, cluster", func() {
		topic := makeTopic("admin", 2, nil)
		m, err := admin.BrokerMetadata(ctx)
		must(err)
		equal(len(m.Brokers) >= 1 && m.Controller >= 0, true)
		_, err = admin.UpdatePartitions(ctx, 5, topic)
		must(err)
		until(func() bool { t, err := admin.ListTopics(ctx, topic); must(err); return len(t[topic].Partitions) == 5 })
		r, err := admin.CreateTopic(ctx, 1, 1, nil, topic)
		equal(errors.Is(r.Err, kerr.TopicAlreadyExists) || errors.Is(err, kerr.TopicAlreadyExists), true)
		d, err := admin.DeleteTopic(ctx, topic)
		must(err)
		must(d.Err)
		until(func() bool { t, err := admin.ListTopics(ctx); must(err); return !t.Has(topic) })
	})

	check("admin: configurations are shown and altered", func() {
		value, other := "100000", "200000"
		topic := makeTopic("config", 1, map[string]*string{"retention.ms": &value})
		shown := func() string {
			r, err := admin.DescribeTopicConfigs(ctx, topic)
			must(err)
			for _, c := range r[0].Configs {
				if c.Key == "retention.ms" {
					return c.MaybeValue()
				}
			}
			return ""
		}
		until(func() bool { return shown() == value })
		_, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: &other}}, topic)
		must(err)
		until(func() bool { return shown() == other })
	})

	check("admin: offsets, records deleted, log directories", func() {
		topic := makeTopic("offsets", 1, nil)
		now := time.Now().Add(-10 * time.Second)
		rs := records(topic, 10)
		for i, r := range rs {
			r.Timestamp = now.Add(time.Duration(i) * time.Second)
		}
		c := client()
		defer c.Close()
		must(c.ProduceSync(ctx, rs...).FirstErr())
		offset := func(l kadm.ListedOffsets, err error) int64 {
			must(err)
			o, _ := l.Lookup(topic, 0)
			must(o.Err)
			return o.Offset
		}
		equal(offset(admin.ListEndOffsets(ctx, topic)), 10)
		equal(offset(admin.ListMaxTimestampOffsets(ctx, topic)), 9)
		equal(offset(admin.ListOffsetsAfterMilli(ctx, rs[5].Timestamp.UnixMilli(), topic)), 5)
		var o kadm.Offsets
		o.AddOffset(topic, 0, 4, -1)
		_, err := admin.DeleteRecords(ctx, o)
		must(err)
		equal(offset(admin.ListStartOffsets(ctx, topic)), 4)
		dirs, err := admin.DescribeAllLogDirs(ctx, nil)
		must(err)
		equal(len(dirs) >= 1, true)
	})

	check("admin: quotas, elections, reassignments, versions, cluster", func() {
		topic := makeTopic("quotas", 2, nil)
		name := "client-" + run
		who := []kadm.ClientQuotaEntityComponent{{Type: "client-id", Name: &name}}
		for _, op := range []kadm.AlterClientQuotaOp{{Key: "producer_byte_rate", Value: 1e9},
			{Key: "producer_byte_rate", Remove: true}} {
			a, err := admin.AlterClientQuotas(ctx, []kadm.AlterClientQuotaEntry{{Entity: who, Ops: []kadm.AlterClientQuotaOp{op}}})
			must(err)
			must(a[0].Err)
			until(func() bool {
				d, err := admin.DescribeClientQuotas(ctx, false, []kadm.DescribeClientQuotaComponent{{Type: "client-id", MatchName: &name}})
				must(err)
				return len(d) == 0 == op.Remove
			})
		}
		var s kadm.TopicsSet
		s.Add(topic, 0, 1)
		e, err := admin.ElectLeaders(ctx, kadm.ElectPreferredReplica, s)
		must(err)
		equal(errors.Is(e[topic][0].Err, kerr.ElectionNotNeeded), true)
		l, err := admin.ListPartitionReassignments(ctx, nil)
		must(err)
		equal(len(l), 0)
		m, err := admin.BrokerMetadata(ctx)
		must(err)
		var r kadm.AlterPartitionAssignmentsReq
		r.Assign(topic, 0, []int32{m.Controller})
		a, err := admin.AlterPartitionAssignments(ctx, r)
		must(err)
		must(a[topic][0].Err)
		v, err := admin.ApiVersions(ctx)
		must(err)
		must(v[m.Controller].Err)
	})

	check("admin: groups are listed, described, altered and deleted", func() {
		groupReads("groups")
		group := "groups-" + run
		l, err := admin.ListGroups(ctx)
		must(err)
		equal(slices.Contains(l.Groups(), group), true)
		d, err := admin.DescribeGroups(ctx, group)
		must(err)
		equal(d[group].State, "Empty")
		var o kadm.Offsets
		o.AddOffset(group, 0, 3, -1)
		must(admin.CommitAllOffsets(ctx, group, o))
		f, err := admin.FetchOffsets(ctx, group)
		must(err)
		at, _ := f.Lookup(group, 0)
		equal(at.At, 3)
		_, err = admin.DeleteOffsets(ctx, group, kadm.TopicsSet{group: {0: {}}})
		must(err)
		_, err = admin.DeleteGroups(ctx, group)
		must(err)
		l, err = admin.ListGroups(ctx)
		must(err)
		equal(slices.Contains(l.Groups(), group), false)
	})
}

func main() {
	admin = kadm.NewClient(client())
	codecs := map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	for _, name := range slices.Sorted(maps.Keys(codecs)) {
		check("produce and consume, compression "+name, func() {
			topic := makeTopic(name, 1, nil)
			produce(topic, 5000, kgo.ProducerBatchCompression(codecs[name]))
			c := client(kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
			defer c.Close()
			rs := read(c, 5000)
			equal(values(rs), numbers(5000))
			equal(rs[4999].Offset, 4999)
			equal(fmt.Sprint(rs[0].Headers), fmt.Sprint(records(topic, 1)[0].Headers))
		})
	}
	for name, acks := range map[string]kgo.Acks{"0": kgo.NoAck(), "1": kgo.LeaderAck(), "all": kgo.AllISRAcks()} {
		check("produce with acks="+name, func() {
			topic := makeTopic("acks-"+name, 1, nil)
			produce(topic, 1000, kgo.RequiredAcks(acks), kgo.DisableIdempotentWrite())
			until(func() bool {
				l, err := admin.ListEndOffsets(ctx, topic)
				must(err)
				o, _ := l.Lookup(topic, 0)
				return o.Offset == 1000
			})
		})
	}
	check("a record that is too large is refused", func() {
		limit := "1000"
		topic := makeTopic("large", 1, map[string]*string{"max.message.bytes": &limit})
		c := client(kgo.ProducerBatchCompression(kgo.NoCompression()))
		defer c.Close()
		err := c.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: make([]byte, 5000)}).FirstErr()
		equal(errors.Is(err, kerr.MessageTooLarge), true)
	})
	balancers := map[string]kgo.GroupBalancer{"range": kgo.RangeBalancer(), "roundrobin": kgo.RoundRobinBalancer(),
		"sticky": kgo.StickyBalancer(), "cooperative-sticky": kgo.CooperativeStickyBalancer()}
	for _, name := range slices.Sorted(maps.Keys(balancers)) {
		check("group, "+name+": reads all, commits, goes on where it was", func() {
			groupReads(name, kgo.Balancers(balancers[name]))
		})
		check("group, "+name+": a second member comes and goes", func() {
			twoMembers("two-"+name, kgo.Balancers(balancers[name]))
		})
	}
	check("static membership: a restarted member reads on", func() {
		groupReads("static", kgo.InstanceID("member-1"))
	})
	for name, balancer := range map[string]kgo.GroupBalancer{"uniform": kgo.StickyBalancer(), "range": kgo.RangeBalancer()} {
		check("consumer protocol, "+name+": reads all, commits, goes on where it was", func() {
			groupReads("protocol-"+name, kgo.ServerSideBalancer(), kgo.Balancers(balancer))
			equal(groupType("protocol-"+name+"-"+run), "consumer")
		})
		check("consumer protocol, "+name+": a second member comes and goes", func() {
			twoMembers("protocol-two-"+name, kgo.ServerSideBalancer(), kgo.Balancers(balancer))
		})
	}
	transactions()
	administration()
}
