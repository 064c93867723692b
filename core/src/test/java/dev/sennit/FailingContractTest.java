package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.internal.Backend;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The conformance suite while timers and threads cannot be had, and runs cannot be stopped:
 * {@code -Dsennit.failingRounds=10000} for a long run, {@code -Dsennit.seed=N} to repeat one.
 */
class FailingContractTest {
    private static final List<Class<? extends CorePoolContract>> KINDS = List.of(
            ThreadPoolTest.class,
            OneThreadPoolTest.class,
            ResizingThreadPoolTest.class,
            VirtualPoolTest.class,
            LimitedVirtualPoolTest.class,
            InlinePoolTest.class,
            EventLoopPoolTest.class,
            BatonLoopPoolTest.class,
            LimitedLoopPoolTest.class);

    @Test
    @Timeout(value = 1, unit = TimeUnit.DAYS) // each test inside has its own
    void everyPoolEndsAndNoFutureIsLeftOpen() {
        int rounds = Integer.getInteger("sennit.failingRounds", 40);
        long seed = Long.getLong("sennit.seed", System.nanoTime());

        FailingContract.Report report = FailingContract.run(KINDS, rounds, seed, 0.2);

        System.out.println("failing timers, threads and stops, seed " + seed + ": " + report);
        assertThat(report.broken()).as("seed %s", seed).isEmpty();
        assertThat(report.tests()).isEqualTo(rounds);
        assertThat(report.disturbed()).as("tests that were disturbed").isBetween(rounds / 50, rounds * 3 / 4);
    }

    /** Has to be found: a task that is counted in and never out. */
    @Test
    void aPoolThatNeverEndsIsFound() {
        FailingContract.Report report = FailingContract.runOne(Broken.class, "keepsThePoolOpen", 0);

        assertThat(report.broken()).hasSize(1).first().asString().contains("terminates");
    }

    /** Has to be found, also where something failed: a future that nobody ends. */
    @Test
    void aFutureThatIsLeftOpenIsFound() {
        FailingContract.Report report =
                FailingContract.runOne(Broken.class, "leavesAFutureOpenWhereThereIsNoThread", 1);

        assertThat(report.disturbed()).isEqualTo(1);
        assertThat(report.broken()).hasSize(1).first().asString().contains("terminates");
    }

    /** Has to be found: a claim that does not hold although nothing failed. */
    @Test
    void aClaimThatDoesNotHoldIsFound() {
        FailingContract.Report report = FailingContract.runOne(Broken.class, "claimsWhatDoesNotHold", 0);

        assertThat(report.broken()).hasSize(1).first().asString().contains("has to fail");
    }

    /** Has to be left alone: a claim that does not hold as there was no thread. */
    @Test
    void aClaimIsVoidWhereSomethingFailed() {
        assertThat(FailingContract.runOne(Broken.class, "claimsThatThereIsAThread", 1).broken()).isEmpty();
    }

    /** Tests that FailingContract has to judge. */
    public static final class Broken extends CorePoolContract {
        @Override
        protected String plan(int workers) {
            return "threads:" + workers;
        }

        @Override
        protected long bound() {
            return 1;
        }

        @Test
        public void keepsThePoolOpen() {
            ((AbstractPool) open("")).enterAgain();
        }

        @Test
        public void leavesAFutureOpenWhereThereIsNoThread() {
            var pool = (FakePool) opened(new FakePool(1));
            try {
                Backend.start(Thread.ofPlatform().unstarted(() -> {}));
            } catch (FailingBackend.NoThread e) {
                pool.taken(() -> 1).start();
            }
        }

        @Test
        public void claimsWhatDoesNotHold() {
            assertThat(1).as("has to fail").isEqualTo(2);
        }

        @Test
        public void claimsThatThereIsAThread() throws Exception {
            assertThat(value(open("").submit(() -> 1))).isEqualTo(1);
        }
    }
}
