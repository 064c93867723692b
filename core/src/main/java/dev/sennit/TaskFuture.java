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
 * The result of a task handed to a {@link Pool}: a {@link CompletableFuture} whose cancellation reaches the running task.
 *
 * <p>It ends with the task's value, with the exception the task threw, or with a named cause: {@link
 * CancellationException}, {@link TimeoutException}, or what the kind of pool adds, such as the
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
 * {@link #completeAsync}, {@link #orTimeout}, {@link #completeOnTimeout}, {@link #obtrudeValue} - ends the future at once and then the run: a
 * task that still waits is not started; one that runs is interrupted, and on kinds that isolate its worker is killed if
 * the interrupt does not help within the pool's grace period. {@code cancel(false)} lets a run that has begun come to
 * its end unheard.
 *
 * <p><b>Callbacks</b> without an executor run in the thread that ends the future, usually one of the pool's, which takes
 * no other task meanwhile. A task or callback that waits for a task of its own pool, with {@link #get()} or {@link
 * #join}, cannot starve it: if nobody has begun that task, the waiting thread runs it. What cancels the one that waits then
 * interrupts the other too if it submitted it; a task of somebody else comes to its end first.
 *
 * <p><b>A task that waits for itself</b> - {@link #get()}, {@link #join} or {@link #awaitEnd()} of its own future, in its body or in
 * a task that its thread runs meanwhile - gets an {@link IllegalStateException} in this JVM; also where another thread would
 * complete the future, but not where the task has a time limit, which ends the wait.
 *
 * <p><b>A failure that nobody asks for</b> is logged once, as a warning with its stack: when this future has become unreachable,
 * or when the pool has been closed. To ask is to get the result, the failure or the {@link #state()} that says so, to add a
 * callback or a dependent stage, also through {@link #orTimeout}, or to give this to a method of {@link Futures}. {@link #isDone}
 * does not ask, nor does {@link CompletableFuture#allOf} or {@code anyOf} of a future that has failed already. Cancellations are not
 * told, nor what a {@link TaskScope} or a retry tells of its parts. {@link PoolBuilder#unasked} turns it off.
 *
 * <p><b>Memory effects</b>: as for every {@link java.util.concurrent.Future}; what happened before {@code submit} is
 * seen by a task in this JVM, and what the task did by whoever got its result. A task in another process saw a copy.
 *
 * @param <T> the type of the result
 */
public final class TaskFuture<T extends @Nullable Object> extends CompletableFuture<T> {
    private static final VarHandle CALLBACKS = handle("callbacks", DoneCallbacks.class);
    private static final VarHandle WAITERS = handle("waiters", Waiters.class);
    private static final VarHandle SUBMISSION = handle("submission", Submission.class);

    /** The task; once that has succeeded, perhaps what stands for all such tasks. */
    @SuppressWarnings("UnusedVariable") // read by its handle
    private Submission<T> submission;
    private volatile @Nullable DoneCallbacks<TaskFuture<T>> callbacks;
    private volatile @Nullable Waiters waiters;

    TaskFuture(Submission<T> submission) {
        this.submission = submission;
        VarHandle.releaseFence(); // as for a final field
    }

    /**
     * The name given in {@link TaskOptions}, or one made from the task's class.
     *
     * @return the name
     */
    public String name() {
        return submission().name();
    }

    /**
     * Ends this future with a {@link CancellationException} unless it is done.
     *
     * @param mayInterruptIfRunning whether a run that has begun is ended too: by an interrupt, and on kinds that isolate
     *     by killing the worker if that does not help
     * @return whether this future is now cancelled; true says nothing about whether the task had begun
     */
    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
        return settle(null, new CancellationException(), mayInterruptIfRunning) || isCancelled();
    }

    @Override
    public boolean complete(T value) {
        return settle(value, null, true);
    }

    @Override
    public boolean completeExceptionally(Throwable failure) {
        return settle(null, Objects.requireNonNull(failure), true);
    }

    /** When it returns false, this future is done: somebody else ended it, and may just be about to say so. */
    private boolean settle(@Nullable T value, @Nullable Throwable failure, boolean interrupt) {
        if (submission().settle(value, failure, interrupt)) {
            return true;
        }
        if (!isDone()) {
            try (var _ = Waits.outOfTurn()) {
                super.join();
            } catch (CompletionException | CancellationException e) {
                // how it ended is for others to ask
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

    /** Ends this future and its run if it is not done, and gives it that value in any case. */
    @Override
    public void obtrudeValue(T value) {
        settle(value, null, true);
        super.obtrudeValue(value);
    }

    /** Ends this future and its run if it is not done, and lets it fail in any case. */
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
        asked(); // to depend on it, for a future that is combined with this one
        return super.toCompletableFuture();
    }

    @Override
    public CompletionStage<T> minimalCompletionStage() {
        asked();
        return super.minimalCompletionStage();
    }

    /** Called for each stage that depends on this one, which then has the failure. */
    @Override
    public <U> CompletableFuture<U> newIncompleteFuture() {
        asked();
        return new SuspendingFuture<>();
    }

    /**
     * Waits until the task no longer runs. A future that was ended from outside - by {@link #cancel}, a time limit or {@link
     * #complete} - is done at once, while the run may still clean up; this returns when the run, all its attempts, and all chunks
     * of a {@code mapAsync} have ended. It says nothing of how: ask the future.
     *
     * {@snippet :
     * try (Pool pool = Pools.open("threads:1")) {
     *     TaskFuture<Void> sleeper = pool.submit(() -> Thread.sleep(60_000));
     *     sleeper.cancel(true);
     *     sleeper.awaitEnd(); // whatever its finally blocks do has been done
     * }
     * }
     *
     * <p>What the run did happens before this returns.
     *
     * @throws IllegalStateException if the task itself calls this, or a callback of a future of a task that is tried again: either
     *     would wait for itself
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
     * Waits until the task no longer runs, as {@link #awaitEnd()}, but not for longer than a time.
     *
     * @param timeout how long; zero or less only looks
     * @param unit the unit of the time
     * @return false if the time was over first; the task goes on
     * @throws InterruptedException if the calling thread is interrupted
     */
    public boolean awaitEnd(long timeout, TimeUnit unit) throws InterruptedException {
        Deadline deadline = Deadline.in(unit.toNanos(timeout));
        return awaitDone(deadline) && submission().awaitRunOver(deadline);
    }

    /** Waits without asking how it ended; false if the time was over first. */
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
            // how it ended is for others to ask
        } catch (TimeoutException e) {
            return false;
        }
        return true;
    }

    /**
     * Calls back once this future is done, however it ended; at once, in the calling thread, if it is done already.
     *
     * {@snippet :
     * try (Pool pool = Pools.open("threads:2")) {
     *     pool.submit(() -> 6 * 7)
     *             .onDone(future -> System.out.println(future.state()))
     *             .onDone(future -> System.out.println("and then this"));
     * }
     * }
     *
     * <p>Callbacks are called one at a time and in the order they were added - those of {@link CompletableFuture}, such as
     * {@link #thenAccept}, before them and in no order. One that throws is logged, and the others are called all the
     * same.
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

    /** Threads that wait for this future beside others. */
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

    /** Gives the pool a chance to keep going when one of its own threads is about to wait for this future. */
    void aboutToWait(boolean interruptibly) {
        if (!isDone()) {
            submission().ensureNotOwn();
            submission().aboutToWait(interruptibly);
        }
    }

    /** Whether the calling thread is one of the pool's own. */
    boolean isOfThisWorker() {
        return submission().pool().isWorker();
    }

    /** The same, for a thread that waits for others as well; calls back when there is something to help with again. */
    void help(Runnable onMore) {
        if (!isDone()) {
            submission().help(onMore);
        }
    }

    /** The thread waits no more: does not call it back. */
    void helpNoMore(Runnable onMore) {
        submission().helpNoMore(onMore);
    }

    // ---- a failure that nobody asks for ----

    /** Somebody asks for the result, or will be told of it. Before the failure or after, whether or not there is one. */
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
     * Has a failure told unless somebody asks for it. Called before this is done: whoever sees the failure finds the note. Whoever
     * asks says so before looking for a note, and here the note is made before looking whether somebody asked.
     */
    private void noteUnasked(Throwable failure) {
        if (getNumberOfDependents() > 0) {
            return; // a stage, or a thread that waits
        }
        try {
            UnaskedFailures.Unasked note = submission().pool().unaskedFailures().note(this, failure);
            if (note != null && (!CALLBACKS.compareAndSet(this, null, new UnaskedCallbacks<>(this, note)) || submission().isAsked())) {
                note.forget();
            }
        } catch (Throwable e) { // no memory, or no thread to watch futures: the future has to get done
            Uncaught.log("a failure of " + name() + " is not told if nobody asks for it", e);
        }
    }

    /** The callbacks of a future that failed before there were any: success costs no field. */
    private static final class UnaskedCallbacks<F extends Future<?>> extends DoneCallbacks<F> {
        private final UnaskedFailures.Unasked failure;

        UnaskedCallbacks(F future, UnaskedFailures.Unasked failure) {
            super(future);
            this.failure = failure;
        }
    }

    /**
     * Lets go of the submission, which has run with success: a million futures that are kept are then as small as the JDK's.
     *
     * @param likeIt what answers as it would, from now on
     */
    @SuppressWarnings("unchecked") // it has no value
    final void outlives(Submission<?> likeIt) {
        SUBMISSION.setRelease(this, (Submission<T>) likeIt);
    }

    /** Ends this future without going through the submission: only for the submission itself. */
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
