package dev.sennit.process;

import dev.sennit.Submission;
import dev.sennit.TaskOptions;
import dev.sennit.codec.EncodedTask;
import dev.sennit.codec.Handover;
import dev.sennit.internal.Throwables;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/**
 * A task for a worker process, encoded when it is submitted, so that the submitter may change captured objects
 * afterwards.
 */
final class RemoteSubmission<T extends @Nullable Object> extends Submission<T> {
    /** Null once the task has run and will not run again. */
    private volatile @Nullable EncodedTask message;
    private final Throwable submittedFrom;
    private final String submitter;
    /** The worker that the task was last assigned to; written before that worker's {@code current}. */
    private volatile @Nullable WorkerJvm worker;
    /** The task's number there; written before {@link #worker}. */
    private long task;
    /** How many workers died before they had begun the task. Only the serving thread of the worker that died. */
    private int deaths;

    RemoteSubmission(ProcessPool pool, Callable<T> body, TaskOptions options, EncodedTask message) {
        super(pool, body, options);
        this.message = message;
        submittedFrom = new Throwable();
        submitter = Thread.currentThread().getName();
    }

    /** Creates another attempt at the same task, from the same message. */
    RemoteSubmission(ProcessPool pool, RemoteSubmission<T> before) {
        super(pool, before.body(), before.options());
        this.message = before.message;
        submittedFrom = before.submittedFrom;
        submitter = before.submitter;
    }

    EncodedTask message() {
        return Objects.requireNonNull(message, "a task that has run is not sent");
    }

    @Override
    protected void released() {
        message = null;
    }

    /**
     * Notes that the worker has not begun the task and will not: objects that move with the message stay in this
     * process.
     */
    void isWithdrawn() {
        EncodedTask unread = message;
        if (unread != null && unread.handover() != null) {
            unread.handover().isTakenBack();
        }
    }

    /**
     * Assigns the task to a worker, before it is sent there. Objects that move with the message belong to the worker
     * from now on, unless the task {@linkplain #isWithdrawn is withdrawn}.
     */
    void assign(WorkerJvm toWorker, long number) {
        Handover given = message().handover();
        if (given != null) {
            given.isSent();
        }
        task = number;
        worker = toWorker;
    }

    @Nullable WorkerJvm worker() {
        return worker;
    }

    long task() {
        return task;
    }

    /** Counts the death of a worker that was alive when the task was sent, and died before it had begun the task. */
    int countDeath() {
        return ++deaths;
    }

    @Override
    protected void takeBackOrStart() {
        WorkerJvm busy = worker;
        if (busy != null) { // never null: written before the state is SENT
            busy.takeBackOrStart(this);
        }
    }

    @Override
    protected @Nullable String sentTo() {
        WorkerJvm busy = worker;
        return busy == null ? null : busy.label();
    }

    @Override
    protected boolean hasRun() {
        WorkerJvm ran = worker;
        return ran != null && ran.hasEnded(this);
    }

    /** Cancels the task and stops its run, as {@code shutdownNow} does. */
    void cancelNow() {
        settle(null, new CancellationException(), true);
    }

    /** Returns the stack of the caller of {@code submit}, without this library's own frames on top. */
    List<StackTraceElement> submitterStack() {
        StackTraceElement[] frames = submittedFrom.getStackTrace();
        int first = 0;
        while (first < frames.length - 1 && isOwn(frames[first].getClassName())) {
            first++;
        }
        return Arrays.asList(frames).subList(first, frames.length);
    }

    private static boolean isOwn(String className) {
        return className.equals("dev.sennit.AbstractPool")
                || className.equals("dev.sennit.Pool")
                || className.equals("dev.sennit.Mapper")
                || className.equals("dev.sennit.Invocations")
                || className.equals("dev.sennit.MapWindow")
                || className.startsWith("dev.sennit.Pipeline")
                || className.equals(ProcessPool.class.getName())
                || className.equals(RemoteSubmission.class.getName());
    }

    /**
     * Appends the submitter's stack to the exception's stack from the worker, if the exception's own methods allow
     * that.
     */
    void addSubmitterStack(Throwable failure, String ranOn) {
        List<StackTraceElement> joined = new ArrayList<>(Arrays.asList(Throwables.stack(failure)));
        joined.add(new StackTraceElement("[" + ranOn + "]", "submitted by", "thread " + submitter, -1));
        joined.addAll(submitterStack());
        try {
            failure.setStackTrace(joined.toArray(StackTraceElement[]::new));
        } catch (RuntimeException | Error e) {
            // then it has only the stack from the worker
        }
    }
}
