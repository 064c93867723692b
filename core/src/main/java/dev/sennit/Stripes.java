package dev.sennit;

/**
 * How counters that many threads write are spread, so that threads do not wait for one another's cache line: each thread writes
 * to a stripe of its own, and a reader adds them up. The idea is that of {@link java.util.concurrent.atomic.LongAdder}; here
 * several counters share one stripe, which is looked up once for all of them.
 */
final class Stripes {
    /** Longs in a stripe: two cache lines, as processors fetch them in pairs. */
    static final int WIDTH = 16;

    /** A power of two, twice as many as processors, at most 64. */
    static final int COUNT = Integer.highestOneBit(Math.clamp(Runtime.getRuntime().availableProcessors() * 4L - 1, 1, 64));

    private Stripes() {}

    /** Where the calling thread's stripe begins, in an array of {@code COUNT * WIDTH} longs. */
    static int ofThread() {
        return ((int) Thread.currentThread().threadId() & COUNT - 1) * WIDTH;
    }
}
