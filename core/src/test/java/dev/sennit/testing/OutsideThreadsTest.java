package dev.sennit.testing;

import static dev.sennit.testing.ScheduleExplorerTest.failureOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.Timer;
import java.util.TimerTask;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A schedule that only looks like a deadlock: a thread outside of it is about to let it go on. */
@Timeout(60)
class OutsideThreadsTest {
    /** Until then the threads outside do not let go. */
    private final CountDownLatch end = new CountDownLatch(1);

    @AfterEach
    void letGo() {
        end.countDown();
    }

    private static ScheduleFailure outside(ScheduleExplorer.Body body) {
        ScheduleFailure found = catchThrowableOfType(
                ScheduleFailure.class, () -> ScheduleExplorer.of(10).explore(body)); // not always repeatable
        assertThat(found).isNotNull();
        assertThat(found.kind()).as(found.getMessage()).isEqualTo(ScheduleFailure.Kind.OUTSIDE);
        assertThat(found).hasMessageStartingWith("not only the schedule decides: ")
                .hasMessageContaining("start virtual threads in the body, or give it an executor of such");
        return found;
    }

    /** Starts a thread outside of the schedule, and returns when it does what it is there for. */
    private Thread holder(Together.Part holds) throws InterruptedException {
        var held = new CountDownLatch(1);
        Thread holder = Thread.ofPlatform().name("holder").daemon().start(Together.unchecked(() -> {
            synchronized (this) {
                holds.run();
                held.countDown();
                end.await();
            }
        }));
        held.await();
        return holder;
    }

    @Test
    void saysThatAThreadOutsideHoldsALock() throws Exception {
        var lock = new ReentrantLock();
        holder(lock::lock);

        ScheduleFailure found = outside(lock::lock);

        assertThat(found).hasMessageContaining(
                "platform thread \"holder\", which is not of the schedule, holds the lock for which body waits");
        assertThat(found.getCause().getStackTrace()).anyMatch(
                frame -> frame.getClassName().startsWith(OutsideThreadsTest.class.getName()));
    }

    @Test
    void saysSoIfTheBodyHasLeftTheThreadThatWaits() throws Exception {
        var lock = new ReentrantReadWriteLock();
        holder(() -> lock.writeLock().lock());

        assertThat(outside(() -> Together.begin(() -> lock.readLock().lock())))
                .hasMessageContaining("holds the lock for which thread-1 waits");
    }

    @Test
    void saysThatAThreadOutsideHoldsAMonitor() throws Exception {
        holder(() -> {});

        assertThat(outside(() -> {
            synchronized (this) {
                Thread.yield();
            }
        })).hasMessageContaining(
                "platform thread \"holder\", which is not of the schedule, holds the monitor for which body waits");
    }

    /** As in a pool that is being shut down while a worker of it ends. */
    @Test
    void saysThatAThreadThatTheScheduleStartedIsAtWork() {
        assertThat(outside(() -> {
            var pool = new ThreadPoolExecutor(0, 8, 0, TimeUnit.SECONDS, new LinkedBlockingQueue<>());
            var begun = new CountDownLatch(1);
            pool.submit(Together.unchecked(() -> {
                synchronized (begun) {
                    begun.countDown();
                    end.await();
                }
            }));
            begun.await();
            synchronized (begun) {
                pool.shutdown();
            }
        })).hasMessageContaining("which is not of the schedule");

        assertThat(outside(() -> {
            var never = new CountDownLatch(1);
            Thread.ofPlatform().name("computes").daemon().start(Together.unchecked(end::await));
            never.await();
        })).hasMessageContaining(
                "platform thread \"computes\", which is not of the schedule, was started by a virtual thread meanwhile,"
                        + " and is at work");
    }

    @Test
    void saysThatAnExecutorFromBeforeIsAtWork() throws Exception {
        try (ExecutorService before = Executors.newSingleThreadExecutor(
                Thread.ofPlatform().name("worker").daemon().factory())) {
            before.submit(() -> 1).get();
            Thread worker = before.submit(Thread::currentThread).get();
            awaitState(worker, Thread.State.WAITING);
            try {
                assertThat(outside(() -> before.submit(Together.unchecked(end::await)).get())).hasMessageContaining(
                        "platform thread \"worker\", which is not of the schedule, was idle before, and is at work");
            } finally {
                end.countDown();
            }
        }
    }

    @Test
    void saysThatATimerWillRunSomething() {
        var timer = new Timer("ticks", true);
        try {
            assertThat(outside(() -> {
                var done = new CountDownLatch(1);
                timer.schedule(task(done), TimeUnit.HOURS.toMillis(1));
                done.await();
            })).hasMessageContaining("\"ticks\"").hasMessageContaining("was idle before, and is at work");
        } finally {
            timer.cancel();
        }
        assertThat(outside(() -> {
            var done = new CountDownLatch(1);
            var own = new Timer("own", true);
            own.schedule(task(done), TimeUnit.HOURS.toMillis(1));
            done.await();
        })).hasMessageContaining("\"own\"").hasMessageContaining("was started by a virtual thread meanwhile");
    }

    private static TimerTask task(CountDownLatch done) {
        return new TimerTask() {
            @Override
            public void run() {
                done.countDown();
            }
        };
    }

    /** Both waits of the two are for a thread of the schedule, and all that is outside has nothing to do. */
    @Test
    void aDeadlockBesideIdleThreadsIsOne() throws Exception {
        try (ExecutorService before = Executors.newSingleThreadExecutor()) {
            before.submit(() -> 1).get();
            ScheduleFailure found = failureOf(ScheduleExplorer.of(10), () -> {
                var lock = new ReentrantLock();
                var monitor = new Object();
                Together.begin(() -> {
                    lock.lock();
                    synchronized (monitor) {
                        LockSupport.park();
                    }
                });
                Together.begin(() -> {
                    synchronized (monitor) {
                        Thread.yield();
                    }
                });
                Thread.yield();
                Thread.yield();
                lock.lock();
            });
            assertThat(found.kind()).as(found.getMessage()).isEqualTo(ScheduleFailure.Kind.DEADLOCK);
        }
    }

    private static void awaitState(Thread thread, Thread.State state) {
        while (thread.getState() != state) {
            Thread.onSpinWait();
        }
    }
}
