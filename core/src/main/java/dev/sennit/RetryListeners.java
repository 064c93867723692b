package dev.sennit;

import dev.sennit.internal.Uncaught;
import java.time.Duration;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.stream.Stream;

/** The callbacks of a {@link Retry}, in the order they were added. The exception of a callback is logged. */
record RetryListeners(
        List<IntConsumer> beforeAttempt,
        List<Consumer<? super Attempt>> afterAttempt,
        List<BiConsumer<? super Attempt, ? super Duration>> beforeWait) {

    static final RetryListeners NONE = new RetryListeners(List.of(), List.of(), List.of());

    boolean isEmpty() {
        return beforeAttempt.isEmpty() && afterAttempt.isEmpty() && beforeWait.isEmpty();
    }

    RetryListeners beforeAttempt(IntConsumer callback) {
        return new RetryListeners(append(beforeAttempt, callback), afterAttempt, beforeWait);
    }

    RetryListeners afterAttempt(Consumer<? super Attempt> callback) {
        return new RetryListeners(beforeAttempt, append(afterAttempt, callback), beforeWait);
    }

    RetryListeners beforeWait(BiConsumer<? super Attempt, ? super Duration> callback) {
        return new RetryListeners(beforeAttempt, afterAttempt, append(beforeWait, callback));
    }

    private static <C> List<C> append(List<C> callbacks, C callback) {
        return Stream.concat(callbacks.stream(), Stream.of(callback)).toList();
    }

    void attemptBegins(int number) {
        tell(beforeAttempt, "beforeAttempt", callback -> callback.accept(number));
    }

    void attemptEnded(Attempt attempt) {
        tell(afterAttempt, "afterAttempt", callback -> callback.accept(attempt));
    }

    void waitBegins(Attempt last, Duration wait) {
        tell(beforeWait, "beforeWait", callback -> callback.accept(last, wait));
    }

    private static <C> void tell(List<C> callbacks, String name, Consumer<C> call) {
        for (C callback : callbacks) {
            try {
                call.accept(callback);
            } catch (Throwable e) { // must not harm the call, or the other callbacks
                Uncaught.log(name + " callback of a retry failed", e);
            }
        }
    }
}
