package dev.sennit.queue;

import dev.sennit.AbstractPool;
import dev.sennit.PoolBuilder;
import dev.sennit.Submission;
import dev.sennit.Task;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.Enqueued;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The futures of tasks that somebody else runs: the kind of pool whose workers are those of a broker. A submission
 * stays QUEUED here until the broker tells that its task has ended.
 *
 * <p><b>Ways in and out.</b> {@link #submit} names the task by a scoped value, as the contract of pools has no place
 * for it; {@link #newSubmission} makes an {@link Awaited} of it, and {@link #dispatch} enqueues it. An awaited task is
 * in {@link #awaited} from before it is enqueued until somebody closes it: that one ends its future. So an end that is
 * told twice, or beside a cancellation, counts once.
 *
 * <p><b>A workflow</b> is one awaited thing with many tasks. It ends when the tasks whose results it needs have
 * succeeded, or as soon as one of its tasks ends otherwise.
 *
 * <p><b>Lost pushes.</b> A push is a hint. {@link #look} asks the broker now and then for what is awaited,
 * and whether it knows the task at all.
 */
final class PendingTasks extends AbstractPool {
    private static final Logger LOG = System.getLogger(PendingTasks.class.getName());
    private static final ScopedValue<Wanted> WANTED = ScopedValue.newInstance();
    /** Pauses between two looks for ends that were not told: while there is something new, and at most. */
    private static final long SHORT_PAUSE_MILLIS = 50;

    private static final long LONG_PAUSE_MILLIS = 2000;
    /** How many ids one look asks for. */
    private static final int LOOK = 500;
    /** How many workflows one look asks for. */
    private static final int LOOK_WORKFLOWS = 50;
    /** For how many tasks one look asks whether they are there at all. */
    private static final int LOOK_LOST = 10;
    /** It asks that when nothing has been new for a while. */
    private static final long LOST_PAUSE_MILLIS = 400;
    /** For how long a task may be unknown that this object has not enqueued: its transaction may be open. */
    private static final long UNKNOWN_NANOS = 3_000_000_000L;

    private final Broker broker;
    private final String replyTo = "client-" + QueuedTask.newId();
    /** By the ids of tasks; each list is replaced, never changed. */
    private final Map<String, List<Awaited<?>>> awaited = new ConcurrentHashMap<>();
    /** Guarded by this. */
    private Broker.@Nullable Subscription subscription;
    /** Guarded by this. Looks while anything is awaited. */
    private @Nullable Thread looker;
    /** Whether tasks go on when their futures are cancelled, as the queue is being closed. */
    private volatile boolean detached;

    /**
     * What {@link #newSubmission} is to make.
     *
     * @param ids the tasks that may end it
     * @param ends those whose results make its own
     * @param root the id of the workflow, or null for a task
     * @param types the types of the tasks, as far as they are known
     */
    private record Wanted(Batch batch, List<String> ids, List<String> ends, Map<String, String> types,
            @Nullable String root, boolean isThere,
            Function<List<byte[]>, ?> reader) {}

    /** A future and the tasks that it stands for. */
    private static final class Awaited<T extends @Nullable Object> extends Submission<T> {
        final Wanted wanted;
        /** Whether nobody ends it yet. */
        private final AtomicBoolean open = new AtomicBoolean(true);
        /** The tasks; another one than was wanted if that was a duplicate. */
        volatile List<String> ids;
        /** Whether the broker has its tasks, or had them. */
        volatile boolean isIn;
        /** When it was not known for the first time, or 0. */
        volatile long unknownSince;
        /** Guarded by this: where the results of tasks belong. */
        private final Map<String, Integer> places = new HashMap<>();
        /** Guarded by this. */
        private final byte[] @Nullable [] results;
        /** Guarded by this. */
        private int missing;

        Awaited(PendingTasks pool, Callable<T> body, TaskOptions options, Wanted wanted) {
            super(pool, body, options);
            this.wanted = wanted;
            ids = wanted.ids;
            results = new byte[wanted.ends.size()][];
            missing = results.length;
            for (int i = 0; i < results.length; i++) {
                places.put(wanted.ends.get(i), i);
            }
        }

        /** Returns whether its result depends on that of a task. */
        synchronized boolean needs(String id) {
            return places.containsKey(id);
        }

        /** Takes the end of one of its tasks; returns whether this is its own end. */
        synchronized boolean takes(EndedTask end) {
            if (end.state() != TaskState.SUCCEEDED) {
                return true;
            }
            Integer place = places.get(end.id());
            if (place == null) {
                return false;
            }
            if (end.result() == null) {
                return true;
            }
            if (results[place] == null) {
                results[place] = end.result();
                missing--;
            }
            return missing == 0;
        }

        synchronized List<byte[]> results() {
            List<byte[]> all = new ArrayList<>(results.length);
            for (byte[] each : results) {
                all.add(Objects.requireNonNull(each, "result"));
            }
            return all;
        }

        synchronized void becomes(String id) {
            places.clear();
            places.put(id, 0);
            ids = List.of(id);
        }

        /** Returns true to one caller, which ends it. */
        boolean close() {
            return open.compareAndSet(true, false);
        }
    }

    private static final class Settings extends PoolBuilder<Settings> {
        Settings() {
            super("queue");
        }

        @Override
        protected Settings self() {
            return this;
        }

        @Override
        protected void planArgument(String count) {
            throw new IllegalArgumentException("a queue is no plan");
        }

        @Override
        public PendingTasks open() {
            throw new UnsupportedOperationException("a queue is opened by its broker");
        }
    }

    PendingTasks(Broker broker) {
        super(new Settings().unasked(false), Integer.MAX_VALUE);
        this.broker = broker;
        opened();
    }

    /** Returns the address of this object, as {@link QueuedTask#replyTo}. */
    String replyTo() {
        return replyTo;
    }

    /**
     * Enqueues a batch.
     *
     * @param id the task of the batch whose end is awaited
     * @param name what the future is called
     * @throws BrokerException if the broker has not taken it
     */
    <R extends @Nullable Object> TaskFuture<R> submit(Batch batch, String id, String name, Function<byte[], R> reader) {
        return submit(one(batch, id, name, false, reader), name);
    }

    /**
     * Enqueues the batch of a workflow, or awaits one that is in the broker.
     *
     * @throws BrokerException if the broker has not taken it
     */
    <R extends @Nullable Object> TaskFuture<R> submit(Batch batch, WorkflowHandle<R> workflow, boolean isThere) {
        List<String> ids = workflow.tasks().stream().map(WorkflowHandle.Task::id).toList();
        Map<String, String> types = new HashMap<>();
        workflow.tasks().forEach(each -> types.put(each.id(), each.type()));
        return submit(new Wanted(batch, ids, workflow.ends(), types, workflow.root(), isThere, workflow.reader()),
                workflow.toString());
    }

    /** Awaits a task that is in the broker. */
    <R extends @Nullable Object> TaskFuture<R> await(String id, String name, Function<byte[], R> reader) {
        return submit(one(Batch.EMPTY, id, name, true, reader), name);
    }

    private static Wanted one(Batch batch, String id, String type, boolean isThere, Function<byte[], ?> reader) {
        return new Wanted(batch, List.of(id), List.of(id), Map.of(id, type), null, isThere,
                results -> reader.apply(results.getFirst()));
    }

    private <R extends @Nullable Object> TaskFuture<R> submit(Wanted wanted, String name) {
        subscribe();
        Task<R> elsewhere = () -> {
            throw new IllegalStateException("the task runs elsewhere");
        };
        TaskFuture<R> future = ScopedValue.where(WANTED, wanted)
                .call(() -> submit(elsewhere, TaskOptions.named(name)));
        if (future.state() == Future.State.FAILED && future.exceptionNow() instanceof BrokerException e) {
            throw e;
        }
        return future;
    }

    @Override
    protected <T extends @Nullable Object> Submission<T> newSubmission(Callable<T> body, TaskOptions options) {
        if (!WANTED.isBound()) {
            throw new UnsupportedOperationException("only tasks with a type can be enqueued: use TaskQueue.submit");
        }
        return new Awaited<>(this, body, options, WANTED.get());
    }

    @Override
    protected void dispatch(Submission<?> submission) {
        Awaited<?> one = (Awaited<?>) submission;
        if (one.wanted.ids.isEmpty()) { // a workflow without tasks
            settle(one, null);
            return;
        }
        add(one);
        Enqueued refused = null;
        try {
            if (one.wanted.isThere) {
                broker.ended(one.wanted.ends).forEach(this::ended); // it may have ended long ago
            } else {
                refused = enqueue(broker, one.wanted.batch).stream().filter(Enqueued::isDuplicate).findFirst()
                        .orElse(null);
            }
        } catch (RuntimeException | Error e) {
            close(one);
            throw e;
        }
        if (refused != null && one.wanted.root != null) {
            one.settle(null, new CancellationException(one.name() + " was refused: task " + refused.id()
                    + " has the unique key of one of its tasks"), true); // forget() cancels the rest
        } else if (refused != null && !one.ids.contains(refused.id())) {
            remove(one);
            one.becomes(refused.id());
            add(one);
            one.isIn = true;
            lookAtOther(refused.id());
        } else {
            one.isIn = !one.wanted.isThere;
        }
        startLooking();
    }

    /**
     * Enqueues a batch. If the answer is lost, once more, as a caller could not: that would make other ids.
     *
     * @throws BrokerException if the broker has not taken it, or its answer was lost again
     */
    static List<Enqueued> enqueue(Broker broker, Batch batch) {
        try {
            return broker.enqueue(batch);
        } catch (BrokerException e) {
            if (!e.isDoubtful()) {
                throw e;
            }
            LOG.log(Level.DEBUG, "enqueues again, as the answer was lost", e);
            try {
                return broker.enqueue(batch);
            } catch (BrokerException again) { // whatever it says, the first try may have been done
                e.addSuppressed(again);
                throw e;
            }
        }
    }

    /** The task that has the unique key of another one may have ended before it was awaited, and long ago. */
    private void lookAtOther(String id) {
        try {
            broker.ended(List.of(id)).forEach(this::ended);
            lookForLost(List.of(id)); // it is in
        } catch (RuntimeException e) {
            LOG.log(Level.DEBUG, "cannot look for the result of " + id, e); // the next look comes
        }
    }

    private void add(Awaited<?> one) {
        for (String id : one.ids) {
            awaited.merge(id, List.of(one), (some, more) -> {
                List<Awaited<?>> all = new ArrayList<>(some);
                all.addAll(more);
                return List.copyOf(all);
            });
        }
    }

    private void remove(Awaited<?> one) {
        for (String id : one.ids) {
            awaited.computeIfPresent(id, (_, some) -> {
                List<Awaited<?>> others = some.stream().filter(each -> each != one).toList();
                return others.isEmpty() ? null : others;
            });
        }
    }

    /** Returns whether it was awaited until now: to one caller. */
    private boolean close(Awaited<?> one) {
        if (!one.close()) {
            return false;
        }
        remove(one);
        return true;
    }

    // ---- ends ----

    private synchronized void subscribe() {
        if (detached) {
            throw new IllegalStateException("the queue of " + broker.name() + " is closed");
        }
        if (subscription == null) {
            subscription = broker.subscribe(new BrokerListener.Interest(Set.of(), replyTo, null),
                    new BrokerListener() {
                        @Override
                        public void ended(EndedTask end) {
                            PendingTasks.this.ended(end);
                        }
                    });
        }
    }

    private void ended(EndedTask end) {
        for (Awaited<?> one : awaited.getOrDefault(end.id(), List.of())) {
            if (one.takes(end) && close(one)) {
                settle(one, end);
            }
        }
    }

    /** Ends the futures of tasks that the broker had and does not know any more, or does not get to know. */
    private void lookForLost(List<String> ids) {
        if (!broker.features().contains(BrokerFeature.SEARCH)) {
            return; // it does not know its tasks by their ids
        }
        for (String id : ids) {
            List<Awaited<?>> some = awaited.getOrDefault(id, List.of());
            if (some.isEmpty()) {
                continue;
            }
            // Those that are being enqueued are no concern: that may end while the broker answers.
            List<Awaited<?>> asked = some.stream().filter(one -> one.isIn || one.wanted.isThere).toList();
            if (asked.isEmpty()) {
                continue;
            }
            if (broker.find(id).isPresent()) {
                some.forEach(one -> one.isIn = true);
                continue;
            }
            for (Awaited<?> one : asked) {
                if ((one.isIn || isUnknown(one)) && close(one)) {
                    apart(() -> fail(one, new IllegalStateException("task " + one.name() + " (" + id + ") "
                            + (one.isIn
                                    ? "has ended, and its result is not kept"
                                    : "is not known to " + broker.name() + ": it was not enqueued there, or its"
                                            + " transaction was rolled back or is open, or its result is not kept any"
                                            + " more"))));
                }
            }
        }
    }

    private static boolean isUnknown(Awaited<?> one) {
        long now = System.nanoTime();
        if (one.unknownSince == 0) {
            one.unknownSince = now == 0 ? 1 : now;
        }
        return now - one.unknownSince >= UNKNOWN_NANOS;
    }

    private static void fail(Awaited<?> one, RuntimeException failure) {
        if (one.start()) {
            one.fail(failure, 0);
            one.ended(0);
        }
    }

    private void settle(Awaited<?> one, @Nullable EndedTask end) {
        apart(() -> end(one, end));
    }

    /** In a thread of its own, as callbacks of futures may block, and the broker tells of more. */
    private static void apart(Runnable end) {
        try {
            Thread.ofVirtual().name("sennit-queue-end").start(end);
        } catch (Throwable e) { // there is no memory for a thread, but nobody else ends the future
            LOG.log(Level.DEBUG, "ends a future without a thread", e);
            end.run();
        }
    }

    private <T extends @Nullable Object> void end(Awaited<T> one, @Nullable EndedTask last) {
        EndedTask end = last == null || last.state() != TaskState.CANCELLED ? named(one, last) : cause(one, last);
        if (end != null && end.state() == TaskState.CANCELLED) {
            one.settle(null, new CancellationException("task " + (one.wanted.root == null ? one.name() : end.type())
                    + " (" + end.id() + ") was cancelled"), true);
            return;
        }
        if (!one.start()) {
            return; // cancelled meanwhile
        }
        try {
            if (end == null || end.state() == TaskState.SUCCEEDED && end.result() != null) {
                @SuppressWarnings("unchecked") // they were given together
                T value = (T) one.wanted.reader.apply(one.results());
                one.succeed(value, 0);
            } else {
                one.fail(new TaskFailedException(end), 0);
            }
        } catch (Throwable e) {
            one.fail(e, 0);
        } finally {
            one.ended(0);
        }
    }

    /** A worker in another language does not say which type a task had, but this one knows it. */
    private static @Nullable EndedTask named(Awaited<?> one, @Nullable EndedTask end) {
        String type = end == null ? null : one.wanted.types.get(end.id());
        return end == null || type == null || !end.type().equals("unknown")
                ? end
                : new EndedTask(end.id(), type, end.queue(), end.root(), end.state(), end.result(), end.reason(),
                        end.error(), end.attempts(), end.endedAt());
    }

    /** A task is also cancelled because one that it waits for has expired: returns the end of that one. */
    private EndedTask cause(Awaited<?> one, EndedTask cancelled) {
        if (one.wanted.root == null || one.ids.size() == 1) {
            return cancelled;
        }
        try {
            return unsuccessful(one.wanted.root, Set.copyOf(one.ids), TaskState.EXPIRED).findFirst().orElse(cancelled);
        } catch (RuntimeException e) {
            LOG.log(Level.DEBUG, "cannot look for what has expired", e);
            return cancelled;
        }
    }

    /** Returns how tasks of a workflow have ended that have not succeeded: some of them, if there are many. */
    private Stream<EndedTask> unsuccessful(String root, Set<String> ids, TaskState... states) {
        List<String> some = broker.search(TaskFilter.ALL.root(root).state(states), LOOK).stream().map(TaskView::id)
                .filter(ids::contains) // error callbacks are of the workflow, too
                .toList();
        return some.isEmpty() ? Stream.empty() : broker.ended(some).stream();
    }

    private synchronized void startLooking() {
        if (looker == null && !detached && !awaited.isEmpty()) {
            looker = Thread.ofVirtual().name("sennit-queue-results").start(this::look);
        }
    }

    private void look() {
        long pause = SHORT_PAUSE_MILLIS;
        int seen = 0;
        String last = "";
        String lastRoot = "";
        int lost = 0;
        while (true) {
            try {
                Thread.sleep(pause);
            } catch (InterruptedException e) {
                return;
            }
            synchronized (this) {
                if (awaited.isEmpty() || detached) {
                    looker = null;
                    return;
                }
            }
            pause = awaited.size() > seen ? SHORT_PAUSE_MILLIS : Math.min(pause * 2, LONG_PAUSE_MILLIS);
            seen = awaited.size();
            String from = last;
            List<String> ids = awaited.entrySet().stream().filter(each -> each.getKey().compareTo(from) > 0)
                    .filter(each -> each.getValue().stream().anyMatch(one -> one.needs(each.getKey())))
                    .map(Map.Entry::getKey).sorted().limit(LOOK).toList();
            last = ids.size() < LOOK ? "" : ids.getLast();
            try {
                broker.ended(ids).forEach(this::ended);
                lastRoot = lookForDead(lastRoot);
                if (!ids.isEmpty() && pause >= LOST_PAUSE_MILLIS) { // some each time, in turn
                    int first = lost % ids.size();
                    lookForLost(ids.subList(first, Math.min(first + LOOK_LOST, ids.size())));
                    lost = first + LOOK_LOST >= ids.size() ? 0 : first + LOOK_LOST;
                }
            } catch (IllegalStateException e) {
                LOG.log(Level.DEBUG, "the broker is closed", e);
                synchronized (this) {
                    looker = null;
                }
                brokerIsClosed();
                return;
            } catch (RuntimeException | Error e) {
                LOG.log(Level.DEBUG, "cannot look for results", e); // the next look comes
            }
        }
    }

    /** Ends all futures, as nobody will tell of their tasks any more. */
    private void brokerIsClosed() {
        for (Submission<?> each : held()) {
            Awaited<?> one = (Awaited<?>) each;
            if (close(one)) {
                one.settle(null, new CancellationException("broker " + broker.name() + " was closed before "
                        + one.name() + " had ended; its task goes on"), true);
            }
        }
    }

    /** Looks for tasks of workflows that did not succeed; returns the last workflow, after which to go on. */
    private String lookForDead(String from) {
        Map<String, Awaited<?>> workflows = new TreeMap<>();
        for (Submission<?> each : held()) {
            Awaited<?> one = (Awaited<?>) each;
            if (one.wanted.root != null && one.wanted.root.compareTo(from) > 0) {
                workflows.put(one.wanted.root, one);
            }
        }
        String last = "";
        int seen = 0;
        for (var each : workflows.entrySet()) {
            if (seen++ == LOOK_WORKFLOWS) {
                return last;
            }
            last = each.getKey();
            unsuccessful(last, Set.copyOf(each.getValue().ids), TaskState.DEAD, TaskState.EXPIRED, TaskState.CANCELLED)
                    .forEach(this::ended);
        }
        return "";
    }

    // ---- cancellation and end ----

    @Override
    protected void forget(Submission<?> submission) {
        Awaited<?> one = (Awaited<?>) submission;
        if (close(one) && !detached && !one.ids.isEmpty()) {
            try {
                if (one.wanted.root == null) {
                    broker.cancel(one.ids.getFirst());
                } else {
                    broker.cancelAll(one.wanted.root);
                }
            } catch (RuntimeException e) {
                LOG.log(Level.WARNING, "task " + one.name() + " (" + one.ids.getFirst()
                        + ") goes on, as it cannot be cancelled: " + e.getMessage());
            }
        }
    }

    /** Ends all futures with a cancellation; their tasks go on. */
    void detach() {
        Broker.Subscription open;
        synchronized (this) {
            detached = true;
            open = subscription;
            subscription = null;
            if (looker != null) {
                looker.interrupt();
                looker = null;
            }
        }
        try {
            if (open != null) {
                open.close();
            }
        } finally {
            shutdownNow();
        }
    }

    @Override
    protected Collection<Submission<?>> held() {
        Set<Submission<?>> all = Collections.newSetFromMap(new IdentityHashMap<>());
        awaited.values().forEach(all::addAll);
        return all;
    }

    @Override
    protected boolean onWorker() {
        return false;
    }

    @Override
    protected void releaseWorkers() {
        workersReleased();
    }

    @Override
    protected int aliveWorkers() {
        return 0;
    }
}
