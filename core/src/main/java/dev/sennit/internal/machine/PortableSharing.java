package dev.sennit.internal.machine;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Shared memory on every system: mapped files, and threads that park and poll.
 *
 * <p>No thread is woken. A thread polls less often the longer it has waited: a short wait ends soon, and a long wait
 * costs little. A parked thread holds no carrier, and an interrupt ends its pause.
 */
final class PortableSharing extends Sharing {
    private static final VarHandle WORD = JAVA_INT.varHandle();
    private static final long SHORTEST_PAUSE_NANOS = TimeUnit.MICROSECONDS.toNanos(20);
    private static final long LONGEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    @Override
    public Block create(long size) throws IOException {
        tellIfCallsAreMissing();
        return MappedFile.create(size);
    }

    @Override
    public void await(MemorySegment word, int expected, WaitLimit limit) throws InterruptedException {
        if (!Thread.currentThread().isInterrupted() && (int) WORD.getVolatile(word, 0L) == expected) {
            long pause = Math.clamp(limit.waited() / 4, SHORTEST_PAUSE_NANOS, LONGEST_PAUSE_NANOS);
            LockSupport.parkNanos(Math.min(limit.left(), pause));
        }
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
    }

    @Override
    public void wake(MemorySegment word, int count) {
        // all waiting threads poll
    }
}
