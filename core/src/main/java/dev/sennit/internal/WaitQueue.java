package dev.sennit.internal;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Threads that wait for the same condition, first come, first served. Guarded by a lock of the owner.
 *
 * <p>A thread that gives up first ends its wait and then leaves the queue; in between it is passed over.
 *
 * @param <T> the type of the elements that the threads bring or receive
 */
public final class WaitQueue<T> {
    /**
     * The place of a thread in a queue.
     *
     * @param <T> the type of the element that the thread brings or receives
     */
    public static final class Place<T> {
        /** The thread's wait. */
        public final Wait wait;
        /** The element that the thread brings, or that it receives, which is written before its wait ends. */
        public @Nullable T element;
        /** Whether {@link WaitQueue#endAll} ended the wait; written before the wait ends. */
        public boolean closed;

        private @Nullable Place<T> before;
        private @Nullable Place<T> after;
        private boolean linked;

        /**
         * Creates a place that is in no queue.
         *
         * @param wait the thread's wait
         * @param element the element that the thread brings, or null
         */
        public Place(Wait wait, @Nullable T element) {
            this.wait = wait;
            this.element = element;
        }
    }

    private @Nullable Place<T> first;
    private @Nullable Place<T> last;
    private int size;

    /** Creates an empty queue. */
    public WaitQueue() {}

    /**
     * Returns how many threads are in the queue.
     *
     * @return the count; a thread that gave up counts until it has left
     */
    public int size() {
        return size;
    }

    /**
     * Adds a place at the end.
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
     * Removes a place, if it is in the queue.
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
     * Ends the wait of the first thread that still waits and was not interrupted, and removes its place.
     *
     * @param handed the element that the thread receives; null if the thread brings an element
     * @return its place, whose thread the caller then wakes, or null if no thread waits
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
     * Ends the waits of all threads, and marks their places {@link Place#closed}.
     *
     * @return the threads, which the caller then wakes
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
