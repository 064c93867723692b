package dev.sennit.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import org.junit.jupiter.api.Test;

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
        assertThat(Spinner.executionUnit(virtual, 7, 7)).isEqualTo("virtual thread #" + virtual.threadId() + " of process 7");
        assertThat(Spinner.executionUnit(platform, 8, 7)).isEqualTo("process 8, started by process 7");
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
