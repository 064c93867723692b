package dev.sennit.benchmarks.coroutines;

import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Machine;
import dev.sennit.benchmarks.measure.Peer;
import dev.sennit.benchmarks.measure.Python;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A contestant of whom each round is a process of its own: what was loaded, compiled or allocated before counts for
 * nothing.
 *
 * @param name what the tables call it
 * @param prefix before each request: one peer.py answers for several
 * @param start starts the process
 */
record FreshPeer(String name, String prefix, Start start) {
    static final String LOOP = "loop";
    static final String KOTLIN = "Kotlin";
    static final String ASYNCIO = "asyncio";
    static final String UVLOOP = "uvloop";

    /** Starts a process. */
    interface Start {
        Peer open() throws IOException;
    }

    /**
     * The kinds of coroutines that can be had here, ours first.
     *
     * @param options of the JVM for ours, once more with those
     */
    static List<FreshPeer> all(Bench bench, List<String> options) {
        List<FreshPeer> all = new ArrayList<>();
        all.add(new FreshPeer(LOOP, "", () -> JvmPeer.open(ParkingPlace.LOOP, List.of())));
        String advised = LOOP + ", " + String.join(" ", options);
        all.add(new FreshPeer(advised, "", () -> JvmPeer.open(ParkingPlace.LOOP, options)));
        all.add(new FreshPeer("virtual threads", "", () -> JvmPeer.open(ParkingPlace.VIRTUAL, List.of())));
        all.add(new FreshPeer(KOTLIN, "", () -> JvmPeer.open(ParkingPlace.KOTLIN, List.of())));
        Optional<Python> python = bench.python();
        if (python.isPresent() && Machine.tellsMemory()) {
            all.add(new FreshPeer(ASYNCIO, "asyncio-", () -> python.get().open(bench.scripts(), "alone")));
            if (python.get().hasUvloop()) {
                all.add(new FreshPeer(UVLOOP, "uvloop-", () -> python.get().open(bench.scripts(), "alone")));
            }
        }
        return all;
    }

    String request(String what) {
        return prefix + what;
    }

    /** Measures in a new process, which may be asked for something else before. */
    double[] measure(String request, String... before) throws IOException {
        try (Peer peer = start.open()) {
            for (String other : before) {
                peer.measure(other);
            }
            return peer.measure(request);
        }
    }
}
