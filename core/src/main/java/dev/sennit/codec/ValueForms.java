package dev.sennit.codec;

import static dev.sennit.codec.AllowList.made;

import dev.sennit.codec.CompactForm.RecordForm;
import java.io.InvalidObjectException;
import java.io.NotSerializableException;
import java.io.ObjectStreamException;
import java.io.Serializable;
import java.lang.reflect.Modifier;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.Charset;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.time.format.DateTimeFormatter;
import java.util.AbstractMap;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.DoubleSummaryStatistics;
import java.util.IntSummaryStatistics;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.LongSummaryStatistics;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Stand-ins that travel in the place of values that Java serialization does not know, or knows in a form that a reader
 * must not trust. Both Java serialization and the {@link CompactForm} use them.
 *
 * <p>A stand-in is an {@link Address} that becomes the value again where it is read, or another value that is equal: a
 * view of a collection travels as a copy of its contents. {@link LanguageForms} has the values of other languages.
 *
 * <p>A reader makes no object of a class that is not on its {@link AllowList}: a stand-in is of one of a few kinds, and
 * the class of a {@link PlainRecord} is checked like that of any object.
 */
final class ValueForms {
    /** Makes stand-ins for the values of one class. */
    interface Form {
        /** Returns the stand-in of a value; the value itself if it travels as it is. */
        Object of(Object value) throws ObjectStreamException;
    }

    /** Thrown for a value without a form; says what to send instead. */
    static final class NoFormException extends NotSerializableException {
        private static final long serialVersionUID = 1L;
        private final String remedy;

        NoFormException(Object value, String remedy) {
            super(value.getClass().getName());
            this.remedy = remedy;
        }

        String remedy() {
            return remedy;
        }
    }

    private static final ClassValue<@Nullable Form> FORMS = new ClassValue<>() {
        @Override
        protected @Nullable Form computeValue(Class<?> type) {
            return find(type);
        }
    };

    private ValueForms() {}

    /** Returns how the values of a class travel; null if they travel as they are. */
    static @Nullable Form of(Class<?> type) {
        return FORMS.get(type);
    }

    /** Returns the object that travels: the given object, or its stand-in. */
    static Object standIn(Object value) throws ObjectStreamException {
        Form form = FORMS.get(value.getClass());
        return form == null ? value : form.of(value);
    }

    private static @Nullable Form find(Class<?> type) {
        if (type.isArray() || type.isEnum()) {
            return null;
        }
        if (type.isRecord()) {
            return Serializable.class.isAssignableFrom(type) ? null : ofRecord(type);
        }
        if (Path.class.isAssignableFrom(type)) {
            return value -> PathText.of((Path) value);
        }
        return AllowList.isJdk(type) ? ofJdk(type) : LanguageForms.find(type);
    }

    private static Form ofRecord(Class<?> type) {
        return RecordForm.of(type) != null
                ? value -> PlainRecord.of((Record) value)
                : refusing("let it implement Serializable, or open its package: opens " + type.getPackageName()
                        + " to dev.sennit");
    }

    /** Returns a form that refuses every value, and says what to do instead. */
    private static Form refusing(String remedy) {
        return value -> {
            throw new NoFormException(value, remedy);
        };
    }

    private static @Nullable Form ofJdk(Class<?> type) {
        if (type == Optional.class) {
            return value -> new Maybe(((Optional<?>) value).orElse(null));
        }
        if (type == OptionalInt.class) {
            return value -> ((OptionalInt) value).isPresent()
                    ? new MaybeNumber(((OptionalInt) value).getAsInt())
                    : new MaybeNumber('I');
        }
        if (type == OptionalLong.class) {
            return value -> ((OptionalLong) value).isPresent()
                    ? new MaybeNumber(((OptionalLong) value).getAsLong())
                    : new MaybeNumber('J');
        }
        if (type == OptionalDouble.class) {
            return value -> ((OptionalDouble) value).isPresent()
                    ? new MaybeNumber(((OptionalDouble) value).getAsDouble())
                    : new MaybeNumber('D');
        }
        if (type == IntSummaryStatistics.class) {
            return value -> {
                var all = (IntSummaryStatistics) value;
                return new IntStatistics(all.getCount(), all.getMin(), all.getMax(), all.getSum());
            };
        }
        if (type == LongSummaryStatistics.class) {
            return value -> {
                var all = (LongSummaryStatistics) value;
                return new LongStatistics(all.getCount(), all.getMin(), all.getMax(), all.getSum());
            };
        }
        if (type == DoubleSummaryStatistics.class) {
            return value -> {
                var all = (DoubleSummaryStatistics) value;
                return new DoubleStatistics(all.getCount(), all.getMin(), all.getMax(), all.getSum());
            };
        }
        if (type == URL.class) {
            return value -> Link.of((URL) value);
        }
        if (type == DateTimeFormatter.class) {
            return value -> FormatterForm.of((DateTimeFormatter) value);
        }
        if (Charset.class.isAssignableFrom(type)) {
            return value -> new CharsetName(((Charset) value).name());
        }
        if (ByteBuffer.class.isAssignableFrom(type)) {
            return value -> Bytes.of((ByteBuffer) value);
        }
        if (Buffer.class.isAssignableFrom(type)) {
            return refusing("send an array of what is in it");
        }
        return Serializable.class.isAssignableFrom(type) ? null : ofView(type);
    }

    /** Returns the form of a view of one of the JDK's collections: a copy of its contents. */
    private static @Nullable Form ofView(Class<?> type) {
        boolean isView = type.getPackageName().equals("java.util")
                || type.getPackageName().equals("java.util.concurrent")
                || type.getName().startsWith("java.lang.ProcessEnvironment$");
        boolean isTopLevelAndPublic = Modifier.isPublic(type.getModifiers()) && type.getEnclosingClass() == null;
        // their elements are compared by identity
        if (!isView || isTopLevelAndPublic || type.getName().startsWith("java.util.IdentityHashMap$")) {
            return null;
        }
        if (Map.Entry.class.isAssignableFrom(type)) {
            boolean isFixed = type == Map.entry(1, 1).getClass();
            return value -> new Entry(((Map.Entry<?, ?>) value).getKey(), ((Map.Entry<?, ?>) value).getValue(),
                    isFixed);
        }
        if (List.class.isAssignableFrom(type)) {
            boolean isFixed = type.getName().startsWith("java.util.ImmutableCollections$");
            return value -> isFixed ? new FixedList(((List<?>) value).toArray()) : new ArrayList<>((List<?>) value);
        }
        if (SortedSet.class.isAssignableFrom(type)) {
            return value -> new TreeSet<>((SortedSet<?>) value);
        }
        if (Set.class.isAssignableFrom(type)) {
            // Not one by one: some maps have a single entry, which their iterator changes.
            return value -> new LinkedHashSet<>(Arrays.asList(((Set<?>) value).toArray()));
        }
        if (SortedMap.class.isAssignableFrom(type)) {
            return value -> new TreeMap<>((SortedMap<?, ?>) value);
        }
        if (Map.class.isAssignableFrom(type)) {
            return value -> new LinkedHashMap<>((Map<?, ?>) value);
        }
        if (Collection.class.isAssignableFrom(type) && !Queue.class.isAssignableFrom(type)) {
            return value -> new ArrayList<>((Collection<?>) value);
        }
        return null;
    }

    // ---- forms ----

    /**
     * A record that is not serializable; its components are.
     *
     * @param kind its class; the stream writes fields by name, and so this one first
     * @param parts its components
     */
    @SuppressWarnings("ArrayRecordComponent") // made once, never compared
    record PlainRecord(Class<?> kind, @Nullable Object[] parts) implements Address {
        private static final long serialVersionUID = 1L;

        static PlainRecord of(Record value) throws InvalidObjectException {
            RecordForm form = RecordForm.of(value.getClass());
            if (form == null) {
                throw new InvalidObjectException("record " + value.getClass().getName() + " hides its parts");
            }
            @Nullable Object[] parts = new @Nullable Object[form.getters.length];
            for (int i = 0; i < parts.length; i++) {
                try {
                    parts[i] = (Object) form.getters[i].invokeExact((Object) value);
                } catch (Throwable e) { // the getter of a field throws nothing
                    throw new IllegalStateException(e);
                }
            }
            return new PlainRecord(value.getClass(), parts);
        }

        @Override
        public Object readResolve() throws ObjectStreamException {
            Reading.ensureMayMake(kind);
            RecordForm form = RecordForm.of(kind);
            if (form == null || parts.length != form.types.length) {
                throw new InvalidObjectException("class " + kind.getName() + " is not the record that it was");
            }
            return form.make(kind, parts);
        }
    }

    /** A path of the default file system. */
    record PathText(String text) implements Address {
        private static final long serialVersionUID = 1L;

        static PathText of(Path path) throws NoFormException {
            if (path.getFileSystem() != FileSystems.getDefault()) {
                throw new NoFormException(path,
                        "send its toUri().toString(), and open its file system where it is used");
            }
            return new PathText(path.toString());
        }

        @Override
        public Object readResolve() {
            return made(Path.of(text));
        }
    }

    /** An immutable list. */
    @SuppressWarnings("ArrayRecordComponent") // made once, never compared
    record FixedList(@Nullable Object[] elements) implements Address {
        private static final long serialVersionUID = 1L;

        @Override
        public Object readResolve() {
            return made(Arrays.stream(elements).toList());
        }
    }

    /** An optional value. */
    record Maybe(@Nullable Object value) implements Address {
        private static final long serialVersionUID = 1L;

        @Override
        public Object readResolve() {
            return made(Optional.ofNullable(value));
        }
    }

    /**
     * An optional number.
     *
     * @param value an Integer, Long or Double; or a Character, which says what is absent
     */
    record MaybeNumber(Object value) implements Address {
        private static final long serialVersionUID = 1L;

        @Override
        public Object readResolve() {
            return made(switch (value) {
                case Integer number -> OptionalInt.of(number);
                case Long number -> OptionalLong.of(number);
                case Double number -> OptionalDouble.of(number);
                case Character absent when absent == 'I' -> OptionalInt.empty();
                case Character absent when absent == 'J' -> OptionalLong.empty();
                case Character absent when absent == 'D' -> OptionalDouble.empty();
                default -> throw new IllegalArgumentException("no number: " + value.getClass());
            });
        }
    }

    /** An entry of a map, without the map. */
    record Entry(@Nullable Object key, @Nullable Object value, boolean fixed) implements Address {
        private static final long serialVersionUID = 1L;

        @Override
        @SuppressWarnings("NullAway") // Map.entry refuses null
        public Object readResolve() {
            return made(fixed ? Map.entry(key, value) : new AbstractMap.SimpleEntry<>(key, value));
        }
    }

    /** The state of an {@link IntSummaryStatistics}. */
    record IntStatistics(long count, int min, int max, long sum) implements Address {
        private static final long serialVersionUID = 1L;

        @Override
        public Object readResolve() {
            return made(new IntSummaryStatistics(count, min, max, sum));
        }
    }

    /** The state of a {@link LongSummaryStatistics}. */
    record LongStatistics(long count, long min, long max, long sum) implements Address {
        private static final long serialVersionUID = 1L;

        @Override
        public Object readResolve() {
            return made(new LongSummaryStatistics(count, min, max, sum));
        }
    }

    /** The state of a {@link DoubleSummaryStatistics}. */
    record DoubleStatistics(long count, double min, double max, double sum) implements Address {
        private static final long serialVersionUID = 1L;

        @Override
        public Object readResolve() {
            if (count < 2 || !Double.isNaN(sum) || Double.isNaN(min) || Double.isNaN(max)) {
                return made(new DoubleSummaryStatistics(count, min, max, sum));
            }
            // Both infinities were counted; the constructor refuses their sum.
            var all = count == 2 ? new DoubleSummaryStatistics() : new DoubleSummaryStatistics(count - 2, min, max, 0);
            all.accept(min);
            all.accept(max);
            return made(all);
        }
    }

    /** A character set, which the reader's JVM has to have. */
    record CharsetName(String name) implements Address {
        private static final long serialVersionUID = 1L;

        @Override
        public Object readResolve() {
            return made(Charset.forName(name));
        }
    }

    /**
     * A URL as text, without its handler. A hash table asks a URL for its hash, which looks up its host: so a reader
     * behind an allow-list accepts no URL in a message with such a table, see {@link #IN_HASH_TABLE}.
     */
    record Link(String text) implements Address {
        private static final long serialVersionUID = 1L;
        static final String IN_HASH_TABLE =
                "a java.net.URL in a message with a map or set, which would have its host looked up; "
                        + "send a java.net.URI";
        /** A stream tells too late which of these is a set. */
        static final String IN_ONE_OF_OF =
                "a java.net.URL in a message with a List.of, Set.of or Map.of, which may have its host looked up; "
                        + "send a java.net.URI";

        static Link of(URL url) throws NoFormException {
            try {
                String text = url.toExternalForm();
                var unusedButValid = new URI(text);
                return new Link(text);
            } catch (URISyntaxException e) {
                throw new NoFormException(url, "it has no valid form as text (" + e.getMessage() + "); send a string");
            }
        }

        @Override
        public Object readResolve() throws ObjectStreamException {
            try {
                return made(URI.create(text).toURL());
            } catch (MalformedURLException e) {
                var invalid = new InvalidObjectException("a URL that cannot be: " + e.getMessage());
                invalid.initCause(e);
                throw invalid;
            }
        }
    }

    /** A buffer with all its bytes, without its mark. It does not share its memory with the original. */
    @SuppressWarnings("ArrayRecordComponent") // made once, never compared
    record Bytes(byte[] content, int position, int limit, boolean direct, boolean readOnly, boolean littleEndian)
            implements Address {
        private static final long serialVersionUID = 1L;

        static Bytes of(ByteBuffer buffer) {
            byte[] content = new byte[buffer.capacity()];
            buffer.duplicate().clear().get(content);
            return new Bytes(
                    content,
                    buffer.position(),
                    buffer.limit(),
                    buffer.isDirect(),
                    buffer.isReadOnly(),
                    buffer.order() == ByteOrder.LITTLE_ENDIAN);
        }

        @Override
        public Object readResolve() {
            ByteBuffer buffer =
                    direct ? ByteBuffer.allocateDirect(content.length).put(content).clear() : ByteBuffer.wrap(content);
            buffer.limit(limit).position(position);
            return made((readOnly ? buffer.asReadOnlyBuffer() : buffer)
                    .order(littleEndian ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN));
        }
    }
}
