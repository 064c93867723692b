package dev.sennit.codec;

import java.io.InvalidObjectException;
import java.io.Serializable;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;
import java.lang.reflect.RecordComponent;
import java.util.Collection;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The compact binary form of values, which {@link CompactWriter} writes and {@link CompactReader} reads: a tag, then
 * its contents. Numbers are little-endian; arrays of numbers are as in memory.
 *
 * <pre>
 * NULL TRUE FALSE                   nothing
 * BYTE CHAR SHORT INT FLOAT         the value, as an int
 * LONG DOUBLE                       the value, as a long
 * ASCII UTF16                       int length, bytes or chars
 * BYTES .. BOOLEANS                 int length, the elements
 * OBJECTS                           text class of the elements, int length, the elements as values
 * ARRAY_LIST .. ARRAY_DEQUE         int size, the elements as values
 * HASH_MAP .. IMMUTABLE_MAP         int size, keys and values in turn
 * ENUM                              text class, text constant
 * RECORD                            text class, int components, the components as values
 * LAMBDA                            int number of its shape, int captures, the captures as values
 * BIG_INTEGER BIG_DECIMAL UUID INSTANT DURATION LOCAL_DATE LOCAL_DATE_TIME   see the writer
 * SHORT_LIST, NULLABLE_LIST          as the lists above
 * ADDRESS                           the record that leads to it or stands for it, as a value; see {@link Address}
 * SEGMENT                           byte kind, byte 1 if read-only, int length, the bytes; see {@link SegmentForm}
 * AGAIN                             int number of an object that came before, counting those that can come again
 * </pre>
 *
 * <p>References to the same object stay references to one object, except for boxed numbers and short strings. If a
 * value contains anything else, is nested deeply, or has classes that are not open to this module, the whole value goes
 * through Java serialization. Such a message begins with {@link #JAVA_STREAM}, which is no tag.
 */
public final class CompactForm {
    static final byte JAVA_STREAM = (byte) 0xAC;

    static final int NULL = 0;
    static final int TRUE = 1;
    static final int FALSE = 2;
    static final int BYTE = 3;
    static final int CHAR = 4;
    static final int SHORT = 5;
    static final int INT = 6;
    static final int FLOAT = 7;
    static final int LONG = 8;
    static final int DOUBLE = 9;
    static final int ASCII = 10;
    static final int UTF16 = 11;
    static final int BYTES = 12;
    static final int SHORTS = 13;
    static final int CHARS = 14;
    static final int INTS = 15;
    static final int LONGS = 16;
    static final int FLOATS = 17;
    static final int DOUBLES = 18;
    static final int BOOLEANS = 19;
    static final int OBJECTS = 20;
    public static final int ARRAY_LIST = 21;
    static final int LINKED_LIST = 22;
    static final int ARRAYS_AS_LIST = 23;
    static final int IMMUTABLE_LIST = 24;
    public static final int HASH_SET = 25;
    static final int LINKED_HASH_SET = 26;
    static final int TREE_SET = 27;
    public static final int IMMUTABLE_SET = 28;
    static final int ARRAY_DEQUE = 29;
    static final int HASH_MAP = 30;
    static final int LINKED_HASH_MAP = 31;
    static final int TREE_MAP = 32;
    static final int IMMUTABLE_MAP = 33;
    static final int ENUM = 34;
    static final int RECORD = 35;
    static final int LAMBDA = 36;
    static final int BIG_INTEGER = 37;
    static final int BIG_DECIMAL = 38;
    static final int UUID = 39;
    static final int INSTANT = 40;
    static final int DURATION = 41;
    static final int LOCAL_DATE = 42;
    static final int LOCAL_DATE_TIME = 43;
    static final int AGAIN = 44;
    /** {@code List.of} with one or two elements. */
    static final int SHORT_LIST = 45;
    /**
     * The result of {@code Stream.toList}, which may contain null. {@code List.of} returns the same class without null.
     */
    static final int NULLABLE_LIST = 46;
    /** The address of a value that is shared and stays where it is. */
    static final int ADDRESS = 47;
    static final int SEGMENT = 48;

    /** Deeper values go through Java serialization, which reports values that are too deep. */
    static final int DEEPEST = 64;
    /** The limit if there is a hash table, as reading it hashes all its contents. */
    static final int DEEPEST_WITH_HASHES = 16;
    /** Strings from this length on stay the same object if they occur again. */
    static final int LONG_STRING = 64;

    private CompactForm() {}

    /**
     * Returns whether an object consists of others. Such an object may not occur again in a hash table: its hash is
     * that of all its parts, so tables in tables could double the time to read with each level.
     */
    static boolean hasParts(Object value) {
        return switch (value) {
            case Collection<?> collection -> !collection.isEmpty();
            case Map<?, ?> map -> !map.isEmpty();
            default -> value instanceof Record
                    || value instanceof Object[]
                    || value instanceof Map.Entry
                    || ValueForms.of(value.getClass()) != null;
        };
    }

    /** Returns whether a class is an address, whose records travel only in the place of values. */
    static boolean isAddress(Class<?> type) {
        return Address.class.isAssignableFrom(type);
    }

    /**
     * How records of a class are taken apart and made. If the parent's modules hide records of others, a worker with a
     * class path of its own is told to leave these to Java serialization: that can make them, and this library cannot.
     */
    public static final class RecordForm {
        public static final String PROPERTY = "sennit.records";
        public static final String SERIALIZED = "serialized";

        private static final boolean OURS_ALONE = SERIALIZED.equals(System.getProperty(PROPERTY));
        private static final ClassValue<@Nullable RecordForm> FORMS = new ClassValue<>() {
            @Override
            protected @Nullable RecordForm computeValue(Class<?> type) {
                return find(type);
            }
        };

        /** One getter for each component: {@code (Object) -> Object}. */
        final MethodHandle[] getters;
        /** {@code (Object[]) -> Object}. */
        final MethodHandle constructor;
        /** The types of the components. */
        final Class<?>[] types;

        private RecordForm(MethodHandle[] getters, MethodHandle constructor, Class<?>[] types) {
            this.getters = getters;
            this.constructor = constructor;
            this.types = types;
        }

        /**
         * Returns null if such a record has its own serial form, or hides from this module. It need not be
         * serializable: its components show whether it can travel.
         */
        static @Nullable RecordForm of(Class<?> type) {
            return FORMS.get(type);
        }

        private static @Nullable RecordForm find(Class<?> type) {
            if (!type.isRecord() || (hasFormOfItsOwn(type) && !Address.class.isAssignableFrom(type))) {
                return null;
            }
            // records of this library were not made for it
            if (AllowList.isOurs(type) ? !Serializable.class.isAssignableFrom(type) : OURS_ALONE) {
                return null;
            }
            try {
                MethodHandles.Lookup lookup = MethodHandles.lookup();
                RecordComponent[] components = type.getRecordComponents();
                MethodHandle[] getters = new MethodHandle[components.length];
                Class<?>[] types = new Class<?>[components.length];
                for (int i = 0; i < components.length; i++) {
                    Field field = type.getDeclaredField(components[i].getName());
                    field.setAccessible(true);
                    getters[i] =
                            lookup.unreflectGetter(field).asType(MethodType.methodType(Object.class, Object.class));
                    types[i] = components[i].getType();
                }
                var canonical = type.getDeclaredConstructor(types);
                canonical.setAccessible(true);
                MethodHandle constructor = lookup.unreflectConstructor(canonical)
                        .asSpreader(Object[].class, types.length)
                        .asType(MethodType.methodType(Object.class, Object[].class));
                return new RecordForm(getters, constructor, types);
            } catch (ReflectiveOperationException | RuntimeException e) { // its package is not open to this module
                return null;
            }
        }

        /** Makes a record from as many components as there are {@link #types}. */
        Object make(Class<?> type, @Nullable Object[] components) throws InvalidObjectException {
            try {
                return (Object) constructor.invokeExact(components);
            } catch (Error e) {
                throw e;
            } catch (Throwable e) {
                var invalid = new InvalidObjectException("record " + type.getName() + " cannot be made: " + e);
                invalid.initCause(e);
                throw invalid;
            }
        }

        private static boolean hasFormOfItsOwn(Class<?> type) {
            for (var method : type.getDeclaredMethods()) {
                if (method.getParameterCount() == 0
                        && (method.getName().equals("writeReplace") || method.getName().equals("readResolve"))) {
                    return true;
                }
            }
            return false;
        }
    }
}
