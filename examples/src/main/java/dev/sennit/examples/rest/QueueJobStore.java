package dev.sennit.examples.rest;

import dev.sennit.queue.SubmitOptions;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.Enqueued;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.broker.Unique;
import dev.sennit.server.rest.IdempotencyKey;
import dev.sennit.server.rest.Job;
import dev.sennit.server.rest.JobProgress;
import dev.sennit.server.rest.JobState;
import dev.sennit.server.rest.JobStore;
import dev.sennit.server.rest.JobSubmission;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Jobs in a durable queue: a client may ask any worker for a job, and a job survives the worker that took it. Which
 * processes run the jobs, and how many wait, is the queue's matter.
 *
 * @param <A> the type of what jobs work on
 * @param <R> the type of their results
 */
public final class QueueJobStore<A, R> implements JobStore<A, R> {
    private static final String FINGERPRINT = "fingerprint";
    private static final long RESULT_SECONDS = 10;

    private final TaskQueue queue;
    private final TaskType<A, R> type;
    private final Duration keep;

    /**
     * Makes a store.
     *
     * @param queue where the jobs are; its broker can search
     * @param type the type of their tasks
     * @param keep how long results and idempotency keys are kept
     */
    public QueueJobStore(TaskQueue queue, TaskType<A, R> type, Duration keep) {
        this.queue = queue;
        this.type = type;
        this.keep = keep;
    }

    @Override
    public JobSubmission submit(A argument, @Nullable IdempotencyKey key) {
        SubmitOptions options = SubmitOptions.NONE.resultTtl(keep);
        if (key != null) {
            options = options.header(FINGERPRINT, key.fingerprint())
                    .unique(new Unique(type.name() + " " + key.key(), Unique.Until.PERIOD_OVER, keep));
        }
        Enqueued enqueued = queue.enqueueAll(type, List.of(argument), options).getFirst();
        if (!enqueued.isDuplicate() || key == null) {
            return new JobSubmission(enqueued.id(), JobSubmission.Outcome.NEW);
        }
        boolean isSame = queue.broker().find(enqueued.id())
                .map(first -> key.fingerprint().equals(first.headers().get(FINGERPRINT)))
                .orElse(true); // it is not kept any more, and nor is its request
        return new JobSubmission(
                enqueued.id(), isSame ? JobSubmission.Outcome.KNOWN : JobSubmission.Outcome.CONFLICT);
    }

    /** A client may name any task of the queue: those of other types are none of its business. */
    private Optional<TaskView> task(String id) {
        return queue.broker().find(id).filter(task -> task.type().equals(type.name()));
    }

    @Override
    public Optional<Job<R>> find(String id) throws Exception {
        Optional<TaskView> task = task(id);
        return task.isPresent() ? Optional.of(job(task.get())) : Optional.empty();
    }

    @Override
    public Optional<Job<R>> cancel(String id) throws Exception {
        if (task(id).isPresent()) {
            queue.cancel(id);
        }
        return find(id);
    }

    private Job<R> job(TaskView task) throws Exception {
        Optional<JobProgress> progress = Optional.ofNullable(task.progress())
                .map(each -> new JobProgress(
                        each.done(),
                        each.total() < 0 ? OptionalLong.empty() : OptionalLong.of(each.total()),
                        each.message()));
        ErrorInfo error = task.error();
        return switch (task.state()) {
            case READY, SCHEDULED, BLOCKED, HELD -> new Job<>(task.id(), JobState.QUEUED, progress, null, null);
            case RUNNING -> new Job<>(task.id(), JobState.RUNNING, progress, null, null);
            case SUCCEEDED -> new Job<>(task.id(), JobState.SUCCEEDED, progress,
                    queue.result(type, task.id()).get(RESULT_SECONDS, TimeUnit.SECONDS), null);
            case CANCELLED -> new Job<>(task.id(), JobState.CANCELLED, progress, null, null);
            case DEAD, EXPIRED -> new Job<>(task.id(), JobState.FAILED, progress, null,
                    error == null ? task.state().toString() : error.text());
        };
    }

    @Override
    public String toString() {
        return "jobs of type " + type.name() + " in " + queue;
    }
}
