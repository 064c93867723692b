package dev.sennit.testing;

/** How a {@link ScheduleExplorer} picks the thread that goes on. */
public enum Strategy {
    /**
     * Picks any ready thread, each with equal probability. At most memory points the running thread runs on: how often
     * it does is drawn anew for each schedule, so that some schedules are fine-grained and others coarse.
     */
    RANDOM,

    /**
     * Picks the thread with the highest priority. Priorities are drawn at random, and at {@code depth - 1} random
     * places the running thread is put behind all others. A bug that needs {@code depth} events in a certain order
     * shows in a schedule with a probability of at least 1 / (n * k^(depth-1)), for n threads and k steps, however long
     * the threads run between these events. A thread that yields, or runs alone for long, goes behind the others, so
     * that busy loops end.
     *
     * <p>Source: S. Burckhardt, P. Kothari, M. Musuvathi, S. Nagarakatte: A Randomized Scheduler with Probabilistic
     * Guarantees of Finding Bugs, ASPLOS 2010.
     */
    PCT
}
