package dev.sennit.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import acme.Order;
import dev.sennit.Task;
import dev.sennit.TaskSerializationException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InvalidClassException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.net.URI;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.chrono.ThaiBuddhistChronology;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.DecimalStyle;
import java.time.format.FormatStyle;
import java.time.format.ResolverStyle;
import java.time.temporal.ChronoField;
import java.time.temporal.ChronoUnit;
import java.util.AbstractMap;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Calendar;
import java.util.Collection;
import java.util.Collections;
import java.util.DoubleSummaryStatistics;
import java.util.EnumMap;
import java.util.GregorianCalendar;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IntSummaryStatistics;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.LinkedList;
import java.util.List;
import java.util.Locale;
import java.util.LongSummaryStatistics;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SimpleTimeZone;
import java.util.TimeZone;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.Vector;
import java.util.WeakHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Values that are not serializable, or not in a form to be trusted, travel all the same: as tasks and results, in
 * either form.
 */
class ValueFormsTest {
    private static final AllowList STRICT = new AllowList(List.of());

    private static List<Integer> four(List<Integer> list) {
        list.addAll(List.of(1, 2, 3, 4));
        return list;
    }

    private static <M extends Map<String, Integer>> M two(M map) {
        map.put("b", 2);
        map.put("a", 1);
        return map;
    }

    private static Calendar calendar(Locale locale) {
        return new Calendar.Builder()
                .setInstant(1_700_000_000_000L)
                .setTimeZone(TimeZone.getTimeZone("Asia/Tokyo"))
                .setLocale(locale)
                .build();
    }

    private static TimeZone shifted() {
        TimeZone zone = TimeZone.getTimeZone("Europe/Paris");
        zone.setRawOffset(1_800_000);
        zone.setID("my own");
        return zone;
    }

    static Stream<Arguments> values() throws Exception {
        ByteBuffer part = ByteBuffer.wrap("0123456789".getBytes(StandardCharsets.US_ASCII), 2, 5).slice()
                .order(ByteOrder.LITTLE_ENDIAN);
        part.position(1).limit(4);
        var zone = DateTimeFormatter.ISO_DATE_TIME.withZone(ZoneId.of("Asia/Tokyo")).withLocale(Locale.FRANCE);
        return Stream.of(
                argumentSet("path", Path.of("some", "file.txt")),
                argumentSet("absolute path", Path.of("x").toAbsolutePath()),
                argumentSet("empty path", Path.of("")),
                argumentSet("paths", (Object) new Path[] {Path.of("a"), null}),
                argumentSet("Optional", Optional.of("x")),
                argumentSet("Optional of a path", Optional.of(Path.of("x"))),
                argumentSet("Optional.empty", Optional.empty()),
                argumentSet("OptionalInt", OptionalInt.of(5)),
                argumentSet("OptionalInt.empty", OptionalInt.empty()),
                argumentSet("OptionalLong", OptionalLong.of(5)),
                argumentSet("OptionalLong.empty", OptionalLong.empty()),
                argumentSet("OptionalDouble", OptionalDouble.of(0.5)),
                argumentSet("OptionalDouble.empty", OptionalDouble.empty()),
                argumentSet("Map.entry", Map.entry("k", Path.of("v"))),
                argumentSet("HashMap's entry", two(new HashMap<>()).entrySet().iterator().next()),
                argumentSet("TreeMap's entry", two(new TreeMap<>()).firstEntry()),
                argumentSet("entry with null",
                        new HashMap<>(Collections.singletonMap(null, null)).entrySet().iterator().next()),
                argumentSet("subList of ArrayList", four(new ArrayList<>()).subList(1, 3)),
                argumentSet("subList of a subList", four(new ArrayList<>()).subList(1, 4).subList(0, 2)),
                argumentSet("subList of LinkedList", four(new LinkedList<>()).subList(1, 3)),
                argumentSet("subList of Vector", four(new Vector<>()).subList(1, 3)),
                argumentSet("subList of CopyOnWriteArrayList", four(new CopyOnWriteArrayList<>()).subList(1, 3)),
                argumentSet("subList of List.of", List.of(1, 2, 3, 4).subList(1, 3)),
                argumentSet("subList of toList", Stream.of(1, null, 3).toList().subList(1, 3)),
                argumentSet("subList of Arrays.asList", Arrays.asList(1, null, 3).subList(0, 2)),
                argumentSet("subList with paths", List.of(Path.of("a"), Path.of("b"), Path.of("c")).subList(1, 2)),
                argumentSet("unmodifiable subList",
                        Collections.unmodifiableList(four(new ArrayList<>()).subList(1, 3))),
                argumentSet("reversed list", four(new ArrayList<>()).reversed()),
                argumentSet("HashMap.keySet", two(new HashMap<>()).keySet()),
                argumentSet("HashMap.values", two(new HashMap<>()).values()),
                argumentSet("HashMap.entrySet", two(new HashMap<>()).entrySet()),
                argumentSet("LinkedHashMap.keySet", two(new LinkedHashMap<>()).keySet()),
                argumentSet("LinkedHashMap.values", two(new LinkedHashMap<>()).values()),
                argumentSet("LinkedHashMap.entrySet", two(new LinkedHashMap<>()).entrySet()),
                argumentSet("reversed LinkedHashMap", two(new LinkedHashMap<>()).reversed()),
                argumentSet("TreeMap.keySet", two(new TreeMap<>()).keySet()),
                argumentSet("TreeMap.values", two(new TreeMap<>()).values()),
                argumentSet("TreeMap.entrySet", two(new TreeMap<>()).entrySet()),
                argumentSet("reversed TreeMap", two(new TreeMap<>()).reversed()),
                argumentSet("TreeMap.subMap", two(new TreeMap<>()).headMap("b")),
                argumentSet("Map.of keySet", Map.of("a", 1).keySet()),
                argumentSet("Map.of values", Map.of("a", 1).values()),
                argumentSet("Map.of entrySet", Map.of("a", 1, "b", 2).entrySet()),
                argumentSet("EnumMap.keySet", new EnumMap<>(Map.of(TimeUnit.DAYS, 1)).keySet()),
                argumentSet("EnumMap.entrySet", new EnumMap<>(Map.of(TimeUnit.DAYS, 1, TimeUnit.HOURS, 2)).entrySet()),
                argumentSet("unmodifiable map's keySet", Collections.unmodifiableMap(two(new HashMap<>())).keySet()),
                argumentSet("unmodifiable map's entrySet",
                        Collections.unmodifiableMap(two(new HashMap<>())).entrySet()),
                argumentSet("synchronized map's values", Collections.synchronizedMap(two(new HashMap<>())).values()),
                argumentSet("environment", System.getenv()),
                argumentSet("IntSummaryStatistics", IntStream.of(3, -1, 7).summaryStatistics()),
                argumentSet("no IntSummaryStatistics", new IntSummaryStatistics()),
                argumentSet("LongSummaryStatistics", LongStream.of(3, -1, 7).summaryStatistics()),
                argumentSet("DoubleSummaryStatistics", DoubleStream.of(0.1, 0.2, 0.3).summaryStatistics()),
                argumentSet("DoubleSummaryStatistics of both infinities",
                        DoubleStream.of(1, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY).summaryStatistics()),
                argumentSet("DoubleSummaryStatistics of NaN", DoubleStream.of(1, Double.NaN).summaryStatistics()),
                argumentSet("charset", StandardCharsets.UTF_16LE),
                argumentSet("charset by name", Charset.forName("windows-1252")),
                argumentSet("ISO formatter", DateTimeFormatter.ISO_LOCAL_DATE),
                argumentSet("ISO formatter with a zone", zone),
                argumentSet("RFC formatter", DateTimeFormatter.RFC_1123_DATE_TIME),
                argumentSet("formatter of a pattern",
                        DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", Locale.US)),
                argumentSet("formatter without gaps", DateTimeFormatter.ofPattern("uuuuMMddHHmmss")),
                argumentSet("formatter with names",
                        DateTimeFormatter.ofPattern("EEEE, d. MMMM yy h:mm a z", Locale.GERMANY)),
                argumentSet("formatter with quotes", DateTimeFormatter.ofPattern("'week of' d'.', h 'o''clock'")),
                argumentSet("formatter with options",
                        DateTimeFormatter.ofPattern("yyyy[-MM[-dd]]").withResolverStyle(ResolverStyle.STRICT)),
                argumentSet("localized formatter",
                        DateTimeFormatter.ofLocalizedDate(FormatStyle.FULL).withLocale(Locale.ITALY)),
                argumentSet("localized formatter of both",
                        DateTimeFormatter.ofLocalizedDateTime(FormatStyle.MEDIUM, FormatStyle.SHORT)
                                .withLocale(Locale.US)),
                argumentSet("formatter with everything", DateTimeFormatter.ofPattern("d M yyyy", Locale.US)
                        .withChronology(ThaiBuddhistChronology.INSTANCE)
                        .withDecimalStyle(DecimalStyle.of(Locale.forLanguageTag("ar-EG-u-nu-arab")))
                        .withResolverFields(ChronoField.DAY_OF_MONTH)
                        .withZone(ZoneOffset.ofHours(2))),
                argumentSet("ChronoUnit", ChronoUnit.DAYS),
                argumentSet("heap buffer", ByteBuffer.wrap(new byte[] {1, 2, 3})),
                argumentSet("part of a heap buffer", part),
                argumentSet("read-only buffer", part.asReadOnlyBuffer()),
                argumentSet("direct buffer", ByteBuffer.allocateDirect(8).putInt(7).flip()),
                argumentSet("URL", URI.create("https://example.org:8443/a?b=c#d").toURL()),
                argumentSet("URL of a file", Path.of("a b").toUri().toURL()),
                argumentSet("URL in a jar", URI.create("jar:file:/x.jar!/a/B.class").toURL()),
                argumentSet("TimeZone", TimeZone.getTimeZone("America/New_York")),
                argumentSet("TimeZone of an offset", TimeZone.getTimeZone("GMT+05:30")),
                argumentSet("TimeZone with settings of its own", shifted()),
                argumentSet("SimpleTimeZone", new SimpleTimeZone(3_600_000, "mine")),
                argumentSet("calendar", calendar(Locale.GERMANY)),
                argumentSet("Buddhist calendar", calendar(Locale.forLanguageTag("th-TH-u-ca-buddhist"))),
                argumentSet("Japanese calendar", calendar(Locale.forLanguageTag("ja-JP-u-ca-japanese"))));
    }

    /** What can be compared of a value. */
    private static Object seen(Object value) {
        return switch (value) {
            case Path[] paths -> Arrays.asList(paths);
            case IntSummaryStatistics all -> all.toString();
            case LongSummaryStatistics all -> all.toString();
            case DoubleSummaryStatistics all ->
                List.of(all.getCount(), all.getMin(), all.getMax(), all.getSum(), all.getAverage());
            case ByteBuffer buffer -> List.of(
                    buffer, buffer.position(), buffer.limit(), buffer.capacity(), buffer.order(), buffer.isDirect(),
                    buffer.isReadOnly(),
                    buffer.duplicate().clear());
            case URL url -> url.toExternalForm();
            case DateTimeFormatter formatter -> Arrays.asList(
                    formatter.toString(), formatter.getLocale(), formatter.getZone(), formatter.getChronology(),
                    formatter.getResolverStyle(),
                    formatter.getResolverFields(), formatter.getDecimalStyle(),
                    formatter.withZone(ZoneOffset.UTC)
                            .format(ZonedDateTime.of(2031, 7, 9, 15, 4, 5, 6_000_000, ZoneOffset.UTC)));
            case List<?> list -> list;
            case Set<?> set -> set;
            case Collection<?> collection -> new ArrayList<>(collection);
            default -> value;
        };
    }

    @ParameterizedTest
    @MethodSource("values")
    void comesHome(Object value) {
        assertThat(seen(home(value))).isEqualTo(seen(value));
        Object[] copy = (Object[]) home(new Object[] {new AtomicInteger(), value, value});
        assertThat(seen(copy[1])).as("in Java serialization").isEqualTo(seen(value));
        assertThat(copy[2]).as("the same").isSameAs(copy[1]);
        List<?> twice = (List<?>) home(Arrays.asList(1, value, value));
        assertThat(seen(twice.get(2))).isEqualTo(seen(value));
    }

    @ParameterizedTest
    @MethodSource("values")
    void goesWithATask(Object value) throws Exception {
        Task<Object> task = () -> value;
        assertThat(seen(there(task).call())).isEqualTo(seen(value));
        Object anchor = new AtomicInteger();
        Task<List<Object>> serialized = () -> List.of(anchor, value);
        assertThat(seen(there(serialized).call().get(1))).isEqualTo(seen(value));
    }

    private static Object home(Object value) {
        return home(value, STRICT);
    }

    private static Object home(Object value, AllowList allowed) {
        MessageBuffer message = TaskCodec.encodeValue(value);
        return TaskCodec.decodeValue(message.copy(), Reading.behind(allowed, ValueFormsTest.class.getClassLoader()));
    }

    @SuppressWarnings("unchecked")
    private static <T> Task<T> there(Task<T> task) throws Exception {
        EncodedTask encoded = TaskCodec.encode(task, task.getClass(), "task", new AllowList(List.of()));
        var known = new LambdaShapes.Known();
        encoded.shapes().forEach(shape -> known.learn(shape.number(), shape.description()));
        return (Task<T>) TaskCodec.decode(encoded.bytes(), encoded.length(), Reading.ofParent(), known);
    }

    private static boolean isCompact(Object value) {
        return TaskCodec.encodeValue(value).bytes()[0] != CompactForm.JAVA_STREAM;
    }

    @Test
    void commonOnesKeepTheCompactForm() throws Exception {
        for (Object value : List.of(
                Path.of("a"), Optional.of(1), OptionalLong.of(2), Map.entry(1, 2),
                four(new ArrayList<>()).subList(1, 2),
                two(new HashMap<>()).values(), two(new TreeMap<>()).keySet(), new IntSummaryStatistics(),
                StandardCharsets.UTF_8,
                ByteBuffer.allocate(3), URI.create("http://x/").toURL(), order())) {
            assertThat(isCompact(value)).as("%s", value).isTrue();
        }
    }

    // ---- records ----

    private static Order order() {
        return new Order(7, List.of(new Order.Line("rope", 2), new Order.Line("hook", 1)), Path.of("orders"));
    }

    private static AllowList acme() {
        return new AllowList(List.of("acme.*"));
    }

    @Test
    void aPlainRecordTravelsIfItsPartsDo() throws Exception {
        Order order = order();
        assertThat(home(order, acme())).isEqualTo(order);
        assertThat(home(Map.of("k", List.of(order, Optional.of(order))), acme()))
                .isEqualTo(Map.of("k", List.of(order, Optional.of(order))));
        var anchored = (Object[]) home(new Object[] {new AtomicInteger(), order, new Order[] {order}}, acme());
        assertThat(anchored[1]).isEqualTo(order).isSameAs(((Order[]) anchored[2])[0]);
        Task<Object> task = () -> order.lines();
        assertThat(there(task).call()).isEqualTo(order.lines());
        var number = new AtomicInteger(1);
        Task<Object> serialized = () -> order.number() + number.get();
        assertThat(there(serialized).call()).isEqualTo(8);
    }

    /** It has a field of its own. */
    static final class Late extends IOException {
        private static final long serialVersionUID = 1L;

        @SuppressWarnings("serial")
        final Order order;

        Late(Order order) {
            super("late");
            this.order = order;
        }
    }

    @Test
    void aPlainRecordTravelsInAFailure() throws Exception {
        MessageBuffer message = TaskCodec.encodeFailure(new Late(order()));
        Throwable failure = TaskCodec.decodeFailure(message.copy(), getClass().getClassLoader(),
                acme().and("dev.sennit.process.*"));
        assertThat(((Late) failure).order).isEqualTo(order());
    }

    @Test
    void aPlainRecordIsOnTheAllowListLikeAnyOther() throws Exception {
        for (Object value : List.of(order(), new Object[] {order(), new AtomicInteger()})) {
            assertThatThrownBy(() -> home(value))
                    .isInstanceOf(TaskSerializationException.class)
                    .hasMessageContaining("class acme.Order is not on the allow-list; add it with allow(acme.*)");
        }
        var hostile = new ValueForms.PlainRecord(Order.class, new Object[] {1, null, null});
        byte[] bytes = TaskCodec.encodeValue(new Object[] {hostile, new AtomicInteger()}).copy();
        assertThatThrownBy(() -> TaskCodec.decodeValue(bytes, Reading.behind(STRICT, getClass().getClassLoader())))
                .hasMessageContaining("acme.Order is not");
        Reading reader = Reading.behind(STRICT, getClass().getClassLoader());
        assertThatThrownBy(() -> reader.read(hostile::readResolve)).isInstanceOf(InvalidClassException.class);
    }

    @Test
    void aPlainRecordChecksWhatItIsMadeOf() {
        var hostile = new ValueForms.PlainRecord(Order.Line.class, new Object[] {"rope", -1});
        byte[] bytes = TaskCodec.encodeValue(new Object[] {hostile, new AtomicInteger()}).copy();
        assertThatThrownBy(() -> TaskCodec.decodeValue(bytes, Reading.behind(acme(), getClass().getClassLoader())))
                .hasMessageContaining("count must be >= 1");
        var other = new ValueForms.PlainRecord(String.class, new Object[] {"rope"});
        byte[] none = TaskCodec.encodeValue(new Object[] {other, new AtomicInteger()}).copy();
        assertThatThrownBy(() -> TaskCodec.decodeValue(none, Reading.behind(acme(), getClass().getClassLoader())))
                .hasMessageContaining("java.lang.String is not the record that it was");
    }

    // ---- what cannot travel, and what may not ----

    @Test
    void whatHasNoFormIsRefusedWithTheRemedy(@TempDir Path folder) throws Exception {
        Map<Object, String> remedies = new LinkedHashMap<>();
        remedies.put(
                new DateTimeFormatterBuilder().appendText(ChronoField.MONTH_OF_YEAR, Map.of(1L, "one")).toFormatter(),
                "send its pattern");
        remedies.put(new DateTimeFormatterBuilder().parseDefaulting(ChronoField.YEAR, 5).toFormatter(),
                "send its pattern");
        remedies.put(IntBuffer.allocate(1), "send an array of what is in it");
        remedies.put(new Order.Anchored(new Object()), "holds a java.lang.Object");
        try (FileSystem zip = FileSystems.newFileSystem(folder.resolve("x.zip"), Map.of("create", "true"))) {
            remedies.put(zip.getPath("a"), "send its toUri().toString()");
            remedies.forEach((value, remedy) -> {
                assertThatThrownBy(() -> home(value)).isInstanceOf(TaskSerializationException.class)
                        .hasMessageContaining(remedy);
                assertThatThrownBy(() -> home(List.of(value))).hasMessageContaining(remedy);
                Task<Object> task = () -> value;
                assertThatThrownBy(() -> there(task))
                        .hasMessageMatching(
                                ".*the lambda in \\S+ValueFormsTest \\(ValueFormsTest.java:\\d+\\) "
                                        + "captures value, an? .*")
                        .hasMessageContaining(remedy);
            });
        }
        for (Object value : List.of(new WeakHashMap<>(), Stream.of(1), List.of(1).iterator())) {
            assertThatThrownBy(() -> home(value)).as("%s", value).hasMessageContaining("is not Serializable");
        }
    }

    /** In a hash table it would look up its host as soon as it is read. */
    @Test
    void aUrlIsNotReadIntoAHashTable() throws Exception {
        URL url = URI.create("http://sennit.invalid/").toURL();
        List<Object> hashed = List.of(new HashSet<>(), url);
        List<Object> late = Arrays.asList(url, new HashMap<>(Map.of("k", 1)));
        for (Object value : List.of(hashed, late, Map.of("link", Optional.of(url)))) {
            for (Object sent : List.of(value, List.of(value, new AtomicInteger()))) {
                assertThatThrownBy(() -> home(sent)).as("%s", sent).hasMessageContaining("send a java.net.URI");
            }
        }
        List<URL> alone = List.of(url);
        assertThat(home(new URL[] {url}, STRICT)).isInstanceOf(URL[].class);
        assertThat(((List<?>) home(alone, STRICT)).toString()).isEqualTo("[http://sennit.invalid/]");
        Map<String, URL> trusted = new HashMap<>(Map.of("link", url));
        Task<Object> task = () -> trusted.get("link").toString();
        assertThat(there(task).call()).isEqualTo("http://sennit.invalid/");
    }

    /** As it is written, a set of {@code Set.of} is no set before it has asked its elements for their hashes. */
    @Test
    void aUrlInASetOfTheJdksIsRefusedBeforeItIsAskedForItsHash() throws Exception {
        Object links = new Object[] {
            new AtomicInteger(),
            Set.of(new ValueForms.Link("http://sennit.invalid/"), new ValueForms.Link("http://other.invalid/"))
        };
        byte[] message = TaskCodec.encodeValue(links).copy();
        var filter = STRICT.filterFor(message.length, null);
        List<Class<?>> met = new ArrayList<>();
        try (var in = new ObjectInputStream(new ByteArrayInputStream(message))) {
            in.setObjectInputFilter(info -> {
                met.add(info.serialClass());
                return filter.checkInput(info);
            });
            assertThatThrownBy(in::readObject).isInstanceOf(InvalidClassException.class);
        }
        assertThat(filter.refusal()).contains("a java.net.URL");
        assertThat(met).doesNotContain(Set.of(1, 2, 3).getClass(), Set.of(1).getClass());
    }

    /** As a process writes it that does not keep to the rules. */
    @Test
    void aUrlInItsOwnFormIsRefused() throws Exception {
        var bytes = new ByteArrayOutputStream();
        try (var out = new ObjectOutputStream(bytes)) {
            out.writeObject(new Object[] {URI.create("http://sennit.invalid/").toURL()});
        }
        assertThatThrownBy(() -> TaskCodec.decodeValue(bytes.toByteArray(),
                Reading.behind(acme().and("java.net.*"), getClass().getClassLoader())))
                .hasMessageContaining("a java.net.URL");
    }

    @Test
    void whatHoldsItselfIsNotCompactAndEnds() {
        List<Object> list = new ArrayList<>();
        Map.Entry<Integer, Object> entry = new AbstractMap.SimpleEntry<>(1, list);
        Optional<Object> self = Optional.of(list);
        list.add(self);
        list.add(entry);
        assertThat(isCompact(list)).isFalse();
        assertThat(isCompact(self)).isFalse();
    }

    @Test
    void formsThatLieAreRefused() {
        for (Object lie : new Object[] {
            new ValueForms.PathText("\0"), new ValueForms.CharsetName("no such"), new ValueForms.MaybeNumber("x"),
            new ValueForms.Bytes(new byte[2], 5, 1, false, false, false), new ValueForms.Entry(null, 1, true),
            new ValueForms.IntStatistics(1, 5, 2, 0), new ValueForms.Link("nonsense"), new ValueForms.Link("no scheme"),
            new FormatterForm(FormatterForm.Kind.CONSTANT, "NONE", Locale.US, "0+-.", ResolverStyle.SMART, null, null,
                    null),
            new FormatterForm(FormatterForm.Kind.PATTERN, "yyyy", Locale.US, "0", ResolverStyle.SMART, null, null, null)
        }) {
            assertThatThrownBy(() -> {
                byte[] bytes = TaskCodec.encodeValue(new Object[] {lie, new AtomicInteger()}).copy();
                TaskCodec.decodeValue(bytes, Reading.behind(STRICT, getClass().getClassLoader()));
            })
                    .as("%s", lie)
                    .isInstanceOf(TaskSerializationException.class);
        }
    }

    record Wrapped(Object value) implements Serializable {}

    @Test
    void otherValuesAreLeftAlone() throws Exception {
        for (Object value : List.of("text", 1, new ArrayList<>(), Instant.EPOCH, LocalDate.EPOCH, new TreeSet<>(),
                new LinkedHashSet<>(),
                new GregorianCalendar(), new Wrapped(1), new Thread())) {
            assertThat(ValueForms.standIn(value)).isSameAs(value);
        }
    }
}
