package dev.sennit.internal.linux;

import dev.sennit.internal.Deadline;
import dev.sennit.internal.Linux;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.time.Duration;

/**
 * A lock on a folder, which processes hold while they replace a file in it. It leaves no file, and goes with its
 * process. Java cannot open folders.
 */
final class FolderLock implements AutoCloseable {
    private static final int AT_FDCWD = -100;
    private static final int O_CLOEXEC = 0x80000;
    private static final int LOCK_EX = 2;
    private static final int LOCK_NB = 4;
    /** Holders need less than a millisecond. */
    private static final Duration LONGEST = Duration.ofSeconds(5);

    private static final long BETWEEN_LOOKS = 2_000_000;
    private static final int NONE = -1;

    private final int descriptor;

    private FolderLock(int descriptor) {
        this.descriptor = descriptor;
    }

    /** Waits for the lock. Has none in a folder that this user may not read, where none of its processes can. */
    static FolderLock of(Path folder) throws IOException {
        int descriptor;
        try (Arena arena = Arena.ofConfined()) {
            descriptor = (int) SystemCall.OPENAT.make(
                    AT_FDCWD, arena.allocateFrom(folder.toString()).address(), O_CLOEXEC);
        } catch (SystemCallException e) {
            if (e.is(SystemCallException.EACCES)) {
                return new FolderLock(NONE);
            }
            throw e;
        }
        try {
            await(descriptor, folder);
            return new FolderLock(descriptor);
        } catch (Throwable e) {
            Linux.close(descriptor);
            throw e;
        }
    }

    /** Looks again and again: the call that waits has no time limit, and anybody may hold a lock on {@code /tmp}. */
    private static void await(int descriptor, Path folder) throws IOException {
        Deadline deadline = Deadline.in(LONGEST);
        while (true) {
            try {
                SystemCall.FLOCK.make(descriptor, LOCK_EX | LOCK_NB, 0);
                return;
            } catch (SystemCallException e) {
                if (!e.is(SystemCallException.EAGAIN)) {
                    throw e;
                }
                if (deadline.isOver()) {
                    throw deadline.missed("waiting for another process to release its lock on the folder " + folder);
                }
            }
            Sockets.pause(BETWEEN_LOOKS);
        }
    }

    @Override
    public void close() {
        if (descriptor != NONE) {
            Linux.close(descriptor);
        }
    }
}
