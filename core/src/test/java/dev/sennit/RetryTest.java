package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sennit.conformance.internal.Caller;
import dev.sennit.conformance.internal.Conditions;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RetryTest {
    private static final Duration HOUR = Duration.ofHours(1);

    /** Time that passes only when somebody waits, or lets it pass; close to where the long overflows. */
    private static final class StandingClock implements TimeSource {
        final List<Long> waits = new ArrayList<>();
        long nanos = Long.MAX_VALUE - 1;

        @Override
        public long nanoTime() {
            return nanos;
        }

        @Override
        public Instant now() {
            throw new AssertionError("the time of day does not matter");
        }

        @Override
        public void sleep(Duration time) throws InterruptedException {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            waits.add(time.toMillis());
            pass(time);
        }

        void pass(Duration time) {
            nanos += time.toNanos();
        }
    }

    /** Returns or throws one after the other; counts. */
    private static final class Script implements Callable<Object> {
        final Deque<Object> left;
        int calls;

        Script(Object... outcomes) {
            left = new ArrayDeque<>(List.of(outcomes));
        }

        @Override
        public Object call() throws Exception {
            calls++;
            switch (left.remove()) {
                case Exception exception -> throw exception;
                case Error error -> throw error;
                case Object value -> {
                    return value;
                }
            }
        }
    }

    private final StandingClock clock = new StandingClock();
    private final IOException first = new IOException("first");
    private final IOException second = new IOException("second");
    private final IOException third = new IOException("third");

    private Retry attempts(int attempts) {
        return Retry.attempts(attempts).time(clock);
    }

    private static Duration ms(long millis) {
        return Duration.ofMillis(millis);
    }

    private static RetryStatistics figures(long attempts, long succeeded, long exhausted, long failed,
            long waitedMillis) {
        return new RetryStatistics(
                succeeded + exhausted + failed, attempts, succeeded, exhausted, failed, ms(waitedMillis));
    }

    // ---- the ways a call ends ----

    @Test
    void aValueAtOnceIsTheResult() throws Exception {
        Retry retry = attempts(3);

        assertThat(retry.call(new Script("value")::call)).isEqualTo("value");
        assertThat(retry.<String, RuntimeException>call(() -> null)).isNull();
        assertThat(retry.statistics()).isEqualTo(figures(2, 2, 0, 0, 0));
    }

    @Test
    void aValueAfterFailuresIsTheResult() throws Exception {
        Retry retry = attempts(3).waiting(Backoff.incrementing(ms(10), ms(5)));

        assertThat(retry.call(new Script(first, second, "value")::call)).isEqualTo("value");
        assertThat(clock.waits).containsExactly(10L, 15L);
        assertThat(retry.statistics()).isEqualTo(figures(3, 1, 0, 0, 25));
    }

    @Test
    void afterTheLastAttemptItGivesUp() {
        Retry retry = attempts(3).waiting(Backoff.fixed(ms(600)));
        var script = new Script(first, second, third, "too late");

        var thrown = catchThrowableOfType(RetryExhaustedException.class, () -> retry.call(script::call));

        assertThat(thrown)
                .hasMessage("gave up after 3 attempts, 1.2 s after the first had failed: java.io.IOException: third")
                .hasCause(third)
                .hasNoSuppressedExceptions();
        assertThat(thrown.attemptCount()).isEqualTo(3);
        assertThat(thrown.attempts())
                .containsExactly(
                        new Attempt(1, Duration.ZERO, null, first),
                        new Attempt(2, ms(600), null, second),
                        new Attempt(3, ms(600), null, third));
        assertThatThrownBy(() -> thrown.attempts().clear()).isInstanceOf(UnsupportedOperationException.class);
        assertThat(retry.statistics()).isEqualTo(figures(3, 0, 1, 0, 1_200));
        assertThat(retry).hasToString("Retry[1 calls, 3 attempts, 0 succeeded, 1 exhausted, 0 failed]");
    }

    @Test
    void theMessageSaysWhatIsKnownOfTheTime() {
        Retry.Body<Object, IOException> slow = () -> {
            clock.pass(ms(100));
            throw first;
        };

        assertThatThrownBy(() -> attempts(1).call(slow))
                .hasMessage("gave up after 1 attempt: java.io.IOException: first");
        assertThatThrownBy(() -> attempts(2).call(slow))
                .hasMessage("gave up after 2 attempts, 100 ms after the first had failed: java.io.IOException: first");
        assertThatThrownBy(() -> Retry.until(Stop.afterAttempts(2).or(Stop.afterTime(HOUR))).time(clock).call(slow))
                .hasMessage("gave up after 2 attempts in 200 ms: java.io.IOException: first");
    }

    @Test
    void aValueThatIsNotAcceptedIsTriedForAgain() throws Exception {
        Retry retry = attempts(3).when(RetryCondition.onResult(Integer.class, n -> n < 0));

        assertThat(retry.call(new Script(-1, -2, 3)::call)).isEqualTo(3);
        for (Retry one : List.of(retry, retry.rethrowing())) {
            var thrown =
                    catchThrowableOfType(RetryExhaustedException.class, () -> one.call(new Script(-1, -2, -3)::call));
            assertThat(thrown)
                    .hasMessage("gave up after 3 attempts in 0 us: the condition did not accept the value")
                    .hasNoCause();
            assertThat(thrown.attempts()).extracting(Attempt::value).containsExactly(-1, -2, -3);
        }
    }

    @Test
    void aFailureThatIsNotCoveredIsThrownAsItIs() {
        var other = new IllegalStateException("not covered");
        for (Retry base : List.of(attempts(5), attempts(5).rethrowing())) {
            Retry retry = base.when(RetryCondition.onException(IOException.class));
            other = new IllegalStateException("not covered");
            var script = new Script(first, second, other);

            assertThat(catchThrowable(() -> retry.call(script::call))).isSameAs(other);
            assertThat(other.getSuppressed()).containsExactly(first, second);
            assertThat(other).hasNoCause();
            assertThat(retry.statistics()).isEqualTo(figures(3, 0, 0, 1, 0));
        }
        var atOnce = new IllegalStateException();
        assertThat(catchThrowable(() -> attempts(5).when(RetryCondition.onException(IOException.class)).run(() -> {
            throw atOnce;
        })))
                .isSameAs(atOnce)
                .hasNoSuppressedExceptions();
    }

    @Test
    void rethrowingThrowsTheLastFailureItself() {
        Retry retry = attempts(3).rethrowing();

        assertThat(catchThrowable(() -> retry.call(new Script(first, second, third)::call))).isSameAs(third);
        assertThat(third.getSuppressed()).containsExactly(first, second);
        assertThat(retry.statistics()).isEqualTo(figures(3, 0, 1, 0, 0));
    }

    @Test
    void anErrorIsThrownAtOnceWhateverTheConditionSays() {
        var error = new StackOverflowError();
        var script = new Script(first, error, "never");
        Retry retry = Retry.forever().time(clock).when(attempt -> true);

        assertThat(catchThrowable(() -> retry.call(script::call))).isSameAs(error);
        assertThat(error.getSuppressed()).containsExactly(first);
        assertThat(retry.statistics()).isEqualTo(figures(2, 0, 0, 1, 0));
    }

    @Test
    void cancellationEndsItUnlessAskedFor() throws Exception {
        var cancelled = new CancellationException();

        assertThat(catchThrowable(() -> attempts(3).call(new Script(cancelled, "value")::call))).isSameAs(cancelled);
        assertThat(attempts(3)
                .when(RetryCondition.onException(CancellationException.class))
                .call(new Script(cancelled, "value")::call))
                .isEqualTo("value");
    }

    @Test
    void theBodyCanAskForAnotherAttempt() throws Exception {
        Retry retry = attempts(3).when(RetryCondition.onException(FileNotFoundException.class));
        var again = new TryAgainException("not ready");

        assertThat(retry.call(new Script(again, new TryAgainException(), "value")::call)).isEqualTo("value");
        assertThatExceptionOfType(RetryExhaustedException.class)
                .isThrownBy(() -> retry.call(new Script(again, again, again)::call))
                .withMessageEndingWith(": dev.sennit.TryAgainException: not ready")
                .withCause(again);
        assertThat(new TryAgainException("why", first)).hasMessage("why").hasCause(first);
    }

    @Test
    void timeIsCountedFromTheBeginningOfTheFirstAttempt() {
        Retry.Body<Object, IOException> slow = () -> {
            clock.pass(ms(10));
            throw first;
        };
        Backoff backoff = Backoff.fixed(ms(5)); // attempts end at 10, 25, 40, 55

        assertThatExceptionOfType(RetryExhaustedException.class)
                .isThrownBy(() -> Retry.until(Stop.afterTime(ms(26))).waiting(backoff).time(clock).call(slow))
                .withMessageStartingWith("gave up after 3 attempts in 40 ms: ");
        assertThatExceptionOfType(RetryExhaustedException.class)
                .isThrownBy(() -> Retry.until(Stop.afterTime(ms(25))).waiting(backoff).time(clock).call(slow))
                .withMessageStartingWith("gave up after 2 attempts in 25 ms: ");
        assertThatExceptionOfType(RetryExhaustedException.class)
                .isThrownBy(() -> Retry.until(Stop.beforeTime(ms(30))).waiting(backoff).time(clock).call(slow))
                .withMessageStartingWith("gave up after 2 attempts in 25 ms: ");
        assertThatExceptionOfType(RetryExhaustedException.class)
                .isThrownBy(() -> Retry.until(Stop.beforeTime(ms(31))).waiting(backoff).time(clock).call(slow))
                .withMessageStartingWith("gave up after 3 attempts in 40 ms: ");
    }

    @Test
    void foreverIsLongAndItsMemoryBounded() {
        var number = new AtomicInteger();
        var enough = new IllegalStateException("enough");
        Retry retry = Retry.forever()
                .time(clock)
                .waiting(Backoff.exponential(Duration.ofNanos(1)).atMost(ms(1)))
                .when(RetryCondition.onException(IOException.class));

        assertThat(catchThrowable(() -> retry.run(() -> {
            if (number.incrementAndGet() > 10_000) {
                throw enough;
            }
            throw new IOException("number " + number);
        })))
                .isSameAs(enough);
        assertThat(enough.getSuppressed())
                .extracting(Throwable::getMessage)
                .containsExactlyElementsOf(
                        IntStream.concat(IntStream.rangeClosed(1, 4), IntStream.rangeClosed(9_989, 10_000))
                                .mapToObj(n -> "number " + n)
                                .toList());
        assertThat(retry.statistics().attempts()).isEqualTo(10_001);
    }

    @Test
    void ofManyAttemptsTheFirstAndTheLastAreKept() {
        for (int count : new int[] {1, 4, 5, 16}) {
            var thrown = catchThrowableOfType(RetryExhaustedException.class, () -> attempts(count).call(() -> {
                throw new IOException();
            }));
            assertThat(thrown.attempts())
                    .extracting(Attempt::number)
                    .isEqualTo(IntStream.rangeClosed(1, count).boxed().toList());
        }
        var thrown = catchThrowableOfType(RetryExhaustedException.class, () -> attempts(20).call(() -> {
            throw new IOException();
        }));
        assertThat(thrown.attemptCount()).isEqualTo(20);
        assertThat(thrown.attempts())
                .extracting(Attempt::number)
                .containsExactly(1, 2, 3, 4, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20);
    }

    // ---- failures that hang on each other ----

    @Test
    void oneExceptionThrownAgainAndAgainIsNotSuppressedInItself() {
        assertThat(catchThrowable(() -> attempts(3).rethrowing().call(new Script(first, first, first)::call)))
                .isSameAs(first);
        assertThat(first).hasNoSuppressedExceptions();

        assertThat(catchThrowable(() -> attempts(3).rethrowing().call(new Script(second, second, third)::call)))
                .isSameAs(third);
        assertThat(third.getSuppressed()).containsExactly(second);
    }

    @Test
    void anExceptionWithoutSuppressionIsThrownAsItIs() {
        final class Bare extends Exception {
            private static final long serialVersionUID = 1L;

            Bare() {
                super("bare", null, false, false);
            }
        }
        var bare = new Bare();

        assertThat(catchThrowable(() -> attempts(2).rethrowing().call(new Script(first, bare)::call))).isSameAs(bare);
        assertThat(bare).hasNoSuppressedExceptions();
    }

    @Test
    void anExceptionThatManyCallsThrowDoesNotGrowForEver() {
        for (int i = 0; i < 100; i++) {
            assertThat(catchThrowable(
                    () -> attempts(3).rethrowing().call(new Script(new IOException(), new IOException(), first)::call)))
                    .isSameAs(first);
        }
        assertThat(first.getSuppressed()).hasSizeBetween(16, 32);
    }

    // ---- interrupts ----

    @Test
    void anInterruptBeforeTheCallEndsItAtTheFirstWait() throws Exception {
        for (TimeSource time : List.of(clock, TimeSource.system())) {
            var failure = new IOException();
            Retry retry = Retry.forever().time(time);
            Thread.currentThread().interrupt();
            Throwable thrown = catchThrowable(() -> retry.call(new Script(failure, "never")::call));

            assertThat(Thread.interrupted()).as("the exception tells it").isFalse();
            assertThat(thrown).isInstanceOf(InterruptedException.class);
            assertThat(thrown.getSuppressed()).containsExactly(failure);
            assertThat(retry.statistics()).isEqualTo(figures(1, 0, 0, 1, 0));
        }
    }

    @Test
    void anInterruptBeforeTheCallDoesNotSpoilASuccess() throws Exception {
        for (Retry retry : List.of(attempts(3), attempts(3).afterAttempt(attempt -> {}))) {
            Thread.currentThread().interrupt();
            Object value = retry.call(new Script("value")::call);

            assertThat(Thread.interrupted()).as("it is still there").isTrue();
            assertThat(value).isEqualTo("value");
        }
    }

    @Test
    void anInterruptEndsTheWait() throws Exception {
        Retry retry = Retry.forever().waiting(Backoff.fixed(HOUR));
        Caller<Object> caller = Caller.of(() -> retry.call(new Script(first, "never")::call));
        caller.awaitWaitingIn("sleep");
        caller.interrupt();

        Throwable thrown = caller.failure();
        assertThat(thrown).isInstanceOf(InterruptedException.class);
        assertThat(thrown.getSuppressed()).containsExactly(first);
        assertThat(retry.statistics()).isEqualTo(figures(1, 0, 0, 1, 0));
    }

    @Test
    void anInterruptEndsTheWaitOfAVirtualThread() throws Exception {
        var task = new FutureTask<>(Retry.forever().waiting(Backoff.fixed(HOUR)).wrap(new Script(first, "never")));
        Thread thread = Thread.ofVirtual().start(task);
        Conditions.await("it waits").until(() -> thread.getState() == Thread.State.TIMED_WAITING);
        thread.interrupt();

        assertThatThrownBy(() -> task.get(60, TimeUnit.SECONDS)).hasCauseInstanceOf(InterruptedException.class);
    }

    @Test
    void anInterruptedExceptionOfTheBodyEndsItWhateverTheConditionSays() {
        var interrupted = new InterruptedException();
        Retry retry = attempts(5).when(attempt -> true);

        assertThat(catchThrowable(() -> retry.call(new Script(first, interrupted, "never")::call)))
                .isSameAs(interrupted);
        assertThat(interrupted.getSuppressed()).containsExactly(first);
        assertThat(retry.statistics()).isEqualTo(figures(2, 0, 0, 1, 0));
        assertThat(catchThrowable(() -> attempts(5).call(new Script(interrupted, "never")::call)))
                .isSameAs(interrupted);
    }

    @Test
    void noAttemptIsMadeAfterAnInterruptEvenWithoutAWait() {
        var script = new Script(first, "never");

        assertThatThrownBy(
                () -> Retry.attempts(2).afterAttempt(attempt -> Thread.currentThread().interrupt()).call(script::call))
                .isInstanceOf(InterruptedException.class);
        assertThat(script.calls).isEqualTo(1);
    }

    // ---- callbacks ----

    @Test
    void callbacksAreCalledInOrder() throws Exception {
        List<String> seen = new ArrayList<>();
        Retry retry = attempts(3)
                .waiting(Backoff.fixed(ms(20)))
                .beforeAttempt(number -> seen.add("before " + number))
                .afterAttempt(attempt -> seen.add("after " + attempt))
                .afterAttempt(attempt -> seen.add("after, too"))
                .beforeWait((attempt, wait) -> seen.add("wait " + attempt.number() + " " + wait.toMillis()))
                .beforeAttempt(number -> seen.add("before, too"));

        retry.call(new Script(first, "value")::call);
        assertThat(seen)
                .containsExactly(
                        "before 1",
                        "before, too",
                        "after Attempt[1, failed: java.io.IOException: first]",
                        "after, too",
                        "wait 1 20",
                        "before 2",
                        "before, too",
                        "after Attempt[2, after 20 ms, returned value]",
                        "after, too");
    }

    @Test
    void everyAttemptIsToldOfAndNoWaitThatIsNone() {
        var before = new AtomicInteger();
        var after = new AtomicInteger();
        var waits = new AtomicInteger();
        Retry retry = attempts(2)
                .when(RetryCondition.onException(IOException.class))
                .beforeAttempt(number -> before.incrementAndGet())
                .afterAttempt(attempt -> after.incrementAndGet())
                .beforeWait((attempt, wait) -> waits.incrementAndGet());

        catchThrowable(() -> retry.call(new Script(first, second)::call));
        catchThrowable(() -> retry.call(new Script(new IllegalStateException())::call));
        catchThrowable(() -> retry.call(new Script(new AssertionError())::call));
        catchThrowable(() -> retry.call(new Script(new InterruptedException())::call));
        assertThat(before).hasValue(5);
        assertThat(after).hasValue(5);
        assertThat(waits).as("only before an attempt").hasValue(1);
    }

    @Test
    void aCallbackThatThrowsHarmsNobody() throws Exception {
        List<String> seen = new ArrayList<>();
        Retry retry = attempts(2)
                .beforeAttempt(number -> {
                    throw new IllegalStateException("expected in the log of this test");
                })
                .beforeAttempt(number -> seen.add("before"))
                .afterAttempt(attempt -> {
                    throw new AssertionError("expected in the log of this test");
                })
                .afterAttempt(attempt -> seen.add("after"))
                .beforeWait((attempt, wait) -> {
                    throw new IllegalStateException("expected in the log of this test");
                })
                .beforeWait((attempt, wait) -> seen.add("wait"));

        assertThat(retry.call(new Script(first, "value")::call)).isEqualTo("value");
        assertThat(seen).containsExactly("before", "after", "wait", "before", "after");
        assertThat(first).hasNoSuppressedExceptions();
    }

    // ---- what decides may be broken ----

    @Test
    void whatTheStopTheBackoffOrTheConditionThrowsEndsIt() {
        for (Throwable broken : List.of(new IllegalStateException("broken"), new AssertionError("broken"))) {
            Callable<Boolean> fail = () -> {
                if (broken instanceof Error error) {
                    throw error;
                }
                throw (Exception) broken;
            };
            List<Retry> retries = List.of(
                    Retry.until((last, elapsed, wait) -> last.number() == 2 && sneaky(fail)).time(clock),
                    attempts(5).waiting((last, random) -> last.number() == 2 && sneaky(fail) ? null : Duration.ZERO),
                    attempts(5).when(attempt -> attempt.number() == 1 || sneaky(fail)));
            for (Retry retry : retries) {
                var one = new IOException("one");
                var two = new IOException("two");
                int before = broken.getSuppressed().length;
                Throwable thrown = catchThrowable(() -> retry.call(new Script(one, two, "never")::call));

                assertThat(thrown).isSameAs(broken);
                assertThat(thrown.getSuppressed()).hasSize(before + 2).endsWith(one, two);
                assertThat(retry.statistics()).isEqualTo(figures(2, 0, 0, 1, 0));
            }
        }
    }

    private static boolean sneaky(Callable<Boolean> callable) {
        try {
            return callable.call();
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aConditionThatThrowsTheFailureItselfIsNoRing() {
        var failure = new IllegalStateException();

        assertThat(catchThrowable(() -> attempts(5)
                .when(attempt -> {
                    throw failure;
                })
                .call(new Script(failure)::call)))
                .isSameAs(failure)
                .hasNoSuppressedExceptions();
    }

    @Test
    void aBackoffWithoutAnAnswerIsNamed() {
        assertThatNullPointerException()
                .isThrownBy(() -> attempts(2).waiting((last, random) -> null).call(new Script(first)::call))
                .withMessage("the backoff returned null");
    }

    @Test
    void aClockThatThrowsEndsIt() {
        var broken = new IllegalStateException("broken");
        Retry retry = Retry.attempts(2).time(new TimeSource() {
            @Override
            public long nanoTime() {
                return 0;
            }

            @Override
            public Instant now() {
                return Instant.EPOCH;
            }

            @Override
            public void sleep(Duration time) {
                throw broken;
            }
        });

        assertThat(catchThrowable(() -> retry.call(new Script(first)::call))).isSameAs(broken);
        assertThat(broken.getSuppressed()).containsExactly(first);
        assertThat(retry.statistics()).isEqualTo(figures(1, 0, 0, 1, 0));
    }

    @Test
    void waitsAreBroughtIntoRange() throws Exception {
        List<Duration> waits = new ArrayList<>();
        TimeSource time = new TimeSource() {
            @Override
            public long nanoTime() {
                return 0;
            }

            @Override
            public Instant now() {
                return Instant.EPOCH;
            }

            @Override
            public void sleep(Duration time) {
                waits.add(time);
            }
        };
        Backoff own = (last, random) -> Duration.ofSeconds(last.number() == 1 ? -1 : Long.MAX_VALUE);

        Retry.attempts(3).waiting(own).time(time).call(new Script(first, second, "value")::call);
        assertThat(waits).containsExactly(Duration.ZERO, Duration.ofNanos(Long.MAX_VALUE));
    }

    // ---- settings ----

    @Test
    void settingsMakeANewOneWithFiguresOfItsOwn() throws Exception {
        Retry retry = attempts(2);
        catchThrowable(() -> retry.call(new Script(first, first)::call));
        Retry copy = retry.rethrowing();
        copy.call(new Script("value")::call);

        assertThat(copy.statistics()).isEqualTo(figures(1, 1, 0, 0, 0));
        assertThat(retry.statistics()).isEqualTo(figures(2, 0, 1, 0, 0));
        assertThat(retry.statistics().waited()).isZero();
    }

    @Test
    void aSeedMakesTheJitterReproducible() {
        for (int i = 0; i < 2; i++) {
            catchThrowable(() -> attempts(5)
                    .waiting(Backoff.fixed(HOUR).fullJitter())
                    .random(new SplittableRandom(1))
                    .call(new Script(first, first, first, first, first)::call));
        }

        assertThat(clock.waits).hasSize(8);
        assertThat(clock.waits.subList(0, 4)).isEqualTo(clock.waits.subList(4, 8)).doesNotHaveDuplicates();
    }

    @Test
    void withoutASeedEveryThreadHasItsOwnGenerator() {
        catchThrowable(() -> attempts(5)
                .waiting(Backoff.fixed(HOUR).fullJitter())
                .call(new Script(first, first, first, first, first)::call));

        assertThat(clock.waits).hasSize(4).allMatch(wait -> wait <= HOUR.toMillis()).doesNotHaveDuplicates();
    }

    /** That this compiles is the test: the lambda throws nothing, so no more than the interrupt has to be declared. */
    @Test
    void theBodySaysWhatIsThrown() throws InterruptedException {
        int answer = attempts(2).call(() -> 42);
        try {
            attempts(2).run(() -> read());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        assertThat(answer).isEqualTo(42);
    }

    private static void read() throws IOException {}

    @Test
    void aBlockIsRunUntilItReturns() throws Exception {
        var script = new Script(first, second, "value");
        attempts(3).run(script::call);

        assertThat(script.calls).isEqualTo(3);
        assertThatExceptionOfType(RetryExhaustedException.class).isThrownBy(() -> attempts(1).run(() -> {
            throw first;
        }));
    }

    @Test
    void aCallableCanBeWrapped() throws Exception {
        Retry retry = attempts(2);
        Callable<Object> wrapped = retry.wrap(new Script(first, "one", "two"));

        assertThat(wrapped.call()).isEqualTo("one");
        assertThat(wrapped.call()).isEqualTo("two");
        assertThat(retry.statistics()).isEqualTo(figures(3, 2, 0, 0, 0));
        try (Pool pool = Pools.open("threads:2")) {
            assertThat(pool.submit(retry.wrap(new Script(first, "three"))).get()).isEqualTo("three");
        }
    }

    @Test
    void nonsenseIsRefused() {
        Retry retry = attempts(1);

        assertThatIllegalArgumentException().isThrownBy(() -> Retry.attempts(0))
                .withMessage("attempts must be >= 1, was 0");
        assertThatNullPointerException().isThrownBy(() -> Retry.until(null)).withMessage("stop");
        assertThatNullPointerException().isThrownBy(() -> retry.waiting(null)).withMessage("backoff");
        assertThatNullPointerException().isThrownBy(() -> retry.when(null)).withMessage("condition");
        assertThatNullPointerException().isThrownBy(() -> retry.beforeAttempt(null)).withMessage("callback");
        assertThatNullPointerException().isThrownBy(() -> retry.afterAttempt(null)).withMessage("callback");
        assertThatNullPointerException().isThrownBy(() -> retry.beforeWait(null)).withMessage("callback");
        assertThatNullPointerException().isThrownBy(() -> retry.time(null)).withMessage("time");
        assertThatNullPointerException().isThrownBy(() -> retry.random(null)).withMessage("random");
        assertThatNullPointerException().isThrownBy(() -> retry.call(null)).withMessage("body");
        assertThatNullPointerException().isThrownBy(() -> retry.run(null)).withMessage("block");
        assertThatNullPointerException().isThrownBy(() -> retry.wrap(null)).withMessage("task");
        assertThat(retry.statistics()).as("none of these is a call").isEqualTo(figures(0, 0, 0, 0, 0));
    }

    @Test
    void aCallThatSucceedsAtOnceReadsNoClock() throws Exception {
        TimeSource none = new TimeSource() {
            @Override
            public long nanoTime() {
                throw new AssertionError("read");
            }

            @Override
            public Instant now() {
                throw new AssertionError("read");
            }

            @Override
            public void sleep(Duration time) {
                throw new AssertionError("waited");
            }
        };

        assertThat(Retry.attempts(3).time(none).call(() -> 1)).isEqualTo(1);
        assertThatThrownBy(() -> Retry.until(Stop.afterTime(HOUR)).time(none).call(() -> 1)).hasMessage("read");
    }

    // ---- many threads ----

    @Test
    void figuresAddUpWhileManyThreadsCall() throws Exception {
        int threads = 4;
        int calls = 500;
        Retry retry = attempts(2).when(RetryCondition.onException(IOException.class));
        var start = new CountDownLatch(1);
        var done = new AtomicBoolean();
        List<FutureTask<Void>> tasks = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            tasks.add(start(() -> {
                start.await();
                Retry own = retry;
                for (int call = 0; call < calls; call++) {
                    var failure = new IOException();
                    Object[] outcomes = switch (call % 5) {
                        case 0 -> new Object[] {"at once"};
                        case 1 -> new Object[] {failure, "later"};
                        case 2 -> new Object[] {failure, new IOException()};
                        case 3 -> new Object[] {new IllegalStateException()};
                        default -> new Object[] {failure, new AssertionError()};
                    };
                    Throwable thrown = catchThrowable(() -> own.call(new Script(outcomes)::call));
                    assertThat(thrown).as("call %d, interrupted: %s", call, Thread.currentThread().isInterrupted())
                            .satisfies(switch (call % 5) {
                                case 0, 1 -> end -> assertThat(end).isNull();
                                case 2 -> end -> assertThat(end).isInstanceOf(RetryExhaustedException.class);
                                case 3 -> end -> assertThat(end).isInstanceOf(IllegalStateException.class);
                                default -> end -> assertThat(end).isInstanceOf(AssertionError.class);
                            });
                }
                return null;
            }));
        }
        FutureTask<Void> watcher = start(() -> {
            start.await();
            while (!done.get()) {
                RetryStatistics seen = retry.statistics();
                assertThat(seen.calls()).isEqualTo(seen.succeeded() + seen.exhausted() + seen.failed());
                assertThat(seen.attempts()).isGreaterThanOrEqualTo(seen.calls());
            }
            return null;
        });
        start.countDown();
        for (FutureTask<Void> task : tasks) {
            task.get(60, TimeUnit.SECONDS);
        }
        done.set(true);
        watcher.get(60, TimeUnit.SECONDS);

        long fifth = (long) threads * calls / 5;
        assertThat(retry.statistics()).isEqualTo(figures(8 * fifth, 2 * fifth, fifth, 2 * fifth, 0));
    }

    @Test
    void oneGeneratorMayBeSharedByThreads() throws Exception {
        var inside = new AtomicInteger();
        var most = new AtomicInteger();
        RandomGenerator generator = () -> {
            most.accumulateAndGet(inside.incrementAndGet(), Math::max);
            Thread.onSpinWait();
            inside.decrementAndGet();
            return 1;
        };
        Retry retry = Retry.attempts(2)
                .random(generator)
                .waiting(Backoff.fixed(Duration.ofNanos(1)).fullJitter().atMost(Duration.ZERO));
        Race.Part part = round -> retry.call(new Script(new IOException(), "value")::call);
        Race.run(1_000, part, part);

        assertThat(most).as("at a time").hasValue(1);
    }

    private static FutureTask<Void> start(Callable<Void> body) {
        var task = new FutureTask<>(body);
        Thread.ofPlatform().daemon().start(task);
        return task;
    }

    // ---- steps, and whole calls ----

    /** What both have to do, in a few lines: the number of attempts, and how it ends. */
    private record Expected(int attempts, Object ending) {
        static final String EXHAUSTED = "exhausted";

        static Expected of(List<Object> outcomes, int limit) {
            for (int made = 1;; made++) {
                Object outcome = outcomes.get(made - 1);
                boolean again =
                        outcome instanceof IOException || outcome instanceof TryAgainException || outcome.equals(-1);
                if (!again) {
                    return new Expected(made, outcome);
                }
                if (made == limit) {
                    return new Expected(made, EXHAUSTED);
                }
            }
        }
    }

    private static Object anyOutcome(RandomGenerator from) {
        return switch (from.nextInt(10)) {
            case 0 -> "value";
            case 1 -> new IllegalStateException();
            case 2 -> new AssertionError();
            case 3 -> new InterruptedException();
            case 4 -> new CancellationException();
            case 5 -> new TryAgainException();
            case 6 -> -1;
            default -> new IOException();
        };
    }

    private static List<Throwable> failuresBefore(List<Object> outcomes, int attempts) {
        return outcomes.subList(0, attempts - 1).stream()
                .filter(Throwable.class::isInstance)
                .map(Throwable.class::cast)
                .toList();
    }

    @Test
    void stepsAndCallsDoTheSame() {
        Seeded.repeat(1_000, random -> {
            RandomGenerator from = random.generator();
            List<Object> outcomes = IntStream.range(0, 8).mapToObj(i -> anyOutcome(from)).toList();
            int limit = 1 + from.nextInt(8);
            Expected expected = Expected.of(outcomes, limit);
            RetryCondition condition = RetryCondition.onException(IOException.class);
            Retry retry = attempts(limit)
                    .waiting(Backoff.exponential(ms(1)))
                    .when(outcomes.contains(-1)
                            ? condition.or(RetryCondition.onResult(Integer.class, n -> n == -1))
                            : condition);

            var script = new Script(outcomes.toArray());
            clock.waits.clear();
            Object called;
            try {
                called = retry.call(script::call);
            } catch (Throwable e) {
                called = e;
            }
            check(called, expected, outcomes);
            assertThat(script.calls).isEqualTo(expected.attempts());
            List<Long> waits = List.copyOf(clock.waits);
            assertThat(waits).isEqualTo(IntStream.range(0, expected.attempts() - 1).mapToObj(i -> 1L << i).toList());
            RetryStatistics seen = retry.statistics();

            Retry other = retry.time(clock);
            List<Long> stepped = new ArrayList<>();
            RetryProgress progress = other.begin();
            Object ending;
            while (true) {
                progress.beforeAttempt();
                Object outcome = outcomes.get(stepped.size());
                Throwable thrown = outcome instanceof Throwable failure ? failure : null;
                Duration wait = progress.afterAttempt(thrown == null ? outcome : null, thrown);
                if (wait == null) {
                    ending = Objects.requireNonNullElse(progress.failure(), outcome);
                    break;
                }
                assertThat(progress.failure()).isNull();
                stepped.add(wait.toMillis());
            }
            check(ending, expected, outcomes);
            assertThat(stepped).isEqualTo(waits);
            assertThat(other.statistics()).isEqualTo(seen);
        });
    }

    private static void check(Object ending, Expected expected, List<Object> outcomes) {
        List<Throwable> earlier = failuresBefore(outcomes, expected.attempts());
        if (expected.ending().equals(Expected.EXHAUSTED)) {
            assertThat(ending).isInstanceOf(RetryExhaustedException.class);
            var exhausted = (RetryExhaustedException) ending;
            assertThat(exhausted.attempts())
                    .extracting(Attempt::number)
                    .containsExactlyElementsOf(IntStream.rangeClosed(1, expected.attempts()).boxed().toList());
            assertThat(exhausted.attemptCount()).isEqualTo(expected.attempts());
            Object last = outcomes.get(expected.attempts() - 1);
            assertThat(exhausted.getCause()).isSameAs(last instanceof Throwable ? last : null);
        } else {
            assertThat(ending).isSameAs(expected.ending());
            if (ending instanceof Throwable thrown) {
                assertThat(thrown.getSuppressed()).containsExactlyElementsOf(earlier);
            }
        }
    }

    @Test
    void whoDrivesACallMayEndIt() {
        Retry retry = attempts(5);
        RetryProgress progress = retry.begin();
        progress.beforeAttempt();
        progress.afterAttempt(null, first);
        var cancelled = new CancellationException();

        assertThat(progress.end(cancelled)).isSameAs(cancelled);
        assertThat(cancelled.getSuppressed()).containsExactly(first);
        assertThat(retry.statistics()).isEqualTo(figures(1, 0, 0, 1, 0));
    }
}
