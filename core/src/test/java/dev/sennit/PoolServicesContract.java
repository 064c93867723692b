package dev.sennit;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.RejectedExecutionException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * What every kind of pool does beside running tasks: callbacks in order, delays, loops. The second half of the
 * conformance suite; see {@link PoolContract} for how its tests are written.
 */
public abstract class PoolServicesContract extends PoolContract {
    private static final Duration LONG = Duration.ofDays(1);

    protected PoolServicesContract() {}

    // ---- onDone ----

    @Test
    public void callbacksAreCalledInTheOrderTheyWereAdded() throws Exception {
        var here = signals();
        TaskFuture<Integer> future = pool().submit(() -> {
            if (here.isSet("never")) {
                throw new IllegalStateException();
            }
            return 5;
        });
        List<Integer> called = new CopyOnWriteArrayList<>();
        for (int i = 0; i < 100; i++) {
            int number = i;
            future.onDone(done -> called.add(number + done.resultNow()));
        }
        value(future);
        var last = new java.util.concurrent.CountDownLatch(1);
        future.onDone(done -> last.countDown());
        assertThat(last.await(BOUND, SECONDS)).isTrue();
        assertThat(called).isEqualTo(IntStream.range(5, 105).boxed().toList());
    }

    @Test
    public void aCallbackThatThrowsHarmsNeitherTheOthersNorTheWorker() throws Exception {
        var here = signals();
        List<String> called = new CopyOnWriteArrayList<>();
        TaskFuture<Integer> future = pool().submit(() -> here.isSet("never") ? 0 : 1);
        var last = new java.util.concurrent.CountDownLatch(1);
        future.onDone(done -> {
                    called.add("first");
                    throw new AssertionError("meant to be logged");
                })
                .onDone(done -> called.add("second"))
                .onDone(done -> last.countDown());

        assertThat(last.await(BOUND, SECONDS)).isTrue();
        assertThat(called).containsExactly("first", "second");
        assertAllWorkersServe(pool());
    }

    @Test
    public void callbacksSeeFailuresAndCancellations() throws Exception {
        List<String> seen = new CopyOnWriteArrayList<>();
        TaskFuture<Integer> failing = pool().submit(() -> Work.failDeep(0));
        failure(failing);
        failing.onDone(done -> seen.add(done.exceptionNow().getMessage()));
        assertThat(seen).containsExactly("deep");
        if (asynchronous()) {
            var here = signals();
            TaskFuture<Integer> cancelled = pool().submit(() -> Work.hold(here));
            cancelled.onDone(done -> seen.add(done.state().toString()));
            cancelled.cancel(true);
            assertThat(seen).containsExactly("deep", "CANCELLED");
        }
    }

    @Test
    public void aCallbackMayAddAnother() throws Exception {
        List<Integer> called = new CopyOnWriteArrayList<>();
        TaskFuture<Integer> future = pool().submit(() -> 1);
        value(future);
        future.onDone(done -> {
            done.onDone(again -> called.add(2));
            called.add(1);
        });
        assertThat(called).containsExactly(1, 2);
        assertThatThrownBy(() -> future.onDone(null)).isInstanceOf(NullPointerException.class);
    }

    // ---- submitAfter ----

    @Test
    public void aDelayedTaskRunsOnceItsDelayIsOver() throws Exception {
        var here = signals();
        long start = System.nanoTime();
        TaskFuture<Integer> future = pool().submitAfter(Duration.ofMillis(20), () -> {
            here.mark("ran");
            return 7;
        });
        assertThat(value(future)).isEqualTo(7);
        assertThat(System.nanoTime() - start).as("never too early").isGreaterThanOrEqualTo(20_000_000);
        assertThat(here.count("ran")).isOne();
        assertThat(value(pool().submitAfter(Duration.ZERO, () -> 8))).isEqualTo(8);
        assertThat(value(pool().submitAfter(Duration.ofSeconds(-1), () -> 9, TaskOptions.named("late")))).isEqualTo(9);
    }

    @Test
    public void aDelayedTaskThatIsCancelledNeverRuns() throws Exception {
        if (!asynchronous()) {
            return; // the caller would wait
        }
        var here = signals();
        Pool pool = pool();
        TaskFuture<Integer> future = pool.submitAfter(LONG, () -> Work.hold(here));
        assertThat(figures(pool).queued()).isOne();
        assertThat(future.cancel(true)).isTrue();
        assertThatThrownBy(future::join).isInstanceOf(CancellationException.class);
        assertThat(figures(pool).queued()).isZero();
        assertThat(figures(pool).cancelled()).isOne();
        assertThat(here.count("held")).isZero();
    }

    @Test
    public void closeWaitsForDelayedTasksAndShutdownNowCancelsThem() throws Exception {
        if (!asynchronous()) {
            return;
        }
        Pool closed = open("");
        TaskFuture<Integer> soon = closed.submitAfter(Duration.ofMillis(20), () -> 3);
        closed.close();
        assertThat(soon.resultNow()).isEqualTo(3);
        assertThatThrownBy(() -> closed.submitAfter(Duration.ofMillis(1), () -> 3))
                .isInstanceOf(RejectedExecutionException.class);

        Pool stopped = open("");
        TaskFuture<Integer> never = stopped.submitAfter(LONG, () -> 3);
        assertThat(stopped.shutdownNow()).hasSize(1);
        assertThat(stopped.awaitTermination(BOUND, SECONDS)).isTrue();
        assertThat(never).isCancelled();
        assertAddsUp(stopped.statistics());
    }

    @Test
    public void delayedTasksHoldTheirPlaces() throws Exception {
        if (!queues()) {
            return;
        }
        Pool pool = open(1, "backlog=1&full=reject");
        List<TaskFuture<Integer>> delayed =
                List.of(pool.submitAfter(LONG, () -> 1), pool.submitAfter(LONG, () -> 2));
        assertThatThrownBy(() -> pool.submit(() -> 3)).isInstanceOf(RejectedSubmissionException.class);
        delayed.forEach(future -> future.cancel(false));
        assertThat(value(pool.submit(() -> 3))).isEqualTo(3);
    }

    @Test
    public void manyDelaysAndCancellationsAddUp() throws Exception {
        Pool pool = pool();
        List<TaskFuture<Integer>> all = new ArrayList<>();
        for (int i = 0; i < (asynchronous() ? 300 : 20); i++) {
            int number = i;
            all.add(pool.submitAfter(Duration.ofNanos(i * 10_000L), () -> number));
            if (i % 3 == 0) {
                all.get(i).cancel(false);
            }
        }
        for (int i = 0; i < all.size(); i++) {
            if (!all.get(i).isCancelled()) {
                assertThat(value(all.get(i))).isEqualTo(i);
            }
        }
        assertThat(figures(pool).ended()).isEqualTo(all.size());
        assertAddsUp(figures(pool));
    }

    @Test
    public void delaysRefuseWhatSubmitRefuses() {
        assertThatThrownBy(() -> pool().submitAfter(null, () -> 1)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> pool().submitAfter(LONG, null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> pool().submit(() -> 1, TaskOptions.NONE.priority(5)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("does not order tasks by priority");
    }

    // ---- forEach ----

    @Test
    public void forEachDoesItForEveryItem() throws Exception {
        var here = signals();
        pool().forEach(IntStream.range(0, 50).boxed().toList(), n -> here.mark("done-" + n));
        for (int i = 0; i < 50; i++) {
            assertThat(here.count("done-" + i)).isOne();
        }
        pool().forEach(List.<Integer>of(), n -> here.mark("none"));
        assertThat(here.count("none")).isZero();
    }

    @Test
    public void forEachEndsWithTheFirstFailure() {
        assertThatThrownBy(() -> pool().forEach(() -> IntStream.iterate(0, n -> n + 1).iterator(), n -> {
                    if (n == 20) {
                        Work.failDeep(0);
                    }
                }))
                .isInstanceOf(CompletionException.class)
                .cause()
                .hasMessage("deep");
        assertThatThrownBy(() -> pool().forEach(List.of(1), null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> pool().forEach(null, n -> {})).isInstanceOf(NullPointerException.class);
    }
}
