package dev.sennit.shared;

import static java.util.concurrent.TimeUnit.NANOSECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.conformance.internal.Caller;
import dev.sennit.internal.machine.WaitLimit;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Date;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A time limit that is over before a wait begins, however long, ends the wait at once. */
@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(60)
class PastTimeLimitsTest {
    /** What a wait was given for a deadline in the far past. */
    static LongStream nanos() {
        return LongStream.of(Long.MIN_VALUE, Long.MIN_VALUE + 1, -1, 0);
    }

    private static Duration duration(long nanos) {
        return nanos == Long.MIN_VALUE ? Duration.ofSeconds(Long.MIN_VALUE) : Duration.ofNanos(nanos);
    }

    @ParameterizedTest
    @MethodSource("nanos")
    void ofALock(long nanos) throws Exception {
        SharedLock lock = SharedLock.create();
        lock.lock();
        assertThat(Caller.of(() -> lock.tryLock(nanos, NANOSECONDS)).result()).isFalse();
        lock.unlock();
        assertThat(lock.tryLock(nanos, NANOSECONDS)).as("one that is free is taken").isTrue();
    }

    @ParameterizedTest
    @MethodSource("nanos")
    void ofACondition(long nanos) throws Exception {
        SharedLock lock = SharedLock.create();
        Condition condition = lock.newCondition();
        lock.lock();
        assertThat(condition.await(nanos, NANOSECONDS)).isFalse();
        assertThat(condition.awaitNanos(nanos)).isLessThanOrEqualTo(0);
        assertThat(condition.awaitUntil(new Date(nanos))).isFalse();
    }

    @ParameterizedTest
    @MethodSource("nanos")
    void ofAnEvent(long nanos) throws Exception {
        SharedEvent event = SharedEvent.create();
        assertThat(event.await(duration(nanos))).isFalse();
        event.set();
        assertThat(event.await(duration(nanos))).isTrue();
    }

    @ParameterizedTest
    @MethodSource("nanos")
    void ofASemaphore(long nanos) throws Exception {
        SharedSemaphore semaphore = SharedSemaphore.create(0);
        assertThat(semaphore.tryAcquire(nanos, NANOSECONDS)).isFalse();
        SharedBoundedSemaphore bounded = SharedBoundedSemaphore.create(1);
        assertThat(bounded.tryAcquire(duration(nanos))).isTrue();
        assertThat(bounded.tryAcquire(duration(nanos))).isFalse();
    }

    @ParameterizedTest
    @MethodSource("nanos")
    void ofABarrier(long nanos) {
        SharedBarrier barrier = SharedBarrier.create(2);
        assertThatThrownBy(() -> barrier.await(nanos, NANOSECONDS)).isInstanceOf(TimeoutException.class);
        assertThat(barrier.isBroken()).isTrue();
    }

    @ParameterizedTest
    @MethodSource("nanos")
    void ofAQueue(long nanos) throws Exception {
        SharedQueue<Integer> queue = SharedQueue.create(1, 1 << 12);
        assertThat(queue.poll(nanos, NANOSECONDS)).isNull();
        assertThat(queue.offer(1, nanos, NANOSECONDS)).isTrue();
        assertThat(queue.offer(2, nanos, NANOSECONDS)).isFalse();
        assertThat(queue.join(duration(nanos))).isFalse();
    }

    @ParameterizedTest
    @MethodSource("nanos")
    void ofALockOnAFile(long nanos, @TempDir Path folder) throws Exception {
        InterProcessReadWriteLock locks = InterProcessReadWriteLock.at(folder.resolve("lock"));
        try (var other = java.nio.channels.FileChannel.open(
                folder.resolve("lock"), java.nio.file.StandardOpenOption.CREATE,
                java.nio.file.StandardOpenOption.WRITE);
                var held = other.lock()) {
            assertThat(held.isValid()).isTrue();
            assertThat(locks.writeLock().tryLock(nanos, NANOSECONDS)).isFalse();
            assertThat(locks.readLock().tryLock(nanos, NANOSECONDS)).isFalse();
        }
        assertThat(locks.writeLock().tryLock(nanos, NANOSECONDS)).isTrue();
        locks.writeLock().unlock();
    }

    @Test
    void leaveNothingOfATimeThatWasOver() {
        var limit = new WaitLimit(Long.MIN_VALUE);
        assertThat(limit.left()).isLessThanOrEqualTo(0);
        assertThat(limit.isOver()).isTrue();
        assertThat(WaitLimit.until(new Date(Long.MIN_VALUE)).isOver()).isTrue();
        assertThat(WaitLimit.until(new Date(Long.MAX_VALUE)).isOver()).isFalse();
        assertThat(new WaitLimit(Long.MAX_VALUE).left()).isGreaterThan(Long.MAX_VALUE / 2);
        assertThat(limit.waited()).isGreaterThanOrEqualTo(0);
    }
}
