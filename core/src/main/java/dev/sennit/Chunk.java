package dev.sennit;

import dev.sennit.internal.Backend;
import dev.sennit.internal.ItemResults;
import dev.sennit.internal.PartialFailure;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Several items of one {@code map}, sent to a worker in one message. */
record Chunk<A extends @Nullable Object, R extends @Nullable Object>(
        TaskFunction<? super A, ? extends R> function, List<A> items) implements Task<Chunk.Outcome<R>>, Wrapping {

    /** The results in the order of the items, and how long they took together. */
    record Outcome<R extends @Nullable Object>(List<R> values, long nanos) implements ItemResults, Serializable {
        private static final long serialVersionUID = 1L;
    }

    private static final long serialVersionUID = 1L;

    @Override
    public Object wrapped() {
        return function;
    }

    /**
     * Applies the function to all items.
     *
     * @throws PartialFailure when an item fails, unless it is the first, whose failure is thrown as it is
     */
    @Override
    @SuppressWarnings("NullAway") // an item may be null where A says so
    public Outcome<R> call() throws Exception {
        long start = Backend.current().nanoTime();
        var values = new ArrayList<R>(items.size());
        for (A item : items) {
            if (Thread.currentThread().isInterrupted()) { // cancelled; a function that never blocks would not notice
                throw new InterruptedException();
            }
            try {
                values.add(function.call(item));
            } catch (Throwable e) { // an Error too fails the item
                if (values.isEmpty()) {
                    throw e;
                }
                throw new PartialFailure(values, e);
            }
        }
        return new Outcome<>(values, Backend.current().nanoTime() - start);
    }
}
