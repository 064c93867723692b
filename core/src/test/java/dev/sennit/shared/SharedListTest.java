package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Seeded;
import dev.sennit.conformance.internal.Caller;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.RandomAccess;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(120)
class SharedListTest {
    private static final long STARTS = 16;
    private static final long WRITING = 2;

    private static Object any(RandomGenerator random, int longest) {
        return switch (random.nextInt(8)) {
            case 0 -> null;
            case 1 -> random.nextBoolean();
            case 2 -> random.nextInt();
            case 3 -> random.nextLong();
            case 4 -> Double.longBitsToDouble(random.nextLong());
            case 5 -> random.nextBoolean() ? Long.MIN_VALUE : Integer.MIN_VALUE;
            case 6 -> {
                byte[] bytes = new byte[random.nextInt(longest + 1)];
                random.nextBytes(bytes);
                yield bytes;
            }
            // all characters, halves of surrogate pairs too
            default -> random.ints(random.nextInt(longest / 2 + 1), 0, 0x10000)
                    .collect(StringBuilder::new, (text, c) -> text.append((char) c), StringBuilder::append)
                    .toString();
        };
    }

    @Test
    void isAsAnyListOfFixedLength() {
        Seeded.repeat(100, seeded -> {
            RandomGenerator random = seeded.generator();
            int size = random.nextInt(1, 9);
            int room = random.nextInt(40);
            var first = new ArrayList<>();
            for (int i = 0; i < size; i++) {
                first.add(any(random, 100));
            }
            List<Object> model = Arrays.asList(first.toArray());
            try (SharedList shared = SharedList.create(first, room)) {
                same(shared, model);
                for (int step = 0; step < 100; step++) {
                    int i = random.nextInt(size);
                    Object value = any(random, shared.room(i));
                    same(Arrays.asList(shared.set(i, value)), Arrays.asList(model.set(i, value)));
                    same(shared, model);
                }
            }
        });
    }

    /** As {@code equals}, and arrays by what is in them. */
    private static void same(List<Object> shared, List<Object> model) {
        assertThat(shared).hasSameSizeAs(model);
        for (int i = 0; i < model.size(); i++) {
            Object seen = shared.get(i);
            if (model.get(i) instanceof byte[] bytes) {
                assertThat((byte[]) seen).isEqualTo(bytes);
            } else {
                assertThat(seen).isEqualTo(model.get(i));
            }
        }
    }

    @Test
    void whatAListOffersWorks() {
        try (SharedList shared = SharedList.create(Arrays.asList(3, null, "three", 1.5, true, 2L), 10)) {
            assertThat(shared).isInstanceOf(RandomAccess.class).containsExactly(3, null, "three", 1.5, true, 2L);
            assertThat(shared).isEqualTo(Arrays.asList(3, null, "three", 1.5, true, 2L))
                    .hasToString("[3, null, three, 1.5, true, 2]");
            assertThat(shared.hashCode()).isEqualTo(new ArrayList<>(shared).hashCode());
            assertThat(shared.indexOf("three")).isEqualTo(2);
            assertThat(shared.contains(4)).isFalse();
            assertThat(shared.subList(1, 3)).containsExactly(null, "three");
            shared.replaceAll(element -> element == null ? 0 : element);
            shared.sort(Comparator.comparing(String::valueOf));
            assertThat(shared).containsExactly(0, 1.5, 2L, 3, "three", true);
            assertThatThrownBy(() -> shared.add(1)).isInstanceOf(UnsupportedOperationException.class);
            assertThatThrownBy(() -> shared.remove(0)).isInstanceOf(UnsupportedOperationException.class);
            assertThatThrownBy(shared::clear).isInstanceOf(UnsupportedOperationException.class);
            assertThat(shared.reversed().getFirst()).isEqualTo(true);
        }
    }

    @Test
    void bitsOfDoublesAreKept() {
        double strange = Double.longBitsToDouble(0x7FF8_0000_0000_1234L);
        try (SharedList shared = SharedList.create(List.of(-0.0, strange))) {
            assertThat(Double.doubleToRawLongBits((double) shared.get(0))).isEqualTo(Long.MIN_VALUE);
            assertThat(Double.doubleToRawLongBits((double) shared.get(1))).isEqualTo(0x7FF8_0000_0000_1234L);
        }
    }

    @Test
    void arraysAreCopies() {
        byte[] given = {1, 2, 3};
        try (SharedList shared = SharedList.create(List.of(given))) {
            given[0] = 9;
            byte[] got = (byte[]) shared.get(0);
            got[1] = 9;
            assertThat((byte[]) shared.get(0)).containsExactly(1, 2, 3);
        }
    }

    @Test
    void whatDoesNotFitIsRefusedAndNothingIsChanged() {
        try (SharedList shared = SharedList.create(Arrays.asList(1, "a longer text", null), 6)) {
            assertThat(IntStream.range(0, 3).map(shared::room)).allMatch(room -> room >= 8);
            assertThat(shared.room(1)).isGreaterThanOrEqualTo(26);
            for (int i = 0; i < 3; i++) {
                int index = i;
                int room = shared.room(i);
                String longest = "x".repeat(room / 2);
                shared.set(i, longest);
                assertThatThrownBy(() -> shared.set(index, longest + "x"))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("element %d has room for %d bytes, the new value needs %d, 2 a character", i, room,
                                room + 2);
                assertThat(shared.get(i)).isEqualTo(longest);
                shared.set(i, new byte[room]);
                assertThatThrownBy(() -> shared.set(index, new byte[room + 1]))
                        .hasMessage("element %d has room for %d bytes, the new value needs %d", i, room, room + 1);
                shared.set(i, 0.1);
                shared.set(i, Long.MIN_VALUE);
                assertThat(shared.get(i)).isEqualTo(Long.MIN_VALUE);
            }
        }
        assertThatThrownBy(() -> SharedList.create(List.of(), -1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("room must be >= 0, was -1");
    }

    @Test
    void otherKindsAndIndexesAreRefused() {
        try (SharedList shared = SharedList.create(List.of(1, 2))) {
            assertThatThrownBy(() -> shared.set(0, 1.5f))
                    .isInstanceOf(ClassCastException.class)
                    .hasMessage(
                            "a java.lang.Float cannot be in a SharedList, which holds null, Boolean, Integer, Long, "
                                    + "Double, String and byte[]");
            assertThatThrownBy(() -> SharedList.create(List.of(List.of()))).isInstanceOf(ClassCastException.class);
            for (int index : new int[] {-1, 2, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
                assertThatThrownBy(() -> shared.get(index)).isInstanceOf(IndexOutOfBoundsException.class);
                assertThatThrownBy(() -> shared.set(index, 1)).isInstanceOf(IndexOutOfBoundsException.class);
                assertThatThrownBy(() -> shared.room(index)).isInstanceOf(IndexOutOfBoundsException.class);
            }
            assertThat(shared).containsExactly(1, 2);
        }
    }

    @Test
    void anEmptyOneIsEmpty() {
        try (SharedList shared = SharedList.create(List.of())) {
            assertThat(shared).isEmpty();
            assertThatThrownBy(() -> shared.get(0)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThat(SharedList.in(shared.memory())).isEmpty();
        }
    }

    @Test
    void itsBlockIsTheListAndNoOtherIs() {
        try (SharedList shared = SharedList.create(List.of("a", "b"));
                SharedMemory other = SharedMemory.create(64)) {
            SharedList again = SharedList.in(shared.memory());
            again.set(0, "c");
            assertThat(shared).containsExactly("c", "b");
            again.close();
            assertThat(shared).as("the block is not its own").containsExactly("c", "b");
            assertThatThrownBy(() -> SharedList.in(other))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(other + " holds no SharedList");
            // says 2 elements, and has no room for them
            other.segment().copyFrom(shared.memory().segment().asSlice(0, 16));
            assertThatThrownBy(() -> SharedList.in(other)).isInstanceOf(IllegalArgumentException.class);
            try (SharedMemory tiny = SharedMemory.create(1)) {
                assertThatThrownBy(() -> SharedList.in(tiny)).isInstanceOf(IllegalArgumentException.class);
            }
        }
    }

    @Test
    void aClosedOneCannotBeUsed() {
        SharedList shared = SharedList.create(List.of(1));
        shared.close();
        shared.close();
        assertThatThrownBy(() -> shared.get(0)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> shared.set(0, 2)).isInstanceOf(IllegalStateException.class);
    }

    // ---- whoever dies in the middle ----

    /** Where an element's state lies; the copies are behind it. */
    private static long state(SharedList list, int index) {
        return list.memory().segment().get(JAVA_LONG, STARTS + 8L * index);
    }

    private static long word(SharedList list, int index, int word) {
        return list.memory().segment().get(JAVA_LONG, state(list, index) + 8L * word);
    }

    private static void word(SharedList list, int index, int word, long value) {
        list.memory().segment().set(JAVA_LONG, state(list, index) + 8L * word, value);
    }

    /** What is left of a writer that claimed, and wrote some words of the copy that does not count. */
    private static void dieWhileWriting(SharedList list, int index, int written) {
        long state = word(list, index, 0);
        long ticket = (state >>> 2) + 1;
        int words = list.room(index) / 2 + 3;
        int other = (state & 1) == 0 ? 1 + words : 1;
        word(list, index, 0, ticket << 2 | WRITING | state & 1);
        for (int i = 0; i < written; i++) {
            word(list, index, other + i, ticket << 16 | 6);
        }
    }

    @Test
    void aWriterThatDiedInTheMiddleLeavesTheOldValueAndKeepsNobodyOut() {
        try (SharedList shared = SharedList.create(List.of("first", "left alone"), 100)) {
            for (int written = 0; written < 20; written++) {
                Object before = shared.get(0);
                dieWhileWriting(shared, 0, written);
                assertThat(shared.get(0)).isEqualTo(before);
                dieWhileWriting(shared, 0, written / 2);
                assertThat(shared.get(0)).isEqualTo(before);
                assertThat(shared.set(0, "round " + written)).isEqualTo(before);
                assertThat(shared.get(0)).isEqualTo("round " + written);
            }
            assertThat(shared.get(1)).isEqualTo("left alone");
        }
    }

    @Test
    void damageIsSaid() {
        try (SharedList shared = SharedList.create(List.of("first", "second"))) {
            word(shared, 0, 1, 77);
            assertThatThrownBy(() -> shared.get(0))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("element 0 is damaged");
            word(shared, 1, 3, 0x7FFF); // a length of half the memory there is
            assertThatThrownBy(() -> shared.get(1))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("element 1 is damaged");
        }
    }

    @Test
    void ticketsThatNobodyMadeAreDamageAndNoReasonToWait() {
        try (SharedList shared = SharedList.create(List.of("first", "second"))) {
            word(shared, 0, 2, 9L << 16 | 5); // in the copy that counts
            assertThatThrownBy(() -> shared.get(0)).hasMessageContaining("element 0 is damaged");
            assertThatThrownBy(() -> shared.set(0, "other")).hasMessageContaining("element 0 is damaged");
            word(shared, 1, 1 + shared.room(1) / 2 + 3, -1); // in the other one
            assertThat(shared.get(1)).isEqualTo("second");
            assertThatThrownBy(() -> shared.set(1, "other")).hasMessageContaining("element 1 is damaged");
            assertThat(shared.get(1)).isEqualTo("second");
        }
    }

    @Test
    void theLastTicketIsSaid() {
        try (SharedList shared = SharedList.create(List.of(1))) {
            word(shared, 0, 0, (1L << 48) - 2 << 2);
            assertThat(shared.set(0, 2)).isEqualTo(1);
            assertThat(shared.get(0)).isEqualTo(2);
            assertThatThrownBy(() -> shared.set(0, 3))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("element 0 was set 2^48 times, make a new list");
            assertThat(shared.get(0)).isEqualTo(2);
        }
    }

    // ---- threads ----

    /** A value that tells whether it is whole: all its characters are the same, and so many as that character says. */
    static String wave(int number) {
        int length = 1 + number % 50;
        return String.valueOf((char) ('A' + length)).repeat(length);
    }

    static boolean isWhole(Object value) {
        return value instanceof String text && !text.isEmpty() && text.equals(wave(text.length() - 1));
    }

    @Test
    void nobodySeesHalfAValue() throws Exception {
        try (SharedList shared = SharedList.create(List.of(wave(0)), 100)) {
            var stop = new AtomicBoolean();
            var callers = new ArrayList<Caller<Boolean>>();
            for (int reader = 0; reader < 2; reader++) {
                callers.add(Caller.of(() -> {
                    while (!stop.get()) {
                        Object seen = shared.get(0);
                        if (!isWhole(seen)) {
                            throw new AssertionError("half a value: " + seen);
                        }
                    }
                    return true;
                }));
            }
            for (int writer = 0; writer < 3; writer++) {
                int seed = writer;
                callers.add(Caller.of(() -> {
                    for (int i = 0; i < 20_000; i++) {
                        Object replaced = shared.set(0, wave(i * 7 + seed));
                        if (!isWhole(replaced)) {
                            throw new AssertionError("half a value was replaced: " + replaced);
                        }
                    }
                    return true;
                }));
            }
            for (Caller<Boolean> writer : callers.subList(2, 5)) {
                assertThat(writer.result()).isTrue();
            }
            stop.set(true);
            for (Caller<Boolean> reader : callers.subList(0, 2)) {
                assertThat(reader.result()).isTrue();
            }
        }
    }

    @Test
    void everyValueThatWasSetIsReplacedOnce() throws Exception {
        int sets = 20_000;
        try (SharedList shared = SharedList.create(List.of(-1L))) {
            List<Caller<List<Long>>> writers = IntStream.range(0, 3)
                    .mapToObj(writer -> Caller.of(() -> LongStream.range(0, sets)
                            .map(i -> (Long) shared.set(0, writer * (long) sets + i))
                            .boxed()
                            .toList()))
                    .toList();
            var replaced = new ArrayList<Long>();
            for (Caller<List<Long>> writer : writers) {
                replaced.addAll(writer.result());
            }
            replaced.add((Long) shared.get(0));
            assertThat(replaced.stream().sorted().toList())
                    .isEqualTo(LongStream.range(-1, 3L * sets).boxed().toList());
        }
    }

    @Test
    void writersOfLongValuesLetEachOtherEnd() throws Exception {
        // Each write takes longer than the first patience: without more of it they would void each other's claims for
        // ever.
        int length = 200_000;
        try (SharedList shared = SharedList.create(List.of(0), 2 * length)) {
            List<Caller<Boolean>> writers = IntStream.range(0, 3)
                    .mapToObj(writer -> Caller.of(() -> {
                        String mine = String.valueOf((char) ('a' + writer)).repeat(length);
                        for (int i = 0; i < 5; i++) {
                            shared.set(0, mine);
                        }
                        return true;
                    }))
                    .toList();
            for (Caller<Boolean> writer : writers) {
                assertThat(writer.result()).isTrue();
            }
            assertThat(((String) shared.get(0)).chars().distinct().count()).isOne();
        }
    }
}
