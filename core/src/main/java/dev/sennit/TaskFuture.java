package dev.sennit;

import dev.sennit.internal.Deadline;
import dev.sennit.internal.SuspendingFuture;
import dev.sennit.internal.Uncaught;
import dev.sennit.internal.Waits;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The result of a task handed to a {@link Pool}: a {@link CompletableFuture} whose cancellation reaches the running
 * task.
 *
 * <p>It ends with the task's value, with the exception the task threw, or with a named cause: {@link
 * CancellationException}, {@link TimeoutException}, or a cause of the kind of pool, such as the
 * crash of a worker process. It never stays open because a worker died or the pool was closed.
 *
 * {@snippet :
 * try (Pool pool = Pools.open("threads:2")) {
 *     TaskFuture<Integer> length = pool.submit(() -> "sennit".length());
 *     length.thenAccept(n -> System.out.println("letters: " + n));
 * }
 * }
 *
 * <p><b>Ending it from outside</b> - {@link #cancel cancel(true)}, {@link #complete}, {@link #completeExceptionally},
 * {@link #completeAsync}, {@link #orTimeout}, {@link #completeOnTimeout}, {@link #obtrudeValue} - ends the future at
 * once and then the run. A task that still waits is not started. A task that runs is interrupted; on kinds that isolate
 * tasks its worker is killed if the task has not ended within the pool's grace period. {@code cancel(false)} lets a run
 * that has begun come to its end, and discards its result.
 *
 * <p><b>Callbacks</b> without an executor run in the thread that ends the future, usually a thread of the pool, which
 * takes no other task meanwhile. A task or callback that waits for a task of its own pool, with {@link #get()} or
 * {@link #join}, cannot starve the pool: if no thread has begun that task, the waiting thread runs it. A cancellation
 * of the waiting task then also interrupts the other task if the same thread submitted it; a task that another thread
 * submitted runs to its end first.
 *
 * <p><b>A task that waits for itself</b> - {@link #get()}, {@link #join} or {@link #awaitEnd()} of its own future, in
 * its body or in a task that its thread runs meanwhile - gets an {@link IllegalStateException} in this JVM. So it does
 * even if another thread would complete the future, but not if the task has a time limit, which ends the wait.
 *
 * <p><b>A failure that the program never asks for</b> is logged once, as a warning with its stack: when this future has
 * become unreachable, or when the pool has been closed. The program asks by getting the result, the failure or the
 * {@link #state()} {@code FAILED}, by adding a callback or a dependent stage, also through {@link #orTimeout}, or by
 * passing this future to a method of {@link Futures}. {@link #isDone} does not ask, nor does
 * {@link CompletableFuture#allOf} or {@code anyOf} of a future that has failed already. Cancellations are not logged,
 * nor are failures of parts that a {@link TaskScope} or a retry reports. {@link PoolBuilder#unasked} turns this off.
 *
 * <p><b>Memory effects</b>: as for every {@link java.util.concurrent.Future}: actions before {@code submit}
 * happen-before the actions of a task in this JVM, and these happen-before actions of a thread that has got the result.
 * A task in another process works on a copy.
 *
 * @param <T> the type of the result
 */
public final class TaskFuture<T extends @Nullable Object> extends CompletableFuture<T> {
    private static final VarHandle CALLBACKS = handle("callbacks", DoneCallbacks.class);
    private static final VarHandle WAITERS = handle("waiters", Waiters.class);
    private static final VarHandle SUBMISSION = handle("submission", Submission.class);

    /** The task; once it has succeeded, perhaps a stand-in for all succeeded tasks of its class. */
    @SuppressWarnings("UnusedVariable") // read by its handle
    private Submission<T> submission;
    private volatile @Nullable DoneCallbacks<TaskFuture<T>> callbacks;
    private volatile @Nullable Waiters waiters;

    TaskFuture(Submission<T> submission) {
        this.submission = submission;
        VarHandle.releaseFence(); // as for a final field
    }

    /**
     * Returns the name given in {@link TaskOptions}, or else a name made from the task's class.
     *
     * @return the name
     */
    public String name() {
        return submission().name();
    }

    /**
     * Ends this future with a {@link CancellationException} unless it is done.
     *
     * @param mayInterruptIfRunning whether a run that has begun is stopped too: by an interrupt and, on kinds that
     *     isolate tasks, by killing the worker if the task ignores the interrupt
     * @return whether this future is now cancelled; true does not tell whether the task had begun
     */
    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
        return settle(null, new CancellationException(), mayInterruptIfRunning) || isCancelled();
    }

    /**
     * Asks the task to come to an end by itself. Nothing else happens: no thread is interrupted, the future stays open,
     * and what the task returns or throws counts. A task that never asks {@link TaskStop} does not notice.
     *
     * {@snippet :
     * try (Pool pool = Pools.open("processes:2")) {
     *     TaskFuture<Long> counted = pool.submit(() -> {
     *         long count = 0;
     *         while (!TaskStop.isRequested()) {
     *             count++;
     *         }
     *         return count;
     *     });
     *     counted.requestStop();
     *     System.out.println("got to " + counted.join());
     * }
     * }
     *
     * <p>A task that has not begun is told as soon as it begins, and each attempt of a task with a retry is told. The
     * items of a {@link Mapper#mapAsync mapAsync} are not. Further requests, and those after the end of the task,
     * change nothing.
     */
    public void requestStop() {
        submission().requestStop();
    }

    @Override
    public boolean complete(T value) {
        return settle(value, null, true);
    }

    @Override
    public boolean completeExceptionally(Throwable failure) {
        return settle(null, Objects.requireNonNull(failure), true);
    }

    /**
     * Ends this future; if another thread does so at the same time, waits until the future is done and returns false.
     */
    private boolean settle(@Nullable T value, @Nullable Throwable failure, boolean interrupt) {
        if (submission().settle(value, failure, interrupt)) {
            return true;
        }
        if (!isDone()) {
            try (var _ = Waits.outOfTurn()) {
                super.join();
            } catch (CompletionException | CancellationException e) {
                // done is enough: the failure counts as not asked for
            }
        }
        return false;
    }

    @Override
    public CompletableFuture<T> completeAsync(Supplier<? extends T> supplier, Executor executor) {
        Objects.requireNonNull(supplier, "supplier");
        Objects.requireNonNull(executor, "executor");
        executor.execute(() -> {
            if (isDone()) {
                return;
            }
            try {
                complete(supplier.get());
            } catch (Throwable e) {
                completeExceptionally(e instanceof CompletionException ? e : new CompletionException(e));
            }
        });
        return this;
    }

    /** Ends this future and its run if it is not done, and sets its value in any case. */
    @Override
    public void obtrudeValue(T value) {
        settle(value, null, true);
        super.obtrudeValue(value);
    }

    /** Ends this future and its run if it is not done, and sets its failure in any case. */
    @Override
    public void obtrudeException(Throwable failure) {
        settle(null, Objects.requireNonNull(failure, "failure"), true);
        super.obtrudeException(failure);
    }

    @Override
    public T get() throws InterruptedException, ExecutionException {
        try {
            if (isDone()) {
                return super.get();
            }
            aboutToWait(true);
            try (var _ = Waits.outOfTurn()) {
                return super.get();
            }
        } catch (ExecutionException e) {
            asked();
            throw e;
        }
    }

    @Override
    public T get(long timeout, TimeUnit unit) throws InterruptedException, ExecutionException, TimeoutException {
        try {
            if (isDone()) {
                return super.get(timeout, unit);
            }
            try (var _ = Waits.outOfTurn()) {
                return super.get(timeout, unit);
            }
        } catch (ExecutionException e) {
            asked();
            throw e;
        }
    }

    @Override
    public T join() {
        try {
            if (isDone()) {
                return super.join();
            }
            aboutToWait(false);
            try (var _ = Waits.outOfTurn()) {
                return super.join();
            }
        } catch (CompletionException e) {
            asked();
            throw e;
        }
    }

    @Override
    public T getNow(@Nullable T valueIfAbsent) {
        try {
            return super.getNow(valueIfAbsent);
        } catch (CompletionException e) {
            asked();
            throw e;
        }
    }

    @Override
    public T resultNow() {
        try {
            return super.resultNow();
        } catch (IllegalStateException e) {
            askedIfDone();
            throw e;
        }
    }

    @Override
    public Throwable exceptionNow() {
        Throwable failure = super.exceptionNow();
        asked();
        return failure;
    }

    @Override
    public State state() {
        State state = super.state();
        if (state == State.FAILED) {
            asked();
        }
        return state;
    }

    @Override
    public boolean isCompletedExceptionally() {
        boolean failed = super.isCompletedExceptionally();
        if (failed) {
            asked();
        }
        return failed;
    }

    @Override
    public CompletableFuture<T> toCompletableFuture() {
        asked(); // called to combine this future with another
        return super.toCompletableFuture();
    }

    @Override
    public CompletionStage<T> minimalCompletionStage() {
        asked();
        return super.minimalCompletionStage();
    }

    /** Creates a stage that depends on this future, and so gets its failure. */
    @Override
    public <U> CompletableFuture<U> newIncompleteFuture() {
        asked();
        return new SuspendingFuture<>();
    }

    /**
     * Waits until the task no longer runs. A future that was ended from outside - by {@link #cancel}, a time limit or
     * {@link #complete} - is done at once, while the run may still clean up. This method returns when the run, all its
     * attempts, and all chunks of a {@code mapAsync} have ended, however they ended.
     *
     * {@snippet :
     * try (Pool pool = Pools.open("threads:1")) {
     *     TaskFuture<Void> sleeper = pool.submit(() -> Thread.sleep(60_000));
     *     sleeper.cancel(true);
     *     sleeper.awaitEnd(); // whatever its finally blocks do has been done
     * }
     * }
     *
     * <p>Actions of the run happen-before the return of this method.
     *
     * @throws IllegalStateException if called by the task itself, or by a callback of the future of a task with a
     *     retry: either would wait for itself
     * @throws InterruptedException if the calling thread is interrupted
     */
    public void awaitEnd() throws InterruptedException {
        if (!isDone()) {
            aboutToWait(true);
            awaitDone(Deadline.NEVER);
        }
        submission().awaitRunOver(Deadline.NEVER);
    }

    /**
     * Waits until the task no longer runs, as {@link #awaitEnd()}, but no longer than the given time.
     *
     * @param timeout how long to wait; with zero or less it does not wait
     * @param unit the unit of the time
     * @return false if the time elapsed first; the task goes on
     * @throws InterruptedException if the calling thread is interrupted
     */
    public boolean awaitEnd(long timeout, TimeUnit unit) throws InterruptedException {
        Deadline deadline = Deadline.in(unit.toNanos(timeout));
        return awaitDone(deadline) && submission().awaitRunOver(deadline);
    }

    /** Waits until this is done, without asking for a failure; returns false if the deadline passed first. */
    private boolean awaitDone(Deadline deadline) throws InterruptedException {
        if (isDone()) {
            return true;
        }
        try (var _ = Waits.outOfTurn()) {
            if (deadline.isLimited()) {
                super.get(deadline.left(), TimeUnit.NANOSECONDS);
            } else {
                super.get();
            }
        } catch (ExecutionException | CancellationException e) {
            // done is enough: the failure counts as not asked for
        } catch (TimeoutException e) {
            return false;
        }
        return true;
    }

    /**
     * Adds a callback for when this future is done, however it ends. If it is done already, the callback runs at once,
     * in the calling thread.
     *
     * {@snippet :
     * try (Pool pool = Pools.open("threads:2")) {
     *     pool.submit(() -> 6 * 7)
     *             .onDone(future -> System.out.println(future.state()))
     *             .onDone(future -> System.out.println("and then this"));
     * }
     * }
     *
     * <p>Callbacks run one at a time and in the order they were added; those of {@link CompletableFuture}, such as
     * {@link #thenAccept}, run before them and in no order. The exception of a callback is logged, and the other
     * callbacks run.
     *
     * @param callback gets this future, which is done
     * @return this future
     */
    public TaskFuture<T> onDone(Consumer<? super TaskFuture<T>> callback) {
        Objects.requireNonNull(callback, "callback");
        asked();
        DoneCallbacks<TaskFuture<T>> all = callbacks;
        if (all == null) {
            CALLBACKS.compareAndSet(this, null, new DoneCallbacks<>(this));
            all = Objects.requireNonNull(callbacks);
        }
        all.add(callback);
        return this;
    }

    private static VarHandle handle(String field, Class<?> type) {
        try {
            return MethodHandles.lookup().findVarHandle(TaskFuture.class, field, type);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Returns the threads that wait for this future among others. */
    Waiters waiters() {
        Waiters known = waiters;
        if (known == null) {
            WAITERS.compareAndSet(this, null, Waiters.newFor(this));
            known = Objects.requireNonNull(waiters);
        }
        return known;
    }

    @SuppressWarnings("unchecked") // its type
    Submission<T> submission() {
        return (Submission<T>) SUBMISSION.getAcquire(this);
    }

    /** Lets the pool go on when one of its own threads is about to wait for this future. */
    void aboutToWait(boolean interruptibly) {
        if (!isDone()) {
            submission().ensureNotOwn();
            submission().aboutToWait(interruptibly);
        }
    }

    /** Returns whether the calling thread is a worker of the task's pool. */
    boolean isOfThisWorker() {
        return submission().pool().isWorker();
    }

    /**
     * Runs the task, or parts of it, in a worker that waits for several futures; calls back when there are more parts.
     */
    void help(Runnable onMore) {
        if (!isDone()) {
            submission().help(onMore);
        }
    }

    /** Undoes {@link #help}: does not call back any more. */
    void helpNoMore(Runnable onMore) {
        submission().helpNoMore(onMore);
    }

    // ---- a failure that no caller asks for ----

    /**
     * Notes that a caller asks for the result, or will be notified of it. Called before or after the end of any task.
     */
    void asked() {
        if (submission().asked() && callbacks instanceof UnaskedCallbacks<?> failed) {
            failed.failure.forget();
        }
    }

    private void askedIfDone() {
        if (isDone()) {
            asked();
        }
    }

    /**
     * Has a failure logged unless a caller asks for it. Called before this is done, so that a caller who sees the
     * failure finds the note. A caller first marks the submission as asked and then looks for a note; this thread first
     * publishes the note and then checks the mark. At least one of the two sees the other.
     */
    private void noteUnasked(Throwable failure) {
        if (getNumberOfDependents() > 0) {
            return; // a stage, or a thread that waits
        }
        try {
            UnaskedFailures.Unasked note = submission().pool().unaskedFailures().note(this, failure);
            if (note != null && (!CALLBACKS.compareAndSet(this, null, new UnaskedCallbacks<>(this, note))
                    || submission().isAsked())) {
                note.forget();
            }
        } catch (Throwable e) { // no memory, or no thread to watch futures: the future must become done even so
            Uncaught.log("a failure of " + name() + " is not told if nobody asks for it", e);
        }
    }

    /** The callbacks of a future that failed before any was added. Holds the note, so that success costs no field. */
    private static final class UnaskedCallbacks<F extends Future<?>> extends DoneCallbacks<F> {
        private final UnaskedFailures.Unasked failure;

        UnaskedCallbacks(F future, UnaskedFailures.Unasked failure) {
            super(future);
            this.failure = failure;
        }
    }

    /**
     * Replaces the submission, which has succeeded, so that a million retained futures are as small as the JDK's.
     *
     * @param likeIt a stand-in with the same pool and class
     */
    @SuppressWarnings("unchecked") // it has no value
    final void outlives(Submission<?> likeIt) {
        SUBMISSION.setRelease(this, (Submission<T>) likeIt);
    }

    /**
     * Completes this future. Only the submission calls this; all other ways to complete it go through the submission.
     */
    void finish(@Nullable T value, @Nullable Throwable failure) {
        if (failure == null) {
            @SuppressWarnings("NullAway") // a null value is a T whenever the task could return it
            T result = value;
            super.complete(result);
        } else {
            if (submission().mayFailUnasked() && !(failure instanceof CancellationException)) {
                noteUnasked(failure);
            }
            super.completeExceptionally(failure);
        }
        DoneCallbacks<TaskFuture<T>> all = callbacks;
        if (all != null) {
            all.callIfDone();
        }
    }

    @Override
    public String toString() {
        String state = isDone() ? super.state().toString() : submission().stateName();
        return "TaskFuture[" + name() + ", " + state + " on " + submission().pool().name() + "]";
    }
}
