package dev.sennit.observe;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The open pools of a JVM and what their tasks do, for tools outside of it, such as {@code sennit ps} and {@code sennit
 * record}.
 *
 * <p>The bean is not registered beforehand. A tool that has connected to the JVM's MBean server creates it, of the
 * class {@link PoolsBean} under the name {@value #NAME}. Where the server does not know the library's class loader, the
 * library registers the bean itself within a second after the server exists, if a pool is open, under that name with
 * {@code ,loader=} appended.
 *
 * <p>Figures and streams of events slow tasks down while they exist. So each has a lease, which each use renews; when a
 * tool has died or does not use them any more, they end by themselves.
 */
public interface PoolsMXBean {
    /** The object name. */
    String NAME = "dev.sennit:type=Pools";

    /**
     * A pool; see {@link OpenPool} and {@link dev.sennit.PoolStatistics}.
     *
     * @param name its name
     * @param kind such as {@code threads}
     * @param isShutdown whether it takes no more tasks
     * @param workers execution units that serve now
     * @param submitted tasks admitted
     * @param queued tasks that wait
     * @param running tasks that run
     * @param succeeded tasks that ended with a value
     * @param failed tasks that ended with an exception
     * @param cancelled tasks that were cancelled
     * @param rejected submissions refused
     * @param retried attempts beyond the first of each task
     * @param workersLost workers that died
     * @param workersRecycled workers that were replaced
     * @param queueSeconds total time that tasks had waited
     * @param runSeconds total time of runs
     * @param cpuSeconds processor time of the workers; null if it is not known
     * @param workerPids process ids of the workers
     */
    record PoolNow(
            String name,
            String kind,
            boolean isShutdown,
            int workers,
            long submitted,
            long queued,
            long running,
            long succeeded,
            long failed,
            long cancelled,
            long rejected,
            long retried,
            long workersLost,
            long workersRecycled,
            double queueSeconds,
            double runSeconds,
            @Nullable Double cpuSeconds,
            List<Long> workerPids) {}

    /**
     * Figures of tasks since they were started.
     *
     * @param missed events that were lost; if it is not 0, the counts are too small
     * @param tasks by name
     */
    record Figures(long missed, List<TasksNow> tasks) {}

    /**
     * The tasks of one name; see {@link TaskFigures}.
     *
     * @param name the name
     * @param submitted tasks admitted
     * @param underWay tasks that wait or run
     * @param succeeded tasks that ended with a value
     * @param failed tasks that ended with an exception
     * @param cancelled tasks that were cancelled
     * @param waited how long they waited
     * @param ran how long their runs took
     */
    record TasksNow(
            String name,
            long submitted,
            long underWay,
            long succeeded,
            long failed,
            long cancelled,
            Times waited,
            Times ran) {}

    /**
     * Quantiles of times, which are null if there were none.
     *
     * @param count how many
     * @param totalSeconds their sum
     * @param p50 the median, in seconds
     * @param p95 the 95th percentile, in seconds
     * @param p99 the 99th percentile, in seconds
     * @param max the longest, in seconds
     */
    record Times(
            long count,
            double totalSeconds,
            @Nullable Double p50,
            @Nullable Double p95,
            @Nullable Double p99,
            @Nullable Double max) {}

    /**
     * Returns the open pools.
     *
     * @return a snapshot of each, by name
     */
    List<PoolNow> pools();

    /**
     * A task that runs in a thread of this JVM; {@link
     * dev.sennit.process.WorkerPoolsMXBean} has those in worker processes.
     *
     * @param task the number of the task; 0 if it was submitted before events were recorded
     * @param pool the name of its pool
     * @param name its name
     * @param thread the number of the thread
     * @param seconds for how long
     */
    record RunningNow(long task, String pool, String name, long thread, double seconds) {}

    /**
     * Returns the tasks that run in threads of this JVM.
     *
     * @param most how many to return at most
     * @return a snapshot, the longest runs first
     */
    List<RunningNow> running(int most);

    /**
     * Starts to keep figures of the tasks that are submitted from now on. If another tool has started that before, the
     * figures go on.
     *
     * @param leaseSeconds after this time without a read the figures are dropped; 1 to 3600
     */
    void startFigures(int leaseSeconds);

    /**
     * Returns the figures.
     *
     * @return a snapshot
     * @throws IllegalStateException if none are kept
     */
    Figures figures();

    /**
     * The progress of a task, of a call of {@code map}, or of a run of a pipeline.
     *
     * @param task its number; see {@link RunningNow} and {@link dev.sennit.process.WorkerPoolsMXBean.Worker}
     * @param pool the name of its pool
     * @param name its name
     * @param done how much is done
     * @param total how much there is to do; null if that is not known
     * @param message what is being done, or an empty string
     * @param remainingSeconds the estimated remaining time; null if there is no estimate: see {@link RemainingTime}
     * @param silentSeconds the time since its last report
     */
    record ProgressNow(
            long task,
            String pool,
            String name,
            long done,
            @Nullable Long total,
            String message,
            @Nullable Double remainingSeconds,
            double silentSeconds) {}

    /**
     * Returns the progress of tasks under way that have reported it since figures are kept. A map or a pipeline stays
     * in the list for a while after its last report, as it has no event for its end.
     *
     * @param most how many to return at most
     * @return a snapshot, the newest reports first
     * @throws IllegalStateException if no figures are kept
     */
    List<ProgressNow> progress(int most);

    /** Drops the figures, for all tools. Does nothing if none are kept. */
    void stopFigures();

    /**
     * Opens a stream of the events of tasks that are submitted from now on; see {@link TaskEvents}.
     *
     * @param leaseSeconds after this time without a read the stream is closed; 1 to 3600
     * @return the number of the stream
     * @throws IllegalStateException if 8 streams are open
     */
    long openEvents(int leaseSeconds);

    /**
     * Returns the events that have come since the last call, without waiting.
     *
     * @param id the number of the stream
     * @param most how many lines to return at most, 1 to 10,000; one more line may report missed events
     * @return the events, as lines of {@link JsonLines}
     * @throws IllegalStateException if there is no such stream, as it was closed or its lease is over
     */
    String[] readEvents(long id, int most);

    /**
     * Closes a stream. Does nothing if there is no such stream.
     *
     * @param id the number of the stream
     */
    void closeEvents(long id);
}
