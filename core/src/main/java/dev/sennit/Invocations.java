package dev.sennit;

import dev.sennit.internal.Deadline;
import dev.sennit.internal.Throwables;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** {@code invokeAll} and {@code invokeAny} of a pool, as specified by {@link java.util.concurrent.ExecutorService}. */
final class Invocations {
    private Invocations() {}

    static <T extends @Nullable Object> List<Future<T>> all(AbstractPool pool, Collection<? extends Callable<T>> tasks)
            throws InterruptedException {
        List<TaskFuture<T>> futures = submit(pool, tasks, Deadline.NEVER);
        try {
            for (TaskFuture<T> future : futures) {
                awaitQuietly(future);
            }
            return new ArrayList<>(futures);
        } catch (InterruptedException e) {
            cancel(futures);
            throw e;
        }
    }

    private static void awaitQuietly(TaskFuture<?> future) throws InterruptedException {
        try {
            future.get();
        } catch (ExecutionException | CancellationException e) {
            // how the future ended does not matter here
        }
    }

    static <T extends @Nullable Object> List<Future<T>> all(
            AbstractPool pool, Collection<? extends Callable<T>> tasks, Deadline deadline) throws InterruptedException {
        List<TaskFuture<T>> futures = submit(pool, tasks, deadline);
        try {
            Waited<TaskFuture<T>> waited = Futures.waitWithin(futures, Until.ALL, deadline);
            cancel(waited.notDone());
            return new ArrayList<>(futures);
        } catch (InterruptedException e) {
            cancel(futures);
            throw e;
        }
    }

    static <T extends @Nullable Object> T any(AbstractPool pool, Collection<? extends Callable<T>> tasks)
            throws InterruptedException, ExecutionException {
        try {
            return any(pool, tasks, Deadline.NEVER);
        } catch (TimeoutException e) {
            throw new AssertionError("a wait without a limit ended", e);
        }
    }

    /** Returns the result of the first task that succeeds, and cancels the others. */
    static <T extends @Nullable Object> T any(
            AbstractPool pool, Collection<? extends Callable<T>> tasks, Deadline deadline)
            throws InterruptedException, ExecutionException, TimeoutException {
        if (tasks.isEmpty()) {
            throw new IllegalArgumentException("tasks must not be empty");
        }
        ensureNoneIsNull(tasks);
        List<TaskFuture<T>> futures = new ArrayList<>(tasks.size());
        try {
            for (Callable<T> task : tasks) {
                TaskFuture<T> future = pool.submitBefore(deadline, task);
                future.asked(); // if all tasks fail, the caller gets a failure; else failures do not matter
                futures.add(future);
                if (future.state() == Future.State.SUCCESS) { // it ran in this thread, for example
                    return future.resultNow();
                }
            }
            var queue = new CompletionQueue<>(futures, deadline);
            ExecutionException lastFailure = null;
            while (queue.hasNext()) {
                try {
                    return queue.next().get();
                } catch (ExecutionException e) {
                    lastFailure = e;
                } catch (CancellationException e) {
                    if (deadline.isOver()) {
                        throw new TimeoutException("no task of " + futures.size() + " succeeded in time");
                    }
                    lastFailure = Throwables.execution(e);
                }
            }
            throw Objects.requireNonNull(lastFailure);
        } finally {
            cancel(futures);
        }
    }

    private static <T extends @Nullable Object> List<TaskFuture<T>> submit(
            AbstractPool pool, Collection<? extends Callable<T>> tasks, Deadline deadline) {
        ensureNoneIsNull(tasks);
        List<TaskFuture<T>> futures = new ArrayList<>(tasks.size());
        try {
            for (Callable<T> task : tasks) {
                futures.add(pool.submitBefore(deadline, task));
            }
        } catch (RuntimeException | Error e) {
            cancel(futures);
            throw e;
        }
        return futures;
    }

    private static void ensureNoneIsNull(Collection<? extends Callable<?>> tasks) {
        for (Callable<?> task : tasks) {
            Objects.requireNonNull(task, "task");
        }
    }

    private static void cancel(Collection<? extends Future<?>> futures) {
        for (Future<?> future : futures) {
            future.cancel(true);
        }
    }
}
