package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Action;
import dev.sennit.TaskFuture;
import dev.sennit.conformance.internal.Caller;
import dev.sennit.conformance.internal.Conditions;
import dev.sennit.process.ProcessPool;
import dev.sennit.process.WorkerCrashedException;
import dev.sennit.process.WorkerOutput;
import dev.sennit.process.WorkerProcesses;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/**
 * Conditions, semaphores, events and barriers between processes, some of which are killed; {@code -Dsennit.kills=100}
 * makes a long run of it, and {@code -Dsennit.seed=} repeats one.
 */
@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(120)
class SharedSynchronizersIT {
    private static final int KILLS = Integer.getInteger("sennit.kills", 3);
    private static final VarHandle INTS = JAVA_INT.varHandle();

    private static ProcessPool pool;

    @BeforeAll
    static void start() {
        pool = ProcessPool.builder().workers(2).heap("64m").output(WorkerOutput.DISCARD).open();
    }

    @AfterAll
    static void stop() {
        pool.close();
    }

    private static void halt() {
        Runtime.getRuntime().halt(9);
    }

    private static void awaitCrash(TaskFuture<?> task) throws Exception {
        assertThat(task.handle((value, failure) -> failure).get(60, SECONDS))
                .isInstanceOf(WorkerCrashedException.class);
    }

    @Test
    void aConditionIsSignalledFromAnotherProcess() throws Exception {
        SharedLock lock = SharedLock.create();
        SharedCondition filled = lock.newCondition();
        SharedCondition emptied = lock.newCondition();
        try (SharedMemory slot = SharedMemory.create(4)) {
            TaskFuture<Integer> sum = pool.submit(() -> {
                int taken = 0;
                for (int i = 0; i < 1_000; i++) {
                    lock.lock();
                    try {
                        while (slot.segment().get(JAVA_INT, 0) == 0) {
                            filled.await();
                        }
                        taken += slot.segment().get(JAVA_INT, 0);
                        slot.segment().set(JAVA_INT, 0, 0);
                        emptied.signal();
                    } finally {
                        lock.unlock();
                    }
                }
                return taken;
            });
            for (int i = 1; i <= 1_000; i++) {
                lock.lock();
                try {
                    while (slot.segment().get(JAVA_INT, 0) != 0) {
                        emptied.await();
                    }
                    slot.segment().set(JAVA_INT, 0, i);
                    filled.signal();
                } finally {
                    lock.unlock();
                }
            }
            assertThat(sum.get(60, SECONDS)).isEqualTo(500_500);
        }
    }

    @Test
    void whoWaitsForAConditionHearsThatTheOwnerOfTheLockDied() throws Exception {
        SharedReentrantLock lock = SharedReentrantLock.create();
        SharedCondition never = lock.newCondition();
        lock.lock();
        TaskFuture<?> dies = pool.submit(() -> {
            lock.lock();
            halt();
        });
        assertThatThrownBy(() -> {
            while (true) {
                never.await();
            }
        })
                .isInstanceOf(OwnerDiedException.class);
        assertThat(lock.isHeldByCurrentThread()).isTrue();
        lock.unlock();
        assertThatThrownBy(lock::lock).isInstanceOf(OwnerDiedException.class);
        assertThat(lock.lockRecovering()).isTrue();
        lock.unlock();
        awaitCrash(dies);
    }

    @Test
    void anEventIsSetByAnotherProcess() throws Exception {
        SharedEvent ping = SharedEvent.create();
        SharedEvent pong = SharedEvent.create();
        TaskFuture<?> other = pool.submit(() -> {
            for (int i = 0; i < 500; i++) {
                ping.await();
                ping.clear();
                pong.set();
            }
            return null;
        });
        for (int i = 0; i < 500; i++) {
            ping.set();
            assertThat(pong.await(Duration.ofSeconds(60))).isTrue();
            pong.clear();
        }
        other.get(60, SECONDS);
        assertThat(pool.submit(() -> ping).get(60, SECONDS)).isSameAs(ping);
    }

    @Test
    void permitsGoBetweenProcesses() throws Exception {
        SharedSemaphore items = SharedSemaphore.create(0);
        SharedSemaphore room = SharedSemaphore.create(5);
        TaskFuture<?> producer = pool.submit(() -> {
            for (int i = 0; i < 1_000; i++) {
                room.acquire();
                items.release();
            }
            return null;
        });
        for (int i = 0; i < 500; i++) {
            items.acquire(2);
            assertThat(items.availablePermits()).isLessThanOrEqualTo(3);
            room.release(2);
        }
        producer.get(60, SECONDS);
        assertThat(items.availablePermits()).isZero();
        assertThat(room.availablePermits()).isEqualTo(5);
        assertThat(pool.submit(() -> room).get(60, SECONDS)).isSameAs(room);
    }

    @Test
    void noMoreProcessesAreInsideThanThereAreSeats() throws Exception {
        SharedBoundedSemaphore seats = SharedBoundedSemaphore.create(1);
        try (SharedMemory inside = SharedMemory.create(8)) {
            pool.forEach(IntStream.range(0, 200).boxed().toList(), i -> {
                seats.acquire();
                try {
                    if ((int) INTS.getAndAdd(inside.segment(), 0L, 1) != 0) {
                        throw new AssertionError("two inside");
                    }
                    Thread.yield();
                    INTS.getAndAdd(inside.segment(), 0L, -1);
                } finally {
                    seats.release();
                }
            });
        }
        seats.acquire();
        assertThat(pool.submit(() -> {
            try {
                seats.release();
                return "released";
            } catch (IllegalStateException e) {
                return e.getMessage();
            }
        }).get(60, SECONDS)).contains("this process has none");
        seats.release();
        assertThat(pool.submit(() -> seats).get(60, SECONDS)).isSameAs(seats);
    }

    @Test
    void permitsOfADeadProcessAreToldOfAndReclaimed() throws Exception {
        SharedBoundedSemaphore seats = SharedBoundedSemaphore.create(3);
        seats.acquire();
        awaitCrash(pool.submit(() -> {
            seats.acquire();
            seats.acquire();
            halt();
            return null;
        }));
        assertThatThrownBy(seats::acquire)
                .isInstanceOf(OwnerDiedException.class)
                .hasMessageEndingWith("died with 2 of the 3 permits: reclaim() gives them back");
        assertThatThrownBy(() -> seats.tryAcquire(Duration.ofDays(1))).isInstanceOf(OwnerDiedException.class);
        Conditions.await("to try notices").until(() -> {
            try {
                return seats.tryAcquire();
            } catch (OwnerDiedException e) {
                return true;
            }
        });
        TaskFuture<?> elsewhere = pool.submit(() -> {
            seats.acquire();
            return null;
        });
        assertThat(elsewhere.handle((value, failure) -> failure).get(60, SECONDS))
                .isInstanceOf(OwnerDiedException.class);
        assertThat(seats.reclaim()).isEqualTo(2);
        assertThat(seats.reclaim()).isZero();
        assertThat(seats.availablePermits()).isEqualTo(2);
        seats.acquire();
        seats.acquire();
        assertThat(seats.tryAcquire()).isFalse();
    }

    @Test
    void partiesOfABarrierWaitForEachOther() throws Exception {
        SharedBarrier barrier = SharedBarrier.create(3);
        try (SharedMemory rounds = SharedMemory.create(12)) {
            List<TaskFuture<Integer>> parties = new ArrayList<>();
            for (int party = 1; party <= 2; party++) {
                int mine = party;
                parties.add(pool.submit(() -> inStep(barrier, rounds, mine)));
            }
            int lasts = inStep(barrier, rounds, 0);
            for (TaskFuture<Integer> each : parties) {
                lasts += each.get(60, SECONDS);
            }
            assertThat(lasts).isEqualTo(200);
            assertThat(pool.submit(() -> barrier).get(60, SECONDS)).isSameAs(barrier);
        }
    }

    private static int inStep(SharedBarrier barrier, SharedMemory rounds, int mine) throws Exception {
        int last = 0;
        for (int round = 1; round <= 200; round++) {
            INTS.setVolatile(rounds.segment(), mine * 4L, round);
            last += barrier.await() == 0 ? 1 : 0;
            for (long other = 0; other < 12; other += 4) {
                int seen = (int) INTS.getVolatile(rounds.segment(), other);
                if (seen < round || seen > round + 1) {
                    throw new AssertionError("round " + round + ", another is at " + seen);
                }
            }
        }
        return last;
    }

    @Test
    void whoIsKilledAtABarrierBreaksItForTheOthers() throws Exception {
        long seed = Long.getLong("sennit.seed", System.nanoTime());
        System.out.println("SharedSynchronizersIT: -Dsennit.seed=" + seed);
        var random = new SplittableRandom(seed);
        SharedBarrier barrier = SharedBarrier.create(3);
        try (SharedMemory pid = SharedMemory.create(8)) {
            for (int i = 0; i < KILLS; i++) {
                TaskFuture<Integer> killed = pool.submit(() -> {
                    pid.segment().set(JAVA_LONG, 0, ProcessHandle.current().pid());
                    return barrier.await();
                });
                Conditions.await("one waits").until(() -> barrier.getNumberWaiting() == 1);
                ProcessHandle victim = ProcessHandle.of(pid.segment().get(JAVA_LONG, 0)).orElseThrow();
                var waiting = Caller.of(barrier::await);
                Conditions.await("both wait").until(() -> barrier.getNumberWaiting() == 2);
                LockSupport.parkNanos(random.nextInt(10_000_000));
                victim.destroyForcibly();
                assertThat(waiting.failure())
                        .isInstanceOf(BrokenBarrierException.class)
                        .hasMessage("process " + victim.pid() + " died at the barrier: reset() makes it whole");
                assertThat(barrier.isBroken()).isTrue();
                awaitCrash(killed);
                barrier.reset();
            }
        }
        List<TaskFuture<Integer>> others =
                List.of(pool.submit(() -> barrier.await()), pool.submit(() -> barrier.await()));
        barrier.await();
        for (TaskFuture<Integer> each : others) {
            each.get(60, SECONDS);
        }
    }

    /** With two parties nobody else is there to look. */
    @Test
    void theLastAtABarrierIsToldOfTheDeadThatWaited() throws Exception {
        SharedBarrier barrier = SharedBarrier.create(2);
        for (Action action : new Action[] {null, () -> {}}) {
            killOneThatWaits(barrier);
            assertThatThrownBy(() -> await(barrier, action))
                    .isInstanceOf(BrokenBarrierException.class)
                    .hasMessageEndingWith("died at the barrier: reset() makes it whole");
            assertThat(barrier.isBroken()).isTrue();
            barrier.reset();
        }
        TaskFuture<Integer> other = pool.submit(() -> barrier.await());
        barrier.await();
        other.get(60, SECONDS);
    }

    @Test
    void whoDiesWhileTheActionOfABarrierRunsBreaksIt() throws Exception {
        SharedBarrier barrier = SharedBarrier.create(2);
        try (SharedMemory pid = SharedMemory.create(8)) {
            TaskFuture<?> killed = waiting(barrier, pid);
            assertThatThrownBy(() -> barrier.await(() -> kill(killed, pid)))
                    .isInstanceOf(BrokenBarrierException.class)
                    .hasMessage("process " + pid.segment().get(JAVA_LONG, 0)
                            + " died at the barrier: reset() makes it whole");
        }
    }

    private static int await(SharedBarrier barrier, Action action) throws Exception {
        return action == null ? barrier.await() : barrier.await(action);
    }

    private static void killOneThatWaits(SharedBarrier barrier) throws Exception {
        try (SharedMemory pid = SharedMemory.create(8)) {
            kill(waiting(barrier, pid), pid);
        }
    }

    private static TaskFuture<?> waiting(SharedBarrier barrier, SharedMemory pid) {
        TaskFuture<?> task = pool.submit(() -> {
            pid.segment().set(JAVA_LONG, 0, ProcessHandle.current().pid());
            return barrier.await();
        });
        Conditions.await("one waits").until(() -> barrier.getNumberWaiting() == 1);
        return task;
    }

    private static void kill(TaskFuture<?> task, SharedMemory pid) throws Exception {
        ProcessHandle.of(pid.segment().get(JAVA_LONG, 0)).orElseThrow().destroyForcibly();
        awaitCrash(task);
    }

    /**
     * A party may be killed at the barrier, inside of it, or on its way there, which only those know that wait for it.
     */
    @Test
    void killedAtRandomMomentsNoPartyOfABarrierIsWaitedForAfterAnAbort() throws Exception {
        long seed = Long.getLong("sennit.seed", System.nanoTime());
        System.out.println("SharedSynchronizersIT: -Dsennit.seed=" + seed);
        var random = new SplittableRandom(seed);
        SharedBarrier barrier = SharedBarrier.create(3);
        int noticed = 0;
        for (int kill = 0; kill < KILLS; kill++) {
            List<TaskFuture<Integer>> parties = new ArrayList<>();
            for (int party = 0; party < 2; party++) {
                parties.add(pool.submit(() -> rounds(barrier)));
            }
            Caller<Integer> own = Caller.of(() -> rounds(barrier));
            Conditions.await("both have a worker").until(() -> WorkerProcesses.ofThisJvm().size() == 2);
            LockSupport.parkNanos(random.nextInt(30_000_000));
            List<ProcessHandle> victims = WorkerProcesses.ofThisJvm();
            ProcessHandle victim = victims.get(random.nextInt(victims.size()));
            victim.destroyForcibly();
            victim.onExit().get(60, SECONDS);
            noticed += barrier.isBroken() ? 1 : 0;
            barrier.abort();
            assertThat(own.result()).as("rounds before kill %s", kill).isNotNegative();
            for (TaskFuture<Integer> each : parties) {
                assertThat(each.handle((value, failure) -> failure == null || failure instanceof WorkerCrashedException)
                        .get(60, SECONDS))
                        .isTrue();
            }
            barrier.reset();
            assertThat(barrier.getNumberWaiting()).isZero();
        }
        System.out.println("SharedSynchronizersIT: " + KILLS + " kills, " + noticed + " had broken the barrier");
    }

    /** How often it opened before it was broken. */
    private static int rounds(SharedBarrier barrier) throws InterruptedException {
        for (int round = 0;; round++) {
            try {
                barrier.await();
            } catch (java.util.concurrent.BrokenBarrierException e) {
                return round;
            }
        }
    }

    @Test
    void killedAtRandomMomentsNoSemaphoreMiscountsAndNobodyHangs() throws Exception {
        long seed = Long.getLong("sennit.seed", System.nanoTime());
        System.out.println("SharedSynchronizersIT: -Dsennit.seed=" + seed);
        var random = new SplittableRandom(seed);
        SharedBoundedSemaphore seats = SharedBoundedSemaphore.create(2);
        SharedEvent stop = SharedEvent.create();
        int reclaimed = 0;
        try (SharedMemory count = SharedMemory.create(4)) {
            List<TaskFuture<?>> running = new ArrayList<>();
            for (int kill = 0; kill < KILLS; kill++) {
                running.removeIf(TaskFuture::isDone);
                while (running.size() < 2) {
                    running.add(pool.submit(() -> {
                        while (!stop.isSet()) {
                            try {
                                if (seats.tryAcquire(Duration.ofMillis(50))) {
                                    INTS.getAndAdd(count.segment(), 0L, 1);
                                    seats.release();
                                }
                            } catch (OwnerDiedException e) {
                                // the parent reclaims
                            }
                        }
                        return null;
                    }));
                }
                int until = (int) INTS.getVolatile(count.segment(), 0L) + random.nextInt(1, 5_000);
                Conditions.await("rounds").until(() -> (int) INTS.getVolatile(count.segment(), 0L) >= until);
                List<ProcessHandle> victims = WorkerProcesses.ofThisJvm();
                ProcessHandle victim = victims.get(random.nextInt(victims.size()));
                victim.destroyForcibly();
                victim.onExit().get(60, SECONDS);
                for (int acquired = 0; acquired < 2;) { // all there are
                    try {
                        assertThat(seats.tryAcquire(Duration.ofSeconds(60))).as("got a permit after kill %s", kill)
                                .isTrue();
                        acquired++;
                    } catch (OwnerDiedException e) {
                        reclaimed += seats.reclaim();
                    }
                }
                assertThat(seats.tryAcquire()).as("there are two").isFalse();
                seats.release();
                seats.release();
            }
            stop.set();
            for (TaskFuture<?> each : running) {
                assertThat(each.handle((value, failure) -> true).get(60, SECONDS)).isTrue();
            }
            assertThat(seats.availablePermits()).isEqualTo(2);
            System.out.println("SharedSynchronizersIT: " + KILLS + " kills, " + reclaimed + " permits reclaimed");
        }
    }
}
