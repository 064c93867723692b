package dev.sennit.examples.pools;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;

/** Submits a task and waits for its value, on the plan given as the first argument. */
public final class HelloPool {
    private HelloPool() {}

    public static void main(String[] arguments) throws Exception {
        String plan = arguments.length > 0 ? arguments[0] : "processes:1";
        try (Pool pool = Pools.open(plan)) {
            TaskFuture<Long> pid = pool.submit(() -> ProcessHandle.current().pid());
            System.out.println("ran on " + plan + ", in this process: " + (pid.get() == ProcessHandle.current().pid()));
        }
    }
}
