package dev.sennit.conformance;

import static dev.sennit.conformance.internal.Conditions.await;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.sennit.Backoff;
import dev.sennit.CancelScope;
import dev.sennit.Futures;
import dev.sennit.Mapper;
import dev.sennit.Outcome;
import dev.sennit.Pool;
import dev.sennit.RandomStreams;
import dev.sennit.RejectedSubmissionException;
import dev.sennit.Retry;
import dev.sennit.RetryCondition;
import dev.sennit.RetryExhaustedException;
import dev.sennit.Task;
import dev.sennit.TaskBiFunction;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import dev.sennit.TaskScope;
import dev.sennit.Until;
import dev.sennit.conformance.internal.Caller;
import dev.sennit.conformance.internal.Work;
import dev.sennit.shared.InterProcessLock;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * What every kind of pool does beside running tasks: callbacks in order, delays, loops. A part of {@link PoolContract},
 * which says how its tests are written.
 */
@SuppressWarnings("CheckReturnValue") // of calls that are to fail
public abstract sealed class PoolServicesContract extends PoolCallersContract permits PoolMessagesContract {
    private static final Duration LONG = Duration.ofDays(1);

    /** For the subclasses. */
    protected PoolServicesContract() {}

    // ---- onDone ----

    @Test
    public void callbacksAreCalledInTheOrderTheyWereAdded() throws Exception {
        var here = signals();
        TaskFuture<Integer> future = pool().submit(() -> {
            if (here.isSet("never")) {
                throw new IllegalStateException();
            }
            return 5;
        });
        List<Integer> called = new CopyOnWriteArrayList<>();
        for (int i = 0; i < 100; i++) {
            int number = i;
            future.onDone(done -> called.add(number + done.resultNow()));
        }
        value(future);
        var last = new java.util.concurrent.CountDownLatch(1);
        future.onDone(done -> last.countDown());
        assertThat(last.await(BOUND, SECONDS)).isTrue();
        assertThat(called).isEqualTo(IntStream.range(5, 105).boxed().toList());
    }

    @Test
    public void aCallbackThatThrowsHarmsNeitherTheOthersNorTheWorker() throws Exception {
        var here = signals();
        List<String> called = new CopyOnWriteArrayList<>();
        TaskFuture<Integer> future = pool().submit(() -> here.isSet("never") ? 0 : 1);
        var last = new java.util.concurrent.CountDownLatch(1);
        future.onDone(done -> {
            called.add("first");
            throw new AssertionError("meant to be logged");
        })
                .onDone(done -> called.add("second"))
                .onDone(done -> last.countDown());

        assertThat(last.await(BOUND, SECONDS)).isTrue();
        assertThat(called).containsExactly("first", "second");
        assertAllWorkersServe(pool());
    }

    @Test
    public void callbacksSeeFailuresAndCancellations() throws Exception {
        List<String> seen = new CopyOnWriteArrayList<>();
        TaskFuture<Integer> failing = pool().submit(() -> Work.failDeep(0));
        failure(failing);
        failing.onDone(done -> seen.add(done.exceptionNow().getMessage()));
        assertThat(seen).containsExactly("deep");
        if (asynchronous()) {
            var here = signals();
            TaskFuture<Integer> cancelled = pool().submit(() -> Work.hold(here));
            cancelled.onDone(done -> seen.add(done.state().toString()));
            cancelled.cancel(true);
            assertThat(seen).containsExactly("deep", "CANCELLED");
        }
    }

    @Test
    public void aCallbackMayAddAnother() throws Exception {
        List<Integer> called = new CopyOnWriteArrayList<>();
        TaskFuture<Integer> future = pool().submit(() -> 1);
        value(future);
        future.onDone(done -> {
            done.onDone(again -> called.add(2));
            called.add(1);
        });
        assertThat(called).containsExactly(1, 2);
        assertThatThrownBy(() -> future.onDone(null)).isInstanceOf(NullPointerException.class);
    }

    // ---- submitAfter ----

    @Test
    public void aDelayedTaskRunsOnceItsDelayIsOver() throws Exception {
        var here = signals();
        long start = System.nanoTime();
        TaskFuture<Integer> future = pool().submitAfter(Duration.ofMillis(20), () -> {
            here.mark("ran");
            return 7;
        });
        assertThat(value(future)).isEqualTo(7);
        assertThat(System.nanoTime() - start).as("never too early").isGreaterThanOrEqualTo(20_000_000);
        assertThat(here.count("ran")).isOne();
        assertThat(value(pool().submitAfter(Duration.ZERO, () -> 8))).isEqualTo(8);
        assertThat(value(pool().submitAfter(Duration.ofSeconds(-1), () -> 9, TaskOptions.named("late")))).isEqualTo(9);
    }

    @Test
    public void aDelayedTaskThatIsCancelledNeverRuns() throws Exception {
        if (!asynchronous()) {
            return; // the caller would wait
        }
        var here = signals();
        Pool pool = pool();
        TaskFuture<Integer> future = pool.submitAfter(LONG, () -> Work.hold(here));
        assertThat(figures(pool).queued()).isOne();
        assertThat(future.cancel(true)).isTrue();
        assertThatThrownBy(future::join).isInstanceOf(CancellationException.class);
        assertThat(figures(pool).queued()).isZero();
        assertThat(figures(pool).cancelled()).isOne();
        assertThat(here.count("held")).isZero();
    }

    @Test
    public void closeWaitsForDelayedTasksAndShutdownNowCancelsThem() throws Exception {
        if (!asynchronous()) {
            return;
        }
        Pool closed = open("");
        TaskFuture<Integer> soon = closed.submitAfter(Duration.ofMillis(20), () -> 3);
        closed.close();
        assertThat(soon.resultNow()).isEqualTo(3);
        assertThatThrownBy(() -> closed.submitAfter(Duration.ofMillis(1), () -> 3))
                .isInstanceOf(RejectedExecutionException.class);

        Pool stopped = open("");
        TaskFuture<Integer> never = stopped.submitAfter(LONG, () -> 3);
        assertThat(stopped.shutdownNow()).hasSize(1);
        assertThat(stopped.awaitTermination(BOUND, SECONDS)).isTrue();
        assertThat(never).isCancelled();
        assertAddsUp(stopped.statistics());
    }

    @Test
    public void delayedTasksHoldTheirPlaces() throws Exception {
        if (!queues()) {
            return;
        }
        Pool pool = open(1, "backlog=1&full=reject");
        List<TaskFuture<Integer>> delayed =
                List.of(pool.submitAfter(LONG, () -> 1), pool.submitAfter(LONG, () -> 2));
        assertThatThrownBy(() -> pool.submit(() -> 3)).isInstanceOf(RejectedSubmissionException.class);
        delayed.forEach(future -> future.cancel(false));
        assertThat(value(pool.submit(() -> 3))).isEqualTo(3);
    }

    @Test
    public void manyDelaysAndCancellationsAddUp() throws Exception {
        Pool pool = pool();
        List<TaskFuture<Integer>> all = new ArrayList<>();
        for (int i = 0; i < (asynchronous() ? 300 : 20); i++) {
            int number = i;
            all.add(pool.submitAfter(Duration.ofNanos(i * 10_000L), () -> number));
            if (i % 3 == 0) {
                all.get(i).cancel(false);
            }
        }
        for (int i = 0; i < all.size(); i++) {
            if (!all.get(i).isCancelled()) {
                assertThat(value(all.get(i))).isEqualTo(i);
            }
        }
        assertThat(figures(pool).ended()).isEqualTo(all.size());
        assertAddsUp(figures(pool));
    }

    @Test
    public void delaysRefuseWhatSubmitRefuses() {
        assertThatThrownBy(() -> pool().submitAfter(null, () -> 1)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> pool().submitAfter(LONG, (Task<?>) null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> pool().submit(() -> 1, TaskOptions.NONE.priority(5)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("does not order tasks by priority");
    }

    // ---- forEach ----

    @Test
    public void forEachDoesItForEveryItem() throws Exception {
        var here = signals();
        pool().forEach(IntStream.range(0, 50).boxed().toList(), n -> here.mark("done-" + n));
        for (int i = 0; i < 50; i++) {
            assertThat(here.count("done-" + i)).isOne();
        }
        pool().forEach(List.<Integer>of(), n -> here.mark("none"));
        assertThat(here.count("none")).isZero();
    }

    @Test
    public void forEachEndsWithTheFirstFailure() {
        assertThatThrownBy(() -> pool().forEach(() -> IntStream.iterate(0, n -> n + 1).iterator(), n -> {
            if (n == 20) {
                Work.failDeep(0);
            }
        }))
                .isInstanceOf(CompletionException.class)
                .cause()
                .hasMessage("deep");
        assertThatThrownBy(() -> pool().forEach(List.of(1), null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> pool().forEach(null, n -> {})).isInstanceOf(NullPointerException.class);
    }

    // ---- chunks of a size set by hand ----

    @Test
    public void chunksOfASizeSetByHandTravelAsOneTaskEach() throws Exception {
        Pool pool = pool();
        List<Integer> items = IntStream.range(0, 50).boxed().toList();
        List<Integer> squares = items.stream().map(Work::square).toList();
        Mapper mapper = pool.chunksOf(7);

        assertThat(mapper.map(Work::square, items)).isEqualTo(squares);
        assertThat(figures(pool).submitted()).isEqualTo(8);
        assertThat(items.stream().gather(mapper.mapping(Work::square)).toList()).isEqualTo(squares);
        assertThat(items.stream().gather(mapper.mappingUnordered(Work::square)).toList())
                .containsExactlyInAnyOrderElementsOf(squares);
        assertThat(figures(pool).submitted()).isEqualTo(24);
        var here = signals();
        mapper.forEach(items, n -> here.mark("done"));
        assertThat(here.count("done")).isEqualTo(50);
        assertThat(mapper.map(Math::max, items, items)).isEqualTo(items);
        assertThat(value(mapper.mapAsync(Work::square, items))).isEqualTo(squares);
        assertThat(figures(pool).submitted()).isEqualTo(48);
        assertThat(pool.chunksOf(1).map(Work::square, items)).isEqualTo(squares);
        assertThat(figures(pool).submitted()).isEqualTo(98);
        assertThat(pool.chunksOf(Integer.MAX_VALUE).map(Work::square, items)).isEqualTo(squares);
        assertThat(figures(pool).submitted()).isEqualTo(99);
        assertAddsUp(figures(pool));
    }

    @Test
    public void aFailureInAChunkEndsTheMap() {
        assertThatThrownBy(() -> pool().chunksOf(3)
                .map(n -> n < 10 ? n : Work.failDeep(1), () -> IntStream.iterate(0, n -> n + 1).iterator()))
                .isInstanceOf(CompletionException.class)
                .cause()
                .hasMessage("deep");
        for (int size : new int[] {0, -1, Integer.MIN_VALUE}) {
            assertThatThrownBy(() -> pool().chunksOf(size))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("chunk size must be >= 1, was " + size);
        }
    }

    // ---- map of several arguments ----

    @Test
    public void mapOfTwoArgumentsTakesTheItemsOfBothInTurn() {
        List<String> words = List.of("a", "b", "c", "d");

        assertThat(pool().map(String::repeat, words, List.of(1, 2, 3, 4))).containsExactly("a", "bb", "ccc", "dddd");
        assertThat(pool().map((a, b) -> a == null ? b : a, Arrays.asList(null, 1), Arrays.asList(2, null)))
                .containsExactly(2, 1);
        assertThat(pool().map((String word, Integer n) -> n > 1 ? null : word, words, List.of(1, 2)))
                .containsExactly("a", null);
        assertThat(pool().map(Math::max, List.<Integer>of(), List.of(1))).isEmpty();
    }

    @Test
    public void mapOfTwoArgumentsEndsWithTheShorter() {
        List<Integer> three = List.of(1, 2, 3);
        Iterable<Integer> endless = () -> IntStream.iterate(10, n -> n + 10).iterator();

        assertThat(pool().map(Integer::sum, three, endless)).containsExactly(11, 22, 33);
        assertThat(pool().map(Integer::sum, endless, three)).containsExactly(11, 22, 33);
        assertThat(pool().map(Integer::sum, three, List.of(1))).containsExactly(2);
        assertThat(pool().map(Integer::sum, List.of(1), three)).containsExactly(2);
    }

    @Test
    public void mapOfTwoArgumentsEndsWithTheFirstFailure() {
        List<Integer> items = IntStream.range(0, 20).boxed().toList();
        TaskBiFunction<Integer, Integer, Integer> sum = Integer::sum;
        assertThatThrownBy(() -> pool().map((a, b) -> a < 5 ? a : Work.failDeep(1), items, items))
                .isInstanceOf(CompletionException.class)
                .cause()
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("deep");
        assertThatThrownBy(() -> pool().map(null, items, items)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> pool().map(sum, null, items)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> pool().map(sum, items, null)).isInstanceOf(NullPointerException.class);
    }

    // ---- maps that nobody waits for ----

    @Test
    public void mapAsyncGivesAFutureOfAllResults() throws Exception {
        List<Integer> items = IntStream.range(0, 200).boxed().toList();
        List<List<Integer>> seen = new CopyOnWriteArrayList<>();
        TaskFuture<List<Integer>> future = pool().mapAsync(Work::square, items);
        var last = new java.util.concurrent.CountDownLatch(1);
        future.thenAccept(seen::add);
        future.onDone(done -> last.countDown());

        assertThat(value(future)).isEqualTo(items.stream().map(Work::square).toList());
        assertThat(last.await(BOUND, SECONDS)).isTrue();
        assertThat(seen).containsExactly(future.resultNow());
        assertThatThrownBy(() -> future.resultNow().set(0, 1)).isInstanceOf(UnsupportedOperationException.class);
        assertThat(value(pool().mapAsync(Work::square, List.<Integer>of()))).isEmpty();
        assertThat(figures(pool()).succeeded()).isBetween(1L, 200L);
        assertAddsUp(figures(pool()));
        assertThatThrownBy(() -> pool().mapAsync(null, items)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> pool().mapAsync(Work::square, null)).isInstanceOf(NullPointerException.class);
    }

    @Test
    public void mapAsyncReturnsBeforeItsItemsAreDone() throws Exception {
        if (!asynchronous()) {
            return;
        }
        var here = signals();
        TaskFuture<List<Integer>> future = pool().mapAsync(n -> n + Work.hold(here), List.of(1, 2));
        here.awaitCount("held", 1);
        assertThat(future).isNotDone();
        here.set("release");
        assertThat(value(future)).containsExactly(2, 3);
    }

    @Test
    public void theFutureOfAMapFailsWithTheFirstFailureOfAnItem() throws Exception {
        TaskFuture<List<Integer>> failing =
                pool().mapAsync(n -> n < 9 ? n : Work.failDeep(1), () -> IntStream.iterate(0, n -> n + 1).iterator());
        assertThat(failure(failing)).isInstanceOf(IllegalStateException.class).hasMessage("deep");

        TaskFuture<List<Integer>> withoutItems = pool().mapAsync(Work::square, () -> {
            throw new IllegalStateException("the source fails");
        });
        assertThat(failure(withoutItems)).hasMessage("the source fails");
        assertAllWorkersServe(pool());
    }

    @Test
    public void cancellingAMapCancelsWhatIsUnderWay() throws Exception {
        if (!asynchronous()) {
            return;
        }
        for (boolean interrupt : List.of(true, false)) {
            var here = signals();
            int before = here.count("interrupted");
            TaskFuture<List<Integer>> future =
                    pool().mapAsync(n -> Work.hold(here), () -> IntStream.iterate(0, n -> n + 1).iterator());
            here.awaitCount("held", before + 1);
            assertThat(future.cancel(interrupt)).isTrue();
            here.awaitCount("interrupted", before + 1);
            await("all are interrupted").until(() -> here.count("interrupted") == here.count("held"));
        }
        assertThat(signals().count("finished")).isZero();
        assertAllWorkersServe(pool());
        assertAddsUp(figures(pool()));
    }

    @Test
    public void closeWaitsForAMapAndShutdownNowCancelsIt() throws Exception {
        if (!asynchronous()) {
            return;
        }
        List<Integer> items = IntStream.range(0, 300).boxed().toList();
        for (String options : queues() ? List.of("", "backlog=1", "backlog=0&full=reject") : List.of("")) {
            Pool closed = open(options);
            TaskFuture<List<Integer>> map = closed.mapAsync(Work::square, items);
            closed.close();
            assertThat(map.resultNow()).isEqualTo(items.stream().map(Work::square).toList());
            assertThatThrownBy(() -> closed.mapAsync(Work::square, items))
                    .isInstanceOf(RejectedSubmissionException.class);
        }

        var here = signals();
        Pool stopped = open("");
        TaskFuture<List<Integer>> never =
                stopped.mapAsync(n -> Work.hold(here), () -> IntStream.iterate(0, n -> n + 1).iterator());
        here.awaitCount("held", 1);
        stopped.shutdownNow();
        assertThat(stopped.awaitTermination(BOUND, SECONDS)).isTrue();
        assertThat(never).isCancelled();
        assertThat(here.count("finished")).isZero();
        assertAddsUp(stopped.statistics());
    }

    @Test
    public void shutdownNowAmongMapsEndsThemAll() throws Exception {
        if (!asynchronous()) {
            return;
        }
        for (int round = 0; round < 5; round++) {
            Pool pool = open("");
            List<TaskFuture<List<Integer>>> maps = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                maps.add(pool.mapAsync(Work::square, () -> IntStream.iterate(0, n -> n + 1).iterator()));
            }
            pool.shutdownNow();
            assertThat(pool.awaitTermination(BOUND, SECONDS)).isTrue();
            assertThat(maps).allMatch(Future::isDone).allMatch(Future::isCancelled);
            assertAddsUp(pool.statistics());
        }
    }

    @Test
    public void mapsThatNobodyWaitsForGoThroughANarrowBacklog() throws Exception {
        if (!queues()) {
            return;
        }
        List<Integer> items = IntStream.range(0, 200).boxed().toList();
        for (String policy : List.of("block", "caller-runs")) {
            Pool pool = shared("backlog=1&full=" + policy);
            List<TaskFuture<List<Integer>>> maps = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                maps.add(pool.mapAsync(Work::square, items));
            }
            for (TaskFuture<List<Integer>> map : maps) {
                assertThat(value(map)).isEqualTo(items.stream().map(Work::square).toList());
            }
        }
    }

    @Test
    public void aTaskMayWaitForAMapOfItsOwnPool() throws Exception {
        if (!canNest()) {
            return; // tasksThatWaitForTasksOfTheirPoolDoNotStarveIt shows that it is refused
        }
        List<Integer> items = IntStream.range(0, 100).boxed().toList();
        List<Integer> squares = items.stream().map(Work::square).toList();
        for (String options : queues() ? List.of("", "backlog=0&full=block") : List.of("")) {
            Pool pool = shared(1, options);
            assertThat(value(pool.submit(() -> pool.mapAsync(Work::square, items).join()))).isEqualTo(squares);
            assertThat(value(pool.submit(() -> {
                TaskFuture<List<Integer>> map = pool.mapAsync(Work::square, items);
                Futures.wait(List.of(map), Until.ALL);
                return map.resultNow();
            })))
                    .isEqualTo(squares);
            assertThat(value(pool.mapAsync(Work::square, items))).isEqualTo(squares);
        }
        if (queues()) { // somebody else's
            var here = signals();
            Pool pool = shared(1, "");
            TaskFuture<Integer> first = pool.submit(() -> Work.hold(here));
            here.awaitCount("held", 1);
            TaskFuture<List<Integer>> map = pool.mapAsync(Work::square, items);
            TaskFuture<List<Integer>> waiting = pool.submit(() -> map.join());
            here.set("release");
            assertThat(value(waiting)).isEqualTo(squares);
            assertThat(value(first)).isEqualTo(1);
        }
    }

    // ---- task scopes ----

    @Test
    public void aScopeGivesTheResultsOfItsTasks() throws Exception {
        try (var scope = TaskScope.open(pool())) {
            TaskFuture<String> text = scope.fork(() -> "text");
            TaskFuture<Integer> number = scope.fork(() -> 7, TaskOptions.named("number"));
            scope.join();
            assertThat(text.resultNow()).isEqualTo("text");
            assertThat(number.resultNow()).isEqualTo(7);
            assertThat(number.name()).isEqualTo("number");
        }
        try (var empty = TaskScope.open(pool())) {
            assertThat(empty.join()).isNull();
        }
    }

    @Test
    public void theFirstFailureCancelsTheSiblingsAndComesOutOfJoin() throws Exception {
        var here = signals();
        try (var scope = TaskScope.open(pool())) {
            TaskFuture<Integer> failing = scope.fork(() -> Work.failDeep(0));
            TaskFuture<Integer> sibling = scope.fork(() -> Work.hold(here));
            assertThatThrownBy(scope::join)
                    .isInstanceOf(ExecutionException.class)
                    .cause()
                    .hasMessage("deep");
            assertThat(failing.state()).isEqualTo(Future.State.FAILED);
            assertThat(sibling).isCancelled();
        }
        assertThat(here.count("finished")).isZero();
        assertAllWorkersServe(pool());
    }

    @Test
    public void afterTheFirstFailureNothingIsRunAnyMore() throws Exception {
        var here = signals();
        try (var scope = TaskScope.open(pool())) {
            failure(scope.fork(() -> Work.failDeep(0)));
            // Who waits for the failed task may be ahead of the callback that decides the scope.
            while (!ended(scope.fork(() -> 0)).isCancelled()) {
                Thread.onSpinWait();
            }
            for (int i = 0; i < 3; i++) {
                assertThat(ended(scope.fork(() -> markLate(here)))).isCancelled();
            }
            assertThatThrownBy(scope::join).isInstanceOf(ExecutionException.class);
        }
        assertThat(here.count("late")).isZero();
    }

    private static TaskFuture<?> ended(TaskFuture<?> future) throws Exception {
        future.handle((value, thrown) -> 0).get(BOUND, SECONDS);
        return future;
    }

    private static int markLate(Signals signals) {
        signals.mark("late");
        return 1;
    }

    @Test
    public void aLimitEndsAChildThatRunsInTheOwner() throws Exception {
        var here = signals();
        try (var scope = TaskScope.open(pool()).within(Duration.ofMillis(30))) {
            scope.fork(() -> Work.hold(here));
            assertThatThrownBy(scope::join).isInstanceOf(TimeoutException.class).hasMessageContaining("1 (of 1) tasks");
        }
        assertThat(here.count("finished")).isZero();
    }

    @Test
    public void aLimitEndsAWaitForRoom() throws Exception {
        if (!asynchronous()) {
            return;
        }
        var here = signals();
        Pool pool = open(1, unlimited() ? "" : "backlog=0");
        TaskFuture<Integer> busy = pool.submit(() -> Work.hold(here));
        here.awaitCount("held", 1);
        try (var scope = TaskScope.open(pool).within(Duration.ofMillis(30))) {
            TaskFuture<Integer> child = scope.fork(() -> Work.hold(here));
            assertThatThrownBy(scope::join).isInstanceOf(TimeoutException.class);
            assertThat(child).isCancelled();
        }
        here.set("release");
        assertThat(value(busy)).isOne();
    }

    @Test
    public void aTaskThatIsRefusedIsNoneOfTheScope() throws Exception {
        var here = signals();
        Pool pool = open(1, unlimited() || !asynchronous() ? "" : "backlog=0&full=reject");
        try (var scope = TaskScope.open(pool)) {
            TaskFuture<Integer> first = scope.fork(() -> here.isSet("never") ? 0 : asynchronousHold(here));
            pool.shutdown();
            assertThatThrownBy(() -> scope.fork(() -> 1)).isInstanceOf(RejectedExecutionException.class);
            here.set("release");
            scope.join();
            assertThat(first.resultNow()).isOne();
        }
    }

    private static int asynchronousHold(Signals signals) throws InterruptedException {
        if (Thread.currentThread().getName().contains("worker") || Thread.currentThread().isVirtual()) {
            return Work.hold(signals);
        }
        return 1; // in the caller, which is to release it
    }

    @Test
    public void theFirstSuccessIsEnough() throws Exception {
        var here = signals();
        try (var scope = TaskScope.<Integer>firstSuccess(pool())) {
            scope.fork(() -> Work.failDeep(0));
            scope.fork(() -> 5);
            TaskFuture<Integer> slow = scope.fork(() -> Work.hold(here));
            assertThat(scope.join()).isEqualTo(5);
            assertThat(slow).isCancelled();
        }
        assertThat(here.count("finished")).isZero();
    }

    @Test
    public void withoutASuccessTheFirstFailureComesWithTheOthers() throws Exception {
        try (var scope = TaskScope.<Integer>firstSuccess(pool())) {
            scope.fork(() -> Work.failDeep(0));
            scope.fork(() -> Work.failDeep(1));
            assertThatThrownBy(scope::join)
                    .isInstanceOf(ExecutionException.class)
                    .satisfies(thrown -> assertThat(thrown.getSuppressed()).hasSize(1));
        }
        try (var scope = TaskScope.<Integer>firstSuccess(pool())) {
            assertThatThrownBy(scope::join).isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("has no task");
        }
    }

    @Test
    public void aScopeMayWaitForAllHoweverTheyEnd() throws Exception {
        try (var scope = TaskScope.awaitAll(pool())) {
            TaskFuture<Integer> failing = scope.fork(() -> Work.failDeep(0));
            TaskFuture<Integer> good = scope.fork(() -> 3);
            scope.join();
            assertThat(good.resultNow()).isEqualTo(3);
            assertThat(failing.exceptionNow()).hasMessage("deep");
        }
    }

    @Test
    public void theTimeOfAScopeEndsItsTasks() throws Exception {
        if (!asynchronous()) {
            return; // fork returns when the task has ended
        }
        var here = signals();
        try (var scope = TaskScope.open(pool()).within(Duration.ofMillis(30))) {
            scope.fork(() -> 1);
            TaskFuture<Integer> slow = scope.fork(() -> Work.hold(here));
            assertThatThrownBy(scope::join)
                    .isInstanceOf(TimeoutException.class)
                    .message()
                    .containsPattern("^[12] \\(of 2\\) tasks of TaskScope");
            assertThat(slow).isCancelled();
        }
        assertThat(here.count("finished")).isZero();
        assertAllWorkersServe(pool());
    }

    @Test
    public void noTaskOutlivesItsScope() throws Exception {
        if (!asynchronous()) {
            return;
        }
        for (int round = 0; round < (isolates() ? 2 : 50); round++) {
            var here = signals();
            String mark = "running" + round;
            int tasks = Math.min(2, pool().workers());
            try (var scope = TaskScope.open(pool())) {
                for (int i = 0; i < tasks; i++) {
                    scope.fork(() -> stayUntilInterrupted(here, mark));
                }
                here.awaitCount(mark, tasks);
                throw new IllegalStateException("the body fails");
            } catch (IllegalStateException e) {
                assertThat(e).hasMessage("the body fails").hasNoSuppressedExceptions();
                if (!isolates()) { // there, one may be killed before it can say so
                    assertThat(here.count("ended-" + mark)).as("when the scope was left").isEqualTo(tasks);
                }
            }
        }
    }

    private static int stayUntilInterrupted(Signals signals, String mark) {
        signals.mark(mark);
        try {
            signals.await("never");
        } catch (InterruptedException e) {
            Work.spin(1_000);
        } finally {
            signals.mark("ended-" + mark);
        }
        return 1;
    }

    @Test
    public void scopesNest() throws Exception {
        if (!canNest()) {
            return;
        }
        Pool pool = pool();
        try (var scope = TaskScope.open(pool)) {
            List<TaskFuture<Integer>> sums = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                int number = i;
                sums.add(scope.fork(() -> {
                    try (var inner = TaskScope.open(pool)) {
                        TaskFuture<Integer> one = inner.fork(() -> number);
                        TaskFuture<Integer> two = inner.fork(() -> number);
                        inner.join();
                        return one.resultNow() + two.resultNow();
                    }
                }));
            }
            scope.join();
            assertThat(sums).extracting(TaskFuture::resultNow).containsExactly(0, 2, 4, 6);
        }
    }

    @Test
    public void aTaskThatIsCancelledEndsItsOwnScope() throws Exception {
        if (!canNest() || !asynchronous()) {
            return;
        }
        var here = signals();
        Pool pool = open(2, "");
        var ended = new java.util.concurrent.CountDownLatch(1);
        try (var scope = TaskScope.awaitAll(pool)) {
            TaskFuture<Integer> parent = scope.fork(() -> {
                try (var inner = TaskScope.open(pool)) {
                    inner.fork(() -> stayUntilInterrupted(here, "child"));
                    inner.join();
                } finally {
                    ended.countDown();
                }
                return 1;
            });
            here.awaitCount("child", 1);
            parent.cancel(true);
        }
        assertThat(ended.getCount()).isZero();
        assertThat(here.count("ended-child")).isOne();
    }

    @Test
    public void misuseOfAScopeIsToldSo() throws Exception {
        var scope = TaskScope.open(pool());
        scope.fork(() -> 1);
        Caller<Object> stranger = Caller.of(() -> scope.fork(() -> 2));
        assertThatThrownBy(stranger::result).hasRootCauseInstanceOf(WrongThreadException.class);
        assertThatThrownBy(Caller.of(() -> scope.join())::result).hasRootCauseInstanceOf(WrongThreadException.class);
        assertThatThrownBy(Caller.of(() -> {
            scope.close();
            return 0;
        })::result)
                .hasRootCauseInstanceOf(WrongThreadException.class);
        assertThatThrownBy(() -> scope.within(LONG)).isInstanceOf(IllegalStateException.class);
        scope.join();
        assertThatThrownBy(scope::join).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("joined already");
        assertThatThrownBy(() -> scope.fork(() -> 3))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("was joined");
        scope.close();
        scope.close();
        assertThatThrownBy(() -> scope.fork(() -> 3))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("is closed");
        assertThatThrownBy(() -> TaskScope.open(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> TaskScope.open(pool()).within(Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    public void aRefusedForkLeavesNothingToWaitFor() throws Exception {
        Pool pool = open("");
        try (var scope = TaskScope.open(pool)) {
            scope.fork(() -> 1);
            pool.shutdown();
            assertThatThrownBy(() -> scope.fork(() -> 2)).isInstanceOf(RejectedSubmissionException.class);
            scope.join();
        }
    }

    @Test
    public void anInterruptedJoinIsToldSoAndCloseStillWaits() throws Exception {
        if (!asynchronous()) {
            return;
        }
        var here = signals();
        Pool pool = pool();
        Caller<Boolean> owner = Caller.of(() -> {
            try (var scope = TaskScope.open(pool)) {
                scope.fork(() -> stayUntilInterrupted(here, "held-by-scope"));
                here.awaitCount("held-by-scope", 1);
                Thread.currentThread().interrupt();
                scope.join();
                return false;
            } catch (InterruptedException e) {
                return isolates() || here.count("ended-held-by-scope") == 1;
            }
        });
        assertThat(owner.result()).isTrue();
    }

    // ---- gather ----

    @Test
    public void gatherGivesValuesInOrderAndOutcomesTellAll() throws Exception {
        Pool pool = pool();
        TaskFuture<Integer> one = pool.submit(() -> 1);
        TaskFuture<Integer> none = pool.submit(() -> (Integer) null);
        assertThat(Futures.gather(List.of(one, none, one))).containsExactly(1, null, 1);
        assertThat(Futures.gather(List.<TaskFuture<Integer>>of())).isEmpty();
        TaskFuture<Integer> failing = pool.submit(() -> Work.failDeep(0));
        assertThatThrownBy(() -> Futures.gather(List.of(one, failing)))
                .isInstanceOf(ExecutionException.class)
                .cause()
                .hasMessage("deep");
        List<Outcome<Integer>> outcomes = Futures.outcomes(List.of(one, failing, none));
        assertThat(outcomes).extracting(Outcome::succeeded).containsExactly(true, false, true);
        assertThat(outcomes).extracting(Outcome::value).containsExactly(1, null, null);
        assertThat(outcomes.get(1).failure()).hasMessage("deep");
        if (asynchronous()) {
            var here = signals();
            TaskFuture<Integer> held = pool.submit(() -> Work.hold(here));
            assertThatThrownBy(() -> Futures.gather(List.of(one, held), Duration.ofMillis(1)))
                    .isInstanceOf(TimeoutException.class)
                    .hasMessage("1 (of 2) futures unfinished");
            held.cancel(true);
            assertThatThrownBy(() -> Futures.gather(List.of(one, held)))
                    .cause()
                    .isInstanceOf(CancellationException.class);
        }
    }

    // ---- retries ----

    private static final Retry FIVE = Retry.attempts(5);

    /** Fails until it has been called so often. */
    private static int succeedAt(Signals signals, int attempt) {
        signals.mark("attempt");
        if (signals.count("attempt") < attempt) {
            throw new IllegalStateException("attempt " + signals.count("attempt"));
        }
        return attempt;
    }

    @Test
    public void aTaskIsTriedAgainUntilItSucceeds() throws Exception {
        var here = signals();
        Pool pool = pool();
        TaskFuture<Integer> future =
                pool.submit(() -> succeedAt(here, 3), TaskOptions.named("often").retry(FIVE));
        assertThat(value(future)).isEqualTo(3);
        assertThat(here.count("attempt")).isEqualTo(3);
        assertThat(future.name()).isEqualTo("often");
        assertThat(figures(pool).submitted()).isOne();
        assertThat(figures(pool).succeeded()).isOne();
        assertThat(figures(pool).failed()).isZero();
        assertThat(figures(pool).retried()).isEqualTo(2);
        assertAllWorkersServe(pool);
    }

    @Test
    public void theLastFailureComesWithAllAttempts() {
        var here = signals();
        TaskFuture<Integer> future =
                pool().submit(() -> succeedAt(here, 100), TaskOptions.NONE.retry(Retry.attempts(3)));
        Throwable failure = failure(future);
        assertThat(failure).isInstanceOf(RetryExhaustedException.class)
                .hasMessageContaining("gave up after 3 attempts");
        assertThat(((RetryExhaustedException) failure).attempts()).hasSize(3);
        assertThat(failure).cause().isInstanceOf(IllegalStateException.class).hasMessage("attempt 3");
        assertThat(figures(pool()).failed()).isOne();
    }

    @Test
    public void whatTheConditionDoesNotCoverIsNotTriedAgain() {
        var here = signals();
        var retry = FIVE.when(RetryCondition.onException(java.io.IOException.class));
        TaskFuture<Integer> future = pool().submit(() -> succeedAt(here, 100), TaskOptions.NONE.retry(retry));
        assertThat(failure(future)).isInstanceOf(IllegalStateException.class).hasMessage("attempt 1");
        assertThat(here.count("attempt")).isOne();
    }

    @Test
    public void noWorkerIsBusyBetweenAttempts() throws Exception {
        if (!asynchronous()) {
            return;
        }
        var here = signals();
        Pool pool = shared(1, "");
        TaskFuture<Integer> future =
                pool.submit(() -> succeedAt(here, 2), TaskOptions.NONE.retry(FIVE.waiting(Backoff.fixed(LONG))));
        here.awaitCount("attempt", 1);
        assertThat(value(pool.submit(() -> 5))).isEqualTo(5);
        assertThat(future).isNotDone();
        assertThat(figures(pool).running()).isOne();

        assertThat(future.cancel(true)).isTrue();
        assertThat(figures(pool).cancelled()).isOne();
        assertThat(here.count("attempt")).isOne();
    }

    @Test
    public void cancellingEndsTheAttemptUnderWay() throws Exception {
        if (!asynchronous()) {
            return;
        }
        var here = signals();
        Pool pool = pool();
        TaskFuture<Integer> future = pool.submit(() -> Work.hold(here), TaskOptions.NONE.retry(FIVE));
        here.awaitCount("held", 1);
        assertThat(future.cancel(true)).isTrue();
        assertThatThrownBy(future::join).isInstanceOf(CancellationException.class);
        assertAllWorkersServe(pool);
        assertThat(here.count("held")).isOne();
        assertThat(here.count("finished")).isZero();
    }

    @Test
    public void theTimeLimitIsEachAttempts() throws Exception {
        if (!asynchronous()) {
            return;
        }
        var here = signals();
        TaskFuture<Integer> future = pool().submit(
                () -> holdFirst(here),
                TaskOptions.timeLimit(Duration.ofMillis(isolates() ? 300 : 20)).retry(FIVE));
        assertThat(value(future)).isEqualTo(2);
        // on a busy machine a later attempt may take too long as well
        assertThat(here.count("attempt")).isBetween(2, 5);
    }

    private static int holdFirst(Signals signals) throws InterruptedException {
        signals.mark("attempt");
        if (signals.count("attempt") == 1) {
            Work.hold(signals);
        }
        return 2;
    }

    @Test
    public void closeWaitsForTheLastAttemptAndShutdownNowForNone() throws Exception {
        if (!asynchronous()) {
            return;
        }
        var here = signals();
        Pool closed = open("");
        TaskFuture<Integer> future = closed.submit(
                () -> succeedAt(here, 3), TaskOptions.NONE.retry(FIVE.waiting(Backoff.fixed(Duration.ofMillis(5)))));
        closed.close();
        assertThat(future.resultNow()).isEqualTo(3);

        Pool stopped = open("");
        TaskFuture<Integer> never = stopped.submit(
                () -> Work.failDeep(0), TaskOptions.NONE.retry(Retry.forever().waiting(Backoff.fixed(LONG))));
        await("it waits for its second attempt").until(() -> stopped.statistics().retried() == 1);
        stopped.shutdownNow();
        assertThat(stopped.awaitTermination(BOUND, SECONDS)).isTrue();
        assertThat(never).isCancelled();
        assertAddsUp(stopped.statistics());
    }

    @Test
    public void shutdownNowAmongAttemptsEndsThemAll() throws Exception {
        for (int round = 0; round < (isolates() ? 1 : 50); round++) {
            Pool pool = open("");
            List<TaskFuture<Integer>> all = new ArrayList<>();
            for (int i = 0; i < (asynchronous() ? 20 : 2); i++) {
                var retry = i % 2 == 0 ? Retry.attempts(100) : FIVE.waiting(Backoff.fixed(Duration.ofNanos(50_000)));
                all.add(pool.submit(() -> Work.failDeep(0), TaskOptions.NONE.retry(retry)));
            }
            pool.shutdownNow();
            assertThat(pool.awaitTermination(BOUND, SECONDS)).isTrue();
            assertThat(all).allMatch(Future::isDone);
            assertAddsUp(pool.statistics());
            assertThat(pool.statistics().ended()).isEqualTo(all.size());
        }
    }

    @Test
    public void aRetryInAFullPoolHoldsOnePlace() throws Exception {
        if (!queues()) {
            return;
        }
        var here = signals();
        for (String policy : List.of("block", "reject", "caller-runs")) {
            Pool pool = open(1, "backlog=1&full=" + policy);
            for (int i = 0; i < 10; i++) {
                var future = pool.submit(() -> Work.failDeep(0), TaskOptions.NONE.retry(Retry.attempts(2)));
                assertThat(failure(future)).isInstanceOf(RetryExhaustedException.class);
            }
            pool.close();
            assertThat(pool.statistics().failed()).isEqualTo(10);
        }
        Pool pool = open(1, "backlog=0&full=caller-runs");
        occupyWorkers(pool);
        assertThat(value(pool.submit(() -> succeedAt(here, 3), TaskOptions.NONE.retry(FIVE)))).isEqualTo(3);
    }

    @Test
    public void aDelayedRetryThatIsCancelledAsItIsDueEndsOnce() throws Exception {
        if (!asynchronous()) {
            return;
        }
        Pool pool = open("");
        var options = TaskOptions.NONE.retry(Retry.attempts(2));
        List<TaskFuture<Integer>> all = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            Duration delay = Duration.ofNanos(i % 50 * 20_000L);
            TaskFuture<Integer> future = pool.submitAfter(delay, () -> Work.failDeep(0), options);
            all.add(future);
            long until = System.nanoTime() + delay.toNanos();
            while (System.nanoTime() < until) {
                Thread.onSpinWait();
            }
            future.cancel(i % 2 == 0);
        }
        pool.close();
        assertThat(all).allMatch(Future::isDone);
        assertThat(pool.statistics().ended()).isEqualTo(300);
        assertAddsUp(pool.statistics());
    }

    @Test
    public void aCallbackOfADroppedTaskCannotWaitForThePoolsEnd() throws Exception {
        if (!queues()) {
            return;
        }
        var here = signals();
        Pool pool = open("");
        occupyWorkers(pool);
        List<TaskFuture<Integer>> waiting =
                List.of(pool.submit(() -> 1), pool.submit(() -> 1, TaskOptions.NONE.retry(Retry.attempts(3))));
        for (TaskFuture<Integer> one : waiting) {
            var thrown = new CompletableFuture<Throwable>();
            one.onDone(done -> thrown.complete(catchThrowable(pool::close)));
            assertThat(Caller.of(() -> one.cancel(true)).result()).isTrue();
            assertThat(thrown.get(BOUND, SECONDS)).isInstanceOf(IllegalStateException.class);
        }
        here.set("release");
        assertThat(pool.awaitTermination(BOUND, SECONDS)).isTrue();
    }

    @Test
    public void aScopeThatIsDecidedTakesNoRetriedTask() throws Exception {
        var here = signals();
        try (var scope = TaskScope.open(pool())) {
            failure(scope.fork(() -> Work.failDeep(0)));
            catchThrowable(
                    () -> value(scope.fork(() -> succeedAt(here, 9), TaskOptions.NONE.retry(Retry.attempts(3)))));
            assertThatThrownBy(scope::join).isInstanceOf(ExecutionException.class);
        }
        assertAllWorkersServe(pool());
    }

    @Test
    public void shutdownNowEndsADelayInTheCaller() throws Exception {
        if (asynchronous()) {
            return; // there, no caller waits
        }
        Pool pool = open("");
        Caller<TaskFuture<Integer>> caller = Caller.of(() -> pool.submitAfter(LONG, () -> 1));
        await("it is in").until(() -> pool.statistics().submitted() == 1);
        pool.shutdownNow();
        assertThat(caller.result()).isCancelled();
        assertThat(pool.awaitTermination(BOUND, SECONDS)).isTrue();
    }

    @Test
    public void aTaskMayWaitForARetriedTaskOfItsOwnPool() throws Exception {
        if (!canNest()) {
            return;
        }
        var here = signals();
        Pool pool = shared(1, "");
        var retry = FIVE.waiting(Backoff.fixed(Duration.ofMillis(1)));
        assertThat(value(pool.submit(() -> {
            TaskFuture<Integer> one = pool.submit(() -> succeedAt(here, 3), TaskOptions.NONE.retry(retry));
            return one.get() + one.join();
        })))
                .isEqualTo(6);
    }

    @Test
    public void aScopeWaitsForEveryAttempt() throws Exception {
        var here = signals();
        try (var scope = TaskScope.open(pool())) {
            TaskFuture<Integer> good = scope.fork(() -> succeedAt(here, 3), TaskOptions.NONE.retry(FIVE));
            scope.join();
            assertThat(good.resultNow()).isEqualTo(3);
        }
        try (var scope = TaskScope.open(pool())) {
            scope.fork(() -> Work.failDeep(0), TaskOptions.NONE.retry(Retry.attempts(2)));
            assertThatThrownBy(scope::join).cause().isInstanceOf(RetryExhaustedException.class);
        }
        assertAllWorkersServe(pool());
    }

    @Test
    public void aRetriedTaskThatIsCancelledGentlyIsNotTriedAgain() throws Exception {
        if (!asynchronous()) {
            return;
        }
        var here = signals();
        Pool pool = open("");
        Retry hourly = Retry.forever().waiting(Backoff.fixed(Duration.ofHours(1)));
        TaskFuture<Integer> future = pool.submit(() -> failMarked(here), TaskOptions.NONE.retry(hourly));
        await("it waits for its second attempt").until(() -> pool.statistics().retried() == 1);
        assertThat(future.cancel(false)).isTrue();
        pool.shutdown();
        assertThat(pool.awaitTermination(BOUND, SECONDS)).as("nothing is left to wait for").isTrue();
        assertThat(here.count("tried")).isOne();
        assertThat(pool.statistics().cancelled()).isOne();
    }

    private static int failMarked(Signals signals) {
        signals.mark("tried");
        throw new IllegalStateException("meant to fail");
    }

    @Test
    public void anAttemptThatWaitsIsDroppedWhenItsTaskIsCancelledGently() throws Exception {
        if (!queues()) {
            return;
        }
        var here = signals();
        Pool pool = open(1, "");
        TaskFuture<Integer> future = pool.submit(() -> failMarked(here), TaskOptions.NONE.retry(Retry.forever()));
        TaskFuture<Integer> busy = pool.submit(() -> Work.hold(here)); // between two attempts
        here.awaitCount("held", 1);
        int tried = here.count("tried");
        assertThat(future.cancel(false)).isTrue();
        here.set("release");
        assertThat(value(busy)).isOne();
        assertThat(value(pool.submit(() -> 2))).isEqualTo(2);
        assertThat(here.count("tried")).isEqualTo(tried);
    }

    @Test
    public void aWorkerThatWaitsForTheFirstOfManyIsNotHeldUpByARetriedOne() throws Exception {
        if (!canNest()) {
            return;
        }
        Pool pool = open(1, "");
        Retry hourly = Retry.forever().waiting(Backoff.fixed(Duration.ofHours(1)));
        List<TaskFuture<Integer>> both = new CopyOnWriteArrayList<>();
        Task<Integer> waiting = () -> {
            both.add(pool.submit(() -> Work.failDeep(0),
                    asynchronous() ? TaskOptions.NONE.retry(hourly) : TaskOptions.NONE));
            both.add(pool.submit(() -> 5));
            return Futures.wait(both, Until.FIRST_COMPLETED).done().size();
        };
        assertThat(value(pool.submit(waiting))).isPositive();
        both.getFirst().cancel(true);
    }

    @Test
    public void aWorkerThatWaitsForSeveralMakesTheAttemptsThatComeLater() throws Exception {
        if (!canNest()) {
            return;
        }
        var here = signals();
        Pool pool = open(1, "");
        var retry = FIVE.waiting(Backoff.fixed(Duration.ofMillis(1)));
        Task<List<Integer>> waiting = () -> {
            TaskFuture<Integer> one = pool.submit(() -> succeedAt(here, 3), TaskOptions.NONE.retry(retry));
            TaskFuture<Integer> other = pool.submit(() -> 5);
            return Futures.gather(List.of(one, other));
        };
        assertThat(value(pool.submit(waiting))).containsExactly(3, 5);
    }

    // ---- interrupts that are meant for another ----

    @Test
    public void cancellingATaskThatWaitsLeavesTheOneItWaitsForAlone() throws Exception {
        if (!canNest() || !asynchronous()) {
            return;
        }
        var here = signals();
        Pool pool = open(1, "");
        List<TaskFuture<Integer>> inner = new CopyOnWriteArrayList<>();
        TaskFuture<Integer> outer = pool.submit(() -> {
            here.await("go");
            return inner.getFirst().get();
        });
        inner.add(pool.submit(() -> Work.hold(here)));
        here.set("go");
        here.awaitCount("held", 1);
        outer.cancel(true);
        here.set("release");
        assertThat(value(inner.getFirst())).as("its own future is what it was").isOne();
        assertThat(here.count("interrupted")).isZero();
        assertThat(outer).isCancelled();
        assertAllWorkersServe(pool);
    }

    @Test
    public void aTaskInsideOfAnotherCanBeCancelledByItself() throws Exception {
        if (!canNest() || !asynchronous()) {
            return;
        }
        var here = signals();
        Pool pool = open(1, "");
        List<TaskFuture<Integer>> inner = new CopyOnWriteArrayList<>();
        TaskFuture<Integer> outer = pool.submit(() -> {
            inner.add(pool.submit(() -> Work.hold(here)));
            try {
                return inner.getFirst().get();
            } catch (CancellationException e) {
                return 7;
            }
        });
        here.awaitCount("held", 1);
        await("the inner one is submitted").until(() -> !inner.isEmpty());
        inner.getFirst().cancel(true);
        assertThat(value(outer)).isEqualTo(7);
    }

    @Test
    public void aCancellationThatComesWhileAScopeEndsIsNotLost() throws Exception {
        if (!asynchronous()) {
            return;
        }
        var here = signals();
        Pool pool = open("");
        TaskFuture<Integer> future = pool.submit(() -> cleanUpSlowly(here));
        here.await("cleaning");
        future.cancel(true);
        if (!isolates()) { // where it would be killed before it could tell
            here.set("clean");
            here.await("noticed");
        }
        assertThat(future).isCancelled();
        assertAllWorkersServe(pool);
    }

    private static int cleanUpSlowly(Signals signals) throws Exception {
        try {
            CancelScope.within(Duration.ofMillis(1)).run(() -> {
                while (!Thread.interrupted()) {
                    Thread.onSpinWait();
                }
                signals.set("cleaning");
                while (!signals.isSet("clean") && !signals.areGone()) {
                    Thread.onSpinWait();
                }
                throw new InterruptedException();
            });
        } catch (java.util.concurrent.TimeoutException e) {
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException cancelled) {
                signals.set("noticed");
            }
        }
        return 1;
    }

    // ---- locks ----

    @Test
    public void tasksUpdateAFileUnderALock() throws Exception {
        var here = signals();
        int tasks = 60;
        pool().forEach(java.util.Collections.nCopies(tasks, here), PoolServicesContract::addLine);
        assertThat(here.logged()).isEqualTo(IntStream.range(0, tasks).mapToObj(Integer::toString).toList());
    }

    /** Adds the number of lines that are there: two at a time would add the same. */
    private static void addLine(Signals signals) {
        var lock = InterProcessLock.at(Path.of(signals.folder(), "lock"));
        lock.lock();
        try {
            signals.log(Integer.toString(signals.isSet("log") ? signals.logged().size() : 0));
        } finally {
            lock.unlock();
        }
    }

    // ---- random numbers ----

    @Test
    public void randomNumbersAreTheSameOnEveryKind() throws Exception {
        RandomStreams random = pool().random(42);
        List<Integer> drawn = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            drawn.add(value(random.submit(numbers -> numbers.nextInt(1_000))));
        }
        drawn.add(value(random.submit(numbers -> numbers.nextInt(1_000), TaskOptions.named("last"))));
        assertThat(drawn).containsExactly(TASK_NUMBERS);
        List<Integer> sides = java.util.Collections.nCopies(200, 1_000);
        List<Integer> first = random.map((numbers, bound) -> numbers.nextInt(bound), sides);
        List<Integer> second = random.map((numbers, bound) -> numbers.nextInt(bound), sides::iterator);
        assertThat(first.subList(0, 4)).containsExactly(MAP_NUMBERS);
        assertThat(second).isNotEqualTo(first);
        assertThat(pool().random(42).map((numbers, bound) -> numbers.nextInt(bound), sides)).isEqualTo(first);
        assertThatThrownBy(() -> random.submit(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> random.map(null, sides)).isInstanceOf(NullPointerException.class);
    }

    private static final Integer[] TASK_NUMBERS = {986, 677, 674, 689};
    private static final Integer[] MAP_NUMBERS = {497, 586, 273, 122};
}
