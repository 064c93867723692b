package dev.sennit;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * How a future ended.
 *
 * {@snippet :
 * try (Pool pool = Pools.open("threads:2")) {
 *     var futures = java.util.List.of(pool.submit(() -> 1), pool.submit(() -> Integer.parseInt("two")));
 *     for (var outcome : Futures.outcomes(futures)) {
 *         System.out.println(outcome.succeeded() ? "value " + outcome.value() : "failure " + outcome.failure());
 *     }
 * }
 * }
 *
 * @param value the value, or null when there is none
 * @param failure the exception, a {@link CancellationException} when it was cancelled, or null when it succeeded
 * @param <T> the type of the value
 */
public record Outcome<T extends @Nullable Object>(@Nullable T value, @Nullable Throwable failure) {
    /**
     * Returns how a future ended.
     *
     * @param future a future that is done
     * @param <T> the type of the value
     * @return its outcome
     * @throws IllegalStateException if it is not done
     */
    public static <T extends @Nullable Object> Outcome<T> of(CompletableFuture<? extends T> future) {
        return switch (future.state()) {
            case RUNNING -> throw new IllegalStateException(future + " is not done");
            case SUCCESS -> new Outcome<>(future.resultNow(), null);
            case FAILED -> new Outcome<>(null, future.exceptionNow());
            case CANCELLED -> new Outcome<>(null, new CancellationException(future + " was cancelled"));
        };
    }

    /**
     * Returns whether there is a value, which may be null.
     *
     * @return true unless it failed or was cancelled
     */
    public boolean succeeded() {
        return failure == null;
    }
}
