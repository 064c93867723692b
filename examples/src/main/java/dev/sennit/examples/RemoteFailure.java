package dev.sennit.examples;

import dev.sennit.Pool;
import dev.sennit.Pools;
import java.util.concurrent.ExecutionException;

/** Shows the stack trace of a failure in a worker process: the task's frames, then the submitter's. */
public final class RemoteFailure {
    private RemoteFailure() {}

    public static void main(String[] arguments) throws Exception {
        try (Pool pool = Pools.open("processes:1")) {
            pool.submit(() -> Integer.parseInt("six")).get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof NumberFormatException failure) {
                failure.printStackTrace(System.out);
            }
        }
    }
}
