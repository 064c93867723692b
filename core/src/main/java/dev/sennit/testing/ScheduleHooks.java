package dev.sennit.testing;

import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinTask;
import java.util.concurrent.ScheduledFuture;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The hooks that the JDK's code calls where it reads a clock or hands something to the common pool. {@link VirtualTime}
 * puts a copy of this class into {@code java.lang}, where the JDK can see it; this class itself is never used.
 *
 * <p>For threads that are not under exploration, the hooks change nothing.
 */
final class ScheduleHooks {
    /** The elapsed time for a thread that is not under exploration. */
    static final long NOT_EXPLORED = Long.MIN_VALUE;

    /** The begin of a schedule on the clock of {@code System.nanoTime()}. */
    private static final long FIRST_NANO = 1_000_000_000_000L;
    /** The begin of a schedule in seconds since 1970: {@link VirtualClock#START}. */
    static final long FIRST_SECOND = 1_767_225_600L;

    /** Returns how many nanoseconds the schedule has lasted. */
    public static volatile @Nullable LongSupplier elapsed;
    /** Takes over a one-time task that the common pool would run later. */
    public static volatile @Nullable Predicate<ScheduledFuture<?>> delays;
    /** Returns the pool on which {@code CompletableFuture} runs tasks without an executor. */
    public static volatile @Nullable UnaryOperator<ForkJoinPool> asyncPool;
    /** Called when a thread submits to a pool. */
    public static volatile @Nullable Consumer<ForkJoinPool> submits;
    /** Takes over a task that the common pool would run. */
    public static volatile @Nullable Predicate<ForkJoinTask<?>> forks;
    /** Called when a thread ends the JVM. */
    public static volatile @Nullable IntConsumer exits;

    private ScheduleHooks() {}

    private static long virtual() {
        LongSupplier source = elapsed;
        return source == null ? NOT_EXPLORED : source.getAsLong();
    }

    /** For references to the method. */
    public static long nanoTime() {
        return nanoTime(System.nanoTime());
    }

    /** For references to the method. */
    public static long currentTimeMillis() {
        return currentTimeMillis(System.currentTimeMillis());
    }

    public static long nanoTime(long real) {
        long virtual = virtual();
        return virtual == NOT_EXPLORED ? real : FIRST_NANO + virtual;
    }

    public static long currentTimeMillis(long real) {
        long virtual = virtual();
        return virtual == NOT_EXPLORED ? real : FIRST_SECOND * 1000 + virtual / 1_000_000;
    }

    /** Returns the nanoseconds since a second of the epoch, as {@code java.time.Clock} asks for them. */
    public static long nanoTimeAdjustment(long second, long real) {
        long virtual = virtual();
        return virtual == NOT_EXPLORED ? real : (FIRST_SECOND - second) * 1_000_000_000 + virtual;
    }

    public static boolean delays(ScheduledFuture<?> task, long period) {
        Predicate<ScheduledFuture<?>> taker = delays;
        return period == 0 && taker != null && taker.test(task);
    }

    public static ForkJoinPool asyncPool(ForkJoinPool pool) {
        UnaryOperator<ForkJoinPool> chooser = asyncPool;
        return chooser == null ? pool : chooser.apply(pool);
    }

    /** Returns whether a task was taken over that was to be run by a pool, which is null for the common pool. */
    public static boolean forks(@Nullable ForkJoinPool pool, @Nullable ForkJoinTask<?> task) {
        Predicate<ForkJoinTask<?>> taker = forks;
        return task != null && taker != null && (pool == null || pool == ForkJoinPool.commonPool()) && taker.test(task);
    }

    public static void exits(int status) {
        IntConsumer listener = exits;
        if (listener != null) {
            listener.accept(status);
        }
    }

    public static void submits(ForkJoinPool pool) {
        Consumer<ForkJoinPool> listener = submits;
        if (listener != null) {
            listener.accept(pool);
        }
    }
}
