package dev.sennit.cli.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.programs.Primes;
import dev.sennit.cli.programs.SlowPrime;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;

/**
 * The ways to divide the prime checks among worker processes: a job queue with poison pills, and the divisors of each
 * number.
 */
class PrimeDivisionsIT {
    private static final List<Long> NUMBERS = CompareTest.SMALL_NUMBERS;

    @Test
    void bothGiveWhatOneAfterAnotherGives() {
        List<Boolean> expected = NUMBERS.stream().map(Primes::isPrime).toList();
        try (Pool pool = Pools.open("processes:3?transport=socket")) {
            for (int round = 0; round < 3; round++) {
                assertThat(QueuedPrimes.run(pool, NUMBERS)).isEqualTo(expected);
                assertThat(SplitPrimes.run(pool, NUMBERS)).isEqualTo(expected);
            }
            assertThat(pool.statistics().workersLost()).isZero();
        }
    }

    /** Jobs and pills are all there before the first worker starts, so that none waits for those of another. */
    @Test
    void workersThatDieEndTheRun() throws Exception {
        try (Pool pool = Pools.open("processes:2");
                Pool beside = Pools.open("threads:1")) {
            List<Long> numbers = List.of(7L, SlowPrime.LARGEST, SlowPrime.LARGEST, 11L);
            TaskFuture<?> run = beside.submit((Callable<?>) () -> QueuedPrimes.run(pool, numbers));
            await().until(() -> pool.statistics().running() == 2);
            ProcessHandle.current().children().forEach(ProcessHandle::destroyForcibly);

            assertThatThrownBy(run::get)
                    .cause()
                    .isInstanceOf(CommandException.class)
                    .message()
                    .startsWith("task 1 of 2: WorkerCrashedException: ");
        }
    }
}
