package dev.sennit.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Program;
import dev.sennit.TaskOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a program prints whose coroutine fails, and whose future nobody asks. */
@Timeout(120)
class UnaskedFailureIT {
    /** In a JVM of its own, for its log and its property. */
    static final class Overlooking {
        private Overlooking() {}

        public static void main(String[] arguments) throws Exception {
            EventLoop.run(() -> {
                EventLoop.current().submit(() -> refuse(), TaskOptions.named("overlooked"));
                EventLoop.yieldNow(); // it runs, before the end of this one cancels what has not begun
            });
            System.out.println("done");
        }

        private static void refuse() {
            throw new IllegalStateException("refused");
        }
    }

    @Test
    void theLogHasItWithItsStack() throws Exception {
        assertThat(Program.outputOf(Overlooking.class))
                .containsOnlyOnce("task overlooked failed on ")
                .contains("WARNING", "IllegalStateException: refused", "Overlooking.refuse", "done");
    }

    @Test
    void aPropertyTurnsItOff() throws Exception {
        assertThat(Program.outputOf(Overlooking.class, "-Dsennit.unasked=off")).contains("done")
                .doesNotContain("overlooked");
    }
}
