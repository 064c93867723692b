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
 * The engine of a {@code map} call: cuts items into chunks, keeps a bounded window of chunks under way, and passes
 * results on to the receiver.
 *
 * <h2>Size of chunks</h2>
 *
 * <p>The first chunk has one item. After each chunk that ends, the size approaches {@link AbstractPool#chunkTime}
 * divided by the measured time of an item, at most doubling. The estimate rises at once with a slow item and falls
 * slowly with fast items, as one long chunk at the end costs more than many short ones. When the number of items is
 * known, a chunk has at most the number of items left divided by twice the workers, so that all workers finish at about
 * the same time. A chunk that is not full is submitted while a worker may be idle, so that the items of a slow source
 * do not wait. A fixed size turns all of this off.
 *
 * <h2>Failure</h2>
 *
 * <p>A chunk whose item fails ends with a {@link PartialFailure}, which has the results of the items before. After a
 * failure no more chunks are submitted, and those under way end with the window. The {@link Order} decides which
 * results are passed on before the failure is thrown.
 *
 * <p>For a single thread, but for {@link #noteFailure}.
 */
final class MapWindow<A extends @Nullable Object, R extends @Nullable Object> {
    static final int UNKNOWN = -1;
    /** The chunk size follows the measured time of an item. */
    static final int MEASURED = 0;

    /** The order in which results, and failures, are passed on. */
    enum Order {
        /**
         * The order of the items, for a caller that needs all results: the first failure in time is thrown at once. To
         * wake the thread that waits for the oldest chunk, the failing thread cancels that chunk.
         */
        ALL_OR_NOTHING,
        /**
         * The order of the items: the failure of an item is thrown when all results before it have been passed on;
         * later chunks are cancelled at once.
         */
        ITEMS,
        /** The order in which chunks end, for results and failures. */
        COMPLETION
    }

    private static final int LARGEST_CHUNK = 1 << 16;
    /** The most chunks under way, unless there are more workers. */
    private static final int WIDEST_WINDOW = 1024;

    private final AbstractPool pool;
    private final TaskFunction<? super A, ? extends R> function;
    private final Order order;
    private final int widest;
    private final long chunkNanos;
    /** Items in a chunk, or {@link #MEASURED}. */
    private final int fixedSize;
    /** The {@code mapAsync} that submits the chunks, or null. */
    private final @Nullable MapSubmission<?> async;

    /**
     * The submitted chunks whose results have not been passed on, oldest first. Changed with its own lock:
     * {@link #endYounger}.
     */
    private final Deque<TaskFuture<Chunk.Outcome<R>>> underWay = new ArrayDeque<>();
    /** The done chunks among them; filled by the threads that end chunks. Only for {@link Order#COMPLETION}. */
    private final LinkedBlockingQueue<TaskFuture<Chunk.Outcome<R>>> done = new LinkedBlockingQueue<>();

    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    /** The chunk that the thread waits for; read by threads that note a failure. */
    private volatile @Nullable TaskFuture<?> awaited;

    /** Null if nobody looks on. */
    private final @Nullable WholeProgress progress;
    /** How many items have been passed on. */
    private long itemsDone;

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
        this.progress = WholeProgress.begin(pool.name(), TaskNames.written(function).getClass(), itemsKnown);
    }

    /** Returns how many chunks may be under way. */
    private static int widest(int workers) {
        return workers == Integer.MAX_VALUE
                ? WIDEST_WINDOW
                : (int) Math.min(4L * workers, Math.max(WIDEST_WINDOW, workers));
    }

    /**
     * Adds an item, and passes on available results. Waits when the window is full.
     *
     * @return false when the receiver wants no more results
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

    /** Submits the remaining items, waits for all chunks and passes their results on. */
    void finish(Predicate<? super R> receiver) {
        try {
            guarded(() -> {
                if (finished || (!chunk.isEmpty() && failure.get() == null && !flush(receiver))) {
                    return false;
                }
                return handOnAll(receiver);
            });
        } finally {
            tellRest();
        }
    }

    private void tellRest() {
        if (progress != null) {
            progress.end();
        }
    }

    /** Waits for all chunks under way and passes their results on; throws the failure of a chunk in its turn. */
    private boolean handOnAll(Predicate<? super R> receiver) {
        while (!underWay.isEmpty()) {
            if (!handOnNext(receiver)) {
                return false;
            }
        }
        return true;
    }

    /** Runs a step; if it throws, or no more results are wanted, cancels all chunks under way. */
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
        tellRest();
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
                    future.cancel(true); // an earlier chunk has failed meanwhile
                }
                break;
            } catch (RejectedSubmissionException e) {
                if (underWay.isEmpty() || (pool.isShutdown() && async == null)
                        || Thread.currentThread().isInterrupted()) {
                    throw e;
                }
                if (!handOnNext(receiver)) { // the pool is full: wait for a chunk of this window, which makes room
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

    /** Notes the failure of a chunk. Called by the thread that ends the chunk. */
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
            case COMPLETION -> {} // passed on in its turn
        }
    }

    private void endYounger(TaskFuture<?> failed) {
        List<TaskFuture<?>> younger = new ArrayList<>();
        synchronized (underWay) {
            for (var each = underWay.descendingIterator(); each.hasNext();) {
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

    /** Throws the first failure in time, if all results are needed. */
    private void ensureNoneFailed() {
        Throwable first = order == Order.ALL_OR_NOTHING ? failure.get() : null;
        if (first != null) {
            throw thrownFor(first);
        }
    }

    /** Waits for the next chunk in order and passes its results on; throws if it failed. */
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
            ensureNoneFailed(); // it may have been cancelled because another chunk failed
            throw e;
        } finally {
            awaited = null;
        }
    }

    @SuppressWarnings("unchecked") // a chunk's results
    private boolean handOnFailure(Throwable thrown, Predicate<? super R> receiver) {
        ensureNoneFailed(); // another chunk may have failed before
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
        itemsDone += values.size();
        if (progress != null) {
            progress.report(itemsDone);
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
