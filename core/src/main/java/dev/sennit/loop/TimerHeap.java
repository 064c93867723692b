package dev.sennit.loop;

import dev.sennit.internal.OwnScheduler;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What is due at some time, the earliest first; of those due at the same time, the one added first. For one thread at a
 * time, but that {@link Timer#cancel} may come from any.
 *
 * <p>A binary heap. A timer that is called off stays where it is until it is due, or until such ones are half of all: most
 * timers are time-outs that are called off, and taking each out by itself would cost a search.
 */
final class TimerHeap {
    private static final int SMALLEST_SWEEP = 64;

    private @Nullable Timer[] heap = new Timer[64];
    private int size;
    private long added;
    /** How many more may be added before it is worth to look for those called off. */
    private int untilSweep = SMALLEST_SWEEP;

    /** One that may be called off. */
    static final class Timer extends OwnScheduler.Timeout {
        private final long due;
        private long number;
        /** Let go when it is called off, as what it holds may be large. */
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

        void run() {
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

    /** How many there are, those called off among them. */
    int size() {
        return size;
    }

    /**
     * When the earliest is due.
     *
     * @return nanoseconds from now, 0 or less if it is due; {@link Long#MAX_VALUE} when there is none
     */
    long nanosUntilNext(long now) {
        dropCancelled();
        Timer first = heap[0];
        return first == null ? Long.MAX_VALUE : first.due - now;
    }

    /** Takes out the earliest if it is due. */
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
