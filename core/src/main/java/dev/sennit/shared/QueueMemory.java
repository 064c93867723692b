package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.sennit.QueueClosedException;
import dev.sennit.codec.MessageBuffer;
import dev.sennit.internal.Waits;
import dev.sennit.internal.machine.WaitLimit;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A queue of messages in shared memory. Any number of processes put messages in and take them out, and the queue stays
 * whole when any of them dies. Zeroed memory is an empty queue.
 *
 * <h2>Layout</h2>
 *
 * <pre>
 * words    the put lock, the take lock;
 *          the signals on which takers, putters and joiners sleep; tail;
 *          head, removed, dropped, and the change under way; done;
 *          closed, and which of the three may be asleep. Each group in cache lines of its own
 * data     a circular buffer of units of 8 bytes. A record is
 *            int length of the message, or its complement once the element was removed
 *            int number of the element, counted from 0 and wrapping around
 *            the message, which may go on at the start of the buffer; then up to 7 unused bytes
 * </pre>
 *
 * <p>{@code tail} and {@code head} are positions: the number of the next element to go in or come out, and the unit
 * where its record begins, in one long. So one write changes both.
 *
 * <h2>A kill at any moment</h2>
 *
 * <p>A producer acquires the put lock, writes records into free units, and then moves the tail: this store publishes
 * all of them at once. A consumer acquires the take lock, copies the record, and then moves the head: until then the
 * element is still in. The locks are {@link LockWord}s and are acquired with {@link LockWord#lockRecovering}: after a
 * death nothing has to be repaired.
 *
 * <p>Three changes need several words: removing an element from the middle, skipping removed elements, and dropping all
 * elements. The consumer first writes the new values down, as values and not as differences, and sets CHANGING; then it
 * makes the change and clears CHANGING. The next owner of the take lock that finds CHANGING set makes the change again.
 *
 * <p>The tail counts the elements that were put in; {@code dropped} counts those that left without being taken, and
 * {@code done} those that were dealt with. The number of unfinished elements is derived from these, so no count can get
 * lost beside its element.
 *
 * <h2>Waiting</h2>
 *
 * <p>See {@link Waiting}. No thread makes a system call while none sleeps; a lost wake-up costs no more than a slice.
 *
 * <h2>Trust</h2>
 *
 * <p>Another process may write anything anywhere. Each process knows size and capacity from elsewhere; it checks
 * positions and lengths before use, and throws a {@link QueueDamagedException} if they are impossible.
 */
final class QueueMemory {
    private static final VarHandle LONGS = JAVA_LONG.varHandle();
    private static final VarHandle INTS = JAVA_INT.varHandle();

    static final long PUT_LOCK = 0;
    static final long TAKE_LOCK = PUT_LOCK + LockWord.BYTES;
    private static final long TAKERS_SIGNAL = TAKE_LOCK + LockWord.BYTES;
    private static final long PUTTERS_SIGNAL = TAKERS_SIGNAL + SignalWord.BYTES;
    private static final long JOINERS_SIGNAL = PUTTERS_SIGNAL + SignalWord.BYTES;
    /** Written by the owner of the put lock. */
    static final long TAIL = JOINERS_SIGNAL + SignalWord.BYTES;
    /** Written by the owner of the take lock, as are all fields up to {@link #CHANGING}. */
    static final long HEAD = TAIL + 64;
    /** How many elements between head and tail were removed. */
    static final long REMOVED = HEAD + 8;
    /** How many elements ever left without being taken. */
    static final long DROPPED = HEAD + 12;
    /** The new values of head, removed and dropped, and the unit of the record to be marked as removed, or -1. */
    private static final long NEW_HEAD = HEAD + 16;

    private static final long NEW_REMOVED = HEAD + 24;
    private static final long NEW_DROPPED = HEAD + 28;
    private static final long NEWLY_REMOVED = HEAD + 32;
    /** Whether the new values are written down, and the change is not complete. */
    static final long CHANGING = HEAD + 40;
    /** How many elements were dealt with; written by the owner of the take lock. */
    private static final long DONE = HEAD + 64;
    /** Written by the owner of the put lock. */
    private static final long CLOSED = DONE + 64;

    private static final long TAKERS_ASLEEP = CLOSED + 4;
    private static final long PUTTERS_ASLEEP = CLOSED + 8;
    private static final long JOINERS_ASLEEP = CLOSED + 12;
    static final long DATA = CLOSED + 64;

    private static final int OPEN = 0;
    private static final int CLOSED_FOR_PUTS = 1;
    private static final int CLOSED_AT_ONCE = 2;

    private static final int UNIT = 8;
    private static final int RECORD_HEADER = 8;
    /** The unit of a position has 32 bits; half of that range is enough. */
    static final long MOST_BYTES = (1L << 31) * UNIT;

    private static final int SPINS = Runtime.getRuntime().availableProcessors() > 1 ? 100 : 0;
    /**
     * The least time to wait for a lock, even if the limit is over: it takes longer only if a process was stopped with
     * the lock.
     */
    private static final long PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final MemorySegment words;
    private final MemorySegment data;
    private final long dataBytes;
    private final long units;
    private final int capacity;

    private final LockWord putting;
    private final LockWord taking;
    private final Waiting takers;
    private final Waiting putters;
    private final Waiting joiners;

    /** An element that is or was in the queue: its position and its message. */
    record Stored(long position, byte[] message) {}

    /** Returns how much memory a queue takes with room for so many bytes. */
    static long bytesFor(long dataBytes) {
        return DATA + (dataBytes + UNIT - 1) / UNIT * UNIT;
    }

    /**
     * Uses a queue in some memory.
     *
     * @param memory as many bytes as {@link #bytesFor} returns; zero before their first use
     * @param capacity how many elements the queue has room for
     */
    QueueMemory(MemorySegment memory, int capacity) {
        this.words = memory.asSlice(0, DATA);
        this.data = memory.asSlice(DATA);
        this.units = data.byteSize() / UNIT;
        this.dataBytes = units * UNIT;
        this.capacity = capacity;
        this.putting = new LockWord(memory.asSlice(PUT_LOCK, LockWord.BYTES));
        this.taking = new LockWord(memory.asSlice(TAKE_LOCK, LockWord.BYTES));
        this.takers = new Waiting(TAKERS_SIGNAL, TAKERS_ASLEEP, () -> !isEmpty());
        this.putters = new Waiting(PUTTERS_SIGNAL, PUTTERS_ASLEEP, () -> room() > 0);
        this.joiners = new Waiting(JOINERS_SIGNAL, JOINERS_ASLEEP, () -> unfinished() == 0);
    }

    // ---- positions and records ----

    private static int number(long position) {
        return (int) (position >>> 32);
    }

    private static long unit(long position) {
        return position & 0xFFFF_FFFFL;
    }

    private static long unitsOf(long length) {
        return (RECORD_HEADER + length + UNIT - 1) / UNIT;
    }

    /** Returns the position after an element. */
    private long after(long position, int length) {
        long unit = unit(position) + unitsOf(length);
        return (long) (number(position) + 1) << 32 | (unit < units ? unit : unit - units);
    }

    private long head() {
        return (long) LONGS.getAcquire(words, HEAD);
    }

    private long tail() {
        return (long) LONGS.getAcquire(words, TAIL);
    }

    private int removed() {
        return (int) INTS.getAcquire(words, REMOVED);
    }

    private int dropped() {
        return (int) INTS.getAcquire(words, DROPPED);
    }

    /** Returns how many units lie between two positions. */
    private long distance(long from, long to) {
        long distance = unit(to) - unit(from);
        boolean isNone = number(from) == number(to);
        if (unit(from) >= units || unit(to) >= units || isNone && distance != 0) {
            throw damaged("its positions are " + Long.toHexString(from) + " and " + Long.toHexString(to));
        }
        return isNone || distance > 0 ? distance : distance + units;
    }

    /** Returns the length of the message at a position, or its complement if the element was removed. */
    private int lengthAt(long position, long tail) {
        long available = distance(position, tail);
        int length = (int) INTS.getAcquire(data, unit(position) * UNIT);
        int number = data.get(JAVA_INT, unit(position) * UNIT + 4);
        if (number != number(position) || unitsOf(plain(length)) > available) {
            throw damaged("element " + Integer.toUnsignedString(number(position)) + " has the number "
                    + Integer.toUnsignedString(number) + " and the length " + length);
        }
        return length;
    }

    private static int plain(int length) {
        return length < 0 ? ~length : length;
    }

    private static QueueDamagedException damaged(String what) {
        return new QueueDamagedException("shared queue is damaged, " + what
                + ": a process wrote where it should not, so make another queue");
    }

    private byte[] messageAt(long position, int length) {
        byte[] message = new byte[length];
        long start = unit(position) * UNIT + RECORD_HEADER;
        int first = (int) Math.min(length, dataBytes - start);
        MemorySegment.copy(data, JAVA_BYTE, start, message, 0, first);
        if (first < length) {
            MemorySegment.copy(data, JAVA_BYTE, 0, message, first, length - first);
        }
        return message;
    }

    private void write(long position, byte[] message, int length) {
        long start = unit(position) * UNIT;
        data.set(JAVA_INT, start, length);
        data.set(JAVA_INT, start + 4, number(position));
        start += RECORD_HEADER;
        int first = (int) Math.min(length, dataBytes - start);
        MemorySegment.copy(message, 0, data, JAVA_BYTE, start, first);
        if (first < length) {
            MemorySegment.copy(message, first, data, JAVA_BYTE, 0, length - first);
        }
    }

    // ---- looking ----

    /** Returns how many bytes a message may have. */
    long longest() {
        return dataBytes - RECORD_HEADER;
    }

    int capacity() {
        return capacity;
    }

    boolean isEmpty() {
        return number(head()) == number(tail());
    }

    /** Returns how many elements are in the queue; too many, but never too few, while others take and remove. */
    int size() {
        return Math.clamp(live(head()), 0, capacity);
    }

    /**
     * Counts the elements that were not removed. The head is read before removed, and consumers write it after removed:
     * so a race counts too many elements, never too few.
     */
    private int live(long head) {
        int removed = removed();
        return number(tail()) - number(head) - removed;
    }

    /** Returns how many units are free; 0 if the queue has as many elements as it may have. */
    private long room() {
        long head = head();
        int live = live(head);
        long free = units - distance(head, tail());
        if (live < 0) {
            throw damaged("it has " + live + " elements");
        }
        return live < capacity ? free : 0;
    }

    /** Returns how many elements were put in, and neither dealt with nor dropped. */
    long unfinished() {
        int over = (int) INTS.getVolatile(words, DONE) + dropped();
        return Integer.toUnsignedLong(number(tail()) - over);
    }

    boolean isClosed() {
        return (int) INTS.getVolatile(words, CLOSED) != OPEN;
    }

    /** Returns all elements in order. */
    List<Stored> snapshot() {
        boolean ignored = taking.lockRecovering();
        try {
            finishChange();
            return stored(Integer.MAX_VALUE);
        } finally {
            taking.unlock();
        }
    }

    /** Returns the message of the first element, or null. */
    byte @Nullable [] peek() {
        if (isEmpty()) {
            return null;
        }
        boolean ignored = taking.lockRecovering();
        try {
            finishChange();
            List<Stored> first = stored(1);
            return first.isEmpty() ? null : first.getFirst().message;
        } finally {
            taking.unlock();
        }
    }

    private List<Stored> stored(int most) {
        List<Stored> found = new ArrayList<>();
        long tail = tail();
        long at = head();
        while (number(at) != number(tail) && found.size() < most) {
            int length = lengthAt(at, tail);
            if (length >= 0) {
                found.add(new Stored(at, messageAt(at, length)));
            }
            at = after(at, plain(length));
        }
        return found;
    }

    // ---- locks ----

    /**
     * Acquires a lock, also after a death, as there is nothing to repair. Returns false if the limit was over first.
     */
    private static boolean lock(LockWord lock, WaitLimit limit) throws InterruptedException {
        try {
            return lock.tryLock(new WaitLimit(Math.max(limit.left(), PATIENCE_NANOS)));
        } catch (OwnerDiedException e) {
            boolean ignored = lock.lockRecovering();
            return true;
        }
    }

    /**
     * Completes the change of a process that died. Called by waiting threads: what they wait for may be in that change.
     */
    private void finishForTheDead() {
        if (!taking.isSound()) {
            boolean ignored = taking.lockRecovering();
            try {
                finishChange();
            } finally {
                taking.unlock();
            }
        }
    }

    // ---- putting in ----

    /**
     * Puts messages in, in order and all at once, as many as there is room for.
     *
     * @return how many
     * @throws QueueClosedException if the queue is closed
     */
    int offer(List<MessageBuffer> messages) {
        boolean ignored = putting.lockRecovering();
        return offerAndUnlock(messages);
    }

    private int offerAndUnlock(List<MessageBuffer> messages) {
        int count = 0;
        try {
            ensureTakesMore();
            long head = head();
            int slots = capacity - live(head);
            long tail = tail();
            long free = units - distance(head, tail);
            if (slots > capacity) {
                throw damaged("it has " + (capacity - slots) + " elements");
            }
            while (count < messages.size() && count < slots) {
                MessageBuffer message = messages.get(count);
                free -= unitsOf(message.length());
                if (free < 0) {
                    break;
                }
                write(tail, message.bytes(), message.length());
                tail = after(tail, message.length());
                count++;
            }
            if (count > 0) {
                LONGS.setRelease(words, TAIL, tail);
            }
        } finally {
            putting.unlock();
        }
        if (count > 0) {
            takers.wake(count);
        }
        return count;
    }

    private void ensureTakesMore() {
        if (isClosed()) {
            throw new QueueClosedException("queue is shut down: it takes no more elements");
        }
    }

    /**
     * Puts a message in, waiting for room.
     *
     * @return false if the limit was over first
     * @throws QueueClosedException if the queue is or becomes closed
     */
    boolean put(MessageBuffer message, WaitLimit limit) throws InterruptedException {
        List<MessageBuffer> one = List.of(message);
        long needed = unitsOf(message.length());
        Attempt attempt = within -> {
            if (room() < needed) {
                ensureTakesMore();
                return false;
            }
            return lock(putting, within) && offerAndUnlock(one) == 1;
        };
        return putters.tryFor(limit, attempt);
    }

    // ---- taking out ----

    /** Takes the first message out; returns null if there is none. */
    byte @Nullable [] poll() {
        if (isEmpty()) {
            return null;
        }
        boolean ignored = taking.lockRecovering();
        return pollAndUnlock();
    }

    private byte @Nullable [] pollAndUnlock() {
        byte[] message;
        try {
            finishChange();
            long head = head();
            long tail = tail();
            if (number(head) == number(tail)) {
                return null;
            }
            int length = lengthAt(head, tail);
            if (length < 0) {
                throw damaged("its first element was removed");
            }
            message = messageAt(head, length);
            long next = after(head, length);
            int removed = removed();
            if (removed == 0) {
                LONGS.setRelease(words, HEAD, next);
            } else {
                long first = skipRemoved(next, tail);
                change(first, removed - (number(first) - number(next)), dropped(), -1);
            }
        } finally {
            taking.unlock();
        }
        putters.wake(1);
        return message;
    }

    /** Returns the next position whose element was not removed. */
    private long skipRemoved(long position, long tail) {
        long at = position;
        while (number(at) != number(tail)) {
            int length = lengthAt(at, tail);
            if (length >= 0) {
                break;
            }
            at = after(at, ~length);
        }
        return at;
    }

    /**
     * Takes the first message out, waiting until there is one.
     *
     * @return null if the limit was over first
     * @throws QueueClosedException if there is none, and the queue is or becomes closed
     */
    byte @Nullable [] take(WaitLimit limit) throws InterruptedException {
        var attempt = new TakeAttempt();
        return takers.tryFor(limit, attempt) ? attempt.message : null;
    }

    private final class TakeAttempt implements Attempt {
        private byte @Nullable [] message;

        @Override
        public boolean succeeds(WaitLimit limit) throws InterruptedException {
            boolean closed = isClosed(); // read first: puts before the close are seen
            if (isEmpty()) {
                if (closed) {
                    throw new QueueClosedException("queue is shut down, and has no more elements");
                }
                return false;
            }
            if (lock(taking, limit)) {
                message = pollAndUnlock();
            }
            return message != null;
        }
    }

    /** Removes an element, which then counts as dealt with; returns false if it is not in the queue any more. */
    boolean drop(long position) {
        boolean ignored = taking.lockRecovering();
        try {
            finishChange();
            long head = head();
            long tail = tail();
            int before = number(position) - number(head);
            if (before < 0 || before >= number(tail) - number(head)) {
                return false;
            }
            int length = lengthAt(position, tail);
            if (length < 0) {
                return false;
            }
            if (position == head) {
                long next = after(head, length);
                long first = skipRemoved(next, tail);
                change(first, removed() - (number(first) - number(next)), dropped() + 1, -1);
            } else {
                change(head, removed() + 1, dropped() + 1, unit(position));
            }
        } finally {
            taking.unlock();
        }
        afterDrop();
        return true;
    }

    /** Removes all elements, which then count as dealt with. */
    void clear() {
        boolean ignored = taking.lockRecovering();
        try {
            finishChange();
            dropAll();
        } finally {
            taking.unlock();
        }
        afterDrop();
    }

    private void dropAll() {
        long head = head();
        long tail = tail();
        int live = number(tail) - number(head) - removed();
        change(tail, 0, dropped() + live, -1);
    }

    private void afterDrop() {
        putters.wake(Integer.MAX_VALUE);
        if (unfinished() == 0) {
            joiners.wake(Integer.MAX_VALUE);
        }
    }

    /**
     * Writes the new values down, and makes the change. Removed is lowered before the head moves; see {@link #live}.
     */
    private void change(long head, int removed, int dropped, long newlyRemoved) {
        words.set(JAVA_LONG, NEW_HEAD, head);
        words.set(JAVA_INT, NEW_REMOVED, removed);
        words.set(JAVA_INT, NEW_DROPPED, dropped);
        words.set(JAVA_LONG, NEWLY_REMOVED, newlyRemoved);
        INTS.setRelease(words, CHANGING, 1);
        finishChange();
    }

    private void finishChange() {
        if ((int) INTS.getAcquire(words, CHANGING) == 0) {
            return;
        }
        long newlyRemoved = words.get(JAVA_LONG, NEWLY_REMOVED);
        if (newlyRemoved >= units) {
            throw damaged("it removes unit " + newlyRemoved);
        }
        if (newlyRemoved >= 0) {
            int length = data.get(JAVA_INT, newlyRemoved * UNIT);
            INTS.setRelease(data, newlyRemoved * UNIT, length < 0 ? length : ~length);
        }
        INTS.setRelease(words, REMOVED, words.get(JAVA_INT, NEW_REMOVED));
        INTS.setRelease(words, DROPPED, words.get(JAVA_INT, NEW_DROPPED));
        LONGS.setRelease(words, HEAD, words.get(JAVA_LONG, NEW_HEAD));
        INTS.setRelease(words, CHANGING, 0);
    }

    // ---- finishing ----

    /** Counts an element as dealt with; returns false if all elements that were taken already count. */
    boolean done() {
        boolean ignored = taking.lockRecovering();
        try {
            finishChange();
            int done = (int) INTS.getVolatile(words, DONE);
            int taken = number(head()) + removed() - dropped();
            if (taken - done <= 0) {
                return false;
            }
            INTS.setRelease(words, DONE, done + 1);
        } finally {
            taking.unlock();
        }
        if (unfinished() == 0) {
            joiners.wake(Integer.MAX_VALUE);
        }
        return true;
    }

    /**
     * Waits until all elements that were put in were dealt with.
     *
     * @return false if the limit was over first
     * @throws QueueClosedException if there is something to wait for, and {@link #closeNow} was called
     */
    boolean join(WaitLimit limit) throws InterruptedException {
        return joiners.tryFor(limit, within -> {
            long unfinished = unfinished();
            if (unfinished == 0) {
                return true;
            }
            if ((int) INTS.getVolatile(words, CLOSED) == CLOSED_AT_ONCE) {
                throw new QueueClosedException("queue was shut down with " + unfinished + " elements unfinished");
            }
            return false;
        });
    }

    // ---- closing ----

    /** Closes the queue: it takes no more elements. */
    void close() {
        close(CLOSED_FOR_PUTS);
        wakeAll();
    }

    /** Closes the queue, and drops its elements, which then count as dealt with. Returns them. */
    List<Stored> closeNow() {
        close(CLOSED_AT_ONCE);
        boolean ignored = taking.lockRecovering();
        try {
            finishChange();
            List<Stored> dropped = stored(Integer.MAX_VALUE);
            dropAll();
            return dropped;
        } finally {
            taking.unlock();
            wakeAll();
        }
    }

    private void close(int how) {
        boolean ignored = putting.lockRecovering();
        try {
            INTS.setVolatile(words, CLOSED, Math.max(how, (int) INTS.getVolatile(words, CLOSED)));
        } finally {
            putting.unlock();
        }
    }

    private void wakeAll() {
        takers.wake(Integer.MAX_VALUE);
        putters.wake(Integer.MAX_VALUE);
        joiners.wake(Integer.MAX_VALUE);
    }

    // ---- waiting ----

    /** An action that succeeds, or is worth another attempt after a signal. */
    private interface Attempt {
        boolean succeeds(WaitLimit limit) throws InterruptedException;
    }

    /**
     * The threads of all processes that wait for the same event. Those of one process wait one after another.
     *
     * <p>A thread that is about to sleep reads the signal, sets the word {@code asleep}, tries once more, and sleeps
     * until the signal changes. A thread that has made an attempt possible checks {@code asleep}, and clears it and
     * signals if it was set: at least one of the two sees the other's write. As a signal wakes only some sleepers, each
     * thread that leaves sets {@code asleep} again, and wakes the next if another attempt may succeed. If a dead
     * process left {@code asleep} set, this costs one system call, once; if it was cleared too early, as a woken
     * process died, this costs a slice.
     */
    private final class Waiting {
        private final SignalWord signal;
        private final long asleep;
        private final BooleanSupplier hasMore;
        /** Held by the thread of this process that tries next. */
        private final ReentrantLock gate = new ReentrantLock(true);

        Waiting(long signal, long asleep, BooleanSupplier hasMore) {
            this.signal = new SignalWord(words.asSlice(signal, SignalWord.BYTES));
            this.asleep = asleep;
            this.hasMore = hasMore;
        }

        /**
         * Wakes sleeping threads. The caller has made the attempt possible and then released a lock, which is a
         * barrier.
         */
        void wake(int count) {
            if ((int) INTS.getVolatile(words, asleep) != 0) {
                INTS.setVolatile(words, asleep, 0);
                signal.signal(count);
            }
        }

        /** Repeats an attempt until it succeeds; returns false if the limit was over first. */
        boolean tryFor(WaitLimit limit, Attempt attempt) throws InterruptedException {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            if (attempt.succeeds(limit)) {
                return true;
            }
            if (limit.isOver()) {
                return false;
            }
            for (int i = 0; i < SPINS && !hasMore.getAsBoolean(); i++) {
                Thread.onSpinWait(); // sleeping and being woken takes longer
            }
            try (var _ = Waits.outOfTurn()) {
                return attempt.succeeds(limit) || await(limit, attempt);
            }
        }

        private boolean await(WaitLimit limit, Attempt attempt) throws InterruptedException {
            if (!gate.tryLock(limit.left(), TimeUnit.NANOSECONDS)) {
                return false;
            }
            try {
                while (true) {
                    int seen = signal.sequence();
                    INTS.setVolatile(words, asleep, 1);
                    VarHandle.fullFence(); // the attempt's reads are weaker than volatile
                    boolean timeIsOver = limit.isOver(); // read before the last attempt
                    if (attempt.succeeds(limit)) {
                        return true;
                    }
                    if (timeIsOver) {
                        return false;
                    }
                    if (!signal.await(seen, limit)) {
                        finishForTheDead();
                    }
                }
            } finally {
                gate.unlock();
                INTS.setVolatile(words, asleep, 1);
                if (hasMore.getAsBoolean()) {
                    wake(1);
                }
            }
        }
    }
}
