package dev.sennit.examples.processes;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.process.WorkerCrashedException;
import java.util.ArrayList;
import java.util.concurrent.ExecutionException;

/** Gives workers a heap of their own: a task that needs more fails, and nothing else does. */
public final class MemoryLimit {
    private MemoryLimit() {}

    public static void main(String[] arguments) throws Exception {
        try (Pool pool = Pools.open("processes:1?heap=32m&output=discard")) {
            try {
                pool.submit(() -> {
                    var hoard = new ArrayList<byte[]>();
                    while (true) {
                        hoard.add(new byte[1 << 20]);
                    }
                }).get();
            } catch (ExecutionException e) {
                if (e.getCause() instanceof WorkerCrashedException crash) {
                    System.out.println("exit code " + crash.exitCode() + ": " + crash.getMessage());
                }
            }
        }
    }
}
