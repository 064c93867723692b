package dev.sennit;

import dev.sennit.internal.PartialFailure;
import dev.sennit.internal.Throwables;
import dev.sennit.internal.Timers;
import dev.sennit.internal.Waits;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
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
 * <p>A chunk whose item fails ends with a {@link PartialFailure}, which has the results of the items before. Once a chunk has failed
 * no more are submitted, and all that are under way end with the window. What is handed on before the failure is thrown depends on
 * the {@link Order}.
 *
 * <p>For one thread, but for {@link #noteFailure}.
 */
final class MapWindow<A extends @Nullable Object, R extends @Nullable Object> {
    static final int UNKNOWN = -1;
    /** A chunk size that is not set by hand. */
    static final int MEASURED = 0;

    /** In which order results are handed on, and what comes before a failure. */
    enum Order {
        /**
         * In that of the items, for whom only all results are of use: the first failure in time is thrown at once. It wakes the
         * thread that waits for the oldest chunk by cancelling that.
         */
        ALL_OR_NOTHING,
        /**
         * In that of the items: the failure of an item is thrown when all before it have been handed on, and ends at once those
         * after it.
         */
        ITEMS,
        /** In that in which chunks end: so are failures. */
        COMPLETION
    }

    private static final int LARGEST_CHUNK = 1 << 16;
    /** The most chunks under way, unless more than that can run. */
    private static final int WIDEST_WINDOW = 1024;

    private final AbstractPool pool;
    private final TaskFunction<? super A, ? extends R> function;
    private final Order order;
    private final int widest;
    private final long chunkNanos;
    /** Items in a chunk, or {@link #MEASURED}. */
    private final int fixedSize;
    /** What submits its chunks; null for the pool's user. */
    private final @Nullable MapSubmission<?> async;

    /** Chunks with the pool whose results have not been handed on, oldest first. Changed under its own lock, for {@link #endYounger}. */
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
            Order order,
            int itemsKnown,
            int chunkSize,
            @Nullable MapSubmission<?> async) {
        this.pool = pool;
        this.function = function;
        this.order = order;
        this.itemsLeft = itemsKnown;
        this.widest = widest(pool.workers());
        this.chunkNanos = Timers.nanos(pool.chunkTime());
        this.fixedSize = chunkSize;
        this.async = async;
    }

    /** Where any number can run, only ourselves bound it. */
    private static int widest(int workers) {
        return workers == Integer.MAX_VALUE ? WIDEST_WINDOW : (int) Math.min(4L * workers, Math.max(WIDEST_WINDOW, workers));
    }

    /**
     * Takes an item, and hands on what is ready. Waits when the window is full.
     *
     * @return false when the receiver wants no more
     */
    boolean add(A item, Predicate<? super R> receiver) {
        return guarded(() -> {
            if (failure.get() != null) {
                return handOnAll(receiver);
            }
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
            if (finished || (!chunk.isEmpty() && failure.get() == null && !flush(receiver))) {
                return false;
            }
            return handOnAll(receiver);
        });
    }

    /** Waits for all chunks under way; throws when it comes to one that failed. */
    private boolean handOnAll(Predicate<? super R> receiver) {
        while (!underWay.isEmpty()) {
            if (!handOnNext(receiver)) {
                return false;
            }
        }
        return true;
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
        List<TaskFuture<?>> left;
        synchronized (underWay) {
            left = List.copyOf(underWay);
            underWay.clear();
        }
        left.forEach(future -> future.cancel(true));
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
            if (!handOnNext(receiver)) {
                return false;
            }
        }
        var task = new Chunk<A, R>(function, chunk);
        while (true) {
            try {
                TaskFuture<Chunk.Outcome<R>> future = async == null ? pool.submit(task) : async.submitChunk(task);
                synchronized (underWay) {
                    underWay.add(future);
                }
                future.whenComplete((outcome, thrown) -> {
                    if (thrown != null) {
                        noteFailure(future, thrown);
                    }
                    if (order == Order.COMPLETION) {
                        done.add(future);
                    }
                });
                if (order == Order.ITEMS && failure.get() != null) {
                    future.cancel(true); // it comes after one that failed meanwhile
                }
                break;
            } catch (RejectedSubmissionException e) {
                if (underWay.isEmpty() || (pool.isShutdown() && async == null) || Thread.currentThread().isInterrupted()) {
                    throw e;
                }
                if (!handOnNext(receiver)) { // full: make room by taking one's own work back first
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

    /** Called by whoever ends a chunk. */
    private void noteFailure(TaskFuture<?> failed, Throwable thrown) {
        if (!failure.compareAndSet(null, failureOf(thrown))) {
            return;
        }
        switch (order) {
            case ALL_OR_NOTHING -> {
                TaskFuture<?> waitedFor = awaited;
                if (waitedFor != null) {
                    waitedFor.cancel(true);
                }
            }
            case ITEMS -> endYounger(failed);
            case COMPLETION -> {} // it is handed on in its turn
        }
    }

    private void endYounger(TaskFuture<?> failed) {
        List<TaskFuture<?>> younger = new ArrayList<>();
        synchronized (underWay) {
            for (var each = underWay.descendingIterator(); each.hasNext(); ) {
                TaskFuture<?> next = each.next();
                if (next == failed) {
                    break;
                }
                younger.add(next);
            }
        }
        younger.forEach(future -> future.cancel(true));
    }

    private static Throwable failureOf(Throwable thrown) {
        return thrown instanceof PartialFailure partial ? partial.failure() : thrown;
    }

    private boolean handOnReady(Predicate<? super R> receiver) {
        while (!underWay.isEmpty()) {
            ensureNoneFailed();
            TaskFuture<Chunk.Outcome<R>> ready = order == Order.COMPLETION ? done.peek() : underWay.peek();
            if (ready == null || !ready.isDone()) {
                return true;
            }
            if (!handOnNext(receiver)) {
                return false;
            }
        }
        return true;
    }

    /** Where all results are needed, a failure anywhere is the end. */
    private void ensureNoneFailed() {
        Throwable first = order == Order.ALL_OR_NOTHING ? failure.get() : null;
        if (first != null) {
            throw thrownFor(first);
        }
    }

    /** Waits for the chunk whose turn it is and hands its results on; throws if it failed. */
    private boolean handOnNext(Predicate<? super R> receiver) {
        Chunk.Outcome<R> outcome;
        try {
            outcome = takeNext();
        } catch (ExecutionException e) {
            return handOnFailure(Objects.requireNonNullElse(e.getCause(), e), receiver);
        }
        learn(outcome);
        return handOn(outcome.values(), receiver);
    }

    private Chunk.Outcome<R> takeNext() throws ExecutionException {
        try {
            TaskFuture<Chunk.Outcome<R>> next = order == Order.COMPLETION ? takeDone() : underWay.element();
            synchronized (underWay) {
                underWay.remove(next);
            }
            awaited = next;
            if (order == Order.ALL_OR_NOTHING && failure.get() != null) {
                next.cancel(true);
                ensureNoneFailed();
            }
            return next.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            TaskFuture<?> waitedFor = awaited;
            if (waitedFor != null) {
                waitedFor.cancel(true);
            }
            throw new CompletionException(e);
        } catch (CancellationException e) {
            ensureNoneFailed(); // it was cancelled for the sake of another
            throw e;
        } finally {
            awaited = null;
        }
    }

    @SuppressWarnings("unchecked") // a chunk's results
    private boolean handOnFailure(Throwable thrown, Predicate<? super R> receiver) {
        ensureNoneFailed(); // another may have failed before it
        if (thrown instanceof PartialFailure partial && !handOn((List<R>) partial.finished(), receiver)) {
            return false;
        }
        throw thrownFor(failureOf(thrown));
    }

    private TaskFuture<Chunk.Outcome<R>> takeDone() throws InterruptedException {
        if (done.isEmpty()) {
            underWay.element().aboutToWait(true);
        }
        try (var _ = done.isEmpty() ? Waits.outOfTurn() : null) {
            return done.take();
        }
    }

    private static RuntimeException thrownFor(Throwable failure) {
        return failure instanceof CancellationException cancelled ? cancelled : Throwables.completion(failure);
    }

    private boolean handOn(List<R> values, Predicate<? super R> receiver) {
        for (R value : values) {
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
