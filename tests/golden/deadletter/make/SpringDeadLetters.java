import java.util.HashMap;
import java.util.Map;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.kafka.annotation.DltHandler;
import org.springframework.kafka.annotation.EnableKafka;
import org.springframework.kafka.annotation.EnableKafkaRetryTopic;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.annotation.RetryableTopic;
import org.springframework.kafka.annotation.BackOff;
import org.springframework.kafka.config.ConcurrentKafkaListenerContainerFactory;
import org.springframework.kafka.core.DefaultKafkaConsumerFactory;
import org.springframework.kafka.core.DefaultKafkaProducerFactory;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.kafka.listener.DeadLetterPublishingRecoverer;
import org.springframework.kafka.listener.DefaultErrorHandler;
import org.springframework.kafka.support.serializer.ErrorHandlingDeserializer;
import org.springframework.scheduling.TaskScheduler;
import org.springframework.scheduling.concurrent.ThreadPoolTaskScheduler;
import org.springframework.util.backoff.FixedBackOff;

/** Listeners that fail: their records go to dead-letter topics as Spring Kafka sends them. */
public class SpringDeadLetters {
    static String servers;

    @Configuration
    @EnableKafka
    @EnableKafkaRetryTopic
    public static class Config {
        static Map<String, Object> properties(Class<?> value) {
            Map<String, Object> p = new HashMap<>();
            p.put("bootstrap.servers", servers);
            p.put("auto.offset.reset", "earliest");
            p.put("key.deserializer", ByteArrayDeserializer.class);
            p.put("value.deserializer", ErrorHandlingDeserializer.class);
            p.put(ErrorHandlingDeserializer.VALUE_DESERIALIZER_CLASS, value);
            return p;
        }

        @Bean
        public KafkaTemplate<byte[], byte[]> kafkaTemplate() {
            return new KafkaTemplate<>(new DefaultKafkaProducerFactory<>(Map.of("bootstrap.servers", servers),
                    new ByteArraySerializer(), new ByteArraySerializer()));
        }

        ConcurrentKafkaListenerContainerFactory<byte[], Object> factory(Class<?> value, boolean recover) {
            var f = new ConcurrentKafkaListenerContainerFactory<byte[], Object>();
            f.setConsumerFactory(new DefaultKafkaConsumerFactory<>(properties(value)));
            if (recover)
                f.setCommonErrorHandler(new DefaultErrorHandler(
                        new DeadLetterPublishingRecoverer(kafkaTemplate()), new FixedBackOff(0, 1)));
            return f;
        }

        @Bean
        public ConcurrentKafkaListenerContainerFactory<byte[], Object> bytes() {
            return factory(ByteArrayDeserializer.class, true);
        }

        @Bean
        public ConcurrentKafkaListenerContainerFactory<byte[], Object> longs() {
            return factory(LongDeserializer.class, true);
        }

        @Bean
        public ConcurrentKafkaListenerContainerFactory<byte[], Object> retries() {
            return factory(ByteArrayDeserializer.class, false);
        }

        @Bean
        public TaskScheduler scheduler() {
            return new ThreadPoolTaskScheduler();
        }

        @Bean
        public Orders orders() {
            return new Orders();
        }
    }

    public static class Orders {
        static void charge(byte[] value) {
            String text = value == null ? null : new String(value);
            try {
                if (text != null && text.startsWith("bad"))
                    Integer.parseInt(text);
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException("order cannot be read", e);
            }
            throw new IllegalStateException("order 4711: " + text);
        }

        @KafkaListener(topics = "orders", groupId = "billing", containerFactory = "bytes")
        public void orders(ConsumerRecord<byte[], byte[]> r) {
            charge(r.value());
        }

        @KafkaListener(topics = "orders-dlt", groupId = "mender", containerFactory = "bytes")
        public void again(ConsumerRecord<byte[], byte[]> r) {
            throw new UnsupportedOperationException("cannot be mended");
        }

        @KafkaListener(topics = "numbers", groupId = "billing", containerFactory = "longs")
        public void numbers(ConsumerRecord<byte[], Long> r) {
        }

        @RetryableTopic(attempts = "3", backOff = @BackOff(delay = 100, multiplier = 2), kafkaTemplate = "kafkaTemplate")
        @KafkaListener(topics = "retried", groupId = "billing", containerFactory = "retries")
        public void retried(ConsumerRecord<byte[], byte[]> r) {
            charge(r.value());
        }

        @DltHandler
        public void given(ConsumerRecord<byte[], byte[]> r) {
        }
    }

    public static void main(String[] args) throws Exception {
        servers = args[0];
        new AnnotationConfigApplicationContext(Config.class);
        Thread.sleep(120_000);
    }
}
