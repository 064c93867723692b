package dev.sennit.junit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import dev.sennit.testing.ScheduleFailure;
import dev.sennit.testing.Strategy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** The annotations as a user writes them; of those that have to fail, what they fail with is looked at. */
@Timeout(120)
class SchedulesTest {
    private static final AtomicInteger CALLS = new AtomicInteger();
    private static final AtomicInteger REPLAYS = new AtomicInteger();
    private static final AtomicInteger SCRIPTED = new AtomicInteger();
    private static final AtomicInteger FOUND = new AtomicInteger();

    /** Makes a test pass that failed as it should. */
    static final class HasToFail implements TestExecutionExceptionHandler {
        @Override
        public void handleTestExecutionException(ExtensionContext context, Throwable thrown) {
            assertThat(thrown).isInstanceOf(ScheduleFailure.class);
            assertThat(thrown)
                    .hasMessageContaining("mvn test -Dtest=SchedulesTest#" + context.getRequiredTestMethod().getName()
                            + " -Dsennit.seed=" + ((ScheduleFailure) thrown).seed())
                    .hasRootCauseInstanceOf(AssertionError.class);
            FOUND.incrementAndGet();
        }
    }

    /** Something that a thread does. */
    @FunctionalInterface
    private interface Part {
        void run() throws InterruptedException;
    }

    private static void together(Part... parts) throws InterruptedException {
        List<Thread> threads = new ArrayList<>();
        for (Part part : parts) {
            threads.add(Thread.startVirtualThread(() -> {
                try {
                    part.run();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private static void countTwice() throws InterruptedException {
        var count = new AtomicInteger();
        Part increments = () -> {
            int read = count.get();
            Thread.yield();
            count.set(read + 1);
        };
        together(increments, increments);
        assertThat(count).hasValue(2);
    }

    @Schedules(100)
    void runsAsOftenAsItSays() throws InterruptedException {
        assertThat(Thread.currentThread().isVirtual()).isTrue();
        together(CALLS::incrementAndGet, () -> {});
    }

    @Schedules(strategy = Strategy.PCT, depth = 2)
    @ExtendWith(HasToFail.class)
    void findsALostUpdate() throws InterruptedException {
        countTwice();
    }

    @Schedules(seed = 5)
    @ExtendWith(HasToFail.class)
    void findsALostUpdateAtRandom() throws InterruptedException {
        countTwice();
    }

    @Schedules
    @Replay(7)
    void runsOneAlone() {
        REPLAYS.incrementAndGet();
    }

    @Schedules
    @Replay(schedule = "0,1,2")
    void runsOneThatIsWrittenDown() throws InterruptedException {
        SCRIPTED.incrementAndGet();
        together(() -> {}, () -> {});
    }

    /** A user's, to be run by a launcher: JUnit does not find it here. All of it has to fail. */
    static final class Unclear {
        @Schedules
        @Replay
        void neither() {}

        @Schedules
        @Replay(value = 1, schedule = "0")
        void both() {}
    }

    @Test
    void aReplayIsOfASeedOrOfASchedule() {
        Map<String, TestExecutionResult> results = results(Unclear.class);

        assertThat(results).containsOnlyKeys("neither()", "both()");
        assertThat(results.values()).allSatisfy(result -> assertThat(result.getThrowable().orElseThrow())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("@Replay needs a seed or a schedule, and not both"));
    }

    /** A user's, to be run by a launcher: JUnit does not find it here. Most of it has to fail. */
    static final class Broken {
        @Schedules(value = 1000, strategy = Strategy.PCT, depth = 2)
        void losesAnUpdate() throws InterruptedException {
            countTwice();
        }

        @Schedules(1000)
        void locksInDifferentOrder() throws InterruptedException {
            var first = new ReentrantLock();
            var second = new ReentrantLock();
            together(() -> both(first, second), () -> both(second, first));
        }

        private static void both(ReentrantLock one, ReentrantLock other) {
            one.lock();
            Thread.yield();
            other.lock();
            other.unlock();
            one.unlock();
        }

        @Schedules(1000)
        void isRight() throws InterruptedException {
            var count = new AtomicInteger();
            together(count::incrementAndGet, count::incrementAndGet);
            assertThat(count).hasValue(2);
        }
    }

    /** What a launcher of JUnit's says of the methods of a class. */
    private static Map<String, TestExecutionResult> results(Class<?> type) {
        Map<String, TestExecutionResult> results = new HashMap<>();
        LauncherFactory.create().execute(
                LauncherDiscoveryRequestBuilder.request().selectors(selectClass(type)).build(),
                new TestExecutionListener() {
                    @Override
                    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
                        if (test.isTest()) {
                            results.put(test.getDisplayName(), result);
                        }
                    }
                });
        return results;
    }

    private static ScheduleFailure failureOf(String method) {
        return (ScheduleFailure) results(Broken.class).get(method + "()").getThrowable().orElseThrow();
    }

    /** Each with its seed, the steps, and the line that brings it back. */
    @Test
    void whatAUserSees() {
        Map<String, TestExecutionResult> results = results(Broken.class);

        assertThat(results).containsOnlyKeys("losesAnUpdate()", "locksInDifferentOrder()", "isRight()");
        assertThat(results.get("isRight()").getStatus()).isEqualTo(TestExecutionResult.Status.SUCCESSFUL);
        for (String method : List.of("losesAnUpdate", "locksInDifferentOrder")) {
            ScheduleFailure found = failureOf(method);
            assertThat(found.getMessage())
                    .contains("to have it again: mvn test '-Dtest=SchedulesTest$Broken#" + method + "' -Dsennit.seed="
                            + found.seed() + ", or @Replay(" + found.seed() + "L)")
                    .contains("this schedule alone: mvn test '-Dtest=SchedulesTest$Broken#" + method
                            + "' -Dsennit.schedule=" + found.schedule() + ", or @Replay(schedule = \""
                            + found.schedule() + "\")\n")
                    .containsPattern("(?m)^ step +body +thread-1 +thread-2$")
                    .containsPattern("(?m)^ +1  :\\d+ waits in Thread.join$")
                    .contains("(:n is line n of SchedulesTest.java)")
                    .doesNotContain("ScheduleExtension")
                    .doesNotContain("NOT REPEATABLE");
        }
        assertThat(failureOf("losesAnUpdate")).hasMessageStartingWith("java.lang.AssertionError: ");
        assertThat(failureOf("locksInDifferentOrder")).hasMessageStartingWith("deadlock: no thread can go on");
    }

    @Test
    void theSeedBringsItBackAndSoDoesTheSchedule() {
        for (String method : List.of("losesAnUpdate", "locksInDifferentOrder")) {
            ScheduleFailure found = failureOf(method);
            System.setProperty("sennit.seed", String.valueOf(found.seed()));
            try {
                ScheduleFailure again = failureOf(method);
                assertThat(again.exploration().schedules()).isEqualTo(1);
                assertThat(again.seed()).isEqualTo(found.seed());
                assertThat(again.kind()).isEqualTo(found.kind());
                assertThat(again.interleaving()).isEqualTo(found.interleaving());
            } finally {
                System.clearProperty("sennit.seed");
            }
            System.setProperty("sennit.schedule", found.schedule());
            try {
                assertThat(failureOf(method).interleaving()).isEqualTo(found.interleaving());
            } finally {
                System.clearProperty("sennit.schedule");
            }
        }
    }

    @Test
    void otherTestsAreRunAsUsual() {
        assertThat(Thread.currentThread().isVirtual()).isFalse();
    }

    /** Once more before, and once after. */
    @AfterAll
    static void allOfThemDidWhatTheySay() {
        assertThat(CALLS).hasValue(102);
        assertThat(FOUND).hasValue(2);
        assertThat(REPLAYS).hasValue(3);
        assertThat(SCRIPTED).hasValue(3);
    }
}
