package dev.sennit.testing;

import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ScheduledFuture;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * What code of the JDK's calls where it looks at a clock or hands something to the common pool. {@link VirtualTime} puts a copy
 * of this class into {@code java.lang}, as such code can see no other; this one is never used.
 *
 * <p>Threads that are not under exploration get what they would get without it.
 */
final class ScheduleHooks {
    /** Answered to a thread that is not under exploration. */
    static final long NOT_EXPLORED = Long.MIN_VALUE;

    /** When a schedule begins, by {@code System.nanoTime()}. */
    private static final long FIRST_NANO = 1_000_000_000_000L;
    /** And in seconds since 1970: {@link VirtualClock#START}. */
    static final long FIRST_SECOND = 1_767_225_600L;

    /** How many nanoseconds the schedule has lasted. */
    public static volatile @Nullable LongSupplier elapsed;
    /** Takes what the common pool would run later, once. */
    public static volatile @Nullable Predicate<ScheduledFuture<?>> delays;
    /** Where {@code CompletableFuture} runs what it is given no executor for. */
    public static volatile @Nullable UnaryOperator<ForkJoinPool> asyncPool;
    /** Is told who submits. */
    public static volatile @Nullable Consumer<ForkJoinPool> submits;

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

    /** Nanoseconds since a second of 1970's, as {@code java.time.Clock} asks for them. */
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

    public static void submits(ForkJoinPool pool) {
        Consumer<ForkJoinPool> listener = submits;
        if (listener != null) {
            listener.accept(pool);
        }
    }
}
