// Counts words with Kafka Streams, exactly-once v2, until it has counted WORDS of them; the application is closed and
// started again half way. Prints "word count" lines of the final state as read from the output topic.
// usage: WordCount SERVERS INPUT OUTPUT WORDS STATE_DIR
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Produced;

public class WordCount {
    static KafkaStreams start(String servers, String input, String output, String dir) {
        Properties p = new Properties();
        p.put(StreamsConfig.APPLICATION_ID_CONFIG, "count-" + input);
        p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, servers);
        p.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        p.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
        p.put(StreamsConfig.STATE_DIR_CONFIG, dir);
        p.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        p.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        p.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        StreamsBuilder b = new StreamsBuilder();
        b.<String, String>stream(input)
            .flatMapValues(line -> Arrays.asList(line.toLowerCase(Locale.ROOT).split(" ")))
            .groupBy((key, word) -> word)
            .count()
            .toStream()
            .to(output, Produced.with(Serdes.String(), Serdes.Long()));
        KafkaStreams s = new KafkaStreams(b.build(), p);
        s.setUncaughtExceptionHandler(e -> {
            e.printStackTrace();
            return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        s.start();
        return s;
    }

    public static void main(String[] a) {
        long words = Long.parseLong(a[3]);
        Map<String, Long> counts = new TreeMap<>();
        try (KafkaConsumer<String, Long> c = new KafkaConsumer<>(Map.of("bootstrap.servers", a[0], "group.id",
                UUID.randomUUID().toString(), "auto.offset.reset", "earliest", "isolation.level", "read_committed"),
                new StringDeserializer(), new LongDeserializer())) {
            c.subscribe(List.of(a[2]));
            KafkaStreams s = start(a[0], a[1], a[2], Path.of(a[4], "first").toString());
            boolean restarted = false;
            long deadline = System.currentTimeMillis() + 90_000, sum = 0;
            while (sum < words && System.currentTimeMillis() < deadline) {
                c.poll(Duration.ofMillis(200)).forEach(r -> counts.put(r.key(), r.value()));
                sum = counts.values().stream().mapToLong(Long::longValue).sum();
                if (!restarted && sum > 0) {
                    s.close(Duration.ofSeconds(20));
                    s = start(a[0], a[1], a[2], Path.of(a[4], "second").toString()); // state from the changelog
                    restarted = true;
                }
            }
            s.close(Duration.ofSeconds(20));
        }
        counts.forEach((word, n) -> System.out.println(word + " " + n));
    }
}
