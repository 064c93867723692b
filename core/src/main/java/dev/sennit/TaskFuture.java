package dev.sennit;

import dev.sennit.internal.Turns;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
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
 * {@link #completeAsync}, {@link #orTimeout}, {@link #completeOnTimeout} - ends the future at once and then the run: a
 * task that still waits is not started; one that runs is interrupted, and on kinds that isolate its worker is killed if
 * the interrupt does not help within the pool's grace period. {@code cancel(false)} lets a run that has begun come to
 * its end unheard.
 *
 * <p><b>Callbacks</b> without an executor run in the thread that ends the future, usually one of the pool's, which takes
 * no other task meanwhile. A task or callback that waits for a task of its own pool, with {@link #get()} or {@link
 * #join}, cannot starve it: if nobody has begun that task, the waiting thread runs it. What cancels the one that waits then
 * interrupts the other too if it submitted it; a task of somebody else comes to its end first.
 *
 * <p><b>Memory effects</b>: as for every {@link java.util.concurrent.Future}; what happened before {@code submit} is
 * seen by a task in this JVM, and what the task did by whoever got its result. A task in another process saw a copy.
 *
 * @param <T> the type of the result
 */
public final class TaskFuture<T extends @Nullable Object> extends CompletableFuture<T> {
    private static final VarHandle CALLBACKS = callbacksHandle();

    private final Submission<T> submission;
    private volatile @Nullable DoneCallbacks<TaskFuture<T>> callbacks;

    TaskFuture(Submission<T> submission) {
        this.submission = submission;
    }

    /**
     * The name given in {@link TaskOptions}, or one made from the task's class.
     *
     * @return the name
     */
    public String name() {
        return submission.name();
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
        if (submission.settle(value, failure, interrupt)) {
            return true;
        }
        if (!isDone()) {
            try {
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
        executor.execute(() -> {
            if (isDone()) {
                return;
            }
            try {
                complete(supplier.get());
            } catch (Throwable e) {
                completeExceptionally(e);
            }
        });
        return this;
    }

    @Override
    public T get() throws InterruptedException, ExecutionException {
        if (isDone()) {
            return super.get();
        }
        aboutToWait(true);
        Turns.Turn mine = Turns.giveUp();
        try {
            return super.get();
        } finally {
            Turns.regain(mine);
        }
    }

    @Override
    public T get(long timeout, TimeUnit unit) throws InterruptedException, ExecutionException, TimeoutException {
        if (isDone()) {
            return super.get(timeout, unit);
        }
        Turns.Turn mine = Turns.giveUp();
        try {
            return super.get(timeout, unit);
        } finally {
            Turns.regain(mine);
        }
    }

    @Override
    public T join() {
        if (isDone()) {
            return super.join();
        }
        aboutToWait(false);
        Turns.Turn mine = Turns.giveUp();
        try {
            return super.join();
        } finally {
            Turns.regain(mine);
        }
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
        DoneCallbacks<TaskFuture<T>> all = callbacks;
        if (all == null) {
            CALLBACKS.compareAndSet(this, null, new DoneCallbacks<>(this));
            all = Objects.requireNonNull(callbacks);
        }
        all.add(callback);
        return this;
    }

    private static VarHandle callbacksHandle() {
        try {
            return MethodHandles.lookup().findVarHandle(TaskFuture.class, "callbacks", DoneCallbacks.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    Submission<T> submission() {
        return submission;
    }

    /** Gives the pool a chance to keep going when one of its own threads is about to wait for this future. */
    void aboutToWait(boolean interruptibly) {
        if (!isDone()) {
            submission.aboutToWait(interruptibly);
        }
    }

    /** Whether the calling thread is one of the pool's own. */
    boolean isOfThisWorker() {
        return submission.pool().isWorker();
    }

    /** The same, for a thread that waits for others as well; calls back when there is something to help with again. */
    void help(Runnable onMore) {
        if (!isDone()) {
            submission.help(onMore);
        }
    }

    /** Ends this future without going through the submission: only for the submission itself. */
    void finish(@Nullable T value, @Nullable Throwable failure) {
        if (failure == null) {
            @SuppressWarnings("NullAway") // a null value is a T whenever the task could return it
            T result = value;
            super.complete(result);
        } else {
            super.completeExceptionally(failure);
        }
        DoneCallbacks<TaskFuture<T>> all = callbacks;
        if (all != null) {
            all.callIfDone();
        }
    }

    @Override
    public String toString() {
        String state = isDone() ? state().toString() : submission.stateName();
        return "TaskFuture[" + name() + ", " + state + " on " + submission.pool().name() + "]";
    }
}
