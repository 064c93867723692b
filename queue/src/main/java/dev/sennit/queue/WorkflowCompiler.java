package dev.sennit.queue;

import dev.sennit.queue.Workflow.Chosen;
import dev.sennit.queue.Workflow.Fork;
import dev.sennit.queue.Workflow.Given;
import dev.sennit.queue.Workflow.Group;
import dev.sennit.queue.Workflow.Guarded;
import dev.sennit.queue.Workflow.Node;
import dev.sennit.queue.Workflow.Step;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Join;
import dev.sennit.queue.broker.PartOf;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Unique;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Makes tasks and joins of the description of a workflow.
 *
 * <p><b>Open and joined.</b> What has been made so far of a chain is {@link Open}: tasks whose results make a value of
 * some shape, and that are part of no join yet. The next step makes a join of them and waits for it: they are
 * {@link Joined} then. In a group, the tasks of all parts are open together: so a group in a group needs no join, and
 * the step behind both gets one list of inputs. The shape, as in {@link QueuedTask#ARGUMENT}, says how they make a
 * value.
 *
 * <p><b>Nothing to wait for.</b> An empty group has no tasks. A step behind it has a payload. A chain that ends with
 * one ends with the tasks before it, whose results the shape passes over.
 *
 * <p>Chains are walked by a loop, as they may be long; only groups are walked by recursion.
 */
final class WorkflowCompiler {
    /** What holds for some steps. */
    private record Scope(SubmitOptions options, List<Callback> callbacks, @Nullable String after) {}

    /** An error callback; with a key, it is enqueued once. */
    private record Callback(Guarded guarded, @Nullable String key) {}

    /** An element of a chain, and what was said of it. */
    private record Element(Node node, SubmitOptions options, List<Callback> callbacks) {}

    private sealed interface Made {}

    /** Tasks that are part of no join yet, by their places in {@link #tasks}. */
    private record Open(List<Integer> ends, String shape, Reader reader) implements Made {}

    /** A value that a task can wait for. With a constant there is no input; then {@code join} may be null. */
    private record Joined(@Nullable String join, int inputs, String shape, byte @Nullable [] constant)
            implements Made {}

    /** Makes a value of the next results. */
    @FunctionalInterface
    private interface Reader {
        @Nullable Object read(Iterator<byte[]> results);
    }

    /** See {@link Workflow#onFirstDead}. */
    private static final Duration ONCE_IN = Duration.ofDays(1);
    private static final byte[] NULL = "null".getBytes(StandardCharsets.UTF_8);

    /** Adds to the options of each task. */
    private final UnaryOperator<SubmitOptions> more;
    private final List<QueuedTask.Builder> tasks = new ArrayList<>();
    private final List<String> ids = new ArrayList<>();
    private final List<Join> joins = new ArrayList<>();
    private final Map<Given, Joined> given = new HashMap<>();

    WorkflowCompiler(UnaryOperator<SubmitOptions> more) {
        this.more = more;
    }

    <R extends @Nullable Object> Workflow.Compiled<R> compile(Node last) {
        Made made = chain(last, new Scope(SubmitOptions.NONE, List.of(), null));
        if (!(made instanceof Open open)) {
            throw new IllegalArgumentException("the result that fork hands over is no workflow of its own");
        }
        List<String> ends = open.ends.stream().map(ids::get).toList();
        List<QueuedTask> built = tasks.stream().map(QueuedTask.Builder::build).toList();
        ensureDifferentKeys(built);
        return new Workflow.Compiled<>(new Batch(built, joins), root(), ends,
                results -> cast(open.reader.read(results.iterator())));
    }

    /** All steps are enqueued at once, so the second one with a key would be refused, and the workflow with it. */
    private static void ensureDifferentKeys(List<QueuedTask> built) {
        Set<String> keys = new HashSet<>();
        for (QueuedTask task : built) {
            if (task.unique() != null && !keys.add(task.unique().key())) {
                throw new IllegalArgumentException("two steps of the workflow have the unique key "
                        + task.unique().key() + ": give it to the first step alone");
            }
        }
    }

    @SuppressWarnings({"unchecked", "NullAway"}) // as the type of the workflow says
    private static <R extends @Nullable Object> R cast(@Nullable Object value) {
        return (R) value;
    }

    private String root() {
        return ids.isEmpty() ? "" : ids.getFirst();
    }

    private Made chain(Node last, Scope scope) {
        Made made = null;
        for (Element element : elements(last, scope)) {
            made = switch (element.node) {
                case Step step -> step(step, element, made == null ? start(scope) : joined(made, scope));
                case Group group -> group(group, new Scope(element.options, element.callbacks, scope.after));
                case Fork fork -> fork(fork, element, Objects.requireNonNull(made), scope);
                case Given result -> found(result);
                case Chosen _, Guarded _ -> throw new AssertionError(element);
            };
        }
        return Objects.requireNonNull(made, "made");
    }

    /** Returns the elements of a chain from the first one, with what was said of each behind it. */
    private static Deque<Element> elements(Node last, Scope scope) {
        Deque<Element> elements = new ArrayDeque<>();
        List<Callback> callbacks = scope.callbacks;
        SubmitOptions options = SubmitOptions.NONE;
        for (Node each = last; each != null; each = each.before()) {
            switch (each) {
                case Chosen chosen -> options = options.over(chosen.options()); // what was set later goes before
                case Guarded guarded -> {
                    callbacks = new ArrayList<>(callbacks);
                    callbacks.addFirst(new Callback(guarded, guarded.isOnce() ? QueuedTask.newId() : null));
                }
                default -> {
                    elements.addFirst(new Element(each, options.over(scope.options), callbacks));
                    options = SubmitOptions.NONE;
                }
            }
        }
        return elements;
    }

    private Joined found(Given result) {
        Joined joined = given.get(result);
        if (joined == null) {
            throw new IllegalArgumentException("the result that a fork hands over belongs into the parts of that fork");
        }
        return joined;
    }

    /** What a chain begins with: nothing to get, and perhaps something to wait for. */
    private static Joined start(Scope scope) {
        return new Joined(scope.after, 0, "", NULL);
    }

    /** Makes a join of open tasks, for what follows them. */
    private Joined joined(Made made, Scope scope) {
        return switch (made) {
            case Joined joined -> joined;
            case Open open when open.ends.isEmpty() ->
                new Joined(scope.after, 0, open.shape, new Arguments.Writer(List.of()).write(open.shape));
            case Open open -> {
                String join = QueuedTask.newId();
                for (int i = 0; i < open.ends.size(); i++) {
                    tasks.get(open.ends.get(i)).part(new PartOf(join, i));
                }
                joins.add(new Join(join, open.ends.size(), List.of()));
                yield new Joined(join, open.ends.size(), open.shape, null);
            }
        };
    }

    private Open step(Step step, Element element, Joined before) {
        TaskType<?, ?> type = step.type();
        byte[] payload = NULL;
        String how = null;
        if (step.hasArgument() || before.constant != null) {
            if (!step.hasArgument()) {
                payload = Objects.requireNonNull(before.constant);
            }
            how = before.join == null ? null : Arguments.OWN;
        } else if (!before.shape.equals(Arguments.usualShape(before.inputs))) {
            how = before.shape;
        }
        SubmitOptions options = more.apply(element.options);
        QueuedTask.Builder task = step.hasArgument()
                ? task(type, step.argument(), options, how)
                : task(type, null, options, how).payload(payload);
        String id = QueuedTask.newId();
        ids.add(id);
        task.id(id).root(root()).after(before.join).onDead(callbacks(element.callbacks, type));
        tasks.add(task);
        return new Open(List.of(tasks.size() - 1), ".", results -> type.readResult(results.next()));
    }

    private List<QueuedTask> callbacks(List<Callback> callbacks, TaskType<?, ?> dead) {
        List<QueuedTask> built = new ArrayList<>(callbacks.size());
        for (Callback each : callbacks) {
            Guarded guarded = each.guarded;
            SubmitOptions options = more.apply(SubmitOptions.NONE).header(QueuedTask.DEAD_TYPE, dead.name());
            if (each.key != null) {
                options = options.unique(new Unique("first dead " + each.key, Unique.Until.PERIOD_OVER, ONCE_IN));
            }
            built.add((guarded.hasArgument()
                    ? task(guarded.type(), guarded.argument(), options, null)
                    : task(guarded.type(), null, options, Arguments.DEAD).payload(new byte[0])).root(root()).build());
        }
        return built;
    }

    @SuppressWarnings("unchecked") // the methods of Workflow check that the argument is of the type
    private static QueuedTask.Builder task(TaskType<?, ?> type, @Nullable Object argument, SubmitOptions options,
            @Nullable String how) {
        return ((TaskType<@Nullable Object, ?>) type).task(argument,
                how == null ? options : options.header(QueuedTask.ARGUMENT, how));
    }

    private Open group(Group group, Scope scope) {
        List<Integer> ends = new ArrayList<>();
        List<Reader> readers = new ArrayList<>();
        var shape = new StringBuilder(group.isFlat() ? "+(" : "(");
        int single = 0;
        for (Node part : group.parts()) {
            if (!(chain(part, scope) instanceof Open open)) {
                throw new IllegalArgumentException("the result that fork hands over needs a step: result.then(...)");
            }
            ends.addAll(open.ends);
            readers.add(open.reader);
            if (open.shape.equals(".")) {
                single++;
            } else {
                shape.append(single == 0 ? "" : single).append(open.shape);
                single = 0;
            }
        }
        shape.append(single == 0 && !group.isFlat() ? "" : single).append(')');
        return new Open(ends, shape.toString(), group.isFlat() ? flat(readers) : list(readers));
    }

    private static Reader list(List<Reader> readers) {
        return results -> {
            List<@Nullable Object> list = new ArrayList<>(readers.size());
            readers.forEach(each -> list.add(each.read(results)));
            return list;
        };
    }

    private static Reader flat(List<Reader> readers) {
        return results -> {
            List<@Nullable Object> list = new ArrayList<>();
            for (Reader each : readers) {
                if (!(each.read(results) instanceof List<?> some)) {
                    throw new TaskDataException("the result of a task of chunks is no list", null);
                }
                list.addAll(some);
            }
            return list;
        };
    }

    private Made fork(Fork fork, Element element, Made before, Scope scope) {
        if (before instanceof Open open && !open.ends.isEmpty() && isEmpty(fork.next())) {
            given.put(fork.given(), start(scope)); // nothing takes it
            var next = (Open) chain(fork.next(), scope);
            int passed = open.ends.size();
            return new Open(open.ends, "-" + passed + next.shape, results -> {
                for (int i = 0; i < passed; i++) {
                    results.next();
                }
                return next.reader.read(results);
            });
        }
        Joined joined = joined(before, scope);
        given.put(fork.given(), joined);
        return chain(fork.next(), new Scope(element.options, element.callbacks, joined.join));
    }

    /** Returns whether there are no tasks in it. */
    private static boolean isEmpty(Node last) {
        for (Node each = last; each != null; each = each.before()) {
            boolean isEmpty = switch (each) {
                case Step _ -> false;
                case Group group -> group.parts().stream().allMatch(WorkflowCompiler::isEmpty);
                case Fork fork -> isEmpty(fork.next());
                case Given _, Chosen _, Guarded _ -> true;
            };
            if (!isEmpty) {
                return false;
            }
        }
        return true;
    }
}
