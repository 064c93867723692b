package dev.sennit.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Schedules of failures are shortened to those that one would write down oneself, and nothing is lost by that. */
@Timeout(120)
class ShortSchedulesTest {
    /** One thread looks, another tells, and the first waits for what it has been told already. */
    static class LostWakeUp implements ScheduleExplorer.Body {
        private static final class Flag {
            private volatile boolean told;

            void await() throws InterruptedException {
                if (!told) {
                    synchronized (this) {
                        wait();
                    }
                }
            }

            void tell() {
                told = true;
                synchronized (this) {
                    notifyAll();
                }
            }
        }

        @Override
        public void run() throws InterruptedException {
            var flag = new Flag();
            Together.together(flag::await, flag::tell);
        }
    }

    /** Each holds one monitor and wants the other. */
    static class MonitorsInDifferentOrder implements ScheduleExplorer.Body {
        @Override
        public void run() throws InterruptedException {
            var one = new Object();
            var other = new Object();
            Together.together(() -> both(one, other), () -> both(other, one));
        }

        private static void both(Object first, Object second) {
            synchronized (first) {
                synchronized (second) {
                    Thread.onSpinWait();
                }
            }
        }
    }

    /** Twenty threads, of which two share something. */
    static class TwoOfTwenty implements ScheduleExplorer.Body {
        private static final class Count {
            private int value;
        }

        @Override
        public void run() throws InterruptedException {
            var shared = new Count();
            Together.Part[] parts = new Together.Part[20];
            for (int i = 0; i < parts.length; i++) {
                Count count = i == 6 || i == 13 ? shared : new Count();
                parts[i] = () -> {
                    for (int j = 0; j < 3; j++) {
                        count.value++;
                    }
                };
            }
            Together.together(parts);
            Together.check(shared.value == 6, shared.value);
        }
    }

    /** Fails in two ways: without a preemption in one, with one in the other. */
    static class FailsInTwoWays implements ScheduleExplorer.Body {
        private static final class Count {
            private int value;
        }

        @Override
        public void run() throws InterruptedException {
            var count = new Count();
            Together.together(() -> count.value++, () -> count.value++);
            if (count.value == 2) {
                throw new IllegalStateException("this fails when nothing goes wrong");
            }
            throw new AssertionError("counted " + count.value);
        }
    }

    /** A loop that never ends, but only if the one who would end it came too late. */
    static class WaitsInVain implements ScheduleExplorer.Body {
        private static final class Flag {
            private boolean closed;
            private boolean said;
        }

        @Override
        public void run() throws InterruptedException {
            var flag = new Flag();
            Together.together(
                    () -> {
                        if (!flag.closed) {
                            flag.said = true;
                        }
                    },
                    () -> {
                        flag.closed = true;
                        while (!flag.said) {
                            Thread.onSpinWait();
                        }
                    });
        }
    }

    /** The same in a loop that lets nobody else run by itself. */
    static class SpinsInVain implements ScheduleExplorer.Body {
        private static final class Flag {
            private boolean closed;
            private boolean said;
        }

        @Override
        public void run() throws InterruptedException {
            var flag = new Flag();
            Together.together(
                    () -> {
                        if (!flag.closed) {
                            flag.said = true;
                        }
                    },
                    () -> {
                        flag.closed = true;
                        while (!flag.said) {
                            flag.closed = true;
                        }
                    });
        }
    }

    private static void countWithYields() throws InterruptedException {
        var count = new AtomicInteger();
        Together.Part increments = () -> {
            int read = count.get();
            Thread.yield();
            count.set(read + 1);
        };
        Together.together(increments, increments, increments, increments);
        Together.check(count.get() == 4, count);
    }

    /**
     * A body with a bug.
     *
     * @param preemptions how many the bug needs
     * @param wakes how many waits without a reason the bug needs
     * @param segments how long the text may be
     */
    private record Case(
            String name, ScheduleExplorer.Body body, ScheduleFailure.Kind kind, int preemptions, int wakes,
            int segments) {
        static Case of(
                Class<? extends ScheduleExplorer.Body> type, ScheduleFailure.Kind kind, int preemptions, int wakes,
                int segments) {
            return new Case(type.getSimpleName(), PointsLoader.body(type), kind, preemptions, wakes, segments);
        }

        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Case> cases() {
        return Stream.of(
                Case.of(MemoryPointsTest.PlainCounter.class, ScheduleFailure.Kind.THREW, 1, 0, 5),
                Case.of(MemoryPointsTest.AtomicGetAndSet.class, ScheduleFailure.Kind.THREW, 1, 0, 5),
                Case.of(MemoryPointsTest.CheckThenPut.class, ScheduleFailure.Kind.THREW, 1, 0, 5),
                Case.of(MemoryPointsTest.Account.class, ScheduleFailure.Kind.THREW, 2, 0, 5),
                Case.of(MemoryPointsTest.AsksTwice.class, ScheduleFailure.Kind.THREW, 2, 0, 3),
                Case.of(MemoryPointsTest.OneAmongMany.class, ScheduleFailure.Kind.THREW, 1, 0, 5),
                Case.of(MemoryPointsTest.LocksInDifferentOrder.class, ScheduleFailure.Kind.DEADLOCK, 1, 0, 3),
                Case.of(MonitorsInDifferentOrder.class, ScheduleFailure.Kind.DEADLOCK, 1, 0, 3),
                Case.of(LostWakeUp.class, ScheduleFailure.Kind.DEADLOCK, 1, 0, 3),
                Case.of(TwoOfTwenty.class, ScheduleFailure.Kind.THREW, 1, 0, 5),
                Case.of(SpuriousBodies.WaitOnce.class, ScheduleFailure.Kind.THREW, 0, 1, 1),
                Case.of(SpuriousBodies.ParkOnce.class, ScheduleFailure.Kind.THREW, 0, 1, 1),
                Case.of(WaitsInVain.class, ScheduleFailure.Kind.STEP_LIMIT, 0, 0, 2),
                new Case("countWithYields", ShortSchedulesTest::countWithYields, ScheduleFailure.Kind.THREW, 0, 0, 5));
    }

    private static final int STEP_LIMIT = 10_000;

    private static ScheduleExplorer explorer() {
        return ScheduleExplorer.of(10_000).stepLimit(STEP_LIMIT);
    }

    private static Script script(ScheduleFailure found) {
        return Script.parse(Objects.requireNonNull(found.schedule()));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aScheduleHasNoMorePreemptionsThanTheBugNeeds(Case one) {
        boolean isQuick = one.kind == ScheduleFailure.Kind.THREW && !one.name.equals("OneAmongMany");
        for (long seed : isQuick ? List.of(1L, 1001L, 2002L, 3003L) : List.of(1L)) {
            Strategy strategy = seed == 1 ? Strategy.PORTFOLIO : Strategy.BALANCED;
            ScheduleFailure found = ScheduleExplorerTest.failureOf(explorer().seed(seed).strategy(strategy), one.body);
            assertThat(found.kind()).as(found.getMessage()).isEqualTo(one.kind);
            ScheduleTrace.Size size = ScriptTest.run(one.body, script(found)).trace().size();
            if (one.kind != ScheduleFailure.Kind.STEP_LIMIT) {
                assertThat(size.preemptions()).as(found.getMessage()).isEqualTo(one.preemptions);
            }
            assertThat(size.wakes()).as(found.getMessage()).isEqualTo(one.wakes);
            assertThat(script(found).segments()).as(found.getMessage()).hasSizeLessThanOrEqualTo(one.segments);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void itIsRepeatedByItsSeedAndByItsText(Case one) {
        ScheduleFailure found = ScheduleExplorerTest.failureOf(explorer(), one.body);
        int times = one.kind == ScheduleFailure.Kind.THREW ? 10 : 1; // the others take longer to be seen
        for (int i = 0; i < times; i++) {
            ScheduleFailure bySeed = failureOf(() -> explorer().replay(found.seed(), one.body));
            ScheduleFailure byText = failureOf(() -> explorer().replay(found.schedule(), one.body));
            for (ScheduleFailure again : List.of(bySeed, byText)) {
                assertThat(again.isRepeatable()).isTrue();
                assertThat(again.kind()).isEqualTo(found.kind());
                assertThat(again.schedule()).isEqualTo(found.schedule());
                assertThat(again.interleaving()).isEqualTo(found.interleaving());
            }
        }
    }

    private static ScheduleFailure failureOf(Runnable exploration) {
        try {
            exploration.run();
        } catch (ScheduleFailure found) {
            return found;
        }
        throw new AssertionError("it passed");
    }

    /** The default schedule fails too, but not in this way. */
    @Test
    void aScheduleThatFailsInAnotherWayIsNoShorterOne() {
        ScheduleExplorer.Body body = PointsLoader.body(FailsInTwoWays.class);
        List<String> schedules = new ArrayList<>();
        for (long seed = 1; seed <= 40; seed++) {
            long one = seed;
            ScheduleFailure found = failureOf(() -> explorer().replay(one, body));
            if (found.getCause() instanceof AssertionError) {
                assertThat(found.getCause()).hasMessage("counted 1");
                schedules.add(found.schedule());
            } else {
                assertThat(found.schedule()).doesNotContain(":");
            }
        }
        assertThat(schedules).isNotEmpty().allMatch(schedule -> schedule.contains(":"))
                .allMatch(schedule -> Script.parse(schedule).segments().size() <= 3); // it was shortened all the same
    }

    /** The shortest would be one in which the loop takes all steps, and the other thread none. */
    @Test
    void aScheduleThatOnlyLetsNobodyElseRunIsNotWithoutEnd() {
        ScheduleExplorer.Body body = PointsLoader.body(SpinsInVain.class);
        for (long seed : List.of(1L, 1001L, 2002L, 3003L)) {
            ScheduleFailure found = ScheduleExplorerTest.failureOf(explorer().seed(seed), body);
            assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.STEP_LIMIT);
            assertThat(found.interleaving()).as(found.getMessage())
                    .anyMatch(step -> step.thread().equals("thread-1") && step.to().equals("end"));
            assertThat(script(found).segments()).hasSizeLessThanOrEqualTo(3);
        }
    }

    @Test
    void anInterruptWhileItIsShortenedDoesNotHideIt() throws Exception {
        var shortens = new CountDownLatch(1);
        var told = new AtomicReference<Throwable>();
        Thread caller = Thread.ofPlatform().start(() -> {
            try {
                ScheduleExplorer.of(1).explore(counted(run -> () -> {
                    if (run <= 3) {
                        throw new IllegalStateException("found");
                    }
                    shortens.countDown();
                    while (!Thread.currentThread().isInterrupted()) {
                        Thread.onSpinWait();
                    }
                }));
            } catch (CancellationException e) {
                told.set(e);
            }
        });
        shortens.await();
        caller.interrupt();
        caller.join();
        assertThat(told.get().getSuppressed()).singleElement().isInstanceOfSatisfying(
                ScheduleFailure.class, found -> assertThat(found).hasMessageContaining("IllegalStateException: found"));
    }

    /** Each run is told by its number. */
    private static ScheduleExplorer.Body counted(Function<Integer, ScheduleExplorer.Body> bodies) {
        var run = new AtomicInteger();
        return () -> bodies.apply(run.incrementAndGet()).run();
    }

    /** After the first failure and its recording. */
    @Test
    void aFailureIsToldEvenIfItCannotBeShortened() {
        ScheduleExplorer.Body fails = () -> {
            throw new IllegalStateException("found");
        };
        ScheduleFailure found = failureOf(
                () -> ScheduleExplorer.of(1).explore(counted(run -> run <= 3 ? fails : () -> {})));
        assertThat(found).hasMessageContaining("IllegalStateException: found").hasNoSuppressedExceptions();
        assertThat(found.isRepeatable()).isTrue();
        assertThat(found.schedule()).isEqualTo("0");

        found = failureOf(() -> ScheduleExplorer.of(1).realTime(Duration.ofMillis(200)).explore(counted(run -> {
            return run <= 3 ? fails : () -> {
                while (!Thread.currentThread().isInterrupted()) {
                    Thread.onSpinWait();
                }
            };
        })));
        assertThat(found).hasMessageContaining("IllegalStateException: found");
        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.THREW);
    }

    @Test
    void aScheduleGivenOutsideIsTheOnlyOne() {
        ScheduleExplorer.Body body = PointsLoader.body(MemoryPointsTest.PlainCounter.class);
        ScheduleFailure found = ScheduleExplorerTest.failureOf(explorer(), body);
        System.setProperty("sennit.schedule", found.schedule());
        try {
            ScheduleFailure again = failureOf(() -> explorer().explore(body));
            assertThat(again).hasMessageContaining("found under the given schedule, memory points off\n"
                    + "to have it again: -Dsennit.schedule=" + found.schedule() + ", or replay(\"" + found.schedule()
                    + "\", body)\n");
            assertThat(again.interleaving()).isEqualTo(found.interleaving());
            assertThat(again.seed()).isZero();
            System.setProperty("sennit.schedule", "0,1,2");
            assertThat(explorer().explore(body).schedules()).isEqualTo(1);
            System.setProperty("sennit.seed", "7");
            assertThatThrownBy(() -> explorer().explore(body))
                    .hasMessage("only one of -Dsennit.seed and -Dsennit.schedule can be given");
        } finally {
            System.clearProperty("sennit.schedule");
            System.clearProperty("sennit.seed");
        }
    }

    /** Fails if its threads run in the order of the schedule that was found first. */
    private static ScheduleExplorer.Body failsInOneOrder(int threads, Together.Part before) {
        var found = new AtomicReference<List<Integer>>();
        return counted(run -> () -> {
            before.run();
            List<Integer> order = new ArrayList<>();
            Together.Part[] parts = new Together.Part[threads];
            for (int i = 0; i < threads; i++) {
                int number = i;
                parts[i] = () -> order.add(number);
            }
            Together.together(parts);
            if (run == 2) {
                found.set(order);
            }
            Together.check(run == 1 || !order.equals(found.get()), "the order");
        });
    }

    @Test
    void aScheduleThatIsTooLongForALineIsNotPrinted() {
        ScheduleFailure found = failureOf(() -> explorer().explore(failsInOneOrder(600, () -> {})));
        assertThat(found).hasMessageContaining("found the order").hasMessageContaining("-Dsennit.seed=1,");
        assertThat(found.getMessage()).doesNotContain("-Dsennit.schedule");
        assertThat(found.schedule()).hasSizeGreaterThan(2000);
        assertThat(found.isRepeatable()).isTrue();
    }

    /** Without the agent each wait takes its time, and one second of that is enough. */
    @Test
    void aBodyThatReallyWaitsIsNotRunAgainAndAgain() {
        var runs = new AtomicInteger();
        ScheduleFailure found = failureOf(() -> explorer().explore(failsInOneOrder(8, () -> {
            runs.incrementAndGet();
            assertThat(new CountDownLatch(1).await(250, TimeUnit.MILLISECONDS)).isFalse();
        })));
        assertThat(found).hasMessageContaining("found the order");
        assertThat(runs).hasValueBetween(6, 8); // one before, the found one twice, four of 250 ms, the last
    }

    /** Returns the lines of a message that show the schedule, without the numbers of lines of code. */
    private static List<String> lanes(ScheduleFailure found) {
        String text = found.getMessage();
        return text.substring(text.indexOf(" step  "), text.indexOf("(:n is line")).lines()
                .map(line -> line.replaceAll("(?<= ):\\d+ ", "").replaceAll(":\\d+", ""))
                .map(line -> line.replaceAll("  +", "  ").strip())
                .toList();
    }

    @Test
    void aLostUpdateIsShown() {
        ScheduleExplorer.Body body = PointsLoader.body(TwoOfTwenty.class);
        ScheduleFailure found = failureOf(() -> explorer().replay("7:2,14", body));
        assertThat(lanes(found)).startsWith(
                "step  body  thread-7  thread-14  18 others",
                "1  Together waits in Thread.join",
                "2  reads value",
                "preempted",
                "3  reads value",
                "writes value").contains("4-14  6 threads end").endsWith("!!  Together throws AssertionError");
        assertThat(found.getMessage())
                .contains("(:n is line n of ShortSchedulesTest.java)\ndata race: field " + TwoOfTwenty.class.getName()
                        + "$Count.value, read by thread-7 and written by thread-14");
        assertThat(found.picture()).contains("preempted before it writes value", ">18 others</div>",
                "title=\"dev.sennit.testing.ShortSchedulesTest$TwoOfTwenty.lambda$run$0\">ShortSchedulesTest.java:");
    }

    @Test
    void aDeadlockIsShown() {
        ScheduleExplorer.Body body = PointsLoader.body(MonitorsInDifferentOrder.class);
        ScheduleFailure found = failureOf(() -> explorer().replay("1:2,2", body));
        assertThat(lanes(found)).containsExactly(
                "step  body  thread-1  thread-2",
                "1  Together waits in Thread.join",
                "2  enters monitor #1",
                "preempted",
                "3  enters monitor #2",
                "enters monitor #1",
                "waits for a monitor",
                "4  enters monitor #2",
                "waits for a monitor",
                "!!  Together waits for ever  waits for ever  waits for ever");
    }

    /** So long that only the begin and the end are shown. */
    static class SaysAgainAndAgain implements ScheduleExplorer.Body {
        private static final class Flag {
            private int said;
        }

        @Override
        public void run() throws InterruptedException {
            var flag = new Flag();
            Together.together(() -> flag.said = 1, () -> {
                for (int i = 0; i < 500; i++) {
                    flag.said++;
                }
                for (int i = 0; i < 500; i++) {
                    flag.said = 2;
                }
                throw new IllegalStateException("said");
            });
        }
    }

    @Test
    void theMiddleOfALongScheduleIsLeftOut() {
        ScheduleExplorer.Body body = PointsLoader.body(SaysAgainAndAgain.class);
        ScheduleFailure found = failureOf(() -> explorer().replay("0", body));
        assertThat(found.getMessage().lines()).hasSizeBetween(200, 230).contains("  ... 805 lines")
                .anyMatch(line -> line.endsWith(" writes said, 500 times"));
    }

    @Test
    void lanesThatDoNotFitAreATable() {
        ScheduleExplorer.Body body = () -> {
            Thread[] all = new Thread[12];
            for (int i = 0; i < all.length; i++) {
                all[i] = Thread.ofVirtual().name("a thread with a name").start(Thread::yield);
            }
            for (Thread one : all) {
                one.join();
            }
            throw new IllegalStateException("all have ended");
        };
        ScheduleFailure found = failureOf(() -> explorer().explore(body));
        assertThat(found.getMessage()).containsPattern("(?m)^ step +thread +from +to$")
                .containsPattern("(?m)^ +1  body +start +ShortSchedulesTest.lambda\\S+ in Thread.join$");
        assertThat(found.picture()).contains("a thread with a name (12)");
    }

    @Test
    void aPictureOfTheFailureIsWritten(@TempDir Path folder) throws Exception {
        ScheduleExplorer.Body body = () -> {
            Thread one = Thread.ofVirtual().name("<b>&\"x\"").start(() -> {
                throw new IllegalStateException("1 < 2");
            });
            one.join();
        };
        System.setProperty("sennit.pictures", folder.resolve("made").toString());
        try {
            ScheduleFailure found = failureOf(() -> explorer().explore(body));
            Path file = folder.resolve("made").resolve("ShortSchedulesTest-1.html");
            assertThat(found.getMessage()).endsWith("\npicture: " + file.toUri());
            assertThat(Files.readString(file)).isEqualTo(found.picture())
                    .contains("<title>java.lang.IllegalStateException: 1 &lt; 2</title>")
                    .contains(">&lt;b&gt;&amp;&quot;x&quot; (1)</div>")
                    .contains("throws IllegalStateException")
                    .doesNotContain("<b>", "http://", "https://", "<script");

            failureOf(() -> explorer().explore(body));
            assertThat(folder.resolve("made").toFile().list()).hasSize(1);

            System.setProperty("sennit.pictures", file.toString());
            found = failureOf(() -> explorer().explore(body));
            assertThat(found.getMessage().lines().toList().getLast())
                    .startsWith("no picture, as " + file + " cannot be written: java.nio.file.FileAlreadyExists");
            assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.THREW);
        } finally {
            System.clearProperty("sennit.pictures");
        }
    }
}
