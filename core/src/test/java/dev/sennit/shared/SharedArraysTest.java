package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Seeded;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Arrays in shared memory behave as those of java.util.concurrent.atomic, and are copied as arrays are. */
@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(60)
class SharedArraysTest {
    private static final int LENGTH = 5;

    private static long any(RandomGenerator random) {
        return random.nextInt(6) == 0 ? random.nextLong() : random.nextInt(-2, 3);
    }

    @Test
    void longsAreAsAnAtomicLongArray() {
        Seeded.repeat(50, seeded -> {
            RandomGenerator random = seeded.generator();
            long[] first = random.longs(LENGTH).toArray();
            var model = new AtomicLongArray(first);
            try (SharedLongArray shared = SharedLongArray.copyOf(first)) {
                for (int step = 0; step < 200; step++) {
                    int operation = random.nextInt(20);
                    int i = random.nextInt(LENGTH);
                    long a = any(random);
                    long b = any(random);
                    assertThat(apply(shared, operation, i, a, b)).as("operation %d", operation)
                            .isEqualTo(apply(model, operation, i, a, b));
                    assertThat(Arrays.toString(shared.toArray())).as("after operation %d", operation)
                            .isEqualTo(model.toString());
                }
                assertThat(shared.stream().toArray()).isEqualTo(shared.toArray());
            }
        });
    }

    private static Object apply(SharedLongArray of, int operation, int i, long a, long b) {
        return switch (operation) {
            case 0 -> of.get(i);
            case 1 -> done(() -> of.set(i, a));
            case 2 -> of.getPlain(i);
            case 3 -> done(() -> of.setPlain(i, a));
            case 4 -> of.getAcquire(i);
            case 5 -> done(() -> of.setRelease(i, a));
            case 6 -> of.getAndSet(i, a);
            case 7 -> of.compareAndSet(i, a, b);
            case 8 -> of.compareAndExchange(i, a, b);
            case 9 -> of.getAndAdd(i, a);
            case 10 -> of.addAndGet(i, a);
            case 11 -> of.getAndIncrement(i);
            case 12 -> of.incrementAndGet(i);
            case 13 -> of.getAndDecrement(i);
            case 14 -> of.decrementAndGet(i);
            case 15 -> of.getAndUpdate(i, x -> x * a);
            case 16 -> of.updateAndGet(i, x -> x * a);
            case 17 -> of.getAndAccumulate(i, a, (x, y) -> 2 * x - y);
            case 18 -> of.accumulateAndGet(i, a, (x, y) -> 2 * x - y);
            default -> of.compareAndSet(i, of.get(i), b);
        };
    }

    private static Object apply(AtomicLongArray of, int operation, int i, long a, long b) {
        return switch (operation) {
            case 0 -> of.get(i);
            case 1 -> done(() -> of.set(i, a));
            case 2 -> of.getPlain(i);
            case 3 -> done(() -> of.setPlain(i, a));
            case 4 -> of.getAcquire(i);
            case 5 -> done(() -> of.setRelease(i, a));
            case 6 -> of.getAndSet(i, a);
            case 7 -> of.compareAndSet(i, a, b);
            case 8 -> of.compareAndExchange(i, a, b);
            case 9 -> of.getAndAdd(i, a);
            case 10 -> of.addAndGet(i, a);
            case 11 -> of.getAndIncrement(i);
            case 12 -> of.incrementAndGet(i);
            case 13 -> of.getAndDecrement(i);
            case 14 -> of.decrementAndGet(i);
            case 15 -> of.getAndUpdate(i, x -> x * a);
            case 16 -> of.updateAndGet(i, x -> x * a);
            case 17 -> of.getAndAccumulate(i, a, (x, y) -> 2 * x - y);
            case 18 -> of.accumulateAndGet(i, a, (x, y) -> 2 * x - y);
            default -> of.compareAndSet(i, of.get(i), b);
        };
    }

    private static String done(Runnable action) {
        action.run();
        return "done";
    }

    @Test
    void intsAreAsAnAtomicIntegerArray() {
        Seeded.repeat(50, seeded -> {
            RandomGenerator random = seeded.generator();
            int[] first = random.ints(LENGTH).toArray();
            var model = new AtomicIntegerArray(first);
            try (SharedIntArray shared = SharedIntArray.copyOf(first)) {
                for (int step = 0; step < 200; step++) {
                    int operation = random.nextInt(20);
                    int i = random.nextInt(LENGTH);
                    int a = (int) any(random);
                    int b = (int) any(random);
                    assertThat(apply(shared, operation, i, a, b)).as("operation %d", operation)
                            .isEqualTo(apply(model, operation, i, a, b));
                    assertThat(Arrays.toString(shared.toArray())).as("after operation %d", operation)
                            .isEqualTo(model.toString());
                }
                assertThat(shared.stream().toArray()).isEqualTo(shared.toArray());
            }
        });
    }

    private static Object apply(SharedIntArray of, int operation, int i, int a, int b) {
        return switch (operation) {
            case 0 -> of.get(i);
            case 1 -> done(() -> of.set(i, a));
            case 2 -> of.getPlain(i);
            case 3 -> done(() -> of.setPlain(i, a));
            case 4 -> of.getAcquire(i);
            case 5 -> done(() -> of.setRelease(i, a));
            case 6 -> of.getAndSet(i, a);
            case 7 -> of.compareAndSet(i, a, b);
            case 8 -> of.compareAndExchange(i, a, b);
            case 9 -> of.getAndAdd(i, a);
            case 10 -> of.addAndGet(i, a);
            case 11 -> of.getAndIncrement(i);
            case 12 -> of.incrementAndGet(i);
            case 13 -> of.getAndDecrement(i);
            case 14 -> of.decrementAndGet(i);
            case 15 -> of.getAndUpdate(i, x -> x * a);
            case 16 -> of.updateAndGet(i, x -> x * a);
            case 17 -> of.getAndAccumulate(i, a, (x, y) -> 2 * x - y);
            case 18 -> of.accumulateAndGet(i, a, (x, y) -> 2 * x - y);
            default -> of.compareAndSet(i, of.get(i), b);
        };
    }

    private static Object apply(AtomicIntegerArray of, int operation, int i, int a, int b) {
        return switch (operation) {
            case 0 -> of.get(i);
            case 1 -> done(() -> of.set(i, a));
            case 2 -> of.getPlain(i);
            case 3 -> done(() -> of.setPlain(i, a));
            case 4 -> of.getAcquire(i);
            case 5 -> done(() -> of.setRelease(i, a));
            case 6 -> of.getAndSet(i, a);
            case 7 -> of.compareAndSet(i, a, b);
            case 8 -> of.compareAndExchange(i, a, b);
            case 9 -> of.getAndAdd(i, a);
            case 10 -> of.addAndGet(i, a);
            case 11 -> of.getAndIncrement(i);
            case 12 -> of.incrementAndGet(i);
            case 13 -> of.getAndDecrement(i);
            case 14 -> of.decrementAndGet(i);
            case 15 -> of.getAndUpdate(i, x -> x * a);
            case 16 -> of.updateAndGet(i, x -> x * a);
            case 17 -> of.getAndAccumulate(i, a, (x, y) -> 2 * x - y);
            case 18 -> of.accumulateAndGet(i, a, (x, y) -> 2 * x - y);
            default -> of.compareAndSet(i, of.get(i), b);
        };
    }

    @Test
    void doublesAreComparedByTheirBits() {
        double strange = Double.longBitsToDouble(0x7FF8_0000_0000_1234L);
        try (SharedDoubleArray shared = SharedDoubleArray.copyOf(new double[] {7, 0.5, 8})) {
            assertThat(shared.getAndSet(1, 0.0)).isEqualTo(0.5);
            assertThat(shared.compareAndSet(1, -0.0, 1)).isFalse();
            assertThat(shared.compareAndSet(1, 0.0, strange)).isTrue();
            assertThat(Double.doubleToRawLongBits(shared.get(1))).isEqualTo(0x7FF8_0000_0000_1234L);
            assertThat(shared.addAndGet(1, 1)).isNaN();
            assertThat(shared.getAndUpdate(1, x -> 2)).isNaN();
            assertThat(shared.getAndAdd(1, 0.25)).isEqualTo(2);
            assertThat(shared.addAndGet(1, -1)).isEqualTo(1.25);
            assertThat(shared.updateAndGet(1, x -> x * 4)).isEqualTo(5);
            assertThat(shared.accumulateAndGet(1, 3, Math::min)).isEqualTo(3);
            assertThat(shared.getAndAccumulate(1, 2, Math::pow)).isEqualTo(3);
            assertThat(shared.compareAndExchange(1, 9, 7)).isEqualTo(9);
            assertThat(shared.compareAndExchange(1, 9, 8)).isEqualTo(7);
            shared.setPlain(1, -1.5);
            assertThat(shared.getPlain(1)).isEqualTo(-1.5);
            shared.setRelease(1, -2.5);
            assertThat(shared.getAcquire(1)).isEqualTo(-2.5);
            shared.set(1, -3.75);
            assertThat(shared.toArray()).containsExactly(7, -3.75, 8);
            assertThat(shared.stream().sum()).isEqualTo(11.25);
        }
    }

    @Test
    void bytesAreSetAndRead() {
        try (SharedByteArray shared = SharedByteArray.copyOf(new byte[] {1, -2, 3})) {
            assertThat(List.of(shared.get(1), shared.getPlain(1), shared.getAcquire(1))).containsOnly((byte) -2);
            shared.set(0, (byte) 127);
            shared.setPlain(1, (byte) -128);
            shared.setRelease(2, (byte) 5);
            assertThat(shared.toArray()).containsExactly(127, -128, 5);
        }
    }

    @Test
    void indexesAreCheckedAsThoseOfArrays() {
        try (SharedMemory memory = SharedMemory.create(64)) {
            // in a block that is larger: its own length has to be what counts
            SharedLongArray longs = SharedLongArray.in(memory, 8, 2);
            SharedIntArray ints = SharedIntArray.in(memory, 8, 2);
            SharedDoubleArray doubles = SharedDoubleArray.in(memory, 8, 2);
            SharedByteArray bytes = SharedByteArray.in(memory, 8, 2);
            Function<Integer, List<ThrowingCallable>> uses = i -> List.of(
                    () -> longs.get(i), () -> longs.set(i, 1), () -> longs.getPlain(i), () -> longs.setPlain(i, 1),
                    () -> longs.getAndAdd(i, 1), () -> longs.compareAndSet(i, 0, 1),
                    () -> longs.updateAndGet(i, x -> 1),
                    () -> ints.get(i), () -> ints.set(i, 1), () -> ints.getPlain(i), () -> ints.setPlain(i, 1),
                    () -> ints.getAndAdd(i, 1), () -> ints.compareAndSet(i, 0, 1), () -> ints.updateAndGet(i, x -> 1),
                    () -> doubles.get(i), () -> doubles.set(i, 1), () -> doubles.getPlain(i),
                    () -> doubles.setPlain(i, 1),
                    () -> doubles.getAndAdd(i, 1), () -> doubles.compareAndSet(i, 0, 1),
                    () -> doubles.updateAndGet(i, x -> 1),
                    () -> bytes.get(i), () -> bytes.set(i, (byte) 1), () -> bytes.getPlain(i),
                    () -> bytes.setPlain(i, (byte) 1));
            for (int index : new int[] {-1, 2, Integer.MIN_VALUE, Integer.MAX_VALUE, -2_147_483_647, 0x2000_0000}) {
                for (ThrowingCallable use : uses.apply(index)) {
                    assertThatThrownBy(use).isInstanceOf(IndexOutOfBoundsException.class)
                            .hasMessageContaining("length 2");
                }
            }
            assertThat(memory.segment().toArray(JAVA_LONG)).containsOnly(0);
        }
    }

    @Test
    void rangesAreCopiedInAndOut() {
        Seeded.repeat(200, seeded -> {
            RandomGenerator random = seeded.generator();
            int length = random.nextInt(20);
            try (SharedMemory memory = SharedMemory.create(16 + 8 * length + 8)) {
                SharedLongArray longs = SharedLongArray.in(memory, 16, length);
                long[] model = new long[length];
                for (int step = 0; step < 20; step++) {
                    long[] other = random.longs(random.nextInt(25)).toArray();
                    int index = random.nextInt(-1, length + 2);
                    int otherIndex = random.nextInt(-1, other.length + 2);
                    int count = random.nextInt(-1, 12);
                    long[] target = other.clone();
                    long[] expected = other.clone();
                    boolean fits = count >= 0 && index >= 0 && otherIndex >= 0 && index + count <= length
                            && otherIndex + count <= other.length;
                    if (fits) {
                        System.arraycopy(model, index, expected, otherIndex, count);
                        longs.copyTo(index, target, otherIndex, count);
                        assertThat(target).isEqualTo(expected);
                        System.arraycopy(other, otherIndex, model, index, count);
                        longs.copyFrom(index, other, otherIndex, count);
                    } else {
                        assertThatThrownBy(() -> longs.copyTo(index, target, otherIndex, count))
                                .isInstanceOf(IndexOutOfBoundsException.class);
                        assertThatThrownBy(() -> longs.copyFrom(index, other, otherIndex, count))
                                .isInstanceOf(IndexOutOfBoundsException.class);
                        assertThat(target).isEqualTo(other);
                    }
                    assertThat(longs.toArray()).isEqualTo(model);
                }
                assertThat(memory.segment().get(JAVA_LONG, 8)).as("before it").isZero();
                assertThat(memory.segment().get(JAVA_LONG, 16 + 8L * length)).as("behind it").isZero();
            }
        });
    }

    @Test
    void everyKindIsCopiedInAndOut() {
        try (SharedIntArray ints = SharedIntArray.create(4);
                SharedDoubleArray doubles = SharedDoubleArray.create(4);
                SharedByteArray bytes = SharedByteArray.create(4)) {
            ints.copyFrom(new int[] {9, 8});
            ints.copyFrom(2, new int[] {1, 2, 3}, 1, 2);
            assertThat(ints.toArray()).containsExactly(9, 8, 2, 3);
            int[] fromInts = new int[3];
            ints.copyTo(1, fromInts, 1, 2);
            assertThat(fromInts).containsExactly(0, 8, 2);
            assertThat(ints.stream().sum()).isEqualTo(22);

            doubles.copyFrom(new double[] {9, 8});
            doubles.copyFrom(2, new double[] {1, 2, 3}, 1, 2);
            assertThat(doubles.toArray()).containsExactly(9, 8, 2, 3);
            double[] fromDoubles = new double[3];
            doubles.copyTo(1, fromDoubles, 1, 2);
            assertThat(fromDoubles).containsExactly(0, 8, 2);

            bytes.copyFrom(new byte[] {9, 8});
            bytes.copyFrom(2, new byte[] {1, 2, 3}, 1, 2);
            assertThat(bytes.toArray()).containsExactly(9, 8, 2, 3);
            byte[] fromBytes = new byte[3];
            bytes.copyTo(1, fromBytes, 1, 2);
            assertThat(fromBytes).containsExactly(0, 8, 2);

            assertThatThrownBy(() -> ints.copyFrom(new int[5])).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> doubles.copyFrom(new double[5])).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> bytes.copyFrom(new byte[5])).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> bytes.copyTo(3, new byte[5], 0, 2)).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void theSegmentIsTheElements() {
        try (SharedMemory memory = SharedMemory.create(100)) {
            SharedIntArray ints = SharedIntArray.in(memory, 12, 3);
            ints.copyFrom(new int[] {1, 2, 3});
            assertThat(ints.segment().byteSize()).isEqualTo(12);
            assertThat(ints.segment().getAtIndex(JAVA_INT, 2)).isEqualTo(3);
            assertThat(memory.segment().get(JAVA_INT, 16)).isEqualTo(2);
            assertThat(ints.offset()).isEqualTo(12);
            assertThat(ints.memory()).isSameAs(memory);
            assertThat(ints).hasToString("SharedIntArray[3 at 12 of " + memory + "]");
            ints.close();
            assertThat(ints.get(0)).as("the block is not its own").isOne();
        }
    }

    @Test
    void placesThatAreMisalignedOrOutsideAndBadLengthsAreRefused() {
        try (SharedMemory memory = SharedMemory.create(64)) {
            assertThatThrownBy(() -> SharedLongArray.in(memory, 4, 1))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("offset must be a multiple of 8, was 4");
            assertThatThrownBy(() -> SharedDoubleArray.in(memory, 4, 1)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> SharedIntArray.in(memory, 2, 1)).isInstanceOf(IllegalArgumentException.class);
            assertThat(SharedByteArray.in(memory, 63, 1).length()).isOne();
            assertThatThrownBy(() -> SharedByteArray.in(memory, 63, 2)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> SharedLongArray.in(memory, 0, 9)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> SharedLongArray.in(memory, -8, 1)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> SharedLongArray.in(memory, 0, Integer.MAX_VALUE))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> SharedLongArray.in(memory, 0, -1))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("length must be >= 0, was -1");
        }
        assertThatThrownBy(() -> SharedIntArray.create(-1)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void anEmptyOneIsEmpty() {
        try (SharedDoubleArray empty = SharedDoubleArray.create(0)) {
            assertThat(empty.length()).isZero();
            assertThat(empty.toArray()).isEmpty();
            assertThat(empty.stream()).isEmpty();
            assertThatThrownBy(() -> empty.get(0)).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void aClosedOneCannotBeUsed() {
        SharedLongArray array = SharedLongArray.create(3);
        array.close();
        array.close();
        assertThat(array.length()).isEqualTo(3);
        assertThat(array.toString()).contains("closed");
        assertThatThrownBy(() -> array.get(0)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> array.copyFrom(new long[3])).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(array::toArray).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void updatesOfThreadsAreNotLost() {
        try (SharedIntArray counts = SharedIntArray.create(3);
                SharedDoubleArray sums = SharedDoubleArray.create(3)) {
            IntStream.range(0, 4).parallel().forEach(thread -> {
                for (int i = 0; i < 9_000; i++) {
                    counts.incrementAndGet(i % 3);
                    sums.addAndGet(i % 3, 0.5);
                }
            });
            assertThat(counts.toArray()).containsOnly(12_000);
            assertThat(sums.toArray()).containsOnly(6_000);
        }
    }
}
