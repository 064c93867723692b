package dev.sennit.testing;

import java.util.EnumMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * The faults of one direction of a connection, in order. They depend on the seed, the number of the connection, the
 * direction and the place in the stream of bytes, and on nothing else: TCP delivers the same bytes in other pieces each
 * time. So the plan divides the stream into chunks of its own.
 *
 * <p>Each chunk takes the same number of draws, whatever happens to it.
 */
final class FaultPlan {
    /** What may happen to a chunk. */
    enum Fault {
        CUT,
        HALVE,
        DUPLICATE,
        GARBLE,
        DELAY,
        STAND_STILL
    }

    /**
     * A part of the stream.
     *
     * @param length in bytes, at least 1
     * @param fault what happens to it, or null
     * @param place a byte of it, for a fault at one
     * @param share a number from 0 on that is smaller than 1, for how much of a fault
     */
    record Chunk(int length, @Nullable Fault fault, int place, double share) {}

    private final SplittableRandom random;
    private final Map<Fault, Double> chances;
    private final int longest;

    /**
     * Makes a plan.
     *
     * @param seed of the proxy
     * @param connection its number, from 0
     * @param toServer its direction
     * @param chances of each fault, together at most 1
     * @param longest the longest chunk
     */
    FaultPlan(long seed, long connection, boolean toServer, Map<Fault, Double> chances, int longest) {
        // Neighbouring seeds of this generator are independent, so any number for each direction will do.
        random = new SplittableRandom(new SplittableRandom(seed).nextLong() + 2 * connection + (toServer ? 0 : 1));
        this.chances = new EnumMap<>(Fault.class);
        this.chances.putAll(chances);
        this.longest = longest;
    }

    /** Whether a connection is refused, which is decided before it has any bytes. */
    static boolean refuses(long seed, long connection, double chance) {
        return new SplittableRandom(~(new SplittableRandom(seed).nextLong() + connection)).nextDouble() < chance;
    }

    Chunk next() {
        int length = 1 + random.nextInt(longest);
        double roll = random.nextDouble();
        int place = random.nextInt(length);
        double share = random.nextDouble();
        Fault fault = null; // the first whose share of the chances has the roll
        for (Map.Entry<Fault, Double> each : chances.entrySet()) {
            if (roll >= 0 && roll < each.getValue()) {
                fault = each.getKey();
            }
            roll -= each.getValue();
        }
        return new Chunk(length, fault, place, share);
    }
}
