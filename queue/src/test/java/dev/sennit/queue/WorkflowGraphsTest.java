package dev.sennit.queue;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.TaskFuture;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.memory.MemoryBroker;
import dev.sennit.testing.VirtualClock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Future;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Workflows of random shapes, whose tasks fail, lose their workers, are replayed and cancelled at random: each step
 * succeeds once, after all that it waits for and with the argument that the shape says, and nothing is left.
 */
public class WorkflowGraphsTest {
    /** Each step has a number, in a header; its result is the number and its argument. */
    private static final String NUMBER = "number";

    private static final TaskType<Object, Object> STEP = TaskType.of("step", Object.class,
            (argument, run) -> List.of(Integer.parseInt(run.headers().getOrDefault(NUMBER, "")), argument));
    private static final TaskType<List<Object>, List<Object>> CHUNK =
            TaskType.ofList("chunk", Object.class, Object.class, list -> list);

    /** A workflow, the result that it should have, and the steps that are in it. */
    private record Model(Workflow<?> workflow, Object result, Set<Integer> steps) {}

    /** Makes workflows, and knows which step waits for which. */
    private static final class Graphs {
        private final Random random;
        final Map<Integer, Set<Integer>> waitsFor = new HashMap<>();
        /** Tasks of chunks do not know their numbers. */
        final Set<Integer> chunks = new HashSet<>();

        Graphs(Random random) {
            this.random = random;
        }

        private int newStep(Set<Integer> before) {
            int number = waitsFor.size();
            waitsFor.put(number, Set.copyOf(before));
            return number;
        }

        private static SubmitOptions numbered(int number) {
            return SubmitOptions.NONE.header(NUMBER, String.valueOf(number));
        }

        /** @param before the steps that are over before it begins */
        Model any(int depth, Set<Integer> before) {
            Model model = depth == 0 || random.nextInt(4) == 0
                    ? one(before)
                    : random.nextInt(8) == 0 ? chunks(before) : group(depth, before);
            for (int more = random.nextInt(3); more > 0; more--) {
                model = longer(model, depth, before);
            }
            return model;
        }

        private Model one(Set<Integer> before) {
            int number = newStep(before);
            return new Model(Workflow.of(STEP, "a" + number).options(numbered(number)),
                    List.of(number, "a" + number), Set.of(number));
        }

        private Model chunks(Set<Integer> before) {
            List<Object> all = new ArrayList<>();
            for (int i = random.nextInt(6); i > 0; i--) {
                all.add(random.nextInt(10));
            }
            int size = 1 + random.nextInt(3);
            Set<Integer> steps = new HashSet<>();
            Workflow<?> workflow = Workflow.chunks(CHUNK, all, size);
            for (int i = 0; i < workflow.size(); i++) {
                steps.add(newStep(before));
            }
            chunks.addAll(steps);
            return new Model(workflow, all, steps);
        }

        private Model group(int depth, Set<Integer> before) {
            List<Workflow<?>> parts = new ArrayList<>();
            List<Object> results = new ArrayList<>();
            Set<Integer> steps = new HashSet<>();
            for (int i = random.nextInt(5); i > 0; i--) {
                Model part = any(depth - 1, before);
                parts.add(part.workflow);
                results.add(part.result);
                steps.addAll(part.steps);
            }
            return new Model(Workflow.all(parts), results, steps);
        }

        private Model longer(Model model, int depth, Set<Integer> before) {
            Set<Integer> all = new HashSet<>(before);
            all.addAll(model.steps);
            Set<Integer> steps = new HashSet<>(model.steps);
            switch (random.nextInt(4)) {
                case 0 -> {
                    int number = newStep(all);
                    steps.add(number);
                    return new Model(model.workflow.then(STEP).options(numbered(number)),
                            List.of(number, model.result), steps);
                }
                case 1 -> {
                    int number = newStep(all);
                    steps.add(number);
                    return new Model(model.workflow.then(STEP, "own").options(numbered(number)),
                            List.of(number, "own"), steps);
                }
                case 2 -> {
                    Model next = any(Math.max(0, depth - 1), all);
                    steps.addAll(next.steps);
                    return new Model(model.workflow.then(next.workflow), next.result, steps);
                }
                default -> {
                    List<Object> results = new ArrayList<>();
                    Workflow<?> forked = model.workflow.fork(result -> {
                        List<Workflow<?>> branches = new ArrayList<>();
                        for (int i = random.nextInt(4); i > 0; i--) {
                            int number = newStep(all);
                            Model branch = new Model(result.then(STEP).options(numbered(number)),
                                    List.of(number, model.result), Set.of(number));
                            if (random.nextBoolean()) {
                                branch = longer(branch, Math.max(0, depth - 1), all);
                            }
                            branches.add(branch.workflow);
                            results.add(branch.result);
                            steps.addAll(branch.steps);
                        }
                        return branches;
                    });
                    return new Model(forked, results, steps);
                }
            }
        }
    }

    private final VirtualClock clock = VirtualClock.standing(VirtualClock.START);

    /** For subclasses. */
    protected WorkflowGraphsTest() {}

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
     * Returns how many workflows to run with each seed.
     *
     * @return the number
     */
    protected int rounds() {
        return 30;
    }

    private static int number(Claim claim) {
        return Integer.parseInt(claim.task().headers().getOrDefault(NUMBER, "-1"));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void eachStepSucceedsOnceAfterAllThatItWaitsFor(long seed) throws Exception {
        var random = new Random(seed);
        for (int round = 0; round < rounds(); round++) {
            var graphs = new Graphs(random);
            Model model = graphs.any(1 + random.nextInt(3), Set.of());
            try (Broker broker = open(clock); TaskQueue queue = TaskQueue.over(broker)) {
                var worker = new ClaimLoop(broker, STEP, CHUNK);
                WorkflowHandle<?> handle = queue.enqueue(model.workflow);
                assertThat(handle.tasks()).hasSize(model.steps.size());
                assertThat(model.workflow.size()).isEqualTo(model.steps.size());
                TaskFuture<?> future = queue.result(handle);
                Set<Integer> over = new HashSet<>();
                int succeeded = 0;
                List<Claim> lost = new ArrayList<>();
                boolean broke = false;
                while (true) {
                    Claim claim = worker.claim();
                    if (claim == null) {
                        clock.advance(ClaimLoop.LEASE.plusSeconds(1));
                        boolean isMore = broker.upkeep(Upkeep.Limits.USUAL).takenBack() > 0;
                        isMore |= broker.replay(TaskFilter.ALL.root(handle.root()), null) > 0;
                        if (!isMore) {
                            break;
                        }
                        continue;
                    }
                    int number = number(claim);
                    Set<Integer> before = new HashSet<>(graphs.waitsFor.getOrDefault(number, Set.of()));
                    before.removeAll(graphs.chunks);
                    assertThat(over).as("before step %s", number).containsAll(before).doesNotContain(number);
                    int chance = random.nextInt(20);
                    if (chance == 0) {
                        lost.add(claim); // its worker is dead, or only late
                    } else if (chance <= 3) {
                        broker.fail(List.of(new Failure(claim.token(), new ErrorInfo("Broken", "", ""),
                                new Failure.Die(DeadReason.FAILED))));
                        broke = true;
                    } else {
                        worker.run(claim);
                        succeeded++;
                        note(over, number);
                    }
                    if (random.nextInt(10) == 0 && !lost.isEmpty() && random.nextBoolean()) {
                        Claim late = lost.removeFirst();
                        if (broker.complete(List.of(new Completion(late.token(), worker.result(late), Batch.EMPTY)))
                                .getFirst()) {
                            succeeded++;
                            note(over, number(late));
                        }
                    }
                }
                assertThat(succeeded).isEqualTo(model.steps.size());
                assertThat(broker.search(TaskFilter.ALL, 10_000)).extracting(TaskView::state)
                        .hasSize(model.steps.size()).allMatch(TaskState.SUCCEEDED::equals);
                if (!broke) {
                    assertThat(future.get(30, SECONDS)).isEqualTo(model.result);
                }
                assertThat(queue.result(handle).get(30, SECONDS)).as("round %s", round).isEqualTo(model.result);
            }
        }
    }

    private static void note(Set<Integer> over, int number) {
        if (number >= 0) {
            assertThat(over.add(number)).as("step %s has succeeded once", number).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {11, 12, 13, 14})
    void aCancelAtAnyMomentLeavesNothing(long seed) throws Exception {
        var random = new Random(seed);
        for (int round = 0; round < rounds(); round++) {
            Model model = new Graphs(random).any(1 + random.nextInt(3), Set.of());
            try (Broker broker = open(clock); TaskQueue queue = TaskQueue.over(broker)) {
                var worker = new ClaimLoop(broker, STEP, CHUNK);
                TaskFuture<?> future = queue.submit(model.workflow);
                int runs = random.nextInt(model.steps.size() + 1);
                for (int i = 0; i < runs; i++) {
                    Claim claim = worker.claim();
                    if (claim != null) {
                        worker.run(claim);
                    }
                }
                Claim running = worker.claim();
                boolean cancelled = future.cancel(true);
                if (running != null) {
                    if (random.nextBoolean()) {
                        worker.run(running); // succeeds nevertheless
                    } else {
                        broker.fail(List.of(new Failure(running.token(), new ErrorInfo("Stopped", "", ""),
                                new Failure.Cancelled())));
                    }
                }
                assertThat(worker.drain()).as("steps that begin after the cancel").isZero();
                assertThat(broker.search(TaskFilter.ALL, 10_000)).extracting(TaskView::state)
                        .hasSize(model.steps.size())
                        .allMatch(each -> each == TaskState.SUCCEEDED || each == TaskState.CANCELLED);
                if (!cancelled) {
                    assertThat(future.state()).isEqualTo(Future.State.SUCCESS);
                }
            }
        }
    }
}
