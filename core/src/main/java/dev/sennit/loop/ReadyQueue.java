package dev.sennit.loop;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What can go on, in the order in which it could: a ring that grows. For one thread at a time.
 *
 * <p>Not an {@code ArrayDeque}, as an element may be added by a coroutine that is at the end of its stack: what is changed
 * here is changed by plain stores after the last call that could overflow.
 *
 * <p>What was taken last stays in its place until the next is taken, so that it costs nothing to know what runs:
 * one place is always kept for it.
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
        if (size == ring.length - 1) {
            grow();
        }
        ring[(head + size) & (ring.length - 1)] = last;
        size++;
    }

    void addFirst(Runnable first) {
        if (size == ring.length - 1) {
            grow();
        }
        int before = (head - 1) & (ring.length - 1);
        ring[before] = first;
        head = before;
        size++;
    }

    @Nullable Runnable poll() {
        ring[(head - 1) & (ring.length - 1)] = null;
        if (size == 0) {
            return null;
        }
        Runnable first = ring[head];
        head = (head + 1) & (ring.length - 1);
        size--;
        return first;
    }

    /**
     * What was taken last, if nothing has been put before the others since. From any thread, and a guess there: whoever
     * asks has to see that no turn has ended meanwhile.
     */
    @Nullable Runnable taken() {
        @Nullable Runnable[] here = ring;
        return here[(head - 1) & (here.length - 1)];
    }

    private void grow() {
        int capacity = ring.length;
        @Nullable Runnable[] larger = new Runnable[capacity * 2];
        System.arraycopy(ring, head, larger, 0, capacity - head);
        System.arraycopy(ring, 0, larger, capacity - head, head);
        larger[larger.length - 1] = larger[capacity - 1]; // what was taken last is before the first
        larger[capacity - 1] = null;
        ring = larger;
        head = 0;
    }
}
