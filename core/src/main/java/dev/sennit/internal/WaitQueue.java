package dev.sennit.internal;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Threads that wait for the same thing, in the order they came. All of it is guarded by a lock of the owner.
 *
 * <p>A thread that gives up ends its wait first, and leaves the queue then; one in between is passed over.
 *
 * @param <T> the type of what they bring or are handed
 */
public final class WaitQueue<T> {
    /**
     * Where a thread stands in a queue.
     *
     * @param <T> the type of what it brings or is handed
     */
    public static final class Place<T> {
        /** The thread's wait. */
        public final Wait wait;
        /** What the thread brings; or what it is handed, written before its wait ends. */
        public @Nullable T element;
        /** Whether {@link WaitQueue#endAll} ended the wait; written before. */
        public boolean closed;

        private @Nullable Place<T> before;
        private @Nullable Place<T> after;
        private boolean linked;

        /**
         * A place in no queue.
         *
         * @param wait the thread's wait
         * @param element what the thread brings, or null
         */
        public Place(Wait wait, @Nullable T element) {
            this.wait = wait;
            this.element = element;
        }
    }

    private @Nullable Place<T> first;
    private @Nullable Place<T> last;
    private int size;

    /** An empty queue. */
    public WaitQueue() {}

    /**
     * How many threads are in.
     *
     * @return the count; a thread that gave up counts until it has left
     */
    public int size() {
        return size;
    }

    /**
     * Puts a place in as the last.
     *
     * @param place a place that is in no queue
     */
    public void add(Place<T> place) {
        place.before = last;
        if (last == null) {
            first = place;
        } else {
            last.after = place;
        }
        last = place;
        place.linked = true;
        size++;
    }

    /**
     * Takes a place out, if it is still in.
     *
     * @param place the place
     */
    public void remove(Place<T> place) {
        if (!place.linked) {
            return;
        }
        if (place.before == null) {
            first = place.after;
        } else {
            place.before.after = place.after;
        }
        if (place.after == null) {
            last = place.before;
        } else {
            place.after.before = place.before;
        }
        place.before = null;
        place.after = null;
        place.linked = false;
        size--;
    }

    private @Nullable Place<T> poll() {
        Place<T> place = first;
        if (place != null) {
            remove(place);
        }
        return place;
    }

    /**
     * Ends the wait of the first thread that still waits, and takes it out. One that was interrupted does not wait any more.
     *
     * @param handed what the thread is handed; null if it brings something
     * @return its place, or null if no thread waits; its thread is to be woken
     */
    public @Nullable Place<T> endFirst(@Nullable T handed) {
        for (Place<T> place = poll(); place != null; place = poll()) {
            if (handed != null) {
                place.element = handed;
            }
            if (place.wait.end(place)) {
                return place;
            }
        }
        return null;
    }

    /**
     * Ends the waits of all, and marks their places {@link Place#closed}.
     *
     * @return the threads that are to be woken
     */
    public List<Thread> endAll() {
        List<Thread> threads = new ArrayList<>(size);
        for (Place<T> place = poll(); place != null; place = poll()) {
            place.closed = true;
            if (place.wait.end(place)) {
                threads.add(place.wait.thread());
            }
        }
        return threads;
    }
}
