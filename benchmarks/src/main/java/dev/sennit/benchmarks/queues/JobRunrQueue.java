package dev.sennit.benchmarks.queues;

import com.zaxxer.hikari.HikariDataSource;
import dev.sennit.benchmarks.measure.Bench;
import java.io.Closeable;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.jobrunr.configuration.JobRunr;
import org.jobrunr.jobs.lambdas.JobRequest;
import org.jobrunr.jobs.lambdas.JobRequestHandler;
import org.jobrunr.jobs.mappers.JobMapper;
import org.jobrunr.jobs.states.StateName;
import org.jobrunr.scheduling.JobRequestScheduler;
import org.jobrunr.server.BackgroundJobServerConfiguration;
import org.jobrunr.storage.StorageProvider;
import org.jobrunr.storage.sql.common.SqlStorageProviderFactory;
import org.jobrunr.utils.mapper.gson.GsonJsonMapper;

/**
 * JobRunr on PostgreSQL. Its worker asks for tasks every 5 s, the least that it allows, and goes on at once while there
 * are some; so the time counts from when it began the first. It keeps the states of a job, but no result.
 */
final class JobRunrQueue implements QueueSystem {
    static final String KIND = "jobrunr";
    static final int THREADS = 16;
    static final String ABOUT = "JobRunr polls every 5 s with 16 threads and keeps the states of a job, but no results;"
            + " its time counts from when the first task began.";

    private static final Duration POLLING = Duration.ofSeconds(5);
    private static final String HELD = "held_";
    private static final int BATCH = 1_000;
    private static final double LIMIT_SECONDS = 120;
    private static final long STEP_NANOS = 10_000_000;

    private final HikariDataSource source;
    private final StorageProvider store;
    private final JobRequestScheduler client;
    /** Of tables without a worker. */
    private final JobRequestScheduler held;

    private final JavaWorker worker;

    JobRunrQueue(String address) throws IOException {
        source = Databases.pool(address, 2);
        try {
            store = store(source, "");
            client = new JobRequestScheduler(store, List.of());
            held = new JobRequestScheduler(store(source, HELD), List.of());
            worker = new JavaWorker(KIND, address);
        } catch (IOException | RuntimeException e) {
            source.close();
            throw e;
        }
    }

    private static StorageProvider store(DataSource source, String prefix) {
        StorageProvider store = prefix.isEmpty()
                ? SqlStorageProviderFactory.using(source)
                : SqlStorageProviderFactory.using(source, prefix);
        store.setJobMapper(new JobMapper(new GsonJsonMapper()));
        return store;
    }

    static Closeable worker(DataSource source) {
        JobRunr.configure()
                .useJsonMapper(new GsonJsonMapper())
                .useStorageProvider(store(source, ""))
                .useBackgroundJobServer(BackgroundJobServerConfiguration.usingStandardBackgroundJobServerConfiguration()
                        .andPollInterval(POLLING)
                        .andWorkerCount(THREADS))
                .initialize();
        return JobRunr::destroy;
    }

    @Override
    public double runAll(int count) throws IOException {
        worker.forgetBegin();
        long before = store.countJobs(StateName.SUCCEEDED);
        long start = System.nanoTime();
        put(client, count, BATCH);
        while (store.countJobs(StateName.SUCCEEDED) < before + count) {
            if (Bench.secondsSince(start) > LIMIT_SECONDS) {
                throw new IOException(KIND + " has ended " + (store.countJobs(StateName.SUCCEEDED) - before) + " of "
                        + count + " tasks");
            }
            LockSupport.parkNanos(STEP_NANOS);
        }
        return (System.nanoTime() - Math.max(start, worker.begun())) / 1e9;
    }

    @Override
    public double enqueue(int count, int batch) throws SQLException {
        long start = System.nanoTime();
        put(held, count, batch);
        double seconds = Bench.secondsSince(start);
        try (Connection connection = source.getConnection(); Statement statement = connection.createStatement()) {
            int removed = statement.executeUpdate("delete from " + HELD + "jobrunr_jobs");
            if (removed != count) {
                throw new IllegalStateException(KIND + " had " + removed + " of the " + count + " tasks");
            }
        }
        return seconds;
    }

    private static void put(JobRequestScheduler scheduler, int count, int batch) {
        for (int from = 0; from < count; from += batch) {
            if (batch == 1) {
                scheduler.enqueue(new Noop(from, QueueTypes.NAME));
            } else {
                scheduler.enqueue(IntStream.range(from, Math.min(count, from + batch))
                        .mapToObj(number -> new Noop(number, QueueTypes.NAME)));
            }
        }
    }

    @Override
    public double processorSeconds() {
        return worker.processorSeconds();
    }

    @Override
    public long memory(boolean isSharedOnce) throws IOException {
        return worker.memory(isSharedOnce);
    }

    @Override
    public void close() {
        worker.close();
        source.close();
    }

    /** A job. */
    public record Noop(int number, String name) implements JobRequest {
        @Override
        public Class<Handler> getJobRequestHandler() {
            return Handler.class;
        }
    }

    /** What runs it. */
    public static final class Handler implements JobRequestHandler<Noop> {
        @Override
        public void run(Noop job) {
            QueuesPeer.begin();
        }
    }
}
