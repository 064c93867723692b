package dev.sennit.benchmarks.queues;

import dev.sennit.benchmarks.measure.Machine;
import dev.sennit.benchmarks.measure.Peer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;

/** A worker in a JVM of its own: see {@link QueuesPeer}. */
final class JavaWorker implements AutoCloseable {
    private static final List<String> OPTIONS = List.of("-Xmx256m");

    private final Peer peer;

    JavaWorker(String kind, String address, String... more) throws IOException {
        List<String> command = Peer.command(QueuesPeer.class, OPTIONS);
        command.addAll(List.of(kind, address));
        command.addAll(List.of(more));
        peer = Peer.start(kind + "'s worker", command);
    }

    /** How many tasks it has ended, their results stored. */
    long ended() throws IOException {
        return (long) peer.measure("ended")[0];
    }

    /** Waits until it has ended so many; returns when, by System.nanoTime. */
    long awaitEnded(long count) throws IOException {
        return (long) peer.measure("await " + count)[0];
    }

    /** When it began the first task after {@link #forgetBegin}. */
    long begun() throws IOException {
        return (long) peer.measure("begun")[0];
    }

    void forgetBegin() throws IOException {
        peer.measure("forget");
    }

    double processorSeconds() {
        return peer.processorSeconds();
    }

    long memory(boolean isSharedOnce) throws IOException {
        return memory(LongStream.of(peer.pid()), isSharedOnce);
    }

    /** The resident memory of processes. */
    static long memory(LongStream pids, boolean isSharedOnce) throws IOException {
        long sum = 0;
        for (long pid : pids.toArray()) {
            sum += isSharedOnce
                    ? Machine.memory(Path.of("/proc/" + pid + "/smaps_rollup"), "Pss")
                    : Machine.memory(Path.of("/proc/" + pid + "/status"), "VmRSS");
        }
        return sum;
    }

    @Override
    public void close() {
        peer.close();
    }
}
