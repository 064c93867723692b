package dev.sennit.loop;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What can go on, in the order in which it could: a ring that grows. For one thread at a time.
 *
 * <p>Not an {@code ArrayDeque}, as an element may be added by a coroutine that is at the end of its stack: what is changed
 * here is changed by plain stores after the last call that could overflow.
 */
final class ReadyQueue {
    private static final int FIRST_CAPACITY = 256;

    private @Nullable Runnable[] ring = new Runnable[FIRST_CAPACITY];
    private int head;
    private int size;

    int size() {
        return size;
    }

    void add(Runnable last) {
        if (size == ring.length) {
            grow();
        }
        ring[(head + size) & (ring.length - 1)] = last;
        size++;
    }

    void addFirst(Runnable first) {
        if (size == ring.length) {
            grow();
        }
        int before = (head - 1) & (ring.length - 1);
        ring[before] = first;
        head = before;
        size++;
    }

    @Nullable Runnable poll() {
        if (size == 0) {
            return null;
        }
        Runnable first = ring[head];
        ring[head] = null;
        head = (head + 1) & (ring.length - 1);
        size--;
        return first;
    }

    private void grow() {
        @Nullable Runnable[] larger = Arrays.copyOf(ring, ring.length * 2);
        System.arraycopy(ring, 0, larger, ring.length, head); // what had wrapped around follows the rest
        Arrays.fill(larger, 0, head, null);
        ring = larger;
    }
}
