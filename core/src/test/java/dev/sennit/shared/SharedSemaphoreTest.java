package dev.sennit.shared;

import static java.util.concurrent.TimeUnit.DAYS;
import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.conformance.internal.Caller;
import dev.sennit.conformance.internal.Conditions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Both semaphores among the threads of one JVM. */
@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(60)
class SharedSemaphoreTest {
    static Stream<ThreadFactory> threads() {
        return SharedLockTest.threads();
    }

    @AfterEach
    void noInterruptIsLeft() {
        assertThat(Thread.interrupted()).isFalse();
    }

    @Test
    void permitsAreTakenAndGiven() throws Exception {
        SharedSemaphore semaphore = SharedSemaphore.create(3);
        assertThat(semaphore).hasToString("SharedSemaphore[3 free]");
        semaphore.acquire();
        semaphore.acquireUninterruptibly(2);
        assertThat(semaphore.tryAcquire()).isFalse();
        assertThat(semaphore.tryAcquire(0)).isTrue();
        assertThat(semaphore.tryAcquire(10, MILLISECONDS)).isFalse();
        assertThat(semaphore.tryAcquire(2, -1, DAYS)).isFalse();
        semaphore.release(5);
        assertThat(semaphore.availablePermits()).as("no bound").isEqualTo(5);
        assertThat(semaphore.tryAcquire(6)).isFalse();
        assertThat(semaphore.tryAcquire(4, 1, DAYS)).isTrue();
        assertThat(semaphore.drainPermits()).isOne();
        assertThat(semaphore.drainPermits()).isZero();
    }

    @Test
    void badNumbers() {
        SharedSemaphore semaphore = SharedSemaphore.create(1);
        assertThatThrownBy(() -> SharedSemaphore.create(-1)).hasMessage("permits must be >= 0, was -1");
        assertThatThrownBy(() -> semaphore.acquire(-1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> semaphore.tryAcquire(-1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> semaphore.release(-1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> semaphore.release(Integer.MAX_VALUE)).isInstanceOf(ArithmeticException.class);
        assertThat(semaphore.availablePermits()).isOne();
        assertThatThrownBy(() -> SharedBoundedSemaphore.create(0)).hasMessage("permits must be >= 1, was 0");
    }

    @Test
    void whoWaitsGetsWhatIsGiven() throws Exception {
        SharedSemaphore semaphore = SharedSemaphore.create(0);
        var waiting = Caller.of(() -> {
            semaphore.acquire(3);
            return true;
        });
        semaphore.release();
        semaphore.release();
        Thread.sleep(10);
        assertThat(waiting.isDone()).isFalse();
        semaphore.release();
        assertThat(waiting.result()).isTrue();
        assertThat(semaphore.availablePermits()).isZero();
    }

    @ParameterizedTest
    @MethodSource("threads")
    void anInterruptEndsAWaitThatHeedsItAndIsKeptByOneThatDoesNot(ThreadFactory threads) throws Exception {
        SharedSemaphore semaphore = SharedSemaphore.create(0);
        SharedBoundedSemaphore bounded = SharedBoundedSemaphore.create(1);
        bounded.acquire();
        var ended = new AtomicInteger();
        var kept = new AtomicInteger();
        List<Thread> waiting = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            boolean one = i % 2 == 0;
            waiting.add(threads.newThread(() -> {
                try {
                    if (one) {
                        semaphore.acquire();
                    } else {
                        bounded.acquire();
                    }
                } catch (InterruptedException e) {
                    ended.incrementAndGet();
                }
            }));
        }
        waiting.add(threads.newThread(() -> {
            semaphore.acquireUninterruptibly();
            kept.addAndGet(Thread.interrupted() ? 1 : 0);
        }));
        for (Thread thread : waiting) {
            thread.start();
        }
        for (Thread thread : waiting) {
            Conditions.await("waits").until(() -> Stream.of(thread.getStackTrace())
                    .anyMatch(frame -> frame.getMethodName().equals("tryInTurn")));
            thread.interrupt();
        }
        Conditions.await("interrupted").until(() -> ended.get() == 4);
        semaphore.release();
        assertThat(waiting.getLast().join(Duration.ofSeconds(30))).isTrue();
        assertThat(kept).hasValue(1);
        bounded.release();
        assertThat(bounded.tryAcquire()).isTrue();

        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> semaphore.tryAcquire(0, DAYS)).isInstanceOf(InterruptedException.class);
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> bounded.tryAcquire(Duration.ZERO)).isInstanceOf(InterruptedException.class);
    }

    @Test
    void oneReleaseTooManyIsRefused() throws Exception {
        SharedBoundedSemaphore seats = SharedBoundedSemaphore.create(2);
        assertThatThrownBy(seats::release).isInstanceOf(IllegalStateException.class);
        seats.acquire();
        assertThat(seats.tryAcquire(Duration.ofDays(1))).isTrue();
        assertThat(seats.tryAcquire()).isFalse();
        assertThat(seats.tryAcquire(Duration.ofMillis(10))).isFalse();
        assertThat(seats).hasToString("SharedBoundedSemaphore[0 of 2 free]");
        assertThat(seats.reclaim()).isZero();
        Caller.of(() -> {
            seats.release();
            return 1;
        }).result(); // any thread of the process
        seats.release();
        assertThatThrownBy(seats::release)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("released more often than acquired: this process has none of the 2 permits");
        assertThat(seats.availablePermits()).isEqualTo(2);
    }

    @ParameterizedTest
    @MethodSource("threads")
    void noMoreThanItsPermitsAreInside(ThreadFactory threads) throws Exception {
        SharedSemaphore semaphore = SharedSemaphore.create(3);
        SharedBoundedSemaphore bounded = SharedBoundedSemaphore.create(3);
        var inside = new AtomicInteger();
        var most = new AtomicInteger();
        try (var executor = Executors.newThreadPerTaskExecutor(threads)) {
            for (int i = 0; i < 20; i++) {
                boolean one = i % 2 == 0;
                executor.submit(() -> {
                    for (int n = 0; n < 100; n++) {
                        if (one) {
                            semaphore.acquire();
                        } else {
                            bounded.acquire();
                        }
                        most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                        Thread.yield();
                        inside.decrementAndGet();
                        if (one) {
                            semaphore.release();
                        } else {
                            bounded.release();
                        }
                    }
                    return null;
                });
            }
        }
        assertThat(most.get()).isBetween(1, 6);
        assertThat(semaphore.availablePermits()).isEqualTo(3);
        assertThat(bounded.availablePermits()).isEqualTo(3);
    }
}
