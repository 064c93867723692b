package dev.sennit.codec;

import java.io.IOException;
import java.io.ObjectStreamConstants;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Computes how long a message of Java serialization would be if nothing in it occurred twice, without making any object
 * of it.
 *
 * <p>A few hundred bytes can contain a set of sets of sets that takes longer than a lifetime to hash, as each contains
 * the same two sets twice. Reading such a message hashes it, so it has to be refused before. The grammar is that of the
 * Java Object Serialization Specification, chapter 6. The size of an object is the length of its data in the stream
 * after its class, plus the size of each object that it refers to again. Strings and arrays of numbers count once:
 * strings cache their hashes, and arrays have identity hashes.
 */
final class ExpandedSize {
    private static final int DEEPEST = 500;
    /** The class that stands for immutable collections, which are made of all their elements in one step. */
    static final String AT_ONE_GO = "java.util.CollSer";

    private static final int SET = 2;
    private static final int MAP = 3;
    /**
     * The most elements times bytes of such a set or map. If all elements have the same hash, each is compared with
     * each.
     */
    private static final long MOST_AT_ONE_GO = 1L << 30;

    private final ByteBuffer in;
    private final long most;
    /** The total size of repeated references. */
    private long again;
    /** By handle: a Description, or the size of an object as a Long; null while it is being read. */
    private final List<@Nullable Object> known = new ArrayList<>();

    private ExpandedSize(byte[] message, int length, long most) {
        in = ByteBuffer.wrap(message, 0, length);
        this.most = most;
    }

    /**
     * Checks a message.
     *
     * @param most how long it may be
     * @throws IOException if it is longer, or is no such message
     */
    static void ensure(byte[] message, int length, long most) throws IOException {
        var size = new ExpandedSize(message, length, most);
        try {
            if (size.in.getShort() != ObjectStreamConstants.STREAM_MAGIC
                    || size.in.getShort() != ObjectStreamConstants.STREAM_VERSION) {
                throw new IOException("no message of Java serialization");
            }
            size.content(0);
        } catch (BufferUnderflowException | IndexOutOfBoundsException e) {
            throw new IOException("a message that ends too early", e);
        }
    }

    /** Returns whether elements that are added in one step would be compared too often: nothing can stop that step. */
    static boolean isMuchAtOneGo(long elements, long bytes) {
        return bytes > 0 && elements > MOST_AT_ONE_GO / bytes;
    }

    /** A class as the stream describes it. */
    private record Description(String name, int flags, byte[] fields, @Nullable Description above) {
        boolean has(int flag) {
            return (flags & flag) != 0;
        }
    }

    private long size() {
        return in.position() + again;
    }

    private int begin() {
        known.add(null);
        return known.size() - 1;
    }

    private void content(int depth) throws IOException {
        if (depth > DEEPEST) {
            throw new IOException("nested too deeply: more than " + DEEPEST + " levels; send a flat list");
        }
        byte tag = in.get();
        switch (tag) {
            case ObjectStreamConstants.TC_NULL -> {}
            case ObjectStreamConstants.TC_REFERENCE -> reference();
            case ObjectStreamConstants.TC_STRING -> {
                known.set(begin(), 0L);
                skip(in.getShort() & 0xFFFF);
            }
            case ObjectStreamConstants.TC_LONGSTRING -> {
                known.set(begin(), 0L);
                skip(in.getLong());
            }
            case ObjectStreamConstants.TC_CLASSDESC, ObjectStreamConstants.TC_PROXYCLASSDESC -> {
                in.position(in.position() - 1);
                description(depth);
            }
            case ObjectStreamConstants.TC_CLASS -> {
                description(depth);
                known.set(begin(), 0L);
            }
            case ObjectStreamConstants.TC_ENUM -> {
                description(depth);
                known.set(begin(), 0L);
                content(depth + 1);
            }
            case ObjectStreamConstants.TC_ARRAY -> array(depth);
            case ObjectStreamConstants.TC_OBJECT -> object(depth);
            default -> throw new IOException("a tag of " + tag + " where an object belongs");
        }
    }

    private void reference() throws IOException {
        Object target = target();
        again += target instanceof Long size ? size : 0;
        if (size() > most) {
            throw new IOException("a message that would have more than " + most + " bytes if nothing in it came twice");
        }
    }

    private @Nullable Object target() throws IOException {
        int number = in.getInt() - ObjectStreamConstants.baseWireHandle;
        if (number < 0 || number >= known.size()) {
            throw new IOException("no object of number " + number);
        }
        return known.get(number);
    }

    private void skip(long bytes) throws IOException {
        if (bytes < 0 || bytes > in.remaining()) {
            throw new IOException("a length of " + bytes + " with " + in.remaining() + " bytes left");
        }
        in.position(in.position() + (int) bytes);
    }

    private String text() throws IOException {
        int length = in.getShort() & 0xFFFF;
        int start = in.position();
        skip(length);
        // only compared with names of the JDK
        return new String(in.array(), start, length, StandardCharsets.ISO_8859_1);
    }

    private @Nullable Description description(int depth) throws IOException {
        if (depth > DEEPEST) {
            throw new IOException("classes nested more than " + DEEPEST + " deep");
        }
        byte tag = in.get();
        switch (tag) {
            case ObjectStreamConstants.TC_NULL -> {
                return null;
            }
            case ObjectStreamConstants.TC_REFERENCE -> {
                if (target() instanceof Description description) {
                    return description;
                }
                throw new IOException("no class where one belongs");
            }
            case ObjectStreamConstants.TC_PROXYCLASSDESC -> {
                int number = begin();
                for (int interfaces = in.getInt(); interfaces > 0; interfaces--) {
                    text();
                }
                annotation(depth + 1);
                var proxy =
                        new Description("", ObjectStreamConstants.SC_SERIALIZABLE, new byte[0], description(depth + 1));
                known.set(number, proxy);
                return proxy;
            }
            case ObjectStreamConstants.TC_CLASSDESC -> {
                String name = text();
                in.getLong();
                int number = begin();
                int flags = in.get();
                byte[] fields = new byte[in.getShort() & 0xFFFF];
                for (int i = 0; i < fields.length; i++) {
                    fields[i] = in.get();
                    text();
                    if (isObject(fields[i])) {
                        content(depth + 1); // the name of its class
                    }
                }
                annotation(depth + 1);
                var description = new Description(name, flags, fields, description(depth + 1));
                known.set(number, description);
                return description;
            }
            default -> throw new IOException("a tag of " + tag + " where a class belongs");
        }
    }

    private static boolean isObject(byte type) {
        return type == 'L' || type == '[';
    }

    private static int bytesOf(byte type) throws IOException {
        return switch (type) {
            case 'B', 'Z' -> 1;
            case 'C', 'S' -> 2;
            case 'I', 'F' -> 4;
            case 'J', 'D' -> 8;
            default -> throw new IOException("a field of type " + type);
        };
    }

    private Description descriptionOfObject(int depth) throws IOException {
        Description description = description(depth);
        if (description == null) {
            throw new IOException("an object without a class");
        }
        return description;
    }

    private void array(int depth) throws IOException {
        Description description = descriptionOfObject(depth);
        long start = size();
        int number = begin();
        long length = in.getInt();
        byte element = (byte) (description.name.length() < 2 ? 0 : description.name.charAt(1));
        if (!isObject(element)) {
            skip(length * bytesOf(element));
            known.set(number, 0L);
            return;
        }
        for (long i = 0; i < length; i++) {
            content(depth + 1);
        }
        known.set(number, size() - start);
    }

    private void object(int depth) throws IOException {
        Description description = descriptionOfObject(depth);
        long start = size();
        int number = begin();
        boolean isAtOneGo = description.name.equals(AT_ONE_GO);
        int kind = isAtOneGo ? in.getInt(in.position()) & 0xFF : 0; // its only field
        Deque<Description> fromAbove = new ArrayDeque<>();
        for (Description one = description; one != null; one = one.above) {
            fromAbove.push(one);
        }
        long elements = 0;
        for (Description one : fromAbove) {
            elements += data(one, depth);
        }
        known.set(number, size() - start);
        if ((kind == SET || kind == MAP) && isMuchAtOneGo(elements, size() - start)) {
            throw new IOException(
                    "an immutable set or map of " + elements + " elements among what is no record or plain value; send"
                            + " a HashSet or HashMap");
        }
    }

    /** Reads the data of one class of an object; returns how many objects there are beside the fields. */
    private int data(Description description, int depth) throws IOException {
        if (description.has(ObjectStreamConstants.SC_EXTERNALIZABLE)) {
            if (!description.has(ObjectStreamConstants.SC_BLOCK_DATA)) {
                throw new IOException("an object of the first version of Java serialization");
            }
            return annotation(depth + 1);
        }
        if (!description.has(ObjectStreamConstants.SC_SERIALIZABLE)) {
            return 0;
        }
        for (byte field : description.fields) {
            if (isObject(field)) {
                content(depth + 1);
            } else {
                skip(bytesOf(field));
            }
        }
        return description.has(ObjectStreamConstants.SC_WRITE_METHOD) ? annotation(depth + 1) : 0;
    }

    /** Reads what a class wrote itself, up to its end; returns how many objects there are. */
    private int annotation(int depth) throws IOException {
        int objects = 0;
        while (true) {
            switch (in.get(in.position())) {
                case ObjectStreamConstants.TC_ENDBLOCKDATA -> {
                    in.get();
                    return objects;
                }
                case ObjectStreamConstants.TC_BLOCKDATA -> {
                    in.get();
                    skip(in.get() & 0xFF);
                }
                case ObjectStreamConstants.TC_BLOCKDATALONG -> {
                    in.get();
                    skip(in.getInt());
                }
                default -> {
                    content(depth);
                    objects++;
                }
            }
        }
    }
}
