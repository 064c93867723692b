package dev.sennit.benchmarks.measure;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BiConsumer;

/** The Python peers of one experiment, alive from its start to its end so that only their work is measured. */
public final class Peers implements AutoCloseable {
    /** What the tables call the kinds of peer.py. */
    public static final String POOL = "multiprocessing.Pool";

    public static final String SEQUENTIAL = "Python, sequential";
    public static final String EXECUTOR = "ProcessPoolExecutor";
    public static final String LOKY = "loky";

    /** What follows the name of a loop whose server is asked. */
    public static final String STREAMS = ", streams";

    private static final Map<String, String> KINDS = Map.ofEntries(
            Map.entry(SEQUENTIAL, "sequential"),
            Map.entry("Python, ThreadPoolExecutor", "threads"),
            Map.entry(POOL, "Pool"),
            Map.entry(EXECUTOR, "ProcessPoolExecutor"),
            Map.entry(LOKY, "loky"),
            Map.entry("Pipe", "Pipe"),
            Map.entry("Pipe, bytes", "Pipe-bytes"),
            Map.entry("SimpleQueue", "SimpleQueue"),
            Map.entry("Queue", "Queue"),
            Map.entry("Manager().dict()", "Manager"),
            Map.entry("asyncio" + STREAMS, "echo-asyncio"),
            Map.entry("uvloop" + STREAMS, "echo-uvloop"));

    private final Map<String, Peer> peers = new LinkedHashMap<>();

    /** Starts those that can be had. */
    public static Peers open(Bench bench, String... names) throws IOException {
        var opened = new Peers();
        Optional<Python> python = bench.python();
        if (python.isEmpty()) {
            return opened;
        }
        try {
            for (String name : names) {
                if (canHave(name, python.get())) {
                    String kind = KINDS.getOrDefault(name, "alone");
                    opened.peers.put(name, python.get().open(bench.scripts(), kind));
                }
            }
        } catch (IOException | RuntimeException e) {
            opened.close();
            throw e;
        }
        return opened;
    }

    private static boolean canHave(String name, Python python) {
        return (!name.equals(LOKY) || python.hasLoky()) && (!name.startsWith("futurist") || python.hasFuturist())
                && (!name.startsWith("uvloop") || python.hasUvloop());
    }

    /** One that can be had. */
    public Peer get(String name) {
        return Objects.requireNonNull(peers.get(name), name);
    }

    public void forEach(BiConsumer<String, Peer> consumer) {
        peers.forEach(consumer);
    }

    /** Lets each take part, with a request that it answers in every round. */
    public void join(Rounds rounds, int warmups, int count, String request) {
        peers.forEach((name, peer) -> rounds.add(name, warmups, count, () -> peer.measure(request)));
    }

    @Override
    public void close() {
        List<Peer> open = new ArrayList<>(peers.values());
        open.forEach(Peer::close);
    }
}
