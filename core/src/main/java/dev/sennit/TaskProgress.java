package dev.sennit;

import dev.sennit.internal.view.ProgressGate.Report;
import dev.sennit.internal.view.ProgressSink;
import java.util.Objects;

/**
 * Reports the progress of a task from inside of the task, on any kind of pool.
 *
 * {@snippet :
 * try (Pool pool = Pools.open("processes:2")) {
 *     pool.submit(() -> {
 *         for (int page = 1; page <= 300; page++) {
 *             // convert a page
 *             TaskProgress.report(page, 300, "converting");
 *         }
 *     }).join();
 * }
 * }
 *
 * <p>A report becomes an event of the kind {@code PROGRESS} in {@code dev.sennit.observe.TaskEvents}; from a worker
 * process it travels over the worker's private connection to this JVM. The first report of a task becomes an event, and
 * then at most one in 100 ms. The last report in between becomes an event when the task ends. So a loop may report in
 * each round; most calls only read a clock. While no stream of events is open, reports are dropped.
 *
 * <p>{@link Mapper#map map} and {@link Pipeline} report by themselves.
 */
public final class TaskProgress {
    private TaskProgress() {}

    /**
     * Reports progress of the task that the calling thread runs. A call has no effect in a thread that runs no task,
     * such as a thread that a task has started; in a task whose future is done; and in a task that was submitted before
     * a stream of events was opened.
     *
     * @param done how much is done, 0 or more, in any unit
     * @param total the total amount, in the same unit; less than 0, or less than {@code done}, if it is not known
     * @param message what is being done, or an empty string; the first 200 characters count
     * @throws IllegalArgumentException if {@code done} is less than 0
     */
    public static void report(long done, long total, String message) {
        if (done < 0) {
            throw new IllegalArgumentException("done must be >= 0, was " + done);
        }
        Objects.requireNonNull(message, "message");
        ObservedRun run = ObservedRun.ofThread();
        if (run != null) {
            run.progress(Report.of(done, total, message));
        } else if (Thread.currentThread() instanceof ProgressSink sink) {
            sink.progress(Report.of(done, total, message));
        }
    }
}
