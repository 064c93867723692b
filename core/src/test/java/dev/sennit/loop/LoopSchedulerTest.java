package dev.sennit.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.FailingBackend;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class LoopSchedulerTest {
    @Test
    void aCarrierThatStartsAfterTheEndExitsAndTheEndIsToldOnce() throws Exception {
        try (EventLoop loop = EventLoop.open()) {
            var scheduler = new LoopScheduler(loop);
            var ends = new AtomicInteger();
            try (var _ = FailingBackend.withoutThreads()) {
                scheduler.finish(ends::incrementAndGet);
            }
            assertThat(ends).hasValue(1);

            var carrier = new AtomicReference<Thread>();
            var runs = new CountDownLatch(1);
            scheduler.execute(() -> { // as a thread that coroutines have left behind
                carrier.set(Thread.currentThread());
                runs.countDown();
            });
            runs.await();
            carrier.get().join(30_000);
            assertThat(carrier.get().isAlive()).isFalse();
            assertThat(ends).hasValue(1);
        }
    }
}
