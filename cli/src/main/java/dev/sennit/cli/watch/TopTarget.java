package dev.sennit.cli.watch;

import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.queues.QueuesReport;
import dev.sennit.cli.services.ServicesReport;
import dev.sennit.observe.PoolsMXBean;
import dev.sennit.process.WorkerPoolsMXBean.WorkerPool;
import java.util.List;

/** A process, or a broker, that {@code sennit top} looks at, again and again. */
interface TopTarget extends AutoCloseable {
    /** What is seen at a moment. */
    sealed interface Look {}

    /**
     * A JVM.
     *
     * @param pid its process
     * @param nanos when, by {@link System#nanoTime}
     * @param pools its open pools
     * @param workerPools those of them that have worker processes
     * @param running the tasks that run in its threads, the longest first
     * @param figures of its tasks since the first look
     * @param progress how far the tasks and wholes are that have reported it, the last reports first
     */
    record Jvm(
            long pid, long nanos, List<PoolsMXBean.PoolNow> pools, List<WorkerPool> workerPools,
            List<PoolsMXBean.RunningNow> running, PoolsMXBean.Figures figures,
            List<PoolsMXBean.ProgressNow> progress) implements Look {}

    /**
     * The services of a file.
     *
     * @param report what {@code sennit services status} says
     */
    record Services(ServicesReport report) implements Look {}

    /**
     * The queues of a broker.
     *
     * @param report its queues, workers and running tasks
     */
    record Queues(QueuesReport report) implements Look {}

    /**
     * It has ended.
     *
     * @param what it was
     */
    record Gone(String what) implements Look {}

    /**
     * Looks.
     *
     * @throws CommandException if it cannot be read, though it has not ended
     */
    Look look();

    /** Lets go of it. */
    @Override
    void close();
}
