package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Action;
import dev.sennit.TaskFuture;
import dev.sennit.conformance.internal.Conditions;
import dev.sennit.process.ProcessPool;
import dev.sennit.process.WorkerCrashedException;
import dev.sennit.process.WorkerOutput;
import dev.sennit.process.WorkerProcesses;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/**
 * The locks between processes, some of which are killed.
 *
 * <p>The build kills a few. {@code -Dsennit.kills=100} makes a long run of it, and {@code -Dsennit.seed=} repeats one.
 */
@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(120)
class SharedLockIT {
    private static final int KILLS = Integer.getInteger("sennit.kills", 6);

    private static final VarHandle LONGS = JAVA_LONG.varHandle();
    // In the memory that the lock guards.
    private static final long ONE = 0;
    private static final long OTHER = 8;
    private static final long INSIDE = 16;
    // In the memory that it does not.
    private static final long STOP = 24;
    private static final long BROKEN = 32;
    private static final long REPAIRED = 40;
    private static final long ROUNDS = 48;

    private static ProcessPool workers(int count, String... options) {
        return ProcessPool.builder()
                .workers(count)
                .heap("64m")
                .jvmOptions(options)
                .output(WorkerOutput.DISCARD)
                .open();
    }

    /** One round under the lock: two words that always have to be equal, and never two owners. */
    private static void round(SharedLock lock, MemorySegment words, int spins) {
        boolean died = lock.lockRecovering();
        try {
            if (died) {
                words.set(JAVA_LONG, OTHER, words.get(JAVA_LONG, ONE));
                LONGS.setVolatile(words, INSIDE, 0L);
                LONGS.getAndAdd(words, REPAIRED, 1L);
            }
            if (words.get(JAVA_LONG, ONE) != words.get(JAVA_LONG, OTHER)
                    || !LONGS.compareAndSet(words, INSIDE, 0L, ProcessHandle.current().pid())) {
                LONGS.getAndAdd(words, BROKEN, 1L);
            }
            words.set(JAVA_LONG, ONE, words.get(JAVA_LONG, ONE) + 1);
            for (int i = 0; i < spins; i++) {
                Thread.onSpinWait();
            }
            words.set(JAVA_LONG, OTHER, words.get(JAVA_LONG, OTHER) + 1);
            LONGS.setVolatile(words, INSIDE, 0L);
        } finally {
            lock.unlock();
        }
    }

    @Test
    void processesExcludeEachOther() throws Exception {
        SharedLock lock = SharedLock.create();
        try (SharedMemory memory = SharedMemory.create(64);
                ProcessPool pool = workers(2)) {
            Action rounds = () -> {
                for (int i = 0; i < 30_000; i++) {
                    round(lock, memory.segment(), i % 50);
                }
            };
            List<TaskFuture<?>> running = List.of(pool.submit(rounds), pool.submit(rounds));
            rounds.run();
            for (TaskFuture<?> each : running) {
                each.get(60, SECONDS);
            }
            assertThat(memory.segment().get(JAVA_LONG, ONE)).isEqualTo(90_000);
            assertThat(memory.segment().get(JAVA_LONG, BROKEN)).isZero();
            assertThat(memory.segment().get(JAVA_LONG, REPAIRED)).isZero();
        }
    }

    @Test
    void aReentrantOneToo() throws Exception {
        SharedReentrantLock lock = SharedReentrantLock.create();
        try (ProcessPool pool = workers(1)) {
            lock.lock();
            lock.lock();
            assertThat(pool.submit(() -> lock.tryLock()).get(60, SECONDS)).isFalse();
            lock.unlock();
            TaskFuture<Integer> waits = pool.submit(() -> {
                lock.lock();
                lock.lock();
                int holds = lock.getHoldCount();
                lock.unlock();
                lock.unlock();
                return holds;
            });
            lock.unlock();
            assertThat(waits.get(60, SECONDS)).isEqualTo(2);
            assertThat(pool.submit(() -> lock).get(60, SECONDS)).isSameAs(lock);
        }
    }

    /** Which mechanism a process uses has no part in its identity. */
    @Test
    void anOwnerThatUsesTheOtherMechanismIsNotTakenForDead() throws Exception {
        String other = SharedMemory.mechanism() == SharingMechanism.NATIVE ? "portable" : "auto";
        SharedLock here = SharedLock.create();
        SharedLock there = SharedLock.create();
        try (ProcessPool pool = workers(1, "-Dsennit.shared-memory=" + other)) {
            here.lock();
            pool.submit(() -> there.lock()).get(60, SECONDS);
            assertThat(there.tryLock(100, MILLISECONDS)).isFalse();
            assertThat(pool.submit(() -> here.tryLock(100, MILLISECONDS)).get(60, SECONDS)).isFalse();
            here.unlock();
            assertThat(pool.submit(() -> here.tryLock()).get(60, SECONDS)).isTrue();
        }
    }

    @Test
    void whoWaitsHearsThatTheOwnerWasKilled() throws Exception {
        SharedLock lock = SharedLock.create();
        try (ProcessPool pool = workers(1)) {
            long pid = pool.submit(() -> {
                lock.lock();
                return ProcessHandle.current().pid();
            }).get(60, SECONDS);
            assertThat(lock.tryLock()).isFalse();
            var said = new ArrayList<Throwable>();
            Thread waiting = Thread.startVirtualThread(() -> {
                try {
                    lock.lock();
                } catch (OwnerDiedException e) {
                    said.add(e);
                }
            });
            ProcessHandle.of(pid).orElseThrow().destroyForcibly();
            assertThatThrownBy(() -> lock.tryLock(60, SECONDS))
                    .isInstanceOfSatisfying(OwnerDiedException.class, died -> assertThat(died.pid()).isEqualTo(pid));
            waiting.join();
            assertThat(said).hasSize(1);
            assertThat(lock.lockRecovering()).isTrue();
            lock.unlock();
            assertThat(lock.lockRecovering()).isFalse();
            lock.unlock();
        }
    }

    @Test
    void killedAtRandomMomentsNobodyHangsAndNobodyIsInsideWithAnother() throws Exception {
        long seed = Long.getLong("sennit.seed", System.nanoTime());
        System.out.println("SharedLockIT: -Dsennit.seed=" + seed);
        var random = new SplittableRandom(seed);
        SharedLock lock = SharedLock.create();
        int repairedHere = 0;
        try (SharedMemory memory = SharedMemory.create(64);
                ProcessPool pool = workers(2)) {
            MemorySegment words = memory.segment();
            List<TaskFuture<?>> running = new ArrayList<>();
            int kill = 0;
            // Until one has hit an owner: not every one does.
            for (; kill < KILLS || (kill < 20 * KILLS && words.get(JAVA_LONG, REPAIRED) == 0); kill++) {
                // Some rounds of the workers between two kills; this process takes part.
                long until = (long) LONGS.getVolatile(words, ROUNDS) + random.nextInt(1, 2_000);
                while ((long) LONGS.getVolatile(words, ROUNDS) < until) {
                    keepTwoGoing(pool, running, lock, memory, random); // the death of one may be heard of late
                    round(lock, words, random.nextInt(100));
                    LockSupport.parkNanos(random.nextInt(100_000));
                }
                List<ProcessHandle> victims = WorkerProcesses.ofThisJvm();
                if (!victims.isEmpty()) {
                    victims.get(random.nextInt(victims.size())).destroyForcibly();
                }
                try {
                    assertThat(lock.tryLock(60, SECONDS)).as("got the lock after kill %s", kill).isTrue();
                    lock.unlock();
                } catch (OwnerDiedException e) {
                    repairedHere++;
                    round(lock, words, 0);
                }
            }
            LONGS.setVolatile(words, STOP, 1L);
            for (TaskFuture<?> each : running) {
                assertThat(each.handle((value, failure) -> true).get(60, SECONDS)).isTrue();
                assertCrashed(each);
            }
            assertThat(words.get(JAVA_LONG, REPAIRED)).as("kills that hit an owner").isPositive();
            assertThat(words.get(JAVA_LONG, BROKEN)).as("rounds that found the words broken, or an owner inside")
                    .isZero();
            System.out.println("SharedLockIT: " + kill + " kills, " + words.get(JAVA_LONG, REPAIRED)
                    + " while they had the lock, "
                    + repairedHere + " heard of here first, in " + words.get(JAVA_LONG, ROUNDS) + " rounds of workers");
        }
    }

    private static void keepTwoGoing(
            ProcessPool pool, List<TaskFuture<?>> running, SharedLock lock, SharedMemory memory,
            SplittableRandom random) {
        running.stream().filter(TaskFuture::isDone).forEach(SharedLockIT::assertCrashed);
        running.removeIf(TaskFuture::isDone);
        while (running.size() < 2) {
            long seed = random.nextLong();
            running.add(pool.submit(() -> {
                var spins = new SplittableRandom(seed);
                while ((long) LONGS.getVolatile(memory.segment(), STOP) == 0) {
                    round(lock, memory.segment(), spins.nextInt(300));
                    LONGS.getAndAdd(memory.segment(), ROUNDS, 1L);
                }
            }));
        }
    }

    private static void assertCrashed(TaskFuture<?> done) {
        if (done.isCompletedExceptionally()) {
            assertThat(done.exceptionNow()).isInstanceOf(WorkerCrashedException.class);
        }
    }

    @Test
    void whoIsKilledInsideIsAlwaysHeardOf() throws Exception {
        SharedLock lock = SharedLock.create();
        try (SharedMemory memory = SharedMemory.create(64);
                ProcessPool pool = workers(2)) {
            for (int i = 0; i < 2; i++) {
                TaskFuture<?> inside = pool.submit(() -> {
                    lock.lock();
                    LONGS.setVolatile(memory.segment(), INSIDE, 1L);
                    Runtime.getRuntime().halt(9);
                });
                inside.handle((value, failure) -> true).get(60, SECONDS);
                assertThat((long) LONGS.getAndSet(memory.segment(), INSIDE, 0L)).isOne();
                // Another process is the first to look.
                assertThat(pool.submit(() -> {
                    try {
                        lock.lock();
                        return "locked";
                    } catch (OwnerDiedException e) {
                        boolean died = lock.lockRecovering();
                        lock.unlock();
                        return "repaired " + died;
                    }
                }).get(60, SECONDS)).isEqualTo("repaired true");
                lock.lock();
                lock.unlock();
            }
        }
    }

    @Test
    void virtualThreadsThatWaitDoNotHoldTheirCarriers() throws Exception {
        SharedLock lock = SharedLock.create();
        SharedLock other = SharedLock.create();
        try (SharedMemory memory = SharedMemory.create(64);
                ProcessPool pool = workers(1, "-Djdk.virtualThreadScheduler.parallelism=2",
                        "-Djdk.virtualThreadScheduler.maxPoolSize=2")) {
            lock.lock();
            other.lock();
            TaskFuture<Integer> there = pool.submit(() -> {
                var through = new AtomicInteger();
                var waiting = new ArrayList<Thread>();
                for (int i = 0; i < 1_000; i++) {
                    SharedLock wanted = i % 2 == 0 ? lock : other;
                    waiting.add(Thread.startVirtualThread(() -> {
                        wanted.lock();
                        try {
                            Thread.yield();
                            through.incrementAndGet();
                        } finally {
                            wanted.unlock();
                        }
                    }));
                }
                // Others run meanwhile.
                var ran = new CountDownLatch(100);
                for (int i = 0; i < 100; i++) {
                    Thread.startVirtualThread(ran::countDown);
                }
                if (!ran.await(30, TimeUnit.SECONDS) || through.get() != 0) {
                    throw new AssertionError(ran + ", through: " + through);
                }
                LONGS.setVolatile(memory.segment(), STOP, 1L);
                for (Thread thread : waiting) {
                    thread.join();
                }
                return through.get();
            });
            Conditions.await("others ran")
                    .until(() -> there.isDone() || (long) LONGS.getVolatile(memory.segment(), STOP) == 1);
            lock.unlock();
            other.unlock();
            assertThat(there.get(60, SECONDS)).isEqualTo(1_000);
        }
    }

    @Test
    void manyTasksOfBothKindsOfThreadsShareOne() throws Exception {
        SharedLock lock = SharedLock.create();
        try (SharedMemory memory = SharedMemory.create(64);
                ProcessPool pool = workers(2)) {
            List<Integer> done = pool.map(
                    i -> {
                        Thread thread = Thread.ofVirtual().start(() -> {
                            for (int n = 0; n < 500; n++) {
                                round(lock, memory.segment(), n % 20);
                            }
                        });
                        for (int n = 0; n < 500; n++) {
                            round(lock, memory.segment(), n % 20);
                        }
                        thread.join();
                        return i;
                    },
                    IntStream.range(0, 20).boxed().toList());
            assertThat(done).hasSize(20);
            assertThat(memory.segment().get(JAVA_LONG, ONE)).isEqualTo(20_000);
            assertThat(memory.segment().get(JAVA_LONG, BROKEN)).isZero();
        }
    }
}
