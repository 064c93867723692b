package dev.sennit;

import static dev.sennit.conformance.internal.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.conformance.internal.Follower;
import dev.sennit.conformance.internal.Work;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.junit.jupiter.api.Test;

/** Walks each transition of {@link Submission}, and lets two threads race for those that exclude each other. */
class SubmissionTest {
    private static final int ROUNDS = 20_000;

    private final FakePool pool = new FakePool(1);

    /** Every task was counted in once and out once. */
    private void assertPoolEnds() {
        pool.shutdown();
        assertThat(pool.isTerminated()).as("%s", pool).isTrue();
        assertThat(pool.released).isEqualTo(1);
    }

    @Test
    void waitsAtFirst() {
        Submission<Integer> submission = pool.taken(() -> 1);

        assertThat(submission.stateName()).isEqualTo("QUEUED");
        assertThat(submission.isQueued()).isTrue();
        assertThat(submission.isRunning()).isFalse();
        assertThat(submission.future()).isNotDone();
        assertThat(submission.toString()).contains("QUEUED", "SubmissionTest");
        assertThat(submission.future().toString()).contains("QUEUED", pool.name());
    }

    @Test
    void queuedRunningEndedWithAValue() {
        var during = new AtomicReference<String>();
        var self = new AtomicReference<Submission<Integer>>();
        Submission<Integer> submission = pool.taken(() -> {
            during.set(self.get().stateName());
            return 42;
        });
        self.set(submission);
        submission.run();

        assertThat(during).hasValue("RUNNING");
        assertThat(submission.stateName()).isEqualTo("ENDED");
        assertThat(submission.future()).isCompletedWithValue(42);
        assertThat(pool.statistics().succeeded()).isEqualTo(1);
        assertThat(pool.stopped).isEmpty();
        assertThat(pool.forgotten).isEmpty();
        assertPoolEnds();
    }

    /** The waits before and after it was handed back are one. */
    @Test
    void aTrackerHearsOfTheLastWorkerOfATaskThatWasHandedBack() throws Exception {
        var ends = new Follower.Ends();
        try (var _ = TaskContext.register(new Follower())) {
            Follower.follow(ends, () -> {
                Submission<Integer> submission = pool.taken(() -> 1, TaskOptions.named("back"));
                assertThat(submission.start("first")).isTrue();
                assertThat(submission.handBack()).isTrue();
                assertThat(ends.of("back")).isEmpty();
                assertThat(submission.start("second")).isTrue();
                assertThat(submission.succeed(1, 5)).isTrue();
                submission.ended(5);
                assertThat(ends.of("back")).singleElement().satisfies(end -> {
                    assertThat(end.worker()).hasValue("second");
                    assertThat(end.waited()).isPresent();
                });
            });
        }
        pool.shutdown();
    }

    @Test
    void queuedRunningEndedWithAFailure() {
        for (Throwable thrown : List.of(new IOException("checked"), new IllegalStateException(),
                new AssertionError())) {
            Submission<Integer> submission = pool.taken(() -> {
                switch (thrown) {
                    case Exception exception -> throw exception;
                    case Error error -> throw error;
                    default -> throw new AssertionError();
                }
            });
            submission.run();
            assertThat(submission.stateName()).isEqualTo("ENDED");
            assertThat(submission.future().exceptionNow()).isSameAs(thrown);
        }
        assertThat(pool.statistics().failed()).isEqualTo(3);
        assertPoolEnds();
    }

    @Test
    void queuedRunningEndedByACancellationExceptionOfItsOwn() {
        Submission<Integer> submission = pool.taken(() -> {
            throw new CancellationException();
        });
        submission.run();

        assertThat(submission.stateName()).isEqualTo("ENDED");
        assertThat(submission.future()).isCancelled();
        assertThat(pool.statistics().cancelled()).isEqualTo(1);
        assertPoolEnds();
    }

    @Test
    void queuedDropped() {
        var ran = new AtomicBoolean();
        Submission<Integer> cancelled = pool.taken(() -> ran.compareAndSet(false, true) ? 1 : 2);
        Submission<Integer> completed = pool.taken(() -> ran.compareAndSet(false, true) ? 1 : 2);
        Submission<Integer> failed = pool.taken(() -> ran.compareAndSet(false, true) ? 1 : 2);

        assertThat(cancelled.settle(null, new CancellationException(), true)).isTrue();
        assertThat(completed.settle(9, null, true)).isTrue();
        assertThat(failed.settle(null, new IOException(), false)).isTrue();

        for (Submission<Integer> submission : List.of(cancelled, completed, failed)) {
            assertThat(submission.stateName()).isEqualTo("DROPPED");
            submission.run();
            assertThat(submission.start()).isFalse();
            assertThat(submission.succeed(5, 1)).isFalse();
            assertThat(submission.fail(new IOException(), 1)).isFalse();
            assertThat(submission.handBack()).isFalse();
            assertThat(submission.settle(6, null, true)).isFalse();
            assertThat(submission.stateName()).isEqualTo("DROPPED");
        }
        assertThat(ran).isFalse();
        assertThat(cancelled.future()).isCancelled();
        assertThat(completed.future()).isCompletedWithValue(9);
        assertThat(failed.future().exceptionNow()).isInstanceOf(IOException.class);
        assertThat(pool.stopped).isEmpty();
        assertThat(pool.forgotten).containsExactly(cancelled, completed, failed);
        PoolStatistics seen = pool.statistics();
        assertThat(List.of(seen.cancelled(), seen.succeeded(), seen.failed(), seen.queued())).containsExactly(1L, 1L,
                1L, 0L);
        assertThat(seen.runTime()).isZero();
        assertPoolEnds();
    }

    @Test
    void runningStoppingEnded() {
        var self = new AtomicReference<Submission<Integer>>();
        var inside = new ArrayList<Object>();
        Submission<Integer> submission = pool.taken(() -> {
            inside.add(self.get().settle(7, null, true));
            inside.add(self.get().stateName());
            inside.add(self.get().future().isDone());
            inside.add(Thread.currentThread().isInterrupted());
            inside.add(self.get().settle(8, null, true));
            return 1; // thrown away
        });
        self.set(submission);
        submission.run();

        assertThat(inside).containsExactly(true, "STOPPING", true, true, false);
        assertThat(Thread.currentThread().isInterrupted()).as("the interrupt was the task's").isFalse();
        assertThat(submission.stateName()).isEqualTo("ENDED");
        assertThat(submission.future()).isCompletedWithValue(7);
        assertThat(pool.stopped).containsExactly(submission);
        assertThat(pool.statistics().succeeded()).isEqualTo(1);
        assertThat(pool.statistics().runTime()).isPositive();
        assertPoolEnds();
    }

    @Test
    void runningStoppingWithoutAnInterrupt() {
        var self = new AtomicReference<Submission<Integer>>();
        var interrupted = new AtomicBoolean();
        Submission<Integer> submission = pool.taken(() -> {
            self.get().settle(null, new CancellationException(), false);
            interrupted.set(Thread.currentThread().isInterrupted());
            throw new IOException("thrown away");
        });
        self.set(submission);
        submission.run();

        assertThat(interrupted).isFalse();
        assertThat(pool.stopped).isEmpty();
        assertThat(submission.future()).isCancelled();
        assertThat(submission.stateName()).isEqualTo("ENDED");
        assertThat(pool.statistics().failed()).isZero();
        assertPoolEnds();
    }

    @Test
    void anInterruptThatIsNotForTheTaskIsKept() {
        Submission<Integer> submission = pool.taken(() -> 1);
        Thread.currentThread().interrupt();
        submission.run();

        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void endedChangesNoMore() {
        Submission<Integer> submission = pool.taken(() -> 1);
        submission.run();
        submission.run();

        assertThat(submission.start()).isFalse();
        assertThat(submission.settle(2, null, true)).isFalse();
        assertThat(submission.succeed(2, 1)).isFalse();
        assertThat(submission.fail(new IOException(), 1)).isFalse();
        assertThat(submission.handBack()).isFalse();
        assertThat(submission.future()).isCompletedWithValue(1);
        assertThat(pool.statistics().succeeded()).isEqualTo(1);
        assertPoolEnds();
    }

    @Test
    void elsewhereQueuedRunningEnded() {
        Submission<Integer> good = pool.taken(() -> 1);
        Submission<Integer> bad = pool.taken(() -> 1);
        assertThat(good.start()).isTrue();
        assertThat(good.start()).isFalse();
        assertThat(good.isRunning()).isTrue();
        assertThat(pool.statistics().running()).isEqualTo(1);
        assertThat(good.succeed(5, 1_000)).isTrue();
        assertThat(good.succeed(6, 1_000)).isFalse();
        assertThat(good.stateName()).isEqualTo("ENDED");
        good.ended(1_000);
        assertThat(bad.start()).isTrue();
        assertThat(bad.fail(new IOException(), 500)).isTrue();
        bad.ended(500);

        assertThat(good.future()).isCompletedWithValue(5);
        assertThat(bad.future()).isCompletedExceptionally();
        assertThat(pool.statistics().runTime()).isEqualTo(Duration.ofNanos(1_500));
        assertPoolEnds();
    }

    @Test
    void elsewhereRunningStoppingEnded() {
        Submission<Integer> submission = pool.taken(() -> 1);
        submission.start();
        assertThat(submission.settle(null, new CancellationException(), true)).isTrue();
        assertThat(submission.stateName()).isEqualTo("STOPPING");
        assertThat(submission.isRunning()).isFalse();
        assertThat(submission.succeed(5, 1_000)).isFalse();
        assertThat(submission.fail(new IOException(), 1_000)).isFalse();
        assertThat(submission.stateName()).isEqualTo("STOPPING");
        assertThat(pool.stopped).containsExactly(submission);
        pool.shutdown();
        assertThat(pool.isTerminated()).as("its worker is still busy").isFalse();
        submission.ended(1_000);

        assertThat(submission.stateName()).isEqualTo("ENDED");
        assertThat(pool.isTerminated()).isTrue();
        assertThat(pool.statistics().runTime()).isEqualTo(Duration.ofNanos(1_000));
        assertThat(pool.statistics().cancelled()).isEqualTo(1);
    }

    @Test
    void runningHandedBackToQueued() {
        Submission<Integer> submission = pool.taken(() -> 1);
        submission.start();
        assertThat(pool.statistics().queued()).isZero();
        assertThat(submission.handBack()).isTrue();

        assertThat(submission.stateName()).isEqualTo("QUEUED");
        assertThat(pool.statistics().queued()).isEqualTo(1);
        assertThat(pool.statistics().running()).isZero();
        assertThat(submission.handBack()).as("it is nobody's").isFalse();
        submission.run();
        assertThat(submission.future()).isCompletedWithValue(1);
        assertPoolEnds();
    }

    @Test
    void aStoppedRunIsNotHandedBack() {
        Submission<Integer> submission = pool.taken(() -> 1);
        submission.start();
        submission.settle(null, new CancellationException(), true);

        assertThat(submission.handBack()).isFalse();
        assertThat(submission.stateName()).isEqualTo("STOPPING");
        submission.ended(0);
        assertPoolEnds();
    }

    @Test
    void startAfterShutdownNowIsCancelled() {
        var ran = new AtomicBoolean();
        Submission<Boolean> submission = pool.taken(() -> ran.compareAndSet(false, true));
        pool.shutdownNow(); // it is in no list: dispatched, say, but not yet in the queue
        assertThat(submission.future()).isNotDone();
        submission.run();

        assertThat(ran).isFalse();
        assertThat(submission.future()).isCancelled();
        assertThat(pool.isTerminated()).isTrue();
    }

    @Test
    void aTimeLimitStopsTheRun() throws Exception {
        Submission<Integer> submission =
                pool.taken(() -> 1, TaskOptions.named("slow").timeout(Duration.ofMillis(1)));
        submission.start();

        assertThatThrownBy(() -> submission.future().get(30, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .cause()
                .isInstanceOf(TimeoutException.class)
                .hasMessageContainingAll("slow", "1 ms", pool.name());
        assertThat(submission.stateName()).isEqualTo("STOPPING");
        assertThat(pool.stopped).containsExactly(submission);
        submission.ended(0);
        pool.shutdown();
        await("the timer's thread, which made the future done, has come back").until(pool::isTerminated);
        assertThat(pool.released).isEqualTo(1);
    }

    @Test
    void aTimeLimitInterruptsTheBody() {
        Submission<Integer> submission = pool.taken(
                () -> new CountDownLatch(1).await(60, TimeUnit.SECONDS) ? 1 : 2,
                TaskOptions.timeLimit(Duration.ofMillis(1)));
        submission.run(); // at worst the limit is over before the body begins, which then never does

        assertThatThrownBy(() -> submission.future().get(30, TimeUnit.SECONDS)) // another thread is about to end it
                .hasCauseInstanceOf(TimeoutException.class);
        assertThat(Thread.currentThread().isInterrupted()).isFalse();
        pool.shutdown();
        await("the thread that ended it has come back").until(pool::isTerminated);
        assertThat(submission.stateName()).isEqualTo("ENDED");
    }

    @Test
    void theTimeLimitOfATaskThatIsHandedBackBeginsAgain() {
        Submission<Integer> submission = pool.taken(() -> 1, TaskOptions.timeLimit(Duration.ofMillis(100)));
        submission.start();
        if (submission.handBack()) { // else the machine was too slow for the limit
            long until = System.nanoTime() + Duration.ofMillis(200).toNanos();
            await("the limit would be over").until(() -> System.nanoTime() > until);
            assertThat(submission.future()).isNotDone();
            assertThat(submission.isQueued()).isTrue();
        }
    }

    @Test
    void aFailureWithoutAReaderIsReported() {
        List<Throwable> reported = Collections.synchronizedList(new ArrayList<>());
        Thread.currentThread().setUncaughtExceptionHandler((thread, thrown) -> reported.add(thrown));
        pool.execute(() -> Work.failDeep(0));
        pool.submit(() -> Work.failDeep(0));
        pool.runAll();

        assertThat(reported).hasSize(1);
        assertThat(pool.statistics().failed()).isEqualTo(2);
        assertPoolEnds();
    }

    @Test
    void theClassThatWasWrittenNamesIt() {
        Runnable runnable = () -> {};
        pool.submit(runnable);
        Submission<?> submission = pool.queue.removeLast();

        assertThat(submission.writtenClass()).isEqualTo(runnable.getClass());
        assertThat(submission.name()).isEqualTo("dev.sennit.SubmissionTest::lambda");
        assertThat(pool.taken(() -> 1, TaskOptions.named("given")).name()).isEqualTo("given");
    }

    @Test
    void nullIsNoFailure() {
        Submission<Integer> submission = pool.taken(() -> 1);
        submission.start();
        assertThatNullPointerException().isThrownBy(() -> submission.fail(null, 0));
    }

    // ---- races ----

    @Test
    void startAndCancelExcludeEachOther() throws Exception {
        Submission<?>[] all = new Submission<?>[ROUNDS];
        var ran = new AtomicInteger();
        var leaked = new AtomicInteger();
        for (int i = 0; i < ROUNDS; i++) {
            all[i] = pool.taken(ran::incrementAndGet);
        }
        var cancelled = new AtomicInteger();
        Race.run(
                ROUNDS,
                round -> {
                    all[round].run();
                    leaked.addAndGet(Thread.interrupted() ? 1 : 0);
                },
                round -> cancelled.addAndGet(all[round].settle(null, new CancellationException(), true) ? 1 : 0));

        assertThat(leaked).as("interrupts that outlived their task").hasValue(0);
        PoolStatistics seen = pool.statistics();
        assertThat(seen.cancelled()).isEqualTo(cancelled.get());
        assertThat(seen.succeeded()).isEqualTo(ROUNDS - cancelled.get());
        assertThat(ran.get()).isBetween(ROUNDS - cancelled.get(), ROUNDS);
        for (Submission<?> submission : all) {
            assertThat(submission.stateName()).isIn("ENDED", "DROPPED");
            assertThat(submission.future().isDone()).isTrue();
        }
        assertPoolEnds();
    }

    @Test
    void endAndCompleteExcludeEachOther() throws Exception {
        List<Submission<Integer>> all = new ArrayList<>();
        var inside = new AtomicReferenceArray<Thread>(ROUNDS);
        for (int i = 0; i < ROUNDS; i++) {
            int round = i;
            all.add(pool.taken(() -> {
                inside.set(round, Thread.currentThread());
                return 1;
            }));
        }
        var leaked = new AtomicInteger();
        var outside = new AtomicInteger();
        Race.run(
                ROUNDS,
                round -> {
                    all.get(round).run();
                    leaked.addAndGet(Thread.interrupted() ? 1 : 0);
                },
                round -> {
                    while (inside.get(round) == null) {
                        Thread.onSpinWait(); // it has begun: from here both want to settle it
                    }
                    outside.addAndGet(all.get(round).settle(2, null, true) ? 1 : 0);
                });

        assertThat(leaked).as("interrupts that outlived their task").hasValue(0);
        assertThat(all.stream().filter(one -> one.future().resultNow() == 2).count()).isEqualTo(outside.get());
        assertThat(all).allMatch(one -> one.stateName().equals("ENDED"));
        assertThat(pool.statistics().succeeded()).isEqualTo(ROUNDS);
        assertThat(pool.stopped).hasSize(outside.get());
        assertPoolEnds();
    }

    @Test
    void twoWhoStartItExcludeEachOther() throws Exception {
        var ran = new AtomicInteger();
        Submission<?>[] all = new Submission<?>[ROUNDS];
        for (int i = 0; i < ROUNDS; i++) {
            all[i] = pool.taken(ran::incrementAndGet);
        }
        Race.run(ROUNDS, round -> all[round].run(), round -> all[round].run());

        assertThat(ran).hasValue(ROUNDS);
        assertThat(pool.statistics().succeeded()).isEqualTo(ROUNDS);
        assertPoolEnds();
    }

    @Test
    void twoWhoSettleItExcludeEachOther() throws Exception {
        List<Submission<Integer>> all = new ArrayList<>();
        for (int i = 0; i < ROUNDS; i++) {
            all.add(pool.taken(() -> 1));
            if (i % 2 == 0) {
                all.get(i).start();
            }
        }
        var wins = new AtomicInteger();
        Race.run(
                ROUNDS,
                round -> wins.addAndGet(all.get(round).settle(1, null, false) ? 1 : 0),
                round -> wins.addAndGet(all.get(round).settle(null, new CancellationException(), false) ? 1 : 0));

        assertThat(wins).hasValue(ROUNDS);
        PoolStatistics seen = pool.statistics();
        assertThat(seen.succeeded() + seen.cancelled()).isEqualTo(ROUNDS);
    }

    @Test
    void handBackAndCancelExcludeEachOther() throws Exception {
        List<Submission<Integer>> all = new ArrayList<>();
        for (int i = 0; i < ROUNDS; i++) {
            all.add(pool.taken(() -> 1));
            all.get(i).start();
        }
        var kept = new AtomicInteger();
        Race.run(
                ROUNDS,
                round -> {
                    if (all.get(round).handBack()) {
                        kept.incrementAndGet();
                        all.get(round).run();
                    } else {
                        all.get(round).ended(0);
                    }
                },
                round -> all.get(round).settle(null, new CancellationException(), true));

        assertThat(all).allMatch(one -> one.future().isDone());
        PoolStatistics seen = pool.statistics();
        assertThat(seen.succeeded() + seen.cancelled()).isEqualTo(ROUNDS);
        assertThat(seen.succeeded()).isLessThanOrEqualTo(kept.get());
        assertThat(seen.running()).isZero();
        assertThat(seen.queued()).isZero();
        assertThat(Thread.interrupted()).isFalse();
        assertPoolEnds();
    }

    @Test
    void shutdownAndTheLastEndReleaseTheWorkersOnce() throws Exception {
        FakePool[] pools = new FakePool[2_000];
        Submission<?>[] all = new Submission<?>[pools.length];
        for (int i = 0; i < pools.length; i++) {
            pools[i] = new FakePool(1);
            all[i] = pools[i].taken(() -> 1);
        }
        Race.run(pools.length, round -> pools[round].shutdown(), round -> all[round].run());

        assertThat(pools).allMatch(one -> one.released == 1 && one.isTerminated());
    }

    /** The timer of the first run had gone off, and was late. */
    @Test
    void theTimeLimitOfARunThatWasHandedBackStopsNoOther() throws Exception {
        var looks = new AtomicReference<Thread>();
        var limited = new FakePool(1) {
            @Override
            protected <T> Submission<T> newSubmission(Callable<T> body, TaskOptions options) {
                return new Submission<>(this, body, options) {
                    @Override
                    protected boolean hasRun() {
                        looks.set(Thread.currentThread());
                        return false;
                    }
                };
            }
        };
        try (var timers = new HeldTimers()) {
            Submission<Integer> submission = limited.taken(() -> 1, TaskOptions.timeLimit(Duration.ofDays(1)));
            submission.start();
            assertThat(submission.handBack()).isTrue();
            submission.start();
            timers.fire(0);
            await("the time limit has come to its end").until(() -> {
                Thread running = looks.get();
                return running != null && running.getState() != Thread.State.RUNNABLE
                        && running.getState() != Thread.State.BLOCKED;
            });
            assertThat(submission.isRunning()).isTrue();
            timers.fire(1);
            assertThatThrownBy(() -> submission.future().get(30, TimeUnit.SECONDS))
                    .hasCauseInstanceOf(TimeoutException.class);
            submission.ended(0);
        }
    }
}
