import java.util.Collection;
import java.util.List;
import java.util.Map;

import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.sink.SinkConnector;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;

/** A sink that keeps nothing and reports records without an amount (KIP-610). */
public class PickySink extends SinkConnector {
    public static class Picky extends SinkTask {
        @Override public String version() { return "1"; }
        @Override public void start(Map<String, String> props) { }
        @Override public void stop() { }
        @Override public void put(Collection<SinkRecord> records) {
            for (SinkRecord r : records)
                if (((Map<?, ?>) r.value()).get("amount") == null)
                    context.errantRecordReporter().report(r, new IllegalArgumentException("order has no amount"));
        }
    }

    private Map<String, String> props;

    @Override public String version() { return "1"; }
    @Override public void start(Map<String, String> p) { props = p; }
    @Override public void stop() { }
    @Override public Class<? extends Task> taskClass() { return Picky.class; }
    @Override public List<Map<String, String>> taskConfigs(int max) { return List.of(props); }
    @Override public ConfigDef config() { return new ConfigDef(); }
}
