package dev.sennit.shared;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Seeded;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Numbers and flags in shared memory behave as those of java.util.concurrent.atomic. */
@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(60)
class SharedNumbersTest {
    private static final int STEPS = 200;

    /** Small ones, so that a compare-and-set succeeds at times, and the ends of the range. */
    private static long any(RandomGenerator random) {
        return switch (random.nextInt(8)) {
            case 0 -> Long.MAX_VALUE;
            case 1 -> Long.MIN_VALUE;
            case 2 -> random.nextLong();
            default -> random.nextInt(-2, 3);
        };
    }

    @Test
    void aLongIsAsAnAtomicLong() {
        Seeded.repeat(50, seeded -> {
            RandomGenerator random = seeded.generator();
            long first = any(random);
            var model = new AtomicLong(first);
            try (SharedLong shared = SharedLong.create(first)) {
                for (int step = 0; step < STEPS; step++) {
                    int operation = random.nextInt(20);
                    long a = any(random);
                    long b = any(random);
                    assertThat(apply(shared, operation, a, b)).as("operation %d", operation)
                            .isEqualTo(apply(model, operation, a, b));
                    assertThat(shared.get()).as("after operation %d", operation).isEqualTo(model.get());
                }
                assertThat(shared).hasToString(model.toString());
                assertThat(List.<Number>of(shared.intValue(), shared.longValue(), shared.floatValue(),
                        shared.doubleValue()))
                        .isEqualTo(List.<Number>of(model.intValue(), model.longValue(), model.floatValue(),
                                model.doubleValue()));
            }
        });
    }

    private static Object apply(SharedLong of, int operation, long a, long b) {
        return switch (operation) {
            case 0 -> of.get();
            case 1 -> done(() -> of.set(a));
            case 2 -> of.getPlain();
            case 3 -> done(() -> of.setPlain(a));
            case 4 -> of.getAcquire();
            case 5 -> done(() -> of.setRelease(a));
            case 6 -> of.getAndSet(a);
            case 7 -> of.compareAndSet(a, b);
            case 8 -> of.compareAndExchange(a, b);
            case 9 -> of.getAndAdd(a);
            case 10 -> of.addAndGet(a);
            case 11 -> of.getAndIncrement();
            case 12 -> of.incrementAndGet();
            case 13 -> of.getAndDecrement();
            case 14 -> of.decrementAndGet();
            case 15 -> of.getAndUpdate(x -> x * a);
            case 16 -> of.updateAndGet(x -> x * a);
            case 17 -> of.getAndAccumulate(a, (x, y) -> 2 * x - y);
            case 18 -> of.accumulateAndGet(a, (x, y) -> 2 * x - y);
            default -> of.compareAndSet(of.get(), b);
        };
    }

    private static Object apply(AtomicLong of, int operation, long a, long b) {
        return switch (operation) {
            case 0 -> of.get();
            case 1 -> done(() -> of.set(a));
            case 2 -> of.getPlain();
            case 3 -> done(() -> of.setPlain(a));
            case 4 -> of.getAcquire();
            case 5 -> done(() -> of.setRelease(a));
            case 6 -> of.getAndSet(a);
            case 7 -> of.compareAndSet(a, b);
            case 8 -> of.compareAndExchange(a, b);
            case 9 -> of.getAndAdd(a);
            case 10 -> of.addAndGet(a);
            case 11 -> of.getAndIncrement();
            case 12 -> of.incrementAndGet();
            case 13 -> of.getAndDecrement();
            case 14 -> of.decrementAndGet();
            case 15 -> of.getAndUpdate(x -> x * a);
            case 16 -> of.updateAndGet(x -> x * a);
            case 17 -> of.getAndAccumulate(a, (x, y) -> 2 * x - y);
            case 18 -> of.accumulateAndGet(a, (x, y) -> 2 * x - y);
            default -> of.compareAndSet(of.get(), b);
        };
    }

    private static String done(Runnable action) {
        action.run();
        return "done";
    }

    @Test
    void anIntIsAsAnAtomicInteger() {
        Seeded.repeat(50, seeded -> {
            RandomGenerator random = seeded.generator();
            int first = (int) any(random);
            var model = new AtomicInteger(first);
            try (SharedInt shared = SharedInt.create(first)) {
                for (int step = 0; step < STEPS; step++) {
                    int operation = random.nextInt(20);
                    int a = (int) any(random);
                    int b = (int) any(random);
                    assertThat(apply(shared, operation, a, b)).as("operation %d", operation)
                            .isEqualTo(apply(model, operation, a, b));
                    assertThat(shared.get()).as("after operation %d", operation).isEqualTo(model.get());
                }
                assertThat(shared).hasToString(model.toString());
                assertThat(List.<Number>of(shared.intValue(), shared.longValue(), shared.floatValue(),
                        shared.doubleValue()))
                        .isEqualTo(List.<Number>of(model.intValue(), model.longValue(), model.floatValue(),
                                model.doubleValue()));
            }
        });
    }

    private static Object apply(SharedInt of, int operation, int a, int b) {
        return switch (operation) {
            case 0 -> of.get();
            case 1 -> done(() -> of.set(a));
            case 2 -> of.getPlain();
            case 3 -> done(() -> of.setPlain(a));
            case 4 -> of.getAcquire();
            case 5 -> done(() -> of.setRelease(a));
            case 6 -> of.getAndSet(a);
            case 7 -> of.compareAndSet(a, b);
            case 8 -> of.compareAndExchange(a, b);
            case 9 -> of.getAndAdd(a);
            case 10 -> of.addAndGet(a);
            case 11 -> of.getAndIncrement();
            case 12 -> of.incrementAndGet();
            case 13 -> of.getAndDecrement();
            case 14 -> of.decrementAndGet();
            case 15 -> of.getAndUpdate(x -> x * a);
            case 16 -> of.updateAndGet(x -> x * a);
            case 17 -> of.getAndAccumulate(a, (x, y) -> 2 * x - y);
            case 18 -> of.accumulateAndGet(a, (x, y) -> 2 * x - y);
            default -> of.compareAndSet(of.get(), b);
        };
    }

    private static Object apply(AtomicInteger of, int operation, int a, int b) {
        return switch (operation) {
            case 0 -> of.get();
            case 1 -> done(() -> of.set(a));
            case 2 -> of.getPlain();
            case 3 -> done(() -> of.setPlain(a));
            case 4 -> of.getAcquire();
            case 5 -> done(() -> of.setRelease(a));
            case 6 -> of.getAndSet(a);
            case 7 -> of.compareAndSet(a, b);
            case 8 -> of.compareAndExchange(a, b);
            case 9 -> of.getAndAdd(a);
            case 10 -> of.addAndGet(a);
            case 11 -> of.getAndIncrement();
            case 12 -> of.incrementAndGet();
            case 13 -> of.getAndDecrement();
            case 14 -> of.decrementAndGet();
            case 15 -> of.getAndUpdate(x -> x * a);
            case 16 -> of.updateAndGet(x -> x * a);
            case 17 -> of.getAndAccumulate(a, (x, y) -> 2 * x - y);
            case 18 -> of.accumulateAndGet(a, (x, y) -> 2 * x - y);
            default -> of.compareAndSet(of.get(), b);
        };
    }

    @Test
    void aBooleanIsAsAnAtomicBoolean() {
        Seeded.repeat(50, seeded -> {
            RandomGenerator random = seeded.generator();
            boolean first = random.nextBoolean();
            var model = new AtomicBoolean(first);
            try (SharedBoolean shared = SharedBoolean.create(first)) {
                for (int step = 0; step < STEPS; step++) {
                    boolean a = random.nextBoolean();
                    boolean b = random.nextBoolean();
                    switch (random.nextInt(5)) {
                        case 0 -> {
                            shared.set(a);
                            model.set(a);
                        }
                        case 1 -> {
                            shared.setPlain(a);
                            model.setPlain(a);
                        }
                        case 2 -> {
                            shared.setRelease(a);
                            model.setRelease(a);
                        }
                        case 3 -> assertThat(shared.getAndSet(a)).isEqualTo(model.getAndSet(a));
                        default -> assertThat(shared.compareAndSet(a, b)).isEqualTo(model.compareAndSet(a, b));
                    }
                    assertThat(List.of(shared.get(), shared.getPlain(), shared.getAcquire())).containsOnly(model.get());
                }
                assertThat(shared).hasToString(model.toString());
            }
        });
    }

    @Test
    void aDoubleIsComparedByItsBits() {
        double strange = Double.longBitsToDouble(0x7FF8_0000_0000_1234L); // a NaN that is not the usual one
        try (SharedDouble shared = SharedDouble.create(0.5)) {
            assertThat(shared.get()).isEqualTo(0.5);
            assertThat(shared.getAndSet(0.0)).isEqualTo(0.5);
            assertThat(shared.compareAndSet(-0.0, 1)).isFalse();
            assertThat(shared.compareAndSet(0.0, strange)).isTrue();
            assertThat(Double.doubleToRawLongBits(shared.get())).isEqualTo(0x7FF8_0000_0000_1234L);
            assertThat(shared.compareAndSet(Double.NaN, 1)).isFalse();
            assertThat(shared.addAndGet(1)).isNaN();
            assertThat(shared.getAndUpdate(x -> 2)).isNaN();
            assertThat(shared.getAndAdd(0.25)).isEqualTo(2);
            assertThat(shared.addAndGet(-1)).isEqualTo(1.25);
            assertThat(shared.updateAndGet(x -> x * 4)).isEqualTo(5);
            assertThat(shared.accumulateAndGet(3, Math::min)).isEqualTo(3);
            assertThat(shared.getAndAccumulate(2, Math::pow)).isEqualTo(3);
            assertThat(shared.compareAndExchange(9, 7)).isEqualTo(9);
            assertThat(shared.compareAndExchange(9, 8)).isEqualTo(7);
            shared.setPlain(-1.5);
            assertThat(shared.getPlain()).isEqualTo(-1.5);
            shared.setRelease(-2.5);
            assertThat(shared.getAcquire()).isEqualTo(-2.5);
            shared.set(-3.75);
            assertThat(
                    List.<Number>of(shared.intValue(), shared.longValue(), shared.floatValue(), shared.doubleValue()))
                    .isEqualTo(List.<Number>of(-3, -3L, -3.75f, -3.75));
            assertThat(shared).hasToString("-3.75");
        }
    }

    @Test
    void updatesOfThreadsAreNotLost() {
        try (SharedMemory memory = SharedMemory.create(24)) {
            SharedLong added = SharedLong.in(memory, 0);
            SharedDouble summed = SharedDouble.in(memory, 8);
            SharedInt updated = SharedInt.in(memory, 16);
            IntStream.range(0, 4).parallel().forEach(thread -> {
                for (int i = 0; i < 5_000; i++) {
                    added.incrementAndGet();
                    summed.addAndGet(0.5);
                    updated.updateAndGet(x -> x + 3);
                }
            });
            assertThat(List.<Number>of(added.get(), summed.get(), updated.get()))
                    .isEqualTo(List.<Number>of(20_000L, 10_000.0, 60_000));
        }
    }

    @Test
    void severalLieInOneBlockAndTouchOnlyTheirOwn() {
        try (SharedMemory memory = SharedMemory.create(24)) {
            SharedLong first = SharedLong.in(memory, 0);
            SharedInt second = SharedInt.in(memory, 8);
            SharedBoolean third = SharedBoolean.in(memory, 12);
            SharedDouble last = SharedDouble.in(memory, 16);
            assertThat(List.of(first.get(), (long) second.get(), (long) last.get())).containsOnly(0L);
            assertThat(third.get()).isFalse();
            first.set(-1);
            second.set(-1);
            third.set(true);
            last.set(-1);
            assertThat(first.get() + second.get() + last.get()).isEqualTo(-3);
            second.set(0);
            assertThat(first.get()).isEqualTo(-1);
            assertThat(third.get()).isTrue();
            assertThat(last.get()).isEqualTo(-1);
            assertThat(List.of(first.offset(), second.offset(), third.offset(), last.offset())).containsExactly(0L, 8L,
                    12L, 16L);
            assertThat(List.of(first.memory(), second.memory(), third.memory(), last.memory())).containsOnly(memory);
            assertThat(SharedLong.in(memory, 0).get()).as("the same place").isEqualTo(-1);
            first.close();
            third.close();
            assertThat(first.get()).as("the block is not its own").isEqualTo(-1);
        }
    }

    @Test
    void placesThatAreMisalignedOrOutsideAreRefused() {
        try (SharedMemory memory = SharedMemory.create(20)) {
            assertThatThrownBy(() -> SharedLong.in(memory, 4))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("offset must be a multiple of 8, was 4");
            assertThatThrownBy(() -> SharedDouble.in(memory, 1)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> SharedInt.in(memory, 2)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> SharedBoolean.in(memory, 3)).isInstanceOf(IllegalArgumentException.class);
            for (long offset : new long[] {16, 24, -8, Long.MAX_VALUE - 7, Long.MIN_VALUE}) {
                assertThatThrownBy(() -> SharedLong.in(memory, offset)).isInstanceOf(IndexOutOfBoundsException.class);
            }
            assertThat(SharedInt.in(memory, 16).get()).isZero();
            assertThatThrownBy(() -> SharedInt.in(memory, 20)).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void aClosedOneCannotBeUsed() {
        SharedLong number = SharedLong.create(5);
        number.close();
        number.close();
        assertThatThrownBy(number::get).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(number::incrementAndGet).isInstanceOf(IllegalStateException.class);
        SharedBoolean flag = SharedBoolean.create(true);
        flag.close();
        assertThatThrownBy(() -> flag.set(false)).isInstanceOf(IllegalStateException.class);
    }
}
