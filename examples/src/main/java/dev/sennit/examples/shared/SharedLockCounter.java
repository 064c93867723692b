package dev.sennit.examples.shared;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.shared.OwnerDiedException;
import dev.sennit.shared.SharedLock;
import dev.sennit.shared.SharedMemory;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.concurrent.ExecutionException;

/**
 * Worker processes update two numbers under a lock. One of them dies half-way, and whoever asks next gets to know.
 * Quickest with {@code --enable-native-access=ALL-UNNAMED}.
 */
public final class SharedLockCounter {
    private SharedLockCounter() {}

    /** Two numbers that are always equal, for whoever has the lock. */
    private static void addOne(SharedLock lock, MemorySegment numbers, boolean dies) {
        lock.lock();
        try {
            numbers.set(JAVA_LONG, 0, numbers.get(JAVA_LONG, 0) + 1);
            if (dies) {
                Runtime.getRuntime().halt(1);
            }
            numbers.set(JAVA_LONG, 8, numbers.get(JAVA_LONG, 8) + 1);
        } finally {
            lock.unlock();
        }
    }

    public static void main(String[] arguments) throws Exception {
        SharedLock lock = SharedLock.create();
        try (SharedMemory memory = SharedMemory.create(16);
                Pool pool = Pools.open("processes:2")) {
            MemorySegment numbers = memory.segment();
            pool.forEach(Collections.nCopies(1_000, 1), one -> addOne(lock, memory.segment(), false));
            System.out.println(numbers.get(JAVA_LONG, 0) + " " + numbers.get(JAVA_LONG, 8));

            try {
                pool.submit(() -> addOne(lock, memory.segment(), true)).get();
            } catch (ExecutionException e) {
                System.out.println("a worker died");
            }
            try {
                addOne(lock, numbers, false);
            } catch (OwnerDiedException e) {
                if (lock.lockRecovering()) {
                    System.out.println("repairing " + numbers.get(JAVA_LONG, 0) + " " + numbers.get(JAVA_LONG, 8));
                    numbers.set(JAVA_LONG, 0, numbers.get(JAVA_LONG, 8));
                }
                lock.unlock();
            }
            addOne(lock, numbers, false);
            System.out.println(numbers.get(JAVA_LONG, 0) + " " + numbers.get(JAVA_LONG, 8));
        }
    }
}
