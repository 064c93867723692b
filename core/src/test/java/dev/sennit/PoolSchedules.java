package dev.sennit;

import static dev.sennit.testing.Together.begin;
import static dev.sennit.testing.Together.cancelledFirst;
import static dev.sennit.testing.Together.check;
import static dev.sennit.testing.Together.together;

import dev.sennit.testing.ScheduleExplorer;
import dev.sennit.testing.Together;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Concurrent uses of pools, and of classes that are built on pools, for {@code LibrarySchedulesTest}, which runs each
 * body under many schedules. A pool has to admit, count, stop and end correctly in any order of its steps, and no wait
 * may hang. The pools are {@link VirtualPool}s, as the explorer schedules virtual threads; the code under test is
 * common to all kinds.
 */
public final class PoolSchedules {
    private static final TaskOptions TWICE = TaskOptions.NONE.retry(Retry.attempts(2).waiting(Backoff.none()));
    private static final TaskOptions TWICE_AN_HOUR =
            TaskOptions.NONE.retry(Retry.attempts(2).waiting(Backoff.fixed(Duration.ofHours(1))));

    private PoolSchedules() {}

    /**
     * Returns the bodies that have to pass.
     *
     * @return their classes
     */
    public static List<Class<? extends ScheduleExplorer.Body>> all() {
        return List.of(
                ScopeDecidedWhileForking.class,
                ScopeDecidedWhileFull.class,
                CancelledBetweenAttempts.class,
                CancelledWhileAwaited.class,
                ShutDownWhileSubmitting.class,
                StoppedWhileSubmitting.class,
                StoppedWhileDispatching.class,
                CancelledWhenDue.class,
                StoppedWhileDelaying.class,
                CancelledBeforeTheNextAttempt.class,
                CancelledWhileSubmitting.class,
                MapCancelled.class,
                StoppedWhileMapping.class,
                AnyOfThree.class,
                PipelineOnOnePool.class,
                PipelineInterrupted.class,
                QueueShutDown.class,
                TakerCancelledFirst.class,
                PutterCancelledFirst.class,
                AcquirerCancelledFirst.class,
                EventWaiterCancelledFirst.class,
                FuturesAwaited.class,
                ClosedWhileCancelling.class,
                GateClosedByTwo.class);
    }

    /**
     * Returns the body that has to fail.
     *
     * @return its class
     */
    public static Class<? extends ScheduleExplorer.Body> canary() {
        return TaskWithoutThread.class;
    }

    /** A pool, threads that use it, and the conditions that have to hold when all have ended. */
    abstract static class OnePool implements ScheduleExplorer.Body {
        private final int limit;
        final int backlog;

        OnePool(int limit, int backlog) {
            this.limit = limit;
            this.backlog = backlog;
        }

        AbstractPool open() {
            return VirtualPool.builder().limit(limit).backlog(backlog).open();
        }

        abstract void use(AbstractPool pool) throws Exception;

        /** Checks the conditions that hold once the pool is closed. */
        void afterwards(PoolStatistics seen) {}

        @Override
        public void run() throws Exception {
            AbstractPool pool = open();
            try (pool) {
                use(pool);
            }
            PoolStatistics seen = pool.statistics();
            check(pool.isTerminated(), pool);
            check(seen.queued() == 0 && seen.running() == 0, seen);
            check(seen.succeeded() + seen.failed() + seen.cancelled() == seen.submitted(), seen);
            afterwards(seen);
            int places = pool.freePlaces() - AbstractPool.FLOOD;
            check(places == limit + backlog, places + " places");
        }
    }

    /** A body with a pool of a kind that checks how the library calls it. */
    abstract static class OneWitness extends OnePool {
        private final AtomicReference<@Nullable String> late = new AtomicReference<>();

        OneWitness(int backlog) {
            super(1, backlog);
        }

        @Override
        AbstractPool open() {
            late.set(null);
            return new WitnessPool(backlog, late);
        }

        @Override
        void afterwards(PoolStatistics seen) {
            check(late.get() == null, late);
        }
    }

    /** A task decides a scope while another is forked. */
    static final class ScopeDecidedWhileForking extends OnePool {
        ScopeDecidedWhileForking() {
            super(2, 1);
        }

        @Override
        void use(AbstractPool pool) throws Exception {
            try (TaskScope<Integer, Integer> scope = TaskScope.firstSuccess(pool)) {
                scope.fork(() -> 1);
                TaskFuture<Integer> second = scope.fork(() -> 1, TWICE);
                check(scope.join() == 1, second);
                check(second.isDone(), second);
            }
        }
    }

    /** A task decides a scope while another waits for room. */
    static final class ScopeDecidedWhileFull extends OnePool {
        ScopeDecidedWhileFull() {
            super(1, 0);
        }

        @Override
        void use(AbstractPool pool) throws Exception {
            try (TaskScope<Integer, Integer> scope = TaskScope.firstSuccess(pool)) {
                scope.fork(() -> 1, TWICE);
                scope.fork(() -> 1);
                check(scope.join() == 1, scope);
            }
        }
    }

    /** A retried task is cancelled while another waits for room. */
    static final class CancelledBetweenAttempts extends OnePool {
        CancelledBetweenAttempts() {
            super(1, 0);
        }

        @Override
        void use(AbstractPool pool) throws Exception {
            var attempts = new AtomicInteger();
            TaskFuture<Integer> failing = pool.submit(
                    () -> {
                        attempts.incrementAndGet();
                        throw new IllegalStateException();
                    },
                    TWICE);
            together(() -> failing.cancel(true), () -> check(pool.submit(() -> 1).get() == 1, pool));
            // asks for the failure, or it would be logged by a thread outside of the schedule
            check(failing.state() != Future.State.RUNNING, failing);
            check(attempts.get() <= 2, attempts);
            check(failing.isCancelled() || attempts.get() == 2, failing + " after " + attempts + " attempts");
        }
    }

    /** A task that others wait for is cancelled. */
    static final class CancelledWhileAwaited extends OnePool {
        private final AtomicInteger told = new AtomicInteger();

        CancelledWhileAwaited() {
            super(1, 1);
        }

        @Override
        void use(AbstractPool pool) throws Exception {
            TaskFuture<Integer> outer =
                    pool.submit(() -> pool.submit(() -> 1).get() + pool.submit(() -> 1, TWICE).get());
            told.set(0);
            outer.onDone(done -> told.incrementAndGet());
            together(() -> outer.cancel(true), () -> end(outer));
        }

        @Override
        void afterwards(PoolStatistics seen) {
            check(told.get() == 1, told);
        }
    }

    /** A pool is shut down while tasks come, one of which waits for room. */
    static final class ShutDownWhileSubmitting extends OnePool {
        private final AtomicLong last = new AtomicLong();

        ShutDownWhileSubmitting() {
            super(1, 0);
        }

        @Override
        void use(AbstractPool pool) throws Exception {
            together(
                    () -> endIfTaken(() -> pool.submit(() -> 1)),
                    () -> endIfTaken(() -> pool.submit(() -> 1, TWICE)),
                    () -> {
                        pool.shutdown();
                        pool.awaitTermination(1, TimeUnit.DAYS);
                        check(pool.isTerminated(), pool);
                        last.set(pool.statistics().ended());
                    });
        }

        @Override
        void afterwards(PoolStatistics seen) {
            check(seen.submitted() == last.get(), last + " when it had terminated, then " + seen);
        }
    }

    /** A pool is stopped while tasks come. */
    static final class StoppedWhileSubmitting extends OnePool {
        StoppedWhileSubmitting() {
            super(1, 1);
        }

        @Override
        void use(AbstractPool pool) throws Exception {
            var began = ConcurrentHashMap.<String>newKeySet();
            Task<Boolean> once = () -> began.add("once");
            Task<Boolean> twice = () -> began.add("twice");
            var neverBegan = new ArrayList<Runnable>();
            together(
                    () -> endIfTaken(() -> pool.submit(once)),
                    () -> endIfTaken(() -> pool.submit(twice, TWICE)),
                    () -> {
                        neverBegan.addAll(pool.shutdownNow());
                        pool.awaitTermination(1, TimeUnit.DAYS);
                        check(pool.isTerminated(), pool);
                    });
            var beganBefore = Set.copyOf(began);
            began.clear();
            neverBegan.forEach(Runnable::run);
            check(Collections.disjoint(beganBefore, began), beganBefore + " began, and it was denied of " + began);
        }
    }

    /** A retried task, and a task of a scope, are submitted while the pool is stopped. */
    static final class StoppedWhileDispatching extends OneWitness {
        StoppedWhileDispatching() {
            super(1);
        }

        @Override
        void use(AbstractPool pool) throws Exception {
            together(
                    () -> endIfTaken(() -> pool.submit(PoolSchedules::failing, TWICE)),
                    () -> {
                        try (var scope = TaskScope.awaitAll(pool)) {
                            scope.fork(() -> 1);
                        } catch (RejectedExecutionException e) {
                            // it was stopped before
                        }
                    },
                    pool::shutdownNow);
        }
    }

    /** The last task of a pool that was shut down is cancelled when its delay ends. */
    static final class CancelledWhenDue extends OneWitness {
        CancelledWhenDue() {
            super(1);
        }

        @Override
        void use(AbstractPool pool) throws Exception {
            TaskFuture<Integer> delayed = pool.submitAfter(Duration.ofHours(1), () -> 1);
            together(() -> delayed.cancel(true), pool::shutdown, () -> end(delayed));
        }
    }

    /** A delayed task is submitted while the pool is stopped. */
    static final class StoppedWhileDelaying extends OneWitness {
        StoppedWhileDelaying() {
            super(0);
        }

        @Override
        void use(AbstractPool pool) throws Exception {
            together(() -> endIfTaken(() -> pool.submitAfter(Duration.ofHours(1), () -> 1)), pool::shutdownNow);
        }
    }

    /** The last task of a pool that was shut down is cancelled between two attempts. */
    static final class CancelledBeforeTheNextAttempt extends OneWitness {
        CancelledBeforeTheNextAttempt() {
            super(1);
        }

        @Override
        void use(AbstractPool pool) throws Exception {
            TaskFuture<Integer> failing = pool.submit(PoolSchedules::failing, TWICE_AN_HOUR);
            together(() -> failing.cancel(true), pool::shutdown, () -> end(failing));
        }
    }

    /** A task is cancelled while others are submitted. */
    static final class CancelledWhileSubmitting extends OnePool {
        CancelledWhileSubmitting() {
            super(1, 2);
        }

        @Override
        void use(AbstractPool pool) throws Exception {
            together(
                    () -> pool.submit(() -> 1).cancel(true),
                    () -> check(pool.submit(() -> 1).get() == 1, pool),
                    () -> check(pool.submit(() -> 1).get() == 1, pool));
        }
    }

    /** A map is cancelled as its chunks are made. */
    static final class MapCancelled extends OnePool {
        MapCancelled() {
            super(1, 1);
        }

        @Override
        void use(AbstractPool pool) throws Exception {
            TaskFuture<List<Integer>> map = pool.mapAsync(n -> n + 1, List.of(1, 2, 3));
            together(() -> map.cancel(true), () -> end(map));
            check(map.isCancelled() || map.resultNow().equals(List.of(2, 3, 4)), map);
        }
    }

    /** A pool is stopped as a map's chunks are made. */
    static final class StoppedWhileMapping extends OnePool {
        StoppedWhileMapping() {
            super(1, 0);
        }

        @Override
        void use(AbstractPool pool) throws Exception {
            together(() -> endIfTaken(() -> pool.mapAsync(n -> n + 1, List.of(1, 2))), pool::shutdownNow);
        }
    }

    /** One of several tasks has to succeed. */
    static final class AnyOfThree extends OnePool {
        AnyOfThree() {
            super(2, 0);
        }

        @Override
        void use(AbstractPool pool) throws Exception {
            List<Callable<Integer>> tasks = List.of(
                    () -> {
                        throw new IllegalStateException();
                    },
                    () -> 1,
                    () -> 1);
            check(pool.invokeAny(tasks) == 1, pool);
        }
    }

    /** Stages of a pipeline share a pool that has room for one item only. */
    static final class PipelineOnOnePool extends OnePool {
        PipelineOnOnePool() {
            super(1, 0);
        }

        @Override
        void use(AbstractPool pool) throws Exception {
            var sums = new ArrayList<Integer>();
            Pipeline.from(List.of(1, 2))
                    .through("one", pool, n -> n + 1)
                    .through("two", pool, n -> n * 10)
                    .inOrder()
                    .run(sums::add);
            check(sums.equals(List.of(20, 30)), sums);
        }
    }

    /** A pipeline fails, is interrupted, or both. */
    static final class PipelineInterrupted extends OnePool {
        PipelineInterrupted() {
            super(2, 0);
        }

        @Override
        void use(AbstractPool pool) throws Exception {
            Thread running = begin(() -> {
                try {
                    Pipeline.from(List.of(1, 2)).through("one", pool, n -> n / (n - 2)).run(n -> {});
                    check(false, "no failure");
                } catch (CompletionException e) {
                    boolean isInterrupt = e.getCause() instanceof InterruptedException;
                    check(!isInterrupt || Thread.currentThread().isInterrupted(), "no interrupt status");
                    check(isInterrupt || e.getCause() instanceof ArithmeticException, e.getCause());
                }
                check(pool.statistics().running() == 0, pool);
            });
            together(running::interrupt);
            running.join();
        }
    }

    /** A queue is closed while its elements are put and taken. */
    static final class QueueShutDown implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var queue = JoinableQueue.<Integer>fifo(1);
            var put = new AtomicInteger();
            var taken = new AtomicInteger();
            together(
                    () -> untilClosed(() -> {
                        queue.put(1);
                        put.incrementAndGet();
                        queue.put(2);
                        put.incrementAndGet();
                    }),
                    () -> untilClosed(() -> {
                        while (true) {
                            queue.take();
                            taken.incrementAndGet();
                            queue.taskDone();
                        }
                    }),
                    () -> {
                        queue.shutdown();
                        queue.join();
                    });
            check(put.get() == taken.get(), put + " put, " + taken + " taken");
        }

        private static void untilClosed(Together.Part part) throws Exception {
            try {
                part.run();
            } catch (QueueClosedException e) {
                // the queue is closed
            }
        }
    }

    /** If an element is put in after one taker was interrupted, the other taker gets it. */
    static final class TakerCancelledFirst implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var queue = JoinableQueue.<Integer>fifo(1);
            cancelledFirst(queue::take, () -> queue.put(1));
            check(queue.isEmpty(), queue);
        }
    }

    /** If room becomes free after one waiting producer was interrupted, the other producer gets it. */
    static final class PutterCancelledFirst implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var queue = JoinableQueue.<Integer>fifo(1);
            queue.put(1);
            cancelledFirst(() -> queue.put(2), queue::take);
            check(queue.size() == 1, queue);
        }
    }

    /** If a permit is released after one waiting thread was interrupted, the other thread gets it. */
    static final class AcquirerCancelledFirst implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var semaphore = new BoundedSemaphore(1);
            semaphore.acquire();
            cancelledFirst(semaphore::acquire, semaphore::release);
            check(semaphore.availablePermits() == 0, semaphore);
        }
    }

    /** If an event is set after a waiting thread was interrupted, the wait of this thread still throws. */
    static final class EventWaiterCancelledFirst implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var event = new Event();
            cancelledFirst(event::await, event::set);
        }
    }

    /** A thread that waits for futures gets all of them, by every method that waits. */
    static final class FuturesAwaited extends OnePool {
        FuturesAwaited() {
            super(2, 0);
        }

        @Override
        void use(AbstractPool pool) throws Exception {
            TaskFuture<Integer> first = pool.submit(() -> 1);
            TaskFuture<Integer> second = pool.submit(() -> 2);
            together(
                    () -> check(!Futures.wait(List.of(first, second), Until.FIRST_COMPLETED).done().isEmpty(), first),
                    () -> check(Futures.gather(List.of(first, second)).equals(List.of(1, 2)), second),
                    () -> {
                        int seen = 0;
                        for (TaskFuture<Integer> done : Futures.inCompletionOrder(List.of(first, second))) {
                            seen += done.resultNow();
                        }
                        check(seen == 3, seen);
                    });
        }
    }

    /** A task is cancelled while another thread closes its pool: when that returns, the task's future is done. */
    static final class ClosedWhileCancelling implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            AbstractPool pool = VirtualPool.builder().limit(1).open();
            TaskFuture<Integer> task = pool.submit(() -> new CompletableFuture<Integer>().get());
            together(() -> task.cancel(true), () -> {
                pool.close();
                check(task.isDone(), task);
            });
        }
    }

    /**
     * Two threads close a gate while tasks enter and leave: exactly one thread is told that it is the last, and no task
     * enters afterwards.
     */
    static final class GateClosedByTwo implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var gate = new Gate();
            var last = new AtomicInteger();
            Together.Part comesAndGoes = () -> {
                if (gate.enter()) {
                    gate.enterAgain();
                    countLast(gate.leave(), last);
                    countLast(gate.leave(), last);
                }
            };
            Together.Part closes = () -> {
                countLast(gate.close(() -> check(!gate.enter(), "entered a closed gate")), last);
                check(gate.isClosed() && !gate.enter(), "entered a closed gate");
            };
            together(comesAndGoes, closes, closes);
            check(last.get() == 1, last + " were told to be last");
        }

        private static void countLast(boolean isLast, AtomicInteger last) {
            if (isLast) {
                last.incrementAndGet();
            }
        }
    }

    /**
     * Broken: no thread runs a task that is submitted between the last check of the queue and the end of the thread.
     * The explorer has to find this.
     */
    static final class TaskWithoutThread implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            try (var pool = new LeavingPool()) {
                together(() -> pool.submit(() -> 1), () -> pool.submit(() -> 1));
            }
        }
    }

    /** The common part of the kinds of pools below: virtual threads that end by themselves. */
    private abstract static class OwnPool extends AbstractPool {
        final ConcurrentLinkedQueue<Submission<?>> queue = new ConcurrentLinkedQueue<>();

        OwnPool(int backlog) {
            super(VirtualPool.builder().backlog(backlog), 1);
        }

        @Override
        protected Collection<Submission<?>> held() {
            return List.copyOf(queue);
        }

        @Override
        protected boolean onWorker() {
            return false;
        }

        @Override
        protected void releaseWorkers() {
            workersReleased();
        }

        @Override
        protected int aliveWorkers() {
            return 0;
        }
    }

    /**
     * A kind with a thread for each task, and without waits for delays. Notes calls that come after its termination.
     */
    private static final class WitnessPool extends OwnPool {
        private final AtomicReference<@Nullable String> late;

        WitnessPool(int backlog, AtomicReference<@Nullable String> late) {
            super(backlog);
            this.late = late;
        }

        private void see(String what) {
            if (isTerminated()) {
                late.set(what + " by " + this);
            }
        }

        @Override
        protected Future<?> callAfter(Duration delay, Runnable action) {
            see("asked for a time");
            Thread.startVirtualThread(action);
            return new CompletableFuture<>();
        }

        @Override
        protected void dispatch(Submission<?> submission) {
            see(submission + " dispatched");
            queue.add(submission);
            Thread.startVirtualThread(() -> {
                submission.run();
                queue.remove(submission);
            });
        }
    }

    /** A kind with one thread, which lives as long as there are tasks. */
    private static final class LeavingPool extends OwnPool {
        private final AtomicBoolean hasThread = new AtomicBoolean();

        LeavingPool() {
            super(PoolBuilder.UNBOUNDED);
        }

        @Override
        protected void dispatch(Submission<?> submission) {
            queue.add(submission);
            if (hasThread.compareAndSet(false, true)) {
                Thread.startVirtualThread(this::work);
            }
        }

        private void work() {
            for (Submission<?> next = queue.poll(); next != null; next = queue.poll()) {
                next.run();
            }
            hasThread.set(false);
        }
    }

    private static int failing() {
        throw new IllegalStateException("has to fail");
    }

    private static void end(TaskFuture<?> future) throws InterruptedException {
        try {
            future.get();
        } catch (ExecutionException | CancellationException e) {
            // it has ended, which is what is asked
        }
    }

    private static void endIfTaken(Callable<TaskFuture<?>> submission) throws Exception {
        TaskFuture<?> future;
        try {
            future = submission.call();
        } catch (RejectedExecutionException e) {
            return;
        }
        end(future);
    }
}
