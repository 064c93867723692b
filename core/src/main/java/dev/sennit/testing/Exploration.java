package dev.sennit.testing;

/**
 * What a {@link ScheduleExplorer} has looked at.
 *
 * @param schedules how many schedules were run
 * @param distinct how many of them were different
 * @param strategy how threads were picked
 * @param firstSeed the seed of the first schedule
 * @param memoryPoints whether threads could be interrupted between accesses to memory, which wants the agent ({@link
 *     MemoryPoints}); without it only where they wait, yield or end
 * @param repeatable whether the last schedule came out the same when its seed was run once more; if not, something
 *     besides the schedule decides what the body does: random numbers, identity hash codes, the time
 */
public record Exploration(
        int schedules,
        int distinct,
        Strategy strategy,
        long firstSeed,
        boolean memoryPoints,
        boolean repeatable) {
    @Override
    public String toString() {
        return schedules + (schedules == 1 ? " schedule, " : " schedules, ") + distinct + " distinct, " + strategy + " from seed "
                + firstSeed + ", memory points " + (memoryPoints ? "on" : "off") + (repeatable ? "" : ", NOT repeatable");
    }
}
