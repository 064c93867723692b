package dev.sennit.queue;

import dev.sennit.queue.broker.Batch;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Tasks that belong together: one after another, many at once, and what is done with the results of many. A workflow is
 * a description, which can be enqueued any number of times.
 *
 * {@snippet :
 * import dev.sennit.queue.*;
 * import java.util.List;
 *
 * TaskType<String, Integer> count = TaskType.of("words.count", String.class, text -> text.split(" ").length);
 * TaskType<List<Integer>, Integer> sum = TaskType.ofList("words.sum", Integer.class,
 *         counts -> counts.stream().mapToInt(Integer::intValue).sum());
 *
 * Workflow<Integer> words = Workflow.map(count, List.of("a rose", "is a rose")).then(sum);
 * }
 *
 * <p><b>All of it is enqueued in one step</b>, so all of it can be seen, and nothing of it can be forgotten between two
 * steps: the completion of the last task before a step makes that step ready, within the same change of the broker.
 *
 * <p><b>A step that does not succeed</b> ends the future of the workflow at once, and is named by it. What waits for it
 * goes on waiting; other parts of its group go on. When a dead step is replayed and succeeds, the rest of the workflow
 * follows, though the future has ended. A step that is cancelled, expires or is purged takes all that waits for it
 * along. Whoever wants to be told adds an {@linkplain #onDead(TaskType) error callback}.
 *
 * <p><b>Results</b> of steps travel to the next one as JSON, without passing through the program that has enqueued
 * them.
 *
 * <p>Each step has the options of its type, but for those that {@link #options} adds. A
 * {@linkplain SubmitOptions#unique unique key} belongs to the first step: if that one is refused, nothing of what waits
 * for it is enqueued.
 *
 * <p>Workflows are immutable, and nest in any way. One that occurs twice in another one runs twice.
 *
 * @param <R> the type of the result
 */
public final class Workflow<R extends @Nullable Object> {
    /** One element of a description. */
    sealed interface Node {
        /** Returns the node that comes before it in its chain, or null. */
        @Nullable Node before();
    }

    /** A task; its argument is the result before it, or one of its own. */
    record Step(@Nullable Node before, TaskType<?, ?> type, boolean hasArgument,
            @Nullable Object argument) implements Node {}

    /** Parts that do not wait for each other; their results are a list, or one list of all their lists. */
    record Group(List<Node> parts, boolean isFlat) implements Node {
        @Override
        public @Nullable Node before() {
            return null;
        }
    }

    /** Tasks that wait for those before; the result of these is known as {@code given} in them. */
    record Fork(Node before, Given given, Node next) implements Node {}

    /** Stands for a result. Each is another one. */
    static final class Given implements Node {
        @Override
        public @Nullable Node before() {
            return null;
        }
    }

    /** Options of the element before, or of each step of a group. */
    record Chosen(Node before, SubmitOptions options) implements Node {}

    /** An error callback of all steps before. */
    record Guarded(Node before, TaskType<?, ?> type, boolean hasArgument, @Nullable Object argument,
            boolean isOnce) implements Node {}

    private final Node node;

    private Workflow(Node node) {
        this.node = node;
    }

    /**
     * Returns a workflow of one task.
     *
     * @param type its type
     * @param argument its argument
     * @param <A> the type of the argument
     * @param <R> the type of the result
     * @return the workflow
     */
    public static <A extends @Nullable Object, R extends @Nullable Object> Workflow<R> of(
            TaskType<A, R> type, A argument) {
        return new Workflow<>(new Step(null, Objects.requireNonNull(type, "type"), true, argument));
    }

    /**
     * Returns a group: workflows that do not wait for each other. Its result is the list of their results, in the order
     * in which they are given. A task that follows the group begins when all of them have succeeded; of an empty group,
     * at once.
     *
     * @param parts the workflows
     * @param <R> the type of their results
     * @return the workflow
     * @throws IllegalArgumentException if a part is the result that {@link #fork} hands over, without a step of its own
     */
    public static <R extends @Nullable Object> Workflow<List<R>> all(List<? extends Workflow<? extends R>> parts) {
        return new Workflow<>(group(parts));
    }

    private static Group group(List<? extends Workflow<?>> parts) {
        List<Node> nodes = new ArrayList<>(parts.size());
        for (Workflow<?> part : parts) {
            nodes.add(withSteps(part.node));
        }
        return new Group(List.copyOf(nodes), false);
    }

    /**
     * Returns a group of a task for each argument.
     *
     * @param type the type of the tasks
     * @param arguments the arguments
     * @param <A> the type of the arguments
     * @param <R> the type of the results
     * @return the workflow; its result is the list of results, in the order of the arguments
     */
    public static <A extends @Nullable Object, R extends @Nullable Object> Workflow<List<R>> map(
            TaskType<A, R> type, List<? extends A> arguments) {
        Objects.requireNonNull(type, "type");
        List<Node> steps = new ArrayList<>(arguments.size());
        for (A argument : arguments) {
            steps.add(new Step(null, type, true, argument));
        }
        return new Workflow<>(new Group(List.copyOf(steps), false));
    }

    /**
     * Returns a group of tasks that each take several of the arguments: for work that is too small for a task of its
     * own.
     *
     * @param type the type of the tasks: from a list of arguments to the list of their results
     * @param arguments all arguments
     * @param size how many arguments a task gets, 1 or more; the last one may get fewer
     * @param <A> the type of the arguments
     * @param <R> the type of the results
     * @return the workflow; its result is one list: that of the first task, then that of the second, and so on
     */
    public static <A extends @Nullable Object, R extends @Nullable Object> Workflow<List<R>> chunks(
            TaskType<List<A>, List<R>> type, List<? extends A> arguments, int size) {
        if (size < 1) {
            throw new IllegalArgumentException("size must be >= 1, was " + size);
        }
        Objects.requireNonNull(type, "type");
        List<Node> steps = new ArrayList<>();
        for (int from = 0; from < arguments.size(); from += Math.min(size, arguments.size() - from)) {
            List<A> chunk = new ArrayList<>(arguments.subList(from, from + Math.min(size, arguments.size() - from)));
            steps.add(new Step(null, type, true, chunk));
        }
        return new Workflow<>(new Group(List.copyOf(steps), true));
    }

    /**
     * Adds a task whose argument is the result so far; behind a group, the list of results.
     *
     * @param type its type
     * @param <S> the type of its result
     * @return the workflow with the result of that task
     */
    public <S extends @Nullable Object> Workflow<S> then(TaskType<? super R, S> type) {
        return new Workflow<>(new Step(node, Objects.requireNonNull(type, "type"), false, null));
    }

    /**
     * Adds a task with an argument of its own, which begins when all before it have succeeded.
     *
     * @param type its type
     * @param argument its argument
     * @param <A> the type of its argument
     * @param <S> the type of its result
     * @return the workflow with the result of that task
     */
    public <A extends @Nullable Object, S extends @Nullable Object> Workflow<S> then(
            TaskType<A, S> type, A argument) {
        return new Workflow<>(new Step(node, Objects.requireNonNull(type, "type"), true, argument));
    }

    /**
     * Adds a workflow, which begins when all before it have succeeded, and has arguments of its own.
     *
     * @param next the workflow
     * @param <S> the type of its result
     * @return the workflow with the result of that one
     * @throws IllegalArgumentException if it is the result that {@link #fork} hands over, without a step of its own
     */
    public <S extends @Nullable Object> Workflow<S> then(Workflow<S> next) {
        return new Workflow<>(new Fork(node, new Given(), withSteps(next.node)));
    }

    /**
     * Adds a group whose parts go on from the result so far.
     *
     * {@snippet :
     * import dev.sennit.queue.*;
     * import java.util.List;
     *
     * TaskType<String, String> fetch = TaskType.named("page.fetch", String.class, String.class);
     * TaskType<String, Integer> words = TaskType.named("page.words", String.class, Integer.class);
     * TaskType<String, Integer> links = TaskType.named("page.links", String.class, Integer.class);
     *
     * Workflow<List<Integer>> both = Workflow.of(fetch, "index.html")
     *         .fork(page -> List.of(page.then(words), page.then(links)));
     * }
     *
     * @param branches gets the result so far, as a workflow to add steps to, and returns the parts. It is called once,
     *     here
     * @param <S> the type of the results of the parts
     * @return the workflow with the list of their results
     * @throws IllegalArgumentException if a part has no step of its own
     */
    public <S extends @Nullable Object> Workflow<List<S>> fork(
            Function<? super Workflow<R>, ? extends List<? extends Workflow<? extends S>>> branches) {
        var given = new Given();
        return new Workflow<>(new Fork(node, given, group(branches.apply(new Workflow<>(given)))));
    }

    /**
     * Sets options of the step that was added last; of a group, of each step in it that does not set them itself. A
     * delay and the time to expire count from when the workflow is enqueued, also for a step that waits for others
     * then.
     *
     * @param options the options; what they do not set is as before
     * @return the workflow
     */
    public Workflow<R> options(SubmitOptions options) {
        return new Workflow<>(new Chosen(node, Objects.requireNonNull(options, "options")));
    }

    /**
     * Has a task enqueued for each step so far that does not succeed: that is dead, cancelled or expired. Steps that
     * are added afterwards do not count, nor do steps that wait for ever, as one before them is dead.
     *
     * @param type the type of the task, whose argument says which step it was and why
     * @return the workflow
     */
    public Workflow<R> onDead(TaskType<DeadTask, ?> type) {
        return new Workflow<>(new Guarded(node, Objects.requireNonNull(type, "type"), false, null, false));
    }

    /**
     * Has a task with an argument of its own enqueued for each step so far that does not succeed, see
     * {@link #onDead(TaskType)}. Which step it was and why stands in its {@linkplain RunContext#headers headers}.
     *
     * @param type the type of the task
     * @param argument its argument
     * @param <A> the type of the argument
     * @return the workflow
     */
    public <A extends @Nullable Object> Workflow<R> onDead(TaskType<A, ?> type, A argument) {
        return new Workflow<>(new Guarded(node, Objects.requireNonNull(type, "type"), true, argument, false));
    }

    /**
     * Has one task enqueued, and not one for each, when steps so far do not succeed, see {@link #onDead(TaskType)}: for
     * the first of them. Others follow that one silently for a day.
     *
     * @param type the type of the task, whose argument says which step it was and why
     * @return the workflow
     */
    public Workflow<R> onFirstDead(TaskType<DeadTask, ?> type) {
        return new Workflow<>(new Guarded(node, Objects.requireNonNull(type, "type"), false, null, true));
    }

    /**
     * Returns how many tasks it has, without error callbacks.
     *
     * @return the number
     */
    public int size() {
        return size(node);
    }

    private static int size(Node last) {
        int size = 0;
        for (Node each = last; each != null; each = each.before()) {
            size += switch (each) {
                case Step _ -> 1;
                case Group group -> group.parts.stream().mapToInt(Workflow::size).sum();
                case Fork fork -> size(fork.next);
                case Given _, Chosen _, Guarded _ -> 0;
            };
        }
        return size;
    }

    @Override
    public String toString() {
        int size = size();
        return size == 1 ? "workflow of 1 task" : "workflow of " + size + " tasks";
    }

    /** Returns a node, which must not be a result alone: a task waits for tasks, not for what is there. */
    private static Node withSteps(Node last) {
        Node each = last;
        while (each instanceof Chosen || each instanceof Guarded) {
            each = Objects.requireNonNull(each.before());
        }
        if (each instanceof Given) {
            throw new IllegalArgumentException("the result that fork hands over needs a step: result.then(...)");
        }
        return last;
    }

    /**
     * Makes tasks of this description.
     *
     * @param more adds to the options of each task
     * @throws TaskDataException if an argument cannot be written as JSON
     */
    Compiled<R> compile(UnaryOperator<SubmitOptions> more) {
        return new WorkflowCompiler(more).compile(node);
    }

    /**
     * The tasks of a workflow.
     *
     * @param batch what is to be enqueued
     * @param root the id of its first task; empty if it has no tasks
     * @param ends the ids of the tasks whose results make that of the workflow, or which come before it
     * @param reader makes the result of theirs
     */
    record Compiled<R extends @Nullable Object>(
            Batch batch, String root, List<String> ends, Function<List<byte[]>, R> reader) {}
}
