package dev.sennit.queue.broker;

import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the tasks of queues: an SQLite file, a database server, memory. Programs use it through {@code TaskQueue} and
 * {@code QueueWorker}; this is what authors of brokers implement.
 *
 * {@snippet :
 * import dev.sennit.queue.broker.*;
 * import java.time.Duration;
 * import java.util.List;
 * import java.util.Set;
 *
 * try (Broker broker = Broker.open("memory:")) {
 *     broker.enqueue(Batch.of(QueuedTask.of("greet", "\"Ada\"".getBytes()).build()));
 *     var request = new ClaimRequest("worker-1", List.of("default"), Set.of("greet"), 1, Duration.ofSeconds(30));
 *     for (Claim claim : broker.claim(request).claims()) {
 *         broker.complete(List.of(new Completion(claim.token(), "\"Hello Ada\"".getBytes(), Batch.EMPTY)));
 *     }
 * }
 * }
 *
 * <p><b>Nothing is lost.</b> Each method is one atomic step: it has happened or, if it throws, it has not, but for an
 * answer that was lost ({@link BrokerException#isDoubtful}); only {@link #replay} and {@link #purge} of many tasks may
 * take several steps, so that leases can be renewed between them. A task that {@link #enqueue} has accepted stays until
 * it has ended. Claim and lease are one step. A task may run more than once, if a worker is lost or too slow for its
 * lease; its {@link Token} then keeps the earlier run from completing it. So it is completed once.
 *
 * <p><b>Time</b> is the broker's: leases, delays, limits and retention go by its clock. The clocks of workers and
 * submitters do not matter, but for what they give as a time of day.
 *
 * <p><b>Order.</b> Of a queue, the task with the greatest priority goes first, then the one that became ready first. A
 * task that was taken back from a lost worker has its old place: it does not wait again behind those that came later.
 * Tasks with a {@link KeyLimit} take turns: of each key at most one is READY, the others wait HELD, in the order of
 * their priority and then of their coming. When it is claimed, the next one of its key becomes READY, behind all that
 * are READY with its priority, if the key has a place left. A task has a place of its key from when it is READY until
 * it ends or waits for a retry; with a limit of 1 also while it waits for a retry, so that the order of the key holds.
 * A task of a key that was given back or taken back is READY at once, even if there is another one then.
 *
 * <p><b>Expired leases</b> are taken back by {@link #upkeep}, which each worker calls again and again; until then, the
 * worker can still renew and complete. A crash counts: after {@link RetryPolicy#crashes} the task is dead with the
 * reason {@link DeadReason#CRASHED}, at once with {@link DeadReason#LOST} if it may run once only. A task that was to
 * stop becomes CANCELLED. {@link Failure.Crashed} does the same for a run whose worker tells of the crash itself.
 *
 * <p><b>What does not succeed</b> - a task that becomes DEAD, CANCELLED or EXPIRED - has its {@link QueuedTask#onDead}
 * enqueued, and is told to its {@link Join} if it is a part, in the same step.
 *
 * <p><b>What cannot be read</b> in the store - a message that is damaged - becomes DEAD with the reason
 * {@link DeadReason#UNREADABLE} when it is claimed; its bytes stay as the payload. It harms no other task.
 *
 * <p>What a broker can do stands in {@link #features}; the conformance suite {@code BrokerContract} asserts what it
 * does, and that it refuses the rest.
 *
 * <table>
 * <caption>What brokers can do</caption>
 * <tr><th>feature</th><th>memory</th><th>sqlite</th><th>postgresql</th><th>redis</th><th>celery+redis</th>
 * <th>rq+redis</th><th>rabbitmq</th></tr>
 * <tr><td>DURABLE</td><td>no</td><td>yes</td><td>yes</td><td>yes</td><td>yes</td><td>yes</td><td>yes</td></tr>
 * <tr><td>SHARED</td><td>no</td><td>processes of one machine</td><td>yes</td><td>yes</td><td>yes</td><td>yes</td>
 * <td>yes</td></tr>
 * <tr><td>IDS</td><td>yes</td><td>yes</td><td>yes</td><td>yes</td><td>yes</td><td>yes</td><td>with a store</td></tr>
 * <tr><td>DELAY</td><td>yes</td><td>yes</td><td>yes</td><td>yes</td><td>yes</td><td>yes</td><td>with a store</td></tr>
 * <tr><td>PRIORITIES</td><td>yes</td><td>yes</td><td>yes</td><td>yes</td><td>with ten steps</td><td>no</td>
 * <td>with a store</td></tr>
 * <tr><td>all others</td><td>yes</td><td>yes</td><td>yes</td><td>yes</td><td>no, but for chains, groups and
 * chords</td><td>no, but for joins without error callbacks</td><td>with a store</td></tr>
 * </table>
 *
 * <p>All methods may be called from any thread, virtual ones too; they may block for input and output, and throw
 * {@link BrokerException} if the store fails, and {@link IllegalStateException} once the broker is closed.
 */
public interface Broker extends AutoCloseable {
    /**
     * Opens a broker by its address. {@link BrokerProvider}s know the schemes; those of the artifacts on the path are
     * found by themselves.
     *
     * @param uri the address, such as {@code sqlite:jobs.db}
     * @return the broker
     * @throws IllegalArgumentException if no provider knows the scheme, or the address is wrong; the message shows no
     *     password
     * @throws BrokerException if the broker cannot be reached or used
     */
    static Broker open(String uri) {
        BrokerUri parsed = BrokerUri.parse(uri);
        ServiceLoader<BrokerProvider> providers = ServiceLoader.load(BrokerProvider.class);
        for (BrokerProvider provider : providers) {
            if (provider.scheme().equals(parsed.scheme())) {
                return provider.open(parsed);
            }
        }
        String known = providers.stream().map(each -> each.get().syntax()).map(each -> each.split("\\[[?&]", 2)[0])
                .distinct().sorted().collect(Collectors.joining(", "));
        throw new IllegalArgumentException("no broker has the scheme " + parsed.scheme() + ": "
                + (parsed.scheme().startsWith("amqp")
                        ? "RabbitMQ's is rabbitmq or, for Celery's queues, celery+" + parsed.scheme() + "; "
                        : "")
                + "there are " + known);
    }

    /**
     * Returns the address, as it may be shown.
     *
     * @return the address without passwords
     */
    String name();

    /**
     * Returns what this broker can do.
     *
     * @return the features
     */
    Set<BrokerFeature> features();

    /**
     * Enqueues tasks, all in one step.
     *
     * <p>A task whose id is there already, or has been within the retention of results, is left out and reported as
     * accepted: so a submitter whose connection broke may try again. A task whose {@link Unique} key is taken is a
     * duplicate, and is not enqueued; tasks that wait for it by a {@link Join} of this batch, or for one that waits for
     * it, are not enqueued either. The other parts of such a join are enqueued, and are parts of nothing.
     *
     * @param batch the tasks
     * @return what became of each task, in their order
     * @throws IllegalArgumentException if the batch is not whole, see {@link Batch#ensureWhole}; nothing is enqueued
     */
    List<Enqueued> enqueue(Batch batch);

    /**
     * Claims tasks that are ready, and gives the worker a lease of each. Does not wait. Tasks of paused queues and
     * types stay; so do those of types that have reached their rate.
     *
     * @param request what the worker can take
     * @return the tasks, in order
     */
    Claimed claim(ClaimRequest request);

    /**
     * Renews leases from now on, and keeps checkpoints and progress.
     *
     * @param renewals the leases
     * @param lease how long they last from now
     * @return the state of each, in their order
     */
    List<LeaseState> extend(List<Renewal> renewals, Duration lease);

    /**
     * Ends tasks with their results: stores the result, ends the lease, takes note of it in the join, enqueues
     * successors, in one step for each task. A task that was to stop and has succeeded nevertheless is SUCCEEDED.
     *
     * @param completions the tasks
     * @return for each, in their order, whether it was accepted; false if the token is old. A completion that is
     *     repeated with the same token within the retention of the result is accepted and changes nothing
     * @throws IllegalArgumentException if the successors of a task are not whole, see {@link Batch#ensureWhole}; no
     *     task is completed
     */
    List<Boolean> complete(List<Completion> completions);

    /**
     * Ends runs without results.
     *
     * @param failures the runs
     * @return for each, in their order, whether it was accepted; false if the token is old
     */
    List<Boolean> fail(List<Failure> failures);

    /**
     * Cancels a task: if it waits, it is CANCELLED; if it runs, its worker is told to stop it.
     *
     * @param id its id
     * @return its state now: CANCELLED; RUNNING if it is to stop; another if it has ended before; null if it is not
     *     known
     */
    @Nullable TaskState cancel(String id);

    /**
     * Cancels all tasks of a workflow that have not ended. The error callbacks that this enqueues stay, although they
     * are of the workflow.
     *
     * @param root the id of its first task
     * @return how many were cancelled or are to stop
     */
    int cancelAll(String root);

    /**
     * Makes dead tasks ready again, with no failures and crashes counted. They go on from their checkpoint, unless they
     * get another argument, and do not expire any more. Another argument also takes the place of the results for which
     * a task has waited: its {@link Claim#inputs} are empty then. One whose unique key another task has taken meanwhile
     * is replayed nevertheless.
     *
     * @param filter which of the dead tasks; its states do not count
     * @param payload another argument for all of them, or null
     * @return how many
     */
    int replay(TaskFilter filter, byte @Nullable [] payload);

    /**
     * Removes tasks that do not run, whatever waits for them is cancelled. Does not run error callbacks, those of the
     * cancelled among them.
     *
     * @param filter which; tasks that run stay
     * @return how many
     */
    int purge(TaskFilter filter);

    /**
     * Lists tasks by their ids, those that have ended and are still kept among them.
     *
     * @param filter which
     * @param most how many at most
     * @return the tasks
     */
    List<TaskView> search(TaskFilter filter, int most);

    /**
     * Looks up a task.
     *
     * @param id its id
     * @return the task, if it is known
     */
    Optional<TaskView> find(String id);

    /**
     * Returns which of some tasks have ended, and how. Dead tasks are among them.
     *
     * @param ids their ids
     * @return those that have ended and are still kept
     */
    List<EndedTask> ended(Collection<String> ids);

    /**
     * Pauses a queue or a task type: its tasks are not claimed until {@link #resume}, also by workers that start later.
     * Tasks that run go on.
     *
     * @param scope which
     */
    void pause(Scope scope);

    /**
     * Ends a pause.
     *
     * @param scope which
     */
    void resume(Scope scope);

    /**
     * Returns what is paused.
     *
     * @return the queues and types
     */
    Set<Scope> paused();

    /**
     * Limits how many tasks of a type begin, over all queues and workers.
     *
     * @param type the name of the type
     * @param rate the limit, or null for none
     */
    void limit(String type, @Nullable Rate rate);

    /**
     * Returns the limits.
     *
     * @return the limits by the names of types
     */
    Map<String, Rate> limits();

    /**
     * Counts the tasks of all queues that have any, or are paused.
     *
     * @return the counts, by queue
     */
    List<QueueCounts> counts();

    /**
     * Returns how long the oldest READY task of some queues has waited. Cheap, unlike {@link #counts}.
     *
     * @param queues the queues
     * @return how long, or empty if none is READY
     */
    Optional<Duration> oldestReady(Collection<String> queues);

    /**
     * Takes back what lost workers had, ends what has expired, and removes what was kept for long enough. Each worker
     * calls this a few times in the time of a lease. A call does a bounded part of the work.
     *
     * @param limits the times to keep to
     * @return what was done
     */
    Upkeep upkeep(Upkeep.Limits limits);

    /**
     * Adds a schedule, or changes the one of its name if that is still paused, or not, and due next, as the caller has
     * read it: so a change takes back no pause and no firing of the same moment. Of one that is there,
     * {@link ScheduleEntry#lastDue} and {@link ScheduleEntry#lastTask} stay as they are.
     *
     * @param entry the schedule, with its next due time
     * @param before the schedule of that name as the caller has read it; null if there was none
     * @return false if it is not so any more: then nothing is changed, and the caller reads it again
     */
    boolean putSchedule(ScheduleEntry entry, @Nullable ScheduleEntry before);

    /**
     * Removes a schedule. Tasks that it has fired stay.
     *
     * @param name its name
     * @return whether there was one
     */
    boolean removeSchedule(String name);

    /**
     * Returns all schedules, by name.
     *
     * @return the schedules
     */
    List<ScheduleEntry> schedules();

    /**
     * Fires a schedule, if it is still as the scheduler has read it.
     *
     * @param firing what to do
     * @return what became of it
     */
    Firing.Outcome fire(Firing firing);

    /**
     * Returns the broker's clock, by which schedules are due.
     *
     * @return now
     */
    Instant now();

    /**
     * Takes note of a worker that lives.
     *
     * @param report what it says
     */
    void report(WorkerReport report);

    /**
     * Forgets a worker that has ended. What it had claimed is not touched.
     *
     * @param worker its id
     */
    void forget(String worker);

    /**
     * Returns the workers that were heard of lately.
     *
     * @return the workers, by their ids
     */
    List<WorkerReport> workers();

    /**
     * Sends a request to workers that listen now. One that starts later does not get it.
     *
     * @param message the request
     */
    void control(ControlMessage message);

    /**
     * Has a listener told what it is interested in, from now on.
     *
     * @param interest what
     * @param listener the listener
     * @return closes the subscription: when {@code close} has returned, the listener is not called any more, unless a
     *     call of it closes it
     */
    Subscription subscribe(BrokerListener.Interest interest, BrokerListener listener);

    /**
     * Keeps events for some time from now. While nobody has asked for events lately, none are kept, so they cost
     * nothing. A broker keeps the last {@value #EVENTS} of them.
     *
     * @param time how long
     */
    void keepEvents(Duration time);

    /**
     * Returns events, the oldest first.
     *
     * @param after the number of the last event that was read; 0 for all that are kept
     * @param most how many at most
     * @return the events; if the first one's number is not {@code after + 1}, those between are lost
     */
    List<BrokerEvent> events(long after, int most);

    /** How many events a broker keeps. */
    int EVENTS = 10_000;

    /** Gives back what this object holds: connections, threads. Tasks stay, but for those of a broker in memory. */
    @Override
    void close();

    /** Has a listener told. */
    interface Subscription extends AutoCloseable {
        @Override
        void close();
    }
}
