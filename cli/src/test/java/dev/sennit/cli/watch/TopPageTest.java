package dev.sennit.cli.watch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.observe.PoolsMXBean.Figures;
import dev.sennit.observe.PoolsMXBean.PoolNow;
import dev.sennit.observe.PoolsMXBean.ProgressNow;
import dev.sennit.observe.PoolsMXBean.RunningNow;
import dev.sennit.observe.PoolsMXBean.TasksNow;
import dev.sennit.observe.PoolsMXBean.Times;
import dev.sennit.process.WorkerPoolsMXBean.Worker;
import dev.sennit.process.WorkerPoolsMXBean.WorkerPool;
import java.time.LocalTime;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What {@code top} makes of two looks. */
class TopPageTest {
    private static final long SECOND = 1_000_000_000;
    private static final Times NONE = new Times(0, 0, null, null, null, null);

    private static PoolNow pool(String name, String kind, int workers, long succeeded, Double cpu) {
        return new PoolNow(
                name, kind, false, workers, succeeded + 5, 3, 2, succeeded, 0, 0, 0, 0, 1, 0, 0, 0, cpu, List.of());
    }

    private static TasksNow task(String name, long succeeded, double total) {
        return new TasksNow(name, succeeded + 2, 1, succeeded, 1, 0,
                new Times(succeeded, 0.1, 0.001, 0.002, 0.003, 0.1),
                new Times(succeeded, total, 0.010, 0.020, 0.030, 0.1));
    }

    private static TopTarget.Jvm look(long nanos, List<PoolNow> pools, TasksNow... tasks) {
        return new TopTarget.Jvm(
                42, nanos, pools,
                List.of(new WorkerPool("photos", 3, 1, 1, List.of(
                        new Worker("photos-1", 100, "BUSY", "resize", 51, 1500, 7, 9000),
                        new Worker("photos-2", 101, "IDLE", "", 0, 0, 8, 9000)))),
                List.of(new RunningNow(52, "net", "fetch", 37, 1.5), new RunningNow(0, "net", "fetch", 8, 0.25)),
                new Figures(0, List.of(tasks)),
                List.of(new ProgressNow(51, "photos", "resize", 0, 1L, "in/" + "deep/".repeat(20) + "cat.jpg", null, 1),
                        new ProgressNow(52, "net", "fetch", 17, 300L, "page 17", 2.5, 0.1),
                        new ProgressNow(50, "photos", "whole run", 25, 100L, "", 3.5, 0.1),
                        new ProgressNow(40, "photos", "is done", 100, 100L, "", 0.0, 0.1),
                        new ProgressNow(41, "photos", "forgotten", 99, 100L, "", null, 100)));
    }

    private static final TopTarget.Jvm FIRST = look(
            0, List.of(pool("net", "virtual", Integer.MAX_VALUE, 100, null), pool("photos", "processes", 2, 50, 1.0)),
            task("fetch", 10, 1), task("resize", 20, 5));
    private static final TopTarget.Jvm SECOND_LOOK = look(
            2 * SECOND,
            List.of(pool("net", "virtual", Integer.MAX_VALUE, 500, null), pool("photos", "processes", 2, 53, 2.5)),
            task("fetch", 410, 1), task("resize", 23, 5));

    @Test
    void theSecondLookHasRates() {
        assertThat(TopPage.tables(FIRST, SECOND_LOOK)).containsExactly(
                "process 42: 2 pools, 4 tasks run, 6 wait",
                "",
                "pool         kind  workers  running  waiting  done/s  done  failed  lost   cpu",
                "net       virtual        -        2        3     200   500       0     1     -",
                "photos  processes        2        2        3     1.5    53       0     1  75 %",
                "",
                "worker    pid  state  done      for    task  now at",
                "photos-1  100   busy     7  1.500 s  resize  "
                        + "...deep/deep/deep/deep/deep/deep/deep/deep/deep/deep/cat.jpg",
                "photos-2  101   idle     8        -       -",
                "",
                "thread  pool      for   task  now at",
                "37       net  1.500 s  fetch  17 of 300, page 17",
                "8        net   250 ms  fetch",
                "",
                "whole        pool  done  total  still takes",
                "whole run  photos    25    100      3.500 s",
                "",
                "task    done/s  done  failed  under way  wait p50     p95  run p50      p95      p99",
                "resize     1.5    24       1          1    1.0 ms  2.0 ms  10.0 ms  20.0 ms  30.0 ms",
                "fetch      200   411       1          1    1.0 ms  2.0 ms  10.0 ms  20.0 ms  30.0 ms");
    }

    @Test
    void ratesAreUnknownAtFirstAndForAnotherPoolOfTheSameName() {
        assertThat(TopPage.tables(null, FIRST).get(3)).matches("net +virtual +- +2 +3 +- +100 .*");
        assertThat(TopPage.tables(SECOND_LOOK, FIRST).get(3)).matches("net +virtual +- +2 +3 +- +100 .*");
    }

    @Test
    void whatIsNotThereHasNoTable() {
        var empty = new TopTarget.Jvm(42, 0, List.of(), List.of(), List.of(), new Figures(0, List.of()), List.of());
        assertThat(TopPage.tables(null, empty)).containsExactly("process 42: 0 pools, 0 tasks run, 0 wait");
        assertThat(TopPage.lines(null, empty, LocalTime.NOON))
                .containsExactly("12:00:00  process 42: 0 pools, 0 tasks run, 0 wait");
        assertThat(TopPage.json(empty)).isEmpty();
    }

    @Test
    void lostEventsAreSaid() {
        var lost = new TopTarget.Jvm(42, 0, List.of(), List.of(), List.of(), new Figures(7, List.of()), List.of());
        assertThat(TopPage.tables(null, lost).getFirst())
                .endsWith("; 7 events were lost, so the tables of tasks say too "
                        + "little");
    }

    @Test
    void elsewhereThanOnATerminalEachPoolAndNameIsALine() {
        assertThat(TopPage.lines(FIRST, SECOND_LOOK, LocalTime.of(12, 3))).containsExactly(
                "12:03:00  42 pool net: 200 done/s, 2 run, 3 wait, 500 done, 0 failed, 1 worker lost",
                "12:03:00  42 pool photos: 1.5 done/s, 2 run, 3 wait, 53 done, 0 failed, 1 worker lost",
                "12:03:00  42 task resize: 24 done, 1 failed, 1 under way, wait p95 2.0 ms, run p50 10.0 ms "
                        + "p95 20.0 ms p99 30.0 ms",
                "12:03:00  42 task fetch: 411 done, 1 failed, 1 under way, wait p95 2.0 ms, run p50 10.0 ms "
                        + "p95 20.0 ms p99 30.0 ms");
        assertThat(TopPage.lines(FIRST, new TopTarget.Gone("process 42 has ended"), LocalTime.of(1, 2, 3)))
                .containsExactly("01:02:03  process 42 has ended");
    }

    @Test
    void inJsonWhatIsNotKnownIsNull() {
        var look = look(0, List.of(pool("net", "virtual", 7, 1, null)), new TasksNow("new", 1, 1, 0, 0, 0, NONE, NONE));
        assertThat(TopPage.json(look)).containsExactly(
                "{\"pid\":42,\"pool\":\"net\",\"kind\":\"virtual\",\"workers\":7,\"running\":2,\"waiting\":3,"
                        + "\"succeeded\":1,\"failed\":0,\"cancelled\":0,\"workersLost\":1,\"cpuSeconds\":null}",
                "{\"pid\":42,\"task\":\"new\",\"succeeded\":0,\"failed\":0,\"cancelled\":0,\"underWay\":1,"
                        + "\"waitedP50Seconds\":null,\"waitedP95Seconds\":null,\"waitedP99Seconds\":null,"
                        + "\"ranP50Seconds\":null,\"ranP95Seconds\":null,\"ranP99Seconds\":null}",
                "{\"pid\":42,\"runs\":\"fetch\",\"pool\":\"net\",\"thread\":37,\"forSeconds\":1.5}",
                "{\"pid\":42,\"runs\":\"fetch\",\"pool\":\"net\",\"thread\":8,\"forSeconds\":0.25}",
                "{\"pid\":42,\"progress\":\"resize\",\"pool\":\"photos\",\"number\":51,\"done\":0,\"total\":1,"
                        + "\"message\":\"in/" + "deep/".repeat(20) + "cat.jpg\",\"remainingSeconds\":null}",
                "{\"pid\":42,\"progress\":\"fetch\",\"pool\":\"net\",\"number\":52,\"done\":17,\"total\":300,"
                        + "\"message\":\"page 17\",\"remainingSeconds\":2.5}",
                "{\"pid\":42,\"progress\":\"whole run\",\"pool\":\"photos\",\"number\":50,\"done\":25,"
                        + "\"total\":100,\"message\":\"\",\"remainingSeconds\":3.5}",
                "{\"pid\":42,\"progress\":\"is done\",\"pool\":\"photos\",\"number\":40,\"done\":100,"
                        + "\"total\":100,\"message\":\"\",\"remainingSeconds\":0.0}",
                "{\"pid\":42,\"progress\":\"forgotten\",\"pool\":\"photos\",\"number\":41,\"done\":99,"
                        + "\"total\":100,\"message\":\"\",\"remainingSeconds\":null}");
    }

    @Test
    void aScreenThatIsTooSmallSaysSo() {
        assertThat(TopScreen.fitting(List.of("a", "b", "c"), 3)).containsExactly("a", "b", "c");
        assertThat(TopScreen.fitting(List.of("a", "b", "c", "d"), 3)).containsExactly("a", "b", "... and 2 more lines");
        assertThat(TopScreen.fitting(List.of("a", "b"), 1)).containsExactly("... and 2 more lines");
    }
}
