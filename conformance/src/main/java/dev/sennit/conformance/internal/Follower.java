package dev.sennit.conformance.internal;

import dev.sennit.TaskTracker;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** A tracker for tests, which follows the tasks of threads that have set {@link #HERE}, and of no others. */
public record Follower() implements TaskTracker<Follower.Followed>, Serializable {
    private static final long serialVersionUID = 1L;

    public static final ThreadLocal<@Nullable Ends> HERE = new ThreadLocal<>();
    /** In the thread that runs a task: its name. */
    public static final ThreadLocal<@Nullable String> RUNS = new ThreadLocal<>();
    /** The end of a task of this name is met with an exception. */
    public static final String THROWS = "throws";

    /** What was told, in the JVM of the submitter. */
    public static final class Ends {
        private final List<Followed> begun = new CopyOnWriteArrayList<>();

        /** Returns how often tasks have ended in each way. */
        public Map<Outcome, Long> outcomes() {
            Map<Outcome, Long> outcomes = new TreeMap<>();
            begun.forEach(one -> one.ends.forEach(end -> outcomes.merge(end.outcome(), 1L, Long::sum)));
            return outcomes;
        }

        /** Returns the ends of all tasks of a name. */
        public List<End> of(String name) {
            return begun.stream().filter(one -> one.name.equals(name)).flatMap(one -> one.ends.stream()).toList();
        }

        /** Returns how many tasks have not ended once. */
        public long wrong() {
            return begun.stream().filter(one -> one.ends.size() != 1).count();
        }
    }

    /** A task. */
    public static final class Followed implements Serializable {
        private static final long serialVersionUID = 1L;
        private final String name;
        private final transient List<End> ends = new CopyOnWriteArrayList<>();

        Followed(String name) {
            this.name = name;
        }
    }

    @Override
    public @Nullable Followed capture() {
        return HERE.get() == null ? null : new Followed("no task");
    }

    @Override
    public @Nullable Followed capture(Submitted task) {
        Ends ends = HERE.get();
        if (ends == null) {
            return null;
        }
        var followed = new Followed(task.name());
        ends.begun.add(followed);
        return followed;
    }

    @Override
    public <T extends @Nullable Object> T around(Followed captured, Callable<T> body) throws Exception {
        String before = RUNS.get();
        RUNS.set(captured.name);
        try {
            return body.call();
        } finally {
            RUNS.set(before);
        }
    }

    @Override
    public void ended(Followed captured, End end) {
        captured.ends.add(end);
        if (captured.name.equals(THROWS)) {
            throw new IllegalStateException(THROWS);
        }
    }

    /** Runs a step whose tasks are followed. */
    public static void follow(Ends ends, Tenant.Step step) throws Exception {
        HERE.set(ends);
        try {
            step.run();
        } finally {
            HERE.remove();
        }
    }
}
