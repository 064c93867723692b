package dev.sennit.examples.pools;

import dev.sennit.Futures;
import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import dev.sennit.Until;
import dev.sennit.Waited;
import java.util.List;

/**
 * Waits until the first of several tasks is done, then cancels the others. On {@code inline} none is left to cancel:
 * there {@code submit} itself runs the task.
 */
public final class WaitForFirst {
    private WaitForFirst() {}

    public static void main(String[] arguments) throws Exception {
        try (Pool pool = Pools.open(arguments.length > 0 ? arguments[0] : "virtual")) {
            TaskFuture<String> quick = pool.submit(() -> "quick");
            TaskFuture<String> slow = pool.submit(() -> {
                Thread.sleep(2_000);
                return "slow";
            });
            Waited<TaskFuture<String>> waited = Futures.wait(List.of(quick, slow), Until.FIRST_COMPLETED);
            waited.notDone().forEach(future -> future.cancel(true));
            System.out.println(waited.done().size() + " done, " + waited.notDone().size() + " cancelled: "
                    + waited.done().getFirst().get());
        }
    }
}
