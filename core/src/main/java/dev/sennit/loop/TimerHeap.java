package dev.sennit.loop;

import dev.sennit.internal.OwnScheduler;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Timers, the earliest first; of those due at the same time, the one added first. For one thread at a time, but
 * {@link Timer#cancel} may be called from any.
 *
 * <p>A binary heap. A cancelled timer stays in the heap until it is due, or until the next sweep, when as many timers
 * have been added as the last sweep has kept: most timers are time-outs that are cancelled, and removing each would
 * cost a search.
 */
final class TimerHeap {
    private static final int SMALLEST_SWEEP = 64;

    private @Nullable Timer[] heap = new Timer[64];
    private int size;
    private long added;
    /** How many timers may still be added before the next sweep for cancelled ones. */
    private int untilSweep = SMALLEST_SWEEP;

    /** A timer that may be cancelled. It is itself what is run when it is due, so that this allocates nothing. */
    static final class Timer extends OwnScheduler.Timeout implements Runnable {
        private final long due;
        private long number;
        /** Cleared by a cancellation, as the action may hold large objects. */
        private @Nullable Runnable action;

        Timer(long due, Runnable action) {
            this.due = due;
            this.action = action;
        }

        @Override
        public boolean cancel(boolean mayInterrupt) {
            boolean first = !isCancelled();
            super.cancel(mayInterrupt);
            action = null;
            return first;
        }

        @Override
        public void run() {
            Runnable whatToDo = action;
            if (whatToDo != null && !isCancelled()) {
                action = null;
                whatToDo.run();
            }
        }

        private boolean isBefore(Timer other) {
            long difference = due - other.due; // nanoTime() may overflow
            return difference < 0 || difference == 0 && number < other.number;
        }
    }

    void add(Timer timer) {
        if (--untilSweep == 0) {
            sweep();
        }
        if (size == heap.length) {
            heap = Arrays.copyOf(heap, size * 2);
        }
        timer.number = added++;
        siftUp(size++, timer);
    }

    /** Returns the number of timers, cancelled ones included. */
    int size() {
        return size;
    }

    /**
     * Returns the time until the earliest timer is due.
     *
     * @return nanoseconds from now, 0 or less if it is due; {@link Long#MAX_VALUE} if there is none
     */
    long nanosUntilNext(long now) {
        dropCancelled();
        Timer first = heap[0];
        return first == null ? Long.MAX_VALUE : first.due - now;
    }

    /** Removes the earliest timer if it is due, and returns it. */
    @Nullable Timer pollDue(long now) {
        dropCancelled();
        Timer first = heap[0];
        if (first == null || first.due - now > 0) {
            return null;
        }
        removeFirst();
        return first;
    }

    private void dropCancelled() {
        for (Timer first = heap[0]; first != null && first.isCancelled(); first = heap[0]) {
            removeFirst();
        }
    }

    private void removeFirst() {
        Timer last = heap[--size];
        heap[size] = null;
        if (size > 0 && last != null) {
            siftDown(0, last);
        }
    }

    private void sweep() {
        int kept = 0;
        for (int i = 0; i < size; i++) {
            Timer one = heap[i];
            if (one != null && !one.isCancelled()) {
                heap[kept++] = one;
            }
        }
        Arrays.fill(heap, kept, size, null);
        size = kept;
        for (int i = (size >>> 1) - 1; i >= 0; i--) {
            Timer one = heap[i];
            if (one != null) {
                siftDown(i, one);
            }
        }
        untilSweep = Math.max(SMALLEST_SWEEP, size);
    }

    private void siftUp(int from, Timer timer) {
        int at = from;
        while (at > 0) {
            int parent = (at - 1) >>> 1;
            Timer above = heap[parent];
            if (above == null || !timer.isBefore(above)) {
                break;
            }
            heap[at] = above;
            at = parent;
        }
        heap[at] = timer;
    }

    private void siftDown(int from, Timer timer) {
        int at = from;
        while (true) {
            int child = 2 * at + 1;
            if (child >= size) {
                break;
            }
            Timer smaller = heap[child];
            Timer right = child + 1 < size ? heap[child + 1] : null;
            if (right != null && smaller != null && right.isBefore(smaller)) {
                smaller = right;
                child++;
            }
            if (smaller == null || !smaller.isBefore(timer)) {
                break;
            }
            heap[at] = smaller;
            at = child;
        }
        heap[at] = timer;
    }
}
