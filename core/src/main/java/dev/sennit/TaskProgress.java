package dev.sennit;

import dev.sennit.internal.view.ProgressGate.Report;
import dev.sennit.internal.view.ProgressSink;
import java.util.Objects;

/**
 * Tells how far a task has come, from inside of the task, on any kind of pool.
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
 * <p>Those who look on get it as an event of the kind {@code PROGRESS}, in a {@code dev.sennit.observe.TaskEvents};
 * from a worker process it travels over the private line to this JVM. The first report of a task is told, then at most
 * one in 100 ms. A report in between is told when the task ends, unless another has followed. So a loop may report in
 * each round, which mostly reads a clock. While no stream of events is open, reports reach nobody.
 *
 * <p>{@link Mapper#map map} and {@link Pipeline} report by themselves.
 */
public final class TaskProgress {
    private TaskProgress() {}

    /**
     * Reports progress of the task that the calling thread runs. Outside of a task this does nothing, as in a thread
     * that a task has started; so does a report of a task whose future is done, or that was submitted before anybody
     * looked on.
     *
     * @param done how much is done, 0 or more, in any unit
     * @param total how much there is to do in all, in the same unit; less than 0, or less than what is done, if that is
     *     not known
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
