import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.FeatureUpdate;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.UpdateFeaturesOptions;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Two share groups that reject records, or give them back until they were delivered too often. */
public class ShareDeadLetters {
    static void prepare(String servers) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", servers))) {
            admin.updateFeatures(Map.of("share.version", new FeatureUpdate((short) 2, FeatureUpdate.UpgradeType.UPGRADE)),
                    new UpdateFeaturesOptions()).all().get();
            List<NewTopic> topics = new ArrayList<>();
            topics.add(new NewTopic("orders", 2, (short) 1));
            Map<ConfigResource, java.util.Collection<AlterConfigOp>> changes = new HashMap<>();
            for (String group : List.of("workers", "copiers")) {
                topics.add(new NewTopic("dlq." + group, 1, (short) 1)
                        .configs(Map.of("errors.deadletterqueue.group.enable", "true")));
                List<AlterConfigOp> ops = new ArrayList<>();
                for (Map.Entry<String, String> e : Map.of(
                        "errors.deadletterqueue.topic.name", "dlq." + group,
                        "errors.deadletterqueue.copy.record.enable", group.equals("copiers") ? "true" : "false",
                        "share.auto.offset.reset", "earliest").entrySet())
                    ops.add(new AlterConfigOp(new ConfigEntry(e.getKey(), e.getValue()), AlterConfigOp.OpType.SET));
                changes.put(new ConfigResource(ConfigResource.Type.GROUP, group), ops);
            }
            admin.createTopics(topics).all().get();
            admin.incrementalAlterConfigs(changes).all().get();
        }
    }

    static void work(String servers, String group) {
        Map<String, Object> p = new HashMap<>();
        p.put("bootstrap.servers", servers);
        p.put("group.id", group);
        p.put("share.acknowledgement.mode", "explicit");
        try (var consumer = new KafkaShareConsumer<>(p, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.subscribe(List.of("orders"));
            for (;;) {
                for (ConsumerRecord<byte[], byte[]> r : consumer.poll(Duration.ofMillis(200)))
                    consumer.acknowledge(r, new String(r.value()).equals("release") ?
                            AcknowledgeType.RELEASE : AcknowledgeType.REJECT);
                consumer.commitSync();
            }
        }
    }

    public static void main(String[] args) throws Exception {
        if (args[0].equals("prepare")) {
            prepare(args[1]);
            return;
        }
        for (String group : List.of("workers", "copiers"))
            new Thread(() -> work(args[1], group)).start();
    }
}
