package dev.sennit.loop;

import org.jspecify.annotations.Nullable;

/**
 * The continuations that are ready, in the order in which they became so: a ring that grows. For one thread at a time.
 *
 * <p>Not an {@code ArrayDeque}, as a coroutine that is at the end of its stack may add an element: here only plain
 * stores follow the last call that could overflow, so the queue stays whole.
 *
 * <p>The element taken last stays in the ring until the next is taken or it is forgotten, so that observers can see
 * what runs at no cost. One place is always kept for it.
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
        forgetTaken();
        if (size == 0) {
            return null;
        }
        Runnable first = ring[head];
        head = (head + 1) & (ring.length - 1);
        size--;
        return first;
    }

    /** Clears the place of the element taken last, which does not run any more. */
    void forgetTaken() {
        ring[(head - 1) & (ring.length - 1)] = null;
    }

    /**
     * Returns the element taken last, unless {@code addFirst} has overwritten it. In other threads than the owner's it
     * is a guess: the caller must check that no turn has ended meanwhile.
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
        larger[larger.length - 1] = larger[capacity - 1]; // the element taken last is before the first
        larger[capacity - 1] = null;
        ring = larger;
        head = 0;
    }
}
