package dev.sennit.loop;

import dev.sennit.internal.BackgroundExecutor;
import dev.sennit.internal.Throwables;
import java.io.IOException;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * A blocking call on one of the loop's own threads, and the coroutine that waits for it. A cancelled coroutine goes on
 * at once; the call ends without it, and its result is disposed of.
 */
final class Blocking<T extends @Nullable Object> implements Runnable {
    /** A blocking call. */
    interface Call<T extends @Nullable Object> {
        T call() throws IOException;
    }

    /** Releases a result that is not wanted any more. */
    interface Disposal<T extends @Nullable Object> {
        void dispose(T result) throws IOException;
    }

    private final Call<T> call;
    private final Disposal<T> disposal;
    private final CompletableFuture<T> result = new CompletableFuture<>();

    private Blocking(Call<T> call, Disposal<T> disposal) {
        this.call = call;
        this.disposal = disposal;
    }

    /**
     * Makes the call on a thread of the loop, and waits for the result.
     *
     * @throws StreamClosedException if the loop has ended
     */
    static <T extends @Nullable Object> T call(EventLoop loop, Call<T> call, Disposal<T> disposal)
            throws IOException, InterruptedException {
        var blocking = new Blocking<>(call, disposal);
        try {
            loop.threads().execute((Runnable) blocking);
        } catch (RejectedExecutionException e) {
            throw new StreamClosedException("files cannot be used: " + LoopSelector.ended(loop));
        }
        return blocking.await();
    }

    @Override
    public void run() {
        T made;
        try {
            made = call.call();
        } catch (Throwable e) {
            result.completeExceptionally(e);
            return;
        }
        if (!result.complete(made)) {
            dispose(made);
        }
    }

    private T await() throws IOException, InterruptedException {
        try {
            return EventLoop.suspending(result::get);
        } catch (ExecutionException e) {
            Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
            if (cause instanceof IOException failure) {
                throw failure;
            }
            if (cause instanceof RuntimeException wrong) { // contradictory options, for instance
                throw wrong;
            }
            throw new IOException("a file operation has failed: " + Throwables.text(cause), cause);
        } catch (InterruptedException e) {
            if (!result.cancel(false) && !result.isCompletedExceptionally()) {
                T made = result.join();
                elsewhere(() -> dispose(made));
            }
            throw e;
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    /**
     * Runs code that releases something, and may block, on a thread that no file operation keeps busy; or here, if no
     * thread can be started.
     *
     * @return a future that is done when the code has run
     */
    static CompletableFuture<@Nullable Void> elsewhere(Runnable disposal) {
        var done = new CompletableFuture<@Nullable Void>();
        Runnable telling = () -> {
            try {
                disposal.run();
            } finally {
                done.complete(null);
            }
        };
        try {
            BackgroundExecutor.execute(telling);
        } catch (OutOfMemoryError e) { // no thread could be started
            telling.run();
        }
        return done;
    }

    /** Waits in a coroutine, also when it is interrupted. */
    static void join(CompletableFuture<?> done) {
        try {
            EventLoop.suspending(done::join);
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private void dispose(T made) {
        try {
            disposal.dispose(made);
        } catch (IOException e) {
            // it is released either way
        }
    }
}
