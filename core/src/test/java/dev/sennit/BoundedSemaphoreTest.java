package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.conformance.internal.Caller;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class BoundedSemaphoreTest {
    @Test
    void givesOutAsManyAsItHas() throws Exception {
        var semaphore = new BoundedSemaphore(2);
        semaphore.acquire();
        assertThat(semaphore.tryAcquire()).isTrue();
        assertThat(semaphore.tryAcquire()).isFalse();
        assertThat(semaphore.tryAcquire(Duration.ofMillis(1))).isFalse();
        assertThat(semaphore).hasToString("BoundedSemaphore[0 of 2 free]");
        semaphore.release();
        assertThat(semaphore.tryAcquire(Duration.ofMillis(1))).isTrue();
        semaphore.release();
        semaphore.release();
        assertThat(semaphore.availablePermits()).isEqualTo(2);
    }

    @Test
    void oneReleaseTooManyIsAnErrorAndChangesNothing() throws Exception {
        var semaphore = new BoundedSemaphore(1);
        assertThatThrownBy(semaphore::release)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("released more often than acquired: all 1 permits are free");
        semaphore.acquire();
        semaphore.release();
        assertThatThrownBy(semaphore::release).isInstanceOf(IllegalStateException.class);
        assertThat(semaphore.availablePermits()).isOne();
        assertThatThrownBy(() -> new BoundedSemaphore(0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void theBoundHoldsAmongManyThreads() throws Exception {
        var semaphore = new BoundedSemaphore(3);
        var inside = new AtomicInteger();
        var most = new AtomicInteger();
        var refused = new AtomicInteger();
        List<Caller<Integer>> all = new ArrayList<>();
        for (int t = 0; t < 6; t++) {
            boolean rogue = t == 5;
            all.add(Caller.of(() -> {
                for (int i = 0; i < 2_000; i++) {
                    semaphore.acquire();
                    most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                    inside.decrementAndGet();
                    semaphore.release();
                    if (rogue && inside.get() == 0) {
                        assertThat(semaphore.availablePermits()).isLessThanOrEqualTo(3);
                    }
                }
                return 0;
            }));
        }
        for (Caller<Integer> one : all) {
            one.result();
        }
        assertThat(most.get()).isBetween(1, 3);
        assertThat(semaphore.availablePermits()).isEqualTo(3);
        for (int i = 0; i < 5; i++) {
            try {
                semaphore.release();
            } catch (IllegalStateException e) {
                refused.incrementAndGet();
            }
        }
        assertThat(refused).hasValue(5);
    }

    @Test
    void anInterruptedWaiterHasNoPermit() throws Exception {
        var semaphore = new BoundedSemaphore(1);
        Thread.currentThread().interrupt();
        assertThatThrownBy(semaphore::acquire).isInstanceOf(InterruptedException.class);
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> semaphore.tryAcquire(Duration.ofDays(1))).isInstanceOf(InterruptedException.class);
        assertThat(semaphore.availablePermits()).isOne();
        assertThatThrownBy(semaphore::release).isInstanceOf(IllegalStateException.class);
    }
}
