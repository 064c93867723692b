package dev.sennit.internal;

import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Spreads counters that many threads write, to avoid contention on cache lines: a thread always writes to the same
 * stripe, and a reader adds the stripes up. The idea is that of {@link java.util.concurrent.atomic.LongAdder}; here
 * several counters are in a stripe, which a thread looks up once for all of them. Threads may share a stripe; more
 * stripes make that rarer.
 */
public final class Stripes {
    /** Longs in a stripe: two cache lines, as processors fetch them in pairs. */
    public static final int WIDTH = 16;

    /** The number of stripes: a power of two, at least eight times the number of processors, but at most 64. */
    public static final int COUNT =
            Integer.highestOneBit(Math.clamp(Runtime.getRuntime().availableProcessors() * 16L - 1, 1, 64));

    /** The numbering of threads in explored schedules; null until a schedule is explored. */
    private static volatile @Nullable IntSupplier numbering;

    private Stripes() {}

    /**
     * Sets the numbering of threads in explored schedules. With thread ids, a repeated schedule would use other
     * stripes, and take another path through code that goes from stripe to stripe.
     *
     * @param number the number of the calling thread, or less than 0 if it is of no schedule
     */
    public static void numberedBy(IntSupplier number) {
        numbering = number;
    }

    /**
     * Returns the calling thread's stripe.
     *
     * @return the index of its first element, in an array of {@code COUNT * WIDTH} longs
     */
    public static int ofThread() {
        IntSupplier ofSchedule = numbering;
        int number = ofSchedule == null ? -1 : ofSchedule.getAsInt();
        return ((number < 0 ? (int) Thread.currentThread().threadId() : number) & COUNT - 1) * WIDTH;
    }
}
