package dev.sennit;

import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Several items of one {@code map}, sent to a worker in one message. */
record Chunk<A extends @Nullable Object, R extends @Nullable Object>(
        TaskFunction<? super A, ? extends R> function, List<A> items) implements Task<Chunk.Outcome<R>>, Wrapping {

    /** The results in the order of the items, and how long they took together. */
    record Outcome<R extends @Nullable Object>(List<R> values, long nanos) implements Serializable {
        private static final long serialVersionUID = 1L;
    }

    private static final long serialVersionUID = 1L;

    @Override
    public Object wrapped() {
        return function;
    }

    @Override
    @SuppressWarnings("NullAway") // an item may be null where A says so
    public Outcome<R> call() throws Exception {
        long start = System.nanoTime();
        var values = new java.util.ArrayList<R>(items.size());
        for (A item : items) {
            if (Thread.currentThread().isInterrupted()) { // cancelled: a function that never blocks would not notice
                throw new InterruptedException();
            }
            values.add(function.apply(item));
        }
        return new Outcome<>(values, System.nanoTime() - start);
    }
}
