package dev.sennit.observe;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A run of a task, from its begin until its worker was free again.
 *
 * @param begun its begin
 * @param over the event with which the run was over
 * @param end the end of the task; null if the run was over first, or if the end is not known
 */
record TaskRun(TaskEvent begun, TaskEvent over, @Nullable TaskEvent end) {
    /** Returns {@code succeeded}, {@code failed} or {@code cancelled}, or {@code stopped} if the end is not known. */
    String outcome() {
        return end == null ? "stopped" : end.kind().name().toLowerCase(Locale.ROOT);
    }

    /** Returns how long the run took, measured by its worker, or else by the times of the events. */
    Duration ran() {
        return over.ran().orElseGet(() -> Duration.between(begun.at(), over.at()));
    }

    Optional<String> failure() {
        return end == null ? Optional.empty() : end.failure();
    }

    /**
     * Joins the events of each task to runs. At most {@value #MOST} runs are kept under way; beyond that the oldest is
     * dropped, as its end may have been missed.
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

        /** Adds an event. Returns the run that is over with this event, or null. */
        @Nullable TaskRun add(TaskEvent event) {
            switch (event.kind()) {
                case BEGUN -> {
                    open.put(event.task(), new Open(event));
                    if (open.size() > MOST) {
                        open.pollFirstEntry();
                    }
                }
                case HANDED_BACK -> open.remove(event.task()); // the task has not run
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
                default -> {} // not part of a run
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

        /** Drops all runs that are under way. */
        void clear() {
            open.clear();
        }
    }
}
