package dev.sennit.process;

import java.util.SplittableRandom;

/**
 * How long a worker serves before another takes its place.
 *
 * @param tasks how many tasks
 * @param nanos how old it gets
 */
record Lifespan(long tasks, long nanos) {
    static final long ENDLESS = Long.MAX_VALUE;

    /** Each is given a tenth more or less, so that workers which started together do not go together. */
    private static final double JITTER = 0.1;

    /**
     * The lifespan of one worker.
     *
     * @param maxTasks what was asked for, or {@link #ENDLESS}
     * @param maxNanos what was asked for, or {@link #ENDLESS}
     * @param worker its number, which decides about what it is given
     */
    static Lifespan of(long maxTasks, long maxNanos, long worker) {
        var random = new SplittableRandom(worker);
        return new Lifespan(vary(maxTasks, random), vary(maxNanos, random));
    }

    private static long vary(long most, SplittableRandom random) {
        double factor = 1 + JITTER * (2 * random.nextDouble() - 1);
        return most == ENDLESS ? ENDLESS : Math.max(1, Math.round(most * factor));
    }

    boolean isOver(long tasksDone, long age) {
        return tasksDone >= tasks || age >= nanos;
    }
}
