package dev.sennit.examples.processes;

import dev.sennit.Pool;
import dev.sennit.Pools;
import java.util.concurrent.ExecutionException;

/** A task that ends its JVM fails alone; the pool goes on with a new worker. */
public final class CrashIsolation {
    private CrashIsolation() {}

    public static void main(String[] arguments) throws Exception {
        try (Pool pool = Pools.open("processes:1")) {
            try {
                pool.submit(() -> {
                    Runtime.getRuntime().halt(7);
                    return null;
                }).get();
            } catch (ExecutionException e) {
                System.out.println(e.getCause());
            }
            System.out.println("next task: " + pool.submit(() -> "done").get());
        }
    }
}
