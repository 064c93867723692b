package dev.sennit.examples.processes;

import dev.sennit.Pool;
import dev.sennit.Pools;
import java.util.concurrent.ExecutionException;

/**
 * Prints the stack trace of a failure in a worker process: the task's frames, then the submitter's. Compare it with
 * that on {@code threads:1}, where the submitter is not seen, and on {@code inline}, where both share a stack.
 */
public final class RemoteFailure {
    private RemoteFailure() {}

    public static void main(String[] arguments) throws Exception {
        try (Pool pool = Pools.open(arguments.length > 0 ? arguments[0] : "processes:1")) {
            pool.submit(() -> Integer.parseInt("six")).get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof NumberFormatException failure) {
                failure.printStackTrace(System.out);
            }
        }
    }
}
