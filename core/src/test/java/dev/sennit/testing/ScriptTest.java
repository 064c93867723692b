package dev.sennit.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Schedules that are written down, and followed again. */
@Timeout(120)
class ScriptTest {
    private static final int STEP_LIMIT = 20_000;

    /** Runs a body under several choosers, one after the other: each is made from the run before. */
    static List<ScheduleRun> runs(ScheduleExplorer.Body body, List<Function<List<ScheduleRun>, Chooser>> choosers) {
        List<ScheduleRun> runs = new ArrayList<>();
        var driver = new ScheduleDriver[1];
        driver[0] = new ScheduleDriver(() -> {
            for (Function<List<ScheduleRun>, Chooser> next : choosers) {
                var run = new ScheduleRun(driver[0], next.apply(runs), 1, STEP_LIMIT, ScheduleRun.Purpose.LOOK,
                        _ -> false, TimeUnit.SECONDS.toNanos(1), null);
                run.run(body);
                runs.add(run);
            }
            return new Exploration(1, 0, 1, Strategy.RANDOM, 1, false, false, true, -1);
        }, TimeUnit.SECONDS.toNanos(10));
        try (var _ = UncaughtFailures.taken()) {
            driver[0].explore(new ScheduleDriver.Held() {
                @Override
                public ScheduleFailure pinned(ScheduleRun run, String who) {
                    throw new IllegalStateException(who + " is pinned");
                }

                @Override
                public ScheduleFailure spins(ScheduleRun run, String who) {
                    throw new IllegalStateException(who + " spins");
                }
            });
        }
        return runs;
    }

    static ScheduleRun run(ScheduleExplorer.Body body, Script script) {
        return runs(body, List.of(_ -> Chooser.following(script))).getFirst();
    }

    /** Locks, monitors, waits for a time, yields, and threads that start threads. */
    private static void allKindsOfWaits() throws InterruptedException {
        var lock = new ReentrantLock();
        var count = new AtomicInteger();
        var monitor = new Object();
        Together.Part locks = () -> {
            for (int i = 0; i < 3; i++) {
                lock.lock();
                try {
                    Thread.yield();
                    count.incrementAndGet();
                } finally {
                    lock.unlock();
                }
                synchronized (monitor) {
                    Thread.yield();
                    monitor.notifyAll();
                }
            }
        };
        Together.Part waits = () -> {
            synchronized (monitor) {
                monitor.wait(1);
            }
            Together.together(locks, count::incrementAndGet);
        };
        Together.together(locks, waits, locks, waits);
        Together.check(count.get() == 14, count);
    }

    private static Stream<ScheduleExplorer.Body> bodies() {
        return Stream.concat(
                Stream.of(ScriptTest::allKindsOfWaits),
                Stream.of(MemoryPointsTest.PlainCounter.class, MemoryPointsTest.CounterUnderMonitor.class,
                        MemoryPointsTest.LockedAccount.class, MemoryPointsTest.LocksInDifferentOrder.class,
                        MemoryPointsTest.Spins.class, MemoryPointsTest.LooksAtItsInterrupt.class,
                        MemoryPointsTest.LooksForEver.class, MemoryPointsTest.OneAmongMany.class,
                        SpuriousBodies.WaitOnce.class, SpuriousBodies.WaitInALoop.class,
                        SpuriousBodies.WaitForATimeOnce.class, SpuriousBodies.ParkInALoop.class)
                        .map(PointsLoader::body));
    }

    /** What the script says again, read from its text, is what happened. */
    @ParameterizedTest
    @EnumSource(names = "EXHAUSTIVE", mode = EnumSource.Mode.EXCLUDE) // which has no seeds
    void whatWasRecordedIsRepeatedWhateverTheStrategy(Strategy strategy) {
        bodies().forEach(body -> {
            List<Function<List<ScheduleRun>, Chooser>> choosers = new ArrayList<>();
            for (int i = 1; i <= 12; i++) {
                long seed = Chooser.seed(strategy, 100, i, 64);
                choosers.add(_ -> Chooser.of(strategy, 3, seed));
                choosers.add(before -> Chooser.following(
                        Script.parse(before.getLast().trace().script().toString())));
            }
            List<ScheduleRun> runs = runs(body, choosers);
            for (int i = 0; i < runs.size(); i += 2) {
                ScheduleRun one = runs.get(i);
                ScheduleRun again = runs.get(i + 1);
                assertThat(again.firstDifference(one)).as("seed %s of %s", i / 2 + 1, body).isEqualTo(-1);
                assertThat(again.hash()).isEqualTo(one.hash());
                assertThat(again.ending()).isEqualTo(one.ending());
                assertThat(again.trace().script()).isEqualTo(one.trace().script());
            }
        });
    }

    @Test
    void waitsThatEndWithoutAReasonAreWrittenDown() {
        ScheduleExplorer.Body body = PointsLoader.body(SpuriousBodies.WaitOnce.class);
        ScheduleRun wakes = run(body, Script.parse("0,1~1"));
        assertThat(wakes.ending()).isEqualTo(ScheduleRun.Ending.THREW);
        assertThat(wakes.trace().wakes()).containsExactly(new Script.Wake(1, 1));
        assertThat(run(body, Script.parse("0,1~2")).ending()).isEqualTo(ScheduleRun.Ending.PASSED);
    }

    /** Nobody would say that it ends: the others have no turn. */
    @Test
    void aLoopThatWaitsEndsBehindTheEndOfAScript() {
        ScheduleExplorer.Body spins = PointsLoader.body(MemoryPointsTest.Spins.class);
        assertThat(run(spins, Script.parse("0,1")).ending()).isEqualTo(ScheduleRun.Ending.PASSED);
    }

    @Test
    void aThreadThatIsNotReadyIsSkipped() {
        ScheduleExplorer.Body body = PointsLoader.body(MemoryPointsTest.PlainCounter.class);
        assertThat(run(body, Script.parse("0,1,1,7,0,2:1000,7:3")).trace().script())
                .hasToString("0,1,0,2,0");
        assertThat(run(body, Script.parse("2")).trace().script()).hasToString("0,2,1,0");
    }

    @Test
    void aScriptIsWhatItsTextSays() {
        assertThat(Script.parse(" 0, 12:3 ,2~11,2~1 ")).isEqualTo(new Script(
                List.of(new Script.Segment(0, 0), new Script.Segment(12, 3)),
                Set.of(new Script.Wake(2, 1), new Script.Wake(2, 11))));
        assertThat(Script.parse("0,12:3,2~1,2~11")).hasToString("0,12:3,2~1,2~11");
        assertThat(new Script(List.of(), Set.of())).hasToString("0");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "''|''|1", "0,,1|''|3", "0,x|x|3", "0,1:|1:|3", "0,1:0,2|1:0|3", "0, 1:2:3|1:2:3|3", "0,-1|-1|3", "+1|+1|1",
        "0,1~0|1~0|3", "~1|~1|1", "99999999999|99999999999|1"
    })
    void aTextThatIsNoneSaysWhatIsWrongAndWhere(String text, String what, int where) {
        assertThatThrownBy(() -> ScheduleExplorer.of(1).replay(text, () -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a schedule is a list of THREAD, THREAD:POINT and THREAD~WAIT, as in 0,1:3,2,1~2, was \""
                        + what + "\" at character " + where);
    }
}
