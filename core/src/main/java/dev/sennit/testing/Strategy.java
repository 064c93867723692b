package dev.sennit.testing;

/** How a {@link ScheduleExplorer} picks the thread that goes on. */
public enum Strategy {
    /**
     * Picks any ready thread, each with equal probability. At most memory points the running thread runs on: how often
     * it does is drawn anew for each schedule, so that some schedules are fine-grained and others coarse. With the
     * agent, a few waits end without a reason, in one schedule of four: see {@link #SPURIOUS}.
     */
    RANDOM,

    /**
     * As {@link #RANDOM}, but every second wait ends without a reason, as the specifications of
     * {@link Object#wait() wait}, {@link java.util.concurrent.locks.LockSupport#park() park} and
     * {@link java.util.concurrent.locks.Condition Condition.await} allow: a thread that does not look again whether it
     * has what it waited for then goes on too early. It needs the agent ({@link MemoryPoints}), and concerns waits in
     * classes with memory points.
     */
    SPURIOUS,

    /**
     * As {@link #RANDOM}, but picks a place in code first, and then one of the threads that are there: so of a hundred
     * threads that do the same, and one that does something else, the one goes on as often as the others together. How
     * often threads run on at memory points is drawn for each place at which threads are started. It needs the agent
     * to know these places.
     */
    BALANCED,

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
    PCT,

    /**
     * Gives what each thread does next a random priority, which is drawn anew when another thread has done something
     * whose order with it matters: an access to the same field or element, of which one writes, or a call to the same
     * object of {@code java.util.concurrent}. It needs the agent to know these; without it, it is a random walk. A few
     * waits end without a reason, as with {@link #RANDOM}.
     *
     * <p>Source: X. Yuan, J. Yang, R. Gu: Partial Order Aware Concurrency Sampling, CAV 2018.
     */
    POS,

    /**
     * Shares the schedules out evenly, as different bugs need different strategies: to {@link #RANDOM},
     * {@link #BALANCED}, {@link #POS}, and {@link #PCT} with depths from 1 to 5.
     */
    PORTFOLIO,

    /**
     * Goes through all schedules, for small bodies: first those without a preemption - a thread has to wait that could
     * go on -, then those with at most one, two, three, and then all, until there are no others or the number of
     * schedules of the explorer is reached. {@link Exploration#seenUpTo} tells how far it came. Schedules that differ
     * only in the order of steps that have nothing to do with each other count as the same, and one of them is run.
     *
     * <p>With the agent, steps are accesses to memory and calls. A step has to do with all others if its thread runs
     * code without memory points that calls back, such as a pool. Without the agent, threads change only where they
     * wait, yield or end, and each such step has to do with all others. What is not seen: waits that end without a
     * reason; accesses within code without memory points, such as a {@code HashMap}; and a loop that waits for another
     * thread does not turn more than a few times before others go on.
     *
     * <p>The seed of a schedule is its number in the search: to repeat it, the search runs up to that number. The
     * {@linkplain ScheduleFailure#schedule() written form} repeats a schedule at once.
     *
     * <p>Sources: C. Flanagan, P. Godefroid: Dynamic Partial-Order Reduction for Model Checking Software, POPL 2005;
     * K. Coons, M. Musuvathi, K. McKinley: Bounded Partial-Order Reduction, OOPSLA 2013.
     */
    EXHAUSTIVE
}
