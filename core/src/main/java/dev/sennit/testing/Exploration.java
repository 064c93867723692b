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
 */
public record Exploration(
        int schedules,
        int failed,
        int distinct,
        Strategy strategy,
        long firstSeed,
        boolean memoryPoints,
        boolean virtualTime,
        boolean repeatable) {
    @Override
    public String toString() {
        return schedules + (schedules == 1 ? " schedule, " : " schedules, ") + (failed > 1 ? failed + " failed, " : "")
                + distinct + " distinct, " + strategy + " from seed " + firstSeed + ", memory points "
                + (memoryPoints ? "on" : "off")
                + (virtualTime ? ", virtual time" : "") + (repeatable ? "" : ", NOT repeatable");
    }
}
