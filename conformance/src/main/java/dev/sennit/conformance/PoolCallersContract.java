package dev.sennit.conformance;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Pipeline;
import dev.sennit.Pool;
import dev.sennit.PoolStatistics;
import dev.sennit.Pools;
import dev.sennit.RejectedSubmissionException;
import dev.sennit.Retry;
import dev.sennit.Task;
import dev.sennit.TaskContext;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import dev.sennit.TaskScope;
import dev.sennit.TaskSerializationException;
import dev.sennit.TaskTracker.Outcome;
import dev.sennit.conformance.internal.Follower;
import dev.sennit.conformance.internal.Tenant;
import dev.sennit.conformance.internal.Work;
import java.io.IOException;
import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.function.BinaryOperator;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/**
 * What every kind of pool does for its callers: the forms in which they write tasks. A part of {@link PoolContract},
 * which says how its tests are written.
 */
public abstract sealed class PoolCallersContract extends KindUnderTest permits PoolServicesContract {
    /** For the subclasses. */
    protected PoolCallersContract() {}

    // ---- forms ----

    private static void refuse() throws IOException {
        throw new IOException("refused");
    }

    @Test
    public void aBlockWithoutAResultMayThrowAndItsFutureFailsWithThat() throws Exception {
        Pool pool = pool();
        List<TaskFuture<Void>> all = List.of(
                pool.submit(() -> refuse()),
                pool.submit(() -> refuse(), TaskOptions.named("with options")),
                pool.submitAfter(Duration.ofMillis(1), () -> refuse()),
                pool.submitAfter(Duration.ofMillis(1), () -> refuse(), TaskOptions.named("with options")));
        for (TaskFuture<Void> future : all) {
            assertThat(failure(future)).isInstanceOf(IOException.class).hasMessage("refused");
        }
        assertThat(failure(pool.submit(() -> refuse(), "given"))).isInstanceOf(IOException.class);
        assertThat(value(pool.submit(() -> Thread.sleep(1), "given"))).isEqualTo("given");
        try (var scope = TaskScope.open(pool)) {
            scope.fork(() -> refuse());
            assertThatThrownBy(scope::join)
                    .isInstanceOf(ExecutionException.class)
                    .hasCauseInstanceOf(IOException.class);
        }
        try (var scope = TaskScope.open(pool)) {
            TaskFuture<Void> slept = scope.fork(() -> Thread.sleep(1), TaskOptions.named("sleeper"));
            TaskFuture<Integer> counted = scope.fork(() -> 5);
            scope.join();
            assertThat(slept.resultNow()).isNull();
            assertThat(slept.name()).isEqualTo("sleeper");
            assertThat(counted.resultNow()).isEqualTo(5);
        }
    }

    /** {@code submit(Runnable, T)} would take the options for the result. */
    @Test
    public void optionsAreOptionsForVariablesToo() throws Exception {
        Runnable runnable = (Runnable & Serializable) () -> {};
        Callable<Integer> callable = (Callable<Integer> & Serializable) () -> 5;
        var options = TaskOptions.named("of a variable");

        TaskFuture<Void> ran = pool().submit(runnable, options);
        TaskFuture<Integer> called = pool().submit(callable, options);
        TaskFuture<Integer> late = pool().submitAfter(Duration.ofMillis(1), callable, options);

        assertThat(value(ran)).isNull();
        assertThat(List.of(value(called), value(late))).containsExactly(5, 5);
        assertThat(List.of(ran.name(), called.name(), late.name())).containsOnly("of a variable");
        assertThat(value(pool().submit(runnable, null))).as("as the JDK has it").isNull();
        try (var scope = TaskScope.open(pool())) {
            assertThat(scope.fork(runnable, options).name()).isEqualTo("of a variable");
            TaskFuture<Integer> forked = scope.fork(callable);
            scope.join();
            assertThat(forked.resultNow()).isEqualTo(5);
        }
    }

    @Test
    public void functionsOfTheJdkAreMapped() throws Exception {
        var here = signals();
        Function<Integer, Integer> twice = (Function<Integer, Integer> & Serializable) n -> 2 * n;
        BinaryOperator<Integer> times = (BinaryOperator<Integer> & Serializable) (a, b) -> a * b;
        Consumer<Integer> mark = (Consumer<Integer> & Serializable) n -> here.mark("item");
        List<Integer> items = List.of(1, 2, 3);

        assertThat(pool().map(twice, items)).containsExactly(2, 4, 6);
        assertThat(pool().chunksOf(2).map(twice, items)).containsExactly(2, 4, 6);
        assertThat(value(pool().mapAsync(twice, items))).containsExactly(2, 4, 6);
        assertThat(items.stream().gather(pool().mapping(twice)).toList()).containsExactly(2, 4, 6);
        assertThat(items.stream().gather(pool().mappingUnordered(twice)).toList()).containsExactlyInAnyOrder(2, 4, 6);
        assertThat(pool().map(times, items, items)).containsExactly(1, 4, 9);
        pool().forEach(items, mark);
        assertThat(here.count("item")).isEqualTo(3);
        assertThat(Pipeline.from(items).through("twice", pool(), twice).inOrder().toList().values())
                .containsExactly(2, 4, 6);
        assertThatThrownBy(() -> pool().map((Function<Integer, Integer>) null, items))
                .isInstanceOf(NullPointerException.class)
                .hasMessage("function");
    }

    @Test
    public void aFunctionThatCannotTravelIsNamed() {
        var secret = new Work.Anchored();
        Function<Integer, String> held = n -> secret.text();
        if (copiesValues()) {
            assertThatThrownBy(() -> pool().map(held, List.of(1)))
                    .isInstanceOf(TaskSerializationException.class)
                    .hasMessageContaining(PoolCallersContract.class.getName())
                    .hasMessageContaining("Serializable");
        } else {
            assertThat(pool().map(held, List.of(1))).containsExactly("anchored");
        }
    }

    @Test
    public void mapFailsWithTheExceptionItselfWhateverTheFunctionMayThrow() {
        assertThatThrownBy(() -> pool().forEach(List.of(1), n -> refuse()))
                .isInstanceOf(CompletionException.class)
                .hasCauseInstanceOf(IOException.class);
    }

    // ---- asynchronous ----

    public interface Calculations {
        TaskFuture<Integer> add(int a, int b);

        CompletableFuture<String> add(String a, String b);

        CompletionStage<Integer> fail(String why);

        Future<Long> process();

        void mark(String name);

        default int addNow(int a, int b) {
            return add(a, b).join();
        }
    }

    /** Has the same methods without futures. */
    public record Calculator(Signals signals) implements Serializable {
        private static final long serialVersionUID = 1L;

        public int add(int a, int b) {
            return a + b;
        }

        public String add(String a, String b) {
            return a + b;
        }

        public int fail(String why) throws IOException {
            throw new IOException(why);
        }

        public long process() {
            return ProcessHandle.current().pid();
        }

        public void mark(String name) {
            signals.mark(name);
        }
    }

    public interface Greeting {
        CompletableFuture<String> greet(String name);
    }

    @Test
    public void callsOfAnAsynchronousObjectAreTasks() throws Exception {
        Pool pool = pool();
        var calculations = pool.asynchronous(Calculations.class, new Calculator(signals()));

        TaskFuture<Integer> sum = calculations.add(2, 3);
        assertThat(value(sum)).isEqualTo(5);
        assertThat(sum.name()).isEqualTo("Calculations.add");
        assertThat(value(calculations.add("a", "b"))).isEqualTo("ab");
        assertThat(calculations.addNow(4, 5)).isEqualTo(9);
        assertThat(failure(calculations.fail("no luck").toCompletableFuture()))
                .isInstanceOf(IOException.class)
                .hasMessage("no luck");
        assertThat(value(calculations.process()) == ProcessHandle.current().pid()).isEqualTo(!copiesValues());
        calculations.mark("forgotten");
        signals().awaitCount("forgotten", 1);
        assertThat(figures(pool).submitted()).isEqualTo(6);
    }

    @Test
    public void anObjectOfTheInterfaceItselfReturnsFutures() throws Exception {
        Greeting object = (Greeting & Serializable) name -> name.isEmpty()
                ? CompletableFuture.failedFuture(new IOException("nobody"))
                : CompletableFuture.completedFuture("hello, " + name);
        Greeting greeting = pool().asynchronous(Greeting.class, object);

        assertThat(value(greeting.greet("Ada"))).isEqualTo("hello, Ada");
        assertThat(failure(greeting.greet(""))).isInstanceOf(IOException.class).hasMessage("nobody");
    }

    @Test
    @SuppressWarnings("SelfAssertion") // that is the point
    public void anAsynchronousObjectIsItself() {
        var object = new Calculator(signals());
        var one = pool().asynchronous(Calculations.class, object);
        var other = pool().asynchronous(Calculations.class, object);

        assertThat(one).isEqualTo(one).isNotEqualTo(other).hasSameHashCodeAs(one);
        assertThat(one.toString()).startsWith("Calculations[asynchronous on " + pool().name() + ", Calculator[");
    }

    @Test
    public void whatCannotBeAsynchronousIsRefusedWhenItIsMade() {
        Pool pool = pool();
        var object = new Calculator(signals());
        assertThatThrownBy(() -> pool.asynchronous(Comparable.class, object))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("method compareTo(java.lang.Object) of java.lang.Comparable returns int;"
                        + " it must return TaskFuture, CompletableFuture, CompletionStage, Future or void");
        assertThatThrownBy(() -> pool.asynchronous(Greeting.class, object))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Calculator has no public method greet(java.lang.String)");
        assertThatThrownBy(() -> pool.asynchronous(String.class, "text"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("interface");
        assertThatThrownBy(() -> pool.asynchronous(Greeting.class, null)).isInstanceOf(NullPointerException.class);
        Greeting anchored = name -> CompletableFuture.completedFuture(name + object);
        if (copiesValues()) {
            assertThatThrownBy(() -> pool.asynchronous(Greeting.class, anchored))
                    .isInstanceOf(TaskSerializationException.class)
                    .hasMessageContaining("cannot travel to a worker process: let it implement Serializable");
        } else {
            assertThat(pool.asynchronous(Greeting.class, anchored).greet("x").join()).startsWith("x");
        }
    }

    @Test
    public void callsOfAClosedPoolAreRefused() {
        Pool pool = open("");
        var calculations = pool.asynchronous(Calculations.class, new Calculator(signals()));
        pool.close();
        assertThatThrownBy(() -> calculations.add(1, 2)).isInstanceOf(RejectedSubmissionException.class);
        assertThatThrownBy(() -> calculations.mark("never")).isInstanceOf(RejectedSubmissionException.class);
    }

    // ---- the end of the run ----

    /** An interrupt ends it only once {@code cleaned up} is set. */
    private static void cleanUpWhenTold(Signals signals) throws Exception {
        signals.mark("running");
        try {
            signals.await("release");
        } finally {
            signals.mark("cleaning");
            Thread.interrupted();
            signals.await("clean up");
            signals.mark("cleaned");
        }
    }

    private void assertEndsAfterCleaningUp(TaskFuture<?> future, int runs) throws Exception {
        var here = signals();
        here.awaitCount("running", runs);
        assertThat(future.awaitEnd(1, MILLISECONDS)).isFalse();
        assertThat(future).isNotDone();
        future.cancel(true);
        here.awaitCount("cleaning", runs);
        assertThat(future).isCancelled();
        assertThat(future.awaitEnd(0, MILLISECONDS)).isFalse();
        assertThat(future.awaitEnd(1, MILLISECONDS)).isFalse();
        here.set("clean up");
        future.awaitEnd();
        assertThat(here.count("cleaned")).isEqualTo(runs);
        assertThat(future.awaitEnd(0, MILLISECONDS)).isTrue();
    }

    @Test
    public void theEndOfACancelledRunCanBeWaitedFor() throws Exception {
        var here = signals();
        if (asynchronous()) {
            assertEndsAfterCleaningUp(slow().submit(() -> cleanUpWhenTold(here)), 1);
        } else {
            TaskFuture<Integer> done = pool().submit(() -> 1);
            done.awaitEnd();
            assertThat(done.awaitEnd(0, MILLISECONDS)).isTrue();
        }
    }

    @Test
    public void theEndOfARetriedRunCanBeWaitedFor() throws Exception {
        var here = signals();
        if (asynchronous()) {
            assertEndsAfterCleaningUp(
                    slow().submit(() -> cleanUpWhenTold(here), TaskOptions.NONE.retry(Retry.attempts(3))), 1);
        } else {
            TaskFuture<Void> failed = pool().submit(() -> refuse(), TaskOptions.NONE.retry(Retry.attempts(2)));
            failed.awaitEnd();
            assertThat(failed).isCompletedExceptionally();
        }
    }

    @Test
    public void theEndOfAllChunksCanBeWaitedFor() throws Exception {
        var here = signals();
        if (asynchronous()) {
            Pool slow = slow();
            TaskFuture<List<Integer>> map = slow.chunksOf(1)
                    .mapAsync(
                            n -> {
                                cleanUpWhenTold(here);
                                return n;
                            },
                            List.of(1, 2));
            assertEndsAfterCleaningUp(map, Math.min(2, slow.workers()));
        } else {
            pool().mapAsync(n -> n, List.of(1, 2)).awaitEnd();
        }
    }

    @Test
    public void aTaskThatNeverBeganHasEnded() throws Exception {
        if (!asynchronous()) {
            return; // the caller would wait for the delay
        }
        TaskFuture<Integer> never = pool().submitAfter(Duration.ofDays(1), () -> 1);
        assertThat(never.awaitEnd(0, MILLISECONDS)).isFalse();
        never.cancel(false);
        never.awaitEnd();
        assertThat(never).isCancelled();
    }

    @Test
    public void theEndOfARunThatFailsIsNoFailure() throws Exception {
        TaskFuture<Void> failed = pool().submit(() -> refuse());
        failed.awaitEnd();
        assertThat(failure(failed)).isInstanceOf(IOException.class);
        TaskFuture<Integer> value = pool().submit(() -> 5);
        assertThat(value.awaitEnd(BOUND, SECONDS)).isTrue();
        assertThat(value.resultNow()).isEqualTo(5);
    }

    /** A pool that lets a cancelled task clean up. */
    private Pool slow() {
        return isolates() ? opened(Pools.open(planWithTimeToCleanUp(workers()))) : pool();
    }

    // ---- context ----

    private static final ScopedValue<String> USER = ScopedValue.newInstance();
    private static final ThreadLocal<String> TRACE = new ThreadLocal<>();

    /** Fails once for each name, so that it is tried again. */
    private static String secondTime(Signals here, String name) throws IOException {
        here.mark(name);
        if (here.count(name) == 1) {
            throw new IOException("the first attempt");
        }
        return Tenant.current();
    }

    @Test
    public void aContextIsCarriedIntoEveryFormOfTask() throws Exception {
        Signals here = signals();
        Pool pool = pool();
        Callable<String> callable = (Callable<String> & Serializable) Tenant::current;
        Runnable runnable = (Runnable & Serializable) () -> here.mark(Tenant.current());
        try (var _ = TaskContext.register(new Tenant())) {
            Tenant.as("blue", () -> {
                List<TaskFuture<String>> all = List.of(
                        pool.submit(() -> Tenant.current()),
                        pool.submit(callable),
                        pool.submitAfter(Duration.ofMillis(1), () -> Tenant.current()),
                        pool.submit(() -> secondTime(here, "retried"), TaskOptions.NONE.retry(Retry.attempts(2))));
                for (TaskFuture<String> future : all) {
                    assertThat(value(future)).isEqualTo("blue");
                }
                assertThat(pool.map(n -> n + Tenant.current(), List.of(1, 2, 3))).containsExactly("1blue", "2blue",
                        "3blue");
                assertThat(value(pool.mapAsync(n -> n + Tenant.current(), List.of(1, 2)))).containsExactly("1blue",
                        "2blue");
                assertThat(List.of(1).stream().gather(pool.mapping(n -> n + Tenant.current())).toList())
                        .containsExactly("1blue");
                assertThat(pool.invokeAll(List.of(callable)).getFirst().resultNow()).isEqualTo("blue");
                assertThat(pool.invokeAny(List.of(callable))).isEqualTo("blue");
                assertThat(
                        Pipeline.from(List.of(1)).through("named", pool, n -> n + Tenant.current()).toList().values())
                        .containsExactly("1blue");
                pool.execute(runnable);
                value(pool.submit(runnable));
                pool.forEach(List.of(1, 2), n -> here.mark(Tenant.current()));
                here.awaitCount("blue", 4);
                try (var scope = TaskScope.open(pool)) {
                    TaskFuture<String> forked = scope.fork(() -> Tenant.current());
                    scope.join();
                    assertThat(forked.resultNow()).isEqualTo("blue");
                }
            });
            for (int i = 0; i < 2 * workers(); i++) {
                assertThat(value(pool.submit(() -> Tenant.current()))).as("what is left in a worker").isEqualTo("null");
            }
        }
        Tenant.as("blue", () -> {
            String carried = value(pool.submit(() -> Tenant.current()));
            assertThat(carried).as("no longer registered").isEqualTo(asynchronous() ? "null" : "blue");
        });
    }

    /** Constants travel where what they hold cannot. */
    @Test
    public void aThreadLocalAndAScopedValueAreCarriedByTheirConstants() throws Exception {
        Pool pool = pool();
        try (var _ = TaskContext.register(TaskContext.scopedValue(() -> USER));
                var _ = TaskContext.register(TaskContext.threadLocal(() -> TRACE))) {
            TRACE.set("4bf92f");
            ScopedValue.where(USER, "Ada").call(() -> {
                assertThat(value(pool.submit(() -> USER.get() + " " + TRACE.get()))).isEqualTo("Ada 4bf92f");
                assertThat(pool.map(n -> USER.get() + n, List.of(1, 2))).containsExactly("Ada1", "Ada2");
                return null;
            });
            TRACE.remove();
            assertThat(value(pool.submit(() -> USER.orElse("nobody") + " " + TRACE.get()))).isEqualTo("nobody null");
        }
    }

    @Test
    public void aContextThatFailsFailsItsTaskAlone() throws Exception {
        Pool pool = pool();
        try (var _ = TaskContext.register(new Tenant())) {
            Tenant.as(Tenant.NOT_CAPTURED, () -> {
                assertThatThrownBy(() -> pool.submit(() -> 5)).isInstanceOf(IllegalStateException.class)
                        .hasMessage(Tenant.NOT_CAPTURED);
                assertThatThrownBy(() -> pool.mapAsync(n -> n, List.of(1))).hasMessage(Tenant.NOT_CAPTURED);
                try (var scope = TaskScope.awaitAll(pool)) {
                    assertThatThrownBy(() -> scope.fork(() -> 5)).hasMessage(Tenant.NOT_CAPTURED);
                    scope.join();
                }
            });
            TaskFuture<?>[] failing = new TaskFuture<?>[1];
            Tenant.as(Tenant.NOT_RESTORED, () -> failing[0] = pool.submit(() -> 5));
            assertThat(failure(failing[0])).isInstanceOf(IllegalStateException.class).hasMessage(Tenant.NOT_RESTORED);
            Tenant.as("blue", () -> assertThat(value(pool.submit(() -> Tenant.current()))).isEqualTo("blue"));
        }
    }

    /** One that says that it travels has to; one that does not stays in this JVM. */
    @Test
    public void aContextThatCannotTravelIsNamedOrStays() throws Exception {
        Pool pool = pool();
        ScopedValue<Object> local = ScopedValue.newInstance();
        try (var _ = TaskContext.register(new Tenant());
                var _ = TaskContext.register(TaskContext.of(USER, local))) {
            ScopedValue.where(USER, "Ada").where(local, new Object()).call(() -> {
                assertThat(value(pool.submit(() -> USER.orElse("nobody"))))
                        .isEqualTo(copiesValues() ? "nobody" : "Ada");
                return null;
            });
            Tenant.as(new Work.Anchored(), () -> {
                if (copiesValues()) {
                    assertThatThrownBy(() -> pool.submit(() -> 5))
                            .isInstanceOf(TaskSerializationException.class)
                            .hasMessage("context " + Tenant.class.getName() + " cannot travel: it captured a "
                                    + Work.Anchored.class.getName() + ", which is not Serializable");
                } else {
                    assertThat(value(pool.submit(() -> Tenant.CURRENT.get() instanceof Work.Anchored))).isTrue();
                }
            });
        }
    }

    @Test
    public void aTaskWithAContextIsNamedAfterItsOwnClass() throws Exception {
        Task<Integer> task = () -> 5;
        String plain = pool().submit(task).name();
        try (var _ = TaskContext.register(new Tenant())) {
            Tenant.as("blue", () -> assertThat(pool().submit(task).name()).isEqualTo(plain));
        }
    }

    // ---- trackers ----

    private static int failing() throws IOException {
        throw new IOException("always");
    }

    @Test
    public void aTrackerIsToldOnceHowEachTaskEnded() throws Exception {
        Signals here = signals();
        Pool pool = open("");
        var ends = new Follower.Ends();
        try (var _ = TaskContext.register(new Follower())) {
            Follower.follow(ends, () -> {
                assertThat(value(pool.submit(() -> Follower.RUNS.get(), TaskOptions.named("runs")))).isEqualTo("runs");
                assertThat(ends.of("runs")).as("told before the future is done").singleElement().satisfies(end -> {
                    assertThat(end.outcome()).isEqualTo(Outcome.SUCCEEDED);
                    assertThat(end.waited()).hasValueSatisfying(time -> assertThat(time.isNegative()).isFalse());
                    assertThat(end.worker()).isPresent();
                    assertThat(end.failure()).isEmpty();
                });

                assertThat(failure(pool.submit(() -> failing(), TaskOptions.named("fails")))).hasMessage("always");
                assertThat(ends.of("fails")).singleElement().satisfies(end -> {
                    assertThat(end.outcome()).isEqualTo(Outcome.FAILED);
                    assertThat(end.failure()).hasValueSatisfying(why -> assertThat(why).hasMessage("always"));
                });

                var retry = TaskOptions.named("retried").retry(Retry.attempts(3));
                value(pool.submit(() -> secondTime(here, "attempt"), retry));
                assertThat(ends.of("retried")).singleElement().satisfies(end -> {
                    assertThat(end.outcome()).isEqualTo(Outcome.SUCCEEDED);
                    assertThat(end.waited()).isPresent();
                    assertThat(end.worker()).isPresent();
                });

                value(pool.submit(() -> 5, TaskOptions.named(Follower.THROWS)));
                assertThat(pool.map(n -> n + 1, List.of(1, 2, 3))).containsExactly(2, 3, 4);
                assertThat(value(pool.mapAsync(n -> n + 1, List.of(1, 2)))).containsExactly(2, 3);
            });
        }
        pool.close();
        assertThat(ends.of("no task")).isEmpty();
        assertToldAsCounted(ends, pool.statistics());
    }

    /** Chunks of a {@code mapAsync} are submitted by a thread that nobody follows. */
    private void assertToldAsCounted(Follower.Ends ends, PoolStatistics counted) {
        assertThat(ends.wrong()).isZero();
        Map<Outcome, Long> told = ends.outcomes();
        assertThat(told.getOrDefault(Outcome.FAILED, 0L)).isEqualTo(counted.failed());
        assertThat(told.getOrDefault(Outcome.CANCELLED, 0L)).isEqualTo(counted.cancelled());
        assertThat(told.getOrDefault(Outcome.REFUSED, 0L)).isEqualTo(counted.rejected());
        assertThat(told.getOrDefault(Outcome.SUCCEEDED, 0L)).isPositive()
                .isBetween(counted.succeeded() - 2, counted.succeeded());
    }

    @Test
    public void aTrackerIsToldOfTasksThatNeverRan() throws Exception {
        Signals here = signals();
        Pool pool = open(asynchronous() && queues() ? "backlog=1&full=reject" : "");
        var ends = new Follower.Ends();
        try (var _ = TaskContext.register(new Follower())) {
            Follower.follow(ends, () -> {
                if (asynchronous()) {
                    TaskFuture<Integer> running = pool.submit(() -> Work.hold(here), TaskOptions.named("running"));
                    here.awaitCount("held", 1);
                    assertThat(running.cancel(true)).isTrue();
                    assertThat(ends.of("running")).singleElement().satisfies(end -> {
                        assertThat(end.outcome()).isEqualTo(Outcome.CANCELLED);
                        assertThat(end.waited()).isPresent();
                    });
                    TaskFuture<Integer> delayed =
                            pool.submitAfter(Duration.ofDays(1), () -> 5, TaskOptions.named("delayed"));
                    assertThat(delayed.cancel(true)).isTrue();
                    assertThat(ends.of("delayed")).singleElement().satisfies(end -> {
                        assertThat(end.outcome()).isEqualTo(Outcome.CANCELLED);
                        assertThat(end.waited()).isEmpty();
                        assertThat(end.worker()).isEmpty();
                    });
                }
                pool.shutdown();
                assertThatThrownBy(() -> pool.submit(() -> 5, TaskOptions.named("late")))
                        .isInstanceOf(RejectedSubmissionException.class);
                assertThatThrownBy(() -> pool.execute(() -> {})).isInstanceOf(RejectedSubmissionException.class);
                assertThat(ends.of("late")).singleElement().satisfies(end -> {
                    assertThat(end.outcome()).isEqualTo(Outcome.REFUSED);
                    assertThat(end.failure()).hasValueSatisfying(
                            why -> assertThat(why).isInstanceOf(RejectedSubmissionException.class));
                });
            });
        }
        pool.close();
        assertThat(ends.wrong()).isZero();
        assertThat(ends.outcomes()).containsEntry(Outcome.REFUSED, pool.statistics().rejected());
        assertThat(ends.outcomes().getOrDefault(Outcome.CANCELLED, 0L)).isEqualTo(pool.statistics().cancelled());
    }

    @Test
    public void aTrackerIsToldOfTasksThatCannotTravel() throws Exception {
        Pool pool = pool();
        var anchored = new Work.Anchored();
        var ends = new Follower.Ends();
        try (var _ = TaskContext.register(new Follower()); var _ = TaskContext.register(new Tenant())) {
            Follower.follow(ends, () -> {
                if (copiesValues()) {
                    assertThatThrownBy(() -> pool.submit(() -> anchored.hashCode()))
                            .isInstanceOf(TaskSerializationException.class);
                } else {
                    value(pool.submit(() -> anchored.hashCode()));
                }
                Tenant.as(Tenant.NOT_CAPTURED, () -> assertThatThrownBy(() -> pool.submit(() -> 5))
                        .hasMessage(Tenant.NOT_CAPTURED));
            });
        }
        assertThat(ends.wrong()).isZero();
        assertThat(ends.outcomes()).containsEntry(Outcome.REFUSED, copiesValues() ? 2L : 1L);
    }
}
