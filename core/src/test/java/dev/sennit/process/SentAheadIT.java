package dev.sennit.process;

import static java.util.concurrent.TimeUnit.MICROSECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Seeded;
import dev.sennit.Task;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import dev.sennit.conformance.Signals;
import dev.sennit.conformance.internal.Work;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A task that was sent to a worker which still runs another is a task that waits. */
class SentAheadIT {
    private static final int BOUND = 30;

    @TempDir
    Path folder;

    private Signals signals;

    @BeforeEach
    void makeSignals() {
        signals = new Signals(folder.toString());
    }

    /** Marks that it began, and waits for a signal of its own. */
    private static String gated(Signals signals, String name) throws InterruptedException {
        signals.mark("began-" + name);
        signals.await("go-" + name);
        return name;
    }

    private TaskFuture<String> submit(ProcessPool pool, String name) {
        Signals here = signals;
        return pool.submit(() -> gated(here, name), TaskOptions.named(name));
    }

    private void letGo(String... names) {
        List.of(names).forEach(name -> signals.set("go-" + name));
    }

    private static ProcessPool open(int workers) {
        return ProcessPool.builder().workers(workers).grace(Duration.ZERO).output(WorkerOutput.DISCARD).open();
    }

    /** When this returns, the second runs and the third was sent ahead. */
    private void endFirst(ProcessPool pool, TaskFuture<String> first) throws Exception {
        signals.awaitCount("began-first", 1);
        letGo("first");
        assertThat(first.get(BOUND, SECONDS)).isEqualTo("first"); // settled after the others were sent
        signals.awaitCount("began-second", 1);
        assertThat(pool.statistics().queued()).isOne();
    }

    @Test
    void oneThatIsCancelledNeverBegins() throws Exception {
        try (ProcessPool pool = open(1)) {
            TaskFuture<String> first = submit(pool, "first");
            TaskFuture<String> second = submit(pool, "second");
            TaskFuture<String> third = submit(pool, "third");
            endFirst(pool, first);

            assertThat(third.cancel(true)).isTrue();
            TaskFuture<String> fourth = submit(pool, "fourth");
            letGo("second", "third", "fourth");
            assertThat(second.get(BOUND, SECONDS)).isEqualTo("second");
            assertThat(fourth.get(BOUND, SECONDS)).isEqualTo("fourth");
            assertThat(signals.count("began-third")).isZero();
            assertThat(pool.statistics().workersLost()).isZero();
        }
    }

    /**
     * A worker becomes free while the other is sent a task ahead: that task must not stay there, as the one before may
     * wait for it.
     */
    @Test
    void oneIsNotLeftBehindAnotherWhileAWorkerIsFree() throws Exception {
        Signals here = signals;
        int rounds = Boolean.getBoolean("sennit.full") ? 500 : 100;
        Seeded.repeat(1, random -> {
            try (ProcessPool pool = ProcessPool.builder().workers(2).output(WorkerOutput.DISCARD).open()) {
                for (int round = 0; round < rounds; round++) {
                    String where = "meet-" + round;
                    List<Task<Integer>> stopped = Collections.nCopies(5, () -> Work.hold(here));
                    pool.invokeAll(stopped, random.generator().nextInt(3000), MICROSECONDS);
                    List<TaskFuture<Integer>> meeting = List.of(
                            pool.submit(() -> Work.meet(here, where, 2)), pool.submit(() -> Work.meet(here, where, 2)));
                    for (TaskFuture<Integer> each : meeting) {
                        assertThat(each.get(BOUND, SECONDS)).as("round %d", round).isEqualTo(1);
                    }
                }
            }
        });
    }

    @Test
    void oneWhoseWorkerIsKilledRunsOnTheNext() throws Exception {
        try (ProcessPool pool = open(1)) {
            TaskFuture<String> first = submit(pool, "first");
            TaskFuture<String> second = submit(pool, "second");
            TaskFuture<String> third = submit(pool, "third");
            endFirst(pool, first);

            letGo("third");
            assertThat(second.cancel(true)).isTrue();
            assertThat(third.get(BOUND, SECONDS)).isEqualTo("third");
            assertThat(signals.count("began-third")).isOne();
        }
    }

    @Test
    void anIdleWorkerTakesIt() throws Exception {
        try (ProcessPool pool = open(2)) {
            TaskFuture<String> first = submit(pool, "first");
            TaskFuture<String> other = submit(pool, "other");
            signals.awaitCount("began-first", 1);
            signals.awaitCount("began-other", 1);
            TaskFuture<String> second = submit(pool, "second");
            TaskFuture<String> third = submit(pool, "third");
            endFirst(pool, first);

            letGo("other", "third");
            assertThat(other.get(BOUND, SECONDS)).isEqualTo("other");
            assertThat(third.get(BOUND, SECONDS)).as("it does not wait behind the second").isEqualTo("third");
            assertThat(second).isNotDone();
            letGo("second");
            assertThat(second.get(BOUND, SECONDS)).isEqualTo("second");
            assertThat(signals.count("began-third")).isOne();
        }
    }

    @Test
    void oneThatBeganMeanwhileIsStopped() throws Exception {
        try (ProcessPool pool = open(1)) {
            TaskFuture<String> first = submit(pool, "first");
            TaskFuture<String> second = submit(pool, "second");
            TaskFuture<String> third = submit(pool, "third");
            endFirst(pool, first);

            letGo("second");
            signals.awaitCount("began-third", 1); // the answer of the second may not have been read yet
            assertThat(third.cancel(true)).isTrue();
            assertThatThrownBy(third::join).isInstanceOf(CancellationException.class);
            assertThat(second.get(BOUND, SECONDS)).isEqualTo("second");
            letGo("fourth");
            assertThat(submit(pool, "fourth").get(BOUND, SECONDS)).isEqualTo("fourth");
        }
    }

    @Test
    void shutdownNowReturnsItAsOneThatNeverBegan() throws Exception {
        ProcessPool pool = open(1);
        TaskFuture<String> first = submit(pool, "first");
        TaskFuture<String> second = submit(pool, "second");
        TaskFuture<String> third = submit(pool, "third");
        endFirst(pool, first);

        assertThat(pool.shutdownNow()).hasSize(1);
        assertThat(pool.awaitTermination(BOUND, SECONDS)).isTrue();
        assertThat(List.of(second, third)).allMatch(TaskFuture::isCancelled);
        assertThat(signals.count("began-third")).isZero();
    }

    @Test
    void itsTimeLimitCountsFromItsBeginning() throws Exception {
        try (ProcessPool pool = open(1)) {
            TaskFuture<String> first = submit(pool, "first");
            TaskFuture<String> second = submit(pool, "second");
            Signals here = signals;
            TaskFuture<String> third =
                    pool.submit(() -> gated(here, "third"), TaskOptions.timeLimit(Duration.ofMillis(20)));
            endFirst(pool, first);

            assertThat(third).isNotDone();
            letGo("second");
            assertThatThrownBy(() -> third.get(BOUND, SECONDS)).hasMessageContaining("ran longer than 20 ms");
            assertThat(second.get(BOUND, SECONDS)).isEqualTo("second");
            assertThat(signals.count("began-third")).isOne();
        }
    }

    @Test
    void whatDoesNotFitAPipeIsNotSentAhead() throws Exception {
        try (ProcessPool pool = open(1)) {
            TaskFuture<String> first = submit(pool, "first");
            TaskFuture<String> second = submit(pool, "second");
            byte[] large = new byte[1 << 20];
            TaskFuture<Integer> third = pool.submit(() -> large.length);
            endFirst(pool, first); // else the thread that reads answers would wait for the worker to read

            letGo("second");
            assertThat(second.get(BOUND, SECONDS)).isEqualTo("second");
            assertThat(third.get(BOUND, SECONDS)).isEqualTo(large.length);
        }
    }
}
