package dev.sennit.queue;

import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.TaskState;
import java.util.Objects;

/** A task of a queue has ended without a result: it is dead or has expired. */
public final class TaskFailedException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** How it has ended. */
    private final transient EndedTask end;

    TaskFailedException(EndedTask end) {
        super(text(end));
        this.end = end;
    }

    /**
     * Returns how the task has ended: its state, the reason, and the last error with its stack trace.
     *
     * @return the end
     */
    public EndedTask end() {
        return end;
    }

    private static String text(EndedTask end) {
        String what = "task " + end.type() + " (" + end.id() + ")";
        if (end.state() == TaskState.EXPIRED) {
            return what + " has expired: no worker began it in time";
        }
        DeadReason reason = Objects.requireNonNullElse(end.reason(), DeadReason.FAILED);
        String why = end.error() == null ? "" : ": " + end.error().text();
        String attempts = end.attempts() == 1 ? "1 attempt" : end.attempts() + " attempts";
        return what + switch (reason) {
            case FAILED -> " has failed after " + attempts + why;
            case CRASHED -> " is given up, as it lost its workers in " + attempts + why;
            case LOST -> " was lost with its worker, and may run once only" + why;
            case TIMED_OUT -> " was ended at its hard limit" + why;
            case UNKNOWN_TYPE -> " is given up, as no worker knows its type" + why;
            case UNREADABLE -> " cannot be read" + why;
        };
    }
}
