package dev.sennit.benchmarks.queues;

import com.github.kagkarlsson.scheduler.Scheduler;
import com.zaxxer.hikari.HikariDataSource;
import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.broker.Broker;
import java.io.BufferedReader;
import java.io.Closeable;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * A worker in a JVM of its own: {@code QueuesPeer KIND ADDRESS}; of Sennit, with how many workers there are,
 * their plan and the queues that they serve. It says "ready", and answers each line of its standard
 * input; the end of that ends it.
 */
public final class QueuesPeer {
    private static final long STEP_NANOS = 1_000_000;
    private static final double LIMIT_SECONDS = 120;

    /** Of the peers, whose handlers count here; Sennit's worker counts by itself. */
    static final AtomicLong ENDED = new AtomicLong();

    /** When the first task began since it was forgotten, or 0. */
    static final AtomicLong BEGUN = new AtomicLong();

    private QueuesPeer() {}

    /**
     * Works until its input ends.
     *
     * @param arguments the kind and where it finds its tasks
     */
    public static void main(String[] arguments) throws Exception {
        String address = arguments[1];
        switch (arguments[0]) {
            case SennitQueue.KIND -> {
                List<QueueWorker> workers = new ArrayList<>();
                try (var closing = new Closing()) {
                    for (int i = 0; i < Integer.parseInt(arguments[2]); i++) {
                        Broker broker = Broker.open(address);
                        closing.keep(broker::close);
                        QueueWorker worker = QueueWorker.builder(broker)
                                .types(QueueTypes.NOOP, QueueTypes.STAMP, QueueTypes.NAP).on(arguments[3])
                                .queues(arguments[4]).start();
                        closing.keep(worker::close);
                        workers.add(worker);
                    }
                    serve(() -> workers.stream().mapToLong(worker -> worker.status().succeeded()).sum());
                }
            }
            case DbSchedulerQueue.KIND -> {
                try (HikariDataSource source = Databases.pool(address, DbSchedulerQueue.THREADS + 2)) {
                    Scheduler scheduler = DbSchedulerQueue.worker(source);
                    scheduler.start();
                    serve(ENDED::get);
                    scheduler.stop();
                }
            }
            case JobRunrQueue.KIND -> {
                try (HikariDataSource source = Databases.pool(address, JobRunrQueue.THREADS + 4);
                        Closeable _ = JobRunrQueue.worker(source)) {
                    serve(ENDED::get);
                }
            }
            default -> throw new IllegalArgumentException("unknown kind " + arguments[0]);
        }
    }

    static void begin() {
        BEGUN.compareAndSet(0, System.nanoTime());
    }

    private static void serve(LongSupplier ended) throws Exception {
        System.out.println("ready");
        try (var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                String[] words = line.split(" ");
                System.out.println(switch (words[0]) {
                    case "ended" -> "ok " + ended.getAsLong();
                    case "begun" -> "ok " + BEGUN.get();
                    case "forget" -> {
                        BEGUN.set(0);
                        yield "ok";
                    }
                    case "await" -> await(ended, Long.parseLong(words[1]));
                    default -> "error: unknown request " + line;
                });
            }
        }
    }

    private static String await(LongSupplier ended, long count) {
        long start = System.nanoTime();
        while (ended.getAsLong() < count) {
            if (Bench.secondsSince(start) > LIMIT_SECONDS) {
                return "error: " + ended.getAsLong() + " of " + count + " tasks have ended after "
                        + Duration.ofSeconds((long) LIMIT_SECONDS).toSeconds() + " s";
            }
            LockSupport.parkNanos(STEP_NANOS);
        }
        return "ok " + System.nanoTime();
    }
}
