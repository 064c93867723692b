package dev.sennit.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.RemoteTaskException;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.Progress;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.Token;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;

class RunFailureTest {
    private static Claim claim(RetryPolicy retry, int failures, boolean once) {
        QueuedTask task = QueuedTask.of("t", new byte[0]).id("1").retry(retry).hardLimit(Duration.ofSeconds(1))
                .atMostOnce(once).build();
        return new Claim(new Token("1", failures + 1), task, failures, 0, Instant.EPOCH, null, List.of());
    }

    private static Failure.Verdict verdict(Claim claim, Throwable failure) {
        return Verdicts.of(claim, failure, new SplittableRandom(1)).verdict();
    }

    private static RunFailure of(Throwable failure) {
        return RunFailure.of(RunFailure.Kind.FAILED, failure, "");
    }

    @Test
    void namesClassesSuperclassesAndCauses() {
        var remote = new RemoteTaskException("app.Broken", "app.Broken: it is");
        remote.initCause(new FileNotFoundException("x"));
        assertThat(RunFailure.classesOf(new IllegalStateException(remote))).contains(
                "java.lang.IllegalStateException", "java.lang.RuntimeException", "app.Broken",
                "java.io.FileNotFoundException", "java.io.IOException", "java.lang.Throwable")
                .doesNotContain("dev.sennit.RemoteTaskException");
    }

    @Test
    void survivesExceptionsThatFailThemselvesOrGoInCircles() {
        var circle = new IOException("a");
        circle.initCause(new IOException("b", circle));
        assertThat(RunFailure.classesOf(circle)).contains("java.io.IOException");
        var broken = new RuntimeException() {
            private static final long serialVersionUID = 1;

            @Override
            public String getMessage() {
                throw new IllegalStateException("no message");
            }

            @Override
            public synchronized Throwable getCause() {
                throw new IllegalStateException("no cause");
            }
        };
        assertThat(of(broken).error().text()).endsWith(
                "its message cannot be told: java.lang.IllegalStateException");
    }

    @Test
    void countsAttemptsByFailures() {
        RetryPolicy three = RetryPolicy.attempts(3).waiting(Duration.ofSeconds(1), 2, Duration.ofMinutes(1)).jitter(0);
        assertThat(verdict(claim(three, 0, false), of(new IOException()))).isEqualTo(
                new Failure.RetryIn(Duration.ofSeconds(1)));
        assertThat(verdict(claim(three, 1, false), of(new IOException()))).isEqualTo(
                new Failure.RetryIn(Duration.ofSeconds(2)));
        assertThat(verdict(claim(three, 2, false), of(new IOException()))).isEqualTo(
                new Failure.Die(DeadReason.FAILED));
        assertThat(verdict(claim(three, 2, false), new TimeoutException())).isEqualTo(
                new Failure.Die(DeadReason.TIMED_OUT));
        assertThat(verdict(claim(three, 0, false), new TimeoutException())).isEqualTo(
                new Failure.RetryIn(Duration.ofSeconds(1)));
    }

    @Test
    void neverRepeatsWhatThePolicyNames() {
        RetryPolicy never = RetryPolicy.attempts(3).neverAfter(List.of("java.io.IOException"));
        assertThat(verdict(claim(never, 0, false), of(new RuntimeException(new FileNotFoundException("x")))))
                .isEqualTo(new Failure.Die(DeadReason.FAILED));
        assertThat(verdict(claim(never, 0, false), of(new RuntimeException()))).isInstanceOf(Failure.RetryIn.class);
    }

    @Test
    void tellsKindsApart() {
        Claim claim = claim(RetryPolicy.attempts(3), 0, false);
        assertThat(verdict(claim, RunFailure.of(RunFailure.Kind.GIVEN_BACK, new IOException(), "")))
                .isEqualTo(new Failure.GiveBack());
        assertThat(verdict(claim, RunFailure.of(RunFailure.Kind.UNREADABLE, new IOException(), "")))
                .isEqualTo(new Failure.Die(DeadReason.UNREADABLE));
        assertThat(Verdicts.interrupted(claim, "x").verdict()).isEqualTo(new Failure.GiveBack());
        assertThat(Verdicts.interrupted(claim(RetryPolicy.NONE, 0, true), "x").verdict())
                .isEqualTo(new Failure.Crashed());
    }

    @Test
    void readsWhatRunsTell() {
        assertThat(RunMessage.read(RunMessage.report(new Progress(3, -1, "hälf")))).isEqualTo(
                new RunMessage.Report(new Progress(3, -1, "hälf")));
        assertThat(RunMessage.read(RunMessage.checkpoint(new byte[] {1, 2}))).isInstanceOfSatisfying(
                RunMessage.Checkpoint.class, checkpoint -> assertThat(checkpoint.json()).containsExactly(1, 2));
        for (byte[] wrong : List.of(new byte[0], new byte[] {3, 1}, new byte[] {2, 1, 1})) {
            assertThatThrownBy(() -> RunMessage.read(wrong)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(wrong.length + " bytes");
        }
    }
}
