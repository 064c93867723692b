package dev.sennit.benchmarks.queues;

import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Comparison;
import dev.sennit.benchmarks.measure.Experiment;
import dev.sennit.benchmarks.measure.Figures;
import dev.sennit.benchmarks.measure.MarkdownTable;
import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.measure.Rounds;
import dev.sennit.benchmarks.measure.Samples;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a task and an idle worker cost the server of each broker, and from that how many workers a server carries.
 *
 * <p>The processor time of the server is read before and after: so the figures do not depend on what else the machine
 * does, but for its caches. Tasks come in a crowd, which workers claim and complete together, or one at a time, as
 * many small workers take them. The first is the least that a task costs, the second the most.
 */
public final class GrowthExperiment implements Experiment {
    private static final int[] WORKERS = {10, 100, 1_000, 10_000};
    private static final int IDLE_WORKERS = 20;
    private static final int CROWD = 20_000;
    /** Samples of a round. */
    private static final int SERVER = 0;

    private static final int WORKER = 1;
    private static final int SUBMITTER = 2;

    /** A crowd of tasks that wait for something else, each on a virtual thread of one worker. */
    private record Crowd(int places, int millis) {
        double ideal() {
            return places * 1000.0 / millis;
        }

        @Override
        public String toString() {
            return places + " of " + millis + " ms: " + Figures.rate(ideal());
        }
    }

    private static final List<Crowd> CROWDS =
            List.of(new Crowd(100, 100), new Crowd(1_000, 500), new Crowd(1_000, 100));

    /** A broker, with the server that it needs. */
    private record Contestant(String address, @Nullable ServerProcesses processes, SennitQueue queue) {
        double serverSeconds() throws IOException {
            return processes == null ? 0 : processes.processorSeconds();
        }
    }

    @Override
    public Report run(Bench bench) throws Exception {
        var report = new Report();
        try (var stage = new Stage()) {
            Map<String, List<double[]>> crowd = costs(bench, stage.contestants, false);
            Map<String, List<double[]>> single = costs(bench, stage.contestants, true);
            report.add(bench.size(CROWD, 200) + " tasks that do nothing at a time: the processor time of one",
                    table(crowd));
            report.add("One after another, every " + QueuesExperiment.PAUSE_MILLIS + " ms: the processor time of one",
                    table(single));
            report.add("A server, and " + IDLE_WORKERS + " workers without tasks: what each of them costs it",
                    idle(bench, stage.contestants));
            report.add("The shortest tasks that keep so many workers busy, by the processor time of the server on one"
                    + " processor: from the least that a task costs to the most",
                    shortest(stage.contestants, crowd, single));
            report.add("Tasks that wait, in one worker on virtual threads: how many there would be if nothing else"
                    + " took time, and how many there were", crowds(bench, stage.contestants));
            stage.notes.forEach(report::paragraph);
        }
        return report;
    }

    private static Map<String, List<double[]>> costs(Bench bench, Map<String, Contestant> contestants,
            boolean oneByOne) throws Exception {
        int count = oneByOne ? bench.size(200, 20) : bench.size(CROWD, 200);
        var rounds = new Rounds();
        contestants.forEach((name, each) -> rounds.add(name, bench.size(oneByOne ? 1 : 3, 0), bench.size(5, 2), () -> {
            double server = each.serverSeconds();
            double worker = each.queue.processorSeconds();
            double submitter = own();
            if (oneByOne) {
                each.queue.latency(count, QueuesExperiment.PAUSE_MILLIS);
            } else {
                each.queue.runAll(count);
            }
            return new double[] {
                (each.serverSeconds() - server) / count, (each.queue.processorSeconds() - worker) / count,
                (own() - submitter) / count
            };
        }));
        return rounds.run();
    }

    private static double own() {
        return ProcessHandle.current().info().totalCpuDuration().orElseThrow().toNanos() / 1e9;
    }

    private static MarkdownTable table(Map<String, List<double[]>> costs) {
        return new Comparison(costs).sample("worker", WORKER).sample("submitter", SUBMITTER).sample("server", SERVER)
                .table();
    }

    private static double cost(Map<String, List<double[]>> costs, String name) {
        return new Samples(costs.getOrDefault(name, List.of()).stream().map(round -> round[SERVER]).toList()).median();
    }

    private static MarkdownTable idle(Bench bench, Map<String, Contestant> contestants) throws Exception {
        var table = new MarkdownTable(List.of("", "processor time a second", "connections", "memory"));
        for (var entry : contestants.entrySet()) {
            Contestant each = entry.getValue();
            if (each.processes == null) {
                continue; // no server
            }
            double without = idleShare(bench, each);
            long connections = each.processes.connections();
            long memory = each.processes.memory();
            try (var _ = new JavaWorker(SennitQueue.KIND, each.address, Integer.toString(IDLE_WORKERS),
                    "threads:1", "idle")) {
                Thread.sleep(bench.size(3_000, 500)); // until all are there
                double with = idleShare(bench, each);
                table.add(List.of(entry.getKey(), Figures.time((with - without) / IDLE_WORKERS),
                        String.format(Locale.ROOT, "%.1f",
                                (double) (each.processes.connections() - connections) / IDLE_WORKERS),
                        Figures.bytes((double) (each.processes.memory() - memory) / IDLE_WORKERS)));
            }
        }
        return table;
    }

    private static double idleShare(Bench bench, Contestant each) throws Exception {
        double before = each.serverSeconds();
        long start = System.nanoTime();
        Thread.sleep(bench.size(20_000, 1_000));
        return (each.serverSeconds() - before) / Bench.secondsSince(start);
    }

    private static MarkdownTable shortest(Map<String, Contestant> contestants, Map<String, List<double[]>> crowd,
            Map<String, List<double[]>> single) {
        List<String> header = new ArrayList<>(List.of(""));
        for (int workers : WORKERS) {
            header.add(workers + " workers");
        }
        var table = new MarkdownTable(header);
        contestants.forEach((name, each) -> {
            if (each.processes != null) {
                List<String> row = new ArrayList<>(List.of(name));
                for (int workers : WORKERS) {
                    row.add(Figures.time(workers * cost(crowd, name)) + " - "
                            + Figures.time(workers * cost(single, name)));
                }
                table.add(row);
            }
        });
        return table;
    }

    private static MarkdownTable crowds(Bench bench, Map<String, Contestant> contestants) throws Exception {
        List<String> header = new ArrayList<>(List.of(""));
        CROWDS.forEach(crowd -> header.add(crowd.toString()));
        var table = new MarkdownTable(header);
        for (var entry : contestants.entrySet()) {
            List<String> row = new ArrayList<>(List.of(entry.getKey()));
            for (Crowd crowd : CROWDS) {
                row.add(Figures.rate(reached(bench, entry.getValue().address, crowd)));
            }
            table.add(row);
        }
        return table;
    }

    private static double reached(Bench bench, String address, Crowd crowd) throws Exception {
        int count = (int) (crowd.ideal() * bench.size(5, 1));
        List<Double> rates = new ArrayList<>();
        try (var queue = new SennitQueue(address, "virtual:" + crowd.places, "crowd")) {
            for (int round = 0; round < bench.size(4, 1); round++) {
                double rate = count / queue.runNaps(count, crowd.millis);
                if (round > 0 || bench.quick()) {
                    rates.add(rate);
                }
            }
        }
        return new Samples(rates).median();
    }

    /** The servers and brokers that can be had. */
    private static final class Stage implements Closeable {
        private final Map<String, Contestant> contestants = new LinkedHashMap<>();
        private final List<String> notes = new ArrayList<>();
        private final Closing closing = new Closing();

        Stage() throws Exception {
            try {
                Path folder = closing.folder("sennit-benchmarks-growth-");
                String file = "sqlite:" + folder.resolve("jobs.db");
                contestants.put("Sennit, SQLite", new Contestant(file, null, closing.keep(new SennitQueue(file))));
                notes.add("SQLite has no server: the processes of one machine take turns at its file.");
                open("Sennit, PostgreSQL", ServerKind.POSTGRESQL, TestServer.postgresql());
                open("Sennit, Redis", ServerKind.REDIS, TestServer.redis().fsync(false));
                open("Sennit, RabbitMQ", ServerKind.RABBITMQ, TestServer.rabbitmq());
            } catch (Exception | Error e) {
                try (this) {
                    throw e;
                }
            }
        }

        private void open(String name, ServerKind kind, TestServer.Builder builder) throws Exception {
            Optional<String> obstacle = kind.obstacle();
            if (obstacle.isPresent()) {
                notes.add("Left out: " + obstacle.get());
                return;
            }
            TestServer server = closing.keep(builder.open());
            String address = server.uri().toString().replaceFirst("^amqp", "rabbitmq");
            contestants.put(name, new Contestant(address, new ServerProcesses(server.port()),
                    closing.keep(new SennitQueue(address))));
        }

        @Override
        public void close() throws IOException {
            closing.close();
        }
    }
}
