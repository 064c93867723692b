package dev.sennit.queue.worker;

import dev.sennit.TimeSource;
import dev.sennit.observe.TaskEvents;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Failure;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.stream.Collectors;

/**
 * Logs runs that have failed: a line each, and the stack trace at {@code DEBUG}. Of many in a second it logs the first
 * ones, and how many others there were. Neither arguments nor headers are logged; messages of exceptions pass the
 * filter of events, {@link TaskEvents#filterNames}.
 */
final class FailureLog {
    private static final Logger LOG = System.getLogger(Worker.class.getName());
    /** How many lines a second there are at most, but for the one that counts the others. */
    static final int MOST_LINES = 10;

    private static final long SECOND = 1_000_000_000L;

    private final String worker;
    private final TimeSource time;
    /** Guarded by this. When the second began in which the lines are. */
    private long begin;
    /** Guarded by this. */
    private int lines;
    /** Guarded by this. How many runs have no line. */
    private long untold;

    FailureLog(String worker, TimeSource time) {
        this.worker = worker;
        this.time = time;
        begin = time.nanoTime();
    }

    /** Logs a run, if it has failed by itself, by its limit, or with its process. */
    void failed(Claim claim, Failure failure) {
        String next = switch (failure.verdict()) {
            case Failure.RetryIn retry -> "; it runs again in " + retry.delay().toMillis() + " ms";
            case Failure.Die dead -> "; the task is dead (" + dead.reason() + ")";
            case Failure.Crashed _ -> "; it counts as lost with its worker";
            case Failure.GiveBack _, Failure.Cancelled _ -> null;
        };
        if (next == null || !LOG.isLoggable(Level.WARNING)) {
            return;
        }
        tellOthers();
        synchronized (this) {
            if (lines == MOST_LINES) {
                untold++;
                return;
            }
            lines++;
        }
        ErrorInfo error = failure.error();
        String task = line(claim.task().type() + " (" + claim.task().id() + ")"); // an id may come from elsewhere
        LOG.log(Level.WARNING, worker + " - " + task + " failed in attempt " + claim.token().attempt() + ": "
                + line(error.text()) + where(error.stack()) + next);
        if (!error.stack().isEmpty()) {
            LOG.log(Level.DEBUG, () -> "where " + task + " failed: " + error.stack().lines()
                    .map(TaskEvents::filtered).collect(Collectors.joining("\n")));
        }
    }

    /** Logs how many had no line, if their second is over. */
    void tellOthers() {
        long others;
        synchronized (this) {
            long now = time.nanoTime();
            if (now - begin < SECOND) {
                return;
            }
            begin = now;
            lines = 0;
            others = untold;
            untold = 0;
        }
        tell(others);
    }

    /** Logs how many had no line, as the worker ends. */
    void end() {
        long others;
        synchronized (this) {
            others = untold;
            untold = 0;
        }
        tell(others);
    }

    private void tell(long others) {
        if (others > 0) {
            LOG.log(Level.WARNING, worker + " - " + others + " more runs failed, which have no lines here: there are "
                    + MOST_LINES + " a second at most");
        }
    }

    /** Returns a text as one line, without secrets. */
    private static String line(String text) {
        return TaskEvents.filtered(text.strip().replaceAll("\\s*\\R\\s*", " / "));
    }

    /** Returns the innermost place of a stack trace, as Java writes it. */
    private static String where(String stack) {
        return stack.lines().map(String::strip).filter(each -> each.startsWith("at ")).findFirst()
                .map(each -> " " + line(each)).orElse("");
    }
}
