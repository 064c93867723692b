package dev.sennit.observe;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * A ring of the latest events. All threads that run tasks write into it, without locks and without waiting: each new
 * event overwrites the oldest. Each reader has its own position, and counts the events that it has missed.
 *
 * <p>Each place has a stamp, as in a seqlock (Boehm, "Can seqlocks get along with programming language memory models?",
 * 2012), so that a reader never sees half of an event:
 * <pre>
 * 2 * n + 1    the n-th event is being written
 * 2 * n + 2    the n-th event is there
 * </pre>
 * Writers claim places from one counter, so events have one order. It agrees with the order of the steps of a task: if
 * one event happens before another, in the sense of the Java Language Specification, it has the smaller number.
 *
 * <p>A writer must not wait. If another thread has paused for a whole round and is still writing a place, the next
 * writer of this place drops its event. A reader cannot tell such a place from one that is about to be written: it
 * waits for {@link #PATIENCE_NANOS}, and then counts the event as missed.
 */
final class EventRing {
    /** Longer than a ready thread waits for a processor on a machine that is not overloaded. */
    static final long PATIENCE_NANOS = 200_000_000;

    /** The longs of a row, which is a cache line: a stamp and the values of an event. Two are unused. */
    private static final int ROW = 8;

    private static final int STAMP = 0;
    private static final int KIND = 1;
    private static final int TASK = 2;
    private static final int TIME = 3;
    private static final int FIRST = 4;
    private static final int SECOND = 5;

    /** The references of an event: pool, name, detail. */
    private static final int REFERENCES = 4;

    private static final VarHandle LONGS = MethodHandles.arrayElementVarHandle(long[].class);
    private static final VarHandle OBJECTS = MethodHandles.arrayElementVarHandle(Object[].class);

    /** Where the counter is in its array: two cache lines from whatever is before the array, and after it. */
    private static final int COUNTER = 16;

    private final int mask;
    private final long[] rows;
    private final @Nullable Object[] references;
    /**
     * How many places were claimed, by any thread. Alone in its cache line: writers change it with each event, and
     * readers would take the line from them as often if one of the fields above were in it.
     */
    private final long[] claimed = new long[2 * COUNTER + 1];

    /** Receives events as they were written. The kind determines the meaning of the two figures and the detail. */
    interface Reader {
        void event(TaskEvent.Kind kind, long task, long time, long first, long second, String pool,
                @Nullable Object named, @Nullable String detail);
    }

    /**
     * Creates an empty ring.
     *
     * @param capacity a power of two
     */
    EventRing(int capacity) {
        if (Integer.bitCount(capacity) != 1) {
            throw new IllegalArgumentException("capacity must be a power of two, was " + capacity);
        }
        mask = capacity - 1;
        rows = new long[capacity * ROW];
        references = new Object[capacity * REFERENCES];
    }

    void write(TaskEvent.Kind kind, long task, long time, long first, long second, String pool,
            @Nullable Object named, @Nullable String detail) {
        long number = claim();
        int place = (int) number & mask;
        int row = place * ROW;
        long before = (long) LONGS.getVolatile(rows, row + STAMP);
        if ((before & 1) != 0 || before > 2 * number
                || !LONGS.compareAndSet(rows, row + STAMP, before, 2 * number + 1)) {
            return; // a writer of the last round is still writing the place, or one of the next round has
        }
        VarHandle.storeStoreFence(); // the stamp that says "being written" comes before any part of the event
        LONGS.setOpaque(rows, row + KIND, (long) kind.ordinal());
        LONGS.setOpaque(rows, row + TASK, task);
        LONGS.setOpaque(rows, row + TIME, time);
        LONGS.setOpaque(rows, row + FIRST, first);
        LONGS.setOpaque(rows, row + SECOND, second);
        int texts = place * REFERENCES;
        OBJECTS.setOpaque(references, texts, pool);
        OBJECTS.setOpaque(references, texts + 1, named);
        OBJECTS.setOpaque(references, texts + 2, detail);
        LONGS.setRelease(rows, row + STAMP, 2 * number + 2);
    }

    /** Claims a place for the calling thread. Returns the number of its event. */
    long claim() {
        return (long) LONGS.getAndAdd(claimed, COUNTER, 1L);
    }

    /** Returns the number of the next event. */
    long end() {
        return (long) LONGS.getVolatile(claimed, COUNTER);
    }

    /** A reader's position. One thread at a time may use it. */
    final class Cursor {
        private long next = end();
        private long missed;
        /** When the reader began to wait for the event at {@code next}; valid while {@link #isWaiting}. */
        private long waitsSince;
        private boolean isWaiting;

        /** Returns the number of the next event to read. */
        long next() {
            return next;
        }

        /** Returns how many events this reader has missed. */
        long missed() {
            return missed;
        }

        /**
         * Reads new events, in their order.
         *
         * @param now the current time in nanoseconds, by which waits end
         * @param most the largest number of events to read
         * @return how many events were read
         */
        int read(Reader reader, long now, int most) {
            int read = 0;
            for (long end = end(); next < end && read < most;) {
                if (end - next > mask + 1L) {
                    skip(end - next - mask - 1);
                }
                int place = (int) next & mask;
                int row = place * ROW;
                long there = 2 * next + 2;
                long stamp = (long) LONGS.getAcquire(rows, row + STAMP);
                if (stamp < there) {
                    if (!isWaiting) {
                        isWaiting = true;
                        waitsSince = now;
                    }
                    if (now - waitsSince < PATIENCE_NANOS) {
                        return read;
                    }
                    skip(1);
                } else if (stamp > there) { // the next round has overwritten it
                    skip(1);
                } else if (readPlace(reader, place, row, there)) {
                    isWaiting = false;
                    next++;
                    read++;
                } else {
                    skip(1);
                }
            }
            return read;
        }

        private void skip(long events) {
            isWaiting = false;
            missed += events;
            next += events;
        }

        /** Returns false if the event was overwritten meanwhile. */
        private boolean readPlace(Reader reader, int place, int row, long there) {
            long kind = (long) LONGS.getOpaque(rows, row + KIND);
            long task = (long) LONGS.getOpaque(rows, row + TASK);
            long time = (long) LONGS.getOpaque(rows, row + TIME);
            long first = (long) LONGS.getOpaque(rows, row + FIRST);
            long second = (long) LONGS.getOpaque(rows, row + SECOND);
            int texts = place * REFERENCES;
            Object pool = OBJECTS.getOpaque(references, texts);
            Object named = OBJECTS.getOpaque(references, texts + 1);
            Object detail = OBJECTS.getOpaque(references, texts + 2);
            VarHandle.acquireFence(); // the stamp is read again after these values
            if ((long) LONGS.getOpaque(rows, row + STAMP) != there) {
                return false;
            }
            reader.event(KINDS[(int) kind], task, time, first, second, (String) pool, named, (String) detail);
            return true;
        }
    }

    private static final TaskEvent.Kind[] KINDS = TaskEvent.Kind.values();
}
