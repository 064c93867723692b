package dev.sennit.process;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.sennit.internal.Linux;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A queue of messages in shared memory, from one process to another. One thread at a time writes, and one reads.
 *
 * <h2>Layout</h2>
 * <pre>
 * header   tail, head, the reader's word, the writer's word; each in a cache line of its own
 * data     a power of two of bytes, written round and round, in records aligned to 8:
 *            int size of the record, int kind, long task, long run nanoseconds, long processor nanoseconds,
 *            int length of the message, int unused, bytes          the first record of a message
 *            int size of the record, int MORE, bytes               more of it, when it is long
 *            int size of the record, int WRAP                      the rest up to the end is not used
 * </pre>
 *
 * <p>{@code tail} and {@code head} count the bytes ever written and read. The writer publishes a record by advancing
 * the tail past it, so the reader never sees the unfinished record of a writer that died. When all records are read,
 * the writer starts again at the beginning: small messages use the same few pages again and again, and only large
 * messages touch the others. After some small messages in a row the writer {@linkplain #giveBack gives} those other
 * pages back to the system.
 *
 * <h2>Sleep</h2>
 *
 * <p>A reader that finds no message sets its word to {@link #ASLEEP}, looks again, and sleeps in a futex while the word
 * keeps that value. The writer advances the tail, then looks at the word, and wakes the reader if it can reset the
 * word. At least one of the two sees what the other wrote, and neither calls the system while messages keep coming. The
 * writer sleeps on its own word while there is no room.
 *
 * <p>While the reading thread sleeps, another thread may {@linkplain #pollInstead read in its stead}: it sets the word
 * to {@link #POLLED}, so that the writer does not wake the sleeper. The callers hold a lock while they read, which a
 * sleeper does not hold, so the two never read at once. The other thread takes no message of which a part is still to
 * come: it would have to sleep, and two threads cannot sleep on one word.
 *
 * <h2>Trust</h2>
 *
 * <p>The other process may write anything anywhere. Each side keeps its own counter in private memory, reads each field
 * once, and checks the value; an impossible value is an {@link IOException}.
 */
final class Ring {
    static final long HEADER = 256;

    private static final long TAIL = 0;
    private static final long HEAD = 64;
    private static final long READER_WORD = 128;
    private static final long WRITER_WORD = 192;

    private static final int AWAKE = 0;
    private static final int ASLEEP = 1;
    private static final int POLLED = 2;

    private static final int MORE = -1;
    private static final int WRAP = -2;

    private static final int RECORD_HEADER = 8;
    private static final int FIRST_HEADER = 40;
    /** From this position on, the writer starts again at the beginning when all is read. */
    private static final long SMALL = 1 << 16;
    /** So many bytes are never given back, so that large messages need not wait for memory each time. */
    private static final long KEPT = 1 << 20;
    /** After so many records in a row within {@link #KEPT}, the rest is given back. */
    private static final int QUIET = 256;
    /** A multiple of every system's page size. */
    private static final long PAGES = 1 << 16;
    /** A longer message goes in pieces: the reader copies a piece while the writer copies the next. */
    private static final int WHOLE = 1 << 18;

    private static final int PIECE = 1 << 17;
    /** Arrays from this length to {@link #LONGEST_SPARE} are used again. */
    private static final int SHORTEST_SPARE = 1 << 16;

    private static final int LONGEST_SPARE = 1 << 21;
    /**
     * How much is allocated at most before any byte has arrived: a false length cannot make the reader allocate
     * gigabytes.
     */
    private static final int FIRST_ALLOCATION = 1 << 20;

    private static final VarHandle LONGS = JAVA_LONG.varHandle();
    private static final VarHandle INTS = JAVA_INT.varHandle();

    private final MemorySegment header;
    private final MemorySegment data;
    private final MemorySegment readerWord;
    private final MemorySegment writerWord;
    private final long capacity;
    private final long mask;
    private final int longestWhole;
    private final int piece;
    /** A sleeper asks it now and then; null in the worker, whose main thread hears of the parent's end. */
    private final @Nullable Liveness otherSide;

    /** Only the writer: how many bytes it has written, and how many it knows to be read. */
    private long tail;
    private long headSeen;
    /**
     * Only the writer: whether memory beyond {@link #KEPT} is in use, and how many records in a row did not reach it.
     */
    private boolean hasMore;
    private int quiet;
    /**
     * Written by the reader: how many bytes it has read, and how many it knows to be written. Any thread may read the
     * first.
     */
    private volatile long head;
    private long tailSeen;

    /** An array for the reader's next large message; dropped after {@link #QUIET} small messages in a row. */
    private final AtomicReference<byte @Nullable []> spare = new AtomicReference<>();
    /** Only the reader. How many small messages came in a row. */
    private int smallInARow;

    /** Written by the writer. The greatest task number of a message that is written whole. */
    private volatile long lastTask;

    /** Whether the process on the other side has ended. Set once, by any thread. */
    private volatile boolean ended;

    /** Tells whether the process on the other side is alive. */
    interface Liveness {
        boolean isAlive();
    }

    /** A message; its payload is the first {@code length} bytes of the array. */
    record Message(int kind, long task, long runNanos, long cpuNanos, byte[] payload, int length) {}

    /**
     * Opens a ring.
     *
     * @param memory header and data; zeroed memory is an empty ring
     * @param otherSide asked by a thread that waits, or null when a wait need not notice the end of the other process
     */
    Ring(MemorySegment memory, @Nullable Liveness otherSide) {
        header = memory.asSlice(0, HEADER);
        data = memory.asSlice(HEADER);
        readerWord = header.asSlice(READER_WORD, Integer.BYTES);
        writerWord = header.asSlice(WRITER_WORD, Integer.BYTES);
        capacity = data.byteSize();
        if (Long.bitCount(capacity) != 1) {
            throw new IllegalArgumentException("capacity must be a power of two, was " + capacity);
        }
        mask = capacity - 1;
        longestWhole = (int) Math.min(WHOLE, capacity / 2 - FIRST_HEADER);
        piece = (int) Math.min(PIECE, capacity / 4);
        this.otherSide = otherSide;
    }

    // ---- the writer ----

    /** Returns whether there is room for a message, so that writing it does not wait. */
    boolean hasRoom(int length) throws IOException {
        long needed = roomFor(length);
        if (needed > capacity / 2) {
            return false;
        }
        long free = capacity - (tail - readHead());
        long rest = capacity - (tail & mask);
        return startsAgain(needed) || free >= (rest >= needed ? needed : rest + needed);
    }

    private long roomFor(int length) {
        return length <= longestWhole
                ? aligned(FIRST_HEADER + length)
                : aligned(FIRST_HEADER + piece) + roomForMore(length - piece);
    }

    private long roomForMore(int length) {
        int last = length % piece;
        return length / piece * aligned(RECORD_HEADER + piece) + (last == 0 ? 0 : aligned(RECORD_HEADER + last));
    }

    /** Returns whether a message, or the rest of a message, is to be written from the beginning on. */
    private boolean startsAgain(long needed) throws IOException {
        long place = tail & mask;
        return place >= SMALL && needed <= place && readHead() == tail;
    }

    /** Writes a message; waits until the reader has made room. */
    void write(int kind, long task, long runNanos, long cpuNanos, byte[] payload, int length) throws IOException {
        int first = length <= longestWhole ? length : piece;
        long at = reserve(FIRST_HEADER + first, roomFor(length));
        data.set(JAVA_INT, at, FIRST_HEADER + first);
        data.set(JAVA_INT, at + 4, kind);
        data.set(JAVA_LONG, at + 8, task);
        data.set(JAVA_LONG, at + 16, runNanos);
        data.set(JAVA_LONG, at + 24, cpuNanos);
        data.set(JAVA_INT, at + 32, length);
        MemorySegment.copy(payload, 0, data, JAVA_BYTE, at + FIRST_HEADER, first);
        if (first == length) {
            lastTask = Math.max(lastTask, task);
        }
        publish(FIRST_HEADER + first);
        for (int done = first; done < length;) {
            int count = Math.min(length - done, piece);
            at = reserve(RECORD_HEADER + count, roomForMore(length - done));
            data.set(JAVA_INT, at, RECORD_HEADER + count);
            data.set(JAVA_INT, at + 4, MORE);
            MemorySegment.copy(payload, done, data, JAVA_BYTE, at + RECORD_HEADER, count);
            done += count;
            if (done == length) {
                lastTask = Math.max(lastTask, task);
            }
            publish(RECORD_HEADER + count);
        }
    }

    /** Returns the greatest task number of a message that the reader may have read whole. */
    long lastTask() {
        return lastTask;
    }

    private static long aligned(long size) {
        return (size + 7) & ~7L;
    }

    /**
     * Waits until there is contiguous room for a record, and returns its position.
     *
     * @param size bytes of the record
     * @param whole bytes of the rest of the message, this record included
     */
    private long reserve(long size, long whole) throws IOException {
        long needed = aligned(size);
        long place = tail & mask;
        long rest = capacity - place;
        if (rest < needed || startsAgain(whole)) {
            awaitRoom(rest);
            data.set(JAVA_INT, place, (int) rest);
            data.set(JAVA_INT, place + 4, WRAP);
            tail += rest; // published together with the next record
            place = 0;
        }
        awaitRoom(needed);
        if (place + needed > KEPT) {
            hasMore = true;
            quiet = 0;
        } else if (hasMore && ++quiet > QUIET && readHead() == tail) {
            giveBack();
        }
        return place;
    }

    /** Gives the pages beyond {@link #KEPT} back to the system. All records are read, so none is lost. */
    private void giveBack() {
        long start = data.address();
        long from = (start + KEPT + PAGES - 1) / PAGES * PAGES - start;
        long to = (start + capacity) / PAGES * PAGES - start;
        if (from < to) {
            Linux.giveBack(data.asSlice(from, to - from));
        }
        hasMore = false;
    }

    private void publish(long size) {
        tail += aligned(size);
        LONGS.setVolatile(header, TAIL, tail);
        wake(readerWord);
    }

    private long readHead() throws IOException {
        long seen = (long) LONGS.getVolatile(header, HEAD);
        if (seen < headSeen || seen > tail) {
            throw new IOException("the reader of a ring says that it has read " + seen + " bytes of " + tail);
        }
        headSeen = seen;
        return seen;
    }

    private void awaitRoom(long needed) throws IOException {
        if (capacity - (tail - headSeen) >= needed) {
            return;
        }
        LONGS.setVolatile(header, TAIL, tail); // a WRAP record may not be published yet
        wake(readerWord);
        while (capacity - (tail - readHead()) < needed) {
            long before = headSeen;
            if (!sleep(writerWord, () -> readHead() != before)) {
                throw new IOException("the reader of a ring is gone");
            }
        }
    }

    // ---- the reader ----

    /** Returns the next message, or null; waits for the rest of a long message that has begun. */
    @Nullable Message poll() throws IOException {
        return poll(false);
    }

    /** Returns the next message if all of it is there, or null; never sleeps. For a thread in {@link #pollInstead}. */
    @Nullable Message pollWhole() throws IOException {
        return poll(true);
    }

    private @Nullable Message poll(boolean wholeOnly) throws IOException {
        while (hasMessage()) {
            long at = head & mask;
            int size = data.get(JAVA_INT, at);
            int kind = data.get(JAVA_INT, at + 4);
            if (kind != WRAP) {
                checkRecord(at, size, FIRST_HEADER);
                int length = data.get(JAVA_INT, at + 32);
                return wholeOnly && length > size - FIRST_HEADER ? null : readMessage(at, size, kind, length);
            }
            checkRecord(at, size, RECORD_HEADER);
            consume(size);
        }
        return null;
    }

    /** Returns whether a message, or a part of a message, is there. */
    boolean hasMessage() throws IOException {
        return head != tailSeen || readTail() != head;
    }

    private Message readMessage(long at, int size, int kind, int length) throws IOException {
        long task = data.get(JAVA_LONG, at + 8);
        long runNanos = data.get(JAVA_LONG, at + 16);
        long cpuNanos = data.get(JAVA_LONG, at + 24);
        int have = size - FIRST_HEADER;
        if (length < have || kind < 0) {
            throw new IOException("a message of kind " + kind + " and length " + length + " in a record of " + size);
        }
        byte[] payload = arrayFor(length, have);
        MemorySegment.copy(data, JAVA_BYTE, at + FIRST_HEADER, payload, 0, have);
        consume(size);
        while (have < length) {
            if (!awaitRecord()) {
                throw new EOFException("the writer of a ring ended in the middle of a message");
            }
            at = head & mask;
            size = data.get(JAVA_INT, at);
            int more = data.get(JAVA_INT, at + 4);
            checkRecord(at, size, RECORD_HEADER);
            if (more == MORE) {
                int count = size - RECORD_HEADER;
                if (count > length - have) {
                    throw new IOException("a message of length " + length + " that has more");
                }
                if (count > payload.length - have) {
                    payload =
                            Arrays.copyOf(payload, (int) Math.min(length, Math.max(2L * payload.length, have + count)));
                }
                MemorySegment.copy(data, JAVA_BYTE, at + RECORD_HEADER, payload, have, count);
                have += count;
            } else if (more != WRAP) {
                throw new IOException("a message of length " + length + " that ends after " + have);
            }
            consume(size);
        }
        return new Message(kind, task, runNanos, cpuNanos, payload, length);
    }

    private byte[] arrayFor(int length, int have) {
        if (length < SHORTEST_SPARE) {
            if (++smallInARow == QUIET) {
                spare.set(null);
            }
        } else {
            smallInARow = 0;
            byte[] again = spare.getAndSet(null);
            if (again != null && again.length >= length) {
                return again;
            }
        }
        return new byte[Math.min(length, Math.max(have, FIRST_ALLOCATION))];
    }

    /** Takes the payload of a message that is not needed any more, for the next large message. */
    void useAgain(byte[] payload) {
        if (payload.length >= SHORTEST_SPARE && payload.length <= LONGEST_SPARE) {
            spare.set(payload);
        }
    }

    private void checkRecord(long at, int size, int atLeast) throws IOException {
        if (size < atLeast || aligned(size) > tailSeen - head || at + size > capacity) {
            throw new IOException("a record of " + size + " bytes at " + at + " of a ring");
        }
    }

    private void consume(int size) {
        long read = head + aligned(size); // only this thread writes head
        head = read;
        LONGS.setVolatile(header, HEAD, read);
        wake(writerWord);
    }

    private long readTail() throws IOException {
        long seen = (long) LONGS.getVolatile(header, TAIL);
        if (seen < tailSeen || seen - head > capacity || (seen & 7) != 0) {
            throw new IOException("the writer of a ring says that it has written " + seen + " bytes, of which " + head
                    + " are read");
        }
        tailSeen = seen;
        return seen;
    }

    /** Returns how many bytes were ever read here. Any thread. */
    long bytesRead() {
        return head;
    }

    /** Returns whether there is a record that is not read. Any thread. */
    private boolean hasUnread() {
        return (long) LONGS.getVolatile(header, TAIL) != head;
    }

    /**
     * Waits until there may be a message; only the reading thread.
     *
     * @return false when the other process has ended and all is read
     */
    boolean await() throws IOException {
        return sleep(readerWord, this::hasUnread) || hasUnread();
    }

    private boolean awaitRecord() throws IOException {
        while (!hasMessage()) {
            if (!await()) {
                return false;
            }
        }
        return true;
    }

    /**
     * Lets the caller read in the stead of the reading thread, if that sleeps, until {@link #pollNoMore}.
     *
     * @return whether the reading thread sleeps, and the caller may read
     */
    boolean pollInstead() {
        return INTS.compareAndSet(readerWord, 0L, ASLEEP, POLLED);
    }

    /** Ends {@link #pollInstead}: the writer wakes the reading thread again. */
    void pollNoMore() {
        if (INTS.compareAndSet(readerWord, 0L, POLLED, ASLEEP) && (hasUnread() || ended)) {
            wake(readerWord);
        }
    }

    // ---- sleep ----

    private interface Condition {
        boolean holds() throws IOException;
    }

    /** How often a sleeper checks that the other process is alive, in case {@link #end} is not called. */
    private static final long LOOK_NANOS = 500_000_000;

    /**
     * Sleeps once, unless the condition holds.
     *
     * @return false when the other process has ended, and cannot make it hold
     */
    private boolean sleep(MemorySegment word, Condition condition) throws IOException {
        INTS.setVolatile(word, 0L, ASLEEP);
        try {
            if (condition.holds()) {
                return true;
            }
            if (ended) {
                return false;
            }
            if (otherSide == null) {
                Linux.futexWait(word, ASLEEP);
                return true;
            }
            Linux.futexWait(word, ASLEEP, LOOK_NANOS);
            return condition.holds() || otherSide.isAlive();
        } finally {
            INTS.setVolatile(word, 0L, AWAKE);
        }
    }

    private static void wake(MemorySegment word) {
        if ((int) INTS.getVolatile(word, 0L) == ASLEEP && INTS.compareAndSet(word, 0L, ASLEEP, AWAKE)) {
            Linux.futexWake(word, 1);
        }
    }

    /** Ends the waits on this side, as the other process has ended. Records already written can still be read. */
    void end() {
        ended = true;
        wake(readerWord);
        wake(writerWord);
    }
}
