package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.util.concurrent.TimeUnit.DAYS;
import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.FailingBackend;
import dev.sennit.conformance.internal.Caller;
import dev.sennit.conformance.internal.Conditions;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Conditions of shared locks among the threads of one JVM. */
@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(60)
class SharedConditionTest {
    private static final long DEAD = 4_194_303;

    private final SharedReentrantLock lock = SharedReentrantLock.create();
    private final Condition condition = lock.newCondition();

    @AfterEach
    void noInterruptIsLeft() {
        assertThat(Thread.interrupted()).isFalse();
    }

    private static void awaitWaiters(AtomicInteger waiters, int count) {
        Conditions.await(count + " wait").until(() -> waiters.get() == count);
    }

    @Test
    void needsTheLock() throws Exception {
        for (Caller<?> call : List.of(
                Caller.of(() -> {
                    condition.await();
                    return 1;
                }),
                Caller.of(() -> condition.awaitNanos(0)),
                Caller.of(() -> {
                    condition.signal();
                    return 1;
                }),
                Caller.of(() -> {
                    condition.signalAll();
                    return 1;
                }))) {
            assertThat(call.failure()).isInstanceOf(IllegalMonitorStateException.class);
        }
    }

    @Test
    void aLimitedWaitEndsWithTheLockAndAllItsHolds() throws Exception {
        lock.lock();
        lock.lock();
        lock.lock();
        assertThat(condition.await(10, MILLISECONDS)).isFalse();
        assertThat(condition.awaitNanos(1_000)).isLessThanOrEqualTo(0);
        assertThat(condition.awaitNanos(-1)).isLessThanOrEqualTo(0);
        assertThat(condition.await(0, DAYS)).isFalse();
        assertThat(condition.awaitUntil(new Date(System.currentTimeMillis() + 10))).isFalse();
        assertThat(condition.awaitUntil(new Date(0))).isFalse();
        assertThat(lock.getHoldCount()).isEqualTo(3);
        for (int i = 0; i < 3; i++) {
            lock.unlock();
        }
        assertThat(lock.isLocked()).isFalse();
    }

    static java.util.stream.Stream<ThreadFactory> threads() {
        return SharedLockTest.threads();
    }

    @ParameterizedTest
    @MethodSource("threads")
    void itemsGoFromThreadToThread(ThreadFactory threads) throws Exception {
        Condition filled = lock.newCondition();
        Condition emptied = lock.newCondition();
        int[] slot = {0};
        long sum = 0;
        try (var executor = Executors.newThreadPerTaskExecutor(threads)) {
            List<Future<Long>> takers = new ArrayList<>();
            for (int t = 0; t < 2; t++) {
                takers.add(executor.submit(() -> {
                    long taken = 0;
                    for (int i = 0; i < 500; i++) {
                        lock.lock();
                        try {
                            while (slot[0] == 0) {
                                filled.await();
                            }
                            taken += slot[0];
                            slot[0] = 0;
                            emptied.signal();
                        } finally {
                            lock.unlock();
                        }
                    }
                    return taken;
                }));
            }
            executor.submit(() -> {
                for (int i = 1; i <= 1_000; i++) {
                    lock.lock();
                    try {
                        while (slot[0] != 0) {
                            emptied.awaitUninterruptibly();
                        }
                        slot[0] = i;
                        filled.signal();
                    } finally {
                        lock.unlock();
                    }
                }
            }).get(50, TimeUnit.SECONDS);
            for (Future<Long> each : takers) {
                sum += each.get(50, TimeUnit.SECONDS);
            }
        }
        assertThat(sum).isEqualTo(500_500);
    }

    @Test
    void aWaitThatFailsEndsWithTheLockAndLeavesNoWaiter() throws Exception {
        for (int look = 2; look < 5; look++) { // the first one begins the time limit
            lock.lock();
            lock.lock();
            try (var clock = new FailingClock(look)) {
                assertThatThrownBy(() -> condition.await(1, DAYS)).isInstanceOf(FailingClock.NoMemory.class);
                assertThat(clock.hasFailed()).isTrue();
            }
            assertThat(lock.getHoldCount()).isEqualTo(2);
            lock.unlock();
            lock.unlock();
            assertThat(lock.tryLock()).isTrue();
            lock.unlock();
        }
        var waiters = new AtomicInteger();
        Caller<Boolean> waiting = Caller.of(() -> {
            lock.lock();
            try {
                waiters.incrementAndGet();
                return condition.await(1, DAYS);
            } finally {
                lock.unlock();
            }
        });
        awaitWaiters(waiters, 1);
        lock.lock();
        condition.signal();
        lock.unlock();
        assertThat(waiting.result()).as("no wait that failed takes the signal").isTrue();
    }

    @Test
    void aVirtualThreadWaitsAlsoWhereNoThreadCanBeHad() throws Exception {
        var waiters = new AtomicInteger();
        try (var _ = FailingBackend.withoutThreads(thread -> thread.getName().equals("sennit-futex"))) {
            Caller<Boolean> waiting = Caller.on(Thread.ofVirtual().factory(), () -> {
                lock.lock();
                try {
                    waiters.incrementAndGet();
                    return condition.await(1, DAYS);
                } finally {
                    lock.unlock();
                }
            });
            awaitWaiters(waiters, 1);
            lock.lock();
            condition.signal();
            lock.unlock();
            assertThat(waiting.result()).isTrue();
        }
    }

    /** No entry is free, and the one whose process is dead has a signal for another waiter. */
    @Test
    void aSignalOfADeadProcessIsNotLostWithItsEntry() {
        MemorySegment memory = Arena.ofAuto().allocate(ConditionWaiters.BYTES, 8);
        var waiters = new ConditionWaiters(memory);
        long first = waiters.claim(0);
        long second = waiters.claim(1);
        long last = second;
        for (long entry = second; entry != 0; entry = waiters.claim(1)) {
            last = entry;
        }
        waiters.signal(0);
        memory.set(JAVA_LONG, first, DEAD);
        assertThat(waiters.claim(1)).as("no entry").isZero();
        memory.set(JAVA_LONG, last, DEAD);
        assertThat(waiters.claim(1)).as("the entry of a dead one without a signal").isEqualTo(last);
        assertThat(waiters.takeOver(0)).isTrue();
        assertThat(waiters.claim(1)).isEqualTo(first);
    }

    @Test
    void signalAllWakesAll() throws Exception {
        var waiters = new AtomicInteger();
        boolean[] go = {false};
        List<Caller<Boolean>> all = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            all.add(Caller.of(() -> {
                lock.lock();
                waiters.incrementAndGet();
                while (!go[0]) {
                    condition.await();
                }
                boolean held = lock.isHeldByCurrentThread();
                lock.unlock();
                return held;
            }));
        }
        awaitWaiters(waiters, 5);
        lock.lock();
        go[0] = true;
        condition.signalAll();
        assertThat(all).noneMatch(Caller::isDone);
        lock.unlock();
        for (Caller<Boolean> each : all) {
            assertThat(each.result()).isTrue();
        }
    }

    @Test
    void anInterruptEndsAWaitThatHeedsItWithTheLock() throws Exception {
        var waiters = new AtomicInteger();
        var heeds = Caller.of(() -> {
            lock.lock();
            waiters.incrementAndGet();
            try {
                while (true) {
                    condition.await();
                }
            } finally {
                lock.unlock(); // would throw if it did not have it
            }
        });
        awaitWaiters(waiters, 1);
        heeds.interrupt();
        assertThat(heeds.failure()).isInstanceOf(InterruptedException.class);
        assertThat(lock.isLocked()).isFalse();

        boolean[] go = {false};
        var doesNot = Caller.of(() -> {
            lock.lock();
            waiters.incrementAndGet();
            while (!go[0]) {
                condition.awaitUninterruptibly();
            }
            lock.unlock();
            return Thread.currentThread().isInterrupted();
        });
        awaitWaiters(waiters, 2);
        doesNot.interrupt();
        lock.lock();
        go[0] = true;
        condition.signal();
        lock.unlock();
        assertThat(doesNot.result()).isTrue();

        Thread.currentThread().interrupt();
        lock.lock();
        assertThatThrownBy(condition::await).isInstanceOf(InterruptedException.class);
        assertThat(lock.getHoldCount()).isOne();
        lock.unlock();
    }

    @Test
    void whoWaitsHearsOfADeadOwnerHasTheLockAndLeavesItDamaged() throws Exception {
        SharedMemory memory = SharedMemory.createCollected(AbstractSharedLock.BYTES);
        SharedLock other = memory.as(SharedLock.class, SharedLock::new);
        Condition changed = other.newCondition();
        var waiters = new AtomicInteger();
        var died = Caller.of(() -> {
            other.lock();
            try {
                waiters.incrementAndGet();
                while (true) {
                    changed.await();
                }
            } catch (OwnerDiedException e) {
                return other.isHeldByCurrentThread() ? e.pid() : 0;
            } finally {
                other.unlock();
            }
        });
        awaitWaiters(waiters, 1);
        other.lock(); // so it has begun to wait
        memory.segment().set(JAVA_LONG, 0, DEAD);
        assertThat(died.result()).isEqualTo(DEAD);
        assertThatThrownBy(other::lock)
                .isInstanceOfSatisfying(OwnerDiedException.class, e -> assertThat(e.pid()).isEqualTo(DEAD));
        assertThat(other.lockRecovering()).isTrue();
        other.unlock();
        other.lock();
        other.unlock();
    }

    @Test
    void aLockHasRoomForSixty() {
        for (int i = 1; i < 60; i++) {
            assertThat(lock.newCondition()).isNotNull();
        }
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(lock::newCondition).isInstanceOf(IllegalStateException.class).hasMessageContaining("60");
        }
    }

    @Test
    void isTheSameWhereverItComes() throws Exception {
        var bytes = new ByteArrayOutputStream();
        new ObjectOutputStream(bytes).writeObject(condition);
        var come = (Condition) new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray())).readObject();
        assertThat(come).hasToString("SharedCondition[0 of SharedReentrantLock[free]]")
                .hasToString(condition.toString());
        var waiters = new AtomicInteger();
        var waiting = Caller.of(() -> {
            lock.lock();
            waiters.incrementAndGet();
            boolean signalled = condition.await(1, DAYS);
            lock.unlock();
            return signalled;
        });
        awaitWaiters(waiters, 1);
        lock.lock();
        come.signal();
        lock.unlock();
        assertThat(waiting.result()).isTrue();
    }

    /** A signal that also woke others was seen within some milliseconds: each waits for many of those. */
    @ParameterizedTest
    @MethodSource("threads")
    void oneSignalWakesOne(ThreadFactory threads) throws Exception {
        var waiting = new AtomicInteger();
        var signals = new AtomicInteger();
        var woken = new AtomicInteger();
        List<Caller<Integer>> waiters = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            waiters.add(Caller.on(threads, () -> {
                lock.lock();
                try {
                    waiting.incrementAndGet();
                    condition.await();
                    int mine = woken.incrementAndGet();
                    return mine <= signals.get() ? mine : -1;
                } finally {
                    lock.unlock();
                }
            }));
        }
        awaitWaiters(waiting, 20);
        for (int i = 1; i <= 20; i++) {
            int count = i;
            lock.lock();
            try {
                signals.incrementAndGet();
                condition.signal();
            } finally {
                lock.unlock();
            }
            Conditions.await("one is woken").until(() -> woken.get() >= count);
        }
        for (Caller<Integer> waiter : waiters) {
            assertThat(waiter.result()).as("woken by a signal").isPositive();
        }
    }

    /** A wait that ends by itself takes no signal with it; nor does one of a process that died. */
    @Test
    void aSignalGoesToOneWhoStillWaits() throws Exception {
        lock.lock();
        assertThat(condition.awaitNanos(1)).isLessThanOrEqualTo(0);
        lock.unlock();
        var waiting = new AtomicInteger();
        var dead = new ConditionWaiters(lock.waitersMemory());
        lock.lock();
        long entry = dead.claim(0);
        lock.waitersMemory().set(JAVA_LONG, entry, DEAD);
        lock.unlock();
        Caller<Boolean> waiter = Caller.of(() -> {
            lock.lock();
            try {
                waiting.incrementAndGet();
                return condition.await(1, DAYS);
            } finally {
                lock.unlock();
            }
        });
        awaitWaiters(waiting, 1);
        lock.lock();
        condition.signal();
        lock.unlock();
        assertThat(waiter.result()).isTrue();
    }
}
