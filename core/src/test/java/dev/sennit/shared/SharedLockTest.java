package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.util.concurrent.TimeUnit.DAYS;
import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.conformance.internal.Caller;
import dev.sennit.conformance.internal.Conditions;
import dev.sennit.internal.machine.ProcessIdentity;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The locks among the threads of one JVM; a process that died is a number that no process has. */
@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(60)
class SharedLockTest {
    private static final long DEAD = 4_194_303; // as a number, the largest there is; started when the machine did

    /** A lock, and the memory it lies in. */
    record Made(AbstractSharedLock lock, SharedMemory memory) {
        static Made of(Function<SharedMemory, AbstractSharedLock> kind) {
            SharedMemory memory = SharedMemory.createCollected(AbstractSharedLock.BYTES);
            return new Made(memory.as(AbstractSharedLock.class, kind), memory);
        }

        /** What a process leaves that is killed while it has the lock. */
        void killOwner() {
            memory.segment().set(JAVA_LONG, 0, DEAD);
        }

        @Override
        public String toString() {
            return lock.getClass().getSimpleName();
        }
    }

    static Stream<Made> kinds() {
        return Stream.of(Made.of(SharedLock::new), Made.of(SharedReentrantLock::new));
    }

    static Stream<ThreadFactory> threads() {
        return Stream.of(Thread.ofPlatform().daemon().factory(), Thread.ofVirtual().factory());
    }

    @AfterEach
    void noInterruptIsLeft() {
        assertThat(Thread.interrupted()).isFalse();
    }

    private static boolean elsewhere(AbstractSharedLock wanted) throws Exception {
        return Caller.of(() -> {
            boolean locked = wanted.tryLock();
            if (locked) {
                wanted.unlock();
            }
            return locked;
        })
                .result();
    }

    /** Until a thread waits for the word of a lock, or in the queue of those that do. */
    private static void awaitWaiting(Thread thread) {
        Conditions.await(thread + " waits").until(() -> Stream.of(thread.getStackTrace())
                .anyMatch(frame -> frame.getMethodName().equals("acquire")));
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void oneThreadAtATimeHasIt(Made made) throws Exception {
        AbstractSharedLock lock = made.lock;
        assertThat(lock.isLocked()).isFalse();
        assertThat(lock).hasToString(made + "[free]");
        lock.lock();
        assertThat(lock.isLocked()).isTrue();
        assertThat(lock.isHeldByCurrentThread()).isTrue();
        assertThat(lock).hasToString(made + "[locked by process " + ProcessHandle.current().pid() + "]");
        assertThat(Caller.of(lock::isHeldByCurrentThread).result()).isFalse();
        assertThat(elsewhere(lock)).isFalse();
        lock.unlock();
        assertThat(lock.isHeldByCurrentThread()).isFalse();
        assertThat(elsewhere(lock)).isTrue();
        assertThat(lock.lockRecovering()).isFalse();
        lock.unlock();
        lock.lockInterruptibly();
        lock.unlock();
        assertThat(lock.tryLock(0, SECONDS)).isTrue();
        lock.unlock();
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void onlyWhoHasItUnlocksIt(Made made) throws Exception {
        AbstractSharedLock lock = made.lock;
        assertThatThrownBy(lock::unlock).isInstanceOf(IllegalMonitorStateException.class).hasMessageContaining("free");
        lock.lock();
        assertThat(Caller.of(() -> {
            lock.unlock();
            return true;
        })
                .failure()).isInstanceOf(IllegalMonitorStateException.class);
        assertThat(lock.isHeldByCurrentThread()).isTrue();
        lock.unlock();
        assertThatThrownBy(lock::unlock).isInstanceOf(IllegalMonitorStateException.class);
    }

    @Test
    void whoHasItDoesNotWaitForItself() throws Exception {
        SharedLock lock = SharedLock.create();
        lock.lock();
        assertThatThrownBy(lock::lock).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("SharedReentrantLock");
        assertThatThrownBy(lock::lockInterruptibly).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(lock::lockRecovering).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> lock.tryLock(1, DAYS)).isInstanceOf(IllegalStateException.class);
        assertThat(lock.tryLock()).isFalse();
        assertThat(lock.isHeldByCurrentThread()).isTrue();
        lock.unlock();
        assertThat(elsewhere(lock)).isTrue();
    }

    @Test
    void aReentrantOneIsUnlockedAsOftenAsItWasLocked() throws Exception {
        SharedReentrantLock lock = SharedReentrantLock.create();
        assertThat(lock.getHoldCount()).isZero();
        lock.lock();
        lock.lockInterruptibly();
        assertThat(lock.tryLock()).isTrue();
        assertThat(lock.tryLock(1, DAYS)).isTrue();
        assertThat(lock.lockRecovering()).isFalse();
        assertThat(Caller.of(lock::getHoldCount).result()).isZero();
        for (int holds = 5; holds > 0; holds--) {
            assertThat(lock.getHoldCount()).isEqualTo(holds);
            assertThat(elsewhere(lock)).isFalse();
            lock.unlock();
        }
        assertThat(lock.getHoldCount()).isZero();
        assertThat(elsewhere(lock)).isTrue();
        assertThatThrownBy(lock::unlock).isInstanceOf(IllegalMonitorStateException.class);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void aLimitedWaitEnds(Made made) throws Exception {
        AbstractSharedLock lock = made.lock;
        lock.lock();
        assertThat(Caller.of(() -> lock.tryLock(20, MILLISECONDS)).result()).isFalse();
        assertThat(Caller.of(() -> lock.tryLock(-1, DAYS)).result()).isFalse();
        // One that waits first, one behind it.
        var first = Caller.of(() -> lock.tryLock(100, MILLISECONDS));
        assertThat(Caller.of(() -> lock.tryLock(10, MILLISECONDS)).result()).isFalse();
        assertThat(first.result()).isFalse();
        lock.unlock();
    }

    @ParameterizedTest
    @MethodSource("threads")
    void anInterruptEndsAWaitThatHeedsIt(ThreadFactory threads) throws Exception {
        SharedLock lock = SharedLock.create();
        lock.lock();
        for (int i = 0; i < 2; i++) { // in the kernel, and in the queue of this process
            boolean limited = i == 0;
            var failures = new ArrayList<AtomicReference<Throwable>>();
            var waiting = new ArrayList<Thread>();
            for (int n = 0; n < 3; n++) {
                var failure = new AtomicReference<Throwable>();
                failures.add(failure);
                waiting.add(threads.newThread(() -> {
                    try {
                        if (!limited) {
                            lock.lockInterruptibly();
                        } else if (!lock.tryLock(1, DAYS)) {
                            throw new AssertionError("a day is over");
                        }
                    } catch (Throwable e) {
                        failure.set(e);
                    }
                }));
                waiting.getLast().start();
                awaitWaiting(waiting.getLast());
            }
            for (Thread thread : waiting.reversed()) {
                thread.interrupt();
                assertThat(thread.join(java.time.Duration.ofSeconds(30))).isTrue();
            }
            assertThat(failures)
                    .allSatisfy(failure -> assertThat(failure.get()).isInstanceOf(InterruptedException.class));
        }
        lock.unlock();
        assertThat(elsewhere(lock)).isTrue();
    }

    @ParameterizedTest
    @MethodSource("threads")
    void anInterruptDoesNotEndLockAndIsKept(ThreadFactory threads) throws Exception {
        SharedLock lock = SharedLock.create();
        lock.lock();
        var seen = new ArrayList<Boolean>();
        Thread waiting = threads.newThread(() -> {
            lock.lock();
            seen.add(Thread.currentThread().isInterrupted());
            lock.unlock();
        });
        waiting.start();
        awaitWaiting(waiting);
        waiting.interrupt();
        Thread.sleep(10);
        assertThat(waiting.isAlive()).isTrue();
        lock.unlock();
        assertThat(waiting.join(java.time.Duration.ofSeconds(30))).isTrue();
        assertThat(seen).containsExactly(true);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void anInterruptBeforeIsHeededOrKept(Made made) {
        AbstractSharedLock lock = made.lock;
        Thread.currentThread().interrupt();
        assertThatThrownBy(lock::lockInterruptibly).isInstanceOf(InterruptedException.class);
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> lock.tryLock(0, SECONDS)).isInstanceOf(InterruptedException.class);
        Thread.currentThread().interrupt();
        assertThat(lock.tryLock()).isTrue();
        lock.unlock();
        lock.lock();
        lock.unlock();
        assertThat(Thread.interrupted()).isTrue();
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void everybodyHearsOfADeadOwnerUntilSomebodyHasRepairedIt(Made made) throws Exception {
        AbstractSharedLock lock = made.lock;
        for (int i = 0; i < 2; i++) {
            made.killOwner();
            assertThatThrownBy(lock::lock)
                    .isInstanceOfSatisfying(OwnerDiedException.class, died -> assertThat(died.pid()).isEqualTo(DEAD))
                    .hasMessageContaining("process " + DEAD + " died");
            assertThat(lock.isHeldByCurrentThread()).isFalse();
            assertThat(lock.isLocked()).isFalse();
            assertThat(lock).hasToString(made + "[damaged by the death of process " + DEAD + "]");
            assertThatThrownBy(lock::lockInterruptibly).isInstanceOf(OwnerDiedException.class);
            assertThatThrownBy(lock::tryLock).isInstanceOf(OwnerDiedException.class);
            assertThatThrownBy(() -> lock.tryLock(1, DAYS)).isInstanceOf(OwnerDiedException.class);
            assertThat(lock.lockRecovering()).isTrue();
            assertThat(lock.isHeldByCurrentThread()).isTrue();
            assertThat(elsewhere(lock)).isFalse();
            lock.unlock();
            assertThat(lock.lockRecovering()).isFalse();
            lock.unlock();
            lock.lock();
            lock.unlock();
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void whoRepairsAndDiesLeavesItToTheNext(Made made) {
        made.killOwner();
        assertThat(made.lock.lockRecovering()).isTrue();
        made.killOwner();
        assertThatThrownBy(made.lock::lock).isInstanceOf(OwnerDiedException.class);
        assertThat(made.lock.lockRecovering()).isTrue();
        made.lock.unlock();
        made.lock.lock();
        made.lock.unlock();
    }

    @Test
    void tryLockAloneNoticesADeadOwner() {
        Made made = Made.of(SharedLock::new);
        made.killOwner();
        Conditions.await("it is noticed").until(() -> {
            try {
                return made.lock.tryLock();
            } catch (OwnerDiedException e) {
                return true;
            }
        });
        assertThat(made.lock.isHeldByCurrentThread()).isFalse();
    }

    @Test
    void aProcessOfTheSameNumberThatStartedAtAnotherTimeIsAnother() {
        assertThat(ProcessIdentity.isAlive(ProcessIdentity.SELF)).isTrue();
        assertThat(ProcessIdentity.pid(ProcessIdentity.SELF)).isEqualTo(ProcessHandle.current().pid());
        assertThat(ProcessIdentity.SELF & ProcessIdentity.SPARE).isZero();
        assertThat(ProcessIdentity.isAlive(ProcessIdentity.SELF ^ 1L << 22)).isFalse();
        assertThat(ProcessIdentity.isAlive(ProcessIdentity.SELF ^ 1L << 32)).isFalse();
        Made made = Made.of(SharedLock::new);
        made.memory.segment().set(JAVA_LONG, 0, ProcessIdentity.SELF ^ 1L << 32);
        assertThatThrownBy(made.lock::lock).isInstanceOf(OwnerDiedException.class);
    }

    /** The next owner is of this process, and has not written its thread yet; thread ids repeat between JVMs. */
    @Test
    void aDeadOwnersThreadIsNotTakenForTheOneWithTheSameIdHere() {
        Made made = Made.of(SharedLock::new);
        long here = Thread.currentThread().threadId();
        made.memory.segment().set(JAVA_LONG, 0, ProcessIdentity.SELF);
        made.memory.segment().set(JAVA_LONG, 8, LockWord.markOf(ProcessIdentity.SELF ^ 1L << 22, here));
        assertThat(made.lock.isHeldByCurrentThread()).as("marked by a process of another number").isFalse();

        made.memory.segment().set(JAVA_LONG, 8, LockWord.markOf(ProcessIdentity.SELF ^ 1L << 32, here));
        assertThat(made.lock.isHeldByCurrentThread()).as("marked by the former process of this number").isFalse();

        made.memory.segment().set(JAVA_LONG, 8, LockWord.markOf(ProcessIdentity.SELF, here));
        assertThat(made.lock.isHeldByCurrentThread()).isTrue();
    }

    @Test
    void allThatWaitHearOfADeadOwner() throws Exception {
        Made made = Made.of(SharedLock::new);
        List<Caller<Void>> waiting = new ArrayList<>();
        made.lock.lock();
        for (int i = 0; i < 5; i++) {
            waiting.add(Caller.of(() -> {
                made.lock.lock();
                return null;
            }));
        }
        made.killOwner();
        for (Caller<Void> each : waiting) {
            assertThat(each.failure()).isInstanceOf(OwnerDiedException.class);
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void isTheSameObjectHoweverOftenItComes(Made made) throws Exception {
        var bytes = new ByteArrayOutputStream();
        new ObjectOutputStream(bytes).writeObject(made.lock);
        for (int i = 0; i < 2; i++) {
            assertThat(new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray())).readObject())
                    .isSameAs(made.lock);
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void threadsThatContendLoseNothing(ThreadFactory threads) throws Exception {
        SharedLock lock = SharedLock.create();
        SharedMemory count = SharedMemory.create(4);
        try (var executor = Executors.newThreadPerTaskExecutor(threads)) {
            for (int i = 0; i < 20; i++) {
                executor.submit(() -> {
                    for (int n = 0; n < 1_000; n++) {
                        lock.lock();
                        count.segment().set(JAVA_INT, 0, count.segment().get(JAVA_INT, 0) + 1);
                        lock.unlock();
                    }
                });
            }
        }
        assertThat(count.segment().get(JAVA_INT, 0)).isEqualTo(20_000);
        count.close();
    }
}
