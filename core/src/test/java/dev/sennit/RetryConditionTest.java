package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.random.RandomGenerator;
import java.util.regex.PatternSyntaxException;
import org.junit.jupiter.api.Test;

class RetryConditionTest {
    private static final List<Attempt> ATTEMPTS = List.of(
            value(null),
            value(1),
            value(-1),
            value(""),
            failure(new IOException("reset by peer")),
            failure(new FileNotFoundException("no such file")),
            failure(new UncheckedIOException("late", new IOException("reset"))),
            failure(new ExecutionException(new UncheckedIOException(new FileNotFoundException()))),
            failure(new IllegalStateException()),
            failure(new CancellationException("reset")),
            failure(new InterruptedException()),
            failure(new AssertionError("reset")));

    private static Attempt value(Object value) {
        return new Attempt(1, Duration.ZERO, value, null);
    }

    private static Attempt failure(Throwable failure) {
        return new Attempt(1, Duration.ZERO, null, failure);
    }

    private static List<Attempt> met(RetryCondition condition) {
        return ATTEMPTS.stream().filter(condition::test).toList();
    }

    private static List<Attempt> numbered(int... indices) {
        return Arrays.stream(indices).mapToObj(ATTEMPTS::get).toList();
    }

    @Test
    void anyExceptionIsNeitherErrorNorInterruptNorCancellation() {
        assertThat(met(RetryCondition.anyException())).isEqualTo(numbered(4, 5, 6, 7, 8));
    }

    @Test
    void exceptionsByType() {
        assertThat(met(RetryCondition.onException(IOException.class))).isEqualTo(numbered(4, 5));
        assertThat(met(RetryCondition.onException(FileNotFoundException.class, IllegalStateException.class)))
                .isEqualTo(numbered(5, 8, 9));
        assertThat(met(RetryCondition.onException(CancellationException.class))).as("asked for").isEqualTo(numbered(9));
        assertThat(met(RetryCondition.exceptException(FileNotFoundException.class, TimeoutException.class)))
                .isEqualTo(numbered(4, 6, 7, 8));
    }

    @Test
    void causesByTypeHoweverDeep() {
        assertThat(met(RetryCondition.onCause(IOException.class))).as("not the failure itself")
                .isEqualTo(numbered(6, 7));
        assertThat(met(RetryCondition.onCause(FileNotFoundException.class))).isEqualTo(numbered(7));
        assertThat(met(RetryCondition.onCause(Error.class))).isEmpty();
    }

    @Test
    void causesInARingAreLookedAtOnce() {
        var one = new IllegalStateException();
        var other = new IllegalArgumentException(one);
        one.initCause(other);

        assertThat(RetryCondition.onCause(IOException.class).test(failure(one))).isFalse();
        assertThat(RetryCondition.onCause(IllegalArgumentException.class).test(failure(one))).isTrue();
        assertThat(RetryCondition.onCause(IllegalStateException.class).test(failure(one))).as("itself").isFalse();
    }

    @Test
    void messagesByRegularExpression() {
        assertThat(met(RetryCondition.onMessage("reset"))).as("somewhere").isEqualTo(numbered(4, 9, 11));
        assertThat(met(RetryCondition.onMessage("^(reset|late)$"))).isEqualTo(numbered(6, 9, 11));
    }

    @Test
    void values() {
        assertThat(met(RetryCondition.onResult(Objects::isNull))).as("of values only").isEqualTo(numbered(0));
        assertThat(met(RetryCondition.onResult(Integer.class, n -> n < 0))).isEqualTo(numbered(2));
        assertThat(met(RetryCondition.onResult(Object.class, any -> true))).isEqualTo(numbered(1, 2, 3));
    }

    @Test
    void notIsTheOppositeForValuesToo() {
        RetryCondition io = RetryCondition.onException(IOException.class);

        assertThat(met(io.not())).isEqualTo(numbered(0, 1, 2, 3, 6, 7, 8, 9, 10, 11));
        assertThat(met(RetryCondition.anyException().and(io.not())))
                .isEqualTo(met(RetryCondition.exceptException(IOException.class)));
    }

    @Test
    void theOtherIsNotAskedInVain() {
        RetryCondition broken = attempt -> {
            throw new IllegalStateException("asked");
        };

        assertThat(RetryCondition.anyException().or(broken).test(ATTEMPTS.get(4))).isTrue();
        assertThat(RetryCondition.anyException().and(broken).test(ATTEMPTS.get(0))).isFalse();
        assertThatThrownBy(() -> RetryCondition.anyException().or(broken).test(ATTEMPTS.get(0))).hasMessage("asked");
    }

    @Test
    void nonsenseIsRefused() {
        assertThatIllegalArgumentException().isThrownBy(RetryCondition::onException)
                .withMessage("types must not be empty");
        assertThatIllegalArgumentException().isThrownBy(RetryCondition::exceptException);
        assertThatThrownBy(() -> RetryCondition.onMessage("(")).isInstanceOf(PatternSyntaxException.class);
        assertThatNullPointerException().isThrownBy(() -> RetryCondition.onCause(null)).withMessage("type");
        assertThatNullPointerException().isThrownBy(() -> RetryCondition.onMessage(null));
        assertThatNullPointerException().isThrownBy(() -> RetryCondition.onResult(null)).withMessage("unwanted");
        assertThatNullPointerException().isThrownBy(() -> RetryCondition.onResult(null, any -> true))
                .withMessage("type");
        assertThatNullPointerException().isThrownBy(() -> RetryCondition.anyException().and(null)).withMessage("other");
        assertThatNullPointerException().isThrownBy(() -> RetryCondition.anyException().or(null)).withMessage("other");
    }

    @Test
    void anAttemptChecksItsParts() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Attempt(0, Duration.ZERO, null, null))
                .withMessage("number must be >= 1, was 0");
        assertThatIllegalArgumentException().isThrownBy(() -> new Attempt(1, Duration.ofNanos(-1), null, null));
        assertThatIllegalArgumentException().isThrownBy(() -> new Attempt(1, Duration.ZERO, 1, new Exception()));
        assertThatNullPointerException().isThrownBy(() -> new Attempt(1, null, null, null));
        assertThat(value(1)).hasToString("Attempt[1, returned 1]");
        assertThat(new Attempt(2, Duration.ofMillis(200), null, new IOException("reset")))
                .hasToString("Attempt[2, after 200 ms, failed: java.io.IOException: reset]");
    }

    // ---- laws ----

    private static RetryCondition any(RandomGenerator from, int depth) {
        return switch (from.nextInt(depth == 0 ? 7 : 10)) {
            case 0 -> RetryCondition.anyException();
            case 1 -> RetryCondition.onException(IOException.class);
            case 2 -> RetryCondition.exceptException(FileNotFoundException.class);
            case 3 -> RetryCondition.onCause(IOException.class);
            case 4 -> RetryCondition.onMessage("reset");
            case 5 -> RetryCondition.onResult(Objects::isNull);
            case 6 -> RetryCondition.onResult(Integer.class, n -> n > 0);
            case 7 -> any(from, depth - 1).not();
            case 8 -> any(from, depth - 1).and(any(from, depth - 1));
            default -> any(from, depth - 1).or(any(from, depth - 1));
        };
    }

    @Test
    void theLawsOfAlgebraHold() {
        Seeded.repeat(300, random -> {
            RetryCondition a = any(random.generator(), 3);
            RetryCondition b = any(random.generator(), 3);
            RetryCondition c = any(random.generator(), 3);
            for (Attempt attempt : ATTEMPTS) {
                assertThat(a.and(b).test(attempt)).isEqualTo(a.test(attempt) && b.test(attempt));
                assertThat(a.or(b).test(attempt)).isEqualTo(a.test(attempt) || b.test(attempt));
            }
            assertThat(met(a.not().not())).isEqualTo(met(a));
            assertThat(met(a.and(b).not())).as("De Morgan").isEqualTo(met(a.not().or(b.not())));
            assertThat(met(a.or(b).not())).as("De Morgan").isEqualTo(met(a.not().and(b.not())));
            assertThat(met(a.and(b))).isEqualTo(met(b.and(a)));
            assertThat(met(a.or(b))).isEqualTo(met(b.or(a)));
            assertThat(met(a.and(b).and(c))).isEqualTo(met(a.and(b.and(c))));
            assertThat(met(a.or(b).or(c))).isEqualTo(met(a.or(b.or(c))));
            assertThat(met(a.and(b.or(c)))).isEqualTo(met(a.and(b).or(a.and(c))));
            assertThat(met(a.or(b.and(c)))).isEqualTo(met(a.or(b).and(a.or(c))));
            assertThat(met(a.or(a.not()))).isEqualTo(ATTEMPTS);
            assertThat(met(a.and(a.not()))).isEmpty();
        });
    }

    /** A call that succeeds at once does not ask them. */
    @Test
    void thoseForFailuresAloneCoverNoValue() {
        Seeded.repeat(300, random -> {
            RetryCondition condition = any(random.generator(), 4);
            if (condition instanceof FailureCondition) {
                assertThat(met(condition)).allMatch(Attempt::failed);
            }
        });
        RetryCondition io = RetryCondition.onException(IOException.class);
        RetryCondition result = RetryCondition.onResult(Objects::isNull);
        assertThat(List.of(io, io.or(RetryCondition.anyException()), io.and(result), result.and(io), io.and(io.not())))
                .allMatch(FailureCondition.class::isInstance);
        assertThat(List.of(result, io.not(), io.or(result), result.or(io), result.not()))
                .noneMatch(FailureCondition.class::isInstance);
    }
}
