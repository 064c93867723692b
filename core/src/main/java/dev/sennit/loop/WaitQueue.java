package dev.sennit.loop;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The threads that wait at one side of a channel, in the order they came. All of it is guarded by the channel's lock.
 *
 * <p>A thread that gives up ends its wait first, and leaves the queue then; one in between is passed over.
 */
final class WaitQueue<T> {
    /** Where a thread stands in a queue. */
    static final class Place<T> {
        final Wait wait;
        /** What a sender brings; what a receiver is handed, written before its wait ends. */
        @Nullable T element;
        /** Whether it was the end of the channel that ended the wait; written before. */
        boolean closed;

        private @Nullable Place<T> before;
        private @Nullable Place<T> after;
        private boolean linked;

        Place(Wait wait, @Nullable T element) {
            this.wait = wait;
            this.element = element;
        }
    }

    private @Nullable Place<T> first;
    private @Nullable Place<T> last;
    private int size;

    int size() {
        return size;
    }

    void add(Place<T> place) {
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

    /** Takes a place out, if it is still in. */
    void remove(Place<T> place) {
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
     * Ends the wait of the first that still waits, and takes it out.
     *
     * @param handed what it is handed; null for a sender, which brings something
     * @return its place, or null if nobody waits; its thread is to be woken
     */
    @Nullable Place<T> endFirst(@Nullable T handed) {
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

    /** Ends the waits of all, because the channel is closed; returns the threads that are to be woken. */
    List<Thread> endAll() {
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
