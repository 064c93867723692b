package dev.sennit.shared;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sennit.conformance.internal.Caller;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The locks on files among the threads of one JVM. */
@Timeout(60)
class InterProcessLockTest {
    @TempDir
    private Path folder;

    private Path file;
    private InterProcessLock lock;

    @BeforeEach
    void make() {
        file = folder.resolve("the lock");
        lock = InterProcessLock.at(file);
    }

    /** Nobody has it any more, so that no channel may be open. */
    @AfterEach
    void noFileIsLeftOpen() throws IOException {
        Path descriptors = Path.of("/proc/self/fd");
        if (Files.isDirectory(descriptors)) {
            List<Path> open = new ArrayList<>();
            try (Stream<Path> links = Files.list(descriptors)) {
                links.forEach(link -> {
                    try {
                        open.add(Files.readSymbolicLink(link));
                    } catch (IOException e) {
                        // it was the one of this listing
                    }
                });
            }
            assertThat(open).noneMatch(path -> path.startsWith(folder));
        }
    }

    private static boolean elsewhere(Lock wanted) throws Exception {
        return Caller.of(() -> {
            boolean locked = wanted.tryLock();
            if (locked) {
                wanted.unlock();
            }
            return locked;
        })
                .result();
    }

    @Test
    void oneThreadAtATimeHasIt() throws Exception {
        assertThat(file).exists();
        lock.lock();
        assertThat(lock.isHeldByCurrentThread()).isTrue();
        assertThat(Caller.of(lock::isHeldByCurrentThread).result()).isFalse();
        assertThat(elsewhere(lock)).isFalse();
        lock.unlock();
        assertThat(lock.isHeldByCurrentThread()).isFalse();
        assertThat(elsewhere(lock)).isTrue();
    }

    @Test
    void everyPathToTheFileIsTheSameLock() throws Exception {
        Path symbolic = Files.createSymbolicLink(folder.resolve("symbolic"), file);
        Path hard = Files.createLink(folder.resolve("hard"), file);
        lock.lock();
        for (Path path : List.of(file, symbolic, hard, folder.resolve("x/../the lock").normalize())) {
            InterProcessLock other = InterProcessLock.at(path);
            assertThat(elsewhere(other)).as(path.toString()).isFalse();
            assertThat(other.tryLock()).as("reentrant through %s", path).isTrue();
        }
        for (int i = 0; i < 4; i++) {
            lock.unlock();
            assertThat(elsewhere(lock)).isFalse();
        }
        InterProcessLock.at(hard).unlock();
        assertThat(elsewhere(lock)).isTrue();
    }

    @Test
    void onlyItsHolderMayUnlock() throws Exception {
        assertThatThrownBy(lock::unlock)
                .isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContaining("does not have the lock of file " + file);
        lock.lock();
        Caller<Void> other = Caller.of(() -> {
            lock.unlock();
            return null;
        });
        assertThat(other.failure()).isInstanceOf(IllegalMonitorStateException.class);
        assertThat(elsewhere(lock)).isFalse();
        lock.unlock();
        assertThatThrownBy(lock::unlock).isInstanceOf(IllegalMonitorStateException.class);
    }

    @Test
    void anInterruptDoesNotKeepLockFromLocking() throws Exception {
        Thread.currentThread().interrupt();
        lock.lock();
        assertThat(Thread.interrupted()).isTrue();
        assertThat(elsewhere(lock)).isFalse();
        lock.unlock();

        lock.lock();
        Caller<Boolean> waiting = Caller.of(() -> {
            lock.lock();
            lock.unlock();
            return Thread.currentThread().isInterrupted();
        });
        waiting.awaitWaitingIn("lock");
        waiting.interrupt();
        lock.unlock();
        assertThat(waiting.result()).isTrue();
    }

    @Test
    void otherWaitsEndWithAnInterrupt() throws Exception {
        lock.lock();
        for (Caller<?> waiting : List.of(
                Caller.of(() -> {
                    lock.lockInterruptibly();
                    return 0;
                }),
                Caller.of(() -> lock.tryLock(1, TimeUnit.HOURS)))) {
            waiting.awaitWaitingIn("tryLock");
            waiting.interrupt();
            assertThat(waiting.failure()).isInstanceOf(InterruptedException.class);
        }
        lock.unlock();
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> lock.tryLock(0, TimeUnit.SECONDS)).isInstanceOf(InterruptedException.class);
        assertThat(elsewhere(lock)).isTrue();
    }

    @Test
    void aWaitEndsWithItsTime() throws Exception {
        lock.lock();
        assertThat(Caller.of(() -> lock.tryLock(20, TimeUnit.MILLISECONDS)).result()).isFalse();
        assertThat(Caller.of(() -> lock.tryLock(-1, TimeUnit.SECONDS)).result()).isFalse();
        lock.unlock();
        assertThat(Caller.of(() -> {
            boolean locked = lock.tryLock(1, TimeUnit.HOURS);
            lock.unlock();
            return locked;
        })
                .result()).isTrue();
    }

    @Test
    void aLockThatOtherCodeOfThisJvmTookIsWaitedFor() throws Exception {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
        FileLock foreign = channel.lock();
        assertThat(lock.tryLock()).isFalse();
        assertThat(lock.tryLock(10, TimeUnit.MILLISECONDS)).isFalse();
        Caller<Boolean> waiting = Caller.of(() -> {
            lock.lock();
            lock.unlock();
            return true;
        });
        waiting.awaitWaitingIn("lock");
        foreign.release();
        assertThat(waiting.result()).isTrue();
        channel.close();
    }

    @Test
    void severalReadOrOneWrites() throws Exception {
        var both = InterProcessReadWriteLock.at(file);
        both.readLock().lock();
        assertThat(elsewhere(both.readLock())).isTrue();
        assertThat(elsewhere(both.writeLock())).isFalse();
        assertThat(elsewhere(lock)).as("the lock of a file is its write lock").isFalse();
        assertThat(both.readLock().isHeldByCurrentThread()).isTrue();
        assertThat(lock.isHeldByCurrentThread()).isFalse();
        both.readLock().unlock();
        assertThatThrownBy(both.readLock()::unlock)
                .isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContaining("read lock");
        both.writeLock().lock();
        assertThat(lock.isHeldByCurrentThread()).isTrue();
        assertThat(elsewhere(both.readLock())).isFalse();
        both.writeLock().unlock();
    }

    @Test
    void whoeverComesToReadWaitsBehindAWriterUnlessItReadsAlready() throws Exception {
        var both = InterProcessReadWriteLock.at(file);
        both.readLock().lock();
        Caller<Boolean> writer = Caller.of(() -> {
            both.writeLock().lock();
            both.writeLock().unlock();
            return true;
        });
        writer.awaitWaitingIn("lock");
        assertThat(Caller.of(() -> both.readLock().tryLock(20, TimeUnit.MILLISECONDS)).result()).isFalse();
        both.readLock().lock();
        both.readLock().unlock();
        both.readLock().unlock();
        assertThat(writer.result()).isTrue();
    }

    @Test
    void aWriterMayBecomeAReaderButNotTheOtherWayRound() throws Exception {
        var both = InterProcessReadWriteLock.at(file);
        both.readLock().lock();
        assertThatThrownBy(both.writeLock()::lock)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("would wait for itself");
        assertThatThrownBy(both.writeLock()::tryLock).isInstanceOf(IllegalStateException.class);
        both.readLock().unlock();

        both.writeLock().lock();
        both.readLock().lock();
        assertThat(both.writeLock().tryLock()).as("it writes already").isTrue();
        both.writeLock().unlock();
        assertThat(elsewhere(both.readLock())).isFalse();
        both.writeLock().unlock();
        assertThat(elsewhere(both.readLock())).isTrue();
        assertThat(elsewhere(both.writeLock())).isFalse();
        both.readLock().unlock();
        assertThat(elsewhere(both.writeLock())).isTrue();
    }

    @Test
    void nothingThatTwoThreadsDoComesBetween() throws Exception {
        var both = InterProcessReadWriteLock.at(file);
        long[] pair = new long[2];
        List<Caller<Long>> callers = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            boolean writes = i % 2 == 0;
            callers.add(Caller.of(() -> {
                for (int round = 0; round < 500; round++) {
                    InterProcessLock mine = writes ? both.writeLock() : both.readLock();
                    mine.lock();
                    try {
                        if (pair[0] != pair[1]) {
                            throw new AssertionError(pair[0] + " and " + pair[1]);
                        }
                        if (writes) {
                            pair[0]++;
                            Thread.onSpinWait();
                            pair[1]++;
                        }
                    } finally {
                        mine.unlock();
                    }
                }
                return 0L;
            }));
        }
        for (Caller<Long> caller : callers) {
            caller.result();
        }
        assertThat(pair).containsExactly(1000, 1000);
    }

    @Test
    void virtualThreadsMayUseIt() throws Exception {
        int[] count = new int[1];
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            threads.add(Thread.startVirtualThread(() -> {
                lock.lock();
                count[0]++;
                lock.unlock();
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(count[0]).isEqualTo(50);
    }

    @Test
    void isSentAsItsPath() throws Exception {
        var both = InterProcessReadWriteLock.at(file);
        var bytes = new ByteArrayOutputStream();
        try (var out = new ObjectOutputStream(bytes)) {
            out.writeObject(List.of(lock, both));
        }
        lock.lock();
        List<?> read;
        try (var in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            read = (List<?>) in.readObject();
        }
        assertThat(((InterProcessLock) read.get(0)).isHeldByCurrentThread()).isTrue();
        var sent = (InterProcessReadWriteLock) read.get(1);
        assertThat(elsewhere(sent.readLock())).isFalse();
        sent.writeLock().unlock();
        assertThat(elsewhere(sent.readLock())).isTrue();
        assertThat(sent.readLock().file()).isEqualTo(file);
    }

    @Test
    void saysWhatIsWrongWithAFile() throws Exception {
        assertThatThrownBy(() -> InterProcessLock.at(folder.resolve("none/lock")))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageStartingWith("cannot lock file " + folder.resolve("none/lock") + ": ")
                .hasMessageContaining("must be a file in an existing directory");
        assertThatThrownBy(() -> InterProcessLock.at(folder)).hasMessageContaining("it is a directory");
        assertThatThrownBy(() -> InterProcessLock.at(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> lock.tryLock(1, null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(lock::newCondition).isInstanceOf(UnsupportedOperationException.class);

        Files.delete(file);
        Files.createDirectory(file);
        assertThatThrownBy(lock::lock).isInstanceOf(UncheckedIOException.class).hasMessageContaining(file.toString());
        Files.delete(file);
        assertThat(lock.tryLock()).as("it works again").isTrue();
        lock.unlock();
    }

    @Test
    void aFileThatMayNotBeWrittenIsNotLocked() throws Exception {
        assumeTrue(file.toFile().setWritable(false) && !Files.isWritable(file), "whoever runs this may write anything");
        assertThatThrownBy(lock::lock).isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("read and written");
    }

    @Test
    void tellsItsFile() {
        assertThat(lock).hasToString("InterProcessLock[" + file + "]");
        assertThat(InterProcessReadWriteLock.at(file)).hasToString("InterProcessReadWriteLock[" + file + "]");
        assertThat(InterProcessReadWriteLock.at(file).readLock()).hasToString("InterProcessLock[" + file + ", shared]");
    }
}
