package dev.sennit.process;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.sennit.internal.Linux;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Waiting until a word of shared memory changes.
 *
 * <p>A platform thread waits in the kernel, and in short slices: the kernel knows nothing of interrupts, and whoever should
 * wake it may be killed before. So no wake-up that is lost delays anybody by more than a slice. A virtual thread would
 * take its carrier with it: it parks, and a platform thread waits in its stead, one for all that wait for the same.
 */
final class Futex {
    /** How late an interrupt, a time limit or another's death may be noticed. */
    static final long SLICE_NANOS = TimeUnit.MILLISECONDS.toNanos(3);

    private static final VarHandle WORD = JAVA_INT.varHandle();
    private static final Map<Key, Stead> STEADS = new ConcurrentHashMap<>();

    private Futex() {}

    /**
     * Waits until somebody changed the word and woke it, but no longer than a slice. May return for no reason.
     *
     * @param word 4 bytes, aligned
     * @param expected returns at once if it holds something else
     * @param nanos how long at most
     * @throws InterruptedException if the thread is interrupted before or meanwhile
     */
    static void await(MemorySegment word, int expected, long nanos) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        long limit = Math.min(nanos, SLICE_NANOS);
        if (Thread.currentThread().isVirtual()) {
            awaitParked(word, expected, limit);
        } else {
            Linux.futexWait(word, expected, limit);
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
        }
    }

    private static void awaitParked(MemorySegment word, int expected, long nanos) throws InterruptedException {
        var key = new Key(word.address(), expected);
        Stead stead = STEADS.compute(key, (at, known) -> {
            Stead joined = known == null ? new Stead(at, word) : known;
            joined.waiting++;
            return joined;
        });
        try {
            stead.start();
            boolean ignored = stead.over.await(nanos, TimeUnit.NANOSECONDS);
        } finally {
            STEADS.computeIfPresent(key, (at, known) -> {
                if (known == stead) {
                    stead.waiting--;
                }
                return known;
            });
        }
    }

    private record Key(long address, int expected) {}

    /** A platform thread that waits for as long as virtual threads want it to. */
    private static final class Stead implements Runnable {
        final Key key;
        final MemorySegment word;
        final CountDownLatch over = new CountDownLatch(1);
        /** Changed only inside {@link #STEADS}. */
        int waiting;
        /** Guarded by this. */
        private boolean started;

        Stead(Key key, MemorySegment word) {
            this.key = key;
            this.word = word;
        }

        synchronized void start() {
            if (!started) {
                Thread.ofPlatform().daemon().name("sennit-futex").start(this);
                started = true;
            }
        }

        @Override
        public void run() {
            do {
                Linux.futexWait(word, key.expected, SLICE_NANOS);
            } while (STEADS.computeIfPresent(key, (at, known) -> isWanted() ? known : null) != null);
            over.countDown();
        }

        private boolean isWanted() {
            return waiting > 0 && (int) WORD.getVolatile(word, 0L) == key.expected;
        }
    }
}
