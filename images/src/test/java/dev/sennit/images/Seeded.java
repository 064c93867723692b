package dev.sennit.images;

import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** Random numbers of one round of a test, which tells its seed when it fails. */
public record Seeded(long seed, RandomGenerator generator) {
    public interface Round {
        void run(Seeded random) throws Exception;
    }

    /** Rounds with a new seed each; one of them alone with {@code -Dsennit.seed=N}. */
    public static void repeat(int rounds, Round round) {
        Long given = Long.getLong("sennit.seed");
        for (int i = 0; i < (given == null ? rounds : 1); i++) {
            long seed = given == null ? new SplittableRandom().nextLong() : given;
            try {
                round.run(new Seeded(seed, new SplittableRandom(seed)));
            } catch (Throwable e) {
                throw new AssertionError("fails with -Dsennit.seed=" + seed, e);
            }
        }
    }
}
