package dev.sennit.cli.programs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.sennit.cli.Run;
import dev.sennit.cli.command.CommandException;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.math.BigInteger;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SpinnerTest {
    @Test
    void showsAFrameAndWipesItWhenInterrupted() {
        var out = new ByteArrayOutputStream();
        Thread.currentThread().interrupt(); // met by the first sleep

        int frames = Spinner.spin(new PrintStream(out), ProcessHandle.current().pid());

        assertThat(frames).isOne();
        assertThat(out.toString())
                .startsWith("spinner: thread " + Thread.currentThread().getName())
                .endsWith("\r| thinking!\r           \r");
    }

    @Test
    void namesItsExecutionUnit() {
        Thread platform = Thread.ofPlatform().name("w-1").unstarted(() -> {});
        Thread virtual = Thread.ofVirtual().unstarted(() -> {});

        assertThat(Spinner.executionUnit(platform, 7, 7)).isEqualTo("thread w-1 of process 7");
        assertThat(Spinner.executionUnit(virtual, 7, 7))
                .isEqualTo("virtual thread #" + virtual.threadId() + " of process 7");
        assertThat(Spinner.executionUnit(platform, 8, 7)).isEqualTo("process 8, started by process 7");
    }

    @Test
    void aPrimeOfSoManyDivisions() {
        for (long divisions : new long[] {50_000_000, 333_333_333, 1_100_000_000, 1_518_000_000}) {
            long prime = SlowPrime.ofDivisions(divisions);
            assertThat(BigInteger.valueOf(prime).isProbablePrime(60)).as("%d", prime).isTrue();
            assertThat(Primes.squareRoot(prime)).isBetween(2 * divisions, 2 * divisions + 1);
        }
        assertThat(SlowPrime.ofDivisions(0)).isEqualTo(SlowPrime.SMALLEST);
        assertThat(SlowPrime.ofDivisions(1)).isEqualTo(SlowPrime.SMALLEST);
        assertThat(SlowPrime.ofDivisions(1_600_000_000)).isEqualTo(SlowPrime.LARGEST);
        assertThat(SlowPrime.ofDivisions(Long.MAX_VALUE)).isEqualTo(SlowPrime.LARGEST);
    }

    /** Twice the time needs about twice the divisions; what they take here depends on the machine. */
    @Test
    void whatAnswersAfterTheTimeOfSomeDivisions() {
        assertThat(SlowPrime.taking(1)).isEqualTo(SlowPrime.SMALLEST);
        assertThat(SlowPrime.taking(TimeUnit.DAYS.toNanos(1))).isEqualTo(SlowPrime.LARGEST);
        assertThat(SlowJob.SLEEP.defaultNumber()).isZero();
        assertThat(SlowJob.PRIME.defaultNumber()).isBetween(SlowPrime.SMALLEST, SlowPrime.LARGEST);
    }

    @ParameterizedTest
    @ValueSource(strings = {"prime", "nap"})
    void anyNumberIsChecked(String work) {
        for (String number : List.of("0", "7", "9223372036854775807", "142702110479723")) {
            Run run = Run.sennit("spinner", "--work", work, "--number", number);
            assertThat(run.exit()).as(number).isZero();
            assertThat(run.out().getLast()).endsWith("Answer: 42");
        }
    }

    @Test
    void kindsOfWork() {
        assertThat(SlowJob.parse("nap")).isEqualTo(SlowJob.NAP);
        assertThat(SlowJob.BLOCK).hasToString("block");
        assertThatExceptionOfType(CommandException.class)
                .isThrownBy(() -> SlowJob.parse("primes"))
                .withMessage("--work: unknown kind \"primes\": expected sleep, block, prime, nap; did you mean prime?");
    }
}
