package dev.sennit.benchmarks.queues;

import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Comparison;
import dev.sennit.benchmarks.measure.Experiment;
import dev.sennit.benchmarks.measure.Figures;
import dev.sennit.benchmarks.measure.MarkdownTable;
import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.measure.Rounds;
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

/**
 * Durable task queues. Each system has one worker, a process of its own that lives as long as the experiment; the
 * submitter is this JVM, or a Python of its own. Servers are started here, on the loopback interface.
 */
public final class QueuesExperiment implements Experiment {
    private static final String SQLITE = "Sennit, SQLite";
    private static final String SQLITE_FULL = "Sennit, SQLite, sync=full";
    private static final String POSTGRESQL = "Sennit, PostgreSQL";
    private static final String POSTGRESQL_ASYNC = "Sennit, PostgreSQL, synchronous=off";
    private static final String REDIS = "Sennit, Redis";
    private static final String RABBITMQ = "Sennit, RabbitMQ";
    private static final String DB_SCHEDULER = "db-scheduler, PostgreSQL";
    private static final String JOBRUNR = "JobRunr, PostgreSQL";
    private static final String CELERY = "Celery, Redis";
    private static final String CELERY_RABBITMQ = "Celery, RabbitMQ";
    private static final String RQ = "RQ, Redis";
    private static final String AS_CELERY = "Sennit, as Celery on Redis";
    private static final String AS_RQ = "Sennit, as RQ on Redis";
    private static final List<String> PEERS = List.of(DB_SCHEDULER, JOBRUNR, CELERY, CELERY_RABBITMQ, RQ);

    /** Between two tasks that come one after another. */
    static final long PAUSE_MILLIS = 20;
    private static final int WARM_UPS = 3;

    /** Figures of a round of enqueuing: the time of one task. */
    private static final int[] BATCHES = {1, 100, 1_000};

    private static final double AIM_TASKS = 5_000;
    private static final double AIM_TASKS_REDIS = 10_000;
    private static final double AIM_OF_CELERY = 10;
    private static final double AIM_OF_CELERY_RABBITMQ = 5;
    private static final double AIM_ENQUEUED = 50_000;
    private static final double AIM_LATENCY = 0.001;
    private static final double AIM_IDLE = 0.01;

    @Override
    public Report run(Bench bench) throws Exception {
        var report = new Report();
        try (var stage = new Stage(bench)) {
            Comparison tasks = new Comparison(endToEnd(bench, stage.systems)).rateOf("tasks", 0);
            PEERS.forEach(tasks::against);
            report.add(bench.size(10_000, 200) + " tasks that do nothing, from the first enqueue to the last result;"
                    + " of peers a fifth, and of RQ a fiftieth", tasks.table());
            aimOfRate(report, tasks, SQLITE, AIM_TASKS, " tasks");
            aimOfRate(report, tasks, POSTGRESQL, AIM_TASKS, " tasks");
            aimOfRate(report, tasks, REDIS, AIM_TASKS_REDIS, " tasks");
            aimOfTimes(report, tasks, REDIS, CELERY, AIM_OF_CELERY);
            aimOfTimes(report, tasks, RABBITMQ, CELERY_RABBITMQ, AIM_OF_CELERY_RABBITMQ);

            Map<String, List<double[]>> enqueued = enqueue(bench, stage.systems);
            Comparison enqueue = new Comparison(enqueued)
                    .rateOf("one at a time", 0).rateOf("100 at a time", 1).rateOf("1000 at a time", 2);
            report.add("Tasks enqueued by one thread", enqueue.table());
            Comparison batches = new Comparison(enqueued).rateOf("1000 at a time", 2);
            aimOfRate(report, batches, SQLITE, AIM_ENQUEUED, " tasks enqueued, 1000 at a time");
            aimOfRate(report, batches, POSTGRESQL, AIM_ENQUEUED, " tasks enqueued, 1000 at a time");

            Comparison latency = new Comparison(latency(bench, stage.systems))
                    .sample("begin: p50", QueueSystem.BEGIN_P50)
                    .sample("p99", QueueSystem.BEGIN_P99)
                    .sample("result: p50", QueueSystem.RESULT_P50)
                    .sample("p99", QueueSystem.RESULT_P99)
                    .against(CELERY);
            report.add("An idle worker gets one task every " + PAUSE_MILLIS + " ms: from the enqueue on",
                    latency.table());
            aimOfLatency(report, latency, SQLITE);
            aimOfLatency(report, latency, POSTGRESQL);
            aimOfLatency(report, latency, REDIS);

            idle(bench, stage.systems, report);
            stage.notes.forEach(report::paragraph);
        }
        return report;
    }

    private static void aimOfRate(Report report, Comparison comparison, String name, double rate, String of) {
        if (comparison.has(name)) {
            double measured = 1 / comparison.median(name);
            report.aim(name + ": >= " + Figures.rate(rate) + of, Figures.rate(measured), measured >= rate);
        }
    }

    private static void aimOfTimes(Report report, Comparison tasks, String name, String peer, double aim) {
        if (tasks.has(name) && tasks.has(peer)) {
            double times = tasks.median(peer) / tasks.median(name);
            report.aim(name + ": >= " + (int) aim + " x " + peer, String.format(Locale.ROOT, "%.1f", times),
                    times >= aim);
        }
    }

    private static void aimOfLatency(Report report, Comparison latency, String name) {
        if (latency.has(name)) {
            double measured = latency.median(name);
            report.aim(name + ": begin at p50 < " + Figures.time(AIM_LATENCY), Figures.time(measured),
                    measured < AIM_LATENCY);
        }
    }

    /** Peers are slower, and get fewer tasks. */
    private static int of(String name, int count) {
        return name.equals(RQ) ? Math.max(count / 50, 4) : PEERS.contains(name) ? count / 5 : count;
    }

    private static Map<String, List<double[]>> endToEnd(Bench bench, Map<String, QueueSystem> systems)
            throws Exception {
        var rounds = new Rounds();
        systems.forEach((name, system) -> {
            int count = of(name, bench.size(10_000, 200));
            rounds.add(name, bench.size(WARM_UPS, 0), bench.size(5, name.equals(JOBRUNR) ? 1 : 2),
                    () -> new double[] {system.runAll(count) / count});
        });
        return rounds.run();
    }

    private static Map<String, List<double[]>> enqueue(Bench bench, Map<String, QueueSystem> systems)
            throws Exception {
        var rounds = new Rounds();
        systems.forEach((name, system) -> rounds.add(name, bench.size(WARM_UPS, 0), bench.size(5, 2), () -> {
            double[] times = new double[BATCHES.length];
            for (int i = 0; i < BATCHES.length; i++) {
                int count = of(name, BATCHES[i] == 1 ? bench.size(500, 50) : bench.size(10_000, 1_000));
                times[i] = system.enqueue(count, BATCHES[i]) / count;
            }
            return times;
        }));
        return rounds.run();
    }

    private static Map<String, List<double[]>> latency(Bench bench, Map<String, QueueSystem> systems)
            throws Exception {
        var rounds = new Rounds();
        systems.forEach((name, system) -> {
            if (system.isPushed()) {
                rounds.add(name, 1, bench.size(5, 2), () -> system.latency(bench.size(200, 20), PAUSE_MILLIS));
            }
        });
        return rounds.run();
    }

    private static void idle(Bench bench, Map<String, QueueSystem> systems, Report report) throws Exception {
        Thread.sleep(bench.size(5_000, 100)); // what is left to do after the rounds
        Map<String, Double> before = new LinkedHashMap<>();
        systems.forEach((name, system) -> before.put(name, system.processorSeconds()));
        long start = System.nanoTime();
        Thread.sleep(bench.size(10_000, 1_000));
        double watched = Bench.secondsSince(start);
        var table = new MarkdownTable(
                List.of("", "resident memory", "shared pages once", "processor time, idle"));
        Map<String, Double> shares = new LinkedHashMap<>();
        for (var entry : systems.entrySet()) {
            QueueSystem system = entry.getValue();
            double share = (system.processorSeconds() - before.getOrDefault(entry.getKey(), 0.0)) / watched;
            shares.put(entry.getKey(), share);
            table.add(List.of(entry.getKey(), Figures.bytes(system.memory(false)),
                    Figures.bytes(system.memory(true)), percent(share)));
        }
        report.add("One worker with its children, after the rounds, and over " + bench.size(10, 1)
                + " s without tasks", table);
        for (String name : List.of(SQLITE, POSTGRESQL, REDIS)) {
            Double share = shares.get(name);
            if (share != null) {
                report.aim(name + ": an idle worker < 1 % of a processor", percent(share), share < AIM_IDLE);
            }
        }
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.2f %%", share * 100);
    }

    /** The servers and systems, those that can be had. */
    private static final class Stage implements Closeable {
        private final Map<String, QueueSystem> systems = new LinkedHashMap<>();
        private final List<String> notes = new ArrayList<>();
        private final Closing closing = new Closing();

        Stage(Bench bench) throws Exception {
            try {
                Path folder = closing.folder("sennit-benchmarks-queues-");
                open(SQLITE, new SennitQueue("sqlite:" + folder.resolve("normal.db")));
                open(SQLITE_FULL, new SennitQueue("sqlite:" + folder.resolve("full.db") + "?sync=full"));
                openPostgresql();
                openRedis();
                String rabbitmq = openRabbitmq();
                openPython(bench, PythonQueue.Kind.CELERY, CELERY, "", folder.resolve("celery.log"));
                if (!rabbitmq.isEmpty()) {
                    openPython(bench, PythonQueue.Kind.CELERY, CELERY_RABBITMQ, rabbitmq,
                            folder.resolve("celery-rabbitmq.log"));
                }
                openPython(bench, PythonQueue.Kind.RQ, RQ, "", folder.resolve("rq.log"));
            } catch (Exception | Error e) {
                try (this) {
                    throw e;
                }
            }
        }

        private void open(String name, QueueSystem system) {
            systems.put(name, closing.keep(system));
        }

        private void openPostgresql() throws Exception {
            Optional<String> obstacle = ServerKind.POSTGRESQL.obstacle();
            if (obstacle.isPresent()) {
                notes.add("Left out, with the peers that need it: " + obstacle.get());
                return;
            }
            String address = closing.keep(TestServer.postgresql().open()).uri().toString();
            open(POSTGRESQL, new SennitQueue(address));
            open(POSTGRESQL_ASYNC, new SennitQueue(address + "?schema=fast&synchronous=off"));
            open(DB_SCHEDULER, new DbSchedulerQueue(address));
            open(JOBRUNR, new JobRunrQueue(address));
            notes.add("PostgreSQL waits for the disk at each commit, but for the row with synchronous=off. "
                    + DbSchedulerQueue.ABOUT + " " + JobRunrQueue.ABOUT);
        }

        private void openRedis() throws Exception {
            Optional<String> obstacle = ServerKind.REDIS.obstacle();
            if (obstacle.isPresent()) {
                notes.add("Left out: Redis: " + obstacle.get());
                return;
            }
            open(REDIS, new SennitQueue(closing.keep(TestServer.redis().fsync(false).open()).uri().toString()));
            for (String name : List.of(AS_CELERY, AS_RQ)) {
                String protocol = name.equals(AS_RQ) ? "rq+" : "celery+";
                open(name, new SennitQueue(protocol + closing.keep(TestServer.redis().fsync(false).open()).uri()));
            }
            notes.add("Redis does not wait for the disk.");
        }

        /** Returns the address of the server, for those who speak AMQP; empty if there is none. */
        private String openRabbitmq() throws Exception {
            Optional<String> obstacle = ServerKind.RABBITMQ.obstacle();
            if (obstacle.isPresent()) {
                notes.add("Left out: RabbitMQ: " + obstacle.get());
                return "";
            }
            String address = closing.keep(TestServer.rabbitmq().open()).uri().toString();
            open(RABBITMQ, new SennitQueue(address.replaceFirst("amqp", "rabbitmq")));
            notes.add("RabbitMQ waits for the disk: Sennit's queues are quorum queues. It keeps no results.");
            return address;
        }

        /** Starts a program in Python; its tasks are in RabbitMQ, if there is an address of one, and else in Redis. */
        private void openPython(Bench bench, PythonQueue.Kind kind, String name, String rabbitmq, Path log)
                throws Exception {
            if (bench.python().isEmpty()) {
                return;
            }
            Optional<String> version = kind.version(bench.python().get());
            Optional<String> obstacle = ServerKind.REDIS.obstacle();
            if (version.isEmpty() || obstacle.isPresent()) {
                String program = kind.name().toLowerCase(Locale.ROOT);
                notes.add("Left out: " + name + ", for want of " + (version.isEmpty()
                        ? "it (apt-get install python3-" + program + ")."
                        : "Redis: " + obstacle.orElse("")));
                return;
            }
            String redis = closing.keep(TestServer.redis().fsync(false).open()).uri().toString();
            open(name, new PythonQueue(kind, bench, bench.python().get(), redis, rabbitmq.isEmpty() ? redis : rabbitmq,
                    log));
            if (rabbitmq.isEmpty()) {
                notes.add(version.get() + " has 2 processes and stores results; its Redis does not wait for the disk."
                        + (kind == PythonQueue.Kind.CELERY ? " It acks late." : " It forks for each job."));
            }
        }

        @Override
        public void close() throws IOException {
            closing.close();
        }
    }
}
