package dev.sennit.testing;

/**
 * What a {@link ScheduleExplorer} has looked at.
 *
 * @param schedules how many schedules were run
 * @param failed how many of them failed: at most one, but in a {@linkplain ScheduleExplorer#survey survey}
 * @param distinct how many of them were different
 * @param strategy how threads were picked
 * @param firstSeed the seed of the first schedule
 * @param memoryPoints whether threads could be interrupted between accesses to memory, which wants the agent ({@link
 *     MemoryPoints}); without it only where they wait, yield or end
 * @param virtualTime whether waits took no time, which wants the agent, too; without it they took as long as they say
 * @param repeatable whether the last schedule came out the same when its seed was run once more; if not, something
 *     besides the schedule decides what the body does: random numbers, identity hash codes, the time
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
                + distinct + " distinct, " + strategy + " from seed " + firstSeed + ", memory points " + (memoryPoints ? "on" : "off")
                + (virtualTime ? ", virtual time" : "") + (repeatable ? "" : ", NOT repeatable");
    }
}
