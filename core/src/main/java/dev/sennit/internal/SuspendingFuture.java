package dev.sennit.internal;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A future whose waiting threads give up their turn, as do those of all stages created from it.
 *
 * @param <T> the type of the value
 */
public class SuspendingFuture<T extends @Nullable Object> extends CompletableFuture<T> {
    /** Creates a future that is not done. */
    public SuspendingFuture() {}

    @Override
    public T get() throws InterruptedException, ExecutionException {
        try (var _ = isDone() ? null : Waits.outOfTurn()) {
            return super.get();
        }
    }

    @Override
    public T get(long timeout, TimeUnit unit) throws InterruptedException, ExecutionException, TimeoutException {
        try (var _ = isDone() ? null : Waits.outOfTurn()) {
            return super.get(timeout, unit);
        }
    }

    @Override
    public T join() {
        try (var _ = isDone() ? null : Waits.outOfTurn()) {
            return super.join();
        }
    }

    @Override
    public <U> CompletableFuture<U> newIncompleteFuture() {
        return new SuspendingFuture<>();
    }
}
