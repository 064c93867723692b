package dev.sennit.internal.machine;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Linux;
import dev.sennit.internal.MemoryFile;
import dev.sennit.internal.Unreachable;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Shared memory on Linux: unnamed memory files, and futexes.
 *
 * <p>A platform thread waits in the kernel, in short slices: a futex wait ignores interrupts, and the process that
 * should wake the thread may be killed. So a lost wake-up delays a thread by a slice at most. A virtual thread would
 * pin its carrier in the kernel: it parks, and a platform thread, the {@link ProxyWaiter}, waits for all virtual
 * threads that wait for the same word and value. Only if the system provides no more threads does a virtual thread wait
 * in the kernel itself.
 */
public final class NativeSharing extends Sharing {
    private static final VarHandle WORD = JAVA_INT.varHandle();
    private static final Map<Key, ProxyWaiter> PROXIES = new ConcurrentHashMap<>();
    private static final Unreachable LOST = new Unreachable("sennit-mappings");

    @Override
    public Block create(long size) throws IOException {
        return new Unnamed(MemoryFile.create("shared", size));
    }

    /** Maps a memory file of a process, after checking that the descriptor is that of a memory file. */
    static MemorySegment map(long pid, int descriptor, long size, Arena arena) throws IOException {
        return MemoryFile.map(Path.of("/proc/" + pid + "/fd/" + descriptor), size, arena);
    }

    /** A memory file. */
    private record Unnamed(MemoryFile file) implements Block {
        @Override
        public String place() {
            return Integer.toString(file.descriptor());
        }

        @Override
        public MemorySegment map(Arena arena) throws IOException {
            return file.map(arena);
        }

        /**
         * Maps it in an arena of its own, as a shared arena that becomes unreachable without being closed keeps its
         * memory for ever. A cleanup action of the user's arena unmaps the memory when that arena is closed. The action
         * also holds an object that only this arena and its segments keep reachable: when the object becomes
         * unreachable, no segment is left, and the memory is unmapped too.
         */
        @Override
        @SuppressWarnings("restricted") // same bytes, same address; this mechanism is chosen only with native access
        public MemorySegment mapUntilClosedOrLost(Arena users) throws IOException {
            Arena mapping = Arena.ofShared();
            MemorySegment whole = file.map(mapping);
            var inUse = new Object();
            Cleaner.Cleanable unmap;
            try {
                unmap = LOST.register(inUse, mapping::close);
            } catch (Throwable e) { // no thread available
                mapping.close();
                throw e;
            }
            return whole.reinterpret(users, ended -> {
                unmap.clean();
                Reference.reachabilityFence(inUse);
            });
        }

        @Override
        public void close() {
            file.close();
        }
    }

    @Override
    public void wake(MemorySegment word, int count) {
        Linux.futexWake(word, count);
    }

    @Override
    public void await(MemorySegment word, int expected, WaitLimit limit) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        long slice = Math.min(limit.left(), SLICE_NANOS);
        if (Thread.currentThread().isVirtual()) {
            awaitParked(word, expected, slice);
        } else {
            Linux.futexWait(word, expected, slice);
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
        }
    }

    private static void awaitParked(MemorySegment word, int expected, long nanos) throws InterruptedException {
        var key = new Key(word.address(), expected);
        ProxyWaiter proxy = PROXIES.compute(key, (at, known) -> {
            ProxyWaiter joined = known == null ? new ProxyWaiter(at, word) : known;
            joined.waiting++;
            return joined;
        });
        try {
            if (proxy.start()) {
                boolean ignored = proxy.over.await(nanos, TimeUnit.NANOSECONDS);
                return;
            }
        } finally {
            PROXIES.computeIfPresent(key, (at, known) -> {
                if (known == proxy) {
                    proxy.waiting--;
                    return proxy.waiting > 0 || proxy.hasStarted() ? known : null; // if started, its thread removes it
                }
                return known;
            });
        }
        awaitOnCarrier(word, expected, nanos);
    }

    /** Waits in the kernel if no thread can be had: pins the carrier for a slice, and yields it between two slices. */
    private static void awaitOnCarrier(MemorySegment word, int expected, long nanos) throws InterruptedException {
        Linux.futexWait(word, expected, nanos);
        Thread.yield();
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
    }

    private record Key(long address, int expected) {}

    /** A platform thread that waits in the kernel while virtual threads wait for the same word and value. */
    private static final class ProxyWaiter implements Runnable {
        final Key key;
        final MemorySegment word;
        final CountDownLatch over = new CountDownLatch(1);
        /** Changed only inside {@link #PROXIES}. */
        int waiting;
        /** Guarded by this. */
        private boolean started;

        ProxyWaiter(Key key, MemorySegment word) {
            this.key = key;
            this.word = word;
        }

        /** Starts the thread, unless it was started; returns false when no thread can be had. */
        synchronized boolean start() {
            if (!started) {
                try {
                    Backend.start(Thread.ofPlatform().daemon().name("sennit-futex").unstarted(this));
                } catch (OutOfMemoryError e) {
                    return false;
                }
                started = true;
            }
            return true;
        }

        synchronized boolean hasStarted() {
            return started;
        }

        @Override
        public void run() {
            do {
                Linux.futexWait(word, key.expected, SLICE_NANOS);
            } while (PROXIES.computeIfPresent(key, (at, known) -> isWanted() ? known : null) != null);
            over.countDown();
        }

        private boolean isWanted() {
            return waiting > 0 && (int) WORD.getVolatile(word, 0L) == key.expected;
        }
    }
}
