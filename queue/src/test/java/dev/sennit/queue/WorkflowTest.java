package dev.sennit.queue;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.TaskFuture;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.memory.MemoryBroker;
import dev.sennit.testing.VirtualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What workflows promise, on a broker in memory; other brokers are tested by subclasses. */
@SuppressWarnings("this-escape") // its subclasses need nothing to open a broker
public class WorkflowTest {
    private static final Set<String> BROKEN = ConcurrentHashMap.newKeySet();
    private static final List<DeadTask> DEAD = new ArrayList<>();
    private static final List<String> ALARMS = new ArrayList<>();
    private static final AtomicInteger RUNS = new AtomicInteger();

    record Row(String text, int length) {}

    private static final TaskType<String, Integer> LENGTH = TaskType.of("length", String.class, text -> {
        if (BROKEN.contains(text)) {
            throw new IllegalStateException(text + " is broken");
        }
        return text.length();
    });
    private static final TaskType<Integer, Integer> SQUARE = TaskType.of("square", Integer.class, n -> n * n);
    private static final TaskType<String, Row> ROW =
            TaskType.of("row", String.class, text -> new Row(text, text.length()));
    private static final TaskType<List<Integer>, Integer> SUM = TaskType.ofList("sum", Integer.class, numbers -> {
        RUNS.incrementAndGet();
        return numbers.stream().mapToInt(Integer::intValue).sum();
    });
    private static final TaskType<List<Row>, String> JOIN = TaskType.ofList("join", Row.class,
            rows -> String.join(",", rows.stream().map(each -> each.text() + each.length()).toList()));
    private static final TaskType<List<String>, List<Row>> ROWS = TaskType.ofList("rows", String.class, Row.class,
            texts -> texts.stream().map(each -> new Row(each, each.length())).toList());
    private static final TaskType<Object, String> SHOW = TaskType.of("show", Object.class, value -> value.toString());
    private static final TaskType<Void, String> DONE = TaskType.of("done", Void.class, _ -> "done");
    private static final TaskType<DeadTask, Boolean> TELL = TaskType.of("tell", DeadTask.class, dead -> DEAD.add(dead));
    private static final TaskType<String, Boolean> ALARM = TaskType.of("alarm", String.class,
            (text, run) -> ALARMS.add(text + " " + run.headers().get(QueuedTask.DEAD_TYPE)));

    private final VirtualClock clock = VirtualClock.standing(VirtualClock.START);
    private final Broker broker = open(clock);
    private final TaskQueue queue = TaskQueue.over(broker);
    private final ClaimLoop worker =
            new ClaimLoop(broker, LENGTH, SQUARE, ROW, SUM, JOIN, ROWS, SHOW, DONE, TELL, ALARM);

    /** For subclasses. */
    protected WorkflowTest() {}

    /**
     * Opens a broker without tasks.
     *
     * @param time its clock
     * @return the broker
     */
    protected Broker open(VirtualClock time) {
        return new MemoryBroker(time);
    }

    /**
     * Returns how many parts the largest chord has.
     *
     * @return more than a hundred
     */
    protected int many() {
        return 10_000;
    }

    @AfterEach
    void close() {
        queue.close();
        broker.close();
        BROKEN.clear();
        DEAD.clear();
        ALARMS.clear();
        RUNS.set(0);
    }

    private <R> R run(Workflow<R> workflow) throws Exception {
        TaskFuture<R> future = queue.submit(workflow);
        worker.drain();
        R value = future.get(30, SECONDS);
        assertNothingIsLeft();
        return value;
    }

    private void assertNothingIsLeft() {
        assertThat(broker.search(TaskFilter.ALL, 100)).filteredOn(each -> each.state() != TaskState.SUCCEEDED)
                .isEmpty();
    }

    private long count(TaskState state) {
        return broker.search(TaskFilter.ALL.state(state), 100_000).size();
    }

    // ---- shapes ----

    @Test
    void stepsWithOneUniqueKeyAreRefusedAtOnce() {
        Workflow<List<Integer>> parts = Workflow.map(LENGTH, List.of("a", "bb"))
                .options(SubmitOptions.NONE.unique("chord"));
        assertThatThrownBy(() -> queue.submit(parts)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("two steps of the workflow have the unique key chord: give it to the first step alone");
        assertThat(broker.counts()).isEmpty();
    }

    @Test
    void oneTaskIsAWorkflow() throws Exception {
        assertThat(run(Workflow.of(LENGTH, "sennit"))).isEqualTo(6);
    }

    @Test
    void aChainHandsEachResultOn() throws Exception {
        assertThat(run(Workflow.of(LENGTH, "abc").then(SQUARE).then(SQUARE))).isEqualTo(81);
    }

    @Test
    void aStepWithAnArgumentOfItsOwnWaitsAndIgnoresTheResult() throws Exception {
        TaskFuture<Integer> future = queue.submit(Workflow.of(LENGTH, "abc").then(LENGTH, "sennit"));
        assertThat(count(TaskState.BLOCKED)).isEqualTo(1);
        assertThat(worker.drain()).isEqualTo(2);
        assertThat(future.get(30, SECONDS)).isEqualTo(6);
    }

    @Test
    void aStepWithoutAnArgument() throws Exception {
        assertThat(run(Workflow.of(LENGTH, "abc").then(DONE, null))).isEqualTo("done");
    }

    @Test
    void aGroupHasTheListOfItsResultsInTheirOrder() throws Exception {
        assertThat(run(Workflow.all(List.of(Workflow.of(LENGTH, "a"), Workflow.of(LENGTH, "bb").then(SQUARE),
                Workflow.of(LENGTH, "ccc"))))).containsExactly(1, 4, 3);
    }

    @Test
    void aGroupOfSeveralTypesReadsEachResultAsItsOwnType() throws Exception {
        List<Object> results = run(Workflow.all(List.of(Workflow.of(LENGTH, "a"), Workflow.of(ROW, "bb"))));
        assertThat(results).containsExactly(1, new Row("bb", 2));
    }

    @Test
    void aChordHandsTheListOn() throws Exception {
        assertThat(run(Workflow.all(List.of(Workflow.of(LENGTH, "a"), Workflow.of(LENGTH, "bb"))).then(SUM)))
                .isEqualTo(3);
    }

    @Test
    void aChordOfOnePartStillGetsAList() throws Exception {
        assertThat(run(Workflow.map(LENGTH, List.of("abcd")).then(SUM))).isEqualTo(4);
    }

    @Test
    void anEmptyGroupIsAnEmptyList() throws Exception {
        assertThat(queue.submit(Workflow.map(LENGTH, List.<String>of())).get(30, SECONDS)).isEmpty();
        assertThat(run(Workflow.map(LENGTH, List.<String>of()).then(SUM))).isZero();
        assertThat(run(Workflow.chunks(ROWS, List.<String>of(), 3).then(JOIN))).isEmpty();
    }

    @Test
    void anEmptyGroupBehindATaskWaitsForIt() throws Exception {
        Workflow<List<Integer>> none = Workflow.of(LENGTH, "abc").then(Workflow.map(LENGTH, List.<String>of()));
        TaskFuture<List<Integer>> future = queue.submit(none);
        assertThat(future).isNotDone();
        assertThat(worker.drain()).isEqualTo(1);
        assertThat(future.get(30, SECONDS)).isEmpty();
        assertThat(run(none.then(SUM))).isZero();
        assertThat(run(Workflow.all(List.of(Workflow.of(LENGTH, "ab"), none, Workflow.of(LENGTH, "c"))).then(SHOW)))
                .isEqualTo("[2, [], 1]");
        assertThat(run(Workflow.of(LENGTH, "ab").fork(n -> List.of(n.fork(_ -> List.of()))).then(SHOW)))
                .isEqualTo("[[]]");
    }

    @Test
    void groupsNestAndKeepTheirShape() throws Exception {
        Workflow<List<Integer>> pair = Workflow.map(LENGTH, List.of("a", "bb"));
        Workflow<List<Object>> nested =
                Workflow.all(List.of(pair, Workflow.of(LENGTH, "ccc"), Workflow.all(List.of(pair, pair.then(SUM)))));
        assertThat(run(nested.then(SHOW))).isEqualTo("[[1, 2], 3, [[1, 2], 3]]");
        assertThat(run(nested)).hasToString("[[1, 2], 3, [[1, 2], 3]]");
        assertThat(run(Workflow.all(List.of(pair)).then(SHOW))).isEqualTo("[[1, 2]]");
    }

    @Test
    void mapReadsTheElementsOfTheListAsTheirType() throws Exception {
        assertThat(run(Workflow.map(ROW, List.of("a", "bb")))).containsExactly(new Row("a", 1), new Row("bb", 2));
        assertThat(run(Workflow.map(ROW, List.of("a", "bb")).then(JOIN))).isEqualTo("a1,bb2");
    }

    @Test
    void chunksRunSeveralArgumentsInOneTaskAndFlattenTheirResults() throws Exception {
        var workflow = Workflow.chunks(ROWS, List.of("a", "bb", "ccc", "dddd", "eeeee"), 2);
        assertThat(workflow.size()).isEqualTo(3);
        assertThat(run(workflow)).extracting(Row::length).containsExactly(1, 2, 3, 4, 5);
        assertThat(run(workflow.then(JOIN))).isEqualTo("a1,bb2,ccc3,dddd4,eeeee5");
        assertThat(run(Workflow.chunks(ROWS, List.of("a"), Integer.MAX_VALUE).then(JOIN))).isEqualTo("a1");
        assertThat(run(Workflow.all(List.of(workflow.then(JOIN), Workflow.chunks(ROWS, List.of("f"), 1))).then(SHOW)))
                .isEqualTo("[a1,bb2,ccc3,dddd4,eeeee5, [{text=f, length=1}]]");
        assertThatThrownBy(() -> Workflow.chunks(ROWS, List.of("a"), 0)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("size must be >= 1, was 0");
    }

    @Test
    void aForkHandsOneResultToSeveral() throws Exception {
        assertThat(run(Workflow.of(LENGTH, "abc").fork(n -> List.of(n.then(SQUARE), n.then(SQUARE).then(SQUARE),
                n.then(LENGTH, "own"), Workflow.of(LENGTH, "other"))).then(SUM))).isEqualTo(9 + 81 + 3 + 5);
        assertThat(run(Workflow.map(LENGTH, List.of("a", "bb"))
                .fork(list -> List.of(list.then(SUM), list.fork(again -> List.of(again.then(SHOW)))))))
                .hasToString("[3, [[1, 2]]]");
        assertThat(run(Workflow.map(LENGTH, List.<String>of()).fork(list -> List.of(list.then(SUM), list.then(SHOW)))))
                .hasToString("[0, []]");
    }

    @Test
    void theResultThatAForkHandsOverIsNoWorkflowOfItsOwn() {
        assertThatThrownBy(() -> Workflow.of(LENGTH, "a").fork(n -> List.of(n.options(SubmitOptions.NONE))))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("needs a step");
        List<Workflow<Integer>> kept = new ArrayList<>();
        Workflow.of(LENGTH, "a").fork(n -> {
            kept.add(n);
            return List.of(n.then(SQUARE));
        });
        assertThatThrownBy(() -> queue.submit(kept.getFirst().then(SQUARE)))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("belongs into the parts");
    }

    @Test
    void aWorkflowBehindAnotherWaitsForAllOfIt() throws Exception {
        Workflow<List<Integer>> two = Workflow.map(LENGTH, List.of("a", "bb"));
        TaskFuture<Integer> future = queue.submit(two.then(Workflow.map(LENGTH, List.of("ccc", "dd"))).then(SUM));
        worker.run(worker.claim());
        assertThat(count(TaskState.READY)).isEqualTo(1);
        assertThat(count(TaskState.BLOCKED)).isEqualTo(3);
        worker.run(worker.claim());
        assertThat(count(TaskState.READY)).isEqualTo(2);
        worker.drain();
        assertThat(future.get(30, SECONDS)).isEqualTo(5);
    }

    @Test
    void aLongChainNeedsNoDeepStack() throws Exception {
        Workflow<Integer> chain = Workflow.of(LENGTH, "a");
        for (int i = 0; i < many(); i++) {
            chain = chain.then(SQUARE);
        }
        assertThat(chain.size()).isEqualTo(many() + 1);
        assertThat(run(chain.onDead(TELL))).isEqualTo(1);
    }

    @Test
    void oneThatOccursTwiceRunsTwiceAndADescriptionCanBeEnqueuedAgain() throws Exception {
        Workflow<Integer> part = Workflow.of(LENGTH, "abc");
        Workflow<List<Integer>> both = Workflow.all(List.of(part, part));
        assertThat(queue.enqueue(both).root()).isNotEqualTo(queue.enqueue(both).root());
        assertThat(worker.drain()).isEqualTo(4);
    }

    // ---- all of it at once ----

    @Test
    void allTasksAreThereFromTheBeginningWithTheRootOfTheFirst() {
        WorkflowHandle<Integer> handle = queue.enqueue(Workflow.map(LENGTH, List.of("a", "bb")).then(SUM).then(SQUARE));
        assertThat(handle.tasks()).extracting(WorkflowHandle.Task::type)
                .containsExactly("length", "length", "sum", "square");
        assertThat(handle.root()).isEqualTo(handle.tasks().getFirst().id());
        assertThat(broker.search(TaskFilter.ALL.root(handle.root()), 10)).extracting(each -> each.id())
                .containsExactlyElementsOf(
                        handle.tasks().stream().map(WorkflowHandle.Task::id).toList());
        assertThat(handle).hasToString("workflow of 4 tasks (" + handle.root() + ")");
    }

    @Test
    void newIdsGrow() {
        List<String> ids = Stream.generate(QueuedTask::newId).limit(20_000).toList();
        assertThat(ids).isSorted().doesNotHaveDuplicates()
                .allMatch(each -> UUID.fromString(each).version() == 7 && UUID.fromString(each).variant() == 2);
    }

    @Test
    void theResultOfAHandleComesLater() throws Exception {
        WorkflowHandle<List<Integer>> handle = queue.enqueue(Workflow.map(LENGTH, List.of("a", "bb")));
        worker.drain();
        assertThat(queue.result(handle).get(30, SECONDS)).containsExactly(1, 2);
    }

    @Test
    void optionsAreThoseOfTheLastStepOrOfEachOfAGroup() {
        SubmitOptions queued = SubmitOptions.NONE.priority(7);
        Batch batch = Workflow.map(LENGTH.options(SubmitOptions.NONE.priority(2)), List.of("a", "b"))
                .options(queued.header("x", "1"))
                .then(SUM).then(SQUARE).options(SubmitOptions.NONE.priority(9)).options(SubmitOptions.NONE.priority(8))
                .compile(options -> options.header("tenant", "42")).batch();
        assertThat(batch.tasks()).extracting(QueuedTask::priority).containsExactly(7, 7, 5, 8);
        assertThat(batch.tasks()).allMatch(each -> "42".equals(each.headers().get("tenant")));
        assertThat(batch.tasks()).extracting(each -> each.headers().get("x")).containsExactly("1", "1", null, null);
        Batch nested = Workflow.all(List.of(Workflow.of(LENGTH, "a").options(SubmitOptions.NONE.priority(3)),
                Workflow.of(LENGTH, "b").then(SQUARE))).options(queued).compile(options -> options).batch();
        assertThat(nested.tasks()).extracting(QueuedTask::priority).containsExactly(3, 7, 7);
    }

    // ---- parts that do not succeed ----

    @Test
    void theFutureFailsAtOnceAndNamesTheDeadPartAndAReplayGoesOn() throws Exception {
        BROKEN.add("bb");
        TaskFuture<Integer> future = queue.submit(Workflow.map(LENGTH, List.of("a", "bb", "ccc")).then(SUM));
        assertThat(worker.drain()).isEqualTo(3);
        assertThatThrownBy(() -> future.get(30, SECONDS)).isInstanceOf(ExecutionException.class)
                .cause().isInstanceOf(TaskFailedException.class)
                .hasMessageMatching("task length \\(.*\\) has failed after 1 attempt: "
                        + "java.lang.IllegalStateException: bb is broken");
        assertThat(count(TaskState.BLOCKED)).isEqualTo(1);
        BROKEN.clear();
        assertThat(broker.replay(TaskFilter.ALL, null)).isEqualTo(1);
        assertThat(worker.drain()).isEqualTo(2);
        assertThat(RUNS).hasValue(1);
        assertNothingIsLeft();
    }

    @Test
    void aReplayOfABodyWithAnotherArgumentGetsThatOne() throws Exception {
        BROKEN.add("3");
        TaskType<List<Integer>, Integer> body = TaskType.ofList("length", Integer.class, _ -> 0);
        WorkflowHandle<Integer> handle = queue.enqueue(Workflow.map(SQUARE, List.of(1)).then(body));
        worker.run(worker.claim());
        Claim claim = worker.claim();
        assertThat(Arguments.of(claim)).asString().isEqualTo("[1]");
        broker.fail(List.of(new dev.sennit.queue.broker.Failure(claim.token(),
                new dev.sennit.queue.broker.ErrorInfo("X", "", ""),
                new dev.sennit.queue.broker.Failure.Die(DeadReason.FAILED))));
        broker.replay(TaskFilter.ALL.root(handle.root()), "[2,3]".getBytes());
        assertThat(Arguments.of(worker.claim())).asString().isEqualTo("[2,3]");
    }

    @Test
    void errorCallbacksHearOfEachStepSoFar() throws Exception {
        BROKEN.addAll(List.of("a", "bb"));
        WorkflowHandle<Integer> handle = queue.enqueue(Workflow.map(LENGTH, List.of("a", "bb", "ccc")).onDead(TELL)
                .then(SUM).onDead(ALARM, "help"));
        worker.drain();
        assertThat(DEAD).extracting(DeadTask::id)
                .containsExactlyInAnyOrder(handle.tasks().get(0).id(), handle.tasks().get(1).id());
        assertThat(DEAD).extracting(DeadTask::type).containsOnly("length");
        assertThat(DEAD).extracting(DeadTask::reason).containsOnly("FAILED");
        assertThat(DEAD).extracting(DeadTask::error).contains("java.lang.IllegalStateException: bb is broken");
        assertThat(ALARMS).containsExactly("help length", "help length");
    }

    @Test
    void oneCallbackIsEnoughForManyDeadSteps() throws Exception {
        BROKEN.addAll(List.of("a", "bb"));
        Workflow<Integer> workflow = Workflow.map(LENGTH, List.of("a", "bb", "a")).onFirstDead(TELL).then(SUM);
        queue.enqueue(workflow);
        worker.drain();
        assertThat(DEAD).hasSize(1);
        queue.enqueue(workflow);
        worker.drain();
        assertThat(DEAD).as("each workflow has its own").hasSize(2);
        queue.enqueue(Workflow.all(List.of(workflow, workflow)));
        worker.drain();
        assertThat(DEAD).as("also if it occurs twice").hasSize(4);
    }

    @Test
    void callbacksOfACancelledWorkflowStillCome() throws Exception {
        WorkflowHandle<Integer> handle = queue.enqueue(Workflow.of(LENGTH, "a").onDead(TELL).then(SQUARE));
        queue.cancelAll(handle.root());
        worker.drain();
        assertThat(DEAD).extracting(DeadTask::reason).containsExactly("CANCELLED");
    }

    @Test
    void aCancelReachesEveryPart() throws Exception {
        TaskFuture<Integer> future =
                queue.submit(Workflow.map(LENGTH, List.of("a", "bb", "ccc")).then(SUM).then(SQUARE));
        worker.run(worker.claim());
        assertThat(future.cancel(true)).isTrue();
        assertThat(worker.drain()).isZero();
        assertThat(count(TaskState.CANCELLED)).isEqualTo(4);
        assertThat(count(TaskState.SUCCEEDED)).isEqualTo(1);
    }

    @Test
    void aPartThatIsCancelledCancelsTheFutureAndWhatWaits() throws Exception {
        TaskFuture<Integer> future = queue.submit(Workflow.map(LENGTH, List.of("a", "bb")).then(SUM));
        String part = broker.search(TaskFilter.ALL.state(TaskState.READY), 10).getFirst().id();
        queue.cancel(part);
        assertThatThrownBy(() -> future.get(30, SECONDS)).isInstanceOf(CancellationException.class);
        worker.drain();
        assertThat(count(TaskState.CANCELLED)).isEqualTo(2);
        assertThat(RUNS).hasValue(0);
    }

    @Test
    void aPartThatExpiresFailsTheFuture() throws Exception {
        TaskFuture<Integer> future = queue.submit(Workflow.of(LENGTH, "a")
                .options(SubmitOptions.NONE.expiresAfter(Duration.ofSeconds(1))).then(SQUARE).then(SQUARE));
        clock.advance(Duration.ofSeconds(2));
        broker.upkeep(Upkeep.Limits.USUAL);
        assertThatThrownBy(() -> future.get(30, SECONDS)).isInstanceOf(ExecutionException.class)
                .cause().hasMessageContaining("has expired");
        assertThat(count(TaskState.CANCELLED)).isEqualTo(2);
    }

    @Test
    void aDeadPartIsFoundThatNobodyTellsOf() throws Exception {
        BROKEN.add("a");
        WorkflowHandle<Integer> handle = queue.enqueue(Workflow.of(LENGTH, "a").then(SQUARE)); // replies to nobody
        TaskFuture<Integer> future = queue.result(handle);
        worker.drain();
        assertThatThrownBy(() -> future.get(30, SECONDS)).cause().hasMessageContaining("a is broken");
    }

    @Test
    void aWorkflowIsRefusedAsAWholeIfItsUniqueKeyIsTaken() throws Exception {
        Workflow<Integer> nightly =
                Workflow.of(LENGTH, "a").options(SubmitOptions.NONE.unique("nightly")).then(SQUARE);
        WorkflowHandle<Integer> first = queue.enqueue(nightly);
        assertThat(first.isRefused()).isFalse();
        assertThat(queue.enqueue(nightly).isRefused()).isTrue();
        assertThat(queue.enqueue(Workflow.all(List.of(Workflow.of(LENGTH, "b"), nightly)).then(SUM)).isRefused())
                .isTrue();
        TaskFuture<Integer> second = queue.submit(nightly);
        assertThatThrownBy(() -> second.get(30, SECONDS)).isInstanceOf(CancellationException.class)
                .hasStackTraceContaining("has the unique key of one of its tasks");
        assertThat(worker.drain()).isEqualTo(2);
    }

    @Test
    void aClosedQueueLetsWorkflowsGoOn() throws Exception {
        TaskFuture<Integer> future = queue.submit(Workflow.map(LENGTH, List.of("a", "bb")).then(SUM));
        queue.close();
        assertThat(future).isCancelled();
        assertThat(worker.drain()).isEqualTo(3);
    }

    // ---- bounds ----

    @Test
    void aLargeChordWithADeadPart() throws Exception {
        BROKEN.add("x".repeat(77));
        List<String> texts = IntStream.range(0, many())
                .mapToObj(i -> "x".repeat(i == 77 ? 77 : 2)).toList();
        TaskFuture<Integer> future = queue.submit(Workflow.map(LENGTH, texts).then(SUM));
        assertThat(worker.drain()).isEqualTo(many());
        assertThatThrownBy(() -> future.get(30, SECONDS)).isInstanceOf(ExecutionException.class);
        assertThat(RUNS).hasValue(0);
        BROKEN.clear();
        broker.replay(TaskFilter.ALL.state(TaskState.DEAD), null);
        Claim part = worker.claim();
        worker.run(part);
        Claim body = worker.claim();
        assertThat(new String(worker.result(body)))
                .isEqualTo(String.valueOf(texts.stream().mapToInt(String::length).sum()));
        worker.run(body);
        assertNothingIsLeft();
    }
}
