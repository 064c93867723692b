package dev.sennit;

import static dev.sennit.conformance.internal.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.sennit.conformance.internal.Follower;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A future that is kept keeps nothing that its task captured. */
class CapturedObjectTest {
    private static void isCollected(WeakReference<?> captured) {
        await("the captured object is collected").until(() -> {
            System.gc();
            return captured.refersTo(null);
        });
    }

    /** In a method of its own, whose frame is gone when the object has to be. */
    private static TaskFuture<Integer> submit(Pool pool, Captured captured) {
        return pool.submit(() -> captured.length());
    }

    private record Captured(byte[] bytes) {
        static WeakReference<Captured> weak(Captured captured) {
            return new WeakReference<>(captured);
        }

        int length() {
            if (bytes.length == 0) {
                throw new IllegalStateException("nothing");
            }
            return bytes.length;
        }
    }

    private record Kept(TaskFuture<Integer> future, WeakReference<Captured> captured) {
        static Kept of(Pool pool, int length) {
            var captured = new Captured(new byte[length]);
            return new Kept(submit(pool, captured), Captured.weak(captured));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads:1", "virtual", "loop"})
    void isCollectedAfterTheRunOfATaskThatIsFollowed(String plan) throws Exception {
        var ends = new Follower.Ends();
        try (Pool pool = Pools.open(plan); var _ = TaskContext.register(new Follower())) {
            Follower.follow(ends, () -> {
                Kept kept = Kept.of(pool, 1000);
                assertThat(kept.future().get()).isEqualTo(1000);
                isCollected(kept.captured());
                Kept failed = Kept.of(pool, 0);
                assertThat(catchThrowable(failed.future()::get)).hasMessageContaining("nothing");
                isCollected(failed.captured());
                assertThat(failed.future().name()).contains("CapturedObjectTest");
            });
        }
        assertThat(ends.wrong()).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads:1", "threads:1?order=priority", "virtual", "virtual:1", "loop"})
    void isCollectedAfterTheRun(String plan) throws Exception {
        try (Pool pool = Pools.open(plan)) {
            Kept kept = Kept.of(pool, 1000);
            assertThat(kept.future().get()).isEqualTo(1000);
            isCollected(kept.captured());
            assertThat(kept.future().name()).contains("CapturedObjectTest");
            assertThat(kept.future().toString()).contains("CapturedObjectTest", "SUCCESS");

            Kept failed = Kept.of(pool, 0);
            assertThat(catchThrowable(failed.future()::get)).hasRootCauseMessage("nothing");
            isCollected(failed.captured());
        }
    }

    /** Each lambda has a class of its own, and there are more than a pool knows. */
    private static final List<Task<Integer>> OF_MANY_CLASSES = List.of(
            () -> 0, () -> 1, () -> 2, () -> 3, () -> 4, () -> 5, () -> 6, () -> 7, () -> 8, () -> 9, () -> 10,
            () -> 11, () -> 12,
            () -> 13, () -> 14, () -> 15, () -> 16, () -> 17, () -> 18, () -> 19);

    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads:2", "virtual"})
    void whatIsLeftOfATaskThatSucceededAnswersAsBefore(String plan) throws Exception {
        try (Pool pool = Pools.open(plan)) {
            var futures = new ArrayList<TaskFuture<Integer>>();
            for (int round = 0; round < 3; round++) {
                for (Task<Integer> task : OF_MANY_CLASSES) {
                    futures.add(pool.submit(task));
                }
            }
            for (int i = 0; i < futures.size(); i++) {
                TaskFuture<Integer> future = futures.get(i);
                assertThat(future.get()).isEqualTo(i % OF_MANY_CLASSES.size());
                assertThat(future.name()).isEqualTo("dev.sennit.CapturedObjectTest::lambda");
                assertThat(future.toString())
                        .isEqualTo("TaskFuture[" + future.name() + ", SUCCESS on " + pool.name() + "]");
                assertThat(future.cancel(true)).isFalse();
                assertThat(future.complete(-1)).isFalse();
                assertThat(future.awaitEnd(0, TimeUnit.SECONDS)).isTrue();
                var told = new AtomicInteger();
                future.onDone(done -> told.set(done.resultNow()));
                assertThat(told).hasValue(i % OF_MANY_CLASSES.size());
            }
            assertThat(pool.statistics().succeeded()).isEqualTo(futures.size());
        }
    }

    @Test
    void futuresOfTasksOfOneClassShareWhatIsLeft() throws Exception {
        try (Pool pool = Pools.open("threads:1")) {
            Task<Integer> task = () -> 1;
            TaskFuture<Integer> first = pool.submit(task);
            TaskFuture<Integer> second = pool.submit(task);
            TaskFuture<Integer> named = pool.submit(task, TaskOptions.named("by me"));
            for (TaskFuture<Integer> one : List.of(first, second, named)) {
                one.get();
            }
            assertThat(first.submission()).isSameAs(second.submission()).isNotSameAs(named.submission());
            assertThat(named.name()).isEqualTo("by me");
        }
    }

    private static TaskFuture<Integer> submitWaiting(Pool pool, Captured captured, CountDownLatch began) {
        return pool.submit(() -> {
            began.countDown();
            new CountDownLatch(1).await();
            return captured.length();
        });
    }

    @Test
    void isCollectedAfterARunThatWasStopped() throws Exception {
        try (Pool pool = Pools.open("threads:1")) {
            var began = new CountDownLatch(1);
            var captured = new Captured(new byte[10]);
            TaskFuture<Integer> future = submitWaiting(pool, captured, began);
            WeakReference<Captured> weak = Captured.weak(captured);
            captured = null;
            began.await();
            future.cancel(true);
            future.awaitEnd();
            isCollected(weak);
            assertThat(future.name()).contains("CapturedObjectTest");
        }
    }
}
