package dev.sennit;

import dev.sennit.internal.Uncaught;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The callbacks of a future, called in the order they were added: by the thread that completes the future and, once it
 * is done, by the thread that adds a callback. One thread at a time calls them, including those that others add
 * meanwhile.
 */
class DoneCallbacks<F extends Future<?>> {
    private final F future;
    /** Guarded by this. */
    private final Queue<Consumer<? super F>> waiting = new ArrayDeque<>();
    /** Guarded by this. */
    private boolean calling;

    DoneCallbacks(F future) {
        this.future = future;
    }

    final void add(Consumer<? super F> callback) {
        synchronized (this) {
            waiting.add(callback);
        }
        callIfDone();
    }

    final void callIfDone() {
        synchronized (this) {
            if (calling || !future.isDone()) {
                return;
            }
            calling = true;
        }
        for (var next = takeNext(); next != null; next = takeNext()) {
            try {
                next.accept(future);
            } catch (Throwable e) { // must not harm the other callbacks, or the worker
                Uncaught.log("callback of " + future + " failed", e);
            }
        }
    }

    private synchronized @Nullable Consumer<? super F> takeNext() {
        Consumer<? super F> next = waiting.poll();
        calling = next != null;
        return next;
    }
}
