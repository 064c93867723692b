package dev.sennit;

import static dev.sennit.conformance.internal.Conditions.await;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.sennit.conformance.internal.Caller;
import dev.sennit.conformance.internal.Work;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PeriodicWorkerTest {
    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Duration BOUND = Duration.ofSeconds(60);

    private final Clock clock = new Clock();
    private final Pool inline = Pools.open("inline");
    private final List<String> ran = new CopyOnWriteArrayList<>();
    private final List<String> failed = new CopyOnWriteArrayList<>();

    @AfterEach
    void closePool() {
        inline.close();
    }

    /** Stands still until it is told to go on; the wall clock can be set. */
    private static final class Clock implements TimeSource {
        private static final Instant START = Instant.parse("2026-01-01T00:00:00.250Z");

        private volatile long nanos = -5_000_000_000L; // the system's may be negative, too
        private volatile Duration set = Duration.ZERO;

        @Override
        public long nanoTime() {
            return nanos;
        }

        @Override
        public Instant now() {
            return START.plusNanos(nanos + 5_000_000_000L).plus(set);
        }

        @Override
        public void sleep(Duration length) {
            nanos += length.toNanos();
        }
    }

    private PeriodicWorker.Builder settings() {
        return PeriodicWorker.builder()
                .time(clock)
                .pool(inline)
                .onFailure((task, failure) -> failed.add(task.name() + ": " + failure.getMessage()));
    }

    private long millis() {
        return (clock.nanoTime() + 5_000_000_000L) / 1_000_000;
    }

    private Action log(String name) {
        return () -> ran.add(name + "@" + millis());
    }

    /** Goes on in steps of 50 ms, and lets the worker look at each. */
    private void pass(PeriodicWorker worker, Duration length) {
        worker.step();
        for (long left = length.toMillis(); left > 0; left -= 50) {
            clock.sleep(Duration.ofMillis(Math.min(50, left)));
            worker.step();
        }
    }

    private List<String> times(String name) {
        return ran.stream().filter(entry -> entry.startsWith(name + "@"))
                .map(entry -> entry.substring(name.length() + 1)).toList();
    }

    @Test
    void eachScheduleCountsFromItsOwnMoment() {
        var worker = settings().open();
        Action slow = () -> {
            ran.add("start@" + millis());
            clock.sleep(Duration.ofMillis(300));
        };
        worker.add("a", Schedule.afterStart(SECOND), slow);
        worker.begin();
        pass(worker, Duration.ofSeconds(3));
        assertThat(times("start")).containsExactly("1000", "2000", "3000");

        ran.clear();
        var other = settings().open();
        other.add("a", Schedule.afterEnd(SECOND), slow);
        other.begin();
        long begin = millis();
        pass(other, Duration.ofSeconds(3));
        assertThat(times("start").stream().map(t -> Long.parseLong(t) - begin)).startsWith(1000L, 2300L);
        worker.close();
        other.close();
    }

    @Test
    void aFixedRateKeepsItsBeatAndLeavesOutWhatItMissed() {
        var worker = settings().open();
        var first = new AtomicInteger();
        PeriodicTask task = worker.add("beat", Schedule.fixedRate(SECOND), () -> {
            ran.add("beat@" + millis());
            clock.sleep(Duration.ofMillis(first.getAndIncrement() == 0 ? 2_500 : 100));
        });
        worker.begin();
        pass(worker, Duration.ofSeconds(5));
        assertThat(times("beat")).startsWith("1000", "4000", "5000");
        assertThat(task.statistics().missed()).isEqualTo(2);
        assertThat(task.statistics().lateness()).isZero();
        worker.close();
    }

    @Test
    void theTimeThatTheWorkerItselfTakesDoesNotShiftTheBeat() {
        var ticking = new TimeSource() {
            private long nanos;

            @Override
            public long nanoTime() {
                return nanos += 50_000; // every look at the clock takes a while
            }

            @Override
            public Instant now() {
                return Instant.EPOCH.plusNanos(nanos);
            }

            @Override
            public void sleep(Duration length) {
                nanos += length.toNanos();
            }
        };
        List<Long> starts = new CopyOnWriteArrayList<>();
        var worker = PeriodicWorker.builder().time(ticking).pool(inline).open();
        worker.add("beat", Schedule.fixedRate(SECOND), () -> starts.add(ticking.nanos));
        worker.begin();
        while (starts.size() < 1_000) {
            ticking.sleep(Duration.ofMillis(5));
            worker.step();
        }
        assertThat(starts.getLast() - starts.getFirst()).isBetween(998_900_000_000L, 999_100_000_000L);
        worker.close();
    }

    @Test
    void alignedRunsBeginWithTheWallClock() {
        var worker = settings().open();
        worker.add("aligned", Schedule.aligned(SECOND), log("aligned"));
        worker.begin();
        pass(worker, Duration.ofSeconds(3));
        assertThat(times("aligned")).containsExactly("750", "1750", "2750");
        worker.close();
    }

    @Test
    void theFirstRunMayBeAtOnce() {
        var worker = settings().open();
        worker.add("now", Schedule.afterEnd(SECOND).immediately(), log("now"));
        worker.begin();
        pass(worker, Duration.ofSeconds(2));
        assertThat(times("now")).containsExactly("0", "1000", "2000");
        worker.close();
    }

    @Test
    void jitterIsBoundedAndDoesNotAddUp() {
        var worker = settings().open();
        worker.add("jitter", Schedule.fixedRate(SECOND).jitter(0.5, new Random(7)), log("jitter"));
        worker.begin();
        pass(worker, Duration.ofSeconds(20));
        List<String> all = times("jitter");
        assertThat(all).hasSizeBetween(18, 20);
        for (int i = 0; i < all.size(); i++) {
            assertThat(Long.parseLong(all.get(i)) - (i + 1) * 1000L).isBetween(0L, 550L);
        }
        assertThat(all.stream().map(t -> Long.parseLong(t) % 1000).distinct().count()).isGreaterThan(3);
        assertThatThrownBy(() -> Schedule.afterEnd(SECOND).jitter(1.5)).hasMessage("part must be from 0 to 1, was 1.5");
        worker.close();
    }

    @Test
    void aWallClockThatIsSetNeitherStarvesNorBursts() {
        for (Duration jump : List.of(Duration.ofHours(1), Duration.ofHours(-1), Duration.ofMillis(-350))) {
            ran.clear();
            var worker = settings().open();
            worker.add("aligned", Schedule.aligned(SECOND), log("aligned"));
            worker.add("beat", Schedule.fixedRate(SECOND), log("beat"));
            worker.begin();
            pass(worker, Duration.ofSeconds(3));
            assertThat(times("aligned")).hasSize(3);
            clock.set = clock.set.plus(jump);
            pass(worker, Duration.ofSeconds(3));
            assertThat(times("aligned")).as("after %s", jump).hasSizeBetween(5, 7);
            assertThat(times("beat")).hasSize(6);
            List<Long> beats = times("beat").stream().map(Long::parseLong).toList();
            for (int i = 1; i < beats.size(); i++) {
                assertThat(beats.get(i) - beats.get(i - 1)).isEqualTo(1000);
            }
            worker.close();
        }
    }

    @Test
    void aFailureIsReportedAndTheNextRunComes() {
        var worker = settings().open();
        PeriodicTask task = worker.add("fails", Schedule.afterEnd(SECOND), () -> {
            ran.add("fails@" + millis());
            throw new IllegalStateException("broken at " + millis());
        });
        worker.begin();
        pass(worker, Duration.ofSeconds(2));
        assertThat(failed).containsExactly("fails: broken at 1000", "fails: broken at 2000");
        PeriodicStatistics seen = task.statistics();
        assertThat(seen.runs()).isEqualTo(2);
        assertThat(seen.failures()).isEqualTo(2);
        assertThat(seen.lastFailure()).hasMessage("broken at 2000");
        assertThat(seen.nextIn()).isEqualTo(SECOND);
        worker.reset();
        assertThat(task.statistics().runs()).isZero();
        assertThat(task.statistics().lastFailure()).isNull();
        worker.close();
    }

    @Test
    void aTaskMayAskNotToBeRunAgain() {
        var worker = settings().stopWhenEmpty().open();
        PeriodicTask task = worker.add("once", Schedule.afterEnd(SECOND), () -> {
            ran.add("once@" + millis());
            throw new StopPeriodicException();
        });
        worker.begin();
        pass(worker, Duration.ofSeconds(3));
        assertThat(times("once")).containsExactly("1000");
        assertThat(failed).isEmpty();
        assertThat(task.statistics().askedToStop()).isTrue();
        assertThat(task.statistics().successes()).isOne();
        assertThat(worker.tasks()).isEmpty();
        assertThat(worker.isRunning()).as("it stops when it is empty").isFalse();
        worker.close();
    }

    @Test
    void tasksComeAndGoWhileItRuns() {
        var worker = settings().open();
        worker.begin();
        PeriodicTask first = worker.add("first", Schedule.fixedRate(SECOND), log("first"));
        pass(worker, Duration.ofMillis(1_500));
        worker.add("second", Schedule.fixedRate(SECOND), log("second"));
        first.disable();
        pass(worker, SECOND);
        assertThat(first.statistics().nextIn()).isNull();
        first.enable();
        first.enable();
        pass(worker, SECOND);
        first.remove();
        pass(worker, SECOND);
        assertThat(times("first")).containsExactly("1000", "3500");
        assertThat(times("second")).containsExactly("2500", "3500", "4500");
        assertThat(worker.tasks()).extracting(PeriodicTask::name).containsExactly("second");
        worker.close();
    }

    @Test
    void aRunMayAddRemoveAndStop() {
        var worker = settings().open();
        var self = new AtomicReference<PeriodicTask>();
        self.set(worker.add("parent", Schedule.afterEnd(SECOND), () -> {
            worker.add("child", Schedule.afterEnd(SECOND), log("child"));
            self.get().remove();
        }));
        worker.begin();
        pass(worker, Duration.ofSeconds(2));
        assertThat(times("child")).containsExactly("2000");
        worker.add("stopper", Schedule.afterEnd(SECOND), worker::stop);
        pass(worker, Duration.ofSeconds(5));
        assertThat(worker.isRunning()).isFalse();
        worker.close();
    }

    @Test
    void aScheduleThatFailsEndsItsTaskAlone() {
        var worker = settings().open();
        worker.add("good", Schedule.fixedRate(SECOND), log("good"));
        worker.add("bad", timing -> {
            if (timing.sinceEnd() != null) {
                throw new IllegalArgumentException("no more moments");
            }
            return Schedule.Due.in(SECOND);
        }, log("bad"));
        worker.begin();
        pass(worker, Duration.ofSeconds(3));
        assertThat(times("good")).hasSize(3);
        assertThat(times("bad")).hasSize(1);
        assertThat(failed).containsExactly("bad: no more moments");
        assertThat(worker.tasks()).extracting(PeriodicTask::name).containsExactly("good");
        worker.close();
    }

    @Test
    void aScheduleThatSaysNonsenseEndsItsTaskAlone() throws Exception {
        var worker = settings().open();
        worker.add("neither", timing -> new Schedule.Due(null, null, Duration.ZERO, 0), log("neither"));
        worker.add("both", timing -> new Schedule.Due(SECOND, Instant.EPOCH, Duration.ZERO, 0), log("both"));
        worker.add("early", timing -> new Schedule.Due(SECOND, null, SECOND.negated(), 0), log("early"));
        worker.add("nothing", timing -> null, log("nothing"));
        Duration longest = Duration.ofSeconds(Long.MAX_VALUE, 999_999_999);
        worker.add("never", timing -> Schedule.Due.in(longest), log("never"));
        worker.add("nor this", Schedule.afterStart(longest).jitter(1), log("never"));
        worker.add("good", Schedule.afterStart(SECOND), log("good"));
        worker.begin();
        pass(worker, SECOND);
        assertThat(failed).extracting(line -> line.substring(0, line.indexOf(':'))).contains("neither", "both", "early",
                "nothing");
        assertThat(ran).containsExactly("good@1000");
        assertThat(worker.isRunning()).isTrue();
        worker.close();
    }

    @Test
    void theFailureHookIsCalledWithoutTheLock() throws Exception {
        var asked = new CopyOnWriteArrayList<Integer>();
        var built = new AtomicReference<PeriodicWorker>();
        built.set(settings()
                .onFailure((task, failure) -> {
                    Thread other = Thread.startVirtualThread(() -> asked.add(built.get().tasks().size()));
                    try {
                        assertThat(other.join(BOUND)).as("another thread can look at the worker").isTrue();
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                })
                .open());
        built.get().add("bad", timing -> null, log("bad"));
        built.get().add("good", Schedule.afterStart(SECOND), log("good"));
        built.get().begin();
        assertThat(asked).containsExactly(1);
        built.get().close();
    }

    @Test
    void aRefusedRunCountsAsFailedAndComesAgain() {
        Pool closed = Pools.open("inline");
        closed.close();
        var worker = settings().pool(closed).open();
        PeriodicTask task = worker.add("refused", Schedule.fixedRate(SECOND), log("refused"));
        worker.begin();
        pass(worker, Duration.ofSeconds(2));
        assertThat(task.statistics().failures()).isEqualTo(2);
        assertThat(task.statistics().lastFailure()).isInstanceOf(RejectedSubmissionException.class);
        worker.close();
    }

    @Test
    void theTableShowsEverything() {
        var worker = settings().open();
        worker.add("quick", Schedule.fixedRate(SECOND), () -> clock.sleep(Duration.ofMillis(10)));
        worker.add("never", Schedule.afterEnd(SECOND), () -> {}).disable();
        assertThat(worker.toTable())
                .isEqualTo("""
                        task   runs  failed  missed  mean run  mean late      next
                        quick     0       0       0      0 us       0 us         -
                        never     0       0       0      0 us       0 us  disabled
                        """);
        worker.begin();
        pass(worker, SECOND);
        assertThat(worker.toTable())
                .isEqualTo("""
                        task   runs  failed  missed  mean run  mean late       next
                        quick     1       0       0     10 ms       0 us  in 990 ms
                        never     0       0       0      0 us       0 us   disabled
                        """);
        worker.close();
    }

    @Test
    void misuseIsToldSo() throws Exception {
        var worker = settings().open();
        worker.add("one", Schedule.afterEnd(SECOND), log("one"));
        assertThatThrownBy(() -> worker.add("one", Schedule.afterEnd(SECOND), log("one")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("has a task one already");
        worker.begin();
        assertThatThrownBy(worker::start).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("runs already");
        worker.close();
        worker.close();
        assertThatThrownBy(worker::start).hasMessageContaining("is closed");
        assertThatThrownBy(() -> worker.add("two", Schedule.afterEnd(SECOND), log("two")))
                .hasMessageContaining("is closed");
        assertThatThrownBy(() -> Schedule.afterEnd(Duration.ZERO)).hasMessage("period must be > 0, was PT0S");
        assertThatThrownBy(() -> Schedule.aligned(Duration.ofNanos(5)))
                .hasMessage("period must be >= 1 ms, was 0.005 us");
    }

    // ---- with its own thread ----

    @Test
    void oneSlowTaskDelaysNoOther() throws Exception {
        var release = new CountDownLatch(1);
        var ticks = new CountDownLatch(5);
        try (var worker = PeriodicWorker.builder().open()) {
            PeriodicTask slow = worker.add("slow", Schedule.afterEnd(Duration.ofMillis(1)).immediately(), () -> {
                try {
                    release.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            worker.start();
            worker.add("quick", Schedule.fixedRate(Duration.ofMillis(1)), ticks::countDown);
            assertThat(ticks.await(60, SECONDS)).isTrue();
            assertThat(slow.statistics().runs()).isZero();
            assertThat(slow.statistics().running()).isTrue();
            assertThat(worker.toTable()).contains("running");
            worker.stop();
            assertThat(worker.awaitStopped(Duration.ofMillis(1))).as("a run goes on").isFalse();
            release.countDown();
            assertThat(worker.awaitStopped(BOUND)).isTrue();
            var again = new CountDownLatch(1);
            worker.add("again", Schedule.afterEnd(Duration.ofMillis(1)), again::countDown);
            worker.start();
            assertThat(again.await(60, SECONDS)).isTrue();
        }
    }

    @Test
    void noChangeIsMissedWhileItSleeps() throws Exception {
        try (var worker = PeriodicWorker.builder().open()) {
            worker.add("rare", Schedule.afterEnd(Duration.ofDays(1)), () -> {});
            worker.start();
            for (int i = 0; i < 200; i++) {
                var once = new CountDownLatch(1);
                worker.add("task" + i, Schedule.afterEnd(Duration.ofNanos(1)), () -> {
                    once.countDown();
                    throw new StopPeriodicException();
                });
                assertThat(once.await(60, SECONDS)).isTrue();
            }
        }
    }

    @Test
    void closeFromInsideIsToldSo() throws Exception {
        List<Throwable> thrown = new CopyOnWriteArrayList<>();
        try (var worker = PeriodicWorker.builder().onFailure((task, failure) -> thrown.add(failure)).open()) {
            worker.add("closer", Schedule.afterEnd(Duration.ofNanos(1)), worker::close);
            worker.start();
            assertThat(worker.awaitStopped(BOUND)).isTrue();
        }
        assertThat(thrown).hasSize(1);
        assertThat(thrown.getFirst()).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("by one of its own tasks");
    }

    @Test
    void anInterruptedCloseCancelsTheRuns() throws Exception {
        var inside = new CountDownLatch(1);
        Caller<Boolean> owner = Caller.of(() -> {
            var worker = PeriodicWorker.builder().onFailure((task, failure) -> {}).open();
            worker.add("stuck", Schedule.afterEnd(Duration.ofNanos(1)), () -> {
                inside.countDown();
                try {
                    new CountDownLatch(1).await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            worker.start();
            inside.await();
            Thread.currentThread().interrupt();
            worker.close();
            return Thread.interrupted();
        });
        assertThat(owner.result()).isTrue();
    }

    // ---- clocks, schedules and threads that fail ----

    /** Fails at the look that it is told to fail at, and at as many after it as it is told. */
    private class FailingClock implements TimeSource {
        final AtomicInteger looksBefore = new AtomicInteger();
        final AtomicInteger failures = new AtomicInteger();

        private void failIfTold() {
            if (failures.get() > 0 && looksBefore.getAndDecrement() <= 0 && failures.getAndDecrement() > 0) {
                throw new IllegalStateException("no time");
            }
        }

        @Override
        public long nanoTime() {
            failIfTold();
            return clock.nanoTime();
        }

        @Override
        public Instant now() {
            failIfTold();
            return clock.now();
        }

        @Override
        public void sleep(Duration length) {
            clock.sleep(length);
        }
    }

    /** At each of the looks at the clock that ten steps with a run in every other take. */
    @Test
    void aClockThatFailsOnceEndsNoTask() throws Exception {
        for (int look = 0; look < 60; look++) {
            var failing = new FailingClock();
            var worker = settings().time(failing).open();
            worker.add("a", Schedule.afterStart(SECOND), log("a"));
            worker.begin();
            ran.clear();
            failing.looksBefore.set(look);
            failing.failures.set(1);
            for (int i = 0; i < 20; i++) {
                clock.sleep(Duration.ofMillis(500));
                try {
                    worker.step();
                } catch (IllegalStateException e) {
                    assertThat(e).hasMessage("no time");
                }
            }
            assertThat(failing.failures).as("it failed").hasValue(0);
            assertThat(ran).as("the clock failed at look %s", look).hasSizeGreaterThanOrEqualTo(8);
            assertThat(failed).isEmpty();
            assertThat(worker.tasks()).hasSize(1);
            worker.stop();
            assertThat(worker.awaitStopped(BOUND)).as("no run is counted that has ended").isTrue();
            worker.close();
        }
    }

    @Test
    void aClockThatFailsAtTheEndOfARunLosesNoRun() throws Exception {
        var failing = new FailingClock();
        var worker = settings().time(failing).open();
        var runs = new AtomicInteger();
        worker.add("a", Schedule.afterEnd(SECOND), () -> {
            runs.incrementAndGet();
            failing.failures.set(3);
        });
        worker.begin();
        for (int i = 0; i < 10; i++) {
            clock.sleep(SECOND);
            failing.failures.set(0);
            worker.step();
        }
        assertThat(runs).hasValueGreaterThanOrEqualTo(4);
        failing.failures.set(0);
        assertThat(worker.tasks().getFirst().statistics().running()).isFalse();
        worker.stop();
        assertThat(worker.awaitStopped(BOUND)).isTrue();
        worker.close();
    }

    @Test
    void theThreadOfAWorkerOutlivesAClockThatFails() throws Exception {
        var failing = new FailingClock() {
            @Override
            public long nanoTime() {
                super.nanoTime();
                return System.nanoTime();
            }
        };
        try (var worker = settings().time(failing).pool(Pools.open("virtual")).open()) {
            var twice = new CountDownLatch(2);
            worker.start();
            failing.failures.set(2);
            worker.add("a", Schedule.afterEnd(Duration.ofMillis(1)), twice::countDown);
            assertThat(twice.await(60, SECONDS)).isTrue();
            assertThat(worker.isRunning()).isTrue();
        }
    }

    private static <T> T elsewhere(Callable<T> body) {
        try {
            return Caller.of(body).result();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    /** Another thread looks at the worker while the schedule thinks: it would wait for the lock for ever. */
    @Test
    void aScheduleIsAskedWithoutTheLock() throws Exception {
        var worker = settings().open();
        var asked = new AtomicInteger();
        Schedule looksAround = timing -> {
            asked.incrementAndGet();
            assertThat(elsewhere(() -> worker.tasks().size())).isEqualTo(1);
            return Schedule.Due.in(SECOND);
        };
        worker.begin();
        PeriodicTask task = worker.add("a", looksAround, log("a"));
        assertThat(task.statistics().nextIn()).isEqualTo(SECOND);
        pass(worker, SECOND);
        assertThat(asked).hasValue(2);
        assertThat(failed).isEmpty();
        worker.close();
    }

    @Test
    void anAnswerThatCameTooLateDoesNotCount() throws Exception {
        var worker = settings().open();
        Schedule disablesItself = timing -> {
            elsewhere(() -> {
                worker.tasks().getFirst().disable();
                return true;
            });
            return Schedule.Due.in(Duration.ZERO);
        };
        worker.begin();
        worker.add("a", disablesItself, log("a"));
        pass(worker, SECOND);
        assertThat(ran).isEmpty();
        assertThat(failed).isEmpty();
        worker.close();
    }

    @Test
    @SuppressWarnings("try") // a backend is in use by being open
    void aWorkerWithoutAThreadDoesNotRun() throws Exception {
        try (var worker = settings().open()) {
            try (var backend = FailingBackend.withoutThreads()) {
                assertThatThrownBy(worker::start).isInstanceOf(FailingBackend.NoThread.class);
            }
            assertThat(worker.isRunning()).isFalse();
            worker.start();
            assertThat(worker.isRunning()).isTrue();
        }
    }

    // ---- user code that would wait for itself ----

    private static void assertSaysWho(CompletableFuture<Throwable> said, String what) throws Exception {
        assertThat(said.get(60, SECONDS))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContainingAll(what + "() of periodic worker", "would wait for itself");
    }

    /** The run is not over before the hook has returned. */
    @Test
    void aFailureHookThatClosesTheWorkerIsToldSo() throws Exception {
        var own = new CompletableFuture<PeriodicWorker>();
        var said = new CompletableFuture<Throwable>();
        try (PeriodicWorker worker = PeriodicWorker.builder()
                .onFailure((task, failure) -> said.complete(catchThrowable(own.join()::close)))
                .open()) {
            own.complete(worker);
            worker.add("fails", Schedule.fixedRate(Duration.ofMillis(1)), () -> Work.failDeep(0));
            worker.start();
            assertSaysWho(said, "close");
            assertThat(worker.isRunning()).as("close has stopped it").isFalse();
        }
    }

    /** With runs in the clock's own thread, that is the one that asks the schedule when the next is due. */
    @Test
    void aScheduleThatClosesTheWorkerIsToldSo() throws Exception {
        var own = new CompletableFuture<PeriodicWorker>();
        var said = new CompletableFuture<Throwable>();
        Schedule closes = timing -> {
            if (timing.sinceEnd() != null) {
                said.complete(catchThrowable(own.join()::close));
            }
            return Schedule.Due.in(Duration.ZERO);
        };
        try (PeriodicWorker worker = PeriodicWorker.builder().pool(inline).open()) {
            own.complete(worker);
            worker.add("closes", closes, () -> {});
            worker.start();
            assertSaysWho(said, "close");
        }
    }

    /**
     * A schedule is asked inside of start; when that has not started the clock's thread yet, another start starts a
     * second.
     */
    @Test
    void aWorkerHasOneClockHoweverItIsStarted() {
        var own = new CompletableFuture<PeriodicWorker>();
        var asked = new AtomicInteger();
        Schedule restarts = timing -> {
            if (asked.getAndIncrement() == 0) {
                own.join().stop();
                try {
                    own.join().start();
                } catch (IllegalStateException e) {
                    // the clock has not come to its end
                }
            }
            return Schedule.Due.in(Duration.ofDays(1));
        };
        try (PeriodicWorker worker = PeriodicWorker.builder().name("one-clock").open()) {
            own.complete(worker);
            worker.add("restarts", restarts, () -> {});
            worker.start();
            await("one clock at most is left").until(() -> Thread.getAllStackTraces().keySet().stream()
                    .filter(thread -> thread.getName().equals("one-clock-clock"))
                    .count()
                    <= 1);
        }
    }
}
