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

/** A task that travels: encoded when it was submitted, so that the submitter may change what it captured. */
final class RemoteSubmission<T extends @Nullable Object> extends Submission<T> {
    /** Null once it has run, and will not again. */
    private volatile @Nullable EncodedTask message;
    private final Throwable submittedFrom;
    private final String submitter;
    /** The worker it was handed to; written before that worker's {@code current}. */
    private volatile @Nullable WorkerJvm worker;
    /** Its number there; written before {@link #worker}. */
    private long task;
    /** Only who settles what a dead worker had. */
    private int deaths;

    RemoteSubmission(ProcessPool pool, Callable<T> body, TaskOptions options, EncodedTask message) {
        super(pool, body, options);
        this.message = message;
        submittedFrom = new Throwable();
        submitter = Thread.currentThread().getName();
    }

    /** The same task, as it was when it was submitted, for another attempt. */
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

    /** The worker it was sent to has not begun it, and will not: what it would have given away stays here. */
    void isWithdrawn() {
        EncodedTask unread = message;
        if (unread != null && unread.handover() != null) {
            unread.handover().isTakenBack();
        }
    }

    /** The worker gets it next, under this number. What it gives away is that worker's, unless it {@linkplain #isWithdrawn is withdrawn}. */
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

    /** Counts the workers that died before they had begun it, though it was theirs to begin while they lived. */
    int countDeath() {
        return ++deaths;
    }

    @Override
    protected void takeBackOrStart() {
        WorkerJvm busy = worker;
        if (busy != null) { // written before it was sent
            busy.takeBackOrStart(this);
        }
    }

    @Override
    protected boolean hasRun() {
        WorkerJvm ran = worker;
        return ran != null && ran.hasEnded(this);
    }

    /** Settles it as {@code shutdownNow} does. */
    void cancelNow() {
        settle(null, new CancellationException(), true);
    }

    /** The stack of {@code submit}'s caller, without this library's own frames on top. */
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

    /** Puts the submitter's stack below the one the exception has from the worker, if its own methods let us. */
    void addSubmitterStack(Throwable failure, String ranOn) {
        List<StackTraceElement> joined = new ArrayList<>(Arrays.asList(Throwables.stack(failure)));
        joined.add(new StackTraceElement("[" + ranOn + "]", "submitted by", "thread " + submitter, -1));
        joined.addAll(submitterStack());
        try {
            failure.setStackTrace(joined.toArray(StackTraceElement[]::new));
        } catch (RuntimeException | Error e) {
            // then it has only the one from the worker
        }
    }
}
