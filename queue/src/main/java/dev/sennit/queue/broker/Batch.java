package dev.sennit.queue.broker;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Tasks that are enqueued in one step: all or, if the broker cannot be reached, none.
 *
 * @param tasks the tasks
 * @param joins the joins that the tasks name
 */
public record Batch(List<QueuedTask> tasks, List<Join> joins) {
    /** No tasks. */
    public static final Batch EMPTY = new Batch(List.of(), List.of());

    /** Copies the lists. */
    public Batch {
        tasks = List.copyOf(tasks);
        joins = List.copyOf(joins);
    }

    /**
     * Returns a batch of tasks that do not wait for each other.
     *
     * @param tasks the tasks
     * @return the batch
     */
    public static Batch of(QueuedTask... tasks) {
        return new Batch(List.of(tasks), List.of());
    }

    /**
     * Returns whether there is nothing to enqueue.
     *
     * @return whether the batch has no task
     */
    public boolean isEmpty() {
        return tasks.isEmpty();
    }

    /**
     * Leaves out the tasks that wait for duplicates, and those that wait for these. A broker calls this once it knows
     * which tasks are duplicates; the other parts of their joins run as parts of nothing.
     *
     * @param outcomes what becomes of each task, in their order; those that are left out become duplicates
     * @param isLeftOut whether each task is left out; duplicates are already
     * @return the ids of the joins that will never be complete
     */
    public Set<String> leaveOutWaiters(Enqueued[] outcomes, boolean[] isLeftOut) {
        Map<String, List<Integer>> waiting = new HashMap<>();
        Deque<Integer> duplicates = new ArrayDeque<>();
        for (int i = 0; i < outcomes.length; i++) {
            String after = tasks.get(i).after();
            if (after != null) {
                waiting.computeIfAbsent(after, _ -> new ArrayList<>()).add(i);
            }
            if (outcomes[i].isDuplicate()) {
                duplicates.add(i);
            }
        }
        Set<String> refused = new HashSet<>();
        for (Integer one = duplicates.poll(); one != null; one = duplicates.poll()) {
            PartOf part = tasks.get(one).part();
            if (part == null || !refused.add(part.join())) {
                continue;
            }
            for (int i : waiting.getOrDefault(part.join(), List.of())) {
                if (!isLeftOut[i]) {
                    outcomes[i] = new Enqueued(outcomes[i].id(), true);
                    isLeftOut[i] = true;
                    duplicates.add(i);
                }
            }
        }
        return refused;
    }

    /**
     * Checks that the tasks and the joins belong together. A broker calls this before it enqueues anything.
     *
     * @throws IllegalArgumentException if a task names a join that is not here, if a join is here twice, if its parts
     *     are not as many as its size or do not have the indexes from 0 on, or if tasks wait for each other in a circle
     */
    public void ensureWhole() {
        Map<String, Join> byId = new HashMap<>();
        Map<String, BitSet> indexes = new HashMap<>();
        for (Join join : joins) {
            if (byId.put(join.id(), join) != null) {
                throw new IllegalArgumentException("the join " + join.id() + " is in the batch twice");
            }
            indexes.put(join.id(), new BitSet());
        }
        for (QueuedTask task : tasks) {
            if (task.after() != null && !byId.containsKey(task.after())) {
                throw new IllegalArgumentException("the join " + task.after() + " is not in the batch");
            }
            PartOf part = task.part();
            if (part == null) {
                continue;
            }
            Join join = byId.get(part.join());
            BitSet taken = indexes.get(part.join());
            if (join == null || taken == null) {
                throw new IllegalArgumentException("the join " + part.join() + " is not in the batch");
            }
            if (part.index() >= join.size() || taken.get(part.index())) {
                throw new IllegalArgumentException("the parts of the join " + join.id() + " must have the indexes 0 to "
                        + (join.size() - 1) + ", had " + part.index()
                        + (part.index() < join.size() ? " twice" : ""));
            }
            taken.set(part.index());
        }
        for (Join join : joins) {
            int parts = indexes.getOrDefault(join.id(), new BitSet()).cardinality();
            if (parts != join.size()) {
                throw new IllegalArgumentException(
                        "the join " + join.id() + " must have " + join.size() + " parts, had " + parts);
            }
        }
        ensureNoCircle();
    }

    /** Lets tasks go that wait for nothing, then those that wait for these, and so on: all have to go. */
    private void ensureNoCircle() {
        Map<String, List<QueuedTask>> waiting = new HashMap<>();
        Map<String, Integer> open = new HashMap<>();
        joins.forEach(join -> open.put(join.id(), join.size()));
        Deque<QueuedTask> free = new ArrayDeque<>();
        for (QueuedTask task : tasks) {
            if (task.after() == null) {
                free.add(task);
            } else {
                waiting.computeIfAbsent(task.after(), _ -> new ArrayList<>()).add(task);
            }
        }
        int gone = 0;
        for (QueuedTask task = free.poll(); task != null; task = free.poll()) {
            gone++;
            if (task.part() != null && open.merge(task.part().join(), -1, Integer::sum) == 0) {
                free.addAll(waiting.getOrDefault(task.part().join(), List.of()));
            }
        }
        if (gone < tasks.size()) {
            throw new IllegalArgumentException("tasks of the batch wait for each other in a circle");
        }
    }
}
