package dev.sennit.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class TimersTest {
    @Test
    void runsTheActionInTheBackground() throws Exception {
        var ranOn = new CompletableFuture<String>();
        Timers.after(Duration.ofMillis(1), () -> ranOn.complete(Thread.currentThread().getName()));

        assertThat(ranOn.get(30, TimeUnit.SECONDS)).isEqualTo("sennit-background");
    }

    @Test
    void anActionThatTakesLongHoldsUpNoOther() throws Exception {
        var go = new CountDownLatch(1);
        var first = new CompletableFuture<Boolean>();
        Timers.after(Duration.ZERO, () -> {
            try {
                first.complete(go.await(30, TimeUnit.SECONDS));
            } catch (InterruptedException e) {
                first.completeExceptionally(e);
            }
        });
        Timers.after(Duration.ofNanos(1), go::countDown);

        assertThat(first.get(30, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void canBeCalledOff() {
        Future<?> later = Timers.after(Duration.ofDays(1), () -> {});

        assertThat(later.cancel(false)).isTrue();
        assertThat(Timers.after(Duration.ofSeconds(Long.MAX_VALUE), () -> {}).cancel(false)).isTrue();
    }

    @Test
    void aDurationThatIsTooLongForNanosecondsIsCutOff() {
        assertThat(Timers.nanos(Duration.ofMillis(2))).isEqualTo(2_000_000);
        assertThat(Timers.nanos(Duration.ofSeconds(Long.MAX_VALUE))).isEqualTo(Long.MAX_VALUE);
    }
}
