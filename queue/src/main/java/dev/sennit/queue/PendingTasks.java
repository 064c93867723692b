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
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.Enqueued;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskState;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The futures of tasks that somebody else runs: the kind of pool whose workers are those of a broker. A submission stays
 * QUEUED here until the broker tells that its task has ended.
 *
 * <p><b>Ways in and out.</b> {@link #submit} names the task by a scoped value, as the contract of pools has no place for
 * it; {@link #newSubmission} makes an {@link Awaited} of it, and {@link #dispatch} enqueues it. An awaited task is in
 * {@link #awaited} from before it is enqueued until somebody removes it: that one ends its future. So an end that is
 * told twice, or beside a cancellation, counts once.
 *
 * <p><b>Lost pushes.</b> A push is a hint. {@link #look} asks the broker now and then for what is awaited.
 */
final class PendingTasks extends AbstractPool {
    private static final Logger LOG = System.getLogger(PendingTasks.class.getName());
    private static final ScopedValue<Wanted> WANTED = ScopedValue.newInstance();
    /** Pauses between two looks for ends that were not told: while there is something new, and at most. */
    private static final long SHORT_PAUSE_MILLIS = 50;

    private static final long LONG_PAUSE_MILLIS = 2000;
    /** How many ids one look asks for. */
    private static final int LOOK = 500;

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

    /** What {@link #newSubmission} is to make. */
    private record Wanted(Batch batch, String id, boolean isThere, Function<byte[], ?> reader) {}

    /** A future and the task that it stands for. */
    private static final class Awaited<T extends @Nullable Object> extends Submission<T> {
        final Wanted wanted;
        /** The task; another one than was wanted if that was a duplicate. Written before it is awaited. */
        volatile String id;

        Awaited(PendingTasks pool, Callable<T> body, TaskOptions options, Wanted wanted) {
            super(pool, body, options);
            this.wanted = wanted;
            id = wanted.id;
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
        return submit(new Wanted(batch, id, false, reader), name);
    }

    /** Awaits a task that is in the broker. */
    <R extends @Nullable Object> TaskFuture<R> await(String id, String name, Function<byte[], R> reader) {
        return submit(new Wanted(Batch.EMPTY, id, true, reader), name);
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
        add(one);
        try {
            if (!one.wanted.isThere) {
                for (Enqueued enqueued : broker.enqueue(one.wanted.batch)) {
                    if (enqueued.isDuplicate() && isOf(one, enqueued)) {
                        moveTo(one, enqueued.id());
                    }
                }
            }
        } catch (RuntimeException | Error e) {
            remove(one);
            throw e;
        }
        startLooking();
    }

    /** Returns whether the task that was refused is the awaited one: that of a batch of one, or else a later one fails. */
    private static boolean isOf(Awaited<?> one, Enqueued duplicate) {
        return one.wanted.batch.tasks().size() == 1 && !duplicate.id().equals(one.id);
    }

    private void moveTo(Awaited<?> one, String id) {
        if (remove(one)) {
            one.id = id;
            add(one);
        }
    }

    private void add(Awaited<?> one) {
        awaited.merge(one.id, List.of(one), (some, more) -> {
            List<Awaited<?>> all = new ArrayList<>(some);
            all.addAll(more);
            return List.copyOf(all);
        });
    }

    /** Returns whether it was awaited until now: to one caller. */
    private boolean remove(Awaited<?> one) {
        boolean[] was = {false};
        awaited.computeIfPresent(one.id, (_, some) -> {
            was[0] = some.contains(one);
            List<Awaited<?>> others = some.stream().filter(each -> each != one).toList();
            return others.isEmpty() ? null : others;
        });
        return was[0];
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
        List<Awaited<?>> ones = awaited.remove(end.id());
        if (ones != null) { // each in a thread of its own, as callbacks of futures may block, and the broker tells of more
            ones.forEach(one -> Thread.ofVirtual().name("sennit-queue-end").start(() -> end(one, end)));
        }
    }

    private <T extends @Nullable Object> void end(Awaited<T> one, EndedTask end) {
        if (end.state() == TaskState.CANCELLED) {
            one.settle(null, new CancellationException("task " + one.name() + " (" + end.id() + ") was cancelled"),
                    true);
            return;
        }
        if (!one.start()) {
            return; // cancelled meanwhile
        }
        try {
            if (end.state() == TaskState.SUCCEEDED && end.result() != null) {
                @SuppressWarnings("unchecked") // they were given together
                T value = (T) one.wanted.reader.apply(end.result());
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

    private synchronized void startLooking() {
        if (looker == null && !detached && !awaited.isEmpty()) {
            looker = Thread.ofVirtual().name("sennit-queue-results").start(this::look);
        }
    }

    private void look() {
        long pause = SHORT_PAUSE_MILLIS;
        int seen = 0;
        String last = "";
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
            List<String> ids = awaited.keySet().stream().filter(id -> id.compareTo(from) > 0).sorted().limit(LOOK)
                    .toList();
            last = ids.size() < LOOK ? "" : ids.getLast();
            try {
                broker.ended(ids).forEach(this::ended);
            } catch (IllegalStateException e) {
                LOG.log(Level.DEBUG, "the broker is closed", e);
                synchronized (this) {
                    looker = null;
                }
                return;
            } catch (RuntimeException e) {
                LOG.log(Level.DEBUG, "cannot look for results", e); // the next look comes
            }
        }
    }

    // ---- cancellation and end ----

    @Override
    protected void forget(Submission<?> submission) {
        Awaited<?> one = (Awaited<?>) submission;
        if (remove(one) && !detached) {
            try {
                broker.cancel(one.id);
            } catch (RuntimeException e) {
                LOG.log(Level.WARNING, "task " + one.name() + " (" + one.id + ") goes on, as it cannot be cancelled: "
                        + e.getMessage());
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
        List<Submission<?>> all = new ArrayList<>();
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
