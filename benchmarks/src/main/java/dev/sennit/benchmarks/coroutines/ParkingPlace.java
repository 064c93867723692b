package dev.sennit.benchmarks.coroutines;

import dev.sennit.Pools;
import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Machine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Coroutines of one kind that are parked on one latch, and woken by it. Asked in a JVM of its own:
 *
 * <ul>
 *   <li>{@code parked COUNT}: for each, bytes of heap in use, bytes resident, and bytes of heap in use when it is the
 *       first time
 *   <li>{@code wake COUNT TIMES}: seconds for each, from opening the latch to the end of all, so many times
 * </ul>
 */
final class ParkingPlace implements JvmPeer.Answers {
    static final String LOOP = "loop";
    static final String VIRTUAL = "virtual";
    static final String KOTLIN = "kotlin";

    private static final int FEW = 100;
    /** By then the frames that stay on the stacks are compiled code, as in a program that has run for a while. */
    private static final int UNTIL_WARM = 3;

    private static final long PAUSE_MILLIS = 20;

    private final Kind kind;

    /** How coroutines are made. */
    private interface Kind {
        /**
         * Parks so many, and lets them go.
         *
         * @param whileParked called when all are parked
         * @return seconds from opening the latch to the end of all
         */
        double release(int count, Runnable whileParked) throws Exception;
    }

    private ParkingPlace(Kind kind) {
        this.kind = kind;
    }

    static ParkingPlace open(String kind) {
        return new ParkingPlace(switch (kind) {
            case LOOP -> on(Pools.open("loop?watch=off")); // starting so many does hold the loop
            case VIRTUAL -> on(Executors.newVirtualThreadPerTaskExecutor());
            case KOTLIN -> KotlinCoroutines::release;
            default -> throw new IllegalArgumentException("unknown kind " + kind);
        });
    }

    @Override
    public double[] answer(String what, int... numbers) throws Exception {
        return switch (what) {
            case "parked" -> parked(numbers[0]);
            case "wake" -> wake(numbers[0], numbers[1]);
            default -> throw new IllegalArgumentException("unknown request " + what);
        };
    }

    private double[] wake(int count, int times) throws Exception {
        double[] seconds = new double[times];
        for (int i = 0; i < times; i++) {
            seconds[i] = kind.release(count, () -> {}) / count;
        }
        return seconds;
    }

    private double[] parked(int count) throws Exception {
        kind.release(FEW, () -> {}); // so that the classes are loaded
        long heapBefore = heapInUse();
        long residentBefore = resident();
        double[] bytes = new double[3];
        kind.release(count, () -> bytes[2] = (double) (heapInUse() - heapBefore) / count);
        for (int i = 0; i < UNTIL_WARM; i++) {
            kind.release(count, () -> {});
        }
        kind.release(count, () -> {
            bytes[0] = (double) (heapInUse() - heapBefore) / count;
            bytes[1] = (double) (resident() - residentBefore) / count;
        });
        return bytes;
    }

    private static long heapInUse() {
        System.gc();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }

    private static long resident() {
        try {
            return Machine.memory("VmRSS");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** From within one of the executor's own. */
    private static Kind on(ExecutorService executor) {
        return (count, whileParked) -> {
            Callable<Double> main = () -> release(executor, count, whileParked);
            return executor.submit(main).get();
        };
    }

    private static double release(ExecutorService executor, int count, Runnable whileParked) throws Exception {
        var latch = new CountDownLatch(1);
        var atTheLatch = new AtomicInteger();
        Callable<Boolean> park = () -> {
            atTheLatch.incrementAndGet();
            latch.await();
            return true;
        };
        List<Future<?>> all = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            all.add(executor.submit(park));
        }
        while (atTheLatch.get() < count) {
            Thread.sleep(PAUSE_MILLIS);
        }
        Thread.sleep(PAUSE_MILLIS); // where others run in parallel, the last may be on its way
        whileParked.run();
        long start = System.nanoTime();
        latch.countDown();
        for (Future<?> one : all) {
            one.get();
        }
        return Bench.secondsSince(start);
    }
}
