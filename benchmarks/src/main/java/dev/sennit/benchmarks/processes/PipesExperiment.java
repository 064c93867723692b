package dev.sennit.benchmarks.processes;

import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Comparison;
import dev.sennit.benchmarks.measure.Experiment;
import dev.sennit.benchmarks.measure.Peers;
import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.measure.Rounds;
import dev.sennit.pipe.Connection;
import dev.sennit.pipe.ConnectionEndedException;
import dev.sennit.pipe.Pipe;
import dev.sennit.process.WorkerProcess;
import dev.sennit.shared.SharedQueue;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Random;

/** Arrays of bytes to another process and back, and only from there, one after another. */
public final class PipesExperiment implements Experiment {
    private static final String OBJECTS = "Connection";
    private static final String BYTES = "Connection, bytes";
    private static final String SHARED_QUEUE = "SharedQueue";
    private static final String PIPE = "Pipe";
    private static final String PIPE_BYTES = "Pipe, bytes";
    private static final String SIMPLE_QUEUE = "SimpleQueue";
    private static final String QUEUE = "Queue";

    private static final int SMALL = 8;
    private static final int LARGE = 1 << 20;

    private static final int CAPACITY = 10_000;
    private static final long CAPACITY_BYTES = 4 * LARGE;
    private static final double AIM = 10;

    /** One way to exchange messages. */
    private interface Channel {
        void send(byte[] message) throws Exception;

        byte[] receive() throws Exception;
    }

    /** What is open: the process at the other end, and how to tell it what to do. */
    private record Ends(Connection control, Map<String, Channel> channels) {
        double[] trips(String name, int size, int count) throws Exception {
            Channel channel = channel(name);
            control.send(new Object[] {name, size, count, false});
            byte[] message = message(size);
            double[] seconds = new double[count];
            for (int i = 0; i < count; i++) {
                long start = System.nanoTime();
                channel.send(message);
                channel.receive();
                seconds[i] = Bench.secondsSince(start);
            }
            return seconds;
        }

        /** From when the first has come. */
        double[] oneWay(String name, int size, int count) throws Exception {
            Channel channel = channel(name);
            control.send(new Object[] {name, size, 1 + count, true});
            channel.receive();
            return Bench.timed(() -> {
                for (int i = 0; i < count; i++) {
                    channel.receive();
                }
            });
        }

        /** In the other process: does what it is told, until nobody is there. */
        void serve() throws Exception {
            try {
                while (true) {
                    Object[] request = control.receive(Object[].class);
                    Channel channel = channel((String) request[0]);
                    byte[] message = message((Integer) request[1]);
                    int count = (Integer) request[2];
                    boolean produces = (Boolean) request[3];
                    for (int i = 0; i < count; i++) {
                        channel.send(produces ? message : channel.receive());
                    }
                }
            } catch (ConnectionEndedException e) {
                // all has been measured
            }
        }

        private Channel channel(String name) {
            return Objects.requireNonNull(channels.get(name), name);
        }

        private static byte[] message(int size) {
            byte[] message = new byte[size];
            new Random(1).nextBytes(message);
            return message;
        }
    }

    @Override
    public Report run(Bench bench) throws Exception {
        try (Pipe orders = Pipe.open();
                Pipe data = Pipe.open();
                var peers = Peers.open(bench, PIPE, PIPE_BYTES, SIMPLE_QUEUE, QUEUE)) {
            Connection theirOrders = orders.second();
            Connection theirData = data.second();
            SharedQueue<byte[]> there = SharedQueue.create(CAPACITY, CAPACITY_BYTES);
            SharedQueue<byte[]> back = SharedQueue.create(CAPACITY, CAPACITY_BYTES);
            WorkerProcess.builder()
                    .daemon(true)
                    .start(() -> new Ends(theirOrders, channels(theirData, back, there)).serve());
            var ends = new Ends(orders.first(), channels(data.first(), there, back));

            var report = new Report();
            Comparison small = trips(bench, ends, peers, SMALL, bench.size(3_000, 20));
            report.add("8 bytes, there and back", small.table());
            Comparison large = trips(bench, ends, peers, LARGE, bench.size(100, 3));
            report.add("1 MiB, there and back", large.table());

            int count = bench.size(100_000, 200);
            int rounds = bench.size(7, 1);
            var contest = new Rounds();
            for (String name : ends.channels().keySet()) {
                contest.add(name, bench.size(3, 1), rounds, () -> ends.oneWay(name, SMALL, count));
            }
            peers.join(contest, 1, rounds, "one_way " + SMALL + " " + count);
            var oneWay = withBaselines(new Comparison(contest.run()).rate("messages", count));
            return report.add("8 bytes, one way", oneWay.table()).aim(oneWay, SHARED_QUEUE, QUEUE, AIM);
        }
    }

    private static Comparison trips(Bench bench, Ends ends, Peers peers, int size, int count) throws Exception {
        int rounds = bench.size(9, 1);
        var contest = new Rounds();
        for (String name : ends.channels().keySet()) {
            contest.add(name, bench.size(5, 1), rounds, () -> ends.trips(name, size, count));
        }
        peers.join(contest, 1, rounds, "trips " + size + " " + count);
        return withBaselines(new Comparison(contest.run()).percentile("p50", 50).percentile("p99", 99));
    }

    private static Comparison withBaselines(Comparison comparison) {
        return comparison.against(PIPE).against(SIMPLE_QUEUE).against(QUEUE);
    }

    /** The ways there are, by name; the same at both ends. */
    private static Map<String, Channel> channels(
            Connection connection, SharedQueue<byte[]> sent, SharedQueue<byte[]> received) {
        Map<String, Channel> channels = new LinkedHashMap<>();
        channels.put(OBJECTS, new Channel() {
            @Override
            public void send(byte[] message) throws Exception {
                connection.send(message);
            }

            @Override
            public byte[] receive() throws Exception {
                return connection.receive(byte[].class);
            }
        });
        channels.put(BYTES, new Channel() {
            @Override
            public void send(byte[] message) throws Exception {
                connection.sendBytes(message);
            }

            @Override
            public byte[] receive() throws Exception {
                return connection.receiveBytes();
            }
        });
        channels.put(SHARED_QUEUE, new Channel() {
            @Override
            public void send(byte[] message) throws Exception {
                sent.put(message);
            }

            @Override
            public byte[] receive() throws Exception {
                return received.take();
            }
        });
        return channels;
    }
}
