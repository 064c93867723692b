package dev.sennit.queue;

import dev.sennit.TaskFuture;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.Enqueued;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TransactionalEnqueue;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The submitters' side of a broker: enqueues tasks, and brings their results as futures.
 *
 * {@snippet :
 * import dev.sennit.TaskFuture;
 * import dev.sennit.queue.*;
 *
 * TaskType<String, Integer> length = TaskType.of("text.length", String.class, String::length);
 * try (TaskQueue queue = TaskQueue.open("memory:lengths");
 *         QueueWorker worker = QueueWorker.builder(queue.broker()).types(length).start()) {
 *     TaskFuture<Integer> letters = queue.submit(length, "sennit");
 *     System.out.println(letters.join()); // 6
 * }
 * }
 *
 * <p><b>{@link #submit} and {@link #enqueue}</b> return when the broker has the task: from then on it is not lost. They
 * throw a {@link BrokerException} otherwise. An answer that was lost is asked for once more, which enqueues nothing
 * twice; {@link BrokerException#isDoubtful} says if it was lost again. {@code enqueue} returns an id, and this program
 * need not live until the task has ended; {@code submit} returns a future, which the broker's push ends.
 *
 * <p><b>A future</b> ends with the result, with {@link TaskFailedException} if the task is dead or has expired, with a
 * {@link java.util.concurrent.CancellationException}, or with an {@link IllegalStateException} if the task has ended
 * and the broker does not keep its result: it was purged. Its {@code cancel} cancels the task in the broker: one that
 * waits never begins, one that runs is stopped, whatever the argument of {@code cancel}. So does a time limit by
 * {@code orTimeout}. A task that is dead and replayed later does not change a future that is done.
 *
 * <p><b>{@link #close}</b> cancels the futures that are open. Their tasks go on.
 *
 * <p>Any number of threads may use a queue.
 */
public final class TaskQueue implements AutoCloseable {
    private static final Duration LEAST_TTL_FOR_FUTURES = Duration.ofMinutes(10);

    private final Broker broker;
    private final boolean closesBroker;
    private final Supplier<Map<String, String>> headers;
    private final PendingTasks pending;

    private TaskQueue(Broker broker, boolean closesBroker, Supplier<Map<String, String>> headers) {
        this.broker = Objects.requireNonNull(broker, "broker");
        this.closesBroker = closesBroker;
        this.headers = headers;
        pending = new PendingTasks(broker);
    }

    /**
     * Opens the queue of a broker.
     *
     * @param uri the address of the broker, such as {@code sqlite:jobs.db}
     * @return the queue; closing it closes the broker
     * @throws IllegalArgumentException if the address is wrong
     * @throws BrokerException if the broker cannot be reached or used
     */
    public static TaskQueue open(String uri) {
        Broker broker = Broker.open(uri);
        try {
            return new TaskQueue(broker, true, Map::of);
        } catch (RuntimeException | Error e) {
            broker.close();
            throw e;
        }
    }

    /**
     * Returns the queue of a broker that is open.
     *
     * @param broker the broker, which the queue does not close
     * @return the queue
     */
    public static TaskQueue over(Broker broker) {
        return new TaskQueue(broker, false, Map::of);
    }

    /**
     * Returns the queue of a broker that is open, whose tasks carry headers of the moment: a trace context, a tenant.
     *
     * @param broker the broker, which the queue does not close
     * @param headers is asked in the submitting thread for each task; what the options say goes before
     * @return the queue
     */
    public static TaskQueue over(Broker broker, Supplier<Map<String, String>> headers) {
        return new TaskQueue(broker, false, Objects.requireNonNull(headers, "headers"));
    }

    /**
     * Returns the broker: to look at tasks, to pause queues, to limit types.
     *
     * @return the broker
     */
    public Broker broker() {
        return broker;
    }

    /**
     * Submits a task with the options of its type.
     *
     * @param type its type
     * @param argument its argument
     * @param <A> the type of the argument
     * @param <R> the type of the result
     * @return the future of its result
     * @throws TaskDataException if the argument cannot be written as JSON
     * @throws BrokerException if the broker has not taken it
     */
    public <A extends @Nullable Object, R extends @Nullable Object> TaskFuture<R> submit(
            TaskType<A, R> type, A argument) {
        return submit(type, argument, SubmitOptions.NONE);
    }

    /**
     * Submits a task. If there is another one with its unique key, the future is that of the other one.
     *
     * @param type its type
     * @param argument its argument
     * @param options how it is to be run
     * @param <A> the type of the argument
     * @param <R> the type of the result
     * @return the future of its result
     * @throws TaskDataException if the argument cannot be written as JSON
     * @throws BrokerException if the broker has not taken it
     */
    public <A extends @Nullable Object, R extends @Nullable Object> TaskFuture<R> submit(
            TaskType<A, R> type, A argument, SubmitOptions options) {
        QueuedTask task = awaited(task(type, argument, options));
        return pending.submit(Batch.of(task), task.id(), type.name(), type::readResult);
    }

    /**
     * Submits a workflow, all of it in one step. The future ends when the last of its tasks has succeeded, or as soon
     * as one of them is dead, has expired or is cancelled. Its {@code cancel} cancels all of them. A workflow that has
     * a {@linkplain SubmitOptions#unique unique key} that another task holds is cancelled as a whole.
     *
     * @param workflow the workflow
     * @param <R> the type of the result
     * @return the future of its result; of a workflow without tasks, it ends at once
     * @throws TaskDataException if an argument cannot be written as JSON
     * @throws BrokerException if the broker has not taken it
     */
    public <R extends @Nullable Object> TaskFuture<R> submit(Workflow<R> workflow) {
        Workflow.Compiled<R> compiled = workflow.compile(this::withHeaders);
        Set<String> ends = Set.copyOf(compiled.ends());
        List<QueuedTask> told = compiled.batch().tasks().stream()
                .map(each -> ends.contains(each.id())
                        ? awaited(each.toBuilder())
                        : each.toBuilder().replyTo(pending.replyTo()).build())
                .toList();
        return pending.submit(new Batch(told, compiled.batch().joins()), WorkflowHandle.of(workflow, compiled), false);
    }

    /**
     * Enqueues a workflow, all of it in one step.
     *
     * @param workflow the workflow
     * @param <R> the type of the result
     * @return the ids of its tasks
     * @throws TaskDataException if an argument cannot be written as JSON
     * @throws BrokerException if the broker has not taken it
     */
    public <R extends @Nullable Object> WorkflowHandle<R> enqueue(Workflow<R> workflow) {
        Workflow.Compiled<R> compiled = workflow.compile(this::withHeaders);
        WorkflowHandle<R> handle = WorkflowHandle.of(workflow, compiled);
        if (compiled.batch().isEmpty()) {
            return handle;
        }
        List<Enqueued> refused =
                PendingTasks.enqueue(broker, compiled.batch()).stream().filter(Enqueued::isDuplicate).toList();
        if (refused.isEmpty()) {
            return handle;
        }
        broker.cancelAll(handle.root());
        return handle.refused();
    }

    /**
     * Enqueues a task.
     *
     * @param type its type
     * @param argument its argument
     * @param <A> the type of the argument
     * @return its id
     * @throws TaskDataException if the argument cannot be written as JSON
     * @throws BrokerException if the broker has not taken it
     */
    public <A extends @Nullable Object> String enqueue(TaskType<A, ?> type, A argument) {
        return enqueue(type, argument, SubmitOptions.NONE);
    }

    /**
     * Enqueues a task.
     *
     * @param type its type
     * @param argument its argument
     * @param options how it is to be run
     * @param <A> the type of the argument
     * @return its id; if there is another one with its unique key, the id of that one
     * @throws TaskDataException if the argument cannot be written as JSON
     * @throws BrokerException if the broker has not taken it
     */
    public <A extends @Nullable Object> String enqueue(TaskType<A, ?> type, A argument, SubmitOptions options) {
        return PendingTasks.enqueue(broker, Batch.of(task(type, argument, options).build())).getFirst().id();
    }

    /**
     * Enqueues a task in a transaction of the caller: it is there if, and only if, that commits.
     *
     * @param connection a connection to the database of the broker, in a transaction
     * @param type its type
     * @param argument its argument
     * @param options how it is to be run
     * @param <A> the type of the argument
     * @return its id; if there is another one with its unique key, the id of that one
     * @throws UnsupportedOperationException if the broker keeps its tasks in no SQL database
     * @throws TaskDataException if the argument cannot be written as JSON
     * @throws BrokerException if the database fails; the caller rolls back
     */
    public <A extends @Nullable Object> String enqueueIn(
            Connection connection, TaskType<A, ?> type, A argument, SubmitOptions options) {
        if (!(broker instanceof TransactionalEnqueue transactional)) {
            throw new UnsupportedOperationException(broker.name() + " has no transactions of its callers");
        }
        return transactional.enqueue(connection, Batch.of(task(type, argument, options).build())).getFirst().id();
    }

    /**
     * Enqueues a task for each argument, all in one step: much faster than one by one.
     *
     * @param type their type
     * @param arguments their arguments
     * @param options how they are to be run
     * @param <A> the type of the arguments
     * @return what became of each task, in order
     * @throws TaskDataException if an argument cannot be written as JSON
     * @throws BrokerException if the broker has not taken them
     */
    public <A extends @Nullable Object> List<Enqueued> enqueueAll(
            TaskType<A, ?> type, Collection<? extends A> arguments, SubmitOptions options) {
        List<QueuedTask> tasks = new ArrayList<>(arguments.size());
        for (A argument : arguments) {
            tasks.add(task(type, argument, options).build());
        }
        return PendingTasks.enqueue(broker, new Batch(tasks, List.of()));
    }

    /**
     * Returns the future of a task that was enqueued, by this program or another one.
     *
     * @param type its type
     * @param id its id
     * @param <R> the type of the result
     * @return the future. If the broker does not know the task, it ends after a few seconds with an
     *     {@link IllegalStateException}: the id is wrong, its transaction was rolled back or is still open, or its
     *     result is not kept any more. A broker without {@link BrokerFeature#SEARCH} - Celery's, RQ's, RabbitMQ's
     *     without a store - cannot know that: there the future stays open, so wait with a limit
     */
    public <R extends @Nullable Object> TaskFuture<R> result(TaskType<?, R> type, String id) {
        return pending.await(id, type.name(), type::readResult);
    }

    /**
     * Returns the future of a workflow that this program has enqueued.
     *
     * @param workflow what {@link #enqueue(Workflow)} has returned
     * @param <R> the type of the result
     * @return the future, as of {@link #submit(Workflow)}
     */
    public <R extends @Nullable Object> TaskFuture<R> result(WorkflowHandle<R> workflow) {
        return pending.submit(Batch.EMPTY, workflow, true);
    }

    /**
     * Cancels all tasks of a workflow that have not ended.
     *
     * @param root the id of the workflow, which is that of its first task: {@link WorkflowHandle#root}
     * @return how many were cancelled or are to stop
     */
    public int cancelAll(String root) {
        return broker.cancelAll(root);
    }

    /**
     * Cancels a task: one that waits never begins, one that runs is stopped.
     *
     * @param id its id
     * @return its state now, see {@link Broker#cancel}
     */
    public @Nullable TaskState cancel(String id) {
        return broker.cancel(id);
    }

    /** Cancels the futures that are open, whose tasks go on, and closes the broker if it was opened here. */
    @Override
    public void close() {
        try {
            pending.detach();
        } finally {
            if (closesBroker) {
                broker.close();
            }
        }
    }

    @Override
    public String toString() {
        return "task queue of " + broker.name();
    }

    private <A extends @Nullable Object> QueuedTask.Builder task(
            TaskType<A, ?> type, A argument, SubmitOptions options) {
        return type.task(argument, withHeaders(options));
    }

    private SubmitOptions withHeaders(SubmitOptions options) {
        SubmitOptions all = options;
        for (var header : headers.get().entrySet()) {
            if (!options.headers().containsKey(header.getKey())) {
                all = all.header(header.getKey(), header.getValue());
            }
        }
        return all;
    }

    /** Has the end of a task told to this object, and kept for long enough to be asked for if that is missed. */
    private QueuedTask awaited(QueuedTask.Builder builder) {
        QueuedTask task = builder.replyTo(pending.replyTo()).build();
        return task.resultTtl().compareTo(LEAST_TTL_FOR_FUTURES) >= 0
                ? task
                : task.toBuilder().resultTtl(LEAST_TTL_FOR_FUTURES).build();
    }
}
