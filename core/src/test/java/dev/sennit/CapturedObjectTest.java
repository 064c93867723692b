package dev.sennit;

import static dev.sennit.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.lang.ref.WeakReference;
import java.util.concurrent.CountDownLatch;
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
