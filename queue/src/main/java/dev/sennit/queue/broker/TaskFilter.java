package dev.sennit.queue.broker;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Chooses tasks: those for which all that is given here holds.
 *
 * {@snippet :
 * import dev.sennit.queue.broker.*;
 *
 * TaskFilter dead = TaskFilter.ALL.state(TaskState.DEAD).type("thumbs.make").text("OutOfMemory");
 * }
 *
 * @param ids the ids, or empty for any
 * @param states the states, or empty for any
 * @param queue the queue, or null
 * @param type the name of the type, or null
 * @param root the id of the first task of the workflow, or null
 * @param reason why it is dead, or null
 * @param text what the class or message of its last error contains, or its argument; case counts; or null
 * @param after the id after which to go on: tasks are listed by their ids, which grow with time; or null
 */
public record TaskFilter(Set<String> ids, Set<TaskState> states, @Nullable String queue, @Nullable String type,
        @Nullable String root, @Nullable DeadReason reason, @Nullable String text, @Nullable String after) {
    /** All tasks. */
    public static final TaskFilter ALL = new TaskFilter(Set.of(), Set.of(), null, null, null, null, null, null);

    /** Copies the sets. */
    public TaskFilter {
        ids = Set.copyOf(ids);
        states = Set.copyOf(states);
    }

    /**
     * Returns this filter with some ids.
     *
     * @param some the ids
     * @return the filter
     */
    public TaskFilter ids(String... some) {
        return new TaskFilter(Set.of(some), states, queue, type, root, reason, text, after);
    }

    /**
     * Returns this filter with some states.
     *
     * @param some the states
     * @return the filter
     */
    public TaskFilter state(TaskState... some) {
        return new TaskFilter(ids, Set.of(some), queue, type, root, reason, text, after);
    }

    /**
     * Returns this filter with a queue.
     *
     * @param name the queue, or null for any
     * @return the filter
     */
    public TaskFilter queue(@Nullable String name) {
        return new TaskFilter(ids, states, name, type, root, reason, text, after);
    }

    /**
     * Returns this filter with a type.
     *
     * @param name the name of the type, or null for any
     * @return the filter
     */
    public TaskFilter type(@Nullable String name) {
        return new TaskFilter(ids, states, queue, name, root, reason, text, after);
    }

    /**
     * Returns this filter with a workflow.
     *
     * @param id the id of its first task, or null for any
     * @return the filter
     */
    public TaskFilter root(@Nullable String id) {
        return new TaskFilter(ids, states, queue, type, id, reason, text, after);
    }

    /**
     * Returns this filter with a reason.
     *
     * @param why why it is dead, or null for any
     * @return the filter
     */
    public TaskFilter reason(@Nullable DeadReason why) {
        return new TaskFilter(ids, states, queue, type, root, why, text, after);
    }

    /**
     * Returns this filter with a text.
     *
     * @param part what the last error or the argument contains, or null for anything
     * @return the filter
     */
    public TaskFilter text(@Nullable String part) {
        return new TaskFilter(ids, states, queue, type, root, reason, part, after);
    }

    /**
     * Returns this filter for what follows a task.
     *
     * @param id the id of the last task that was listed, or null to begin
     * @return the filter
     */
    public TaskFilter after(@Nullable String id) {
        return new TaskFilter(ids, states, queue, type, root, reason, text, id);
    }
}
