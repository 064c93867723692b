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
 * Messages through shared memory, from one process to another: one writes at a time, one reads at a time.
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
 * <p>{@code tail} and {@code head} count the bytes ever written and read. A record is there once the tail is behind it; what
 * a writer that dies has not finished is never seen. When all is read the writer starts again at the beginning, so that
 * small messages keep to a few pages, and those that a large one touched are touched by large ones alone. After some small
 * messages the writer {@linkplain #giveBack gives} those back to the system.
 *
 * <h2>Sleep</h2>
 *
 * <p>A reader that finds nothing sets its word to {@link #ASLEEP}, looks again, and sleeps in a futex while the word says so.
 * A writer moves the tail, then looks at the word, and whoever sets it back wakes the sleeper: one of the two sees the
 * other. So nobody calls the system while messages keep coming. The writer sleeps on its own word when there is no room.
 *
 * <p>While the reading thread sleeps, another may {@linkplain #pollInstead read in its stead}: it sets the word to {@link
 * #POLLED}, and nobody is woken. The two never read at once: their callers see to that with a lock, which a sleeper does
 * not hold. It leaves messages that may still be on their way alone, as two cannot sleep on one word.
 *
 * <h2>Trust</h2>
 *
 * <p>The other process may write anything anywhere. Each side keeps its own counter to itself, reads each field once, and
 * checks it: what makes no sense is an {@link IOException}.
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
    /** Where the writer starts again when all is read. */
    private static final long SMALL = 1 << 16;
    /** What is never given back, lest large messages wait for memory again and again. */
    private static final long KEPT = 1 << 20;
    /** So many records in a row that keep to that, and the rest is given back. */
    private static final int QUIET = 256;
    /** A multiple of the size of a page, whatever that is. */
    private static final long PAGES = 1 << 16;
    /** A longer message goes in pieces: the reader copies one while the writer copies the next. */
    private static final int WHOLE = 1 << 18;

    private static final int PIECE = 1 << 17;
    /** Arrays of these lengths are used again. */
    private static final int SHORTEST_SPARE = 1 << 16;

    private static final int LONGEST_SPARE = 1 << 21;
    /** How much is allocated before any of it has arrived: a length that lies cannot ask for gigabytes. */
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
    /** Asked by a sleeper now and then; null where somebody else takes care of that. */
    private final @Nullable Liveness otherSide;

    /** Only the writer: what it has written, what it knows to be read. */
    private long tail;
    private long headSeen;
    /** Only the writer: whether more than {@link #KEPT} was touched since it was given back, and how many records not. */
    private boolean hasMore;
    private int quiet;
    /** Only the reader: what it has read, what it knows to be written. A sleeper looks at the first. */
    private volatile long head;
    private long tailSeen;

    /** For the reader: where the next large message may go; let go after {@link #QUIET} messages that are not. */
    private final AtomicReference<byte @Nullable []> spare = new AtomicReference<>();
    /** Only the reader. */
    private int smallInARow;

    /** Written by the writer. */
    private volatile long lastTask;

    private volatile boolean ended;

    /** Tells whether there is still somebody on the other side. */
    interface Liveness {
        boolean isAlive();
    }

    /** A message; its payload is the first bytes of the array, so many as its length says. */
    record Message(int kind, long task, long runNanos, long cpuNanos, byte[] payload, int length) {}

    /**
     * A ring in fresh memory, filled with zeros.
     *
     * @param memory header and data
     * @param otherSide whether it is worth waiting, or null when a wait may have no end
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

    /** Whether there is room for a message, so that writing it does not wait. */
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

    /** Whether a message, or what is left of one, is to be written from the beginning on. */
    private boolean startsAgain(long needed) throws IOException {
        long place = tail & mask;
        return place >= SMALL && needed <= place && readHead() == tail;
    }

    /** Writes a message; waits while the reader has to make room. */
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
        for (int done = first; done < length; ) {
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

    /** The greatest number of a message whose end the reader may have seen. */
    long lastTask() {
        return lastTask;
    }

    private static long aligned(long size) {
        return (size + 7) & ~7L;
    }

    /** Waits for room for a record in one piece, the first of what is to be written, and returns its place. */
    private long reserve(long size, long whole) throws IOException {
        long needed = aligned(size);
        long place = tail & mask;
        long rest = capacity - place;
        if (rest < needed || startsAgain(whole)) {
            awaitRoom(rest);
            data.set(JAVA_INT, place, (int) rest);
            data.set(JAVA_INT, place + 4, WRAP);
            tail += rest; // seen by the reader together with what comes after it
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

    /** All is read, so nothing is lost. */
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
        LONGS.setVolatile(header, TAIL, tail); // a wrap may be all that is left to read
        wake(readerWord);
        while (capacity - (tail - readHead()) < needed) {
            long before = headSeen;
            if (!sleep(writerWord, () -> readHead() != before)) {
                throw new IOException("the reader of a ring is gone");
            }
        }
    }

    // ---- the reader ----

    /** The next message, if one is there; waits for the rest of a long one. */
    @Nullable Message poll() throws IOException {
        return poll(false);
    }

    /** The next message, if all of it is there: who reads instead of the reading thread may not sleep where that does. */
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

    /** Whether a message, or part of one, is there. */
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
                    payload = Arrays.copyOf(payload, (int) Math.min(length, Math.max(2L * payload.length, have + count)));
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

    /** Nobody needs the payload of a message any more: the next one may go where it was, which costs no fresh memory. */
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
        long read = head + aligned(size); // nobody else reads
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

    /** How many bytes were ever read here. Any thread. */
    long bytesRead() {
        return head;
    }

    /** Whether something was written that is not read; asked without being the reader. */
    private boolean hasUnread() {
        return (long) LONGS.getVolatile(header, TAIL) != head;
    }

    /**
     * Waits until there may be a message; only the reading thread.
     *
     * @return false when the other side is gone and all is read
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

    /** Reads in the stead of the reading thread, if that sleeps; returns whether it does. To be followed by {@link #pollNoMore}. */
    boolean pollInstead() {
        return INTS.compareAndSet(readerWord, 0L, ASLEEP, POLLED);
    }

    /** The reading thread is to be woken again. */
    void pollNoMore() {
        if (INTS.compareAndSet(readerWord, 0L, POLLED, ASLEEP) && (hasUnread() || ended)) {
            wake(readerWord);
        }
    }

    // ---- sleep ----

    private interface Condition {
        boolean holds() throws IOException;
    }

    /** How often a sleeper looks whether there is somebody to wake it, who is else told at once: {@link #end}. */
    private static final long LOOK_NANOS = 500_000_000;

    /**
     * Sleeps once, unless the condition holds.
     *
     * @return false when nobody is there to make it hold
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

    /** Nobody is on the other side any more: ends the waits on this one. What is written can still be read. */
    void end() {
        ended = true;
        wake(readerWord);
        wake(writerWord);
    }
}
