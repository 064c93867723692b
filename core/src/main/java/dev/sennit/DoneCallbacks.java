package dev.sennit;

import dev.sennit.internal.Uncaught;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What is called when a future is done, in the order it was asked for: by whoever ends the future, and from then on by
 * whoever asks. One thread at a time calls; what others add meanwhile, it calls as well.
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
            } catch (Throwable e) { // the others, and the worker, know nothing of this one
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
