package dev.sennit;

import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/**
 * A {@code mapAsync}: runs in a thread that is no worker, where it submits chunks and waits for them. It keeps its pool from
 * terminating, so that those are let in also when the pool is shut down. It holds no place and is not counted, as they are.
 *
 * <p>A worker that waits for it runs the chunks that nobody has begun, so that it does not wait for itself.
 */
final class MapSubmission<T extends @Nullable Object> extends Submission<T> {
    /** Those that a worker might run; some have begun or ended. */
    private final Queue<Submission<?>> chunks = new ConcurrentLinkedQueue<>();
    /** Told when there is another chunk. */
    private final MoreToRun more = new MoreToRun();

    MapSubmission(AbstractPool pool, Callable<T> body, TaskOptions options) {
        super(pool, body, options);
    }

    /** Submits a chunk: only its own thread. */
    <C extends @Nullable Object> TaskFuture<C> submitChunk(Task<C> body) {
        Submission<C> chunk = pool().newSubmission(body, TaskOptions.NONE);
        chunk.isOfMap = true;
        TaskFuture<C> future = pool().admitChunk(chunk);
        chunks.removeIf(one -> !one.isQueued());
        chunks.add(chunk);
        more.isThere();
        return future;
    }

    /** There are no more chunks: what they held is no longer kept. */
    void noMoreChunks() {
        chunks.clear();
    }

    /** Runs what can be run; returns what is completed when there is more. */
    private CompletableFuture<?> runChunks(boolean interruptibly) {
        CompletableFuture<?> next = more.next();
        for (Submission<?> chunk : chunks) {
            chunk.aboutToWait(interruptibly);
        }
        return next;
    }

    @Override
    void help(Runnable onMore) {
        super.help(onMore);
        more.callOnce(onMore);
        runChunks(true);
    }

    @Override
    void aboutToWait(boolean interruptibly) {
        super.aboutToWait(interruptibly);
        helpUntilDone(interruptibly, () -> runChunks(interruptibly));
    }
}
