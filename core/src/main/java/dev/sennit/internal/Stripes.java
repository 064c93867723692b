package dev.sennit.internal;

import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * How counters that many threads write are spread, so that threads do not wait for one another's cache line: a thread always writes
 * to the same stripe, and a reader adds them up. The idea is that of {@link java.util.concurrent.atomic.LongAdder}; here several
 * counters share one stripe, which is looked up once for all of them. Threads may share a stripe; the more stripes there are, the
 * rarer they do.
 */
public final class Stripes {
    /** Longs in a stripe: two cache lines, as processors fetch them in pairs. */
    public static final int WIDTH = 16;

    /** A power of two, at least eight times as many as processors, at most 64. */
    public static final int COUNT = Integer.highestOneBit(Math.clamp(Runtime.getRuntime().availableProcessors() * 16L - 1, 1, 64));

    /** Null until a schedule is explored. */
    private static volatile @Nullable IntSupplier numbering;

    private Stripes() {}

    /**
     * Says how the threads of schedules that are explored are numbered: by their ids, a schedule that is run again would take other
     * stripes, and another way through what is done stripe by stripe.
     *
     * @param number the number of the calling thread, or less than 0 if it is of no schedule
     */
    public static void numberedBy(IntSupplier number) {
        numbering = number;
    }

    /**
     * Finds the calling thread's stripe.
     *
     * @return where it begins, in an array of {@code COUNT * WIDTH} longs
     */
    public static int ofThread() {
        IntSupplier ofSchedule = numbering;
        int number = ofSchedule == null ? -1 : ofSchedule.getAsInt();
        return ((number < 0 ? (int) Thread.currentThread().threadId() : number) & COUNT - 1) * WIDTH;
    }
}
