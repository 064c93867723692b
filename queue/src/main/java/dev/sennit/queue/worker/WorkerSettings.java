package dev.sennit.queue.worker;

import dev.sennit.Pool;
import dev.sennit.TimeSource;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.Rate;
import dev.sennit.queue.broker.Upkeep;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a worker is to do.
 *
 * @param id its id, unlike those of all others
 * @param name its name in threads and logs
 * @param broker the broker
 * @param types what can run, by the names that brokers know
 * @param queues the weights of its queues
 * @param rates limits for this worker alone, by the names that brokers know
 * @param pool what runs the tasks
 * @param closesPool whether the pool ends with the worker
 * @param plan the pool's plan, for those who look on
 * @param places how many tasks run at a time
 * @param lease how long a claim lasts without a renewal
 * @param drainLimit how long runs may go on when the worker ends
 * @param poll how long the worker waits at most until it asks the broker again
 * @param grace how long a run in this JVM may take to heed an interrupt until its place counts as lost
 * @param limits what upkeep keeps to
 * @param time the clock
 * @param seed of the random parts
 * @param scaling how the worker grows and shrinks, or null
 */
public record WorkerSettings(String id, String name, Broker broker, Map<String, RunFactory> types,
        Map<String, Integer> queues, Map<String, Rate> rates, Pool pool, boolean closesPool, String plan, int places,
        Duration lease, Duration drainLimit, Duration poll, Duration grace, Upkeep.Limits limits, TimeSource time,
        long seed, @Nullable Scaling scaling) {
    /**
     * How a worker grows and shrinks.
     *
     * @param min the least places
     * @param max the most places
     * @param targetAge how long a task should wait at most
     */
    public record Scaling(int min, int max, Duration targetAge) {}
}
