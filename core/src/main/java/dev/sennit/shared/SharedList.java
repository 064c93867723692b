package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.sennit.internal.Backend;
import java.io.Serial;
import java.io.Serializable;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.AbstractList;
import java.util.List;
import java.util.Objects;
import java.util.RandomAccess;
import org.jspecify.annotations.Nullable;

/**
 * A list of fixed length that processes share, in {@link SharedMemory}: settings, states, a table of names.
 *
 * <p>An element is null, a {@link Boolean}, {@link Integer}, {@link Long}, {@link Double}, {@link String} or
 * {@code byte[]}, and may be replaced by a value of another of these types. Numbers and booleans always fit. A string
 * or an array has to fit the room that its element was made with: 2 bytes a character, 1 a byte.
 *
 * {@snippet :
 * try (SharedList settings = SharedList.create(List.of("blue", 8, true));
 *         Pool pool = Pools.open("processes:1")) {
 *     pool.submit(() -> settings.set(0, "red")).get();
 *     System.out.println(settings); // [red, 8, true]
 * }
 * }
 *
 * <ul>
 *   <li><b>{@link #get} and {@link #set} of an element are atomic</b>, as those of an
 *       {@link java.util.concurrent.atomic.AtomicReferenceArray} are, between threads and processes: no reader sees
 *       half a value, and {@code set} returns the value that it replaced.
 *   <li><b>No thread waits for a dead process.</b> A process that is killed or stopped in the middle of a {@code set}
 *       leaves the old value; readers never wait for a writer, and another writer takes over after some microseconds,
 *       or after about as long as it takes to write the longest value that fits.
 *   <li><b>Elements are copies</b>: a {@code byte[]} that {@code get} returned is the caller's own, and a change to it
 *       changes no element. Arrays are equal only to themselves, so {@link #equals} and {@link #contains} do not find
 *       them.
 *   <li>Nothing can be added or removed, and several elements do not change together.
 * </ul>
 *
 * <p><b>Memory effects.</b> Actions before a {@code set} are visible after a {@code get} of that value, in any process.
 *
 * <p><b>Costs.</b> A list is made for values of some bytes to some kilobytes: each value takes a multiple of 64 bytes,
 * and about eight times its own size, as there are two copies, and every 2 bytes of a copy carry a mark of their
 * writer. For larger values use {@link SharedByteArray}. An element can be set 2<sup>48</sup> times.
 *
 * <p><b>Life.</b> A list has a block of its own, which lives as {@link SharedMemory} says.
 */
public final class SharedList extends AbstractList<@Nullable Object>
        implements RandomAccess, Serializable, AutoCloseable {
    /*
     * How elements stay whole
     * -----------------------
     * An element is a state and two copies of a value. The state is a ticket, a bit that says which copy is current,
     * and a bit that says that the ticket's owner is writing. A writer
     *   1. claims: state (t, copy c) -> (t + 1, copy c, writing), which makes ticket t + 1 its own;
     *   2. writes the other copy, word by word: a word is 16 bits of the value, and the ticket in 48 bits;
     *   3. publishes: (t + 1, copy c, writing) -> (t + 1, other copy).
     * A claim voids all earlier claims: step 3 of an earlier writer fails, and that writer starts again. Until then it
     * does no harm, as it replaces a word by compare-and-set, and only if the word's ticket is earlier than its own. So
     * the ticket of a word only grows, and when step 3 succeeds, all words of that copy have the writer's ticket: a
     * later claim would have changed the state.
     *
     * No writer changes the current copy. Writers that claimed since the copy became current write the other copy.
     * Writers that claimed earlier find a later ticket than their own in its words, the published one.
     *
     * A reader that has read the state (t, c) reads copy c. If a word was overwritten since, its ticket was claimed
     * after the other copy became current, which is after that state: so the ticket is later than t, and the reader
     * starts again. If all tickets are t or earlier, the words are the value that was current when the state was read.
     * So a reader repeats only if a writer has published. If the state has not changed in spite of a later ticket, a
     * process wrote where it should not.
     *
     * A writer leaves the claim of another writer alone for a while, so that writers do not void each other's claims
     * for ever: long enough to write, and twice as long with each attempt. Nothing else depends on time.
     *
     * The block: MAGIC, the size, the start of each element and the end of the last; then the elements, each on cache
     * lines of its own. A new element has state 0, and ticket 0 in its words.
     */
    @Serial
    private static final long serialVersionUID = 1L;

    private static final VarHandle WORD = JAVA_LONG.varHandle().withInvokeExactBehavior();
    private static final long MAGIC = 0x5E4417_1157L;
    private static final long SIZE = 8;
    private static final long STARTS = 16;
    private static final int CACHE_LINE = 64;

    private static final long COPY = 1;
    private static final long WRITING = 2;
    private static final int TICKET_SHIFT = 2;
    private static final int UNIT_BITS = 16;
    private static final long UNIT = 0xFFFF;
    private static final long LAST_TICKET = (1L << 48) - 1;

    private static final char NULL = 0;
    private static final char FALSE = 1;
    private static final char TRUE = 2;
    private static final char INTEGER = 3;
    private static final char LONG = 4;
    private static final char DOUBLE = 5;
    private static final char STRING = 6;
    private static final char BYTES = 7;
    /** The units before the value: its type, and its length if the type has one. */
    private static final int PREFIX = 3;

    /** The least room of an element in bytes: numbers fit everywhere. */
    private static final int LEAST_ROOM = 8;

    private static final long PATIENCE_NANOS = 20_000;
    private static final long PATIENCE_NANOS_A_WORD = 100;
    private static final int MOST_DOUBLINGS = 10;
    private static final int SPINS = 100;

    private static final Object OVERWRITTEN = new Object();

    private final Place place;
    private final transient MemorySegment segment;
    private final transient int size;

    SharedList(Place place) {
        this.place = place;
        this.segment = place.segment();
        this.size = sizeIn(segment);
        if (size < 0) {
            throw new IllegalArgumentException(place.memory() + " holds no SharedList");
        }
    }

    Place place() {
        return place;
    }

    private static int sizeIn(MemorySegment segment) {
        long bytes = segment.byteSize();
        if (bytes < STARTS || (long) WORD.getAcquire(segment, 0L) != MAGIC) {
            return -1;
        }
        long size = (long) WORD.get(segment, SIZE);
        boolean fits = size >= 0 && size <= Integer.MAX_VALUE && bytes >= firstStart(size);
        return fits && (long) WORD.get(segment, STARTS + size * Long.BYTES) == bytes ? (int) size : -1;
    }

    /**
     * Makes a list of some values; each element has room for values as long as its first.
     *
     * @param values the first values; the length of the list never changes
     * @return the list; close it when no process needs it any more
     * @throws ClassCastException if a value is of another type than those above
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedList create(List<? extends @Nullable Object> values) {
        return create(values, 0);
    }

    /**
     * Makes a list of some values, with room for longer values.
     *
     * @param values the first values; the length of the list never changes
     * @param room how many bytes a string, 2 a character, or an array may have at least in each element
     * @return the list; close it when no process needs it any more
     * @throws IllegalArgumentException if the room is negative
     * @throws ClassCastException if a value is of another type than those above
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedList create(List<? extends @Nullable Object> values, int room) {
        if (room < 0) {
            throw new IllegalArgumentException("room must be >= 0, was " + room);
        }
        List<char[]> encoded = values.stream().map(SharedList::encode).toList();
        long[] starts = new long[encoded.size() + 1];
        starts[0] = firstStart(encoded.size());
        for (int i = 0; i < encoded.size(); i++) {
            long units = Math.max(encoded.get(i).length, PREFIX + (Math.max(room, LEAST_ROOM) + 1L) / 2);
            starts[i + 1] = wholeLines(starts[i] + Long.BYTES * (1 + 2 * units));
        }
        Place place = Place.create(starts[encoded.size()]);
        MemorySegment segment = place.segment();
        WORD.set(segment, SIZE, (long) encoded.size());
        for (int i = 0; i < starts.length; i++) {
            WORD.set(segment, STARTS + (long) i * Long.BYTES, starts[i]);
        }
        for (int i = 0; i < encoded.size(); i++) {
            char[] units = encoded.get(i);
            for (int unit = 0; unit < units.length; unit++) {
                WORD.set(segment, starts[i] + (1L + unit) * Long.BYTES, (long) units[unit]);
            }
        }
        WORD.setRelease(segment, 0L, MAGIC);
        return new SharedList(place);
    }

    /**
     * Returns the list that another process made, for a process that opened its {@link #memory} by name.
     *
     * @param memory the block that a list was made with
     * @return the list; closing it does not close the block
     * @throws IllegalArgumentException if there is no list in the block
     */
    public static SharedList in(SharedMemory memory) {
        return new SharedList(Place.in(memory, 0, memory.size(), Long.BYTES));
    }

    private static long firstStart(long size) {
        return wholeLines(STARTS + (size + 1) * Long.BYTES);
    }

    private static long wholeLines(long bytes) {
        return (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    }

    @Override
    public int size() {
        return size;
    }

    /**
     * Returns how long a string or an array an element may become.
     *
     * @param index of the element
     * @return bytes: 2 a character of a string, 1 a byte of an array
     * @throws IndexOutOfBoundsException if there is no such element
     */
    public int room(int index) {
        return (int) Math.min(2L * (words(index) - PREFIX), Integer.MAX_VALUE);
    }

    private long start(int index) {
        return (long) WORD.get(segment, STARTS + (long) Objects.checkIndex(index, size) * Long.BYTES);
    }

    /** Returns the length of each of the two copies. */
    private int words(int index) {
        long start = start(index);
        long end = (long) WORD.get(segment, STARTS + (index + 1L) * Long.BYTES);
        return (int) (((end - start) / Long.BYTES - 1) / 2);
    }

    /** Returns where one of the copies begins: the current copy of a state if {@code counts}, else the other one. */
    private static long copy(long start, int words, long state, boolean counts) {
        boolean second = (state & COPY) != 0;
        return start + Long.BYTES * (second == counts ? 1L + words : 1L);
    }

    /**
     * Returns an element.
     *
     * @param index of the element
     * @return its value; an array is a copy
     * @throws IndexOutOfBoundsException if there is no such element
     * @throws IllegalStateException if the block is closed, or a process wrote where it should not
     */
    @Override
    public @Nullable Object get(int index) {
        int words = words(index);
        long start = start(index);
        long state = (long) WORD.getVolatile(segment, start);
        while (true) {
            Object value = read(index, start, words, state);
            if (value != OVERWRITTEN) {
                return value;
            }
            state = changed(index, start, state);
        }
    }

    /**
     * Returns the state now, after a reader found a later ticket than the state it had read: so another writer has
     * changed it.
     */
    private long changed(int index, long start, long state) {
        long changed = (long) WORD.getVolatile(segment, start);
        if (changed == state) {
            throw damaged(index);
        }
        return changed;
    }

    /**
     * Replaces an element.
     *
     * @param index of the element
     * @param element the new value
     * @return the value that it replaced
     * @throws IndexOutOfBoundsException if there is no such element
     * @throws ClassCastException if the value is of a type that a list cannot hold
     * @throws IllegalArgumentException if it is longer than the {@link #room} of the element; nothing is changed then
     * @throws IllegalStateException if the block is closed, or a process wrote where it should not
     */
    @Override
    public @Nullable Object set(int index, @Nullable Object element) {
        char[] units = encode(element);
        int words = words(index);
        if (units.length > words) {
            throw new IllegalArgumentException("element " + index + " has room for " + room(index)
                    + " bytes, the new value needs "
                    + (element instanceof byte[] bytes
                            ? bytes.length
                            : 2L * (units.length - PREFIX) + ", 2 a character"));
        }
        long start = start(index);
        for (int attempt = 0;; attempt++) {
            long claimed = claim(index, start, words, attempt);
            boolean written = write(copy(start, words, claimed, false), claimed >>> TICKET_SHIFT, units);
            Object before = written ? read(index, start, words, claimed) : OVERWRITTEN;
            if (before == OVERWRITTEN) {
                changed(index, start, claimed);
            } else if (WORD.compareAndSet(segment, start, claimed, (claimed ^ COPY) & ~WRITING)) {
                return before;
            }
        }
    }

    /** Claims a ticket; waits a little for another writer that has claimed one. Returns the state. */
    private long claim(int index, long start, int words, int attempt) {
        long patience = PATIENCE_NANOS + PATIENCE_NANOS_A_WORD * words << Math.min(attempt, MOST_DOUBLINGS);
        long awaited = 0;
        long since = 0;
        for (int spins = 0;; spins++) {
            long state = (long) WORD.getVolatile(segment, start);
            if ((state & WRITING) == 0 || state == awaited && Backend.current().nanoTime() - since > patience) {
                long ticket = (state >>> TICKET_SHIFT) + 1;
                if (ticket > LAST_TICKET) {
                    throw new IllegalStateException("element " + index + " was set 2^48 times, make a new list");
                }
                long claimed = ticket << TICKET_SHIFT | WRITING | state & COPY;
                if (WORD.compareAndSet(segment, start, state, claimed)) {
                    return claimed;
                }
            } else if (state != awaited) {
                awaited = state;
                since = Backend.current().nanoTime();
            }
            if (spins < SPINS) {
                Thread.onSpinWait();
            } else {
                Thread.yield();
            }
        }
    }

    /** Writes a copy; returns false if a writer with a later ticket has begun to. */
    private boolean write(long copy, long ticket, char[] units) {
        for (int unit = 0; unit < units.length; unit++) {
            long at = copy + (long) unit * Long.BYTES;
            long written = ticket << UNIT_BITS | units[unit];
            long seen = (long) WORD.getVolatile(segment, at);
            while (seen != written) {
                if (seen >>> UNIT_BITS > ticket) {
                    return false;
                }
                long found = (long) WORD.compareAndExchange(segment, at, seen, written);
                seen = found == seen ? written : found;
            }
        }
        return true;
    }

    /** Returns the value that was current when the state was read, or {@link #OVERWRITTEN}. */
    private @Nullable Object read(int index, long start, int words, long state) {
        var units = new Units(copy(start, words, state, true), state >>> TICKET_SHIFT);
        int kind = units.next();
        @Nullable Object value =
                switch (kind) {
                    case NULL -> null;
                    case FALSE -> false;
                    case TRUE -> true;
                    case INTEGER -> units.nextInt();
                    case LONG -> units.nextLong();
                    case DOUBLE -> Double.longBitsToDouble(units.nextLong());
                    case STRING, BYTES -> {
                        int length = units.nextInt();
                        if (units.overwritten) {
                            yield OVERWRITTEN; // and the length may be overwritten, too
                        }
                        int longest = kind == STRING ? words - PREFIX : 2 * (words - PREFIX);
                        if (length < 0 || length > longest) {
                            throw damaged(index);
                        }
                        yield kind == STRING ? units.nextString(length) : units.nextBytes(length);
                    }
                    default -> throw damaged(index);
                };
        return units.overwritten ? OVERWRITTEN : value;
    }

    private IllegalStateException damaged(int index) {
        return new IllegalStateException(
                "element " + index + " is damaged: somebody wrote into the memory of the list, " + place.memory());
    }

    /** Reads a copy unit by unit, and notices if a later writer has overwritten a unit. */
    private final class Units {
        private final long ticket;
        private long at;
        private boolean overwritten;

        Units(long copy, long ticket) {
            this.at = copy;
            this.ticket = ticket;
        }

        int next() {
            // a reader that sees a later ticket also sees the state with that claim
            long word = (long) WORD.getAcquire(segment, at);
            at += Long.BYTES;
            overwritten |= word >>> UNIT_BITS > ticket;
            return (int) (word & UNIT);
        }

        int nextInt() {
            return next() | next() << 16;
        }

        long nextLong() {
            return Integer.toUnsignedLong(nextInt()) | (long) nextInt() << 32;
        }

        String nextString(int length) {
            char[] characters = new char[length];
            for (int i = 0; i < length; i++) {
                characters[i] = (char) next();
            }
            return new String(characters);
        }

        byte[] nextBytes(int length) {
            byte[] bytes = new byte[length];
            for (int i = 0; i < length; i += 2) {
                int two = next();
                bytes[i] = (byte) two;
                if (i + 1 < length) {
                    bytes[i + 1] = (byte) (two >>> 8);
                }
            }
            return bytes;
        }
    }

    private static char[] encode(@Nullable Object element) {
        return switch (element) {
            case null -> new char[] {NULL};
            case Boolean flag -> new char[] {flag ? TRUE : FALSE};
            case Integer number -> new char[] {INTEGER, low(number), high(number)};
            case Long number -> encode(LONG, number);
            case Double number -> encode(DOUBLE, Double.doubleToRawLongBits(number));
            case String text -> {
                char[] units = sized(STRING, text.length(), text.length());
                text.getChars(0, text.length(), units, PREFIX);
                yield units;
            }
            case byte[] bytes -> {
                char[] units = sized(BYTES, bytes.length, (bytes.length + 1) / 2);
                for (int i = 0; i < bytes.length; i++) {
                    units[PREFIX + i / 2] |= (char) ((bytes[i] & 0xFF) << i % 2 * 8);
                }
                yield units;
            }
            default ->
                throw new ClassCastException(
                        "a " + element.getClass().getName() + " cannot be in a SharedList, which holds null,"
                                + " Boolean, Integer, Long, Double, String and byte[]");
        };
    }

    private static char[] encode(char kind, long bits) {
        int upper = (int) (bits >>> 32);
        return new char[] {kind, low((int) bits), high((int) bits), low(upper), high(upper)};
    }

    private static char[] sized(char kind, int length, int units) {
        char[] made = new char[Math.addExact(PREFIX, units)];
        made[0] = kind;
        made[1] = low(length);
        made[2] = high(length);
        return made;
    }

    private static char low(int number) {
        return (char) number;
    }

    private static char high(int number) {
        return (char) (number >>> 16);
    }

    /**
     * Returns the block that the list lies in.
     *
     * @return the block; another process can open it by its name, and use the list {@link #in} it
     */
    public SharedMemory memory() {
        return place.memory();
    }

    /**
     * Closes the block if it was made for this list, as {@link SharedMemory#close} says; does nothing if the block was
     * opened.
     */
    @Override
    public void close() {
        place.close();
    }

    @Serial
    private Object readResolve() {
        return new SharedList(place);
    }
}
