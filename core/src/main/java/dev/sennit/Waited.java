package dev.sennit;

import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * The result of {@link Futures#wait}: two lists, each in the order of the given futures.
 *
 * @param <F> the type of the futures
 * @param done the futures that were done: with a value, an exception, or cancelled
 * @param notDone the other futures
 */
public record Waited<F extends CompletableFuture<?>>(List<F> done, List<F> notDone) {
    /**
     * Copies the lists.
     */
    public Waited {
        done = List.copyOf(done);
        notDone = List.copyOf(notDone);
    }
}
