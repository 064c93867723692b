package dev.sennit.examples.context;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import dev.sennit.TaskScope;
import java.util.concurrent.ExecutionException;

/** Two tasks that belong together: the failure of one cancels the other, and both have ended when the block is left. */
public final class ScopedTasks {
    private ScopedTasks() {}

    public static void main(String[] arguments) throws Exception {
        try (Pool pool = Pools.open(arguments.length > 0 ? arguments[0] : "virtual")) {
            try (var scope = TaskScope.open(pool)) {
                TaskFuture<String> user = scope.fork(() -> "Ada");
                TaskFuture<Integer> orders = scope.fork(() -> 3);
                scope.join();
                System.out.println(user.resultNow() + " has " + orders.resultNow() + " orders");
            }
            try (var scope = TaskScope.open(pool)) {
                TaskFuture<Integer> failing = scope.fork(() -> Integer.parseInt("three"));
                TaskFuture<String> slow = scope.fork(() -> {
                    Thread.sleep(2_000);
                    return "late";
                });
                try {
                    scope.join();
                } catch (ExecutionException e) {
                    System.out.println(failing.exceptionNow().getMessage() + "; the other: " + slow.state());
                }
            }
        }
    }
}
