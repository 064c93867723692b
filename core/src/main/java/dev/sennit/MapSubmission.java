package dev.sennit;

import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A {@code mapAsync}: submits chunks and waits for them, in a thread that is not a worker. It keeps its pool from
 * terminating, so that its chunks are admitted even after shutdown. It holds no place and is not counted, as its chunks
 * hold places and are counted.
 *
 * <p>A worker that waits for the map runs the chunks that no other thread has begun, so that it does not wait for
 * itself.
 */
final class MapSubmission<T extends @Nullable Object> extends Submission<T> {
    /** The owner of a chunk. */
    private final class ChunkOwner implements Owner {
        private final AtomicBoolean counted = new AtomicBoolean(true);

        /** Returns false: a worker that waits for the map could not release the place that a chunk waits for. */
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

    /** How many chunks may still run, which may outlast the future of a map that is cancelled. */
    private final AtomicInteger chunksUnderWay = new AtomicInteger();
    /** The chunks that a waiting worker might run; some have begun or ended. */
    private final Queue<Submission<?>> chunks = new ConcurrentLinkedQueue<>();
    /** Notified of each further chunk. */
    private final WorkSignal more = new WorkSignal();

    MapSubmission(AbstractPool pool, Callable<T> body, TaskOptions options) {
        super(pool, body, options);
    }

    /** Submits a chunk; only the map's own thread. */
    <C extends @Nullable Object> TaskFuture<C> submitChunk(Task<C> body) {
        Submission<C> chunk = pool().newInContext(body, TaskOptions.NONE);
        var owner = new ChunkOwner();
        chunk.belongsTo(owner);
        chunksUnderWay.incrementAndGet();
        TaskFuture<C> future;
        try {
            future = pool().admitChunk(chunk);
        } catch (RuntimeException | Error e) { // refused; it may or may not have been admitted before
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

    /** Interrupts the map in any case: only its own thread can cancel its chunks. */
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

    /** Releases the chunks, as there will be no more. */
    void noMoreChunks() {
        chunks.clear();
    }

    /** Runs the chunks that no thread has begun; returns a future that is completed when there are more. */
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
