package dev.sennit.process;

/**
 * How many workers a pool has, and when one is replaced or killed. Times are in nanoseconds, sizes in bytes.
 *
 * @param workers the most that serve
 * @param minWorkers how many stay when there is nothing to do
 * @param idleNanos after how long without a task a worker beyond these goes
 * @param spares how many wait beside the pool
 * @param maxTasks after how many tasks, more or less, a worker is replaced
 * @param strictMaxTasks after how many tasks a worker ends
 * @param maxAgeNanos at what age a worker is replaced
 * @param maxMemory with how much resident memory a worker is replaced
 * @param rss with how much resident memory a worker is killed
 */
record WorkerPolicy(
        int workers,
        int minWorkers,
        long idleNanos,
        int spares,
        long maxTasks,
        long strictMaxTasks,
        long maxAgeNanos,
        long maxMemory,
        long rss) {
    static final long NO_LIMIT = Long.MAX_VALUE;

    /** The lifespan of the worker with that number. */
    Lifespan lifespan(long worker) {
        return Lifespan.of(maxTasks, maxAgeNanos, worker);
    }

    /** Whether workers have to be looked at from time to time. */
    boolean isTimed() {
        return rss != NO_LIMIT || maxMemory != NO_LIMIT || maxAgeNanos != NO_LIMIT || minWorkers < workers;
    }

    /** Whether a worker that waits may use its processor for that. */
    boolean leavesProcessors() {
        return workers < Runtime.getRuntime().availableProcessors();
    }
}
