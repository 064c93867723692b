package dev.sennit;

import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * What {@link Futures#wait} found: two lists, each in the order the futures were given in.
 *
 * @param <F> the type of the futures
 * @param done those that were done: with a value, an exception, or cancelled
 * @param notDone the others
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
