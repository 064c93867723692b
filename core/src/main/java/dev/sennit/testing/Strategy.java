package dev.sennit.testing;

/** How a {@link ScheduleExplorer} picks the thread that goes on. */
public enum Strategy {
    /**
     * Any thread that can go on, each as likely as the others. At memory points the running thread is left alone most of the
     * time: how often is drawn anew for each schedule, so that there are fine-grained and coarse ones.
     */
    RANDOM,

    /**
     * The thread with the highest priority; priorities are drawn at random, and at {@code depth - 1} random places the
     * running thread is put behind all others. A bug that needs {@code depth} things to happen in a certain order shows with
     * a probability of at least 1 / (n * k^(depth-1)) a schedule, for n threads and k steps, however long the threads run
     * between them. A thread that yields, or runs alone for long, goes behind the others, so that loops that wait end.
     *
     * <p>Source: S. Burckhardt, P. Kothari, M. Musuvathi, S. Nagarakatte: A Randomized Scheduler with Probabilistic
     * Guarantees of Finding Bugs, ASPLOS 2010.
     */
    PCT
}
