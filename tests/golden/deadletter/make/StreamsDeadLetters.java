import java.util.Properties;

import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.LogAndContinueExceptionHandler;
import org.apache.kafka.streams.errors.LogAndContinueProcessingExceptionHandler;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;

/** A topology that cannot read some records and fails on others. */
public class StreamsDeadLetters {
    static String parse(String value) {
        try {
            return Integer.toString(Integer.parseInt(value));
        } catch (NumberFormatException e) {
            throw new IllegalStateException("order is no number", e);
        }
    }

    public static void main(String[] args) {
        Properties p = new Properties();
        p.put(StreamsConfig.APPLICATION_ID_CONFIG, "orders-app");
        p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
        p.put(StreamsConfig.STATE_DIR_CONFIG, args[1] + "/state");
        p.put("errors.dead.letter.queue.topic.name", "orders.dlq");
        p.put("auto.offset.reset", "earliest");
        p.put("processing.exception.handler", LogAndContinueProcessingExceptionHandler.class);
        p.put("deserialization.exception.handler", LogAndContinueExceptionHandler.class);

        Deserializer<String> strict = (topic, data) -> {
            if (data != null && data.length > 0 && data[0] == (byte) 0xff)
                throw new SerializationException("no text");
            return new StringDeserializer().deserialize(topic, data);
        };
        StreamsBuilder b = new StreamsBuilder();
        b.stream("in", Consumed.with(Serdes.ByteArray(), Serdes.serdeFrom(new StringSerializer(), strict)))
            .mapValues(StreamsDeadLetters::parse).to("out", Produced.with(Serdes.ByteArray(), Serdes.String()));
        new KafkaStreams(b.build(), p).start();
    }
}
