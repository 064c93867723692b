package dev.sennit;

import dev.sennit.internal.Timers;
import dev.sennit.internal.Turns;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One {@code map} under way: cuts items into chunks, keeps a bounded window of them with the pool, and hands results on.
 *
 * <h2>How large a chunk is</h2>
 *
 * <p>The first is one item. After each chunk that came back the size goes, at most doubling, towards {@link
 * AbstractPool#chunkTime} divided by the measured time of an item; a slow item counts at once, a fast one only slowly
 * brings the estimate down, as one long chunk at the end costs more than many short ones. When the number of items is
 * known, a chunk is never more than what is left divided by twice the workers, so that all finish together. A chunk that
 * is not full goes out all the same while a worker may be idle: a slow source is not held up. None of this holds for a
 * size that was set by hand.
 *
 * <h2>Failure</h2>
 *
 * <p>The first failure of any chunk wakes the thread that waits for the oldest one, by cancelling that; it then cancels
 * the others and throws.
 *
 * <p>For one thread, but for {@link #noteFailure}.
 */
final class MapWindow<A extends @Nullable Object, R extends @Nullable Object> {
    static final int UNKNOWN = -1;
    /** A chunk size that is not set by hand. */
    static final int MEASURED = 0;

    private static final int LARGEST_CHUNK = 1 << 16;
    private static final int WIDEST_WINDOW = 1024;

    private final AbstractPool pool;
    private final TaskFunction<? super A, ? extends R> function;
    private final boolean ordered;
    private final int widest;
    private final long chunkNanos;
    /** Items in a chunk, or {@link #MEASURED}. */
    private final int fixedSize;
    /** What submits its chunks; null for the pool's user. */
    private final @Nullable MapSubmission<?> async;

    /** Chunks with the pool whose results have not been handed on, oldest first. */
    private final Deque<TaskFuture<Chunk.Outcome<R>>> underWay = new ArrayDeque<>();
    /** Those of them that are done; filled by the threads that end them. Only where order does not matter. */
    private final LinkedBlockingQueue<TaskFuture<Chunk.Outcome<R>>> done = new LinkedBlockingQueue<>();

    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    /** The chunk this thread waits for; read by whoever notes a failure. */
    private volatile @Nullable TaskFuture<?> awaited;

    private List<A> chunk = new ArrayList<>();
    private int chunkSize = 1;
    private double nanosPerItem;
    private int itemsLeft;
    private boolean finished;

    MapWindow(
            AbstractPool pool,
            TaskFunction<? super A, ? extends R> function,
            boolean ordered,
            int itemsKnown,
            int chunkSize,
            @Nullable MapSubmission<?> async) {
        this.pool = pool;
        this.function = function;
        this.ordered = ordered;
        this.itemsLeft = itemsKnown;
        this.widest = widest(pool.workers(), itemsKnown);
        this.chunkNanos = Timers.nanos(pool.chunkTime());
        this.fixedSize = chunkSize;
        this.async = async;
    }

    /** Where any number can run, only the number of items can bound it, or nothing but ourselves. */
    private static int widest(int workers, int itemsKnown) {
        return workers == Integer.MAX_VALUE
                ? Math.max(WIDEST_WINDOW, itemsKnown)
                : (int) Math.min(4L * workers, Math.max(WIDEST_WINDOW, workers));
    }

    /**
     * Takes an item, and hands on what is ready. Waits when the window is full.
     *
     * @return false when the receiver wants no more
     */
    boolean add(A item, Predicate<? super R> receiver) {
        return guarded(() -> {
            chunk.add(item);
            if (chunk.size() >= chunkLimit() || (fixedSize == MEASURED && mayHaveAnIdleWorker())) {
                return flush(receiver) && handOnReady(receiver);
            }
            return handOnReady(receiver);
        });
    }

    /** Sends what is left, waits for everything and hands it on. */
    void finish(Predicate<? super R> receiver) {
        guarded(() -> {
            if (finished || (!chunk.isEmpty() && !flush(receiver))) {
                return false;
            }
            while (!underWay.isEmpty()) {
                if (!handOn(takeNext(), receiver)) {
                    return false;
                }
            }
            return true;
        });
    }

    /** Runs a step; a step that fails, or finds that no more is wanted, cancels everything under way. */
    private boolean guarded(java.util.function.BooleanSupplier step) {
        boolean goOn = false;
        try {
            goOn = step.getAsBoolean();
            return goOn;
        } finally {
            if (!goOn) {
                cancel();
            }
        }
    }

    void cancel() {
        finished = true;
        chunk.clear();
        for (TaskFuture<?> future : underWay) {
            future.cancel(true);
        }
        underWay.clear();
    }

    private boolean mayHaveAnIdleWorker() {
        return underWay.size() < Math.min(pool.workers(), widest);
    }

    private int chunkLimit() {
        if (fixedSize != MEASURED) {
            return fixedSize;
        }
        if (itemsLeft == UNKNOWN) {
            return chunkSize;
        }
        return Math.clamp(itemsLeft / (2L * pool.workers()), 1, chunkSize);
    }

    private boolean flush(Predicate<? super R> receiver) {
        while (underWay.size() >= widest || (async != null && !underWay.isEmpty() && pool.isFull())) {
            if (!handOn(takeNext(), receiver)) {
                return false;
            }
        }
        var task = new Chunk<A, R>(function, chunk);
        while (true) {
            try {
                TaskFuture<Chunk.Outcome<R>> future = async == null ? pool.submit(task) : async.submitChunk(task);
                underWay.add(future);
                future.whenComplete((outcome, thrown) -> {
                    if (thrown != null) {
                        noteFailure(thrown);
                    }
                    if (!ordered) {
                        done.add(future);
                    }
                });
                break;
            } catch (RejectedSubmissionException e) {
                if (underWay.isEmpty() || (pool.isShutdown() && async == null) || Thread.currentThread().isInterrupted()) {
                    throw e;
                }
                if (!handOn(takeNext(), receiver)) { // full: make room by taking one's own work back first
                    return false;
                }
            }
        }
        if (itemsLeft != UNKNOWN) {
            itemsLeft = Math.max(0, itemsLeft - chunk.size());
        }
        chunk = new ArrayList<>();
        return true;
    }

    private void noteFailure(Throwable thrown) {
        if (failure.compareAndSet(null, thrown)) {
            TaskFuture<?> waitedFor = awaited;
            if (waitedFor != null) {
                waitedFor.cancel(true);
            }
        }
    }

    private boolean handOnReady(Predicate<? super R> receiver) {
        while (!underWay.isEmpty()) {
            if (failure.get() != null) {
                throw failed();
            }
            TaskFuture<Chunk.Outcome<R>> ready = ordered ? underWay.peek() : done.peek();
            if (ready == null || !ready.isDone()) {
                return true;
            }
            if (!handOn(takeNext(), receiver)) {
                return false;
            }
        }
        return true;
    }

    private Chunk.Outcome<R> takeNext() {
        try {
            TaskFuture<Chunk.Outcome<R>> next;
            if (ordered) {
                next = underWay.remove();
                awaited = next;
            } else {
                next = takeDone();
                underWay.remove(next);
            }
            if (failure.get() != null) {
                next.cancel(true);
                throw failed();
            }
            return next.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            TaskFuture<?> waitedFor = awaited;
            if (waitedFor != null) {
                waitedFor.cancel(true);
            }
            throw new CompletionException(e);
        } catch (ExecutionException | CancellationException e) {
            noteFailure(e instanceof ExecutionException && e.getCause() != null ? e.getCause() : e);
            throw failed();
        } finally {
            awaited = null;
        }
    }

    private TaskFuture<Chunk.Outcome<R>> takeDone() throws InterruptedException {
        if (done.isEmpty()) {
            underWay.element().aboutToWait(true);
        }
        Turns.Turn mine = done.isEmpty() ? Turns.giveUp() : null;
        try {
            return done.take();
        } finally {
            Turns.regain(mine);
        }
    }

    private RuntimeException failed() {
        Throwable first = failure.get();
        return first instanceof CancellationException cancelled ? cancelled : new CompletionException(first);
    }

    private boolean handOn(Chunk.Outcome<R> outcome, Predicate<? super R> receiver) {
        learn(outcome);
        for (R value : outcome.values()) {
            if (!receiver.test(value)) {
                return false;
            }
        }
        return true;
    }

    private void learn(Chunk.Outcome<R> outcome) {
        double measured = Math.max(1.0, (double) outcome.nanos() / outcome.values().size());
        nanosPerItem = Math.max(measured, nanosPerItem / 2);
        long wanted = Math.max(1, (long) (chunkNanos / nanosPerItem));
        chunkSize = (int) Math.min(Math.min(wanted, 2L * chunkSize), LARGEST_CHUNK);
    }
}
