package dev.sennit.shared;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.TaskFuture;
import dev.sennit.conformance.Signals;
import dev.sennit.conformance.internal.Caller;
import dev.sennit.process.ProcessPool;
import dev.sennit.process.WorkerCrashedException;
import dev.sennit.process.WorkerOutput;
import dev.sennit.process.WorkerProcesses;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The locks on files between processes. */
@Timeout(120)
class InterProcessLockIT {
    @TempDir
    private Path folder;

    private Signals here;
    private InterProcessReadWriteLock lock;

    @BeforeEach
    void make() {
        here = new Signals(folder.toString());
        lock = InterProcessReadWriteLock.at(folder.resolve("lock"));
    }

    private static ProcessPool workers(int count) {
        return ProcessPool.builder()
                .workers(count)
                .heap("64m")
                .output(WorkerOutput.DISCARD)
                .open();
    }

    /** For a task: has the lock from when it sets {@code held} until somebody sets {@code enough}. */
    private static int hold(Lock lock, Signals signals) throws InterruptedException {
        lock.lock();
        try {
            signals.set("held");
            signals.await("enough");
            return 1;
        } finally {
            lock.unlock();
        }
    }

    private static boolean tried(Lock lock) {
        boolean locked = lock.tryLock();
        if (locked) {
            lock.unlock();
        }
        return locked;
    }

    @Test
    void aProcessThatHasItKeepsOthersOut() throws Exception {
        Signals signals = here;
        InterProcessReadWriteLock both = lock;
        try (ProcessPool pool = workers(1)) {
            TaskFuture<Integer> holder = pool.submit(() -> hold(both.writeLock(), signals));
            here.await("held");
            assertThat(tried(lock.writeLock())).isFalse();
            assertThat(tried(lock.readLock())).isFalse();
            assertThat(lock.writeLock().tryLock(20, TimeUnit.MILLISECONDS)).isFalse();
            assertThat(lock.readLock().tryLock(20, TimeUnit.MILLISECONDS)).isFalse();
            Caller<Void> impatient = Caller.of(() -> {
                both.writeLock().lockInterruptibly();
                return null;
            });
            impatient.awaitWaitingIn("attempt");
            impatient.interrupt();
            assertThat(impatient.failure()).isInstanceOf(InterruptedException.class);
            Caller<Integer> patient = Caller.of(() -> {
                both.writeLock().lock();
                both.writeLock().unlock();
                return 1;
            });
            patient.awaitWaitingIn("attempt");
            here.set("enough");
            assertThat(patient.result() + holder.get(60, TimeUnit.SECONDS)).isEqualTo(2);
        }
    }

    @Test
    void aProcessThatIsKilledLetsGo() throws Exception {
        Signals signals = here;
        InterProcessReadWriteLock both = lock;
        try (ProcessPool pool = workers(1)) {
            for (InterProcessLock held : List.of(both.writeLock(), both.readLock())) {
                TaskFuture<Integer> holder = pool.submit(() -> hold(held, signals));
                here.await("held");
                assertThat(tried(lock.writeLock())).isFalse();
                WorkerProcesses.ofThisJvm().forEach(ProcessHandle::destroyForcibly);
                lock.writeLock().lock();
                lock.writeLock().unlock();
                assertThatThrownBy(() -> holder.get(60, TimeUnit.SECONDS))
                        .hasCauseInstanceOf(WorkerCrashedException.class);
                Files.delete(folder.resolve("held"));
            }
        }
    }

    @Test
    void processesReadTogether() throws Exception {
        Signals signals = here;
        InterProcessReadWriteLock both = lock;
        try (ProcessPool pool = workers(1)) {
            TaskFuture<Integer> holder = pool.submit(() -> hold(both.readLock(), signals));
            here.await("held");
            assertThat(tried(lock.readLock())).isTrue();
            assertThat(tried(lock.writeLock())).isFalse();
            here.set("enough");
            assertThat(holder.get(60, TimeUnit.SECONDS)).isOne();
            assertThat(tried(lock.writeLock())).isTrue();
        }
    }

    @Test
    void noReaderOvertakesAWriterThatWaitsInAnotherProcess() throws Exception {
        InterProcessReadWriteLock both = lock;
        try (ProcessPool pool = workers(1)) {
            lock.readLock().lock();
            TaskFuture<Integer> writer = pool.submit(() -> {
                both.writeLock().lock();
                both.writeLock().unlock();
                return 1;
            });
            // Until it waits at the gate; from then on no other thread of this process passes it.
            while (Caller.of(() -> tried(both.readLock())).result()) {
                Thread.onSpinWait();
            }
            assertThat(tried(lock.readLock())).as("who reads already may read again").isTrue();
            lock.readLock().unlock();
            assertThat(writer.get(60, TimeUnit.SECONDS)).isOne();
            assertThat(Caller.of(() -> tried(both.readLock())).result()).isTrue();
        }
    }

    @Test
    void aWriterThatGivesUpLetsReadersPass() throws Exception {
        InterProcessReadWriteLock both = lock;
        try (ProcessPool pool = workers(1)) {
            lock.readLock().lock();
            assertThat(pool.submit(() -> both.writeLock().tryLock(20, TimeUnit.MILLISECONDS)).get()).isFalse();
            assertThat(pool.submit(() -> tried(both.writeLock())).get()).isFalse();
            assertThat(Caller.of(() -> tried(both.readLock())).result()).isTrue();
            assertThat(pool.submit(() -> tried(both.readLock())).get()).isTrue();
            lock.readLock().unlock();
        }
    }

    @Test
    void aWriterThatBecameAReaderLetsOtherProcessesRead() throws Exception {
        InterProcessReadWriteLock both = lock;
        try (ProcessPool pool = workers(1)) {
            lock.writeLock().lock();
            lock.readLock().lock();
            assertThat(pool.submit(() -> tried(both.readLock())).get()).isFalse();
            lock.writeLock().unlock();
            assertThat(pool.submit(() -> tried(both.readLock())).get()).isTrue();
            assertThat(pool.submit(() -> tried(both.writeLock())).get()).isFalse();
            lock.readLock().unlock();
            assertThat(pool.submit(() -> tried(both.writeLock())).get()).isTrue();
        }
    }

    /** For a task: adds one to both numbers, or finds them equal. */
    private static boolean step(InterProcessReadWriteLock lock, String folder, boolean writes) throws IOException {
        InterProcessLock mine = writes ? lock.writeLock() : lock.readLock();
        mine.lock();
        try {
            int left = number(folder, "left");
            int right = number(folder, "right");
            if (writes) {
                // The right one, a rename, is what makes it happen; whoever dies before leaves the left one ahead by
                // one.
                put(folder, "left", right + 1);
                put(folder, "right", right + 1);
                return true;
            }
            return left == right || left == right + 1;
        } finally {
            mine.unlock();
        }
    }

    private static int number(String folder, String name) throws IOException {
        Path file = Path.of(folder, name);
        return Files.exists(file) ? Integer.parseInt(Files.readString(file)) : 0;
    }

    private static void put(String folder, String name, int number) throws IOException {
        Path written = Path.of(folder, name + ".new");
        Files.writeString(written, Integer.toString(number));
        Files.move(written, Path.of(folder, name), java.nio.file.StandardCopyOption.ATOMIC_MOVE);
    }

    @Test
    void noUpdateIsLostWhileWorkersAreKilled() throws Exception {
        long seed = Long.getLong("sennit.seed", System.nanoTime());
        System.out.println("InterProcessLockIT: -Dsennit.seed=" + seed);
        var random = new Random(seed);
        InterProcessReadWriteLock both = lock;
        String here = folder.toString();
        int done = 0;
        int crashed = 0;
        try (ProcessPool pool = workers(2)) {
            List<TaskFuture<Boolean>> writers = new ArrayList<>();
            List<TaskFuture<Boolean>> readers = new ArrayList<>();
            for (int i = 0; i < 300; i++) {
                writers.add(pool.submit(() -> step(both, here, true)));
                readers.add(pool.submit(() -> step(both, here, false)));
            }
            for (int kills = 0; kills < 10 && !writers.getLast().isDone(); kills++) {
                List<ProcessHandle> victims = WorkerProcesses.ofThisJvm();
                if (pool.statistics().workers() > 0 && !victims.isEmpty()) {
                    victims.get(random.nextInt(victims.size())).destroyForcibly();
                }
                assertThat(step(both, here, false)).isTrue();
                TimeUnit.MILLISECONDS.sleep(random.nextInt(100));
            }
            for (TaskFuture<Boolean> writer : writers) {
                try {
                    assertThat(writer.get(60, TimeUnit.SECONDS)).isTrue();
                    done++;
                } catch (ExecutionException e) {
                    assertThat(e.getCause()).isInstanceOf(WorkerCrashedException.class);
                    crashed++;
                }
            }
            for (TaskFuture<Boolean> reader : readers) {
                try {
                    assertThat(reader.get(60, TimeUnit.SECONDS)).as("no reader saw half an update").isTrue();
                } catch (ExecutionException e) {
                    assertThat(e.getCause()).isInstanceOf(WorkerCrashedException.class);
                }
            }
        }
        assertThat(number(here, "right")).isBetween(done, done + crashed);
    }
}
