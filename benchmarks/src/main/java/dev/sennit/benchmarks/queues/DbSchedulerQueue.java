package dev.sennit.benchmarks.queues;

import com.github.kagkarlsson.scheduler.CurrentlyExecuting;
import com.github.kagkarlsson.scheduler.Scheduler;
import com.github.kagkarlsson.scheduler.SchedulerClient;
import com.github.kagkarlsson.scheduler.event.AbstractSchedulerListener;
import com.github.kagkarlsson.scheduler.serializer.GsonSerializer;
import com.github.kagkarlsson.scheduler.task.ExecutionComplete;
import com.github.kagkarlsson.scheduler.task.TaskInstance;
import com.github.kagkarlsson.scheduler.task.helper.OneTimeTask;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;

/**
 * db-scheduler on PostgreSQL, with the polling strategy that it recommends for much work, and more threads and a
 * shorter polling interval than it has by itself (10 and 10 s). It keeps no results: a task that has ended is deleted.
 */
final class DbSchedulerQueue implements QueueSystem {
    static final String KIND = "db-scheduler";
    static final int THREADS = 20;
    static final String ABOUT = "db-scheduler polls every 100 ms (by itself every 10 s) with 20 threads, and keeps no"
            + " results.";

    private static final Duration POLLING = Duration.ofMillis(100);
    private static final Duration NEVER = Duration.ofDays(1);
    private static final int BATCH = 1_000;
    private static final String TABLES =
            """
            create table scheduled_tasks (
              task_name text not null, task_instance text not null, task_data bytea,
              execution_time timestamp with time zone not null, picked boolean not null, picked_by text,
              last_success timestamp with time zone, last_failure timestamp with time zone, consecutive_failures int,
              last_heartbeat timestamp with time zone, version bigint not null, priority smallint,
              primary key (task_name, task_instance));
            create index execution_time_idx on scheduled_tasks (execution_time);
            create index last_heartbeat_idx on scheduled_tasks (last_heartbeat)
            """;

    private static final OneTimeTask<QueueTypes.Item> NOOP = Tasks.oneTime("noop", QueueTypes.Item.class)
            .execute((instance, _) -> new QueueTypes.Done(instance.getData().number(), instance.getData().name()));

    private final HikariDataSource source;
    private final SchedulerClient client;
    private final JavaWorker worker;
    private long lastId;

    DbSchedulerQueue(String address) throws IOException, SQLException {
        source = Databases.pool(address, 2);
        try {
            execute(TABLES);
            client = SchedulerClient.Builder.create(source, NOOP).serializer(new GsonSerializer()).build();
            worker = new JavaWorker(KIND, address);
        } catch (IOException | SQLException | RuntimeException e) {
            source.close();
            throw e;
        }
    }

    static Scheduler worker(DataSource source) {
        return Scheduler.create(source, NOOP)
                .threads(THREADS)
                .pollUsingLockAndFetch(0.5, 4)
                .pollingInterval(POLLING)
                .serializer(new GsonSerializer())
                .addSchedulerListener(new AbstractSchedulerListener() {
                    @Override
                    public void onExecutionStart(CurrentlyExecuting task) {
                        QueuesPeer.begin();
                    }

                    @Override
                    public void onExecutionComplete(ExecutionComplete task) {
                        QueuesPeer.ENDED.incrementAndGet();
                    }
                })
                .build();
    }

    private int execute(String sql) throws SQLException {
        try (Connection connection = source.getConnection(); Statement statement = connection.createStatement()) {
            return statement.executeUpdate(sql);
        }
    }

    @Override
    public double runAll(int count) throws IOException {
        long before = worker.ended();
        long start = System.nanoTime();
        put(count, BATCH, Instant.now());
        return (worker.awaitEnded(before + count) - start) / 1e9;
    }

    @Override
    public double enqueue(int count, int batch) throws SQLException {
        Instant never = Instant.now().plus(NEVER);
        long start = System.nanoTime();
        put(count, batch, never);
        double seconds = (System.nanoTime() - start) / 1e9;
        int removed = execute("delete from scheduled_tasks where execution_time > now() + interval '1 hour'");
        if (removed != count) {
            throw new IllegalStateException(KIND + " had " + removed + " of the " + count + " tasks");
        }
        return seconds;
    }

    private void put(int count, int batch, Instant when) {
        for (int from = 0; from < count; from += batch) {
            if (batch == 1) {
                client.scheduleIfNotExists(instance(from), when);
                continue;
            }
            List<TaskInstance<?>> instances = new ArrayList<>();
            for (int i = from; i < Math.min(count, from + batch); i++) {
                instances.add(instance(i));
            }
            client.scheduleBatch(instances, when);
        }
    }

    private TaskInstance<QueueTypes.Item> instance(int number) {
        return NOOP.instance(Long.toString(++lastId), QueueTypes.item(number));
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
}
