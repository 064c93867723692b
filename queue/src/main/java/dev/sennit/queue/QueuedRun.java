package dev.sennit.queue;

import dev.sennit.Task;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.worker.RunFailure;
import dev.sennit.queue.worker.RunFailure.Kind;
import dev.sennit.queue.worker.RunLine;
import java.io.Serializable;
import java.lang.reflect.Type;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One run of a task, as a pool runs it: it travels to a worker process with all that it needs, reads the argument and
 * writes the result there. All that goes wrong comes home as a {@link RunFailure}.
 */
final class QueuedRun implements Task<byte[][]> {
    private static final long serialVersionUID = 1;

    final String id;
    final String type;
    final String root;
    final int attempt;
    final int failures;
    final Instant enqueuedAt;
    final HashMap<String, String> headers;
    final byte @Nullable [] checkpoint;
    final @Nullable Duration softLimit;
    /** The way to the worker; null in another process, which sends messages. */
    final transient @Nullable RunLine line;

    private final byte[] argument;
    /** A class, or a {@link KeptType}. */
    private final Serializable argumentType;

    private final int mostResultBytes;
    private final ContextTaskHandler<@Nullable Object, ?> handler;

    @SuppressWarnings("unchecked") // the argument is of its type
    private QueuedRun(
            TaskType<?, ?> taskType, Claim claim, byte[] argument, int mostResultBytes, @Nullable RunLine line) {
        id = claim.task().id();
        type = taskType.key();
        root = claim.task().root();
        attempt = claim.token().attempt();
        failures = claim.failures();
        enqueuedAt = claim.enqueuedAt();
        headers = new HashMap<>(claim.task().headers());
        checkpoint = claim.checkpoint();
        softLimit = claim.task().softLimit();
        this.line = line;
        this.argument = argument;
        argumentType = (Serializable) KeptType.of(taskType.argumentType());
        this.mostResultBytes = mostResultBytes;
        handler = (ContextTaskHandler<@Nullable Object, ?>) taskType.handler();
    }

    /**
     * Makes a run.
     *
     * @throws RunFailure if the argument cannot be made
     */
    static QueuedRun of(TaskType<?, ?> type, Claim claim, int mostResultBytes, @Nullable RunLine line)
            throws RunFailure {
        try {
            return new QueuedRun(type, claim, Arguments.of(claim), mostResultBytes, line);
        } catch (TaskDataException e) {
            throw RunFailure.of(Kind.UNREADABLE, e, "");
        }
    }

    @Override
    public byte[][] call() throws RunFailure {
        var context = new QueuedContext(this);
        try {
            Object value = read();
            Object result;
            try {
                context.begin();
                result = handler.run(value, context);
            } finally {
                context.end();
            }
            byte[] json = Payloads.write("the result of " + type, result);
            if (json.length > mostResultBytes) {
                throw new TaskDataException("the result of " + type + " has " + json.length + " bytes, more than the"
                        + " limit of " + mostResultBytes + ": keep it elsewhere and return where, or raise the limit by"
                        + " QueueWorker.Builder.mostResultBytes", null);
            }
            return context.outcome(json);
        } catch (RunFailure e) {
            throw e;
        } catch (QueuedContext.GiveBack e) {
            throw context.isWithoutProgress()
                    ? RunFailure.of(Kind.FAILED, e, "without a new checkpoint at its soft limit of "
                            + softLimit + ": ")
                    : RunFailure.of(Kind.GIVEN_BACK, e, "");
        } catch (Throwable e) {
            throw RunFailure.of(Kind.FAILED, e, context.isSoftLimitOver()
                    ? ErrorInfo.AT_SOFT_LIMIT + softLimit + ": "
                    : "");
        }
    }

    private @Nullable Object read() throws RunFailure {
        if (argumentType == Void.class) {
            return null;
        }
        try {
            String what = "the argument of " + type;
            String how = headers.get(QueuedTask.ARGUMENT);
            if (Arguments.MIXED.equals(how) || Arguments.POSITIONAL.equals(how) || Arguments.SINGLE.equals(how)
                    || how == null && headers.containsKey(QueuedTask.FOREIGN)) {
                return Payloads.readCall(what, argument, (Type) argumentType, how);
            }
            return Payloads.read(what, argument, (Type) argumentType);
        } catch (TaskDataException e) {
            throw RunFailure.of(Kind.UNREADABLE, e, "");
        }
    }

    /** Returns what travels on with tasks that the run enqueues. */
    Map<String, String> inherited() {
        Map<String, String> inherited = new HashMap<>(headers);
        inherited.keySet().removeIf(name -> name.startsWith("sennit-"));
        return inherited;
    }
}
