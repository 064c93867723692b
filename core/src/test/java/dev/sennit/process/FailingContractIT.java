package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.FailingContract;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The conformance suite of worker processes while timers and threads of the parent cannot be had; see
 * {@link FailingContract}.
 */
class FailingContractIT {
    @Test
    @Timeout(value = 1, unit = TimeUnit.DAYS) // each test inside has its own
    void everyPoolEndsAndNoFutureIsLeftOpen() {
        int rounds = Integer.getInteger("sennit.failingRounds", 30);
        long seed = Long.getLong("sennit.seed", System.nanoTime());

        FailingContract.Report report = FailingContract.run(List.of(ProcessPoolIT.class), rounds, seed, 0.05);

        System.out.println("failing timers and threads beside worker processes, seed " + seed + ": " + report);
        assertThat(report.broken()).as("seed %s", seed).isEmpty();
        assertThat(report.tests()).isEqualTo(rounds);
    }
}
