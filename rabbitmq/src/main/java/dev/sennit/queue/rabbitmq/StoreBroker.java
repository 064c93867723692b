package dev.sennit.queue.rabbitmq;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerEvent;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.Claim;
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
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Rate;
import dev.sennit.queue.broker.Renewal;
import dev.sennit.queue.broker.ScheduleEntry;
import dev.sennit.queue.broker.Scope;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.broker.Token;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.broker.WorkerReport;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * RabbitMQ with a store: another broker has the tasks, their leases and their results, and RabbitMQ tells of work.
 *
 * <p>Each method is one step of the store, so nothing has to be kept the same in two places, and what RabbitMQ loses
 * or repeats costs time alone. A bell is rung after the step: for the queues of new tasks, and for all if it is not
 * known which tasks the step has made ready.
 */
final class StoreBroker implements Broker {
    /** What is remembered of a claim, to know whom its end concerns. */
    private record Claiming(String queue, boolean isPart) {}

    private final String name;
    private final Broker store;
    private final Connector connector;
    private final Publisher publisher;
    private final News news;
    private final Map<Token, Claiming> claimings = new ConcurrentHashMap<>();

    StoreBroker(Address address, RabbitmqErrors errors, Connector connector, Broker store) {
        name = address.toString();
        this.store = store;
        this.connector = connector;
        publisher = new Publisher(connector, errors, address.news());
        news = new News(connector, errors, publisher, address, InstantSource.system(), false);
        boolean isOpen = false;
        try {
            publisher.connect();
            isOpen = true;
        } finally {
            if (!isOpen) {
                close();
            }
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Set<BrokerFeature> features() {
        return store.features();
    }

    // ---- tasks ----

    @Override
    public List<Enqueued> enqueue(Batch batch) {
        List<Enqueued> enqueued = store.enqueue(batch);
        ring(batch);
        return enqueued;
    }

    /** Tells of tasks that were enqueued, unless they wait for others. */
    private void ring(Batch batch) {
        Set<String> queues = new HashSet<>();
        for (QueuedTask task : batch.tasks()) {
            if (task.after() == null && queues.add(task.queue())) {
                news.tellOfWork(task.queue());
            }
        }
    }

    @Override
    public Claimed claim(ClaimRequest request) {
        Claimed claimed = store.claim(request);
        for (Claim each : claimed.claims()) {
            claimings.put(each.token(), new Claiming(each.task().queue(), each.task().part() != null));
        }
        return claimed;
    }

    @Override
    public List<LeaseState> extend(List<Renewal> renewals, Duration lease) {
        List<LeaseState> states = store.extend(renewals, lease);
        for (int i = 0; i < renewals.size(); i++) {
            if (states.get(i) == LeaseState.LOST) {
                claimings.remove(renewals.get(i).token());
            }
        }
        return states;
    }

    @Override
    public List<Boolean> complete(List<Completion> completions) {
        List<Boolean> accepted = store.complete(completions);
        Set<String> queues = new HashSet<>();
        boolean isForAll = false;
        for (Completion each : completions) {
            isForAll |= ended(each.token(), queues);
            each.successors().tasks().forEach(task -> queues.add(task.queue()));
        }
        ring(queues, isForAll);
        return accepted;
    }

    @Override
    public List<Boolean> fail(List<Failure> failures) {
        List<Boolean> accepted = store.fail(failures);
        Set<String> queues = new HashSet<>();
        boolean isForAll = false;
        for (Failure each : failures) {
            boolean isToRunAgain =
                    each.verdict() instanceof Failure.RetryIn || each.verdict() instanceof Failure.GiveBack;
            isForAll |= ended(each.token(), queues) || !isToRunAgain; // it may have error callbacks, in any queue
        }
        ring(queues, isForAll);
        return accepted;
    }

    /** Notes the queue of a run that has ended; returns whether tasks of other queues may be ready now. */
    private boolean ended(Token token, Set<String> queues) {
        Claiming claiming = claimings.remove(token);
        if (claiming == null) {
            return false;
        }
        queues.add(claiming.queue); // another task of its key may be ready, or it is itself
        return claiming.isPart;
    }

    private void ring(Set<String> queues, boolean isForAll) {
        if (isForAll) {
            news.tellOfAnyWork();
        } else {
            queues.forEach(news::tellOfWork);
        }
    }

    @Override
    public @Nullable TaskState cancel(String id) {
        TaskState state = store.cancel(id);
        news.tellOfAnyWork(); // an error callback, or the next task of its key
        return state;
    }

    @Override
    public int cancelAll(String root) {
        int count = store.cancelAll(root);
        news.tellOfAnyWork();
        return count;
    }

    @Override
    public int replay(TaskFilter filter, byte @Nullable [] payload) {
        int count = store.replay(filter, payload);
        news.tellOfAnyWork();
        return count;
    }

    @Override
    public int purge(TaskFilter filter) {
        int count = store.purge(filter);
        news.tellOfAnyWork();
        return count;
    }

    @Override
    public List<TaskView> search(TaskFilter filter, int most) {
        return store.search(filter, most);
    }

    @Override
    public Optional<TaskView> find(String id) {
        return store.find(id);
    }

    @Override
    public List<EndedTask> ended(Collection<String> ids) {
        return store.ended(ids);
    }

    @Override
    public Upkeep upkeep(Upkeep.Limits limits) {
        Upkeep done = store.upkeep(limits);
        if (done.takenBack() + done.crashed() + done.expired() + done.unknown() > 0) {
            news.tellOfAnyWork();
        }
        return done;
    }

    // ---- settings ----

    @Override
    public void pause(Scope scope) {
        store.pause(scope);
    }

    @Override
    public void resume(Scope scope) {
        store.resume(scope);
        news.tellOfAnyWork();
    }

    @Override
    public Set<Scope> paused() {
        return store.paused();
    }

    @Override
    public void limit(String type, @Nullable Rate rate) {
        store.limit(type, rate);
        news.tellOfAnyWork();
    }

    @Override
    public Map<String, Rate> limits() {
        return store.limits();
    }

    @Override
    public List<QueueCounts> counts() {
        return store.counts();
    }

    @Override
    public Optional<Duration> oldestReady(Collection<String> queues) {
        return store.oldestReady(queues);
    }

    @Override
    public boolean putSchedule(ScheduleEntry entry, @Nullable ScheduleEntry before) {
        return store.putSchedule(entry, before);
    }

    @Override
    public boolean removeSchedule(String schedule) {
        return store.removeSchedule(schedule);
    }

    @Override
    public List<ScheduleEntry> schedules() {
        return store.schedules();
    }

    @Override
    public Firing.Outcome fire(Firing firing) {
        Firing.Outcome outcome = store.fire(firing);
        ring(new Batch(firing.tasks(), List.of()));
        return outcome;
    }

    @Override
    public Instant now() {
        return store.now();
    }

    // ---- workers and listeners ----

    @Override
    public void report(WorkerReport report) {
        store.report(report);
    }

    @Override
    public void forget(String worker) {
        store.forget(worker);
    }

    @Override
    public List<WorkerReport> workers() {
        return store.workers();
    }

    @Override
    public void control(ControlMessage message) {
        store.control(message);
    }

    /** The store tells what it tells anyway; RabbitMQ tells of work, also where the store does not. */
    @Override
    public Subscription subscribe(BrokerListener.Interest interest, BrokerListener listener) {
        if (interest.queues().isEmpty()) {
            return store.subscribe(interest, listener);
        }
        var alone = new Alone(listener);
        alone.listensTo(store.subscribe(interest, alone));
        try {
            alone.listensTo(news.listen(new BrokerListener.Interest(interest.queues(), null, null), alone));
        } catch (RuntimeException | Error e) {
            alone.close();
            throw e;
        }
        return alone;
    }

    /** Passes the calls of two subscriptions on to a listener, one at a time. */
    private static final class Alone implements BrokerListener, Subscription {
        private final BrokerListener listener;
        private final ReentrantLock turn = new ReentrantLock();
        private final List<Subscription> subscriptions = new CopyOnWriteArrayList<>();
        private volatile boolean isClosed;

        Alone(BrokerListener listener) {
            this.listener = listener;
        }

        void listensTo(Subscription subscription) {
            subscriptions.add(subscription);
        }

        @Override
        public void close() {
            isClosed = true;
            if (turn.isHeldByCurrentThread()) { // each waits for its caller, which may wait for this call
                Thread.ofVirtual().start(() -> subscriptions.forEach(Subscription::close));
                return;
            }
            turn.lock(); // a call that runs comes to its end
            turn.unlock();
            subscriptions.forEach(Subscription::close);
        }

        private void call(Runnable call) {
            turn.lock();
            try {
                if (!isClosed) {
                    call.run();
                }
            } finally {
                turn.unlock();
            }
        }

        @Override
        public void workMayBeReady() {
            call(listener::workMayBeReady);
        }

        @Override
        public void ended(EndedTask end) {
            call(() -> listener.ended(end));
        }

        @Override
        public void cancelRequested(String id) {
            call(() -> listener.cancelRequested(id));
        }

        @Override
        public void control(ControlMessage message) {
            call(() -> listener.control(message));
        }
    }

    @Override
    public void keepEvents(Duration time) {
        store.keepEvents(time);
    }

    @Override
    public List<BrokerEvent> events(long after, int most) {
        return store.events(after, most);
    }

    @Override
    public void close() {
        try (store; connector; publisher) { // the last one first, whatever fails before
            news.close();
        }
    }

    @Override
    public String toString() {
        return "broker " + name + ", tasks in " + store;
    }
}
