package peers;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.*;
import org.apache.kafka.common.serialization.*;
import org.apache.kafka.streams.*;
import org.apache.kafka.streams.kstream.*;
import org.apache.kafka.streams.processor.api.*;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.*;

/** The job on Kafka Streams: Processor API, three RocksDB stores in one task, caching and changelogs on, Jackson, binary state. */
public class Calls {
    static final long BASE_MS = 1_795_334_400_000L;
    static final long[] ENDS = Arrays.stream(env("ENDS", "0,0,0,0").split(",")).mapToLong(Long::parseLong).toArray();
    static final boolean LATENCY = env("LATENCY", "0").equals("1");
    static volatile double wall, cpu;

    static String env(String k, String d) { return System.getenv().getOrDefault(k, d); }

    @JsonIgnoreProperties(ignoreUnknown = true) public record Data(String queue) {}
    @JsonIgnoreProperties(ignoreUnknown = true) public record Call(String type, String time, String subject, Data data) {}
    record Waiting(String queue, long at) {}

    static <T> Serde<T> serde(java.util.function.Function<T, byte[]> w, java.util.function.Function<byte[], T> r) {
        return Serdes.serdeFrom((t, v) -> v == null ? null : w.apply(v), (t, b) -> b == null ? null : r.apply(b));
    }

    static final ObjectReader READER = new ObjectMapper().readerFor(Call.class);
    static final Serde<Call> CALL = serde(c -> { throw new UnsupportedOperationException(); }, b -> {
        try { return READER.readValue(b); } catch (IOException e) { throw new RuntimeException(e); }
    });
    static final Serde<Waiting> WAITING = serde(
        w -> { byte[] q = w.queue().getBytes(StandardCharsets.UTF_8); return ByteBuffer.allocate(8 + q.length).putLong(w.at()).put(q).array(); },
        b -> new Waiting(new String(b, 8, b.length - 8, StandardCharsets.UTF_8), ByteBuffer.wrap(b).getLong()));
    static final Serde<long[]> LONGS = serde(
        v -> { ByteBuffer b = ByteBuffer.allocate(8 * v.length); for (long x : v) b.putLong(x); return b.array(); },
        b -> { long[] v = new long[b.length / 8]; ByteBuffer.wrap(b).asLongBuffer().get(v); return v; });

    static class Agent implements Processor<String, Call, String, String> {
        ProcessorContext<String, String> ctx;
        KeyValueStore<String, Waiting> interactions;
        KeyValueStore<String, long[]> panes;
        KeyValueStore<String, Long> backlog;

        public void init(ProcessorContext<String, String> c) {
            ctx = c;
            interactions = c.getStateStore("interactions");
            panes = c.getStateStore("panes");
            backlog = c.getStateStore("backlog");
        }

        public void process(Record<String, Call> r) {
            if (wall == 0) synchronized (Calls.class) {
                if (wall == 0) { cpu = cpuNow(); wall = System.currentTimeMillis() / 1000.0; }
            }
            Call e = r.value();
            long ms = Instant.parse(e.time()).toEpochMilli() - BASE_MS;
            if (e.type().equals("call.queued")) {
                String q = e.data().queue();
                interactions.put(e.subject(), new Waiting(q, ms));
                String key = q + "|" + ms / 10_000;
                long[] p = panes.get(key);
                if (p == null) p = new long[5];
                p[0]++;
                panes.put(key, p);
                Long n = backlog.get(q);
                backlog.put(q, n == null ? 1 : n + 1);
            } else if (e.type().equals("call.ended")) {
                Waiting w = interactions.delete(e.subject());
                backlog.put(w.queue(), backlog.get(w.queue()) - 1);
            } else {
                Waiting w = interactions.get(e.subject());
                long wait = ms - w.at();
                String key = w.queue() + "|" + ms / 10_000;
                long[] p = panes.get(key);
                if (p == null) p = new long[5];
                if (e.type().equals("call.answered")) { p[1]++; if (wait <= 20_000) p[2]++; } else p[3]++;
                p[4] += wait;
                panes.put(key, p);
            }
            if (LATENCY) { ctx.forward(new Record<>(null, "{\"t\":[" + r.timestamp() + "]}", r.timestamp())); return; }
            RecordMetadata m = ctx.recordMetadata().get();
            if (m.offset() == ENDS[m.partition()] - 1) finish(m.partition(), r.timestamp());
        }

        void finish(int part, long ts) {
            TreeMap<String, long[]> out = new TreeMap<>();
            try (KeyValueIterator<String, long[]> it = panes.all()) {
                while (it.hasNext()) {
                    KeyValue<String, long[]> kv = it.next();
                    int bar = kv.key.indexOf('|');
                    long n = Long.parseLong(kv.key.substring(bar + 1));
                    long[] p = kv.value, t = out.computeIfAbsent(kv.key.substring(0, bar), k -> new long[7]);
                    for (int i = 0; i < 5; i++) t[i] += p[i];
                    t[6] += n * (p[0] + 3 * p[1] + 5 * p[2] + 7 * p[3] + p[4]);
                }
            }
            try (KeyValueIterator<String, Long> it = backlog.all()) {
                while (it.hasNext()) { KeyValue<String, Long> kv = it.next(); out.computeIfAbsent(kv.key, k -> new long[7])[5] += kv.value; }
            }
            StringJoiner j = new StringJoiner(",", "{", "}");
            out.forEach((q, t) -> j.add("\"" + q + "\":" + Arrays.toString(t)));
            ctx.forward(new Record<>(null, "{\"partition\":" + part + ",\"wall\":" + wall + ",\"cpu\":" + cpu + ",\"totals\":" + j + "}", ts));
            ctx.commit();
        }
    }

    static double cpuNow() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime() / 1e9;
    }

    static <V> StoreBuilder<KeyValueStore<String, V>> store(String name, Serde<V> serde) {
        return Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(name), Serdes.String(), serde)
            .withCachingEnabled().withLoggingEnabled(Map.of());
    }

    public static void main(String[] a) {
        Properties p = new Properties();
        p.put("bootstrap.servers", env("BROKER", ""));
        p.put("application.id", env("PEER", ""));
        p.put("state.dir", env("STATE", ""));
        p.put("num.stream.threads", "2");
        p.put("auto.offset.reset", "earliest");
        StreamsBuilder b = new StreamsBuilder();
        b.addStateStore(store("interactions", WAITING));
        b.addStateStore(store("panes", LONGS));
        b.addStateStore(store("backlog", Serdes.Long()));
        b.stream(env("TOPIC", ""), Consumed.with(Serdes.String(), CALL))
            .process((ProcessorSupplier<String, Call, String, String>) Agent::new, "interactions", "panes", "backlog")
            .to(env("OUT", ""), Produced.with(Serdes.String(), Serdes.String()));
        KafkaStreams s = new KafkaStreams(b.build(), p);
        Runtime.getRuntime().addShutdownHook(new Thread(s::close));
        s.start();
    }
}
