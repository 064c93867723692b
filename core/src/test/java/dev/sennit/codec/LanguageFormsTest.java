package dev.sennit.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import dev.sennit.Task;
import dev.sennit.TaskSerializationException;
import java.io.ByteArrayOutputStream;
import java.io.ObjectOutputStream;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import kotlin.Pair;
import kotlin.Triple;
import kotlin.Unit;
import kotlin.collections.CollectionsKt;
import kotlin.collections.IndexedValue;
import kotlin.collections.MapsKt;
import kotlin.collections.SetsKt;
import kotlin.ranges.CharProgression;
import kotlin.ranges.CharRange;
import kotlin.ranges.IntProgression;
import kotlin.ranges.IntRange;
import kotlin.ranges.LongProgression;
import kotlin.ranges.LongRange;
import kotlin.text.Regex;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import scala.Option;
import scala.Some;
import scala.Tuple2;
import scala.Tuple3;
import scala.collection.immutable.LazyList$;
import scala.collection.immutable.List$;
import scala.collection.immutable.Map$;
import scala.collection.immutable.Nil$;
import scala.collection.immutable.Range$;
import scala.collection.immutable.Seq;
import scala.collection.immutable.Set$;
import scala.collection.immutable.Vector$;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.BoxedUnit;
import scala.util.Left;
import scala.util.Right;
import scala.util.Success;

/** Common values of Kotlin and Scala travel, and ways in that their libraries open are shut. */
class LanguageFormsTest {
    private static final AllowList STRICT = new AllowList(List.of());

    private static Object boxed(String type, Class<?> of, Object value) throws Exception {
        return Class.forName("kotlin." + type).getMethod("box-impl", of).invoke(null, value);
    }

    private static scala.collection.Iterable<Object> scala(int size) {
        return CollectionConverters.asScala(Stream.iterate(1, i -> i + 1).limit(size).map(i -> (Object) i).toList());
    }

    private static scala.collection.Iterable<Tuple2<Object, Object>> pairs(int size) {
        return CollectionConverters.asScala(
                Stream.iterate(1, i -> i + 1).limit(size).map(i -> new Tuple2<Object, Object>("k" + i, i)).toList());
    }

    static Stream<Arguments> values() throws Exception {
        return Stream.of(
                argumentSet("Pair", new Pair<>(1, Path.of("x"))),
                argumentSet("Triple", new Triple<>(1, "b", null)),
                argumentSet("Unit", Unit.INSTANCE),
                argumentSet("IntRange", new IntRange(1, 5)),
                argumentSet("LongRange", new LongRange(1, 5)),
                argumentSet("CharRange", new CharRange('a', 'e')),
                argumentSet("IntProgression", new IntProgression(10, 1, -3)),
                argumentSet("LongProgression", new LongProgression(1, 10, 3)),
                argumentSet("CharProgression", new CharProgression('a', 'k', 2)),
                argumentSet("UByte", boxed("UByte", byte.class, (byte) -1)),
                argumentSet("UShort", boxed("UShort", short.class, (short) -1)),
                argumentSet("UInt", boxed("UInt", int.class, -1)),
                argumentSet("ULong", boxed("ULong", long.class, -1L)),
                argumentSet("UIntArray", boxed("UIntArray", int[].class, new int[] {1, -1})),
                argumentSet("Duration", boxed("time.Duration", long.class, 4_000_000_000L)),
                argumentSet("Result", boxed("Result", Object.class, new Pair<>(1, 2))),
                argumentSet("IndexedValue", new IndexedValue<>(3, "c")),
                argumentSet("emptyList", CollectionsKt.emptyList()),
                argumentSet("emptySet", SetsKt.emptySet()),
                argumentSet("emptyMap", MapsKt.emptyMap()),
                argumentSet("buildList", CollectionsKt.build(CollectionsKt.createListBuilder(4))),
                argumentSet("buildList of some", built()),
                argumentSet("buildSet", SetsKt.build(SetsKt.createSetBuilder())),
                argumentSet("buildMap", MapsKt.build(MapsKt.createMapBuilder())),
                argumentSet("Regex", new Comparable(new Regex("a+"))),
                argumentSet("Uuid", kotlin.uuid.Uuid.Companion.parse("00112233-4455-6677-8899-aabbccddeeff")),
                argumentSet("Some", new Some<>(List.of(1))),
                argumentSet("None", Option.empty()),
                argumentSet("tuple", new Tuple2<>(1, "b")),
                argumentSet("tuple of numbers", new scala.Tuple2$mcII$sp(1, 2)),
                argumentSet("triple", new Tuple3<>(1, "b", Path.of("c"))),
                argumentSet("Left", new Left<>("no")),
                argumentSet("Right", new Right<>(1)),
                argumentSet("Success", new Success<>(1)),
                argumentSet("BigInt", scala.math.BigInt.apply("123456789012345678901234567890")),
                argumentSet("BigDecimal",
                        scala.math.BigDecimal.javaBigDecimal2bigDecimal(new java.math.BigDecimal("1.50"))),
                argumentSet("BoxedUnit", BoxedUnit.UNIT),
                argumentSet("FiniteDuration", scala.concurrent.duration.Duration.apply(5, TimeUnit.SECONDS)),
                argumentSet("List", List$.MODULE$.from(scala(3))),
                argumentSet("long List", List$.MODULE$.from(scala(20_000))),
                argumentSet("Nil", Nil$.MODULE$),
                argumentSet("Vector", Vector$.MODULE$.from(scala(3))),
                argumentSet("long Vector", Vector$.MODULE$.from(scala(3000))),
                argumentSet("empty Vector", Vector$.MODULE$.empty()),
                argumentSet("Set", Set$.MODULE$.from(scala(3))),
                argumentSet("large Set", Set$.MODULE$.from(scala(30))),
                argumentSet("empty Set", Set$.MODULE$.empty()),
                argumentSet("Map", Map$.MODULE$.from(pairs(3))),
                argumentSet("large Map", Map$.MODULE$.from(pairs(30))),
                argumentSet("empty Map", Map$.MODULE$.empty()),
                argumentSet("Queue", scala.collection.immutable.Queue$.MODULE$.from(scala(3))),
                argumentSet("VectorMap", scala.collection.immutable.VectorMap$.MODULE$.from(pairs(3))),
                argumentSet("ArrayBuffer", scala.collection.mutable.ArrayBuffer$.MODULE$.from(scala(3))),
                argumentSet("mutable Map", scala.collection.mutable.HashMap$.MODULE$.from(pairs(3))),
                argumentSet("mutable Set", scala.collection.mutable.LinkedHashSet$.MODULE$.from(scala(3))),
                argumentSet("ArraySeq", scala.collection.immutable.ArraySeq$.MODULE$.unsafeWrapArray(new int[] {1, 2})),
                argumentSet("Range", Range$.MODULE$.apply(1, 10, 2)),
                argumentSet("Range with its end", Range$.MODULE$.inclusive(1, 10)),
                argumentSet("List of lists",
                        List$.MODULE$.fill(2, () -> new Some<Object>(Vector$.MODULE$.from(scala(2))))));
    }

    private static List<Object> built() {
        List<Object> list = CollectionsKt.createListBuilder();
        list.add(1);
        list.add(null);
        return CollectionsKt.build(list);
    }

    /** Regular expressions of Kotlin are not equal to one another. */
    record Comparable(Regex regex) implements java.io.Serializable {
        @Override
        public boolean equals(Object other) {
            return other instanceof Comparable it && it.regex.getPattern().equals(regex.getPattern());
        }

        @Override
        public int hashCode() {
            return regex.getPattern().hashCode();
        }
    }

    /** What can be compared of a value. */
    private static Object seen(Object value) {
        return value.getClass().getName().equals("kotlin.UIntArray") ? new ArrayList<>((Collection<?>) value) : value;
    }

    @ParameterizedTest
    @MethodSource("values")
    void comesHome(Object value) {
        assertThat(seen(home(value))).isEqualTo(seen(value));
        Object[] copy = (Object[]) home(new Object[] {new AtomicInteger(), value, value});
        assertThat(seen(copy[1])).as("in Java serialization").isEqualTo(seen(value));
        assertThat(copy[2]).isSameAs(copy[1]);
    }

    @ParameterizedTest
    @MethodSource("values")
    void goesWithATask(Object value) throws Exception {
        Task<Object> task = () -> value;
        EncodedTask encoded = TaskCodec.encode(task, task.getClass(), "task", new AllowList(List.of()));
        var known = new LambdaShapes.Known();
        encoded.shapes().forEach(shape -> known.learn(shape.number(), shape.description()));
        assertThat(seen(TaskCodec.decode(encoded.bytes(), encoded.length(), Reading.ofParent(), known).call()))
                .isEqualTo(seen(value));
    }

    private static Object home(Object value) {
        return decoded(TaskCodec.encodeValue(value).copy(), STRICT);
    }

    private static Object decoded(byte[] message, AllowList allowed) {
        return TaskCodec.decodeValue(message, Reading.behind(allowed, LanguageFormsTest.class.getClassLoader()));
    }

    /** As a process writes it that does not keep to the rules. */
    private static byte[] written(Object value) throws Exception {
        var bytes = new ByteArrayOutputStream();
        try (var out = new ObjectOutputStream(bytes)) {
            out.writeObject(value);
        }
        return bytes.toByteArray();
    }

    /** CVE-2022-36944: a lazy list in a message calls whatever function is in it. */
    @Test
    void whatScalasOwnFormCouldCallIsRefused() throws Exception {
        for (Object value : List.of(LazyList$.MODULE$.from(1), LazyList$.MODULE$.empty(),
                List$.MODULE$.from(scala(3)))) {
            byte[] message = written(value);
            assertThatThrownBy(() -> decoded(message, STRICT))
                    .isInstanceOf(TaskSerializationException.class)
                    .hasMessageContaining("is not on the allow-list");
        }
        byte[] module = written(Vector$.MODULE$);
        assertThatThrownBy(() -> decoded(module, STRICT))
                .hasMessageContaining("scala.collection.immutable.Vector$ is not on the allow-list");
        assertThatThrownBy(() -> home(LazyList$.MODULE$.from(1))).hasMessageContaining("is not on the allow-list");
    }

    /** Their forms announce a size, and are believed. */
    @Test
    void whatKotlinsOwnFormCouldAskForIsRefused() throws Exception {
        byte[] message = written(built());
        assertThatThrownBy(() -> decoded(message, STRICT))
                .hasMessageContaining("SerializedCollection is not on the allow-list");
    }

    @Test
    void aSetOfScalaIsHeldToWhatHashTablesAre() throws Exception {
        Object link = URI.create("http://sennit.invalid/").toURL();
        assertThatThrownBy(() -> home(new Pair<>(Map$.MODULE$.from(pairs(1)), link)))
                .hasMessageContaining("send a java.net.URI");
        Object deep = 1;
        for (int i = 0; i < 40; i++) {
            deep = Set$.MODULE$.empty().$plus(deep);
        }
        Object nested = deep;
        assertThatThrownBy(() -> home(nested)).hasMessageContaining("nested too deeply");
    }

    @Test
    void noOtherClassIsMade() throws Exception {
        byte[] message = TaskCodec.encodeValue(Optional.of(new IntRange(1, 2))).copy();
        String text = new String(message, java.nio.charset.StandardCharsets.ISO_8859_1);
        byte[] lie = text.replace("kotlin.ranges.IntRange", "java.lang.ProcessBuild")
                .getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
        assertThatThrownBy(() -> decoded(lie, STRICT)).hasMessageContaining("is made of parts");
        Set<Object> steps = Set.of(new IntProgression(1, 9, 2));
        byte[] zero = TaskCodec.encodeValue(List.of(new IntProgression(1, 9, 2))).copy();
        zero[zero.length - 4] = 0;
        assertThatThrownBy(() -> decoded(zero, STRICT)).hasMessageContaining("Step must be non-zero");
        assertThat(home(steps)).isEqualTo(steps);
    }

    @Test
    void aLazySequenceIsNoValue() {
        Seq<Object> lazy = LazyList$.MODULE$.from(1).map(i -> i);
        assertThatThrownBy(() -> home(lazy)).isInstanceOf(TaskSerializationException.class);
    }
}
