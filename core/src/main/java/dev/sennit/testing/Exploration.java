package dev.sennit.testing;

/**
 * The figures of an exploration by a {@link ScheduleExplorer}.
 *
 * @param schedules how many schedules were run
 * @param failed how many of them failed: at most one, except in a {@linkplain ScheduleExplorer#survey survey}
 * @param distinct how many of them were different
 * @param strategy how threads were picked
 * @param firstSeed the seed of the first schedule
 * @param memoryPoints whether threads could change between accesses to memory, which needs the agent
 *     ({@link MemoryPoints}); without it, they change only where they wait, yield or end
 * @param virtualTime whether waits took no time, which needs the agent, too; without it, they took their full time
 * @param repeatable whether the last schedule was the same when its seed was run once more; if not, the body also
 *     depends on something else: random numbers, identity hash codes, the time
 * @param seenUpTo the number of preemptions up to which {@link Strategy#EXHAUSTIVE} has seen all schedules:
 *     {@link Integer#MAX_VALUE} if it has seen all, and -1 if it has not even seen all without a preemption; -1 also
 *     with all other strategies
 */
public record Exploration(
        int schedules,
        int failed,
        int distinct,
        Strategy strategy,
        long firstSeed,
        boolean memoryPoints,
        boolean virtualTime,
        boolean repeatable,
        int seenUpTo) {
    /**
     * Returns whether the body was run under all schedules, as {@link Strategy#EXHAUSTIVE} describes.
     *
     * @return true if there are no others
     */
    public boolean isComplete() {
        return seenUpTo == Integer.MAX_VALUE;
    }

    @Override
    public String toString() {
        return schedules + (schedules == 1 ? " schedule, " : " schedules, ") + (failed > 1 ? failed + " failed, " : "")
                + distinct + " distinct, " + strategy
                + (strategy == Strategy.EXHAUSTIVE ? seen() : " from seed " + firstSeed) + ", memory points "
                + (memoryPoints ? "on" : "off")
                + (virtualTime ? ", virtual time" : "") + (repeatable ? "" : ", NOT repeatable");
    }

    private String seen() {
        return switch (seenUpTo) {
            case Integer.MAX_VALUE -> ": all schedules";
            case -1 -> ": not all schedules";
            case 0 -> ": all schedules without a preemption";
            case 1 -> ": all schedules with at most 1 preemption";
            default -> ": all schedules with at most " + seenUpTo + " preemptions";
        };
    }
}
