package dev.sennit.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import acme.Order;
import dev.sennit.Seeded;
import dev.sennit.Task;
import java.io.IOException;
import java.io.InvalidClassException;
import java.io.Serializable;
import java.lang.management.ManagementFactory;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import javax.management.ObjectName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CompactFormTest {
    private static final AllowList ALL = new AllowList(List.of("dev.sennit.**", "acme.*"));

    record Point(int x, long y, String name, Object any) implements Serializable {}

    record Checked(int positive) implements Serializable {
        Checked {
            if (positive < 0) {
                throw new IllegalArgumentException("negative");
            }
        }
    }

    record NotSerializable(int x) {}

    record Replaced(int x) implements Serializable {
        private Object writeReplace() {
            return "replaced";
        }
    }

    enum Colour {
        RED,
        GREEN {
            @Override
            public String toString() {
                return "not its name";
            }
        }
    }

    private static byte[] write(Object value) throws IOException {
        var out = new MessageBuffer();
        new CompactWriter(out, false).write(value);
        return out.copy();
    }

    private static Object read(byte[] bytes) throws Exception {
        return new CompactReader(bytes, bytes.length, Reading.behind(ALL, CompactFormTest.class.getClassLoader()), null)
                .readAll();
    }

    static Stream<Object> values() {
        return Stream.of(
                true, false, (byte) -3, 'ß', (short) -300, 42, Integer.MIN_VALUE, 3.5f, Float.NaN, -1L, Long.MIN_VALUE,
                -0.0, Double.NaN,
                "", "ascii", "Straße", "日本", "\ud800 alone", "x".repeat(100_000), "é".repeat(1000),
                new byte[0], new byte[] {1, -1}, new int[] {1, -2}, new long[] {Long.MAX_VALUE},
                new double[] {0.1, Double.NaN},
                new float[] {1f}, new short[] {-7}, new char[] {'a', '\uffff'}, new boolean[] {true, false, true},
                new String[] {"a", null}, new Integer[] {1, null}, new int[][] {{1}, {2, 3}, null},
                new Object[] {1, "a", null},
                new Point[] {new Point(1, 2, "a", null)}, new Colour[] {Colour.RED},
                new ArrayList<>(Arrays.asList(1, null, "x")), new LinkedList<>(List.of(1)), List.of(), List.of(1),
                List.of(1, 2, 3),
                Stream.of(1, null, 2).toList(), Arrays.asList("a", null), new ArrayDeque<>(List.of(1, 2)).toString(),
                new HashSet<>(Arrays.asList(1, null)), new LinkedHashSet<>(List.of(3, 1, 2)),
                new TreeSet<>(List.of(3, 1)), Set.of(), Set.of(1),
                Set.of("a", "b", "c"), new HashMap<>(Collections.singletonMap(null, 1)),
                new LinkedHashMap<>(Map.of("k", List.of(1))),
                new TreeMap<>(Map.of("b", 1, "a", 2)), Map.of(), Map.of(1, 2), Map.of("a", 1, "b", 2, "c", 3),
                Colour.RED, Colour.GREEN, TimeUnit.DAYS,
                new Point(1, 2, "p", List.of(new Point(3, 4, null, Colour.GREEN))),
                new BigInteger("-123456789012345678901234567890"), new BigDecimal("1.50"), new UUID(1, -2),
                Instant.ofEpochSecond(-5, 999_999_999),
                Duration.ofNanos(-1), LocalDate.of(2024, 2, 29), LocalDateTime.of(1, 1, 1, 23, 59, 59, 999_999_999),
                Path.of("a", "b"), Optional.of(List.of(1)), OptionalLong.of(3), Map.entry(1, "x"),
                StandardCharsets.UTF_16, ByteBuffer.wrap(new byte[] {1}),
                new Order(1, List.of(new Order.Line("rope", 2)), Path.of("o")),
                List.of(new Order.Line("a", 1), Optional.empty()),
                new HashMap<>(
                        Map.of("list", new ArrayList<>(List.of(new HashMap<>(Map.of(1, new HashSet<>(Set.of(2)))))))));
    }

    @ParameterizedTest
    @MethodSource("values")
    void comesBackAsItWas(Object value) throws Exception {
        Object copy = read(write(value));
        assertThat(copy.getClass()).isEqualTo(value.getClass());
        assertThat(Objects.deepEquals(copy, value)).as("%s", copy).isTrue();
        if (value instanceof Collection<?> || value instanceof Map<?, ?>) {
            assertThat(copy.hashCode()).isEqualTo(value.hashCode());
        }
    }

    @Test
    void null_() throws Exception {
        assertThat(read(write(null))).isNull();
    }

    @Test
    void aDequeKeepsItsOrder() throws Exception {
        assertThat(new ArrayList<>((ArrayDeque<?>) read(write(new ArrayDeque<>(List.of(3, 1, 2))))))
                .isEqualTo(List.of(3, 1, 2));
    }

    @Test
    void listsThatRefuseNullGoOnToDoSo() throws Exception {
        for (List<Integer> list : List.of(List.<Integer>of(), List.of(1), List.of(1, 2), List.of(1, 2, 3),
                List.of(1, 2, 3, 4))) {
            var copy = (List<?>) read(write(list));
            assertThat(copy).isEqualTo(list);
            assertThatThrownBy(() -> copy.contains(null)).isInstanceOf(NullPointerException.class);
        }
        for (List<Integer> list : List.of(Stream.of(1, 2, 3).toList(), Stream.of(1, null, 3).toList(),
                Stream.<Integer>of().toList())) {
            var copy = (List<?>) read(write(list));
            assertThat(copy).isEqualTo(list);
            assertThat(copy.contains(null)).isEqualTo(list.contains(null));
        }
    }

    @Test
    void aMapThatIsOrderedByAccessStaysSo() throws Exception {
        var recent = new LinkedHashMap<>(Map.of(1, 1, 2, 2, 3, 3));
        assertThat(read(write(recent))).isEqualTo(recent);
        for (int size : new int[] {0, 1, 3}) {
            Map<Integer, Integer> byAccess = new LinkedHashMap<>(16, 0.75f, true);
            for (int i = 0; i < size; i++) {
                byAccess.put(i, i);
            }
            assertThatThrownBy(() -> write(byAccess)).isInstanceOf(CompactWriter.NotCompactException.class);
            assertThat(byAccess).hasSize(size);
        }
    }

    @Test
    void lengthsThatLieTogetherAskForNothing() throws Exception {
        // Lists in lists, each of which says that it takes all of what is left.
        var out = new MessageBuffer();
        int levels = 60;
        int rest = 1 << 20;
        for (int i = 0; i < levels; i++) {
            out.write(CompactForm.ARRAYS_AS_LIST);
            out.writeInt(rest);
        }
        out.skip(rest);
        byte[] lie = out.copy();
        long before = allocated();
        assertThatThrownBy(() -> read(lie)).isInstanceOf(IOException.class);
        assertThat(allocated() - before).isLessThan(16L * lie.length);
    }

    /**
     * How many bytes this thread has allocated so far; asked by name, as the module does not read the interface with
     * it.
     */
    private static long allocated() throws Exception {
        return (long) ManagementFactory.getPlatformMBeanServer()
                .getAttribute(new ObjectName(ManagementFactory.THREAD_MXBEAN_NAME), "CurrentThreadAllocatedBytes");
    }

    @Test
    void whatIsTheSameStaysTheSame() throws Exception {
        int[] shared = {1};
        List<Object> self = new ArrayList<>(List.of(shared, shared));
        String text = "t".repeat(200);
        self.add(self);
        self.add(text);
        self.add(text);
        List<?> copy = (List<?>) read(write(self));
        assertThat(copy.get(0)).isSameAs(copy.get(1)).isEqualTo(shared);
        assertThat(copy.get(2)).isSameAs(copy);
        assertThat(copy.get(3)).isSameAs(copy.get(4));
        assertThat(write(self).length).isLessThan(300);
    }

    @Test
    void manyObjectsAreToldApart() throws Exception {
        List<Object> values = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            values.add(new int[] {i});
        }
        values.addAll(values.subList(0, 100));
        List<?> copy = (List<?>) read(write(values));
        for (int i = 0; i < 100; i++) {
            assertThat(copy.get(i)).isEqualTo(new int[] {i}).isSameAs(copy.get(100 + i));
        }
    }

    @Test
    void sharingDoesNotMakeItLarger() throws Exception {
        List<Object> doubled = List.of(1);
        for (int i = 0; i < 50; i++) {
            doubled = List.of(doubled, doubled);
        }
        assertThat(write(doubled).length).isLessThan(2000);
    }

    @Test
    void whatHasNoCompactFormIsRefused() {
        Object deep = "leaf";
        for (int i = 0; i < 1000; i++) {
            deep = List.of(deep);
        }
        Object[] holdsItself = new Object[1];
        List<Object> asList = Arrays.asList(holdsItself);
        holdsItself[0] = asList;
        Map<Object, Object> hashesDeep = new HashMap<>();
        for (int i = 0; i < 20; i++) {
            hashesDeep = new HashMap<>(Map.of("k", hashesDeep));
        }
        List<Object> part = new ArrayList<>(List.of(1));
        for (Object value : new Object[] {
            new Object(), new NotSerializable(1), new Replaced(1), new Thread(), deep, asList, hashesDeep,
            new TreeSet<>(Collections.reverseOrder()), (Task<Integer>) () -> 1, new ArrayList<Object>() {},
            new HashSet<>(List.of(List.of(part), List.of(part, 1)))
        }) {
            assertThatThrownBy(() -> write(value))
                    .as("%s", value.getClass())
                    .isInstanceOf(CompactWriter.NotCompactException.class);
        }
    }

    @Test
    void onlyClassesOnTheListAreMade() throws Exception {
        AllowList jdkOnly = new AllowList(List.of("none"));
        for (Object value : List.of(new Point(1, 2, "", null), Colour.RED, new Point[0], new Point[0][0])) {
            byte[] bytes = write(List.of(value));
            ClassLoader loader = getClass().getClassLoader();
            // This library's own classes are always allowed, and these tests may lie in its module.
            if (!isOurs()) {
                assertThatThrownBy(
                        () -> new CompactReader(bytes, bytes.length, Reading.behind(jdkOnly, loader), null).readAll())
                        .isInstanceOf(InvalidClassException.class)
                        .hasMessageContaining("allow(dev.sennit.process.*)");
            }
        }
        byte[] thread = write(new Thread[0]);
        byte[] uri = write(new java.nio.file.FileStore[0]);
        for (byte[] bytes : List.of(thread, uri)) {
            if (bytes == uri) {
                assertThatThrownBy(() -> read(bytes)).isInstanceOf(InvalidClassException.class)
                        .hasMessageContaining("java.nio.file.FileStore");
            } else {
                // java.lang is allowed, and an empty array is harmless
                assertThat(read(bytes)).isInstanceOf(Thread[].class);
            }
        }
    }

    private static boolean isOurs() {
        return CompactFormTest.class.getModule() == AllowList.class.getModule();
    }

    @Test
    void aRecordChecksWhatItIsMadeOf() throws Exception {
        byte[] bytes = write(new Checked(5));
        bytes[bytes.length - 1] = (byte) 0x80; // the last byte of its little-endian component
        assertThatThrownBy(() -> read(bytes)).isInstanceOf(IOException.class).hasMessageContaining("negative");
    }

    @Test
    void lengthsThatLieAskForNothing() throws Exception {
        for (Object value : List.of(new byte[3], new int[3], new Object[3], new ArrayList<>(List.of(1)), Map.of(1, 1),
                "text", "日本",
                new BigInteger("5"), new boolean[1])) {
            byte[] good = write(value);
            for (int at = 1; at + 4 <= good.length; at++) {
                for (int lie : new int[] {Integer.MAX_VALUE, -1, 1 << 30, good.length}) {
                    byte[] bad = good.clone();
                    for (int i = 0; i < 4; i++) {
                        bad[at + i] = (byte) (lie >>> 8 * i);
                    }
                    endsWell(bad);
                }
            }
        }
    }

    private static void endsWell(byte[] bytes) {
        try {
            read(bytes);
        } catch (IOException | ClassNotFoundException e) {
            // said what is wrong
        } catch (Exception e) {
            throw new AssertionError("an exception that nobody expects, of " + Arrays.toString(bytes), e);
        }
    }

    @Test
    void mutatedMessagesAreReadOrRefused() throws Exception {
        Seeded.repeat(1, seeded -> {
            RandomGenerator random = seeded.generator();
            List<byte[]> good = new ArrayList<>();
            for (Object value : values().toList()) {
                byte[] bytes = write(value);
                if (bytes.length < 1000) {
                    good.add(bytes);
                }
            }
            for (int i = 0; i < Integer.getInteger("sennit.mutations", 100_000); i++) {
                byte[] bytes = good.get(random.nextInt(good.size())).clone();
                for (int n = random.nextInt(4); n >= 0 && bytes.length > 0; n--) {
                    int at = random.nextInt(bytes.length);
                    int how = random.nextInt(3);
                    if (how == 0) {
                        bytes[at] = (byte) random.nextInt();
                    } else if (how == 1) {
                        bytes[at] ^= (byte) (1 << random.nextInt(8));
                    } else {
                        bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length + 3));
                    }
                }
                endsWell(bytes);
            }
        });
    }

    // ---- lambdas ----

    private static Callable<?> through(Callable<?> task, LambdaShapes.Known known) throws Exception {
        EncodedTask encoded = Objects.requireNonNull(EncodedTask.compact(task, null));
        encoded.shapes().forEach(shape -> known.learn(shape.number(), shape.description()));
        return (Callable<?>) new CompactReader(
                encoded.bytes(), encoded.length(), Reading.ofParent(), known)
                .readAll();
    }

    private static Task<String> greeting(String name, int times, int[] counts) {
        return () -> name.repeat(times) + counts.length;
    }

    @Test
    void aLambdaIsItsShapeAndWhatItCaptured() throws Exception {
        var known = new LambdaShapes.Known();
        assertThat(through(greeting("a", 3, new int[5]), known).call()).isEqualTo("aaa5");
        assertThat(through(greeting("b", 2, new int[0]), known).call()).isEqualTo("bb0");
        EncodedTask encoded = Objects.requireNonNull(EncodedTask.compact(greeting("c", 1, new int[0]), null));
        assertThat(encoded.shapes()).hasSize(1);
        assertThat(encoded.length()).isLessThan(40);
        Task<Integer> none = () -> 7;
        assertThat(through(none, known).call()).isEqualTo(7);
        Task<Integer> nested = () -> none.call() + 1;
        assertThat(through(nested, known).call()).isEqualTo(8);
        Task<String> reference = "text"::toUpperCase;
        assertThat(through(reference, known).call()).isEqualTo("TEXT");
    }

    @Test
    void aLambdaThatCapturesWhatIsNotCompactIsNot() {
        var id = new Thread();
        Task<String> task = () -> id.getName();
        assertThat(EncodedTask.compact(task, null)).isNull();
        assertThat(EncodedTask.compact(() -> 1, null)).as("a Callable that is not serializable").isNull();
    }

    @Test
    void aShapeThatNobodyToldOfIsRefused() {
        EncodedTask encoded = Objects.requireNonNull(EncodedTask.compact((Task<Integer>) () -> 1, null));
        byte[] bytes = Arrays.copyOf(encoded.bytes(), encoded.length());
        assertThatThrownBy(() -> new CompactReader(
                bytes,
                bytes.length,
                Reading.ofParent(),
                new LambdaShapes.Known())
                .readAll())
                .isInstanceOf(IOException.class)
                .hasMessageContaining("unknown shape");
        assertThatThrownBy(() -> read(bytes)).isInstanceOf(IOException.class)
                .hasMessageContaining("where none belongs");
    }

    @Test
    void randomValuesComeBack() throws Exception {
        Seeded.repeat(1, seeded -> {
            RandomGenerator random = seeded.generator();
            for (int i = 0; i < 3000; i++) {
                Object value = randomValue(random, 0);
                assertThat(Objects.deepEquals(read(write(value)), value)).as("%s", value).isTrue();
            }
        });
    }

    private static Object randomValue(RandomGenerator random, int depth) {
        int kinds = depth > 5 ? 5 : 10;
        return switch (random.nextInt(kinds)) {
            case 0 -> random.nextInt();
            case 1 -> random.nextLong();
            case 2 -> Integer.toString(random.nextInt(), 36);
            case 3 -> random.nextDouble();
            case 4 -> Colour.values()[random.nextInt(2)];
            case 5 -> new Point(random.nextInt(), random.nextLong(), "p", randomValue(random, depth + 1));
            case 6 -> randomList(random, depth);
            case 7 -> new LinkedList<>(randomList(random, depth));
            case 8 ->
                new LinkedHashMap<>(Map.of("a", randomValue(random, depth + 1), "b", randomValue(random, depth + 1)));
            default -> List.copyOf(randomList(random, depth));
        };
    }

    private static List<Object> randomList(RandomGenerator random, int depth) {
        List<Object> list = new ArrayList<>();
        for (int i = random.nextInt(6); i > 0; i--) {
            list.add(randomValue(random, depth + 1));
        }
        return list;
    }
}
