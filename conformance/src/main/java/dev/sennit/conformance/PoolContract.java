package dev.sennit.conformance;

import static dev.sennit.conformance.internal.Conditions.await;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.NANOSECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.sennit.Action;
import dev.sennit.Futures;
import dev.sennit.Mapper;
import dev.sennit.Plan;
import dev.sennit.Pool;
import dev.sennit.PoolStatistics;
import dev.sennit.Pools;
import dev.sennit.RejectedSubmissionException;
import dev.sennit.RemoteTaskException;
import dev.sennit.Task;
import dev.sennit.TaskFunction;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import dev.sennit.TaskSerializationException;
import dev.sennit.Until;
import dev.sennit.conformance.internal.Caller;
import dev.sennit.conformance.internal.Conditions;
import dev.sennit.conformance.internal.Work;
import java.io.IOException;
import java.io.Serializable;
import java.time.Duration;
import java.util.AbstractCollection;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Gatherer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What every kind of {@link Pool} must do.
 *
 * <p>A subclass names its plan and, with the methods of {@link KindUnderTest}, the columns of the table "Where the
 * kinds differ" in the Javadoc of {@link Pool}. A kind that cannot do something is shown to do what the table says
 * instead; no test is left out.
 *
 * {@snippet :
 * class ThreadsTest extends dev.sennit.conformance.PoolContract {
 *     @Override
 *     protected String plan(int workers) {
 *         return "threads:" + workers;
 *     }
 * }
 * }
 *
 * <p>Some tests start a JVM of their own, where the kind has to be found on the class path: in
 * {@code META-INF/services}.
 *
 * <h2>How these tests are written</h2>
 *
 * <p>A task may run in another process. So its body is a static method or a lambda that captures only what can travel,
 * and never {@code this}; and where a test of threads would use a latch, a test here uses {@link Signals}. The tests
 * wait for conditions, with a bound that is only a safety net; none sleeps to let something happen, none asserts how
 * long anything took.
 *
 * <p>Most tests share pools ({@link #pool()}, {@link #shared(String)}), because a pool of processes is dear; after each
 * test these have to be idle and open. Tests that end a pool, or fill it to the last place, {@link #open(String) open}
 * their own, which is shut down after the test, and has to terminate.
 *
 * <p>The methods are public because kinds of other packages and modules run them too.
 */
@SuppressWarnings({"CheckReturnValue", "ReturnValueIgnored"}) // of calls that are to fail
public abstract non-sealed class PoolContract extends PoolMessagesContract {
    /** For the subclasses. */
    protected PoolContract() {}

    // ---- submit ----

    @Test
    public void aLambdaIsATaskAndItsValueComesBack() throws Exception {
        TaskFuture<Integer> future = pool().submit(() -> 6 * 7);

        assertThat(value(future)).isEqualTo(42);
        assertThat(future.join()).isEqualTo(42);
        assertThat(future.resultNow()).isEqualTo(42);
        assertThat(future.state()).isEqualTo(Future.State.SUCCESS);
        assertThat(future).isDone().isNotCancelled();
    }

    @Test
    public void aValueMayBeNull() throws Exception {
        Object nothing = value(pool().submit(() -> null));
        assertThat(nothing).isNull();
        assertThat(value(pool().submit(() -> (String) null, TaskOptions.named("nothing")))).isNull();
    }

    @Test
    public void anActionRunsAndItsFutureHoldsNull() throws Exception {
        var here = signals();

        assertThat(value(pool().submit(() -> here.set("action")))).isNull();
        assertThat(value(pool().submit(() -> here.set("with options"), TaskOptions.named("set")))).isNull();

        assertThat(here.isSet("action")).isTrue();
        assertThat(here.isSet("with options")).isTrue();
    }

    @Test
    public void aCallableThatIsSerializableRunsOnEveryKind() throws Exception {
        Callable<Integer> callable = (Callable<Integer> & Serializable) () -> 42;

        assertThat(value(pool().submit(callable))).isEqualTo(42);
        ExecutorService service = pool();
        assertThat(value(service.submit(callable))).isEqualTo(42);
    }

    @Test
    public void aRunnableThatIsSerializableRunsOnEveryKind() throws Exception {
        var here = signals();
        Runnable runnable = (Runnable & Serializable) () -> here.mark("ran");
        ExecutorService service = pool();

        assertThat(value(pool().submit(runnable))).isNull();
        assertThat(value(pool().submit(runnable, "given"))).isEqualTo("given");
        assertThat((Object) value(service.submit(runnable))).isNull();
        assertThat(value(service.submit(runnable, "given"))).isEqualTo("given");
        assertThat(value(pool().submit(runnable, (String) null))).isNull();

        assertThat(here.count("ran")).isEqualTo(5);
    }

    @Test
    public void aLambdaGivenThroughExecutorServiceRunsOrIsRefusedWithTheFix() throws Exception {
        ExecutorService service = pool();
        int captured = 40;
        Callable<Integer> callable = () -> captured + 2;
        Runnable runnable = () -> {};
        if (copiesValues()) {
            assertThatThrownBy(() -> service.submit(() -> captured + 2)).satisfies(PoolContract::saysWhatToDo);
            assertThatThrownBy(() -> service.submit(callable)).satisfies(PoolContract::saysWhatToDo);
            assertThatThrownBy(() -> service.submit(runnable)).satisfies(PoolContract::saysWhatToDo);
            assertThatThrownBy(() -> service.submit(runnable, 1)).satisfies(PoolContract::saysWhatToDo);
            assertThatThrownBy(() -> service.execute(runnable)).satisfies(PoolContract::saysWhatToDo);
            assertThatThrownBy(() -> service.invokeAll(List.of(callable))).satisfies(PoolContract::saysWhatToDo);
            assertThatThrownBy(() -> service.invokeAny(List.of(callable))).satisfies(PoolContract::saysWhatToDo);
        } else {
            assertThat(value(service.submit(() -> captured + 2))).isEqualTo(42);
            assertThat(value(service.submit(callable))).isEqualTo(42);
            assertThat((Object) value(service.submit(runnable))).isNull();
            assertThat(value(service.submit(runnable, 1))).isEqualTo(1);
            service.execute(runnable);
            assertThat(value(service.invokeAll(List.of(callable)).getFirst())).isEqualTo(42);
            assertThat(service.invokeAny(List.of(callable))).isEqualTo(42);
        }
    }

    private static void saysWhatToDo(Throwable refusal) {
        assertThat(refusal)
                .isInstanceOf(TaskSerializationException.class)
                .hasMessageContaining(PoolContract.class.getSimpleName()) // where the lambda is written
                .hasMessageContainingAll("Pool.submit", "Task");
    }

    @Test
    public void theStatisticsTellThePidsOfWorkerProcesses() throws Exception {
        Pool pool = pool();
        long pid = value(pool.submit(() -> ProcessHandle.current().pid()));
        if (isolates()) {
            assertThat(pool.statistics().workerPids()).contains(pid).doesNotHaveDuplicates();
        } else {
            assertThat(pool.statistics().workerPids()).isEmpty();
        }
    }

    @Test
    public void aNameThatWasGivenIsTheThreadsWhileTheTaskRuns() throws Exception {
        Pool pool = pool();
        String own = Thread.currentThread().getName();
        String during = value(pool.submit(PoolContract::threadName, TaskOptions.named("report 17")));
        assertThat(during).isEqualTo(asynchronous() ? "report 17" : own);

        TaskFuture<String> failed = pool.submit(
                () -> {
                    throw new IllegalStateException(Thread.currentThread().getName());
                },
                TaskOptions.named("report 18"));
        assertThat(failure(failed)).hasMessage(asynchronous() ? "report 18" : own);

        List<TaskFuture<String>> unnamed = new ArrayList<>();
        for (int i = 0; i < 4 * workers(); i++) {
            unnamed.add(pool.submit(PoolContract::threadName));
        }
        for (TaskFuture<String> one : unnamed) {
            assertThat(value(one)).isNotEmpty().doesNotStartWith("report");
        }
        assertThat(Thread.currentThread().getName()).isEqualTo(own);
    }

    private static String threadName() {
        return Thread.currentThread().getName();
    }

    @Test
    public void aFutureTellsItsNameAndState() throws Exception {
        var here = signals();
        Pool pool = pool();
        TaskFuture<Integer> named = pool.submit(() -> 1, TaskOptions.named("report"));
        TaskFuture<Integer> unnamed = pool.submit(() -> 1);
        TaskFuture<Void> action = pool.submit(() -> here.set("x"));
        TaskFuture<Integer> failed = pool.submit(() -> Work.failDeep(0));
        value(named);
        value(unnamed);
        value(action);
        failure(failed);

        assertThat(named.name()).isEqualTo("report");
        assertThat(unnamed.name()).contains("PoolContract");
        assertThat(action.name()).contains("PoolContract");
        assertThat(named.toString()).contains("report", "SUCCESS", pool.name());
        assertThat(failed.toString()).contains("FAILED");
    }

    @Test
    public void submitReturnsAtOnceOrWhenTheTaskHasEnded() throws Exception {
        var here = signals();
        if (asynchronous()) {
            TaskFuture<Integer> future = pool().submit(() -> Work.hold(here)); // returns: nobody has released it
            here.awaitCount("held", 1);
            assertThat(future).isNotDone();
            assertThat(future.toString()).contains("RUNNING");
            here.set("release");
            assertThat(value(future)).isEqualTo(1);
        } else {
            here.set("release");
            assertThat(pool().submit(() -> Work.hold(here))).isDone();
        }
    }

    @Test
    public void tasksRunWhereTheKindSays() throws Exception {
        String name = "where-" + System.nanoTime();
        Pool pool = open("name=" + name);
        String thread = value(pool.submit(() -> Thread.currentThread().getName()));
        long pid = value(pool.submit(() -> ProcessHandle.current().pid()));

        assertThat(pool.name()).isEqualTo(name);
        if (!asynchronous()) {
            assertThat(thread).isEqualTo(Thread.currentThread().getName());
        }
        if (isolates()) {
            assertThat(pid).isNotEqualTo(ProcessHandle.current().pid());
        } else {
            assertThat(pid).isEqualTo(ProcessHandle.current().pid());
            assertThat(thread).startsWith(asynchronous() ? name : "");
        }
    }

    @Test
    public void tasksAndValuesAreTheSameObjectsOrCopies() throws Exception {
        int[] box = {0};
        int[] returned = value(pool().submit(() -> {
            box[0]++;
            return box;
        }));

        assertThat(returned).containsExactly(1);
        if (copiesValues()) {
            assertThat(returned).isNotSameAs(box);
            assertThat(box).containsExactly(0);
        } else {
            assertThat(returned).isSameAs(box);
        }
    }

    @Test
    public void whatATaskCapturedIsThatOfTheMomentOfSubmissionWhereItIsCopied() throws Exception {
        var here = signals();
        int[] box = {1};
        if (asynchronous()) {
            TaskFuture<Integer> future = pool().submit(() -> {
                Work.hold(here);
                return box[0];
            });
            here.awaitCount("held", 1);
            box[0] = 2;
            here.set("release");
            assertThat(value(future)).isEqualTo(copiesValues() ? 1 : 2);
        } else {
            assertThat(value(pool().submit(() -> box[0]))).isEqualTo(1);
        }
    }

    @Test
    public void executeRunsWithoutAFuture() throws Exception {
        var here = signals();
        Pool pool = pool();
        ExecutorService service = pool;
        Runnable runnable = (Runnable & Serializable) () -> here.mark("ran");

        pool.execute(() -> here.mark("ran"));
        pool.execute(runnable);
        service.execute(runnable);

        here.awaitCount("ran", 3);
    }

    @Test
    public void theFailureOfAnExecutedActionGoesToTheUncaughtExceptionHandler() throws Exception {
        Pool pool = pool();
        Runnable runnable = (Runnable & Serializable) () -> Work.failDeep(1);
        List<Throwable> uncaught = new CopyOnWriteArrayList<>();
        withUncaughtExceptionHandler((thread, thrown) -> uncaught.add(thrown), () -> {
            pool.execute(() -> Work.failDeep(0));
            pool.execute(runnable);
            pool.execute(() -> {
                throw new AssertionError("an Error too");
            });
            await("all are reported").until(() -> uncaught.size() == 3);
        });

        assertThat(uncaught).extracting(Throwable::getMessage).containsExactlyInAnyOrder("deep", "deep",
                "an Error too");
        assertAllWorkersServe(pool);
    }

    @Test
    public void theFailureOfASubmittedTaskBelongsToItsFutureAlone() throws Exception {
        Pool pool = pool();
        List<Throwable> uncaught = new CopyOnWriteArrayList<>();
        withUncaughtExceptionHandler((thread, thrown) -> uncaught.add(thrown), () -> {
            failure(pool.submit(() -> Work.failDeep(0)));
            Action action = () -> Work.failDeep(0);
            failure(pool.submit(action));
            assertAllWorkersServe(pool);
        });

        assertThat(uncaught).isEmpty();
    }

    @Test
    public void anUncaughtExceptionHandlerThatThrowsHarmsNobody() throws Exception {
        Pool pool = pool();
        var called = new AtomicInteger();
        withUncaughtExceptionHandler(
                (thread, thrown) -> {
                    if (called.incrementAndGet() % 2 == 0) {
                        throw new AssertionError("the handler fails");
                    }
                    throw new IllegalStateException("the handler fails");
                },
                () -> {
                    for (int i = 0; i < 3; i++) {
                        pool.execute(() -> Work.failDeep(0));
                    }
                    await("the handler is called").until(() -> called.get() == 3);
                });

        assertAllWorkersServe(pool);
    }

    private static void withUncaughtExceptionHandler(Thread.UncaughtExceptionHandler handler, Step step)
            throws Exception {
        Thread.UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();
        Thread.setDefaultUncaughtExceptionHandler(handler);
        try {
            step.run();
        } finally {
            Thread.setDefaultUncaughtExceptionHandler(before);
        }
    }

    private interface Step {
        void run() throws Exception;
    }

    @Test
    public void oneWorkerStartsTasksInTheOrderOfSubmission() throws Exception {
        var here = signals();
        if (unlimited()) {
            Pool pool = pool();
            List<TaskFuture<Integer>> all = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                all.add(pool.submit(() -> Work.hold(here)));
            }
            here.awaitCount("held", 50); // no order to speak of: all run at once
            here.set("release");
            for (TaskFuture<Integer> one : all) {
                value(one);
            }
            return;
        }
        Pool pool = shared(1, "");
        if (asynchronous()) {
            occupyWorkers(pool);
        }
        List<TaskFuture<Void>> all = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            String line = "task " + i;
            all.add(pool.submit(() -> here.log(line)));
        }
        here.set("release");
        for (TaskFuture<Void> one : all) {
            value(one);
        }

        assertThat(here.logged()).containsExactlyElementsOf(IntStream.range(0, 50).mapToObj(i -> "task " + i).toList());
    }

    @Test
    public void hundredThousandTinyTasksBySubmit() throws Exception {
        Pool pool = shared("");
        List<TaskFuture<Integer>> all = new ArrayList<>();
        for (int i = 0; i < 100_000; i++) {
            int n = i;
            all.add(pool.submit(() -> n + 1));
        }
        long sum = 0;
        for (TaskFuture<Integer> one : all) {
            sum += value(one);
        }

        assertThat(sum).isEqualTo(100_000L * 100_001 / 2);
        assertThat(figures(pool).succeeded()).isEqualTo(100_000);
        assertAddsUp(figures(pool));
    }

    @Test
    public void a64MegabyteArgumentAndResultTravel() throws Exception {
        byte[] large = new byte[64 << 20];
        Arrays.fill(large, (byte) 7);
        large[large.length - 1] = 42;

        assertThat(value(pool().submit(() -> large.length + large[large.length - 1]))).isEqualTo((64 << 20) + 42);
        byte[] returned = value(pool().submit(() -> large));

        assertThat(Arrays.equals(returned, large)).isTrue();
        assertThat(returned == large).isEqualTo(!copiesValues());
    }

    // ---- null and bad arguments ----

    /** Calls that {@code ThreadPoolExecutor} answers with an exception: every pool throws one of the same class. */
    private static Map<String, BadCall> badCalls() {
        Callable<Integer> good = (Callable<Integer> & Serializable) () -> 1;
        Map<String, BadCall> calls = new LinkedHashMap<>();
        calls.put("submit((Callable) null)", service -> service.submit((Callable<Integer>) null));
        calls.put("submit((Runnable) null)", service -> service.submit((Runnable) null));
        calls.put("submit((Runnable) null, result)", service -> service.submit(null, 1));
        calls.put("execute(null)", service -> service.execute(null));
        calls.put("invokeAll(null)", service -> service.invokeAll((Collection<Callable<Integer>>) null));
        calls.put("invokeAll(null, 1, SECONDS)",
                service -> service.invokeAll((Collection<Callable<Integer>>) null, 1, SECONDS));
        calls.put("invokeAll(tasks, 1, null)", service -> service.invokeAll(List.of(good), 1, null));
        calls.put("invokeAll([good, null])", service -> service.invokeAll(Arrays.asList(good, null)));
        calls.put("invokeAll([good, null], 1, SECONDS)",
                service -> service.invokeAll(Arrays.asList(good, null), 1, SECONDS));
        calls.put("invokeAny(null)", service -> service.invokeAny((Collection<Callable<Integer>>) null));
        calls.put("invokeAny([])", service -> service.invokeAny(List.<Callable<Integer>>of()));
        calls.put("invokeAny([null])",
                service -> service.invokeAny(Collections.<Callable<Integer>>singletonList(null)));
        calls.put("invokeAny(null, 1, SECONDS)",
                service -> service.invokeAny((Collection<Callable<Integer>>) null, 1, SECONDS));
        calls.put("invokeAny([], 1, SECONDS)", service -> service.invokeAny(List.<Callable<Integer>>of(), 1, SECONDS));
        calls.put("invokeAny(tasks, 1, null)", service -> service.invokeAny(List.of(good), 1, null));
        calls.put("awaitTermination(1, null)", service -> service.awaitTermination(1, null));
        return calls;
    }

    private interface BadCall {
        void on(ExecutorService service) throws Exception;
    }

    @Test
    public void badArgumentsAreAnsweredAsThreadPoolExecutorAnswersThem() {
        try (var peer = new ThreadPoolExecutor(1, 1, 0, SECONDS, new LinkedBlockingQueue<>())) {
            badCalls().forEach((text, call) -> {
                Throwable expected = catchThrowable(() -> call.on(peer));
                assertThat(expected).as(text).isInstanceOfAny(NullPointerException.class,
                        IllegalArgumentException.class);
                assertThatThrownBy(() -> call.on(pool())).as(text).isExactlyInstanceOf(expected.getClass());
            });
        }
    }

    @Test
    public void badArgumentsAreFoundBeforeTheClosedPoolIs() {
        var peer = new ThreadPoolExecutor(1, 1, 0, SECONDS, new LinkedBlockingQueue<>());
        peer.shutdown();
        Pool pool = open("");
        pool.shutdown();
        for (String text : List.of("submit((Callable) null)", "submit((Runnable) null)", "execute(null)",
                "invokeAny([])")) {
            BadCall call = badCalls().get(text);
            Throwable expected = catchThrowable(() -> call.on(peer));
            assertThatThrownBy(() -> call.on(pool)).as(text).isExactlyInstanceOf(expected.getClass());
        }
    }

    @Test
    public void nullIsRefusedByTheMethodsThatAPoolAdds() {
        Pool pool = pool();
        TaskFunction<Integer, Integer> function = n -> n;
        Task<Integer> task = () -> 1;
        Action action = () -> {};
        for (BadCall call : List.<BadCall>of(
                nothing -> pool.submit((Task<Integer>) null),
                nothing -> pool.submit((Action) null),
                nothing -> pool.submit((Task<Integer>) null, TaskOptions.NONE),
                nothing -> pool.submit((Action) null, TaskOptions.NONE),
                nothing -> pool.submit(task, (TaskOptions) null),
                nothing -> pool.submit(action, (TaskOptions) null),
                nothing -> pool.execute((Action) null),
                nothing -> pool.map(null, List.of(1)),
                nothing -> pool.map(function, null),
                nothing -> pool.mapping(null),
                nothing -> pool.mappingUnordered(null))) {
            assertThatThrownBy(() -> call.on(pool)).isExactlyInstanceOf(NullPointerException.class);
        }
    }

    @Test
    public void aFutureRefusesANullFailure() throws Exception {
        TaskFuture<Integer> future = pool().submit(() -> 1);

        assertThatThrownBy(() -> future.completeExceptionally(null)).isInstanceOf(NullPointerException.class);
        assertThat(value(future)).isEqualTo(1);
    }

    @Test
    public void aPlanWithABadArgumentIsRefusedInOneLineThatNamesIt() {
        String kind = Plan.parse(plan(2)).kind();
        for (String plan : List.of(kind + ":0", kind + ":-1", kind + ":many", kind + ":99999999999")) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> Pools.open(plan))
                    .withMessageContaining("plan \"" + plan + "\"")
                    .withMessageContaining(plan.substring(plan.indexOf(':') + 1));
        }
    }

    @Test
    public void aPlanWithABadOptionIsRefusedInOneLineThatNamesIt() {
        for (String option : List.of("backlog=-1", "backlog=some", "full=maybe", "colour=red")) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> Pools.open(plan(2, option)))
                    .withMessageContaining(plan(2, option))
                    .withMessageContaining(option.substring(0, option.indexOf('=')));
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Pools.open(plan(2, "nmae=x")))
                .withMessageContaining("did you mean name?");
    }

    // ---- map ----

    @Test
    public void mapKeepsTheOrderOfTheItems() {
        List<Integer> items = IntStream.range(0, 1000).boxed().toList();

        assertThat(pool().map(Work::square, items)).isEqualTo(items.stream().map(Work::square).toList());
    }

    @Test
    public void mapOfNothingIsNothing() {
        assertThat(pool().map(Work::square, List.<Integer>of())).isEmpty();
    }

    @Test
    public void mapTakesAndGivesNull() {
        List<Integer> mapped =
                pool().map(n -> n == null ? Integer.valueOf(-1) : n > 1 ? null : n, Arrays.asList(1, null, 2));

        assertThat(mapped).containsExactly(1, -1, null);
        assertThatThrownBy(() -> mapped.set(0, 5)).isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    public void mapGivesEachItemOnceHoweverManyThereAre() {
        List<Integer> items = IntStream.range(0, 100_000).boxed().toList();

        assertThat(pool().map(n -> n + 1, items)).isEqualTo(items.stream().map(n -> n + 1).toList());
        assertThat(pool().map(n -> n + 1, (Iterable<Integer>) items::iterator)) // their number is not known
                .isEqualTo(items.stream().map(n -> n + 1).toList());
    }

    @Test
    public void mapOfUnevenItemsKeepsOrderAndLosesNothing() {
        List<Integer> items = IntStream.range(0, 3000).boxed().toList();

        List<Integer> mapped = pool().map(
                n -> {
                    Work.spin(n % 100 == 0 ? 200_000 : 10);
                    return n;
                },
                items);

        assertThat(mapped).isEqualTo(items);
    }

    /** Counts what is taken from it, and complains when that is more than any window may hold. */
    private static final class CountedItems implements Iterable<Integer> {
        private final AtomicInteger taken = new AtomicInteger();
        private final AtomicBoolean end = new AtomicBoolean();
        private final int most;

        CountedItems(int most) {
            this.most = most;
        }

        @Override
        public Iterator<Integer> iterator() {
            return new Iterator<>() {
                @Override
                public boolean hasNext() {
                    return !end.get();
                }

                @Override
                public Integer next() {
                    int item = taken.getAndIncrement();
                    if (item >= most) {
                        throw new NoSuchElementException("took more than " + most + " while nothing came back");
                    }
                    return item;
                }
            };
        }
    }

    /** More than a window for that many workers may hold. */
    private int moreThanAWindow() {
        return unlimited() ? 10_000 : 64 * workers();
    }

    @Test
    public void mapTakesItemsOnlyAsItCanUseThem() throws Exception {
        var here = signals();
        Pool pool = pool();
        var items = new CountedItems(moreThanAWindow());
        if (asynchronous()) {
            Caller<List<Integer>> caller = Caller.of(() -> pool.map(n -> n + Work.hold(here), items));
            caller.awaitWaitingIn("map");
            int taken = items.taken.get();
            assertThat(taken).isBetween(unlimited() ? 1 : workers(), moreThanAWindow());
            items.end.set(true);
            here.set("release");
            assertThat(caller.result()).isEqualTo(IntStream.rangeClosed(1, taken).boxed().toList());
        } else {
            List<Integer> takenBefore = pool.map(
                    n -> {
                        items.end.set(n == 9);
                        return items.taken.get();
                    },
                    items);
            assertThat(takenBefore).containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
        }
    }

    @Test
    public void theFirstFailureEndsAMapOfInfinitelyManyItems() {
        assertThatThrownBy(() -> pool().map(n -> n < 500 ? n : Work.failDeep(1), naturals()))
                .isInstanceOf(CompletionException.class)
                .cause()
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("deep");
    }

    /** Of these some wait, unless any number can run. */
    private static List<Integer> moreThanCanRun() {
        return IntStream.range(0, 100).boxed().toList();
    }

    private static Iterable<Integer> naturals() {
        return () -> Stream.iterate(0, n -> n + 1).iterator();
    }

    @Test
    public void theFailureOfTheOldestItemCancelsTheRest() throws Exception {
        var here = signals();
        Pool pool = pool();
        int others = asynchronous() ? workers() - 1 : 0; // as many as can run beside it
        assertThatThrownBy(() -> pool.map(
                n -> {
                    if (n > 0) {
                        return Work.hold(here);
                    }
                    here.awaitCount("held", others);
                    return Work.failDeep(0);
                },
                moreThanCanRun()))
                .isInstanceOf(CompletionException.class)
                .hasRootCauseMessage("deep");

        here.awaitCount("interrupted", others);
        await("nothing runs").until(() -> unfinished(pool.statistics()) == 0);
        assertAllWorkersServe(pool);
        assertThat(here.count("finished")).isZero();
    }

    @Test
    public void theFailureOfALaterItemDoesNotWaitForAnOlderOne() throws Exception {
        var here = signals();
        Pool pool = pool();
        int failing = asynchronous() && pool.workers() > 1 ? 1 : 0;
        assertThatThrownBy(() -> pool.map(
                n -> {
                    if (n != failing) {
                        return Work.hold(here);
                    }
                    here.awaitCount("held", failing);
                    return Work.failDeep(0);
                },
                List.of(0, 1)))
                .isInstanceOf(CompletionException.class)
                .hasRootCauseMessage("deep");

        assertAllWorkersServe(pool);
        assertThat(here.count("finished")).isZero();
    }

    @Test
    public void mapHandsOnCheckedExceptionsAndErrors() {
        assertThatThrownBy(() -> pool().map(n -> Work.failWithCauses(), List.of(1)))
                .isInstanceOf(CompletionException.class)
                .cause()
                .isInstanceOf(IOException.class)
                .hasMessage("top")
                .hasRootCauseMessage("root");
        assertThatThrownBy(() -> pool().map(
                n -> {
                    throw new AssertionError("no");
                },
                List.of(1)))
                .isInstanceOf(CompletionException.class)
                .cause()
                .isInstanceOf(AssertionError.class);
    }

    @Test
    public void anIteratorThatThrowsEndsAMapWithItsOwnException() throws Exception {
        var here = signals();
        Pool pool = pool();
        int underWay = asynchronous() ? workers() : 0;
        Iterable<Integer> items = () -> new Iterator<>() {
            private int given;

            @Override
            public boolean hasNext() {
                return true;
            }

            @Override
            public Integer next() {
                if (given < underWay) {
                    return given++;
                }
                try {
                    here.awaitCount("held", underWay);
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
                throw new NoSuchElementException("the source fails");
            }
        };

        assertThatThrownBy(() -> pool.map(n -> Work.hold(here), items))
                .isInstanceOf(NoSuchElementException.class)
                .hasMessage("the source fails");
        here.awaitCount("interrupted", underWay);
        assertAllWorkersServe(pool);
    }

    @Test
    public void anInterruptEndsAMap() throws Exception {
        var here = signals();
        Pool pool = pool();
        Caller<Boolean> caller = Caller.of(() -> {
            assertThatThrownBy(() -> pool.map(n -> Work.hold(here), List.of(1, 2, 3)))
                    .isInstanceOf(CompletionException.class)
                    .hasCauseInstanceOf(InterruptedException.class);
            return Thread.currentThread().isInterrupted();
        });
        here.awaitCount("held", 1);
        if (asynchronous()) {
            caller.awaitWaitingIn("map");
        }
        caller.interrupt();

        boolean kept = caller.result();
        if (asynchronous()) { // inline it is the task that was interrupted, and it took the interrupt for itself
            assertThat(kept).isTrue();
        }
        assertAllWorkersServe(pool);
        assertThat(here.count("finished")).isZero();
    }

    // ---- mapping ----

    @Test
    public void mappingKeepsTheOrderOfTheStream() {
        List<Integer> items = IntStream.range(0, 1000).boxed().toList();

        assertThat(items.stream().gather(pool().mapping(Work::square)).toList())
                .isEqualTo(items.stream().map(Work::square).toList());
        assertThat(items.parallelStream().gather(pool().mapping(Work::square)).toList())
                .isEqualTo(items.stream().map(Work::square).toList());
        assertThat(Stream.<Integer>of().gather(pool().mapping(Work::square)).toList()).isEmpty();
    }

    @Test
    public void mappingUnorderedLosesAndDoublesNothing() {
        List<Integer> items = IntStream.range(0, 1000).boxed().toList();

        assertThat(items.stream().gather(pool().mappingUnordered(Work::square)).toList())
                .containsExactlyInAnyOrderElementsOf(items.stream().map(Work::square).toList());
        assertThat(Stream.<Integer>of().gather(pool().mappingUnordered(Work::square)).toList()).isEmpty();
    }

    @Test
    public void mappingTakesAndGivesNull() {
        assertThat(Stream.of("a", null).gather(pool().<String, String>mapping(text -> text == null ? "null" : null))
                .toList())
                .containsExactly(null, "null");
        assertThat(Stream.of("a", null)
                .gather(pool().<String, String>mappingUnordered(text -> text == null ? "null" : null)).toList())
                .containsExactlyInAnyOrder(null, "null");
    }

    @Test
    public void aGathererCanBeUsedMoreThanOnce() {
        Gatherer<Integer, ?, Integer> squares = pool().mapping(Work::square);

        assertThat(Stream.of(1, 2, 3).gather(squares).toList()).containsExactly(1, 4, 9);
        assertThat(Stream.of(4, 5).gather(squares).toList()).containsExactly(16, 25);
    }

    @Test
    public void mappingEndsAnInfiniteStreamThatIsLimited() throws Exception {
        Pool pool = pool();

        assertThat(Stream.iterate(1, n -> n + 1).gather(pool.mapping(Work::square)).limit(5).toList())
                .containsExactly(1, 4, 9, 16, 25);
        assertThat(Stream.iterate(1, n -> n + 1).gather(pool.mappingUnordered(Work::square)).limit(5).toList())
                .hasSize(5)
                .doesNotHaveDuplicates();
        assertAllWorkersServe(pool);
    }

    @Test
    public void mappingTakesItemsOnlyAsItCanUseThem() throws Exception {
        assertLooksAheadWithinBounds(pool()::mapping);
    }

    @Test
    public void mappingUnorderedTakesItemsOnlyAsItCanUseThem() throws Exception {
        assertLooksAheadWithinBounds(pool()::mappingUnordered);
    }

    private interface Mapping {
        Gatherer<Integer, ?, Integer> of(TaskFunction<Integer, Integer> function);
    }

    private void assertLooksAheadWithinBounds(Mapping mapping) throws Exception {
        var here = signals();
        var items = new CountedItems(moreThanAWindow());
        Stream<Integer> source = java.util.stream.StreamSupport.stream(items.spliterator(), false);
        if (asynchronous()) {
            Caller<List<Integer>> caller = Caller.of(
                    () -> source.gather(mapping.of(n -> n + Work.hold(here))).toList());
            caller.awaitWaitingIn("toList");
            int taken = items.taken.get();
            assertThat(taken).isBetween(unlimited() ? 1 : workers(), moreThanAWindow());
            items.end.set(true);
            here.set("release");
            assertThat(caller.result())
                    .containsExactlyInAnyOrderElementsOf(IntStream.rangeClosed(1, taken).boxed().toList());
        } else {
            assertThat(source.gather(mapping.of(Work::square)).limit(3).toList()).containsExactly(0, 1, 4);
            assertThat(items.taken).hasValue(3);
        }
    }

    @Test
    public void mappingUnorderedHandsOnWhatIsThereFirst() throws Exception {
        var here = signals();
        Pool pool = pool();
        boolean overtakes = asynchronous() && pool.workers() > 1;
        int first = Stream.of(0, 1)
                .gather(pool.<Integer, Integer>mappingUnordered(n -> {
                    if (n == 0 && overtakes) {
                        Work.hold(here);
                    }
                    return n;
                }))
                .findFirst()
                .orElseThrow();

        assertThat(first).isEqualTo(overtakes ? 1 : 0);
        assertAllWorkersServe(pool); // the one that was overtaken is not wanted any more, and was ended
        assertThat(here.count("finished")).isZero();
    }

    @Test
    public void mappingCancelsTheRestWhenTheStreamWantsNoMore() throws Exception {
        var here = signals();
        Pool pool = pool();
        int others = asynchronous() ? workers() - 1 : 0;
        List<Integer> taken = moreThanCanRun().stream()
                .gather(pool.<Integer, Integer>mapping(n -> {
                    if (n == 0) {
                        here.awaitCount("held", others);
                        return n;
                    }
                    return Work.hold(here);
                }))
                .limit(1)
                .toList();

        assertThat(taken).containsExactly(0);
        here.awaitCount("interrupted", others);
        assertAllWorkersServe(pool);
        assertThat(here.count("finished")).isZero();
    }

    @Test
    public void aFailureEndsTheStreamAndTheRest() throws Exception {
        var here = signals();
        Pool pool = pool();
        int others = asynchronous() ? workers() - 1 : 0;
        for (boolean ordered : List.of(true, false)) {
            TaskFunction<Integer, Integer> function = n -> {
                if (n > 0) {
                    return Work.hold(here);
                }
                here.awaitCount("held", others);
                return Work.failDeep(0);
            };
            Gatherer<Integer, ?, Integer> gatherer = ordered ? pool.mapping(function) : pool.mappingUnordered(function);
            assertThatThrownBy(() -> moreThanCanRun().stream().gather(gatherer).toList())
                    .isInstanceOf(CompletionException.class)
                    .cause()
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("deep");
            assertAllWorkersServe(pool);
        }
        assertThat(here.count("finished")).isZero();
    }

    @Test
    public void everyItemBeforeTheOneThatFailsComesAndThenItsFailure() {
        Pool pool = pool();
        List<Integer> before = IntStream.range(0, 10).boxed().toList();
        for (Mapper mapper : List.of(pool, pool.chunksOf(3), pool.chunksOf(100))) {
            List<Integer> come = new ArrayList<>();
            Stream<Integer> mapped =
                    IntStream.range(0, 50).boxed().gather(mapper.mapping(n -> n == 10 ? Work.failDeep(1) : n));
            assertThatThrownBy(() -> mapped.forEach(come::add))
                    .isInstanceOf(CompletionException.class)
                    .cause()
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("deep");
            assertThat(come).isEqualTo(before);

            assertThat(IntStream.range(0, 50)
                    .boxed()
                    .gather(mapper.<Integer, Integer>mapping(n -> n == 10 ? Work.failDeep(1) : n))
                    .limit(10)
                    .toList())
                    .as("nobody asks for more")
                    .isEqualTo(before);
        }
    }

    @Test
    public void whatWasFinishedBeforeTheFailureComesWithoutOrderToo() {
        Pool pool = pool();
        List<Integer> come = new ArrayList<>();
        Stream<Integer> mapped = IntStream.range(0, 50)
                .boxed()
                .gather(pool.chunksOf(100).mappingUnordered(n -> n == 10 ? Work.failDeep(1) : n));
        assertThatThrownBy(() -> mapped.forEach(come::add)).hasRootCauseMessage("deep");
        assertThat(come).isEqualTo(IntStream.range(0, 10).boxed().toList());
    }

    @Test
    public void theFailureOfALaterItemWaitsForTheOlderOnesOfAMapping() throws Exception {
        var here = signals();
        Pool pool = pool();
        boolean overtakes = asynchronous() && pool.workers() > 1;
        List<Integer> come = new ArrayList<>();
        Caller<List<Integer>> caller = Caller.of(() -> {
            Stream.of(0, 1, 2).gather(pool.chunksOf(1).<Integer, Integer>mapping(n -> {
                if (n == 0 && overtakes) {
                    here.await("the second has failed");
                }
                if (n == 1) {
                    here.set("the second has failed");
                    return Work.failDeep(1);
                }
                return n;
            })).forEach(come::add);
            return come;
        });

        assertThat(caller.failure()).hasRootCauseMessage("deep");
        assertThat(come).containsExactly(0);
        assertAllWorkersServe(pool);
    }

    @Test
    public void aCollectionIsNotHeldWhole() throws Exception {
        var here = signals();
        Pool pool = pool();
        if (!asynchronous()) {
            return; // mapTakesItemsOnlyAsItCanUseThem shows that it goes item by item
        }
        var items = new CountedItems(moreThanAWindow());
        var collection = new AbstractCollection<Integer>() {
            @Override
            public Iterator<Integer> iterator() {
                return items.iterator();
            }

            @Override
            public int size() {
                return 1_000_000;
            }
        };
        Caller<List<Integer>> caller = Caller.of(() -> pool.map(n -> n + Work.hold(here), collection));
        caller.awaitWaitingIn("map");
        int taken = items.taken.get();
        assertThat(taken).isBetween(unlimited() ? 1 : workers(), moreThanAWindow());
        items.end.set(true);
        here.set("release");
        assertThat(caller.result()).hasSize(taken);
    }

    @Test
    public void aConsumerThatThrowsEndsTheRest() throws Exception {
        var here = signals();
        Pool pool = pool();
        assertThatThrownBy(() -> moreThanCanRun().stream()
                .gather(pool.<Integer, Integer>mapping(n -> n == 0 ? n : Work.hold(here)))
                .forEach(n -> {
                    throw new IllegalStateException("the consumer fails");
                }))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the consumer fails");

        assertAllWorkersServe(pool);
        assertThat(here.count("finished")).isZero();
    }

    // ---- invokeAll, invokeAny ----

    @Test
    public void invokeAllReturnsWhenAllAreDone() throws Exception {
        List<Future<Integer>> futures =
                pool().invokeAll(List.<Task<Integer>>of(() -> 1, () -> Work.failDeep(0), () -> 3));

        assertThat(futures).hasSize(3).allMatch(Future::isDone).allMatch(TaskFuture.class::isInstance);
        assertThat(futures.get(0).resultNow()).isEqualTo(1);
        assertThat(futures.get(1).exceptionNow()).isInstanceOf(IllegalStateException.class);
        assertThat(futures.get(2).resultNow()).isEqualTo(3);
        assertThat(pool().invokeAll(List.<Task<Integer>>of())).isEmpty();
    }

    @Test
    public void invokeAllWithinATimeReturnsWhenAllAreDone() throws Exception {
        List<Future<Integer>> futures =
                pool().invokeAll(List.<Task<Integer>>of(() -> 1, () -> Work.failDeep(0), () -> 3), BOUND, SECONDS);

        assertThat(futures).hasSize(3).allMatch(Future::isDone).allMatch(TaskFuture.class::isInstance);
        assertThat(futures.get(0).resultNow()).isEqualTo(1);
        assertThat(futures.get(1).exceptionNow()).isInstanceOf(IllegalStateException.class);
        assertThat(futures.get(2).resultNow()).isEqualTo(3);
    }

    @Test
    public void invokeAllCancelsWhatIsUnfinishedWhenTheTimeIsOver() throws Exception {
        var here = signals();
        Pool pool = pool();
        if (asynchronous()) {
            List<Task<Integer>> tasks = Collections.nCopies(5, () -> Work.hold(here));
            List<Future<Integer>> futures = pool.invokeAll(tasks, 50, MILLISECONDS);
            assertThat(futures).hasSize(5).allMatch(Future::isCancelled);
            assertAllWorkersServe(pool);
            assertThat(here.count("finished")).isZero();
        } else { // what has begun when it is over cannot be ended, but nothing begins after that
            List<Future<Integer>> futures = pool.invokeAll(
                    List.<Task<Integer>>of(() -> 1, () -> Work.hold(here)), 1, NANOSECONDS);
            assertThat(futures).hasSize(2).allMatch(Future::isDone);
            assertThat(futures.get(1).isCancelled()).isTrue();
            assertThat(here.count("held")).isZero();
        }
        assertThat(pool.invokeAll(List.<Task<Integer>>of(() -> 1, () -> Work.hold(here)), 0, SECONDS))
                .hasSize(2)
                .allMatch(Future::isCancelled);
    }

    @Test
    public void aTimeLimitHoldsWhileAFullPoolBlocks() throws Exception {
        if (!queues()) {
            return;
        }
        var here = signals();
        Pool pool = shared("backlog=0&full=block");
        occupyWorkers(pool);
        List<Task<Integer>> tasks = Collections.nCopies(3, () -> 1);

        assertThat(pool.invokeAll(tasks, 20, MILLISECONDS)).hasSize(3).allMatch(Future::isCancelled);
        assertThatThrownBy(() -> pool.invokeAny(tasks, 20, MILLISECONDS)).isInstanceOf(TimeoutException.class);
        assertThat(figures(pool).cancelled()).isEqualTo(6);
        here.set("release");
        assertThat(pool.invokeAny(tasks, BOUND, SECONDS)).isEqualTo(1);
        assertAllWorkersServe(pool);
    }

    @Test
    public void anInterruptEndsInvokeAllAndItsTasks() throws Exception {
        var here = signals();
        Pool pool = pool();
        for (boolean limited : List.of(false, true)) {
            List<Task<Integer>> tasks = List.of(() -> Work.hold(here), () -> Work.hold(here));
            int heldBefore = here.count("held");
            Caller<List<Future<Integer>>> caller =
                    Caller.of(() -> limited ? pool.invokeAll(tasks, BOUND, SECONDS) : pool.invokeAll(tasks));
            here.awaitCount("held", heldBefore + 1);
            if (asynchronous()) {
                caller.awaitWaitingIn("invokeAll");
                caller.interrupt();
                assertThat(caller.failure()).isInstanceOf(InterruptedException.class);
            } else { // the caller runs the task: it is the task that the interrupt reaches
                caller.interrupt();
                here.awaitCount("held", heldBefore + 2);
                caller.interrupt();
                assertThat(caller.result())
                        .hasSize(2)
                        .allSatisfy(one -> assertThat(one.exceptionNow()).isInstanceOf(InterruptedException.class));
            }
            assertAllWorkersServe(pool);
        }
        assertThat(here.count("finished")).isZero();
    }

    @Test
    public void invokeAnyReturnsASuccess() throws Exception {
        assertThat(pool().invokeAny(List.<Task<Integer>>of(() -> Work.failDeep(0), () -> 2, () -> Work.failDeep(0))))
                .isEqualTo(2);
        assertThat(pool().invokeAny(List.<Task<Integer>>of(() -> Work.failDeep(0), () -> 2), BOUND, SECONDS))
                .isEqualTo(2);
        assertThat(pool().invokeAny(List.<Task<String>>of(() -> null))).isNull();
    }

    @Test
    public void invokeAnyCancelsTheOthersAfterASuccess() throws Exception {
        var here = signals();
        Pool pool = pool();
        if (asynchronous()) {
            int others = pool.workers() > 1 ? 1 : 0; // one worker: the others have not begun
            int winner = pool.invokeAny(List.<Task<Integer>>of(
                    () -> {
                        here.awaitCount("held", others);
                        return 7;
                    },
                    () -> Work.hold(here),
                    () -> Work.hold(here)));
            assertThat(winner).isEqualTo(7);
            assertAllWorkersServe(pool);
            assertThat(here.count("finished")).isZero();
        } else {
            assertThat(pool.invokeAny(List.<Task<Integer>>of(() -> Work.failDeep(0), () -> 7, () -> Work.hold(here))))
                    .isEqualTo(7);
            assertThat(here.count("held")).as("nothing begins after a success").isZero();
        }
    }

    @Test
    public void invokeAnyOfFailuresThrowsOne() {
        assertThatThrownBy(
                () -> pool().invokeAny(List.<Task<Integer>>of(() -> Work.failDeep(0), () -> Work.failDeep(0))))
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> pool().invokeAny(List.<Task<Integer>>of(() -> {
            throw new CancellationException("by itself");
        })))
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(CancellationException.class);
    }

    @Test
    public void invokeAnyGivesUpWhenTheTimeIsOver() throws Exception {
        var here = signals();
        Pool pool = pool();
        if (asynchronous()) {
            assertThatThrownBy(() -> pool.invokeAny(
                    List.<Task<Integer>>of(() -> Work.hold(here), () -> Work.hold(here)), 50, MILLISECONDS))
                    .isInstanceOf(TimeoutException.class);
            assertAllWorkersServe(pool);
            assertThat(here.count("finished")).isZero();
        }
    }

    @Test
    public void anInterruptEndsInvokeAny() throws Exception {
        var here = signals();
        Pool pool = pool();
        Caller<Integer> caller = Caller.of(() -> pool.invokeAny(List.<Task<Integer>>of(() -> Work.hold(here))));
        here.awaitCount("held", 1);
        if (asynchronous()) {
            caller.awaitWaitingIn("invokeAny");
            caller.interrupt();
            assertThat(caller.failure()).isInstanceOf(InterruptedException.class);
        } else {
            caller.interrupt();
            assertThat(caller.failure())
                    .isInstanceOf(ExecutionException.class)
                    .hasCauseInstanceOf(InterruptedException.class);
        }
        assertAllWorkersServe(pool);
    }

    // ---- failures ----

    @Test
    public void uncheckedExceptionsComeBack() {
        TaskFuture<Integer> future = pool().submit(() -> Work.failDeep(0));

        assertThat(failure(future)).isExactlyInstanceOf(IllegalStateException.class).hasMessage("deep");
        assertThat(future.exceptionNow()).isExactlyInstanceOf(IllegalStateException.class);
        assertThat(future.state()).isEqualTo(Future.State.FAILED);
        assertThat(future).isCompletedExceptionally().isNotCancelled();
        assertThatThrownBy(future::join)
                .isInstanceOf(CompletionException.class)
                .hasCauseExactlyInstanceOf(IllegalStateException.class);
    }

    @Test
    public void checkedExceptionsComeBackWithTheirCauses() {
        Throwable failure = failure(pool().submit(() -> Work.failWithCauses()));

        assertThat(failure).isExactlyInstanceOf(IOException.class).hasMessage("top");
        assertThat(failure.getCause()).isExactlyInstanceOf(IllegalStateException.class).hasMessage("middle");
        assertThat(failure.getCause().getCause()).isExactlyInstanceOf(ArithmeticException.class).hasMessage("root");
        assertThat(failure.getCause().getCause()).hasNoCause();
    }

    @Test
    public void suppressedExceptionsComeBack() {
        Throwable failure = failure(pool().submit(() -> {
            var thrown = new IllegalStateException("main");
            thrown.addSuppressed(new IOException("beside"));
            throw thrown;
        }));

        assertThat(failure).hasMessage("main").hasSuppressedException(failure.getSuppressed()[0]);
        assertThat(failure.getSuppressed()[0]).isInstanceOf(IOException.class).hasMessage("beside");
    }

    @Test
    public void errorsComeBackAndTheWorkerGoesOn() throws Exception {
        Pool pool = shared(1, "");

        assertThat(failure(pool.submit(() -> {
            throw new AssertionError("wrong");
        })))
                .isExactlyInstanceOf(AssertionError.class);
        assertThat(failure(pool.submit(() -> {
            throw new OutOfMemoryError("only said so");
        })))
                .isExactlyInstanceOf(OutOfMemoryError.class);
        assertThat(failure(pool.submit(() -> Work.overflow(0)))).isExactlyInstanceOf(StackOverflowError.class);
        assertThat(failure(pool.submit(() -> {
            throw new ThreadDeathOfOurOwn();
        })))
                .isExactlyInstanceOf(ThreadDeathOfOurOwn.class);
        assertThat(value(pool.submit(() -> 1))).isEqualTo(1);
        assertThat(figures(pool).workersLost()).isZero();
    }

    /** A Throwable that is neither Exception nor Error, which a task may throw behind the compiler's back. */
    private static final class ThreadDeathOfOurOwn extends Error {
        private static final long serialVersionUID = 1L;
    }

    @Test
    public void aTaskThatThrowsCancellationExceptionIsCancelled() throws Exception {
        Pool pool = shared("");
        TaskFuture<Integer> future = pool.submit(() -> {
            throw new CancellationException("by itself");
        });

        assertThatThrownBy(() -> value(future))
                .isInstanceOf(CancellationException.class)
                .hasStackTraceContaining("by itself"); // why, and where
        assertThat(future).isCancelled();
        assertThat(future.state()).isEqualTo(Future.State.CANCELLED);
        assertThat(figures(pool).cancelled()).isEqualTo(1);
        assertThat(figures(pool).failed()).isZero();
    }

    @Test
    public void aTaskThatThrowsInterruptedExceptionHasFailed() throws Exception {
        TaskFuture<Integer> future = pool().submit(() -> {
            throw new InterruptedException("by itself");
        });

        assertThat(failure(future)).isInstanceOf(InterruptedException.class).hasMessage("by itself");
        assertAllWorkersServe(pool());
    }

    @Test
    public void aFailureShowsTheFramesThatTheKindPromises() {
        TaskFuture<Integer> future = submitFailing(pool());
        Throwable thrown = catchThrowable(() -> value(future));
        List<String> inTask = frames(thrown.getCause());
        String task = "dev.sennit.conformance.internal.Work.failDeep";
        String submitter = "dev.sennit.conformance.PoolContract.submitFailing";

        assertThat(inTask.subList(0, 4)).containsOnly(task);
        assertThat(inTask.lastIndexOf(submitter)).satisfies(position -> {
            if (stackTraces() == StackTraces.TASK_ALONE) {
                assertThat(position).as("the submitter is not there").isNegative();
            } else {
                assertThat(position).as("the submitter comes after the task").isGreaterThan(3);
            }
        });
        assertThat(frames(thrown)).contains("dev.sennit.conformance.KindUnderTest.value").doesNotContain(task);
    }

    private static TaskFuture<Integer> submitFailing(Pool pool) {
        return pool.submit(() -> Work.failDeep(3));
    }

    private static List<String> frames(Throwable thrown) {
        return Arrays.stream(thrown.getStackTrace())
                .map(frame -> frame.getClassName() + "." + frame.getMethodName())
                .toList();
    }

    // ---- cancel ----

    @Test
    public void cancelBeforeTheStartMeansThatItNeverRuns() throws Exception {
        var here = signals();
        Pool pool = shared("");
        if (queues()) {
            List<TaskFuture<Integer>> held = occupyWorkers(pool);
            TaskFuture<Void> future = pool.submit(() -> here.set("ran"));
            assertThat(future.toString()).contains("QUEUED");
            assertThat(future.cancel(true)).isTrue();
            assertThat(future).isCancelled().isDone();
            assertThat(future.toString()).contains("CANCELLED");
            assertThatThrownBy(future::get).isInstanceOf(CancellationException.class);
            assertThat(figures(pool).cancelled()).isEqualTo(1);
            assertThat(figures(pool).queued()).isZero();
            here.set("release");
            for (TaskFuture<Integer> one : held) {
                value(one);
            }
            assertAllWorkersServe(pool);
            assertThat(here.isSet("ran")).isFalse();
        } else { // nothing ever waits
            TaskFuture<Void> future = pool.submit(() -> here.set("ran"));
            here.await("ran");
            value(future);
            assertThat(future.cancel(true)).isFalse();
        }
    }

    @Test
    public void cancelFalseDropsATaskThatWaits() throws Exception {
        var here = signals();
        Pool pool = shared("");
        if (queues()) {
            occupyWorkers(pool);
            TaskFuture<Void> future = pool.submit(() -> here.set("ran"));
            assertThat(future.cancel(false)).isTrue();
            here.set("release");
            assertAllWorkersServe(pool);
            assertThat(here.isSet("ran")).isFalse();
        } else {
            assertThat(value(pool.submit(() -> 1))).isEqualTo(1);
        }
    }

    @Test
    public void cancelReachesTheRunningTask() throws Exception {
        var here = signals();
        Pool pool = shared(1, "");
        if (asynchronous()) {
            TaskFuture<Integer> future = pool.submit(() -> Work.hold(here));
            here.awaitCount("held", 1);
            assertThat(future.cancel(true)).isTrue();
            assertThat(future).isCancelled();
            assertThatThrownBy(future::get).isInstanceOf(CancellationException.class);
            assertThatThrownBy(future::join).isInstanceOf(CancellationException.class);
            here.awaitCount("interrupted", 1);
            assertThat(value(pool.submit(() -> 5))).isEqualTo(5);
            assertThat(figures(pool).cancelled()).isEqualTo(1);
            assertThat(figures(pool).succeeded()).isEqualTo(1);
        } else { // there is no future to cancel while it runs
            assertThat(pool.submit(() -> 1)).isDone();
        }
    }

    @Test
    public void cancelAfterTheEndChangesNothing() throws Exception {
        Pool pool = shared("");
        TaskFuture<Integer> future = pool.submit(() -> 1);
        value(future);

        assertThat(future.cancel(true)).isFalse();
        assertThat(future.cancel(false)).isFalse();
        assertThat(future).isNotCancelled();
        assertThat(future.join()).isEqualTo(1);
        assertThat(figures(pool).cancelled()).isZero();
    }

    @Test
    public void cancelTwiceIsTrueTwiceAndCountsOnce() throws Exception {
        var here = signals();
        Pool pool = shared("");
        if (asynchronous()) {
            TaskFuture<Integer> future = pool.submit(() -> Work.hold(here));
            here.awaitCount("held", 1);
            assertThat(future.cancel(true)).isTrue();
            assertThat(future.cancel(true)).isTrue();
            assertThat(figures(pool).cancelled()).isEqualTo(1);
        } else {
            assertThat(pool.submit(() -> 1).cancel(true)).isFalse();
        }
    }

    @Test
    public void cancelFalseLetsTheRunComeToItsEndUnheard() throws Exception {
        var here = signals();
        Pool pool = shared(1, "");
        if (asynchronous()) {
            TaskFuture<Integer> future = pool.submit(() -> Work.hold(here));
            here.awaitCount("held", 1);
            assertThat(future.cancel(false)).isTrue();
            assertThat(future).isCancelled();
            here.set("release");
            here.awaitCount("finished", 1);
            assertThat(value(pool.submit(() -> 5))).isEqualTo(5);
            assertThat(here.count("interrupted")).isZero();
            assertThat(future).isCancelled();
        } else {
            assertThat(pool.submit(() -> 1).cancel(false)).isFalse();
        }
    }

    @Test
    public void aTaskThatIgnoresInterruptsIsKilledOrKeepsItsWorkerOnly() throws Exception {
        var here = signals();
        Pool pool = shared(1, "");
        if (!asynchronous()) {
            here.set("release"); // else nobody could end it
            assertThat(value(pool.submit(() -> Work.holdWhateverHappens(here)))).isEqualTo(1);
            return;
        }
        TaskFuture<Integer> future = pool.submit(() -> Work.holdWhateverHappens(here));
        here.awaitCount("held", 1);
        TaskFuture<Integer> next = pool.submit(() -> 5);
        assertThat(future.cancel(true)).isTrue();
        here.awaitCount("ignored", 1);
        assertThat(future).isCancelled();
        if (isolates()) {
            assertThat(value(next)).isEqualTo(5); // on a new worker: nobody has released the old one
            assertThat(figures(pool).workersLost()).as("the pool ended it, it did not die").isZero();
            assertThat(here.count("finished")).isZero();
        } else {
            if (!unlimited()) {
                assertThat(next).isNotDone();
            }
            here.set("release");
            assertThat(value(next)).isEqualTo(5);
            here.awaitCount("finished", 1);
        }
    }

    @Test
    public void anInterruptMeantForOneTaskIsNotSeenByTheNext() throws Exception {
        Pool pool = shared(1, "");
        for (int i = 0; i < 300; i++) {
            int rounds = i * 10;
            TaskFuture<Long> future = pool.submit(() -> Work.spin(rounds));
            future.cancel(true);
            TaskFuture<Boolean> next = pool.submit(() -> Work.seesInterrupt());
            assertThat(value(next)).as("round %d", i).isFalse();
        }
    }

    @Test
    public void anInterruptThatATaskSetsOnItselfIsNotSeenByTheNext() throws Exception {
        Pool pool = shared(1, "");
        value(pool.submit(() -> Thread.currentThread().interrupt()));
        assertThat(Thread.interrupted()).isEqualTo(!asynchronous()); // inline, that thread is the caller's own

        assertThat(value(pool.submit(() -> Work.seesInterrupt()))).isFalse();
    }

    @Test
    public void manyCancelledTasksLeaveRoomAndFigures() throws Exception {
        var here = signals();
        Pool pool = shared("");
        int count = 5_000;
        if (queues()) {
            occupyWorkers(pool);
        }
        List<TaskFuture<Integer>> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            all.add(pool.submit(() -> 1));
        }
        long cancelled = all.stream().filter(future -> future.cancel(true)).count();
        here.set("release");
        assertAllWorkersServe(pool);

        if (queues()) {
            assertThat(cancelled).isEqualTo(count);
        }
        assertThat(figures(pool).cancelled()).isEqualTo(cancelled);
        assertThat(figures(pool).queued()).isZero();
    }

    // ---- time limits, and ends from outside ----

    @Test
    public void aTaskThatRunsTooLongFailsAndIsEnded() throws Exception {
        var here = signals();
        Pool pool = shared(1, "");
        var options = TaskOptions.named("slow").timeout(Duration.ofMillis(50));
        TaskFuture<Integer> future = pool.submit(() -> Work.hold(here), options);

        assertThat(failure(future)).isInstanceOf(TimeoutException.class).hasMessageContainingAll("slow", "50 ms",
                pool.name());
        assertThat(future.state()).isEqualTo(Future.State.FAILED);
        assertThat(value(pool.submit(() -> Work.seesInterrupt()))).isFalse();
        assertThat(Thread.currentThread().isInterrupted()).isFalse();
        assertThat(here.count("finished")).isZero();
        assertThat(figures(pool).failed()).isEqualTo(1);
        assertThat(figures(pool).succeeded()).isEqualTo(1);
    }

    @Test
    public void anActionThatRunsTooLongFailsAndIsEnded() throws Exception {
        var here = signals();
        Pool pool = shared(1, "");
        Action action = () -> {
            try {
                Work.hold(here);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        };
        TaskFuture<Void> future = pool.submit(action, TaskOptions.timeLimit(Duration.ofMillis(50)));

        assertThat(failure(future)).isInstanceOf(TimeoutException.class);
        assertThat(value(pool.submit(() -> 1))).isEqualTo(1);
        assertThat(here.count("finished")).isZero();
    }

    @Test
    public void aTaskThatEndsInTimeIsNotTouched() throws Exception {
        Pool pool = shared(1, "");
        TaskFuture<Integer> future = pool.submit(() -> 1, TaskOptions.timeLimit(Duration.ofDays(1)));

        assertThat(value(future)).isEqualTo(1);
        assertThat(failure(pool.submit(() -> Work.failDeep(0), TaskOptions.timeLimit(Duration.ofDays(200_000)))))
                .isInstanceOf(IllegalStateException.class);
        assertThat(figures(pool).succeeded()).isEqualTo(1);
    }

    @Test
    public void limitsThatEndTogetherWithTheTaskHarmNobody() throws Exception {
        Pool pool = shared(1, "");
        int timedOut = 0;
        for (int i = 0; i < 100; i++) {
            TaskFuture<Long> future =
                    pool.submit(() -> Work.spin(100_000), TaskOptions.timeLimit(Duration.ofNanos(1_000 * (1 + i))));
            Throwable thrown = catchThrowable(() -> value(future));
            if (thrown != null) {
                assertThat(thrown).hasCauseInstanceOf(TimeoutException.class);
                timedOut++;
            }
            assertThat(value(pool.submit(() -> Work.seesInterrupt()))).isFalse();
        }
        PoolStatistics seen = figures(pool);
        assertThat(seen.failed()).isEqualTo(timedOut);
        assertThat(seen.succeeded()).isEqualTo(200 - timedOut);
    }

    @Test
    public void theTimeThatATaskWaitsDoesNotCount() throws Exception {
        var here = signals();
        Pool pool = shared("");
        if (queues()) {
            occupyWorkers(pool);
            long submitted = System.nanoTime();
            TaskFuture<Integer> future =
                    pool.submit(() -> Work.hold(here), TaskOptions.timeLimit(Duration.ofMillis(1)));
            await("the limit would be over").until(() -> System.nanoTime() - submitted > 50_000_000);
            assertThat(future).isNotDone();
            here.set("release");
            assertThat(catchThrowable(() -> value(future))).satisfiesAnyOf(
                    thrown -> assertThat(thrown).isNull(), // it found the release at once
                    thrown -> assertThat(thrown).hasCauseInstanceOf(TimeoutException.class));
        } else { // nothing ever waits
            assertThat(value(pool.submit(() -> 1, TaskOptions.timeLimit(Duration.ofDays(1))))).isEqualTo(1);
        }
    }

    @Test
    public void orTimeoutEndsTheRunToo() throws Exception {
        var here = signals();
        Pool pool = shared(1, "");
        if (asynchronous()) {
            TaskFuture<Integer> future = pool.submit(() -> Work.hold(here));
            here.awaitCount("held", 1);
            future.orTimeout(1, MILLISECONDS);
            assertThat(failure(future)).isInstanceOf(TimeoutException.class);
            here.awaitCount("interrupted", 1);
            assertThat(value(pool.submit(() -> 5))).isEqualTo(5);
            assertThat(figures(pool).failed()).isEqualTo(1);
        } else {
            assertThat(pool.submit(() -> 1).orTimeout(1, NANOSECONDS).join()).isEqualTo(1);
        }
    }

    @Test
    public void orTimeoutCountsTheWaitAsWell() throws Exception {
        var here = signals();
        Pool pool = shared(1, "");
        if (queues()) {
            List<TaskFuture<Integer>> held = occupyWorkers(pool);
            TaskFuture<Void> future = pool.submit(() -> here.set("ran"));
            future.orTimeout(1, MILLISECONDS);
            assertThat(failure(future)).isInstanceOf(TimeoutException.class);
            here.set("release");
            value(held.getFirst());
            value(pool.submit(() -> 1));
            assertThat(here.isSet("ran")).isFalse();
        } else {
            assertThat(value(pool.submit(() -> 1).orTimeout(BOUND, SECONDS))).isEqualTo(1);
        }
    }

    @Test
    public void completeOnTimeoutEndsTheRunToo() throws Exception {
        var here = signals();
        Pool pool = shared(1, "");
        if (asynchronous()) {
            TaskFuture<Integer> future = pool.submit(() -> Work.hold(here));
            here.awaitCount("held", 1);
            future.completeOnTimeout(99, 1, MILLISECONDS);
            assertThat(value(future)).isEqualTo(99);
            here.awaitCount("interrupted", 1);
            assertThat(value(pool.submit(() -> 5))).isEqualTo(5);
        } else {
            assertThat(pool.submit(() -> 1).completeOnTimeout(99, 1, NANOSECONDS).join()).isEqualTo(1);
        }
    }

    @Test
    public void completeFromOutsideFreesTheWorker() throws Exception {
        var here = signals();
        Pool pool = shared(1, "");
        TaskFuture<Integer> future = asynchronous() ? pool.submit(() -> Work.hold(here)) : pool.submit(() -> 1);
        if (asynchronous()) {
            here.awaitCount("held", 1);
            assertThat(future.complete(99)).isTrue();
            assertThat(future.complete(100)).isFalse();
            assertThat(value(future)).isEqualTo(99);
            here.awaitCount("interrupted", 1);
            assertThat(value(pool.submit(() -> 5))).isEqualTo(5);
            assertThat(figures(pool).succeeded()).isEqualTo(2);
        } else {
            assertThat(future.complete(99)).isFalse();
            assertThat(future.join()).isEqualTo(1);
        }
    }

    @Test
    public void completeExceptionallyFromOutsideFreesTheWorker() throws Exception {
        var here = signals();
        Pool pool = shared(1, "");
        TaskFuture<Integer> future = asynchronous() ? pool.submit(() -> Work.hold(here)) : pool.submit(() -> 1);
        if (asynchronous()) {
            here.awaitCount("held", 1);
            assertThat(future.completeExceptionally(new IOException("from outside"))).isTrue();
            assertThat(future.completeExceptionally(new IOException("again"))).isFalse();
            assertThat(failure(future)).isInstanceOf(IOException.class).hasMessage("from outside");
            here.awaitCount("interrupted", 1);
            assertThat(value(pool.submit(() -> 5))).isEqualTo(5);
            assertThat(figures(pool).failed()).isEqualTo(1);
        } else {
            assertThat(future.completeExceptionally(new IOException())).isFalse();
            assertThat(future.join()).isEqualTo(1);
        }
    }

    @Test
    public void completeAsyncFreesTheWorker() throws Exception {
        var here = signals();
        Pool pool = shared(1, "");
        if (asynchronous()) {
            TaskFuture<Integer> future = pool.submit(() -> Work.hold(here));
            here.awaitCount("held", 1);
            assertThat(future.completeAsync(() -> 99)).isSameAs(future);
            assertThat(value(future)).isEqualTo(99);
            here.awaitCount("interrupted", 1);
            TaskFuture<Integer> failing = pool.submit(() -> Work.hold(here));
            failing.completeAsync(() -> Work.failDeep(0), Runnable::run);
            assertThat(failure(failing)).hasMessage("deep");
            assertThat(value(pool.submit(() -> 5))).isEqualTo(5);
            assertThat(figures(pool).succeeded()).isEqualTo(2);
        } else {
            assertThat(pool.submit(() -> 1).completeAsync(() -> 99).join()).isEqualTo(1);
        }
    }

    /** As a dependent stage of a {@link CompletableFuture} is told. */
    @Test
    public void theFailureOfCompleteAsyncIsWrapped() throws Exception {
        var here = signals();
        Pool pool = shared(1, "");
        if (asynchronous()) {
            TaskFuture<Integer> future = pool.submit(() -> Work.hold(here));
            var told = new AtomicReference<Throwable>();
            CompletableFuture<Integer> dependent = future.whenComplete((value, failure) -> told.set(failure));
            future.completeAsync(() -> Work.failDeep(0), Runnable::run);
            assertThat(catchThrowable(dependent::join)).isInstanceOf(CompletionException.class);
            assertThat(told.get()).isInstanceOf(CompletionException.class).cause().hasMessage("deep");
            assertThat(failure(future)).hasMessage("deep");
            assertThat(future.exceptionNow()).hasMessage("deep");
            TaskFuture<Integer> cancelled = pool.submit(() -> Work.hold(here));
            cancelled.completeAsync(() -> {
                throw new CancellationException();
            }, Runnable::run);
            assertThat(cancelled.isCancelled()).isFalse();
            assertThat(cancelled).isCompletedExceptionally();
        }
        TaskFuture<Integer> any = pool.submit(() -> 1);
        assertThatThrownBy(() -> any.completeAsync(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> any.completeAsync(() -> 1, null)).isInstanceOf(NullPointerException.class);
    }

    @Test
    public void whatIsObtrudedEndsTheRunAndIsWhatOthersSee() throws Exception {
        var here = signals();
        Pool pool = shared(1, "");
        if (asynchronous()) {
            TaskFuture<Integer> future = pool.submit(() -> Work.hold(here));
            here.awaitCount("held", 1);
            var told = new CompletableFuture<Integer>();
            future.onDone(done -> told.complete(done.resultNow()));
            future.obtrudeValue(98);
            here.awaitCount("interrupted", 1);
            assertThat(told.get()).isEqualTo(98);
            assertThat(future.complete(99)).isFalse();
            assertThat(future.completeExceptionally(new IOException())).isFalse();
            assertThat(future.cancel(true)).isFalse();
            assertThat(future.join()).isEqualTo(98);
            TaskFuture<Integer> failing = pool.submit(() -> Work.hold(here));
            failing.obtrudeException(new IOException("obtruded"));
            assertThat(failing.complete(99)).isFalse();
            assertThat(failing.cancel(true)).isFalse();
            assertThat(failure(failing)).hasMessage("obtruded");
        }
        TaskFuture<Integer> done = pool.submit(() -> 1);
        assertThat(value(done)).isEqualTo(1);
        assertThatThrownBy(() -> done.obtrudeException(null)).isInstanceOf(NullPointerException.class);
        done.obtrudeException(new IOException("changed"));
        assertThat(done.isCompletedExceptionally()).isTrue();
        done.obtrudeValue(7);
        assertThat(done.join()).isEqualTo(7);
        assertThat(value(pool.submit(() -> 5))).isEqualTo(5);
    }

    @Test
    public void anExecutorCompletionServiceNeedsFuturesThatStay() throws Exception {
        Pool pool = shared("");
        var service = new ExecutorCompletionService<Integer>(pool);
        if (copiesValues()) {
            assertThatThrownBy(() -> service.submit(() -> 1))
                    .isInstanceOf(TaskSerializationException.class)
                    .hasMessageContaining("ExecutorCompletionService")
                    .hasMessageContaining("Futures.inCompletionOrder");
            assertThat(service.poll()).isNull();
        } else {
            service.submit(() -> 1);
            assertThat(service.take().get()).isEqualTo(1);
        }
        for (TaskFuture<Integer> future : Futures.inCompletionOrder(List.of(pool.submit(() -> 2)))) {
            assertThat(future.get()).isEqualTo(2);
        }
    }

    @Test
    public void completeOfATaskThatWaitsMeansThatItNeverRuns() throws Exception {
        var here = signals();
        Pool pool = shared("");
        if (queues()) {
            occupyWorkers(pool);
            TaskFuture<Integer> future = pool.submit(() -> {
                here.set("ran");
                return 1;
            });
            assertThat(future.complete(99)).isTrue();
            here.set("release");
            assertAllWorkersServe(pool);
            assertThat(value(future)).isEqualTo(99);
            assertThat(here.isSet("ran")).isFalse();
        } else {
            assertThat(value(pool.submit(() -> 1))).isEqualTo(1);
        }
    }

    @Test
    public void anInterruptOfAWaiterLeavesTheTaskAlone() throws Exception {
        var here = signals();
        Pool pool = pool();
        if (asynchronous()) {
            TaskFuture<Integer> future = pool.submit(() -> Work.hold(here));
            Caller<Integer> caller = Caller.of(future::get);
            Caller<Integer> patient = Caller.of(() -> future.get(BOUND, SECONDS));
            caller.awaitWaitingIn("get");
            patient.awaitWaitingIn("get");
            caller.interrupt();
            patient.interrupt();
            assertThat(caller.failure()).isInstanceOf(InterruptedException.class);
            assertThat(patient.failure()).isInstanceOf(InterruptedException.class);
            assertThat(future).isNotDone();
            here.set("release");
            assertThat(value(future)).isEqualTo(1);
        } else {
            TaskFuture<Integer> future = pool.submit(() -> 1);
            assertThat(future).isDone();
            assertThat(future.get()).isEqualTo(1);
        }
    }

    @Test
    public void aThreadThatIsInterruptedCanSubmit() throws Exception {
        Thread.currentThread().interrupt();
        TaskFuture<Integer> future = pool().submit(() -> 1);
        assertThat(Thread.interrupted()).as("the interrupt status is kept").isTrue();

        assertThat(value(future)).isEqualTo(1);
        assertAllWorkersServe(pool());
    }

    @Test
    public void getWithinATimeGivesUpAndLeavesTheTaskAlone() throws Exception {
        var here = signals();
        if (asynchronous()) {
            TaskFuture<Integer> future = pool().submit(() -> Work.hold(here));
            assertThatThrownBy(() -> future.get(1, MILLISECONDS)).isInstanceOf(TimeoutException.class);
            assertThat(future).isNotDone();
            here.set("release");
            assertThat(value(future)).isEqualTo(1);
        } else {
            assertThat(pool().submit(() -> 1).get(1, NANOSECONDS)).isEqualTo(1);
        }
    }

    // ---- back-pressure ----

    @Test
    public void kindsWhoseTasksNeverWaitRefuseABacklog() throws Exception {
        if (!asynchronous()) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> Pools.open(plan(1) + "?backlog=1"))
                    .withMessageContaining("inline takes no backlog");
        } else if (unlimited()) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> open("backlog=0&full=reject"))
                    .withMessageContaining("backlog needs a limit");
        } else {
            assertThat(open("backlog=1").workers()).isEqualTo(workers());
        }
    }

    @Test
    public void aFullPoolThatRejectsSaysTheFigures() throws Exception {
        if (!queues()) {
            return; // see kindsWhoseTasksNeverWaitRefuseABacklog
        }
        var here = signals();
        Pool pool = open("backlog=3&full=reject&name=narrow");
        occupyWorkers(pool);
        List<TaskFuture<Integer>> queued = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            queued.add(pool.submit(() -> 1));
        }

        assertThatThrownBy(() -> pool.submit(() -> 2))
                .isInstanceOfSatisfying(RejectedSubmissionException.class, refusal -> {
                    assertThat(refusal)
                            .isInstanceOf(RejectedExecutionException.class)
                            .hasMessageContainingAll("narrow", "full", workers() + " running", "3 queued", "backlog 3");
                    PoolStatistics seen = refusal.statistics();
                    assertThat(seen.running()).isEqualTo(workers());
                    assertThat(seen.queued()).isEqualTo(3);
                    assertThat(seen.rejected()).isEqualTo(1);
                });
        assertThatThrownBy(() -> pool.execute(() -> {})).isInstanceOf(RejectedSubmissionException.class);
        assertThatThrownBy(() -> pool.invokeAll(List.<Task<Integer>>of(() -> 1)))
                .isInstanceOf(RejectedSubmissionException.class);
        assertThat(figures(pool).rejected()).isEqualTo(3);
        assertThat(figures(pool).submitted()).isEqualTo(workers() + 3);

        here.set("release");
        for (TaskFuture<Integer> one : queued) {
            assertThat(value(one)).isEqualTo(1);
        }
    }

    @Test
    public void aBacklogMayBeAsLargeAsAnIntCanBe() throws Exception {
        if (!queues()) {
            return;
        }
        for (int backlog : List.of(Integer.MAX_VALUE, Integer.MAX_VALUE - 1)) {
            Pool pool = open("backlog=" + backlog + "&full=reject");
            assertThat(value(pool.submit(() -> 1))).isEqualTo(1);
            pool.close();
        }
    }

    @Test
    public void anInvokeAllThatIsRejectedHalfwayCancelsItsFirstHalf() throws Exception {
        if (!queues()) {
            return;
        }
        var here = signals();
        Pool pool = open("backlog=0&full=reject");
        List<Task<Integer>> tasks = Collections.nCopies(workers() + 1, () -> Work.hold(here));

        assertThatThrownBy(() -> pool.invokeAll(tasks)).isInstanceOf(RejectedSubmissionException.class);
        await("nothing runs").until(() -> unfinished(figures(pool)) == 0);
        assertThat(figures(pool).cancelled()).isEqualTo(workers());
        assertAllPlacesAreFree(pool, 0);
    }

    /** Fills the pool, which holds nothing: exactly workers + backlog tasks go in. */
    private void assertAllPlacesAreFree(Pool pool, int backlog) throws Exception {
        var here = signals();
        String where = "full" + System.nanoTime();
        AtomicReference<RejectedSubmissionException> refusal = new AtomicReference<>();
        List<TaskFuture<Integer>> all = new ArrayList<>();
        await("all places are free again").until(() -> {
            // a place is free a moment after the future that held it is done
            try {
                all.add(pool.submit(() -> {
                    here.await(where);
                    return 1;
                }));
            } catch (RejectedSubmissionException e) {
                refusal.set(e);
            }
            return all.size() == pool.workers() + backlog;
        });
        assertThatThrownBy(() -> pool.submit(() -> 1)).isInstanceOf(RejectedSubmissionException.class);
        here.set(where);
        for (TaskFuture<Integer> one : all) {
            assertThat(value(one)).isEqualTo(1);
        }
    }

    @Test
    public void everyWayForATaskToEndGivesItsPlaceBack() throws Exception {
        if (!queues()) {
            return;
        }
        var here = signals();
        Pool pool = open("backlog=2&full=reject");
        occupyWorkers(pool);
        for (int i = 0; i < 200; i++) { // dropped while they wait
            TaskFuture<Integer> one = pool.submit(() -> 1);
            TaskFuture<Integer> other = pool.submit(() -> 1);
            assertThat(i % 2 == 0 ? one.cancel(true) : one.complete(3)).isTrue();
            assertThat(i % 2 == 0 ? other.cancel(false) : other.completeExceptionally(new IOException())).isTrue();
        }
        here.set("release");
        for (int i = 0; i < 20; i++) {
            int kind = i % 4;
            var options = kind == 2 ? TaskOptions.timeLimit(Duration.ofMillis(1)) : TaskOptions.NONE;
            String never = "never" + i;
            TaskFuture<Integer> future = submitWhenThereIsRoom(pool, () -> switch (kind) {
                case 0 -> 1;
                case 1 -> Work.failDeep(0);
                default -> {
                    here.set("begun" + never);
                    here.await(never);
                    yield 1;
                }
            }, options);
            if (kind == 3) {
                here.await("begun" + never);
                future.cancel(true);
            }
            catchThrowable(() -> value(future));
            assertThat(future).isDone();
        }
        assertAllPlacesAreFree(pool, 2);
    }

    private static <T> TaskFuture<T> submitWhenThereIsRoom(Pool pool, Task<T> task, TaskOptions options) {
        AtomicReference<TaskFuture<T>> future = new AtomicReference<>();
        await("there is room").until(() -> {
            try {
                future.set(pool.submit(task, options));
                return true;
            } catch (RejectedSubmissionException e) {
                return false;
            }
        });
        return future.get();
    }

    @Test
    public void aFullPoolThatBlocksTakesTheTaskWhenThereIsRoom() throws Exception {
        if (!queues()) {
            return;
        }
        var here = signals();
        Pool pool = shared("backlog=1&full=block");
        occupyWorkers(pool);
        TaskFuture<Integer> queued = pool.submit(() -> 1);
        Caller<TaskFuture<Integer>> caller = Caller.of(() -> pool.submit(() -> 2));
        caller.awaitWaitingIn("submit");
        assertThat(pool.statistics().queued()).isEqualTo(1);
        assertThat(figures(pool).submitted()).isEqualTo(workers() + 1);

        here.set("release");
        assertThat(value(caller.result())).isEqualTo(2);
        assertThat(value(queued)).isEqualTo(1);
        assertThat(figures(pool).rejected()).isZero();
    }

    @Test
    public void blockIsWhatAFullPoolDoesUnlessToldOtherwise() throws Exception {
        if (!queues()) {
            return;
        }
        var here = signals();
        Pool pool = shared("backlog=0");
        occupyWorkers(pool);
        Caller<TaskFuture<Integer>> caller = Caller.of(() -> pool.submit(() -> 2));
        caller.awaitWaitingIn("submit");
        here.set("release");
        assertThat(value(caller.result())).isEqualTo(2);
    }

    @Test
    public void aCancelledTaskMakesRoomForOneThatBlocks() throws Exception {
        if (!queues()) {
            return;
        }
        var here = signals();
        Pool pool = shared("backlog=1&full=block");
        occupyWorkers(pool);
        TaskFuture<Integer> queued = pool.submit(() -> 1);
        Caller<TaskFuture<Integer>> caller = Caller.of(() -> pool.submit(() -> 2));
        caller.awaitWaitingIn("submit");
        queued.cancel(true);
        TaskFuture<Integer> admitted = caller.result();
        assertThat(admitted).isNotDone();
        here.set("release");
        assertThat(value(admitted)).isEqualTo(2);
    }

    @Test
    public void anInterruptEndsTheWaitForRoom() throws Exception {
        if (!queues()) {
            return;
        }
        var here = signals();
        Pool pool = open("backlog=0&full=block");
        occupyWorkers(pool);
        Caller<Boolean> caller = Caller.of(() -> {
            assertThatThrownBy(() -> pool.submit(() -> 2))
                    .isInstanceOf(RejectedSubmissionException.class)
                    .hasCauseInstanceOf(InterruptedException.class)
                    .hasMessageContaining("interrupted");
            return Thread.currentThread().isInterrupted();
        });
        caller.awaitWaitingIn("submit");
        caller.interrupt();

        assertThat(caller.result()).as("the interrupt status is kept").isTrue();
        assertThat(figures(pool).rejected()).isEqualTo(1);
        here.set("release");
        pool.close(); // what was refused does not keep it open
    }

    @Test
    public void shutdownEndsTheWaitForRoom() throws Exception {
        if (!queues()) {
            return;
        }
        var here = signals();
        for (boolean now : List.of(false, true)) {
            Pool pool = open("backlog=0&full=block");
            List<TaskFuture<Integer>> held = new ArrayList<>();
            String where = "held" + now;
            for (int i = 0; i < workers(); i++) {
                held.add(pool.submit(() -> {
                    here.mark(where);
                    here.await("release" + where);
                    return 1;
                }));
            }
            here.awaitCount(where, workers());
            List<Caller<TaskFuture<Integer>>> callers = List.of(
                    Caller.of(() -> pool.submit(() -> 2)), Caller.of(() -> pool.submit(() -> 2)));
            callers.forEach(caller -> caller.awaitWaitingIn("submit"));
            if (now) {
                pool.shutdownNow();
            } else {
                pool.shutdown();
            }
            for (Caller<?> caller : callers) {
                assertThat(caller.failure())
                        .isInstanceOf(RejectedSubmissionException.class)
                        .hasMessageContaining("shut down");
            }
            here.set("release" + where);
            assertThat(pool.awaitTermination(BOUND, SECONDS)).isTrue();
            assertThat(held).allMatch(one -> one.isCancelled() == now);
        }
    }

    @Test
    public void aFullPoolCanMakeTheCallerRunTheTask() throws Exception {
        if (!queues()) {
            return;
        }
        var here = signals();
        Pool pool = open("backlog=1&full=caller-runs");
        occupyWorkers(pool);
        TaskFuture<String> queued = pool.submit(() -> Thread.currentThread().getName());
        TaskFuture<String> overflow = pool.submit(
                () -> Thread.currentThread().getName() + " in " + ProcessHandle.current().pid(),
                TaskOptions.named("overflow"));

        assertThat(overflow).isCompletedWithValue(
                Thread.currentThread().getName() + " in " + ProcessHandle.current().pid());
        assertThat(queued).isNotDone();
        TaskFuture<Integer> failing = pool.submit(() -> Work.failDeep(0));
        assertThat(failing).isCompletedExceptionally();
        TaskFuture<Integer> tooSlow = pool.submit(() -> Work.hold(here), TaskOptions.timeLimit(Duration.ofMillis(1)));
        assertThat(failure(tooSlow)).isInstanceOf(TimeoutException.class);
        assertThat(Thread.interrupted()).isFalse();
        here.set("release");
        assertThat(value(queued)).isNotEqualTo(Thread.currentThread().getName());
        assertThat(figures(pool).rejected()).isZero();
    }

    @Test
    public void shutdownNowEndsWhatACallerRuns() throws Exception {
        if (!queues()) {
            return;
        }
        var here = signals();
        Pool pool = open("backlog=0&full=caller-runs");
        occupyWorkers(pool);
        Caller<TaskFuture<Integer>> caller = Caller.of(() -> pool.submit(() -> Work.hold(here)));
        here.awaitCount("held", workers() + 1);
        pool.shutdownNow();

        assertThat(caller.result()).isCancelled();
        assertThat(pool.awaitTermination(BOUND, SECONDS)).isTrue();
        assertThat(here.count("finished")).isZero();
    }

    @Test
    public void whoHasSeenAFutureDoneFindsRoom() throws Exception {
        if (!queues()) {
            return;
        }
        Pool pool = shared(1, "backlog=0&full=reject");
        for (int i = 0; i < 500; i++) {
            assertThat(value(pool.submit(() -> 1))).isEqualTo(1);
            assertThat(pool.map(Work::square, List.of(1, 2, 3))).containsExactly(1, 4, 9);
        }
        assertAllPlacesAreFree(pool, 0);
    }

    @Test
    public void manyThreadsSubmitThroughANarrowBacklog() throws Exception {
        if (!queues()) {
            return;
        }
        for (String policy : List.of("block", "caller-runs")) {
            Pool pool = shared("backlog=2&full=" + policy);
            List<Caller<Long>> callers = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                callers.add(Caller.of(() -> {
                    List<TaskFuture<Integer>> all = new ArrayList<>();
                    for (int n = 0; n < 500; n++) {
                        int number = n;
                        all.add(pool.submit(() -> number));
                    }
                    long sum = 0;
                    for (TaskFuture<Integer> one : all) {
                        sum += value(one);
                    }
                    return sum;
                }));
            }
            for (Caller<Long> caller : callers) {
                assertThat(caller.result()).isEqualTo(500L * 499 / 2);
            }
            assertThat(figures(pool).succeeded()).isEqualTo(2000);
        }
    }

    @Test
    public void mapGoesThroughANarrowBacklog() {
        if (!queues()) {
            return;
        }
        List<Integer> items = IntStream.range(0, 500).boxed().toList();
        for (String policy : List.of("block", "caller-runs", "reject")) {
            Pool pool = shared("backlog=1&full=" + policy);
            assertThat(pool.map(Work::square, items)).isEqualTo(items.stream().map(Work::square).toList());
            assertThat(items.stream().gather(pool.mappingUnordered(Work::square)).toList())
                    .containsExactlyInAnyOrderElementsOf(items.stream().map(Work::square).toList());
        }
    }

    @Test
    public void aTaskThatSubmitsToItsOwnFullPoolNeverWaitsForItself() throws Exception {
        if (!queues()) {
            return;
        }
        var here = signals();
        if (!canNest()) {
            Pool pool = open("backlog=0");
            assertThatThrownBy(() -> pool.submit(() -> pool.submit(() -> 1).join()))
                    .isInstanceOf(TaskSerializationException.class);
            return;
        }
        Pool block = shared(1, "backlog=0&full=block");
        assertThat(value(block.submit(() -> block.submit(() -> 7).join()))).isEqualTo(7);

        Pool reject = open(1, "backlog=0&full=reject");
        assertThat(failure(reject.submit(() -> reject.submit(() -> 7).join())))
                .isInstanceOf(RejectedSubmissionException.class);

        Pool callerRuns = open(1, "backlog=0&full=caller-runs");
        assertThat(value(callerRuns.submit(() -> callerRuns.submit(() -> here.isSet("x")).join()))).isFalse();
    }

    // ---- tasks that submit tasks ----

    @Test
    public void tasksThatWaitForTasksOfTheirPoolDoNotStarveIt() throws Exception {
        if (!canNest()) {
            Pool pool = pool();
            assertThatThrownBy(() -> pool.submit(() -> pool.submit(() -> 1).join()))
                    .isInstanceOf(TaskSerializationException.class)
                    .hasMessageContaining("Pool");
            return;
        }
        Pool one = shared(1, "");
        assertThat(value(one.submit(() -> Work.nest(one, 20)))).isEqualTo(20);
        Pool pool = pool();
        assertThat(value(pool.submit(() -> Work.nest(pool, 20)))).isEqualTo(20);
        assertThat(value(pool.submit(() -> Work.fibonacci(pool, 12)))).isEqualTo(144);
    }

    @Test
    public void aTaskMayWaitForManyTasksOfItsPool() throws Exception {
        if (!canNest()) {
            return; // tasksThatWaitForTasksOfTheirPoolDoNotStarveIt shows that it is refused
        }
        Pool pool = shared(1, "");
        List<Integer> items = IntStream.range(0, 100).boxed().toList();
        List<Integer> squares = items.stream().map(Work::square).toList();

        assertThat(value(pool.submit(() -> pool.map(Work::square, items)))).isEqualTo(squares);
        assertThat(value(pool.submit(() -> items.stream().gather(pool.mapping(Work::square)).toList())))
                .isEqualTo(squares);
        assertThat(value(pool.submit(
                () -> items.stream().gather(pool.mappingUnordered(Work::square)).toList())))
                .containsExactlyInAnyOrderElementsOf(squares);
        assertThat(value(pool.submit(() -> pool.invokeAll(List.<Task<Integer>>of(() -> 1, () -> 2)).size())))
                .isEqualTo(2);
        assertThat(value(pool.submit(() -> pool.invokeAny(List.<Task<Integer>>of(() -> 1))))).isEqualTo(1);
        assertThat(value(pool.submit(() -> {
            var futures = items.stream().map(n -> pool.submit(() -> n * n)).toList();
            return Futures.wait(futures, Until.ALL).done().size();
        })))
                .isEqualTo(100);
        assertThat(value(pool.submit(() -> {
            int sum = 0;
            for (TaskFuture<Integer> future : Futures.inCompletionOrder(
                    items.stream().map(n -> pool.submit(() -> n)).toList())) {
                sum += future.join();
            }
            return sum;
        })))
                .isEqualTo(4950);
    }

    @Test
    public void aTaskMayOpenAPoolOfItsOwn() throws Exception {
        assertThat(value(pool().submit(() -> {
            try (Pool own = Pools.open("threads:2")) {
                return own.map(Work::square, List.of(1, 2, 3));
            }
        })))
                .containsExactly(1, 4, 9);
    }

    // ---- callbacks ----

    @Test
    public void callbacksAreThoseOfCompletableFuture() throws Exception {
        Pool pool = pool();

        TaskFuture<Integer> twenty = pool.submit(() -> 20);
        TaskFuture<Integer> failing = pool.submit(() -> Work.failDeep(0));
        CompletableFuture<Integer> applied = twenty.thenApply(n -> n + 1).thenApply(n -> n * 2);
        CompletableFuture<Integer> composed = twenty.thenCompose(n -> pool.submit(() -> 22 + n));
        CompletableFuture<Integer> combined = twenty.thenCombine(pool.submit(() -> 22), Integer::sum);
        CompletableFuture<Integer> replaced = failing.exceptionally(thrown -> -1);
        CompletableFuture<String> handled = failing.handle((n, thrown) -> thrown.getMessage());

        assertThat(List.of(value(applied), value(composed), value(combined), value(replaced)))
                .containsExactly(42, 42, 42, -1);
        assertThat(value(handled)).isEqualTo("deep");
        List<TaskFuture<Integer>> several = List.of(pool.submit(() -> 1), pool.submit(() -> 2), pool.submit(() -> 3));
        value(CompletableFuture.allOf(several.toArray(CompletableFuture[]::new)));
        assertThat(several).allMatch(CompletableFuture::isDone);
    }

    @Test
    public void aCallbackThatThrowsHarmsNobody() throws Exception {
        var here = signals();
        Pool pool = shared(1, "");
        TaskFuture<Integer> future = asynchronous() ? pool.submit(() -> Work.hold(here)) : pool.submit(() -> 1);
        CompletableFuture<Integer> dependent = future.whenComplete((value, thrown) -> {
            throw new IllegalStateException("the callback fails");
        });
        CompletableFuture<Void> error = future.thenAccept(value -> {
            throw new AssertionError("the callback fails");
        });
        here.set("release");

        assertThat(value(future)).isEqualTo(1);
        assertThat(failure(dependent)).hasMessage("the callback fails");
        assertThat(failure(error)).isInstanceOf(AssertionError.class);
        assertThat(value(pool.submit(() -> 2))).isEqualTo(2);
        assertThat(figures(pool).succeeded()).isEqualTo(2);
    }

    @Test
    public void aCallbackMayWaitForATaskOfTheSamePool() throws Exception {
        var here = signals();
        Pool pool = shared(1, "");
        TaskFuture<Integer> first = asynchronous() ? pool.submit(() -> Work.hold(here)) : pool.submit(() -> 1);
        CompletableFuture<Integer> dependent = first.thenApply(n -> n + pool.submit(() -> 41).join());
        CompletableFuture<List<Integer>> mapped = first.thenApply(n -> pool.map(Work::square, List.of(1, 2, 3)));
        here.set("release");

        assertThat(value(dependent)).isEqualTo(42);
        assertThat(value(mapped)).containsExactly(1, 4, 9);
    }

    @Test
    public void aCallbackOfACancelledTaskRuns() throws Exception {
        var here = signals();
        if (asynchronous()) {
            TaskFuture<Integer> future = pool().submit(() -> Work.hold(here));
            CompletableFuture<String> dependent = future.handle((n, thrown) -> thrown.getClass().getSimpleName());
            future.cancel(true);
            assertThat(value(dependent)).isEqualTo("CancellationException");
        } else {
            CompletableFuture<Integer> dependent = pool().submit(() -> 1).handle((n, thrown) -> n);
            assertThat(value(dependent)).isEqualTo(1);
        }
    }

    // ---- statistics ----

    @Test
    public void theFiguresAreExactAtTheEnd() throws Exception {
        Pool pool = open("");
        assertThat(pool.statistics().submitted()).isZero();
        for (int i = 0; i < 5; i++) {
            value(pool.submit(() -> Work.spin(3_000_000)));
        }
        for (int i = 0; i < 3; i++) {
            failure(pool.submit(() -> Work.failDeep(0)));
        }
        catchThrowable(() -> value(pool.submit(() -> {
            throw new CancellationException();
        })));
        pool.close();
        catchThrowable(() -> pool.submit(() -> 1));
        catchThrowable(() -> pool.submit(() -> 1));

        PoolStatistics seen = pool.statistics();
        assertThat(seen.submitted()).isEqualTo(9);
        assertThat(seen.succeeded()).isEqualTo(5);
        assertThat(seen.failed()).isEqualTo(3);
        assertThat(seen.cancelled()).isEqualTo(1);
        assertThat(seen.ended()).isEqualTo(9);
        assertThat(seen.queued()).isZero();
        assertThat(seen.running()).isZero();
        assertThat(seen.rejected()).isEqualTo(2);
        assertThat(seen.workersLost()).isZero();
        assertThat(seen.runTime()).isPositive();
        assertThat(seen.queueTime()).isGreaterThanOrEqualTo(Duration.ZERO);
        assertThat(seen.averageRunTime()).isPositive().isLessThanOrEqualTo(seen.runTime());
        if (knowsCpuTime()) {
            assertThat(seen.cpuTime()).hasValueSatisfying(time -> assertThat(time).isPositive());
        } else {
            assertThat(seen.cpuTime()).isEmpty();
        }
    }

    @Test
    public void theFiguresSayWhatRunsAndWhatWaits() throws Exception {
        var here = signals();
        Pool pool = open("");
        if (queues()) {
            occupyWorkers(pool);
            TaskFuture<Integer> last = null;
            for (int i = 0; i < 3; i++) {
                last = pool.submit(() -> 1);
            }
            PoolStatistics seen = pool.statistics();
            assertThat(seen.running()).isEqualTo(workers());
            assertThat(seen.queued()).isEqualTo(3);
            assertThat(seen.workers()).isEqualTo(workers());
            assertThat(pool.toString())
                    .contains(pool.name(), "open", workers() + " workers", workers() + " running", "3 queued",
                            "0 ended");
            here.set("release");
            value(last);
            assertThat(pool.statistics().queueTime()).isPositive();
        } else if (asynchronous()) {
            for (int i = 0; i < 3; i++) {
                pool.submit(() -> Work.hold(here));
            }
            here.awaitCount("held", 3);
            PoolStatistics seen = pool.statistics();
            assertThat(seen.running()).isEqualTo(3);
            assertThat(seen.queued()).isZero();
            assertThat(seen.workers()).isEqualTo(3);
        } else {
            PoolStatistics during = value(pool.submit(() -> pool.statistics()));
            assertThat(during.running()).isEqualTo(1);
            assertThat(during.queued()).isZero();
        }
    }

    @Test
    public void theFiguresAddUpInEverySnapshot() throws Exception {
        Pool pool = shared("");
        var over = new AtomicBoolean();
        var samples = new AtomicInteger();
        Caller<Integer> sampler = Caller.of(() -> {
            PoolStatistics before = pool.statistics();
            while (!over.get()) {
                PoolStatistics seen = pool.statistics();
                assertAddsUp(seen);
                assertThat(seen.submitted()).isGreaterThanOrEqualTo(before.submitted());
                assertThat(seen.ended()).isGreaterThanOrEqualTo(before.ended());
                before = seen;
                samples.incrementAndGet();
            }
            return samples.get();
        });
        Conditions.await("the first sample").until(() -> samples.get() > 0);
        List<Caller<Long>> submitters = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            submitters.add(Caller.of(() -> {
                List<TaskFuture<Integer>> all = new ArrayList<>();
                long cancelled = 0;
                for (int n = 0; n < 2_000; n++) {
                    int number = n;
                    TaskFuture<Integer> future = pool.submit(() -> number % 7 == 0 ? Work.failDeep(0) : number);
                    all.add(future);
                    if (number % 3 == 0 && future.cancel(true)) {
                        cancelled++;
                    }
                }
                all.forEach(future -> catchThrowable(() -> value(future)));
                return cancelled;
            }));
        }
        long cancelled = 0;
        for (Caller<Long> submitter : submitters) {
            cancelled += submitter.result();
        }
        over.set(true);
        assertThat(sampler.result()).isPositive();

        PoolStatistics seen = figures(pool);
        assertAddsUp(seen);
        assertThat(seen.submitted()).isEqualTo(4_000);
        assertThat(seen.ended()).isEqualTo(4_000);
        assertThat(seen.cancelled()).isEqualTo(cancelled);
    }

    @Test
    public void aClosedPoolHasNoWorkers() throws Exception {
        for (int round = 0; round < (isolates() ? 1 : 200); round++) {
            Pool pool = open("");
            for (int i = 0; i < 10; i++) {
                pool.submit(() -> 1);
            }
            pool.close();
            assertThat(pool.statistics().workers()).isEqualTo(asynchronous() ? 0 : 1);
        }
    }

    @Test
    public void poolsHaveNamesOfTheirOwn() {
        Pool one = open("");
        Pool other = open("");

        assertThat(one.name()).startsWith(Plan.parse(plan(2)).kind()).isNotEqualTo(other.name());
        assertThat(open("name=mine").name()).isEqualTo("mine");
        assertThat(one.workers()).isEqualTo(unlimited() ? Integer.MAX_VALUE : workers());
    }

    // ---- the end of a pool ----

    @Test
    public void closeWaitsForEverythingThatWasSubmitted() throws Exception {
        var here = signals();
        Pool pool = open("");
        List<TaskFuture<Integer>> all = new ArrayList<>();
        if (!asynchronous()) {
            here.set("release");
        }
        for (int i = 0; i < 10; i++) {
            all.add(pool.submit(() -> Work.hold(here)));
        }
        Caller<Boolean> closer = Caller.of(() -> {
            pool.close();
            return all.stream().allMatch(Future::isDone);
        });
        if (asynchronous()) {
            closer.awaitWaitingIn("close");
            assertThat(pool.isShutdown()).isTrue();
            assertThat(pool.isTerminated()).isFalse();
            assertThat(pool.toString()).contains("shut down");
        }
        here.set("release");

        assertThat(closer.result()).as("all are done when close returns").isTrue();
        assertThat(all).allMatch(future -> future.state() == Future.State.SUCCESS);
        assertThat(pool.isTerminated()).isTrue();
        assertThat(pool.toString()).contains("terminated");
        pool.close();
        pool.shutdown();
        assertThat(pool.shutdownNow()).isEmpty();
    }

    @Test
    public void anUnusedPoolCloses() throws Exception {
        for (int i = 0; i < 3; i++) {
            Pool pool = open("");
            assertThat(pool.isShutdown()).isFalse();
            assertThat(pool.isTerminated()).isFalse();
            switch (i) {
                case 0 -> pool.close();
                case 1 -> pool.shutdown();
                default -> assertThat(pool.shutdownNow()).isEmpty();
            }
            assertThat(pool.awaitTermination(BOUND, SECONDS)).isTrue();
            assertThat(pool.isTerminated()).isTrue();
        }
    }

    @Test
    public void aTaskThatClosesItsOwnPoolIsToldSo() throws Exception {
        Pool pool = open(1, "");
        if (canNest()) {
            Action close = () -> pool.close();
            assertThat(failure(pool.submit(close)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining(pool.name());
            assertThat(pool.isShutdown()).as("shut down all the same").isTrue();
            assertThat(pool.awaitTermination(BOUND, SECONDS)).isTrue();
        } else {
            Action close = () -> pool.close();
            assertThatThrownBy(() -> pool.submit(close)).isInstanceOf(TaskSerializationException.class);
        }
    }

    @Test
    public void aTaskInItsCallerThatClosesThePoolIsToldSo() throws Exception {
        if (!queues() || !canNest()) {
            return; // none can be there
        }
        Pool pool = open("backlog=0&full=caller-runs");
        occupyWorkers(pool);
        Action close = () -> pool.close();
        Caller<TaskFuture<Void>> caller = Caller.of(() -> pool.submit(close));

        assertThat(failure(caller.result())).isInstanceOf(IllegalStateException.class);
        assertThat(pool.isShutdown()).isTrue();
    }

    @Test
    public void aCallbackThatClosesItsPoolIsToldSo() throws Exception {
        var here = signals();
        Pool pool = open(1, "");
        if (asynchronous()) {
            TaskFuture<Integer> future = pool.submit(() -> Work.hold(here));
            CompletableFuture<Void> closing = future.thenRun(pool::close);
            here.set("release");
            assertThat(failure(closing)).isInstanceOf(IllegalStateException.class);
        } else {
            value(pool.submit(() -> 1).thenRun(pool::close)); // the task has ended; the callback runs in the caller
        }
        assertThat(pool.awaitTermination(BOUND, SECONDS)).isTrue();
    }

    @Test
    public void anInterruptTurnsCloseIntoShutdownNow() throws Exception {
        var here = signals();
        Pool pool = open("");
        if (asynchronous()) {
            List<TaskFuture<Integer>> all = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                all.add(pool.submit(() -> Work.hold(here)));
            }
            here.awaitCount("held", queues() ? workers() : 6);
            Caller<Boolean> closer = Caller.of(() -> {
                pool.close();
                return Thread.currentThread().isInterrupted();
            });
            closer.awaitWaitingIn("close");
            closer.interrupt();
            assertThat(closer.result()).as("the interrupt status is kept").isTrue();
            assertThat(all).allMatch(Future::isCancelled);
        } else {
            Thread.currentThread().interrupt();
            pool.close();
            assertThat(Thread.interrupted()).isTrue();
        }
        assertThat(pool.isTerminated()).isTrue();
        assertThat(here.count("finished")).isZero();
    }

    @Test
    public void shutdownNowCancelsWhatRunsAndReturnsWhatHadNotBegun() throws Exception {
        var here = signals();
        Pool pool = open("");
        if (!asynchronous()) {
            Caller<TaskFuture<Integer>> caller = Caller.of(() -> pool.submit(() -> Work.hold(here)));
            here.awaitCount("held", 1);
            assertThat(pool.shutdownNow()).isEmpty();
            assertThat(caller.result()).isCancelled();
            assertThat(pool.awaitTermination(BOUND, SECONDS)).isTrue();
            return;
        }
        List<TaskFuture<Integer>> running = new ArrayList<>();
        for (int i = 0; i < workers(); i++) {
            running.add(pool.submit(() -> Work.hold(here)));
        }
        here.awaitCount("held", workers());
        List<TaskFuture<?>> waiting = new ArrayList<>();
        if (queues()) {
            waiting.add(pool.submit(() -> here.mark("ran later")));
            waiting.add(pool.submit(() -> {
                here.mark("ran later");
                return 1;
            }));
            waiting.add(pool.submit((Runnable & Serializable) () -> here.mark("ran later"), 1));
        }
        List<Runnable> neverBegun = pool.shutdownNow();

        assertThat(neverBegun).hasSize(waiting.size());
        assertThat(running).allMatch(Future::isCancelled);
        assertThat(waiting).as("nobody waits for them in vain").allMatch(Future::isCancelled);
        assertThat(pool.awaitTermination(BOUND, SECONDS)).isTrue();
        here.awaitCount("interrupted", workers());
        assertThat(here.count("ran later")).isZero();
        neverBegun.forEach(Runnable::run);
        assertThat(here.count("ran later")).as("what was returned can still be run").isEqualTo(waiting.size());
        PoolStatistics seen = pool.statistics();
        assertThat(seen.cancelled()).isEqualTo(seen.submitted()).isEqualTo(running.size() + waiting.size());
    }

    @Test
    public void shutdownNowEndsARunThatGoesOnUnheard() throws Exception {
        var here = signals();
        Pool pool = open("");
        if (asynchronous()) {
            TaskFuture<Integer> future = pool.submit(() -> Work.hold(here));
            here.awaitCount("held", 1);
            future.cancel(false);
            pool.shutdownNow();
            here.awaitCount("interrupted", 1);
            assertThat(pool.awaitTermination(BOUND, SECONDS)).isTrue();
            assertThat(pool.statistics().cancelled()).isEqualTo(1);
        } else { // there is no future to cancel while it runs
            assertThat(pool.submit(() -> 1)).isDone();
        }
    }

    @Test
    public void shutdownNowAmongSubmissionsEndsEveryFuture() throws Exception {
        for (int round = 0; round < (isolates() ? 1 : 20); round++) { // a pool of processes is dear
            Pool pool = open("");
            Caller<List<TaskFuture<Integer>>> submitter = Caller.of(() -> {
                List<TaskFuture<Integer>> all = new ArrayList<>();
                try {
                    while (all.size() < 20_000) {
                        all.add(pool.submit(() -> 1));
                    }
                } catch (RejectedExecutionException e) {
                    // as it should be
                }
                return all;
            });
            await("some are in").until(() -> pool.statistics().submitted() > 100);
            pool.shutdownNow();
            List<TaskFuture<Integer>> all = submitter.result();
            assertThat(pool.awaitTermination(BOUND, SECONDS)).isTrue();
            assertThat(all).allMatch(Future::isDone);
            PoolStatistics seen = pool.statistics();
            assertThat(seen.succeeded() + seen.cancelled()).isEqualTo(all.size()).isEqualTo(seen.submitted());
        }
    }

    @Test
    public void shutdownNowOfAnIdlePoolCancelsNothing() throws Exception {
        for (int round = 0; round < (isolates() ? 1 : 300); round++) { // a pool of processes is dear
            Pool pool = open("");
            for (int i = 0; i < 3; i++) {
                value(pool.submit(() -> 1));
            }
            assertThat(pool.shutdownNow()).isEmpty();
            assertThat(pool.awaitTermination(BOUND, SECONDS)).isTrue();
            assertThat(pool.isShutdown()).isTrue();
            assertThat(pool.statistics().submitted()).isEqualTo(3);
            assertThat(pool.statistics().cancelled()).isZero();
        }
    }

    @Test
    public void closeAmongSubmissionsRunsWhatWasTakenIn() throws Exception {
        for (int round = 0; round < (isolates() ? 1 : 20); round++) { // a pool of processes is dear
            Pool pool = open("");
            Caller<List<TaskFuture<Integer>>> submitter = Caller.of(() -> {
                List<TaskFuture<Integer>> all = new ArrayList<>();
                try {
                    while (all.size() < 20_000) {
                        all.add(pool.submit(() -> 1));
                    }
                } catch (RejectedExecutionException e) {
                    // as it should be
                }
                return all;
            });
            await("some are in").until(() -> pool.statistics().submitted() > 100);
            pool.close();
            List<TaskFuture<Integer>> all = submitter.result();
            assertThat(all).allMatch(future -> future.state() == Future.State.SUCCESS);
            assertThat(pool.statistics().succeeded()).isEqualTo(all.size());
        }
    }

    @Test
    public void awaitTerminationSaysWhetherItHasEnded() throws Exception {
        var here = signals();
        Pool pool = open("");
        if (asynchronous()) {
            TaskFuture<Integer> future = pool.submit(() -> Work.hold(here));
            here.awaitCount("held", 1);
            pool.shutdown();
            assertThat(pool.awaitTermination(1, MILLISECONDS)).isFalse();
            assertThat(pool.awaitTermination(0, MILLISECONDS)).isFalse();
            Caller<Boolean> impatient = Caller.of(() -> pool.awaitTermination(BOUND, SECONDS));
            impatient.awaitWaitingIn("awaitTermination");
            impatient.interrupt();
            assertThat(impatient.failure()).isInstanceOf(InterruptedException.class);
            here.set("release");
            assertThat(value(future)).isEqualTo(1);
        } else {
            pool.shutdown();
        }
        assertThat(pool.awaitTermination(BOUND, SECONDS)).isTrue();
        assertThat(pool.awaitTermination(0, SECONDS)).isTrue();
    }

    @Test
    public void aClosedPoolTakesNothing() throws Exception {
        for (boolean closed : List.of(true, false)) {
            Pool pool = open("name=gone");
            if (closed) {
                pool.close();
            } else {
                pool.shutdown();
            }
            Callable<Integer> callable = (Callable<Integer> & Serializable) () -> 1;
            Runnable runnable = (Runnable & Serializable) () -> {};
            Action action = () -> {};
            List<BadCall> calls = List.of(
                    service -> pool.submit(() -> 1),
                    service -> pool.submit(() -> 1, TaskOptions.named("late")),
                    service -> pool.submit(action),
                    service -> pool.submit(action, TaskOptions.NONE),
                    service -> service.submit(callable),
                    service -> service.submit(runnable),
                    service -> service.submit(runnable, 1),
                    service -> service.execute(runnable),
                    service -> pool.execute(action),
                    service -> service.invokeAll(List.of(callable)),
                    service -> service.invokeAll(List.of(callable), 1, SECONDS),
                    service -> service.invokeAny(List.of(callable)),
                    service -> service.invokeAny(List.of(callable), 1, SECONDS),
                    service -> pool.map(Work::square, List.of(1)),
                    service -> pool.map(Math::max, List.of(1), List.of(2)),
                    service -> pool.chunksOf(2).map(Work::square, List.of(1)),
                    service -> pool.mapAsync(Work::square, List.of(1)),
                    service -> Stream.of(1).gather(pool.mapping(Work::square)).toList(),
                    service -> Stream.of(1).gather(pool.mappingUnordered(Work::square)).toList());
            for (BadCall call : calls) {
                assertThatThrownBy(() -> call.on(pool))
                        .isInstanceOf(RejectedSubmissionException.class)
                        .hasMessageContainingAll("gone", "shut down");
            }
            assertThat(pool.statistics().rejected()).isEqualTo(calls.size());
            assertThat(pool.statistics().submitted()).isZero();
        }
    }

    @Test
    public void aPoolThatIsShutDownFinishesWhatItHas() throws Exception {
        var here = signals();
        Pool pool = open("");
        if (!asynchronous()) {
            here.set("release");
        }
        List<TaskFuture<Integer>> all = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            all.add(pool.submit(() -> Work.hold(here)));
        }
        pool.shutdown();
        assertThatThrownBy(() -> pool.submit(() -> 1)).isInstanceOf(RejectedExecutionException.class);
        here.set("release");
        for (TaskFuture<Integer> one : all) {
            assertThat(value(one)).isEqualTo(1);
        }
        assertThat(pool.awaitTermination(BOUND, SECONDS)).isTrue();
    }

    @Test
    public void threadsOfAPoolAreDaemonsAndGoWithIt() throws Exception {
        String name = "gone-" + System.nanoTime();
        Pool pool = open("name=" + name);
        assertAllWorkersServe(pool);
        assertThat(threadsNamed(name)).allMatch(Thread::isDaemon);
        pool.close();

        await("no thread is left").until(() -> threadsNamed(name).isEmpty());
    }

    private static List<Thread> threadsNamed(String prefix) {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith(prefix))
                .toList();
    }

    // ---- what a task may do to its JVM, and what cannot travel ----

    @Test
    public void aTaskThatHoldsWhatCannotTravelRunsOrIsRefusedAtSubmit() throws Exception {
        Pool pool = pool();
        var anchored = new Work.Anchored();
        List<Work.Anchored> inside = List.of(anchored);
        List<Callable<Object>> submissions = List.of(
                () -> value(pool.submit(() -> anchored.text())),
                () -> value(pool.submit(() -> inside.getFirst().text())),
                () -> pool.map(n -> anchored.text(), List.of(1)).getFirst(),
                () -> pool.map(one -> one.text(), inside).getFirst(),
                () -> Stream.of(1).gather(pool.mapping(n -> anchored.text())).toList().getFirst());
        for (Callable<Object> submission : submissions) {
            if (copiesValues()) {
                assertThatThrownBy(submission::call)
                        .isInstanceOf(TaskSerializationException.class)
                        .hasMessageContaining(Work.Anchored.class.getName())
                        .hasCauseInstanceOf(java.io.NotSerializableException.class);
            } else {
                assertThat(submission.call()).isEqualTo("anchored");
            }
        }
        if (copiesValues()) {
            assertThat(figures(pool).submitted()).as("what is refused is not taken in").isZero();
        }
        assertAllWorkersServe(pool);
    }

    @Test
    public void aValueThatCannotTravelComesBackOrFailsTheFuture() throws Exception {
        TaskFuture<Object> plain = pool().submit(() -> new Work.Anchored());
        TaskFuture<Object> inside = pool().submit(() -> new ArrayList<>(List.of(new Work.Anchored())));
        for (TaskFuture<?> future : List.of(plain, inside)) {
            if (copiesValues()) {
                assertThat(failure(future))
                        .isInstanceOf(TaskSerializationException.class)
                        .hasMessageContaining(Work.Anchored.class.getName());
            } else {
                assertThat((Object) value(future)).isNotNull();
            }
        }
        assertAllWorkersServe(pool());
    }

    @Test
    public void anExceptionThatCannotTravelComesBackOrIsStoodInFor() throws Exception {
        Throwable failure = failure(pool().submit(() -> Work.failAnchored()));

        if (copiesValues()) {
            assertThat(failure).isInstanceOfSatisfying(RemoteTaskException.class, standIn -> {
                assertThat(standIn).hasMessageContaining("cannot leave");
                assertThat(standIn.originalClassName()).isEqualTo(Work.AnchoredException.class.getName());
            });
        } else {
            assertThat(failure).isInstanceOf(Work.AnchoredException.class).hasMessage("cannot leave");
        }
        assertThat(frames(failure)).startsWith("dev.sennit.conformance.internal.Work.failAnchored");
        assertThat(failure.getCause()).hasMessageContaining("cause");
        assertAllWorkersServe(pool());
    }

    @Test
    public void aTaskThatExitsFailsAloneOrTakesTheProgramDown() throws Exception {
        if (!isolates()) {
            assertThat(PoolProgram.run(getClass(), "exit", plan(workers()))).isEqualTo(3);
            return;
        }
        assertFailsAlone(pool(), () -> {
            System.exit(3);
            return 1;
        }, "exited with code 3");
    }

    @Test
    public void aTaskThatHaltsItsJvmFailsAlone() throws Exception {
        if (isolates()) { // aTaskThatExitsFailsAloneOrTakesTheProgramDown shows what the others do
            assertFailsAlone(pool(), () -> {
                Runtime.getRuntime().halt(4);
                return 1;
            }, "exited with code 4");
        }
    }

    @Test
    public void aTaskThatExhaustsMemoryFailsAlone() throws Exception {
        if (isolates()) {
            assertFailsAlone(shared(smallMemory()), () -> Work.exhaustMemory(), "memory");
        } else { // as far as it can be shown without harm: one array too large
            assertThat(failure(pool().submit(() -> new long[Integer.MAX_VALUE].length)))
                    .isInstanceOf(OutOfMemoryError.class);
            assertAllWorkersServe(pool());
        }
    }

    /** Its neighbour goes on, what waits runs, and the pool is full again. */
    private void assertFailsAlone(Pool pool, Task<Integer> deadly, String cause) throws Exception {
        var here = signals();
        TaskFuture<Integer> neighbour = pool.submit(() -> Work.hold(here));
        here.awaitCount("held", 1);
        TaskFuture<Integer> fatal = pool.submit(deadly, TaskOptions.named("deadly"));
        List<TaskFuture<Integer>> waiting = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            int n = i;
            waiting.add(pool.submit(() -> n));
        }

        assertThat(failure(fatal)).hasMessageContaining(cause);
        for (int i = 0; i < 20; i++) {
            assertThat(value(waiting.get(i))).isEqualTo(i);
        }
        assertThat(neighbour).isNotDone();
        here.set("release");
        assertThat(value(neighbour)).isEqualTo(1);
        assertAllWorkersServe(pool);
        PoolStatistics seen = figures(pool);
        assertThat(seen.workersLost()).isEqualTo(1);
        assertThat(seen.failed()).isEqualTo(1);
        assertAddsUp(pool.statistics());
    }

    @Test
    public void aBusyLoopThatIsCancelledIsKilledOrKeepsItsWorkerOnly() throws Exception {
        var here = signals();
        Pool pool = shared(1, "");
        if (!asynchronous()) {
            here.set("release"); // else nobody could end it
            assertThat(value(pool.submit(() -> Work.loop(here)))).isEqualTo(1);
            return;
        }
        TaskFuture<Integer> future = pool.submit(() -> Work.loop(here));
        here.awaitCount("held", 1);
        assertThat(future.cancel(true)).isTrue();
        assertEndsOrKeepsItsWorkerOnly(pool);
    }

    @Test
    public void aBusyLoopThatRunsTooLongIsKilledOrKeepsItsWorkerOnly() throws Exception {
        var here = signals();
        Pool pool = shared(1, "");
        var options = TaskOptions.timeLimit(Duration.ofMillis(20));
        if (!asynchronous()) {
            Caller<TaskFuture<Integer>> caller = Caller.of(() -> pool.submit(() -> Work.loop(here), options));
            await("the time is over").until(() -> figures(pool).failed() == 1);
            assertThat(caller.isDone()).as("its thread stays busy").isFalse();
            here.set("release");
            assertThat(failure(caller.result())).isInstanceOf(TimeoutException.class);
            return;
        }
        TaskFuture<Integer> future = pool.submit(() -> Work.loop(here), options);
        assertThat(failure(future)).isInstanceOf(TimeoutException.class);
        assertEndsOrKeepsItsWorkerOnly(pool);
    }

    private void assertEndsOrKeepsItsWorkerOnly(Pool pool) throws Exception {
        TaskFuture<Integer> next = pool.submit(() -> 5);
        if (!isolates()) {
            signals().set("release");
        }
        assertThat(value(next)).isEqualTo(5);
        assertThat(signals().count("finished")).isLessThanOrEqualTo(isolates() ? 0 : 1);
    }

    @Test
    public void whatATaskPrintsReachesOurOutput() throws Exception {
        var out = new java.io.ByteArrayOutputStream();
        var err = new java.io.ByteArrayOutputStream();
        java.io.PrintStream realOut = System.out;
        java.io.PrintStream realErr = System.err;
        Pool pool = pool();
        System.setOut(new java.io.PrintStream(out, true, UTF_8));
        System.setErr(new java.io.PrintStream(err, true, UTF_8));
        try {
            value(pool.submit(() -> {
                System.out.println("said so, \u00fcber alles");
                System.err.println("complained");
            }));
            await("both lines")
                    .until(() -> out.toString(UTF_8).contains("said so, \u00fcber alles" + System.lineSeparator())
                            && err.toString(UTF_8).contains("complained" + System.lineSeparator()));
        } finally {
            System.setOut(realOut);
            System.setErr(realErr);
        }
        if (isolates()) {
            assertThat(out.toString(UTF_8)).contains("[" + pool.name() + "-worker-");
            assertThat(err.toString(UTF_8)).contains("[" + pool.name() + "-worker-");
        }
    }

    @Test
    public void noProcessIsLeftAfterClose() throws Exception {
        if (!isolates()) {
            return; // tasksRunWhereTheKindSays: there is none but ours
        }
        var here = signals();
        Pool pool = open("");
        assertAllWorkersServe(pool);
        List<TaskFuture<Long>> pids = new ArrayList<>();
        for (int i = 0; i < workers(); i++) {
            pids.add(pool.submit(() -> {
                Work.meet(here, "pids", 2);
                return ProcessHandle.current().pid();
            }));
        }
        List<Long> workers = new ArrayList<>();
        for (TaskFuture<Long> pid : pids) {
            workers.add(value(pid));
        }
        assertThat(workers).doesNotHaveDuplicates();
        pool.close();
        assertThat(workers).noneMatch(pid -> ProcessHandle.of(pid).filter(ProcessHandle::isAlive).isPresent());
    }

    @Test
    public void anOpenPoolDoesNotKeepTheProgramAlive() throws Exception {
        assertThat(PoolProgram.run(getClass(), "leave", plan(workers()))).isZero();
    }
}
