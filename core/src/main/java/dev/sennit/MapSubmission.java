package dev.sennit;

import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A {@code mapAsync}: runs in a thread that is no worker, where it submits chunks and waits for them. It keeps its pool from
 * terminating, so that those are let in also when the pool is shut down. It holds no place and is not counted, as they are.
 *
 * <p>A worker that waits for it runs the chunks that nobody has begun, so that it does not wait for itself.
 */
final class MapSubmission<T extends @Nullable Object> extends Submission<T> {
    /** The owner of chunks: the pool tells it of their ways. */
    private final class ChunkOwner implements Owner {
        private final AtomicBoolean counted = new AtomicBoolean(true);

        /** A chunk does not wait for a place: a worker that waits for the map could not give one back. */
        @Override
        public boolean partsWaitForPlace() {
            return false;
        }

        @Override
        public void over() {
            if (counted.compareAndSet(true, false)) {
                chunksUnderWay.decrementAndGet();
                runMayBeOver();
            }
        }
    }

    /** Chunks whose run may go on: it may outlast the future of a map that is cancelled. */
    private final AtomicInteger chunksUnderWay = new AtomicInteger();
    /** Those that a worker might run; some have begun or ended. */
    private final Queue<Submission<?>> chunks = new ConcurrentLinkedQueue<>();
    /** Signalled when there is another chunk. */
    private final WorkSignal more = new WorkSignal();

    MapSubmission(AbstractPool pool, Callable<T> body, TaskOptions options) {
        super(pool, body, options);
    }

    /** Submits a chunk: only its own thread. */
    <C extends @Nullable Object> TaskFuture<C> submitChunk(Task<C> body) {
        Submission<C> chunk = pool().newInContext(body, TaskOptions.NONE);
        var owner = new ChunkOwner();
        chunk.belongsTo(owner);
        chunksUnderWay.incrementAndGet();
        TaskFuture<C> future;
        try {
            future = pool().admitChunk(chunk);
        } catch (RuntimeException | Error e) { // refused: it may have been taken in before that, or not
            owner.over();
            throw e;
        }
        chunks.removeIf(one -> !one.isQueued());
        chunks.add(chunk);
        more.signal();
        return future;
    }

    @Override
    Counters counters() {
        return Counters.NONE; // its chunks are counted
    }

    @Override
    void admitted(boolean runsHere) {
        pool().maps().add(this);
    }

    /** In any case: it cancels its chunks, which nobody else could. */
    @Override
    void stopRun(boolean interrupt) {
        interruptRunner();
    }

    @Override
    void dropped() {
        pool().ended(this);
    }

    @Override
    void left() {
        pool().maps().remove(this);
    }

    @Override
    boolean isRunOver() {
        return super.isRunOver() && chunksUnderWay.get() == 0;
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
    void helpNoMore(Runnable onMore) {
        more.forget(onMore);
        super.helpNoMore(onMore);
    }

    @Override
    void aboutToWait(boolean interruptibly) {
        super.aboutToWait(interruptibly);
        helpUntilDone(interruptibly, () -> runChunks(interruptibly));
    }
}
