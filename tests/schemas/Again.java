// Reads the lines of dump.c with Kafka's own classes and writes the values
// again: the bytes must be the same. Also compares the error codes.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;

public class Again {
    static Class<?> find(String kind, String name) throws ClassNotFoundException {
        if (!kind.equals("data"))
            return Class.forName("org.apache.kafka.common.message." + name + "Data");
        if (name.startsWith("ConsumerProtocol"))
            return Class.forName("org.apache.kafka.common.message." + name);
        return Class.forName("org.apache.kafka.coordinator."
            + (name.startsWith("Transaction") ? "transaction" : "group") + ".generated." + name);
    }

    static void check(Class<?> type, short version, byte[] bytes) throws Exception {
        Message m = (Message) type.getDeclaredConstructor().newInstance();
        ByteBuffer in = ByteBuffer.wrap(bytes);
        m.read(new ByteBufferAccessor(in), version);
        if (in.hasRemaining())
            throw new Exception(in.remaining() + " bytes left over");
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer out = ByteBuffer.allocate(m.size(cache, version));
        m.write(new ByteBufferAccessor(out), cache, version);
        if (!Arrays.equals(out.array(), bytes))
            throw new Exception("Kafka writes " + HexFormat.of().formatHex(out.array()));
    }

    public static void main(String[] args) throws Exception {
        Map<String, Integer> errors = new HashMap<>();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        int same = 0, different = 0;

        for (String line; (line = lines.readLine()) != null; ) {
            String[] f = line.split(" ", -1);
            if (f[0].equals("error")) {
                errors.put(f[1], Integer.parseInt(f[2]));
                continue;
            }
            if (f[0].equals("data") && f[1].startsWith("Meta"))
                continue; // our own
            try {
                check(find(f[0], f[1]), Short.parseShort(f[2]), HexFormat.of().parseHex(f[3]));
                same++;
            } catch (Exception e) {
                if (different++ < 20)
                    System.out.println(line + ": " + e);
            }
        }
        for (Errors e : Errors.values()) {
            Integer ours = errors.remove(e.name());
            if (ours == null || ours != e.code()) {
                System.out.println("error " + e.name() + " is " + ours + ", Kafka's is " + e.code());
                different++;
            }
        }
        if (!errors.isEmpty()) {
            System.out.println("errors that Kafka does not know: " + errors.keySet());
            different++;
        }
        System.out.println(same + " values read and written alike, " + different + " differ");
        System.exit(same > 0 && different == 0 ? 0 : 1);
    }
}
