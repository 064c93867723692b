package dev.sennit.loop;

import dev.sennit.internal.Durations;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A snapshot of a loop's coroutines, each under the coroutine that started it.
 *
 * <p>It is meant for people. The coroutines are read one after another while the loop goes on, unless one of its own
 * coroutines takes the snapshot.
 *
 * @param loop the name of the loop
 * @param mechanism how its coroutines take turns
 * @param roots the coroutines that were not started by a living coroutine of the loop, the oldest first
 */
public record CoroutineTree(String loop, EventLoop.Mechanism mechanism, List<Node> roots) {
    /**
     * Creates a tree.
     *
     * @param loop the name of the loop
     * @param mechanism how its coroutines take turns
     * @param roots the roots
     */
    public CoroutineTree {
        roots = List.copyOf(roots);
    }

    /** The state of a coroutine. */
    public enum State {
        /** The coroutine has its turn. */
        RUNNING,
        /** The coroutine waits for its turn. */
        READY,
        /** The coroutine waits for a time to pass. */
        SLEEPING,
        /** The coroutine waits for something else, perhaps for a limited time. */
        WAITING
    }

    /**
     * A coroutine.
     *
     * @param id the {@link Thread#threadId} of its thread
     * @param name the name of its task, or else of its thread
     * @param state its state
     * @param waitsFor what it waits for, as far as can be told; otherwise empty
     * @param age how long ago it was started, or submitted if it has not begun
     * @param startedBy the {@link Thread#threadId} of the thread, which may be a coroutine, that submitted it
     * @param stack the task's frames where it waits or runs, the innermost first; empty if it is ready
     * @param children the coroutines that it has started, the oldest first
     */
    public record Node(
            long id,
            String name,
            State state,
            String waitsFor,
            Duration age,
            long startedBy,
            List<StackTraceElement> stack,
            List<Node> children) {
        /**
         * Creates a node.
         *
         * @param id the id of its thread
         * @param name its name
         * @param state its state
         * @param waitsFor what it waits for
         * @param age how long ago it was started, or submitted if it has not begun
         * @param startedBy the id of the thread that submitted it
         * @param stack where it is
         * @param children the coroutines that it has started
         */
        public Node {
            stack = List.copyOf(stack);
            children = List.copyOf(children);
        }

        private Node with(List<Node> newChildren) {
            return new Node(id, name, state, waitsFor, age, startedBy, stack, newChildren);
        }

        /**
         * Returns the coroutine in one line, without its children.
         *
         * @return name, state, age and place
         */
        @Override
        public String toString() {
            String place = Frames.place(stack);
            return name + "  " + state.name().toLowerCase(java.util.Locale.ROOT)
                    + (waitsFor.isEmpty() ? "" : " for " + waitsFor)
                    + (place.isEmpty() ? "" : " at " + place)
                    + ", " + Durations.text(Duration.ofMillis(age.toMillis())) + " old";
        }
    }

    /**
     * Puts each coroutine below the one that started it. No recursion: a chain of coroutines may be longer than a stack
     * is deep.
     */
    static CoroutineTree of(String loop, EventLoop.Mechanism mechanism, Collection<Node> all) {
        Map<Long, Node> byId = new LinkedHashMap<>();
        all.stream().sorted(java.util.Comparator.comparingLong(Node::id)).forEach(node -> byId.put(node.id(), node));
        Map<Long, List<Node>> children = new LinkedHashMap<>();
        List<Node> roots = new ArrayList<>();
        // The ids of threads only grow: a coroutine is older than those it starts, and so comes after all of them here.
        List<Node> youngestFirst = new ArrayList<>(byId.values()).reversed();
        for (Node node : youngestFirst) {
            List<Node> own = children.remove(node.id());
            Node whole = own == null ? node : node.with(own.reversed());
            if (node.startedBy() < node.id() && byId.containsKey(node.startedBy())) {
                children.computeIfAbsent(node.startedBy(), id -> new ArrayList<>()).add(whole);
            } else {
                roots.add(whole);
            }
        }
        return new CoroutineTree(loop, mechanism, roots.reversed());
    }

    /**
     * Returns the number of coroutines in the tree.
     *
     * @return the count
     */
    public int size() {
        return nodes().size();
    }

    /**
     * Returns all coroutines, each after the one that started it.
     *
     * @return a list
     */
    public List<Node> nodes() {
        List<Node> all = new ArrayList<>();
        walk((node, depth) -> all.add(node));
        return all;
    }

    private interface Visitor {
        void visit(Node node, int depth);
    }

    private void walk(Visitor visitor) {
        record Place(Node node, int depth) {}
        Deque<Place> open = new ArrayDeque<>();
        roots.reversed().forEach(root -> open.push(new Place(root, 1)));
        for (@Nullable Place next = open.poll(); next != null; next = open.poll()) {
            Place here = next;
            visitor.visit(here.node, here.depth);
            here.node.children().reversed().forEach(child -> open.push(new Place(child, here.depth + 1)));
        }
    }

    /**
     * Returns the tree as text.
     *
     * @return a line for the loop and one for each coroutine, indented below the coroutine that started it
     */
    @Override
    public String toString() {
        var text = new StringBuilder(loop).append(": ").append(counted(size()));
        walk((node, depth) -> text.append(System.lineSeparator()).repeat("  ", Math.min(depth, 40)).append(node));
        return text.toString();
    }

    static String counted(int coroutines) {
        return coroutines == 1 ? "1 coroutine" : coroutines + " coroutines";
    }

    /** Returns the tree as text with all frames. */
    String withStacks() {
        var text = new StringBuilder(loop).append(": ").append(counted(size()));
        walk((node, depth) -> {
            String margin = "  ".repeat(Math.min(depth, 40));
            text.append(System.lineSeparator()).append(margin).append(node);
            for (StackTraceElement frame : node.stack()) {
                text.append(System.lineSeparator()).append(margin).append("    at ").append(Frames.text(frame));
            }
        });
        return text.toString();
    }
}
