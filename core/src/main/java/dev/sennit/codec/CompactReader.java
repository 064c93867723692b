package dev.sennit.codec;

import dev.sennit.codec.CompactForm.RecordForm;
import java.io.IOException;
import java.io.InvalidObjectException;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.lang.ref.WeakReference;
import java.lang.reflect.Array;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Reads the value of one message in the {@link CompactForm}.
 *
 * <p>The message may be anything: every length is compared with the rest of the message before memory is allocated,
 * classes other than those of the form itself have to be on the allow-list, and a malformed message is an
 * {@link IOException}.
 */
final class CompactReader {
    private static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    /** How many taken slots an element of an immutable set may meet, on average. */
    private static final long MOST_LOOKS = 8;

    /** Classes by name, for each loader as long as it is in use. */
    private static final Map<ClassLoader, Map<String, WeakReference<Class<?>>>> CLASSES = new WeakHashMap<>();

    private final byte[] bytes;
    /** The end of the message. */
    private final int end;
    private final Reading reading;
    private final @Nullable AllowList allowed;
    private final LambdaShapes.@Nullable Known shapes;
    private final @Nullable Effort effort;

    private int at;
    private int depth;
    private boolean hasHashes;
    private boolean hasLink;
    private int insideHashes;
    /** How many elements all collections begun so far have; each element takes at least a byte. */
    private long elements;
    /** How many more bytes there would be if nothing occurred twice. Only with an effort. */
    private long again;
    /** The sizes of the objects in {@link #seen}. Only with an effort. */
    private long[] sizes = {};
    /** The objects that can occur again; null while an object is being read. */
    private final List<@Nullable Object> seen = new ArrayList<>(4);

    /**
     * Reads a message.
     *
     * @param message an array that begins with the message
     * @param length how many bytes the message has
     * @param reading the reader
     * @param shapes the shapes of lambdas; null if the message must not contain any
     */
    CompactReader(byte[] message, int length, Reading reading, LambdaShapes.@Nullable Known shapes) {
        bytes = message;
        end = length;
        this.reading = reading;
        this.allowed = reading.allowed;
        this.effort = reading.effort;
        this.shapes = shapes;
    }

    /** Reads the value of the whole message. */
    @Nullable Object readAll() throws IOException, ClassNotFoundException {
        Object value = read();
        if (at != end) {
            throw new IOException((end - at) + " bytes too many");
        }
        return value;
    }

    Object readNonNull() throws IOException, ClassNotFoundException {
        Object value = read();
        if (value == null) {
            throw new IOException("null at " + at);
        }
        return value;
    }

    private @Nullable Object read() throws IOException, ClassNotFoundException {
        int tag = readByte();
        return switch (tag) {
            case CompactForm.NULL -> null;
            case CompactForm.TRUE -> true;
            case CompactForm.FALSE -> false;
            case CompactForm.BYTE -> (byte) readInt();
            case CompactForm.CHAR -> (char) readInt();
            case CompactForm.SHORT -> (short) readInt();
            case CompactForm.INT -> readInt();
            case CompactForm.FLOAT -> Float.intBitsToFloat(readInt());
            case CompactForm.LONG -> readLong();
            case CompactForm.DOUBLE -> Double.longBitsToDouble(readLong());
            case CompactForm.ASCII, CompactForm.UTF16 -> {
                String text = readText(tag);
                if (text.length() >= CompactForm.LONG_STRING) {
                    seen.add(text);
                }
                yield text;
            }
            case CompactForm.AGAIN -> again();
            default -> readObject(tag);
        };
    }

    private Object again() throws IOException {
        int number = readInt();
        Object known = number < 0 || number >= seen.size() ? null : seen.get(number);
        if (known == null) {
            throw new IOException("no object of number " + number);
        }
        if (insideHashes > 0 && CompactForm.hasParts(known)) {
            throw new IOException("an object that comes again in a hash table");
        }
        if (effort != null && number < sizes.length && CompactForm.hasParts(known)) {
            again += sizes[number];
            if (at + again > effort.most()) {
                throw new IOException(
                        "a message that would have more than " + effort.most() + " bytes if nothing in it came twice");
            }
        }
        return known;
    }

    private void hasSize(int number, long size) {
        if (number >= sizes.length) {
            sizes = Arrays.copyOf(sizes, Math.max(seen.size(), 2 * sizes.length));
        }
        sizes[number] = size;
    }

    private void step() {
        if (effort != null) {
            effort.step();
        }
    }

    private Object readObject(int tag) throws IOException, ClassNotFoundException {
        depth++;
        int deepest = hasHashes ? CompactForm.DEEPEST_WITH_HASHES : CompactForm.DEEPEST;
        if (depth > deepest) {
            throw new IOException("nested too deeply: more than " + deepest + " levels; send a flat list");
        }
        int number = seen.size();
        long start = at + again;
        boolean isHashed = isHashed(tag);
        hasHashes |= isHashed;
        ensureNoLinkIsHashed();
        insideHashes += isHashed ? 1 : 0;
        Object value =
                switch (tag) {
                    case CompactForm.BYTES -> finished(readBytes(size(1)));
                    case CompactForm.INTS -> finished(fill(new int[size(Integer.BYTES)]));
                    case CompactForm.LONGS -> finished(fill(new long[size(Long.BYTES)]));
                    case CompactForm.DOUBLES -> finished(fill(new double[size(Double.BYTES)]));
                    case CompactForm.FLOATS -> finished(fill(new float[size(Float.BYTES)]));
                    case CompactForm.SHORTS -> finished(fill(new short[size(Short.BYTES)]));
                    case CompactForm.CHARS -> finished(fill(new char[size(Character.BYTES)]));
                    case CompactForm.BOOLEANS -> finished(readBooleans());
                    case CompactForm.OBJECTS -> readObjects();
                    case CompactForm.ENUM -> finished(readEnum());
                    case CompactForm.RECORD -> readRecord(false);
                    case CompactForm.LAMBDA -> readLambda();
                    case CompactForm.ARRAY_LIST -> readInto(finished(new ArrayList<>()));
                    case CompactForm.LINKED_LIST -> readInto(finished(new LinkedList<>()));
                    case CompactForm.ARRAY_DEQUE -> readInto(finished(new ArrayDeque<>()));
                    case CompactForm.HASH_SET -> readInto(finished(new HashSet<>()));
                    case CompactForm.LINKED_HASH_SET -> readInto(finished(new LinkedHashSet<>()));
                    case CompactForm.TREE_SET -> readInto(finished(new TreeSet<>()));
                    case CompactForm.HASH_MAP -> readInto(finished(new HashMap<>()));
                    case CompactForm.LINKED_HASH_MAP -> readInto(finished(new LinkedHashMap<>()));
                    case CompactForm.TREE_MAP -> readInto(finished(new TreeMap<>()));
                    case CompactForm.ARRAYS_AS_LIST,
                            CompactForm.SHORT_LIST,
                            CompactForm.IMMUTABLE_LIST,
                            CompactForm.NULLABLE_LIST,
                            CompactForm.IMMUTABLE_SET,
                            CompactForm.IMMUTABLE_MAP ->
                        readFinished(tag);
                    case CompactForm.ADDRESS -> readAddress();
                    case CompactForm.SEGMENT -> finished(readSegment());
                    default -> finished(readOther(tag));
                };
        depth--;
        insideHashes -= isHashed ? 1 : 0;
        if (effort != null) {
            hasSize(number, at + again - start);
        }
        return value;
    }

    private static boolean isHashed(int tag) {
        return tag == CompactForm.HASH_SET
                || tag == CompactForm.LINKED_HASH_SET
                || tag == CompactForm.IMMUTABLE_SET
                || tag == CompactForm.HASH_MAP
                || tag == CompactForm.LINKED_HASH_MAP
                || tag == CompactForm.IMMUTABLE_MAP;
    }

    // ---- objects that can occur again take their number when they begin ----

    private <T> T finished(T object) {
        seen.add(object);
        return object;
    }

    private int begin() {
        seen.add(null);
        return seen.size() - 1;
    }

    private <T> T end(int number, T object) {
        seen.set(number, object);
        return object;
    }

    // ---- parts ----

    private void require(long count) throws IOException {
        if (count < 0 || count > end - at) {
            throw new IOException("a length of " + count + " with " + (end - at) + " bytes left");
        }
    }

    private int readByte() throws IOException {
        require(1);
        return bytes[at++];
    }

    private int readInt() throws IOException {
        require(Integer.BYTES);
        int value = (int) INTS.get(bytes, at);
        at += Integer.BYTES;
        return value;
    }

    private long readLong() throws IOException {
        require(Long.BYTES);
        long value = (long) LONGS.get(bytes, at);
        at += Long.BYTES;
        return value;
    }

    /** Reads the number of elements, each of which takes at least so many bytes. */
    private int size(int bytesEach) throws IOException {
        int size = readInt();
        require(size < 0 ? -1 : (long) size * bytesEach);
        elements += size;
        require(elements > end ? Long.MAX_VALUE : 0); // nested ones as well
        return size;
    }

    private byte[] readBytes(int count) {
        byte[] copy = Arrays.copyOfRange(bytes, at, at + count);
        at += count;
        return copy;
    }

    /** Fills an array of numbers whose {@link #size} was checked. */
    private <T> T fill(T array) {
        MemorySegment target =
                switch (array) {
                    case int[] ints -> MemorySegment.ofArray(ints);
                    case long[] longs -> MemorySegment.ofArray(longs);
                    case double[] doubles -> MemorySegment.ofArray(doubles);
                    case float[] floats -> MemorySegment.ofArray(floats);
                    case short[] shorts -> MemorySegment.ofArray(shorts);
                    case char[] chars -> MemorySegment.ofArray(chars);
                    default -> throw new IllegalArgumentException(array.getClass().getName());
                };
        MemorySegment.copy(MemorySegment.ofArray(bytes), at, target, 0, target.byteSize());
        at += (int) target.byteSize();
        return array;
    }

    private boolean[] readBooleans() throws IOException {
        boolean[] array = new boolean[size(1)];
        for (int i = 0; i < array.length; i++) {
            array[i] = bytes[at++] != 0;
        }
        return array;
    }

    private String readText() throws IOException {
        return readText(readByte());
    }

    private String readText(int tag) throws IOException {
        return switch (tag) {
            case CompactForm.ASCII -> {
                int length = size(1);
                String text = new String(bytes, at, length, StandardCharsets.ISO_8859_1);
                at += length;
                yield text;
            }
            case CompactForm.UTF16 -> new String(fill(new char[size(Character.BYTES)]));
            default -> throw new IOException("tag " + tag + " where a text belongs");
        };
    }

    // ---- objects ----

    private @Nullable Object[] readObjects() throws IOException, ClassNotFoundException {
        int number = begin();
        Class<?> element = readClass();
        if (element.isPrimitive() || element == void.class) {
            throw new IOException("an array of objects of type " + element);
        }
        @Nullable Object[] array = end(number, (@Nullable Object[]) Array.newInstance(element, size(1)));
        for (int i = 0; i < array.length; i++) {
            try {
                array[i] = read();
            } catch (ArrayStoreException e) {
                throw new IOException("an element of another class in an array of " + element.getName());
            }
        }
        return array;
    }

    private Object readEnum() throws IOException, ClassNotFoundException {
        Class<?> type = readClass();
        String name = readText();
        Object[] constants = type.getEnumConstants();
        if (constants != null) {
            for (Object constant : constants) {
                if (((Enum<?>) constant).name().equals(name)) {
                    return constant;
                }
            }
        }
        throw new InvalidObjectException("enum " + type.getName() + " has no constant " + name);
    }

    /** Reads a record. An address is replaced by its value, and occurs only where an address is expected. */
    private Object readRecord(boolean asAddress) throws IOException, ClassNotFoundException {
        int number = begin();
        Class<?> type = readClass();
        if (asAddress != CompactForm.isAddress(type)) {
            throw new IOException(asAddress ? "what is no address where one belongs" : "an address where none belongs");
        }
        RecordForm form = RecordForm.of(type);
        int count = size(1);
        if (form == null || count != form.types.length) {
            throw new InvalidObjectException("class " + type.getName() + " is not the record that it was");
        }
        @Nullable Object[] components = new @Nullable Object[count];
        for (int i = 0; i < count; i++) {
            components[i] = read();
        }
        return end(number, form.make(type, components));
    }

    private Object readAddress() throws IOException, ClassNotFoundException {
        int number = begin();
        if (readByte() != CompactForm.RECORD) {
            throw new IOException("what is no address where one belongs");
        }
        Object address = readRecord(true);
        hasLink |= address instanceof ValueForms.Link;
        ensureNoLinkIsHashed();
        try {
            return end(number, Objects.requireNonNull(reading.read(() -> resolve(address))));
        } catch (RuntimeException e) {
            throw new IOException("an address that leads to nothing: " + e.getMessage(), e);
        }
    }

    private void ensureNoLinkIsHashed() throws IOException {
        if (hasLink && hasHashes && allowed != null) {
            throw new InvalidObjectException(ValueForms.Link.IN_HASH_TABLE);
        }
    }

    private Object resolve(Object address) throws IOException, ClassNotFoundException {
        return ((Address) address).resolve(allowed == null ? reading.loader() : null);
    }

    private MemorySegment readSegment() throws IOException {
        int kind = readByte();
        boolean isReadOnly = readByte() != 0;
        int length = size(1);
        try {
            MemorySegment segment = SegmentForm.allocate(kind, length);
            MemorySegment.copy(MemorySegment.ofArray(bytes), at, segment, 0, length);
            at += length;
            return isReadOnly ? segment.asReadOnly() : segment;
        } catch (IllegalArgumentException e) {
            throw new IOException("memory that cannot be: " + e.getMessage(), e);
        }
    }

    private Object readLambda() throws IOException, ClassNotFoundException {
        if (shapes == null) {
            throw new IOException("a lambda where none belongs");
        }
        int number = begin();
        int shape = readInt();
        LambdaShapes.Remade remade = shapes.get(shape, reading);
        @Nullable Object[] captured = new @Nullable Object[size(1)];
        for (int i = 0; i < captured.length; i++) {
            captured[i] = read();
        }
        return end(number, remade.with(captured));
    }

    private Collection<Object> readInto(Collection<Object> collection) throws IOException, ClassNotFoundException {
        int size = size(1);
        for (int i = 0; i < size; i++) {
            Object element = read();
            step();
            try {
                collection.add(element);
            } catch (ClassCastException | NullPointerException e) {
                throw new IOException("an element that does not belong in a " + collection.getClass().getName(), e);
            }
        }
        return collection;
    }

    private Map<Object, Object> readInto(Map<Object, Object> map) throws IOException, ClassNotFoundException {
        int size = size(2);
        for (int i = 0; i < size; i++) {
            Object key = read();
            Object value = read();
            step();
            try {
                map.put(key, value);
            } catch (ClassCastException | NullPointerException e) {
                throw new IOException("a key that does not belong in a " + map.getClass().getName(), e);
            }
        }
        return map;
    }

    /** Reads a collection that is made from all its elements at once. */
    private Object readFinished(int tag) throws IOException, ClassNotFoundException {
        int number = begin();
        long start = at + again;
        if (tag == CompactForm.IMMUTABLE_MAP) {
            Map<Object, Object> entries = readInto(new HashMap<>());
            ensureSpread(entries.keySet(), at + again - start);
            return end(number, immutable(() -> Map.copyOf(entries)));
        }
        @Nullable Object[] elements = new @Nullable Object[size(1)];
        for (int i = 0; i < elements.length; i++) {
            elements[i] = read();
        }
        if (tag == CompactForm.IMMUTABLE_SET) {
            ensureSpread(Arrays.asList(elements), at + again - start);
        }
        return end(
                number,
                immutable(() -> switch (tag) {
                    case CompactForm.SHORT_LIST, CompactForm.IMMUTABLE_LIST -> List.of(elements);
                    case CompactForm.NULLABLE_LIST -> Arrays.stream(elements).toList();
                    case CompactForm.IMMUTABLE_SET -> Set.of(elements);
                    default -> Arrays.asList(elements);
                }));
    }

    /**
     * Refuses large immutable sets and maps whose elements crowd: Set.of and Map.of search slot by slot for a free one,
     * and nothing can stop them. They have twice as many slots as elements.
     */
    private void ensureSpread(Collection<? extends @Nullable Object> elements, long bytes) throws IOException {
        if (effort == null || !ExpandedSize.isMuchAtOneGo(elements.size(), bytes)) {
            return;
        }
        int slots = (int) Math.min(Integer.MAX_VALUE, 2L * elements.size());
        var taken = new BitSet(slots);
        long looks = 0;
        for (Object element : elements) {
            step();
            int slot = Math.floorMod(Objects.hashCode(element), slots);
            while (taken.get(slot)) {
                slot = slot + 1 == slots ? 0 : slot + 1;
                if (++looks > MOST_LOOKS * elements.size()) {
                    throw new IOException(
                            "an immutable set or map of " + elements.size() + " elements with too few hashes");
                }
            }
            taken.set(slot);
        }
    }

    private interface Making {
        Object make() throws IOException, ClassNotFoundException;
    }

    private static Object immutable(Making making) throws IOException, ClassNotFoundException {
        try {
            return making.make();
        } catch (NullPointerException | IllegalArgumentException e) {
            throw new IOException("a collection that cannot be: " + e, e);
        }
    }

    private Object readOther(int tag) throws IOException {
        try {
            return switch (tag) {
                case CompactForm.INSTANT -> Instant.ofEpochSecond(readLong(), readInt());
                case CompactForm.DURATION -> Duration.ofSeconds(readLong(), readInt());
                case CompactForm.LOCAL_DATE -> LocalDate.ofEpochDay(readLong());
                case CompactForm.LOCAL_DATE_TIME ->
                    LocalDateTime.of(LocalDate.ofEpochDay(readLong()), LocalTime.ofNanoOfDay(readLong()));
                case CompactForm.UUID -> new UUID(readLong(), readLong());
                case CompactForm.BIG_INTEGER -> new BigInteger(readBytes(size(1)));
                case CompactForm.BIG_DECIMAL -> new BigDecimal(new BigInteger(readBytes(size(1))), readInt());
                default -> throw new IOException("unknown tag " + tag);
            };
        } catch (DateTimeException | ArithmeticException | NumberFormatException e) {
            throw new IOException("a value that cannot be: " + e.getMessage(), e);
        }
    }

    // ---- classes ----

    private Class<?> readClass() throws IOException, ClassNotFoundException {
        String name = readText();
        Class<?> type = find(name);
        if (allowed != null) {
            allowed.require(type);
        }
        return type;
    }

    private Class<?> find(String name) throws ClassNotFoundException {
        if (name.indexOf('/') >= 0) { // its loader caches it, and the reader has to learn of the loader
            return reading.find(name);
        }
        Map<String, WeakReference<Class<?>>> known;
        synchronized (CLASSES) {
            known = CLASSES.computeIfAbsent(reading.root(), any -> new ConcurrentHashMap<>());
        }
        WeakReference<Class<?>> found = known.get(name);
        Class<?> type = found == null ? null : found.get();
        if (type == null) {
            type = reading.find(name);
            known.put(name, new WeakReference<>(type));
        }
        return type;
    }
}
