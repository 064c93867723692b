package dev.sennit.observe;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A run of a task, from its begin until its worker was free of it.
 *
 * @param begun its begin
 * @param over the event with which it was over
 * @param end the end of the task; null if the run was over first, or that is not known
 */
record TaskRun(TaskEvent begun, TaskEvent over, @Nullable TaskEvent end) {
    /** Returns {@code succeeded}, {@code failed} or {@code cancelled}, or {@code stopped} if that is not known. */
    String outcome() {
        return end == null ? "stopped" : end.kind().name().toLowerCase(Locale.ROOT);
    }

    /** Returns how long it took, as its worker measured it; or else between the events. */
    Duration ran() {
        return over.ran().orElseGet(() -> Duration.between(begun.at(), over.at()));
    }

    Optional<String> failure() {
        return end == null ? Optional.empty() : end.failure();
    }

    /**
     * Joins the events of each task to its run. At most {@value #MOST} runs are under way; the oldest are forgotten
     * then, as their ends may have been missed.
     */
    static final class Joiner {
        static final int MOST = 65_536;

        private final LinkedHashMap<Long, Open> open = new LinkedHashMap<>();

        private static final class Open {
            final TaskEvent begun;
            /** The task's end, while its run goes on. */
            @Nullable TaskEvent end;

            Open(TaskEvent begun) {
                this.begun = begun;
            }
        }

        /** Returns the run that is over with this event, or null. */
        @Nullable TaskRun add(TaskEvent event) {
            switch (event.kind()) {
                case BEGUN -> {
                    open.put(event.task(), new Open(event));
                    if (open.size() > MOST) {
                        open.pollFirstEntry();
                    }
                }
                case HANDED_BACK -> open.remove(event.task()); // it was no run
                case SUCCEEDED, FAILED, CANCELLED -> {
                    Open one = open.get(event.task());
                    if (one != null && event.ran().isPresent()) {
                        open.remove(event.task());
                        return new TaskRun(one.begun, event, event);
                    }
                    if (one != null) {
                        one.end = event;
                    }
                }
                case RUN_OVER -> {
                    Open one = open.remove(event.task());
                    return one == null ? null : new TaskRun(one.begun, event, one.end);
                }
                default -> {} // no step of a run
            }
            return null;
        }

        /** Returns whether a task runs. */
        boolean runs(long task) {
            return open.containsKey(task);
        }

        /** Returns whether a task has ended while its run goes on. */
        boolean hasEnded(long task) {
            Open one = open.get(task);
            return one != null && one.end != null;
        }

        /** Forgets the runs that are under way. */
        void clear() {
            open.clear();
        }
    }
}
