package dev.sennit.queue.celery;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.LeaseState;
import dev.sennit.queue.broker.QueueCounts;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Token;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.broker.WorkerReport;
import dev.sennit.queue.foreign.Hearer;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * What differs between Redis and RabbitMQ: how messages wait, are taken and end, where results are, how news come. What
 * the messages say is {@link CeleryBroker}'s, and the same for both.
 */
interface Transport extends AutoCloseable {
    /** What a transport does not know by itself; written once, before it is used. */
    interface Owner {
        /** A request of Celery's remote control has come. */
        void requested(ObjectNode envelope);

        /** Returns what a message is worth as a claim. */
        Held held(Taken taken, String worker);

        /** Returns how a lost run goes on. */
        Ending crashed(Held one, Ending.Kind kind);

        /** Begins an ending. */
        Ending ending(Held one, Ending.Kind kind);

        /** Words what is wrong with a message. */
        String why(RuntimeException error);
    }

    /**
     * A message that was taken for a worker.
     *
     * @param id the id of its task
     * @param attempt the number of the claim
     * @param crashes how often its worker was lost before
     * @param checkpoint what an earlier run has kept last, or nothing
     * @param isRevoked whether it is not to begin
     * @param queue the queue as the worker calls it
     * @param place where it was taken from
     */
    record Taken(String id, int attempt, int crashes, byte[] checkpoint, boolean isRevoked, String queue,
            Place place) {}

    /**
     * A message that some worker has.
     *
     * @param taken the message
     * @param worker the worker
     */
    record Flying(Taken taken, String worker) {}

    /**
     * What a worker gets.
     *
     * @param taken the messages
     * @param due after how many ms there is more, or -1
     */
    record Taking(List<Taken> taken, long due) {}

    /**
     * The lease of a task is to be renewed.
     *
     * @param token the proof
     * @param checkpoint what is kept, or null
     * @param state the state of the task to be stored, or null
     */
    record Extension(Token token, byte @Nullable [] checkpoint, byte @Nullable [] state) {}

    /**
     * What was found of a task that is to be cancelled.
     *
     * @param isRunning whether it runs, and is to stop
     * @param taken the message, if it has waited and was taken to end it
     */
    record Found(boolean isRunning, @Nullable Taken taken) {
        static final Found NOTHING = new Found(false, null);
    }

    /**
     * A task that waits for its time.
     *
     * @param message its message
     * @param due when
     */
    record Scheduled(Message message, Instant due) {}

    /** Begins: other threads may call its owner from now on. */
    void start(Owner owner);

    void ensureOpen();

    boolean isClosed();

    Instant now();

    /** Refuses what this transport cannot send. */
    default void ensureSendable(List<Flow.Sent> sent) {}

    /** Sends the messages of a batch; those whose ids are there are sent once, if that can be known. */
    void enqueue(List<Flow.Sent> sent);

    Taking claim(ClaimRequest request, Workers.Share share);

    /**
     * Ends runs.
     *
     * @param isRepeatable whether it does no harm to do it twice
     * @return for each, 1 if it is done, 0 if the token is old, 2 if the task was to stop and the end says something
     *     else
     */
    List<Integer> end(List<Ending> endings, boolean isRepeatable);

    /** Whether a completion of a token that nobody knows is repeated. */
    boolean isRepeated(Token token);

    /** Keeps a message that cannot be read, and takes it from where it was. */
    void refuse(Taken taken, String why);

    List<LeaseState> extend(List<Extension> extensions, Duration lease);

    /** Returns what another object has taken of a task, or null. */
    @Nullable Flying flying(String id);

    /** Returns the results of tasks, or null for those that have none. */
    List<byte @Nullable []> results(Collection<String> ids);

    /** Looks for a task that is to be cancelled; what is not found is not to begin later. */
    Found cancel(String id, Collection<String> queues);

    /** Returns the ids of tasks of a workflow that wait or run, as far as they can be found. */
    Set<String> idsOf(String root, Collection<String> queues);

    /** Notes that tasks are not to begin. */
    void revoked(Collection<String> ids);

    List<String> revoked();

    /** Notes that a task is to stop; returns the id of its worker, or an empty text. */
    String stop(String id);

    /** Has other objects know of queues. */
    void remember(Collection<String> queues);

    Set<String> knownQueues();

    List<QueueCounts> counts(Collection<String> queues);

    Optional<Duration> oldestReady(Collection<String> queues);

    Upkeep upkeep(Upkeep.Limits limits, Set<String> types, Collection<String> queues);

    List<Scheduled> scheduled();

    // ---- workers ----

    /** Whether reports are kept where all can read them; else workers are asked. */
    default boolean keepsReports() {
        return true;
    }

    void putReport(WorkerReport report, byte[] json);

    void removeReport(String worker);

    /** Forgets what a worker has that has ended. */
    default void forget(String worker) {}

    Map<String, byte[]> reports();

    // ---- news ----

    /** Sends an event; returns how many hear it, as far as is known. */
    long event(String key, ObjectNode envelope);

    /** Sends a request of remote control to all workers. */
    void request(ObjectNode envelope);

    /** Answers one. */
    void reply(String exchange, String key, ObjectNode envelope);

    Broker.Subscription subscribe(BrokerListener.Interest interest, BrokerListener listener);

    /** Has the results of tasks told whose submitter listens here. */
    void expect(Collection<QueuedTask> tasks);

    /** Returns what hears for a worker. */
    @Nullable Hearer hearer(String worker);

    /** Returns the ids of the workers that hear by this object. */
    Set<String> listening();

    @Override
    void close();
}
