package dev.sennit;

import dev.sennit.internal.Deadline;
import dev.sennit.internal.Throwables;
import dev.sennit.internal.Unreachable;
import java.lang.ref.Reference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Waits for several futures at once. All methods take any {@link CompletableFuture}s, including {@link TaskFuture}s, of
 * one pool or several.
 */
public final class Futures {
    /** Closes the queues of unreachable iterators. */
    private static final Unreachable ABANDONED = new Unreachable("sennit-abandoned");

    private Futures() {}

    /**
     * Waits for futures, without a limit.
     *
     * @param futures the futures to wait for
     * @param until when to return
     * @param <F> the type of the futures
     * @return the futures that are done and those that are not
     * @throws InterruptedException if the calling thread is interrupted
     */
    public static <F extends CompletableFuture<?>> Waited<F> wait(Collection<? extends F> futures, Until until)
            throws InterruptedException {
        return waitWithin(futures, until, Deadline.NEVER);
    }

    /**
     * Waits for futures, up to a time limit. The futures that are not done when the wait ends are not cancelled.
     *
     * {@snippet :
     * try (Pool pool = Pools.open("virtual")) {
     *     var futures = java.util.List.of(pool.submit(() -> 1), pool.submit(() -> 2));
     *     var waited = Futures.wait(futures, Until.ALL, java.time.Duration.ofSeconds(5));
     *     System.out.println(waited.done().size() + " done");
     * }
     * }
     *
     * @param futures the futures to wait for; a future given twice counts once
     * @param until when to return
     * @param timeout how long to wait at most; with zero or less it does not wait
     * @param <F> the type of the futures
     * @return the futures that are done and those that are not
     * @throws InterruptedException if the calling thread is interrupted
     */
    public static <F extends CompletableFuture<?>> Waited<F> wait(
            Collection<? extends F> futures, Until until, Duration timeout) throws InterruptedException {
        return waitWithin(futures, until, Deadline.in(Objects.requireNonNull(timeout, "timeout")));
    }

    static <F extends CompletableFuture<?>> Waited<F> waitWithin(
            Collection<? extends F> futures, Until until, Deadline deadline) throws InterruptedException {
        Objects.requireNonNull(until, "until");
        List<F> given = List.copyOf(futures); // another thread may change the collection meanwhile
        try (var queue = new CompletionQueue<F>(given, deadline)) {
            while (queue.hasNext()) {
                F done = queue.next();
                boolean enough = switch (until) {
                    case FIRST_COMPLETED -> true;
                    case FIRST_FAILED -> done.isCompletedExceptionally();
                    case ALL -> false;
                };
                if (enough) {
                    break;
                }
            }
        } catch (TimeoutException e) {
            // the result has the futures that are not done
        }
        List<F> done = new ArrayList<>();
        List<F> notDone = new ArrayList<>();
        for (F future : new java.util.LinkedHashSet<F>(given)) {
            (future.isDone() ? done : notDone).add(future);
        }
        return new Waited<>(done, notDone);
    }

    /**
     * Returns the futures in the order in which they become done, for a {@code for} loop whose body runs while the
     * other tasks go on.
     *
     * {@snippet :
     * try (Pool pool = Pools.open("threads:2")) {
     *     var futures = java.util.List.of(pool.submit(() -> "a"), pool.submit(() -> "b"));
     *     for (TaskFuture<String> future : Futures.inCompletionOrder(futures)) {
     *         System.out.println(future.join());
     *     }
     * }
     * }
     *
     * @param futures the futures to wait for; a future given twice is returned once
     * @param <F> the type of the futures
     * @return each future once, done; its iterator's {@code next} throws {@link CompletionException} with an {@link
     *     InterruptedException} as its cause, and the interrupt status set, if the waiting thread is interrupted
     */
    public static <F extends CompletableFuture<?>> Iterable<F> inCompletionOrder(Collection<? extends F> futures) {
        List<F> copy = List.copyOf(futures);
        return () -> iterator(copy, Deadline.NEVER);
    }

    /**
     * Works as {@link #inCompletionOrder(Collection)}, with a time limit for the whole loop.
     *
     * @param futures the futures to wait for; a future given twice is returned once
     * @param timeout how long after the call of {@code iterator()} the last future may become done
     * @param <F> the type of the futures
     * @return each future once, done; its iterator's {@code next} throws {@link CompletionException} with a {@link
     *     TimeoutException} as its cause when the time is over, which tells how many were unfinished
     */
    public static <F extends CompletableFuture<?>> Iterable<F> inCompletionOrder(
            Collection<? extends F> futures, Duration timeout) {
        Objects.requireNonNull(timeout, "timeout");
        List<F> copy = List.copyOf(futures);
        return () -> iterator(copy, Deadline.in(timeout));
    }

    private static <F extends CompletableFuture<?>> Iterator<F> iterator(List<F> futures, Deadline deadline) {
        var queue = new CompletionQueue<F>(futures, deadline);
        var iterator = new Iterator<F>() {
            @Override
            public boolean hasNext() {
                return queue.hasNext();
            }

            @Override
            public F next() {
                if (!queue.hasNext()) {
                    throw new NoSuchElementException();
                }
                try {
                    return queue.next();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new CompletionException(e);
                } catch (TimeoutException e) {
                    throw new CompletionException(e);
                } finally {
                    Reference.reachabilityFence(this); // not abandoned while it waits
                }
            }
        };
        try {
            ABANDONED.register(iterator, queue::close); // a loop may be left before its end
        } catch (OutOfMemoryError e) {
            // no thread available: an abandoned iterator leaves its callbacks with the futures
        }
        return iterator;
    }

    /**
     * Waits for all futures and returns their values, in the order of the futures. The first failure ends the wait; the
     * other futures go on (a {@link TaskScope} would cancel them).
     *
     * {@snippet :
     * try (Pool pool = Pools.open("threads:2")) {
     *     System.out.println(Futures.gather(java.util.List.of(pool.submit(() -> 1), pool.submit(() -> 2))));
     * }
     * }
     *
     * @param futures the futures to wait for
     * @param <T> the type of the values
     * @return a value for each future, and two for a future given twice; the list cannot be modified and may hold nulls
     * @throws ExecutionException with the first failure as its cause; for a cancelled future, a
     *     {@link CancellationException}
     * @throws InterruptedException if the calling thread is interrupted
     */
    public static <
            T extends @Nullable Object> List<T> gather(Collection<? extends CompletableFuture<? extends T>> futures)
                    throws InterruptedException, ExecutionException {
        try {
            return gatherWithin(futures, Deadline.NEVER);
        } catch (TimeoutException e) {
            throw new AssertionError("a wait without a limit ended", e);
        }
    }

    /**
     * Works as {@link #gather(Collection)}, with a limit.
     *
     * @param futures the futures to wait for
     * @param timeout how long to wait at most
     * @param <T> the type of the values
     * @return a value for each future
     * @throws ExecutionException with the first failure as its cause
     * @throws TimeoutException if the time limit passed; it tells how many futures were unfinished
     * @throws InterruptedException if the calling thread is interrupted
     */
    public static <T extends @Nullable Object> List<T> gather(
            Collection<? extends CompletableFuture<? extends T>> futures, Duration timeout)
            throws InterruptedException, ExecutionException, TimeoutException {
        return gatherWithin(futures, Deadline.in(Objects.requireNonNull(timeout, "timeout")));
    }

    private static <T extends @Nullable Object> List<T> gatherWithin(
            Collection<? extends CompletableFuture<? extends T>> futures, Deadline deadline)
            throws InterruptedException, ExecutionException, TimeoutException {
        List<CompletableFuture<? extends T>> all = List.copyOf(futures);
        try (var queue = new CompletionQueue<CompletableFuture<? extends T>>(all, deadline)) {
            while (queue.hasNext()) {
                CompletableFuture<? extends T> done = queue.next();
                if (done.isCancelled()) {
                    throw new ExecutionException(new CancellationException(done + " was cancelled"));
                }
                if (done.isCompletedExceptionally()) {
                    throw Throwables.execution(done.exceptionNow());
                }
            }
        }
        List<T> values = new ArrayList<>(all.size());
        for (CompletableFuture<? extends T> future : all) {
            values.add(future.resultNow());
        }
        return Collections.unmodifiableList(values);
    }

    /**
     * Waits for all futures and returns how each ended, in the order of the futures.
     *
     * @param futures the futures to wait for
     * @param <T> the type of the values
     * @return an outcome for each future
     * @throws InterruptedException if the calling thread is interrupted
     */
    public static <T extends @Nullable Object> List<Outcome<T>> outcomes(
            Collection<? extends CompletableFuture<? extends T>> futures) throws InterruptedException {
        List<CompletableFuture<? extends T>> all = List.copyOf(futures);
        wait(all, Until.ALL);
        List<Outcome<T>> outcomes = new ArrayList<>(all.size());
        for (CompletableFuture<? extends T> future : all) {
            outcomes.add(Outcome.of(future));
        }
        return List.copyOf(outcomes);
    }
}
