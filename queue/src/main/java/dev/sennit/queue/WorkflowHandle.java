package dev.sennit.queue;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A workflow that was enqueued: the ids of its tasks.
 *
 * {@snippet :
 * import dev.sennit.TaskFuture;
 * import dev.sennit.queue.*;
 *
 * TaskType<String, Integer> length = TaskType.named("text.length", String.class, Integer.class);
 * TaskType<Integer, Integer> square = TaskType.named("number.square", Integer.class, Integer.class);
 * try (TaskQueue queue = TaskQueue.open("memory:lengths")) {
 *     WorkflowHandle<Integer> handle = queue.enqueue(Workflow.of(length, "sennit").then(square));
 *     System.out.println(handle.tasks().size() + " tasks of workflow " + handle.root());
 *     TaskFuture<Integer> result = queue.result(handle);
 *     queue.cancelAll(handle.root());
 * }
 * }
 *
 * @param <R> the type of the result
 */
public final class WorkflowHandle<R extends @Nullable Object> {
    private final String root;
    private final List<Task> tasks;
    private final List<String> ends;
    private final Function<List<byte[]>, R> reader;
    private final String name;
    private final boolean isRefused;

    private WorkflowHandle(String root, List<Task> tasks, List<String> ends, Function<List<byte[]>, R> reader,
            String name, boolean isRefused) {
        this.root = root;
        this.tasks = tasks;
        this.ends = ends;
        this.reader = reader;
        this.name = name;
        this.isRefused = isRefused;
    }

    /**
     * A task of a workflow.
     *
     * @param id its id
     * @param type the name of its type, as brokers know it
     */
    public record Task(String id, String type) {}

    static <R extends @Nullable Object> WorkflowHandle<R> of(Workflow<R> workflow, Workflow.Compiled<R> compiled) {
        List<Task> tasks = new ArrayList<>(compiled.batch().tasks().size());
        compiled.batch().tasks().forEach(each -> tasks.add(new Task(each.id(), each.type())));
        return new WorkflowHandle<>(compiled.root(), List.copyOf(tasks), compiled.ends(), compiled.reader(),
                workflow.toString(), false);
    }

    WorkflowHandle<R> refused() {
        return new WorkflowHandle<>(root, tasks, ends, reader, name, true);
    }

    /**
     * Returns the id of the workflow.
     *
     * @return the id of its first task; empty if it has none
     */
    public String root() {
        return root;
    }

    /**
     * Returns its tasks, each after those for which it waits. Error callbacks get their ids when they are enqueued.
     *
     * @return the tasks
     */
    public List<Task> tasks() {
        return tasks;
    }

    /**
     * Returns whether it does not run: another task has the {@linkplain SubmitOptions#unique unique key} of one of its
     * tasks. What was enqueued of it has been cancelled.
     *
     * @return whether it was refused
     */
    public boolean isRefused() {
        return isRefused;
    }

    /** Returns the ids of the tasks whose ends make that of the workflow. */
    List<String> ends() {
        return ends;
    }

    /** Returns what makes the result of theirs. */
    Function<List<byte[]>, R> reader() {
        return reader;
    }

    @Override
    public String toString() {
        return name + (root.isEmpty() ? "" : " (" + root + ")");
    }
}
