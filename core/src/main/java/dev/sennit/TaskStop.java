package dev.sennit;

import dev.sennit.internal.SubmitterLine;
import java.util.function.BooleanSupplier;

/**
 * Tells a task, from inside, whether it is asked to come to an end by itself: see {@link TaskFuture#requestStop}. On
 * any kind of pool.
 *
 * {@snippet :
 * try (Pool pool = Pools.open("threads:2")) {
 *     TaskFuture<Integer> rows = pool.submit(() -> {
 *         int row = 0;
 *         while (row < 1_000_000 && !TaskStop.isRequested()) {
 *             row++; // import the row
 *         }
 *         return row;
 *     });
 *     rows.requestStop();
 *     System.out.println("imported: " + rows.join());
 * }
 * }
 *
 * <p>A cancellation or a time limit is no such request: these interrupt the task.
 */
public final class TaskStop {
    private static final BooleanSupplier NEVER = () -> false;

    private TaskStop() {}

    /**
     * Returns whether the task that the calling thread runs is asked to come to an end. Where a task that waits for
     * another runs that one, the other is what counts.
     *
     * @return false too outside of a task, and in a thread that a task has started: that takes a {@link #signal}
     */
    public static boolean isRequested() {
        Submission<?> task = CurrentTask.ofThread();
        return task != null
                ? task.isStopRequested()
                : Thread.currentThread() instanceof SubmitterLine line && line.stopSignal().getAsBoolean();
    }

    /**
     * Returns what tells any thread whether the task that the calling thread runs is asked to come to an end: for code
     * that runs in threads of the task's own, or asks in each round of a short loop, where it is cheapest.
     *
     * {@snippet :
     * try (Pool pool = Pools.open("threads:2")) {
     *     TaskFuture<Void> task = pool.submit(() -> {
     *         var stop = TaskStop.signal();
     *         Thread.ofVirtual().start(() -> {
     *             while (!stop.getAsBoolean()) {
     *                 Thread.onSpinWait();
     *             }
     *         }).join();
     *     });
     *     task.requestStop();
     *     task.join();
     * }
     * }
     *
     * @return stays true once it was true, while the task runs; always false if the calling thread runs no task
     */
    public static BooleanSupplier signal() {
        Submission<?> task = CurrentTask.ofThread();
        if (task != null) {
            return task::isStopRequested;
        }
        return Thread.currentThread() instanceof SubmitterLine line ? line.stopSignal() : NEVER;
    }
}
