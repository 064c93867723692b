package dev.sennit.queue.memory;

import dev.sennit.TimeSource;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerEvent;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Claimed;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.ControlMessage;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.Enqueued;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.Firing;
import dev.sennit.queue.broker.LeaseState;
import dev.sennit.queue.broker.QueueCounts;
import dev.sennit.queue.broker.Rate;
import dev.sennit.queue.broker.Renewal;
import dev.sennit.queue.broker.ScheduleEntry;
import dev.sennit.queue.broker.Scope;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.broker.WorkerReport;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A broker that keeps its tasks in memory: for tests, and for programs whose tasks may be lost with them. It can do all
 * but {@link BrokerFeature#DURABLE} and {@link BrokerFeature#SHARED}.
 *
 * {@snippet :
 * import dev.sennit.queue.broker.*;
 * import dev.sennit.queue.memory.MemoryBroker;
 * import dev.sennit.testing.VirtualClock;
 * import java.time.Duration;
 * import java.util.List;
 * import java.util.Set;
 *
 * VirtualClock clock = VirtualClock.standing(VirtualClock.START);
 * try (var broker = new MemoryBroker(clock)) {
 *     When tomorrow = When.after(Duration.ofDays(1));
 *     broker.enqueue(Batch.of(QueuedTask.of("report", "{}".getBytes()).due(tomorrow).build()));
 *     clock.advance(Duration.ofDays(1));
 *     var request = new ClaimRequest("worker-1", List.of("default"), Set.of("report"), 1, Duration.ofSeconds(30));
 *     System.out.println(broker.claim(request).claims().size()); // 1
 * }
 * }
 *
 * <p>The address {@code memory:} opens a broker of its own. {@code memory:NAME} opens one of several broker objects in
 * this JVM that have the same tasks, as {@link #again} does; the tasks are gone when the last of them is closed.
 *
 * <p>Time passes by its {@link TimeSource}: due times, expiry and retention by its time of day; leases and limits by
 * its monotonic time, so that they do not break when the machine's clock is set.
 *
 * <p>A claim and a completion take time in proportion to the logarithm of the number of tasks, and to the number of
 * task types. Nothing happens in the background, but that virtual threads call listeners.
 */
public final class MemoryBroker implements Broker {
    private static final Set<BrokerFeature> FEATURES = Set.copyOf(
            EnumSet.complementOf(EnumSet.of(BrokerFeature.DURABLE, BrokerFeature.SHARED)));

    private final Store store;
    private final Set<Subscription> subscriptions = ConcurrentHashMap.newKeySet();
    /** Written under the lock of the store. */
    private volatile boolean isClosed;

    /** Makes a broker without tasks, with the clocks of this machine. */
    public MemoryBroker() {
        this(TimeSource.system());
    }

    /**
     * Makes a broker without tasks.
     *
     * @param time its clocks
     */
    public MemoryBroker(TimeSource time) {
        this(new Store("", time));
    }

    private MemoryBroker(Store store) {
        this.store = store;
    }

    static MemoryBroker named(String name) {
        return new MemoryBroker(Store.named(name));
    }

    /**
     * Returns another broker object with the same tasks.
     *
     * @return the broker; it has to be closed, too
     */
    public MemoryBroker again() {
        return step(() -> {
            store.open();
            return new MemoryBroker(store);
        });
    }

    private <T> T step(Supplier<T> step) {
        return store.step(() -> {
            if (isClosed) {
                throw new IllegalStateException("the broker " + name() + " is closed");
            }
            return step.get();
        });
    }

    private void stepOf(Runnable step) {
        Boolean _ = step(() -> {
            step.run();
            return true;
        });
    }

    /** Does the same to each, in one step. */
    private <T, R> List<R> each(List<T> all, Function<T, R> step) {
        return step(() -> {
            List<R> results = new ArrayList<>(all.size());
            for (T one : all) {
                results.add(step.apply(one));
            }
            return results;
        });
    }

    @Override
    public String name() {
        return store.name();
    }

    @Override
    public Set<BrokerFeature> features() {
        return FEATURES;
    }

    @Override
    public List<Enqueued> enqueue(Batch batch) {
        batch.ensureWhole();
        return step(() -> store.tasks.enqueue(batch));
    }

    @Override
    public Claimed claim(ClaimRequest request) {
        return step(() -> store.tasks.claim(request));
    }

    @Override
    public List<LeaseState> extend(List<Renewal> renewals, Duration lease) {
        if (!lease.isPositive()) {
            throw new IllegalArgumentException("lease must be > 0, was " + lease);
        }
        return each(renewals, renewal -> store.tasks.extend(renewal, lease));
    }

    @Override
    public List<Boolean> complete(List<Completion> completions) {
        completions.forEach(completion -> completion.successors().ensureWhole());
        return each(completions, completion -> store.tasks.complete(completion));
    }

    @Override
    public List<Boolean> fail(List<Failure> failures) {
        return each(failures, failure -> store.tasks.fail(failure));
    }

    @Override
    public @Nullable TaskState cancel(String id) {
        return step(() -> Optional.ofNullable(store.tasks.cancel(id))).orElse(null);
    }

    @Override
    public int cancelAll(String root) {
        return step(() -> store.tasks.cancelAll(root));
    }

    @Override
    public int replay(TaskFilter filter, byte @Nullable [] payload) {
        return step(() -> store.tasks.replay(filter, payload));
    }

    @Override
    public int purge(TaskFilter filter) {
        return step(() -> store.tasks.purge(filter));
    }

    @Override
    public List<TaskView> search(TaskFilter filter, int most) {
        return step(() -> store.tasks.search(filter, most).stream().map(Entry::toView).toList());
    }

    @Override
    public Optional<TaskView> find(String id) {
        return step(() -> Optional.ofNullable(store.tasks.find(id)).map(Entry::toView));
    }

    @Override
    public List<EndedTask> ended(Collection<String> ids) {
        return step(() -> {
            List<EndedTask> ended = new ArrayList<>();
            for (String id : ids) {
                Entry entry = store.tasks.find(id);
                if (entry != null && entry.state.isEnd()) {
                    ended.add(entry.toEnded());
                }
            }
            return ended;
        });
    }

    @Override
    public void pause(Scope scope) {
        stepOf(() -> store.paused.add(scope));
    }

    @Override
    public void resume(Scope scope) {
        stepOf(() -> {
            if (store.paused.remove(scope)) {
                tellOfWork(scope);
            }
        });
    }

    private void tellOfWork(Scope scope) {
        if (scope.kind() == Scope.Kind.QUEUE) {
            store.listeners.workMayBeReady(scope.name());
        } else {
            store.listeners.workMayBeReady();
        }
    }

    @Override
    public Set<Scope> paused() {
        return step(() -> Set.copyOf(store.paused));
    }

    @Override
    public void limit(String type, @Nullable Rate rate) {
        Objects.requireNonNull(type, "type");
        stepOf(() -> {
            store.rates.set(type, rate);
            tellOfWork(Scope.type(type));
        });
    }

    @Override
    public Map<String, Rate> limits() {
        return step(store.rates::all);
    }

    @Override
    public List<QueueCounts> counts() {
        return step(() -> store.tasks.counts(store.paused));
    }

    @Override
    public Optional<Duration> oldestReady(Collection<String> queues) {
        return step(() -> store.tasks.oldestReady(queues));
    }

    @Override
    public Upkeep upkeep(Upkeep.Limits limits) {
        return step(() -> store.tasks.upkeep(limits));
    }

    @Override
    public boolean putSchedule(ScheduleEntry entry, @Nullable ScheduleEntry before) {
        return step(() -> store.schedules.put(entry, before));
    }

    @Override
    public boolean removeSchedule(String name) {
        return step(() -> store.schedules.remove(name));
    }

    @Override
    public List<ScheduleEntry> schedules() {
        return step(store.schedules::all);
    }

    @Override
    public Firing.Outcome fire(Firing firing) {
        var batch = new Batch(firing.tasks(), List.of());
        batch.ensureWhole();
        return step(() -> {
            ScheduleEntry entry = store.schedules.due(firing);
            if (entry == null) {
                return Firing.Outcome.NOT_DUE;
            }
            Entry last = entry.lastTask() == null ? null : store.tasks.find(entry.lastTask());
            if (firing.unlessUnfinished() && last != null && !last.state.isEnd()) {
                return Firing.Outcome.UNFINISHED;
            }
            List<Enqueued> fired = store.tasks.enqueue(batch);
            store.schedules.fired(entry, firing, fired.isEmpty() ? null : fired.getLast().id());
            return Firing.Outcome.FIRED;
        });
    }

    @Override
    public Instant now() {
        return step(store.time::now);
    }

    @Override
    public void report(WorkerReport report) {
        stepOf(() -> {
            store.workers.put(report.id(), new WorkerReport(report.id(), report.host(), report.pid(), report.state(),
                    report.plan(), report.workers(), report.queues(), report.types(), report.running(),
                    report.succeeded(), report.failed(), report.startedAt(), store.time.now()));
            long now = store.now();
            report.types().forEach(type -> store.typesSeen.put(type, now));
        });
    }

    @Override
    public void forget(String worker) {
        stepOf(() -> store.workers.remove(worker));
    }

    @Override
    public List<WorkerReport> workers() {
        return step(() -> List.copyOf(store.workers.values()));
    }

    @Override
    public void control(ControlMessage message) {
        stepOf(() -> store.listeners.control(message));
    }

    @Override
    public Subscription subscribe(BrokerListener.Interest interest, BrokerListener listener) {
        return step(() -> {
            Listeners.Subscriber subscriber = store.subscribe(interest, listener);
            Subscription subscription = new Subscription() {
                @Override
                public void close() {
                    subscriptions.remove(this);
                    subscriber.close();
                }
            };
            subscriptions.add(subscription);
            return subscription;
        });
    }

    @Override
    public void keepEvents(Duration time) {
        stepOf(() -> store.events.keepUntil(Tasks.later(store.now(), time)));
    }

    @Override
    public List<BrokerEvent> events(long after, int most) {
        return step(() -> store.events.after(after, most));
    }

    @Override
    public void close() {
        subscriptions.forEach(Subscription::close); // first, so that a listener that is called finds the broker open
        boolean closes = store.step(() -> {
            boolean wasOpen = !isClosed;
            isClosed = true;
            return wasOpen;
        });
        if (closes) {
            subscriptions.forEach(Subscription::close);
            store.close();
        }
    }

    @Override
    public String toString() {
        return "MemoryBroker[" + name() + (isClosed ? ", closed" : "") + "]";
    }
}
