package dev.sennit;

import static dev.sennit.conformance.internal.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.conformance.internal.Caller;
import dev.sennit.internal.Deadline;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FuturesTest {
    private static final Duration AT_ONCE = Duration.ZERO;
    private static final Duration LONG = Duration.ofSeconds(30);

    private final CompletableFuture<String> a = new CompletableFuture<>();
    private final CompletableFuture<String> b = new CompletableFuture<>();
    private final CompletableFuture<String> c = new CompletableFuture<>();
    private final List<CompletableFuture<String>> all = List.of(a, b, c);

    private Caller<Waited<CompletableFuture<String>>> waiting(Until until) {
        Caller<Waited<CompletableFuture<String>>> caller = Caller.of(() -> Futures.wait(all, until));
        caller.awaitWaitingIn("wait");
        return caller;
    }

    // ---- wait ----

    @Test
    void waitForAllReturnsWhenAllAreDone() throws Exception {
        var caller = waiting(Until.ALL);
        b.complete("b");
        a.completeExceptionally(new IllegalStateException());
        caller.awaitWaitingIn("wait");
        c.cancel(false);

        assertThat(caller.result()).isEqualTo(new Waited<>(all, List.of()));
    }

    @Test
    void anInterruptThatHasComeEndsAWaitAlsoWhenThereIsNothingToWaitFor() {
        a.complete("a");
        Thread.currentThread().interrupt();

        assertThatThrownBy(() -> Futures.wait(all, Until.FIRST_COMPLETED)).isInstanceOf(InterruptedException.class);
        assertThat(Thread.interrupted()).as("told by the exception").isFalse();
    }

    @Test
    void waitForTheFirstReturnsWhenOneIsDone() throws Exception {
        var caller = waiting(Until.FIRST_COMPLETED);
        b.complete("b");

        assertThat(caller.result()).isEqualTo(new Waited<>(List.of(b), List.of(a, c)));
    }

    @Test
    void waitForTheFirstFailureLetsSuccessesPass() throws Exception {
        var caller = waiting(Until.FIRST_FAILED);
        c.complete("c");
        caller.awaitWaitingIn("wait");
        b.completeExceptionally(new IllegalStateException());

        assertThat(caller.result()).isEqualTo(new Waited<>(List.of(b, c), List.of(a)));
    }

    @Test
    void aCancelledFutureHasFailed() throws Exception {
        var caller = waiting(Until.FIRST_FAILED);
        a.cancel(true);

        assertThat(caller.result().done()).containsExactly(a);
    }

    @Test
    void waitForTheFirstFailureReturnsWhenAllSucceeded() throws Exception {
        all.forEach(future -> future.complete("x"));

        assertThat(Futures.wait(all, Until.FIRST_FAILED)).isEqualTo(new Waited<>(all, List.of()));
    }

    @ParameterizedTest
    @EnumSource
    void nothingToWaitForIsNoWait(Until until) throws Exception {
        assertThat(Futures.wait(List.<CompletableFuture<String>>of(), until))
                .isEqualTo(new Waited<>(List.of(), List.of()));
        assertThat(Futures.wait(List.<CompletableFuture<String>>of(), until, LONG))
                .isEqualTo(new Waited<>(List.of(), List.of()));
    }

    @ParameterizedTest
    @EnumSource
    void whenTheTimeIsOverItSaysWhatIsNotDone(Until until) throws Exception {
        assertThat(Futures.wait(all, until, Duration.ofMillis(1))).isEqualTo(new Waited<>(List.of(), all));
        for (Duration none : List.of(AT_ONCE, Duration.ofNanos(-1), Duration.ofDays(-1),
                Duration.ofSeconds(Long.MIN_VALUE))) {
            assertThat(Futures.wait(all, until, none)).isEqualTo(new Waited<>(List.of(), all));
        }
        assertThat(all).noneMatch(CompletableFuture::isDone);
    }

    @Test
    void noTimeIsEnoughForWhatIsDone() throws Exception {
        a.complete("a");
        c.complete("c");

        assertThat(Futures.wait(all, Until.ALL, AT_ONCE)).isEqualTo(new Waited<>(List.of(a, c), List.of(b)));
        b.complete("b");
        assertThat(Futures.wait(all, Until.ALL, AT_ONCE)).isEqualTo(new Waited<>(all, List.of()));
    }

    @Test
    void aVeryLongTimeIsLong() throws Exception {
        Caller<Waited<CompletableFuture<String>>> caller =
                Caller.of(() -> Futures.wait(all, Until.FIRST_COMPLETED, Duration.ofSeconds(Long.MAX_VALUE)));
        caller.awaitWaitingIn("wait");
        b.complete("b");

        assertThat(caller.result().done()).containsExactly(b);
    }

    @Test
    void aFutureThatIsGivenTwiceCountsOnce() throws Exception {
        a.complete("a");

        assertThat(Futures.wait(List.of(b, a, a, b), Until.ALL, AT_ONCE))
                .isEqualTo(new Waited<>(List.of(a), List.of(b)));
        b.complete("b");
        assertThat(Futures.wait(List.of(b, a, a, b), Until.ALL)).isEqualTo(new Waited<>(List.of(b, a), List.of()));
    }

    @Test
    void anInterruptEndsTheWait() throws Exception {
        var caller = waiting(Until.ALL);
        caller.interrupt();
        assertThat(caller.failure()).isInstanceOf(InterruptedException.class);

        Caller<?> limited = Caller.of(() -> Futures.wait(all, Until.ALL, LONG));
        limited.awaitWaitingIn("wait");
        limited.interrupt();
        assertThat(limited.failure()).isInstanceOf(InterruptedException.class);
        assertThat(all).noneMatch(CompletableFuture::isDone);
    }

    @Test
    void futuresOfSeveralPoolsCanBeWaitedForTogether() throws Exception {
        try (Pool threads = Pools.open("threads:1");
                Pool virtual = Pools.open("virtual")) {
            List<TaskFuture<Integer>> futures = List.of(threads.submit(() -> 1), virtual.submit(() -> 2));

            assertThat(Futures.wait(futures, Until.ALL).done()).isEqualTo(futures);
        }
    }

    @Test
    void waitedIsACopy() {
        List<CompletableFuture<String>> mutable = new ArrayList<>(all);
        var waited = new Waited<>(mutable, mutable);
        mutable.clear();

        assertThat(waited.done()).isEqualTo(all);
        assertThatThrownBy(() -> waited.notDone().clear()).isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void futuresThatComeOrGoMeanwhileAreNotWaitedFor() throws Exception {
        var first = new CompletableFuture<Integer>();
        var second = new CompletableFuture<Integer>();
        List<CompletableFuture<Integer>> given =
                new java.util.concurrent.CopyOnWriteArrayList<>(List.of(first, second));
        var waiter = Caller.of(() -> Futures.wait(given, Until.ALL));
        waiter.awaitWaitingIn("wait");
        given.clear();
        given.add(new CompletableFuture<>());
        first.complete(1);
        second.complete(2);
        assertThat(waiter.result()).isEqualTo(new Waited<>(List.of(first, second), List.of()));
    }

    @Test
    void nullIsRefused() {
        assertThatNullPointerException().isThrownBy(() -> Futures.wait(null, Until.ALL));
        assertThatNullPointerException().isThrownBy(() -> Futures.wait(all, null));
        assertThatNullPointerException().isThrownBy(() -> Futures.wait(all, Until.ALL, null));
        assertThatNullPointerException().isThrownBy(() -> Futures.wait(Arrays.asList(a, null), Until.ALL));
        assertThatNullPointerException().isThrownBy(() -> Futures.inCompletionOrder(null));
        assertThatNullPointerException().isThrownBy(() -> Futures.inCompletionOrder(all, null));
        assertThatNullPointerException().isThrownBy(() -> Futures.inCompletionOrder(Arrays.asList(a, null)));
    }

    // ---- inCompletionOrder ----

    @Test
    void futuresComeAsTheyGetDone() throws Exception {
        List<CompletableFuture<String>> seen = new ArrayList<>();
        Caller<Integer> caller = Caller.of(() -> {
            for (CompletableFuture<String> future : Futures.inCompletionOrder(all)) {
                assertThat(future).isDone();
                synchronized (seen) {
                    seen.add(future);
                }
            }
            return seen.size();
        });
        for (CompletableFuture<String> next : List.of(b, c, a)) {
            caller.awaitWaitingIn("next");
            next.complete("x");
        }

        assertThat(caller.result()).isEqualTo(3);
        assertThat(seen).containsExactly(b, c, a);
    }

    @Test
    void whatIsDoneAlreadyKeepsItsOrder() {
        all.forEach(future -> future.complete("x"));

        assertThat(Futures.inCompletionOrder(List.of(c, a, b))).containsExactly(c, a, b);
        assertThat(Futures.inCompletionOrder(List.of(c, a, b), AT_ONCE)).containsExactly(c, a, b);
    }

    @Test
    void aFutureThatIsGivenTwiceComesOnce() {
        all.forEach(future -> future.complete("x"));

        assertThat(Futures.inCompletionOrder(List.of(a, b, a, c, b))).containsExactly(a, b, c);
    }

    @Test
    void failuresComeAsWell() {
        a.completeExceptionally(new IllegalStateException());
        b.cancel(false);
        c.complete("c");

        assertThat(Futures.inCompletionOrder(all)).containsExactly(a, b, c);
    }

    @Test
    void theIterableCanBeWalkedAgainAndIsACopy() {
        all.forEach(future -> future.complete("x"));
        List<CompletableFuture<String>> mutable = new ArrayList<>(all);
        Iterable<CompletableFuture<String>> iterable = Futures.inCompletionOrder(mutable);
        mutable.clear();

        assertThat(iterable).hasSize(3);
        assertThat(iterable).hasSize(3);
        Iterator<CompletableFuture<String>> iterator = iterable.iterator();
        for (int i = 0; i < 3; i++) {
            iterator.next();
        }
        assertThat(iterator.hasNext()).isFalse();
        assertThatThrownBy(iterator::next).isInstanceOf(NoSuchElementException.class);
    }

    @Test
    void whenTheTimeIsOverItSaysHowManyAreUnfinished() {
        b.complete("b");
        Iterator<CompletableFuture<String>> iterator = Futures.inCompletionOrder(all, Duration.ofMillis(1)).iterator();

        assertThat(iterator.next()).isSameAs(b);
        assertThat(iterator.hasNext()).isTrue();
        assertThatThrownBy(iterator::next)
                .isInstanceOf(CompletionException.class)
                .cause()
                .isInstanceOf(TimeoutException.class)
                .hasMessage("2 (of 3) futures unfinished");
        a.complete("a");
        assertThat(iterator.next()).as("late, but done").isSameAs(a);
    }

    @Test
    void theTimeBeginsWithTheIteration() {
        Iterable<CompletableFuture<String>> iterable = Futures.inCompletionOrder(all, LONG);
        all.forEach(future -> future.complete("x"));

        assertThat(iterable).hasSize(3);
    }

    @Test
    void anInterruptEndsTheIteration() throws Exception {
        for (boolean limited : List.of(true, false)) {
            Caller<Boolean> caller = Caller.of(() -> {
                assertThatThrownBy(
                        () -> (limited ? Futures.inCompletionOrder(all, LONG) : Futures.inCompletionOrder(all))
                                .iterator()
                                .next())
                        .isInstanceOf(CompletionException.class)
                        .hasCauseInstanceOf(InterruptedException.class);
                return Thread.currentThread().isInterrupted();
            });
            caller.awaitWaitingIn("next");
            caller.interrupt();
            assertThat(caller.result()).as("the interrupt status is kept").isTrue();
        }
    }

    // ---- what is left behind ----

    @Test
    void aFutureThatIsDoneIsNotRemembered() throws Exception {
        int before = Waiters.ofOthers();
        List<CompletableFuture<Integer>> futures =
                Stream.generate(() -> new CompletableFuture<Integer>()).limit(100).toList();
        Futures.wait(futures, Until.ALL, AT_ONCE);
        assertThat(Waiters.ofOthers()).isGreaterThanOrEqualTo(100);
        futures.forEach(future -> future.complete(1));
        assertThat(Waiters.ofOthers()).isLessThanOrEqualTo(before);
        Futures.wait(futures, Until.ALL);
        assertThat(Waiters.ofOthers()).isLessThanOrEqualTo(before);
        assertThat(futures).allMatch(CompletableFuture::isDone);
    }

    /**
     * A worker that waits for a retried task and another asks the first for more to run, and is done when the second
     * is.
     */
    @Test
    void aTaskThatIsNotDoneForgetsAWorkerThatWaitsNoMore() throws Exception {
        var pool = new FakePool(1) {
            @Override
            protected void aboutToWait(Submission<?> submission) {
                if (submission.name().equals("second")) {
                    submission.run();
                }
            }
        };
        pool.onWorker = true;
        TaskFuture<Integer> first = pool.submit(() -> 1, TaskOptions.named("first").retry(Retry.attempts(2)));
        TaskFuture<Integer> second = pool.submit(() -> 2, TaskOptions.named("second"));
        var left = new WeakReference<>(queueThatHandsOut(second, first));
        await("nothing keeps the queue").until(() -> {
            System.gc();
            return left.refersTo(null);
        });
        assertThat(first).isNotDone();
    }

    private static CompletionQueue<TaskFuture<Integer>> queueThatHandsOut(TaskFuture<Integer> ready,
            TaskFuture<Integer> other)
            throws Exception {
        var queue = new CompletionQueue<TaskFuture<Integer>>(List.of(other, ready), Deadline.NEVER);
        assertThat(queue.next()).isSameAs(ready);
        queue.close();
        return queue;
    }
}
