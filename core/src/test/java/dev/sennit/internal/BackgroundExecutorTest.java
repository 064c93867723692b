package dev.sennit.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.FailingBackend;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class BackgroundExecutorTest {
    @Test
    void runsOnADaemonThatNeedsNoCarrier() throws Exception {
        Thread thread = runsOn();
        while (thread.isVirtual()) { // all threads are still on their way back from the actions of another test
            thread = runsOn();
        }
        assertThat(thread.isDaemon()).isTrue();
        assertThat(thread.getName()).isEqualTo("sennit-background");
    }

    private static Thread runsOn() throws Exception {
        var ranOn = new CompletableFuture<Thread>();
        BackgroundExecutor.execute(() -> ranOn.complete(Thread.currentThread()));
        return ranOn.get();
    }

    @Test
    void anyNumberRunsAtOnceThoughThreadsAreFew() throws Exception {
        int count = 200;
        var all = new CountDownLatch(count);
        var virtual = new AtomicInteger();
        var ended = new CountDownLatch(count);
        for (int i = 0; i < count; i++) {
            BackgroundExecutor.execute(() -> {
                virtual.addAndGet(Thread.currentThread().isVirtual() ? 1 : 0);
                all.countDown();
                try {
                    all.await(); // each for all others
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
                ended.countDown();
            });
        }
        assertThat(ended.await(30, TimeUnit.SECONDS)).isTrue();
        assertThat(virtual.get()).isGreaterThanOrEqualTo(count - 64).isLessThan(count);
    }

    @Test
    void anActionThatInterruptsItselfLeavesTheNextAlone() throws Exception {
        for (int i = 0; i < 100; i++) {
            var before = new CompletableFuture<Boolean>();
            BackgroundExecutor.execute(() -> {
                before.complete(Thread.currentThread().isInterrupted());
                Thread.currentThread().interrupt();
            });
            assertThat(before.get()).isFalse();
        }
    }

    /** All background threads are busy, and no other thread can start. */
    @Test
    @SuppressWarnings("try") // a backend is in use by being open
    void anActionThatItsCallerRunsIsRunOnceWhateverItThrows() throws Exception {
        int most = 64;
        var busy = new CountDownLatch(most);
        var goOn = new CountDownLatch(1);
        while (busy.getCount() > 0) { // an action of another test may still have a thread
            var began = new CountDownLatch(1);
            BackgroundExecutor.execute(() -> {
                if (!Thread.currentThread().isVirtual()) {
                    busy.countDown();
                }
                began.countDown();
                try {
                    goOn.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            });
            began.await();
        }
        var runs = new AtomicInteger();
        try (var backend = FailingBackend.withoutThreads()) {
            assertThatThrownBy(() -> BackgroundExecutor.execute(() -> {
                runs.incrementAndGet();
                throw new OutOfMemoryError("of the action");
            }))
                    .isInstanceOf(OutOfMemoryError.class)
                    .hasMessage("of the action");
        } finally {
            goOn.countDown();
        }
        assertThat(runs).hasValue(1);
    }
}
