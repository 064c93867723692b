package dev.sennit.codec;

import dev.sennit.codec.CompactForm.RecordForm;
import dev.sennit.codec.LambdaShapes.Shape;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.SerializedLambda;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Writes the values of one message in the {@link CompactForm}. */
public final class CompactWriter {
    /** Thrown for a value that only Java serialization can write. The bytes written so far are of no use. */
    static final class NotCompactException extends IOException {
        private static final long serialVersionUID = 1L;
        private static final NotCompactException ONLY = new NotCompactException();

        private NotCompactException() {
            super("not compact");
        }

        @Override
        public synchronized Throwable fillInStackTrace() {
            return this; // never shown
        }
    }

    private static final boolean LITTLE_ENDIAN = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
    private static final Class<?> ARRAYS_AS_LIST = Arrays.asList(1).getClass();
    private static final Class<?> LIST_12 = List.of(1).getClass();
    private static final Class<?> LIST_N = List.of(1, 2, 3).getClass();
    private static final Class<?> SET_12 = Set.of(1).getClass();
    private static final Class<?> SET_N = Set.of(1, 2, 3).getClass();
    private static final Class<?> MAP_1 = Map.of(1, 1).getClass();
    private static final Class<?> MAP_N = Map.of(1, 1, 2, 2).getClass();
    /** So many objects are searched one by one. */
    private static final int FEW = 8;

    private final MessageBuffer out;
    private final boolean withLambdas;
    private final @Nullable AllowList sent;
    /** Most objects are of the same class as the one before. */
    private @Nullable Class<?> lastSent;
    private final List<Shape> shapes = new ArrayList<>(1);

    private int depth;
    private boolean hasHashes;
    private int insideHashes;
    /** The objects that can occur again, in order, including those that are still being written. */
    private Object[] seen = new Object[FEW];
    private int seenCount;
    private @Nullable IdentityHashMap<Object, Integer> numbers;
    /** Objects being written that the reader can make only from all of their parts. */
    private final List<Object> unfinished = new ArrayList<>(1);

    /**
     * Writes to the end of a buffer.
     *
     * @param withLambdas whether the reader is told of {@link #shapes}
     */
    public CompactWriter(MessageBuffer out, boolean withLambdas) {
        this(out, withLambdas, null);
    }

    /**
     * Writes to the end of a buffer.
     *
     * @param sent gets the classes of what is written; may be null
     */
    public CompactWriter(MessageBuffer out, boolean withLambdas, @Nullable AllowList sent) {
        this.out = out;
        this.withLambdas = withLambdas;
        this.sent = sent;
    }

    private void sends(Class<?> type) {
        if (sent != null && type != lastSent) {
            lastSent = type;
            sent.allowBeside(type);
        }
    }

    /** Returns the shapes of the lambdas that were written. */
    List<Shape> shapes() {
        return shapes;
    }

    /** Writes a value; throws {@link NotCompactException} if it has no compact form. */
    public void write(@Nullable Object value) throws IOException {
        switch (value) {
            case null -> out.write(CompactForm.NULL);
            case Integer number -> writeInt(CompactForm.INT, number);
            case Long number -> writeLong(CompactForm.LONG, number);
            case String text -> writeString(text);
            case Boolean is -> out.write(is ? CompactForm.TRUE : CompactForm.FALSE);
            case Double number -> writeLong(CompactForm.DOUBLE, Double.doubleToRawLongBits(number));
            case Float number -> writeInt(CompactForm.FLOAT, Float.floatToRawIntBits(number));
            case Byte number -> writeInt(CompactForm.BYTE, number);
            case Short number -> writeInt(CompactForm.SHORT, number);
            case Character number -> writeInt(CompactForm.CHAR, number);
            default -> writeObject(value);
        }
    }

    private void writeInt(int tag, int value) throws IOException {
        out.write(tag);
        out.writeInt(value);
    }

    private void writeLong(int tag, long value) throws IOException {
        out.write(tag);
        out.writeLong(value);
    }

    private void writeString(String text) throws IOException {
        if (text.length() < CompactForm.LONG_STRING || !writeAgain(text)) {
            writeText(text);
        }
    }

    /** Writes a string where the form has only strings. */
    private void writeText(String text) throws IOException {
        int length = text.length();
        for (int i = 0; i < length; i++) {
            if (text.charAt(i) >= 0x80) {
                writeChars(CompactForm.UTF16, text.toCharArray());
                return;
            }
        }
        out.write(CompactForm.ASCII);
        out.writeInt(length);
        out.write(text.getBytes(StandardCharsets.ISO_8859_1), 0, length);
    }

    private void writeChars(int tag, char[] chars) throws IOException {
        writeArray(tag, MemorySegment.ofArray(chars), chars.length);
    }

    private void writeArray(int tag, MemorySegment array, int length) throws IOException {
        if (!LITTLE_ENDIAN) {
            throw NotCompactException.ONLY;
        }
        out.write(tag);
        out.writeInt(length);
        int place = out.skip(array.byteSize());
        MemorySegment.copy(array, 0, MemorySegment.ofArray(out.bytes()), place, array.byteSize());
    }

    private void writeObject(Object value) throws IOException {
        if (writeAgain(value)) {
            return;
        }
        depth++;
        if (depth > (hasHashes ? CompactForm.DEEPEST_WITH_HASHES : CompactForm.DEEPEST)) {
            throw NotCompactException.ONLY;
        }
        writeParts(value);
        depth--;
    }

    private void writeParts(Object value) throws IOException {
        switch (value) {
            case byte[] array -> {
                out.write(CompactForm.BYTES);
                out.writeInt(array.length);
                out.write(array, 0, array.length);
            }
            case int[] array -> writeArray(CompactForm.INTS, MemorySegment.ofArray(array), array.length);
            case long[] array -> writeArray(CompactForm.LONGS, MemorySegment.ofArray(array), array.length);
            case double[] array -> writeArray(CompactForm.DOUBLES, MemorySegment.ofArray(array), array.length);
            case float[] array -> writeArray(CompactForm.FLOATS, MemorySegment.ofArray(array), array.length);
            case short[] array -> writeArray(CompactForm.SHORTS, MemorySegment.ofArray(array), array.length);
            case char[] array -> writeChars(CompactForm.CHARS, array);
            case boolean[] array -> {
                out.write(CompactForm.BOOLEANS);
                out.writeInt(array.length);
                for (boolean is : array) {
                    out.write(is ? 1 : 0);
                }
            }
            case Object[] array -> writeObjects(array);
            case Enum<?> constant -> {
                sends(constant.getDeclaringClass());
                out.write(CompactForm.ENUM);
                writeClass(constant.getDeclaringClass());
                writeText(constant.name());
            }
            case Record record -> writeRecord(record);
            case MemorySegment segment -> writeSegment(segment);
            case Collection<?> collection -> writeCollection(collection);
            case Map<?, ?> map -> writeMap(map);
            default -> writeOther(value);
        }
    }

    /**
     * Writes a class's name, with its loader's number for a worker: only workers, which are also told of lambdas, have
     * loaders like those here.
     */
    private void writeClass(Class<?> type) throws IOException {
        writeText(withLambdas ? LoaderNumbers.nameFor(type) : type.getName());
    }

    private void writeObjects(Object[] array) throws IOException {
        sends(AllowList.elementOf(array.getClass()));
        out.write(CompactForm.OBJECTS);
        writeClass(array.getClass().getComponentType());
        out.writeInt(array.length);
        for (Object element : array) {
            write(element);
        }
    }

    private void writeRecord(Record record) throws IOException {
        RecordForm form = RecordForm.of(record.getClass());
        if (form == null) {
            throw NotCompactException.ONLY;
        }
        sends(record.getClass());
        out.write(CompactForm.RECORD);
        writeClass(record.getClass());
        out.writeInt(form.getters.length);
        unfinished.add(record);
        for (var getter : form.getters) {
            Object component;
            try {
                component = (Object) getter.invokeExact((Object) record);
            } catch (Throwable e) {
                throw NotCompactException.ONLY;
            }
            write(component);
        }
        unfinished.removeLast();
    }

    private void writeSegment(MemorySegment segment) throws IOException {
        SegmentForm.require(segment);
        Address part = InPlace.of(segment);
        if (part != null) {
            writeAddress(part);
            return;
        }
        out.write(CompactForm.SEGMENT);
        out.write(SegmentForm.kindOf(segment));
        out.write(segment.isReadOnly() ? 1 : 0);
        long length = segment.byteSize();
        out.writeInt((int) Math.min(length, Integer.MAX_VALUE)); // the buffer refuses a longer one
        int place = out.skip(length);
        MemorySegment.copy(segment, 0, MemorySegment.ofArray(out.bytes()), place, length);
    }

    private void writeCollection(Collection<?> collection) throws IOException {
        Class<?> type = collection.getClass();
        if (type == ArrayList.class) {
            writeElements(CompactForm.ARRAY_LIST, collection);
        } else if (type == LIST_12) {
            writeFinished(CompactForm.SHORT_LIST, collection);
        } else if (type == LIST_N) {
            writeFinished(mayHoldNull(collection) ? CompactForm.NULLABLE_LIST : CompactForm.IMMUTABLE_LIST, collection);
        } else if (type == ARRAYS_AS_LIST) {
            writeFinished(CompactForm.ARRAYS_AS_LIST, collection);
        } else if (type == HashSet.class) {
            beginHashes();
            writeElements(CompactForm.HASH_SET, collection);
            insideHashes--;
        } else if (type == LinkedHashSet.class) {
            beginHashes();
            writeElements(CompactForm.LINKED_HASH_SET, collection);
            insideHashes--;
        } else if (type == SET_12 || type == SET_N) {
            beginHashes();
            writeFinished(CompactForm.IMMUTABLE_SET, collection);
            insideHashes--;
        } else if (type == LinkedList.class) {
            writeElements(CompactForm.LINKED_LIST, collection);
        } else if (type == ArrayDeque.class) {
            writeElements(CompactForm.ARRAY_DEQUE, collection);
        } else if (collection instanceof TreeSet<?> set && type == TreeSet.class && set.comparator() == null) {
            writeElements(CompactForm.TREE_SET, collection);
        } else {
            writeOther(collection);
        }
    }

    /**
     * Returns whether a list of {@code List.of} or {@code Stream.toList} may contain null; {@code copyOf} returns the
     * former unchanged.
     */
    private static boolean mayHoldNull(Collection<?> list) {
        try {
            return List.copyOf(list) != list;
        } catch (NullPointerException e) {
            return true;
        }
    }

    private void beginHashes() {
        hasHashes = true;
        insideHashes++;
    }

    private void writeFinished(int tag, Collection<?> collection) throws IOException {
        unfinished.add(collection);
        writeElements(tag, collection);
        unfinished.removeLast();
    }

    private void writeElements(int tag, Collection<?> collection) throws IOException {
        out.write(tag);
        int size = collection.size();
        out.writeInt(size);
        int written = 0;
        for (Object element : collection) {
            write(element);
            written++;
        }
        requireSame(size, written);
    }

    /** Checks that no other thread has changed a collection meanwhile; Java serialization reports that. */
    private static void requireSame(int size, int written) throws IOException {
        if (size != written) {
            throw NotCompactException.ONLY;
        }
    }

    private void writeMap(Map<?, ?> map) throws IOException {
        Class<?> type = map.getClass();
        if (type == HashMap.class) {
            beginHashes();
            writeEntries(CompactForm.HASH_MAP, map);
            insideHashes--;
        } else if (map instanceof LinkedHashMap<?, ?> linked && type == LinkedHashMap.class && !isByAccess(linked)) {
            beginHashes();
            writeEntries(CompactForm.LINKED_HASH_MAP, map);
            insideHashes--;
        } else if (map instanceof TreeMap<?, ?> tree && type == TreeMap.class && tree.comparator() == null) {
            writeEntries(CompactForm.TREE_MAP, map);
        } else if (type == MAP_1 || type == MAP_N) {
            beginHashes();
            unfinished.add(map);
            writeEntries(CompactForm.IMMUTABLE_MAP, map);
            unfinished.removeLast();
            insideHashes--;
        } else {
            writeOther(map);
        }
    }

    /** Returns whether reading a map changes its order. The map does not tell, so this tries a copy. */
    private static boolean isByAccess(LinkedHashMap<?, ?> map) {
        @SuppressWarnings("unchecked") // it is empty before anything is put into it
        var copy = (LinkedHashMap<Object, Object>) map.clone();
        copy.clear();
        copy.put(1, 1);
        copy.put(2, 2);
        copy.get(1);
        return copy.firstEntry().getKey().equals(2);
    }

    private void writeEntries(int tag, Map<?, ?> map) throws IOException {
        out.write(tag);
        int size = map.size();
        out.writeInt(size);
        int written = 0;
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            write(entry.getKey());
            write(entry.getValue());
            written++;
        }
        requireSame(size, written);
    }

    private void writeOther(Object value) throws IOException {
        Class<?> type = value.getClass();
        if (withLambdas && writeLambda(value)) {
            return;
        }
        switch (value) {
            case Instant instant -> {
                writeLong(CompactForm.INSTANT, instant.getEpochSecond());
                out.writeInt(instant.getNano());
            }
            case Duration duration -> {
                writeLong(CompactForm.DURATION, duration.getSeconds());
                out.writeInt(duration.getNano());
            }
            case LocalDate date -> writeLong(CompactForm.LOCAL_DATE, date.toEpochDay());
            case LocalDateTime time -> {
                writeLong(CompactForm.LOCAL_DATE_TIME, time.toLocalDate().toEpochDay());
                out.writeLong(time.toLocalTime().toNanoOfDay());
            }
            case UUID id -> {
                writeLong(CompactForm.UUID, id.getMostSignificantBits());
                out.writeLong(id.getLeastSignificantBits());
            }
            case BigInteger number when type == BigInteger.class -> writeNumber(CompactForm.BIG_INTEGER, number);
            case BigDecimal number when type == BigDecimal.class -> {
                writeNumber(CompactForm.BIG_DECIMAL, number.unscaledValue());
                out.writeInt(number.scale());
            }
            default -> {
                Address address = InPlace.of(value);
                if (address != null) {
                    writeAddress(address);
                } else {
                    writeStandIn(value);
                }
            }
        }
    }

    /** Writes the stand-in of a value. The stand-in has the value's number, as the reader turns it into the value. */
    private void writeStandIn(Object value) throws IOException {
        Object standIn = ValueForms.standIn(value);
        if (standIn == value) {
            throw NotCompactException.ONLY;
        }
        unfinished.add(value);
        if (standIn instanceof Address address) {
            writeAddress(address);
        } else {
            writeParts(standIn);
        }
        unfinished.removeLast();
    }

    private void writeAddress(Address address) throws IOException {
        out.write(CompactForm.ADDRESS);
        write(address);
    }

    private void writeNumber(int tag, BigInteger number) throws IOException {
        byte[] bytes = number.toByteArray();
        writeInt(tag, bytes.length);
        out.write(bytes, 0, bytes.length);
    }

    private boolean writeLambda(Object value) throws IOException {
        Shape shape = Shape.of(value);
        SerializedLambda opened = shape == null ? null : shape.open(value);
        if (shape == null || opened == null) {
            return false;
        }
        if (!shapes.contains(shape)) {
            shapes.add(shape);
        }
        sends(value.getClass());
        writeInt(CompactForm.LAMBDA, shape.number());
        int count = opened.getCapturedArgCount();
        out.writeInt(count);
        unfinished.add(value);
        for (int i = 0; i < count; i++) {
            write(opened.getCapturedArg(i));
        }
        unfinished.removeLast();
        return true;
    }

    /** Writes a reference to an object if it occurred before; otherwise notes that it has now. */
    private boolean writeAgain(Object value) throws IOException {
        int number = numberOf(value);
        if (number < 0) {
            return false;
        }
        if (insideHashes > 0 && CompactForm.hasParts(value)) {
            throw NotCompactException.ONLY;
        }
        for (Object open : unfinished) {
            if (open == value) {
                throw NotCompactException.ONLY; // it contains itself
            }
        }
        writeInt(CompactForm.AGAIN, number);
        return true;
    }

    private int numberOf(Object value) {
        if (numbers != null) {
            Integer known = numbers.putIfAbsent(value, seenCount);
            if (known != null) {
                return known;
            }
            seenCount++;
            return -1;
        }
        for (int i = 0; i < seenCount; i++) {
            if (seen[i] == value) {
                return i;
            }
        }
        if (seenCount == FEW) {
            numbers = new IdentityHashMap<>();
            for (int i = 0; i < FEW; i++) {
                numbers.put(seen[i], i);
            }
            numbers.put(value, seenCount++);
            return -1;
        }
        seen[seenCount++] = value;
        return -1;
    }
}
