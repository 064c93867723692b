package dev.sennit.queue.memory;

import static java.util.Objects.requireNonNull;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.BrokerEvent;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Claimed;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.Enqueued;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.Join;
import dev.sennit.queue.broker.KeyLimit;
import dev.sennit.queue.broker.LeaseState;
import dev.sennit.queue.broker.QueueCounts;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Renewal;
import dev.sennit.queue.broker.Scope;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.Token;
import dev.sennit.queue.broker.Unique;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.broker.When;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The tasks of a store and all that becomes of them. Each method is called under the lock of the store and is one step.
 *
 * <p><b>Where a task is.</b> Each is in {@link #all}, and in the index of its state: {@link QueueTasks} has what is
 * READY, SCHEDULED and HELD, {@code Entry.Waiting} what is BLOCKED, {@link #leases} what runs, {@link #kept} and
 * {@link #dead} what has ended. {@link #leave} takes it out of that index, and whatever comes next puts it into
 * another: {@link #arrive} (it is to run when its turn comes), {@link #schedule}, {@link #ready}, {@link #end}.
 *
 * <p><b>Due tasks</b> become ready when somebody looks: each method that reads or adds to the READY tasks of a queue
 * calls {@link #awaken} first, so tasks stand in the order in which they became ready, however late that was noticed.
 *
 * <p><b>Keys.</b> A task with a key comes into {@code held}; {@link #turn} lets the next one become READY if none is
 * and there is a place. A place is given back by {@link #leavePlace}.
 *
 * <p><b>What an end brings about</b> - callbacks, other ends - is done by {@link #settle}, one task after the other, as
 * a long chain would be too deep for a recursion.
 */
final class Tasks {
    /** How much one call of upkeep does of a kind. */
    private static final int UPKEEP = 1000;

    /** How long types are remembered that no worker has reported since. */
    private static final long LONGEST_SEEN = Duration.ofDays(30).toMillis();

    private static final long NEVER = Long.MAX_VALUE;
    private static final byte[] NOTHING = {};

    private static final Comparator<Entry> BY_EXPIRY =
            Comparator.<Entry>comparingLong(one -> one.expiresAt).thenComparingLong(one -> one.number);
    private static final Comparator<Entry> BY_LEASE =
            Comparator.<Entry>comparingLong(one -> one.leaseEnd).thenComparingLong(one -> one.number);
    private static final Comparator<Entry> BY_RETENTION =
            Comparator.<Entry>comparingLong(one -> one.keptUntil).thenComparingLong(one -> one.number);

    /** A unique key that is taken. */
    private record Taken(String key, String task, Unique.Until until, long end) {}

    private final Store store;
    private final NavigableMap<String, Entry> all = new TreeMap<>();
    private final Map<String, QueueTasks> queues = new TreeMap<>();
    /** The tasks of workflows, but those that are the first one. */
    private final Map<String, Set<Entry>> byRoot = new HashMap<>();

    private final Map<String, Entry.Waiting> joins = new HashMap<>();
    private final Map<String, Taken> unique = new HashMap<>();
    private final TreeSet<Taken> periods =
            new TreeSet<>(Comparator.comparingLong(Taken::end).thenComparing(Taken::key));
    private final TreeSet<Entry> leases = new TreeSet<>(BY_LEASE);
    /** The tasks that wait and can expire. */
    private final TreeSet<Entry> expiring = new TreeSet<>(BY_EXPIRY);

    private final TreeSet<Entry> kept = new TreeSet<>(BY_RETENTION);
    /** In the order in which they died. */
    private final LinkedHashSet<Entry> dead = new LinkedHashSet<>();
    /** The tasks that have not succeeded in this step and whose consequences are still to come. */
    private final Deque<Entry> unsettled = new ArrayDeque<>();

    private boolean isAwakening;
    private boolean isSettling;
    private boolean isPurging;
    private long numbers;
    private long turns;

    Tasks(Store store) {
        this.store = store;
    }

    // ---- times ----

    private static long millis(Duration time) {
        return time.compareTo(Duration.ofMillis(NEVER / 4)) > 0 ? NEVER / 4 : time.plusNanos(999_999).toMillis();
    }

    static long later(long now, Duration time) {
        return now + millis(time);
    }

    private static long from(When when, long now) {
        Instant at = when.at();
        if (at == null) {
            return later(now, requireNonNull(when.after()));
        }
        Instant latest = Instant.ofEpochMilli(NEVER / 4);
        return at.isAfter(latest) ? NEVER / 4 : at.isBefore(Instant.EPOCH) ? 0 : at.plusNanos(999_999).toEpochMilli();
    }

    // ---- enqueue ----

    List<Enqueued> enqueue(Batch batch) {
        long now = store.now();
        Set<String> accepted = knownJoins(batch);
        Set<String> added = new HashSet<>();
        Map<String, Taken> taken = new HashMap<>();
        Enqueued[] outcomes = new Enqueued[batch.tasks().size()];
        boolean[] isLeftOut = new boolean[outcomes.length];
        boolean hasDuplicates = false;
        for (int i = 0; i < outcomes.length; i++) {
            QueuedTask task = batch.tasks().get(i);
            outcomes[i] = new Enqueued(task.id(), false);
            if (isOf(accepted, task) || all.containsKey(task.id()) || !added.add(task.id())) {
                isLeftOut[i] = true;
                continue;
            }
            Unique key = task.unique();
            if (key != null) {
                Taken other = taken.getOrDefault(key.key(), holder(key.key(), now));
                if (other == null) {
                    taken.put(key.key(), taken(task, key, now));
                } else {
                    outcomes[i] = new Enqueued(other.task(), true);
                    isLeftOut[i] = true;
                    hasDuplicates = true;
                }
            }
        }
        Set<String> refused = hasDuplicates ? batch.leaveOutWaiters(outcomes, isLeftOut) : Set.of();
        for (Join join : batch.joins()) {
            if (!accepted.contains(join.id()) && !refused.contains(join.id())) {
                joins.put(join.id(), new Entry.Waiting(join.id(), join.size(), join.onDead()));
            }
        }
        for (int i = 0; i < outcomes.length; i++) {
            if (!isLeftOut[i]) {
                add(batch.tasks().get(i), now);
            }
        }
        return List.of(outcomes);
    }

    /**
     * Returns the joins of workflows that were accepted before, which is so if one of their tasks is still there:
     * others may have been removed meanwhile.
     */
    private Set<String> knownJoins(Batch batch) {
        if (batch.joins().isEmpty()) {
            return Set.of();
        }
        Set<String> known = new HashSet<>();
        List<QueuedTask> tasks = batch.tasks();
        int before;
        do { // a chain is through at once, in whatever order it is
            before = known.size();
            for (QueuedTask task : tasks) {
                if (isOf(known, task) || all.containsKey(task.id())) {
                    addJoins(known, task);
                }
            }
            for (QueuedTask task : tasks.reversed()) {
                if (isOf(known, task)) {
                    addJoins(known, task);
                }
            }
        } while (known.size() > before);
        for (Join join : batch.joins()) {
            if (!known.contains(join.id()) && joins.containsKey(join.id())) {
                throw new IllegalArgumentException("there is another join with the id " + join.id());
            }
        }
        return known;
    }

    private static void addJoins(Set<String> joins, QueuedTask task) {
        if (task.part() != null) {
            joins.add(task.part().join());
        }
        if (task.after() != null) {
            joins.add(task.after());
        }
    }

    private static boolean isOf(Set<String> joins, QueuedTask task) {
        return !joins.isEmpty()
                && (task.part() != null && joins.contains(task.part().join())
                        || task.after() != null && joins.contains(task.after()));
    }

    private void add(QueuedTask task, long now) {
        var entry = new Entry(task, numbers++, now);
        entry.expiresAt = task.expires() == null ? NEVER : from(task.expires(), now);
        entry.since = task.due() == null ? now : from(task.due(), now);
        all.put(task.id(), entry);
        if (!task.root().equals(task.id())) {
            byRoot.computeIfAbsent(task.root(), _ -> new LinkedHashSet<>()).add(entry);
        }
        if (task.unique() != null) {
            take(taken(task, task.unique(), now));
        }
        QueueTasks queue = queue(entry);
        queue.count(entry.state, 1); // READY, as each begins; what follows moves it
        if (entry.expiresAt != NEVER) {
            expiring.add(entry);
        }
        if (task.key() != null) {
            KeyLimit key = task.key();
            queue.key(entry).limit = key.limit();
        }
        entry.join = task.part() == null ? null : joins.get(task.part().join());
        Entry.Waiting after = task.after() == null ? null : joins.get(task.after());
        tell(BrokerEvent.Kind.ENQUEUED, entry, "", now);
        if (after != null) {
            entry.after = after;
            after.tasks.add(entry);
            move(entry, TaskState.BLOCKED);
        } else {
            begin(entry, now);
        }
        if (task.key() != null) { // a greater limit
            turn(queue.key(entry), now);
            queue.forget(task.key().key());
        }
    }

    /** Lets a task go that is new or has waited for others. */
    private void begin(Entry entry, long now) {
        if (entry.since > now) {
            schedule(entry, entry.since);
        } else {
            arrive(entry, now);
        }
    }

    // ---- unique keys ----

    private static Taken taken(QueuedTask task, Unique key, long now) {
        return new Taken(key.key(), task.id(), key.until(), key.period() == null ? NEVER : later(now, key.period()));
    }

    private @Nullable Taken holder(String key, long now) {
        Taken holder = unique.get(key);
        if (holder != null && holder.end() <= now) {
            free(holder);
            return null;
        }
        return holder;
    }

    private void take(Taken taken) {
        if (unique.putIfAbsent(taken.key(), taken) == null && taken.end() != NEVER) {
            periods.add(taken);
        }
    }

    private void free(Taken taken) {
        unique.remove(taken.key(), taken);
        periods.remove(taken);
    }

    private void freeUnique(Entry entry) {
        Taken holder = entry.task.unique() == null ? null : unique.get(entry.task.unique().key());
        if (holder != null && holder.task().equals(entry.id()) && holder.until() != Unique.Until.PERIOD_OVER) {
            free(holder);
        }
    }

    // ---- where a task is ----

    private QueueTasks queue(Entry entry) {
        return queues.computeIfAbsent(entry.task.queue(), QueueTasks::new);
    }

    private void move(Entry entry, TaskState state) {
        QueueTasks queue = queue(entry);
        queue.count(entry.state, -1);
        entry.state = state;
        queue.count(state, 1);
        if (queue.isEmpty()) {
            queues.remove(queue.name);
        }
    }

    /** Takes a task out of the index of its state. It keeps its place. */
    private void leave(Entry entry) {
        QueueTasks queue = queue(entry);
        switch (entry.state) {
            case READY -> {
                queue.removeReady(entry);
                if (entry.task.key() != null) {
                    queue.key(entry).ready--;
                }
            }
            case SCHEDULED -> queue.scheduled.remove(entry);
            case HELD -> queue.key(entry).held.remove(entry);
            case BLOCKED -> {
                if (entry.after != null) {
                    entry.after.tasks.remove(entry);
                    entry.after = null;
                }
            }
            case RUNNING -> leases.remove(entry);
            case DEAD -> dead.remove(entry);
            case SUCCEEDED, CANCELLED, EXPIRED -> kept.remove(entry);
        }
        if (entry.expiresAt != NEVER) {
            expiring.remove(entry);
        }
    }

    private void schedule(Entry entry, long due) {
        QueueTasks queue = queue(entry);
        entry.since = due;
        boolean isFirst = queue.scheduled.isEmpty() || queue.scheduled.first().since > due;
        queue.scheduled.add(entry);
        wait(entry, TaskState.SCHEDULED);
        if (isFirst) { // workers that wait have to look again sooner
            store.listeners.workMayBeReady(queue.name);
        }
    }

    private void wait(Entry entry, TaskState state) {
        if (entry.expiresAt != NEVER) {
            expiring.add(entry);
        }
        move(entry, state);
    }

    /** Makes a task READY, or HELD if its key has no place. */
    private void arrive(Entry entry, long now) {
        if (entry.task.key() == null || entry.hasPlace) {
            ready(entry, now);
        } else {
            QueueTasks queue = queue(entry);
            QueueTasks.Key key = queue.key(entry);
            wait(entry, TaskState.HELD);
            key.held.add(entry);
            turn(key, now);
        }
    }

    private void ready(Entry entry, long now) {
        awakenBefore(entry, now);
        entry.since = now;
        entry.turn = turns++;
        enterReady(entry);
    }

    /** Makes a task READY at its old place: before those that became READY after it. */
    private void readyAgain(Entry entry, long now) {
        awakenBefore(entry, now);
        enterReady(entry);
    }

    /** What is due became READY before. */
    private void awakenBefore(Entry entry, long now) {
        QueueTasks queue = queue(entry);
        if (entry.task.key() != null) {
            queue.key(entry).ready++; // before others of its key may wake up
        }
        if (!isAwakening) {
            awaken(queue, now);
        }
    }

    private void enterReady(Entry entry) {
        QueueTasks queue = queue(entry);
        wait(entry, TaskState.READY);
        queue.addReady(entry);
        store.listeners.workMayBeReady(queue.name);
    }

    /** Lets the next task of a key become READY, if none is and there is a place. */
    private void turn(QueueTasks.Key key, long now) {
        if (key.ready == 0 && key.places < key.limit && !key.held.isEmpty()) {
            Entry next = key.held.removeFirst();
            next.hasPlace = true;
            key.places++;
            ready(next, now);
        }
    }

    private void leavePlace(Entry entry, long now) {
        if (entry.task.key() == null) {
            return;
        }
        QueueTasks queue = queue(entry);
        QueueTasks.Key key = queue.key(entry);
        if (entry.hasPlace) {
            entry.hasPlace = false;
            key.places--;
        }
        turn(key, now);
        queue.forget(entry.task.key().key());
    }

    /** Makes ready what is due. */
    private void awaken(QueueTasks queue, long now) {
        isAwakening = true;
        try {
            while (!queue.scheduled.isEmpty() && queue.scheduled.first().since <= now) {
                Entry entry = queue.scheduled.removeFirst();
                arrive(entry, entry.since);
            }
        } finally {
            isAwakening = false;
        }
    }

    private void awakenAll(long now) {
        List.copyOf(queues.values()).forEach(queue -> awaken(queue, now));
    }

    // ---- ends ----

    private void end(Entry entry, TaskState state, @Nullable DeadReason reason, long now) {
        leave(entry);
        entry.reason = reason;
        entry.endedAt = now;
        entry.keptUntil = later(now, entry.task.resultTtl());
        entry.isToStop = false;
        freeUnique(entry);
        leavePlace(entry, now);
        move(entry, state);
        (state == TaskState.DEAD ? dead : kept).add(entry);
        BrokerEvent.Kind kind = switch (state) {
            case SUCCEEDED -> BrokerEvent.Kind.SUCCEEDED;
            case DEAD -> BrokerEvent.Kind.DIED;
            case EXPIRED -> BrokerEvent.Kind.EXPIRED;
            default -> BrokerEvent.Kind.CANCELLED;
        };
        tell(kind, entry, reason == null ? "" : reason + (entry.error == null ? "" : " " + entry.error.text()), now);
        if (entry.task.replyTo() != null) {
            store.listeners.ended(entry.task.replyTo(), entry.toEnded());
        }
        unsettled.add(entry);
        settle(now);
    }

    /** Does what the ends of this step bring about. */
    private void settle(long now) {
        if (isSettling) {
            return;
        }
        isSettling = true;
        try {
            for (Entry entry = unsettled.poll(); entry != null; entry = unsettled.poll()) {
                settle(entry, now);
            }
        } finally {
            isSettling = false;
        }
    }

    private void settle(Entry entry, long now) {
        if (entry.state != TaskState.SUCCEEDED) {
            if (!isPurging) {
                callBack(entry.task.onDead(), entry);
            }
            Entry.Waiting join = entry.join;
            if (join != null && !join.hasToldDeath && !isPurging) {
                join.hasToldDeath = true;
                callBack(join.onDead, entry);
            }
            if (join != null && entry.state != TaskState.DEAD) {
                entry.join = null;
                giveUp(join, now);
            }
        }
        if (entry.state != TaskState.DEAD) {
            entry.task = entry.task.toBuilder().payload(NOTHING).headers(Map.of()).onDead(List.of()).build();
            entry.inputs = List.of();
            entry.checkpoint = null;
            if (entry.task.resultTtl().isZero()) {
                remove(entry, now);
            }
        }
    }

    private void callBack(List<QueuedTask> callbacks, Entry entry) {
        if (callbacks.isEmpty()) {
            return;
        }
        List<QueuedTask> tasks = new ArrayList<>();
        for (QueuedTask callback : callbacks) {
            Map<String, String> headers = new HashMap<>(callback.headers());
            headers.put(QueuedTask.DEAD_ID, entry.id());
            headers.put(QueuedTask.DEAD_REASON, entry.reason == null ? entry.state.name() : entry.reason.name());
            if (entry.error != null) {
                headers.put(QueuedTask.DEAD_ERROR, entry.error.text().replaceAll("\\R", " "));
            }
            tasks.add(callback.toBuilder().id(QueuedTask.newId()).headers(headers).part(null).after(null).build());
        }
        enqueue(new Batch(tasks, List.of()));
    }

    /** Cancels what waits for a part that will never succeed. */
    private void giveUp(Entry.Waiting join, long now) {
        joins.remove(join.id, join);
        for (Entry waiting : List.copyOf(join.tasks)) {
            end(waiting, TaskState.CANCELLED, null, now);
        }
    }

    /** Takes note of a result in the join, and lets those go that have waited for it. */
    private void join(Entry entry, byte[] result, long now) {
        Entry.Waiting join = entry.join;
        entry.join = null;
        int index = entry.task.part() == null ? -1 : entry.task.part().index();
        if (join == null || joins.get(join.id) != join || join.isDone(index)) {
            return;
        }
        join.results[index] = result;
        if (++join.done < join.results.length) {
            return;
        }
        joins.remove(join.id);
        List<byte[]> inputs = List.of(join.results);
        for (Entry waiting : List.copyOf(join.tasks)) {
            leave(waiting);
            waiting.inputs = inputs;
            begin(waiting, now);
        }
    }

    /** Forgets a task. */
    private void remove(Entry entry, long now) {
        leave(entry);
        if (!entry.state.isEnd()) {
            freeUnique(entry);
            leavePlace(entry, now);
        }
        QueueTasks queue = queue(entry);
        queue.count(entry.state, -1);
        if (queue.isEmpty()) {
            queues.remove(queue.name);
        }
        all.remove(entry.id(), entry);
        Set<Entry> others = byRoot.get(entry.task.root());
        if (others != null && others.remove(entry) && others.isEmpty()) {
            byRoot.remove(entry.task.root());
        }
        if (entry.join != null && entry.state != TaskState.SUCCEEDED) {
            giveUp(entry.join, now);
        }
    }

    private void tell(BrokerEvent.Kind kind, Entry entry, String detail, long now) {
        store.events.add(kind, entry, entry.worker, detail, now);
    }

    // ---- runs ----

    Claimed claim(ClaimRequest request) {
        long now = store.now();
        long nanos = store.nanos();
        List<Claim> claims = new ArrayList<>();
        long again = NEVER;
        for (String name : new LinkedHashSet<>(request.queues())) {
            QueueTasks queue = queues.get(name);
            if (queue == null || store.paused.contains(Scope.queue(name))) {
                continue;
            }
            awaken(queue, now);
            Set<String> types = new HashSet<>(request.types());
            types.removeIf(type -> store.paused.contains(Scope.type(type)) || store.rates.until(type, nanos) > 0);
            while (claims.size() < request.most()) {
                Entry next = queue.next(types);
                if (next == null) {
                    break;
                }
                if (next.expiresAt <= now) {
                    end(next, TaskState.EXPIRED, null, now);
                    continue;
                }
                claims.add(run(next, request, now, nanos));
                store.rates.begun(next.task.type(), nanos);
                if (store.rates.until(next.task.type(), nanos) > 0) {
                    types.remove(next.task.type());
                }
            }
            again = Math.min(again, lookAgain(queue, request.types(), now, nanos));
        }
        return new Claimed(claims, again == NEVER ? null : Duration.ofNanos(again));
    }

    /** Returns in how many nanoseconds something of a queue can become ready by itself. */
    private long lookAgain(QueueTasks queue, Set<String> types, long now, long nanos) {
        long again = NEVER;
        if (!queue.scheduled.isEmpty()) {
            again = Store.nanos(Duration.ofMillis(Math.max(1, queue.scheduled.first().since - now)));
        }
        for (String type : types) {
            long until = store.rates.until(type, nanos);
            if (until > 0 && queue.lanes.containsKey(type) && !store.paused.contains(Scope.type(type))) {
                again = Math.min(again, until);
            }
        }
        return again;
    }

    private Claim run(Entry entry, ClaimRequest request, long now, long nanos) {
        leave(entry);
        entry.attempt++;
        entry.begunAt = now;
        entry.worker = request.worker();
        entry.leaseEnd = nanos + Store.nanos(request.lease());
        leases.add(entry);
        move(entry, TaskState.RUNNING);
        if (entry.task.unique() != null && entry.task.unique().until() == Unique.Until.BEGUN) {
            freeUnique(entry);
        }
        if (entry.task.key() != null) {
            QueueTasks queue = queue(entry);
            turn(queue.key(entry), now);
        }
        tell(BrokerEvent.Kind.BEGUN, entry, "", now);
        return new Claim(entry.token(), entry.task, entry.failures, entry.crashes,
                Instant.ofEpochMilli(entry.enqueuedAt), entry.checkpoint, entry.inputs);
    }

    private @Nullable Entry running(Token token) {
        Entry entry = all.get(token.id());
        return entry != null && entry.isRunOf(token) ? entry : null;
    }

    LeaseState extend(Renewal renewal, Duration lease) {
        Entry entry = running(renewal.token());
        if (entry == null) {
            return LeaseState.LOST;
        }
        leases.remove(entry);
        entry.leaseEnd = store.nanos() + Store.nanos(lease);
        leases.add(entry);
        if (renewal.checkpoint() != null) {
            entry.checkpoint = renewal.checkpoint();
        }
        if (renewal.progress() != null) {
            entry.progress = renewal.progress();
        }
        return entry.isToStop ? LeaseState.CANCEL_REQUESTED : LeaseState.HELD;
    }

    boolean complete(Completion completion) {
        Entry entry = running(completion.token());
        if (entry == null) {
            Entry ended = all.get(completion.token().id());
            return ended != null && ended.state == TaskState.SUCCEEDED
                    && ended.attempt == completion.token().attempt();
        }
        long now = store.now();
        boolean wasToStop = entry.isToStop;
        entry.result = completion.result();
        end(entry, TaskState.SUCCEEDED, null, now);
        join(entry, completion.result(), now);
        if (!wasToStop && !completion.successors().isEmpty()) {
            enqueue(completion.successors());
        }
        return true;
    }

    boolean fail(Failure failure) {
        Entry entry = running(failure.token());
        if (entry == null) {
            return false;
        }
        long now = store.now();
        if (entry.isToStop || failure.verdict() instanceof Failure.Cancelled) {
            end(entry, TaskState.CANCELLED, null, now);
            return true;
        }
        switch (failure.verdict()) {
            case Failure.RetryIn retry -> {
                entry.failures++;
                entry.error = failure.error();
                tell(BrokerEvent.Kind.RETRIED, entry, failure.error().text(), now);
                leave(entry);
                retry(entry, retry.delay(), now);
            }
            case Failure.Die die -> {
                entry.failures++;
                entry.error = failure.error();
                end(entry, TaskState.DEAD, die.reason(), now);
            }
            case Failure.GiveBack _ -> {
                tell(BrokerEvent.Kind.GIVEN_BACK, entry, "", now);
                leave(entry);
                ready(entry, now);
            }
            case Failure.Crashed _ -> takeBack(entry, failure.error(), now);
            case Failure.Cancelled _ -> throw new AssertionError("it is cancelled above");
        }
        return true;
    }

    private void retry(Entry entry, Duration delay, long now) {
        boolean keepsPlace = entry.task.key() == null || queue(entry).key(entry).limit == 1;
        if (delay.isPositive()) {
            schedule(entry, later(now, delay));
        }
        if (!keepsPlace) {
            // others of the key come first only if they are READY before it is HELD again
            leavePlace(entry, now);
        }
        if (!delay.isPositive()) {
            arrive(entry, now);
        }
    }

    // ---- from outside ----

    @Nullable TaskState cancel(String id) {
        Entry entry = all.get(id);
        if (entry == null) {
            return null;
        }
        cancel(entry, store.now());
        return entry.state;
    }

    private void cancel(Entry entry, long now) {
        if (entry.state == TaskState.RUNNING) {
            if (!entry.isToStop) {
                entry.isToStop = true;
                tell(BrokerEvent.Kind.CANCELLED, entry, "", now);
            }
            store.listeners.cancelRequested(requireNonNull(entry.worker), entry.id());
        } else if (!entry.state.isEnd()) {
            end(entry, TaskState.CANCELLED, null, now);
        }
    }

    int cancelAll(String root) {
        long now = store.now();
        List<Entry> open = new ArrayList<>(byRoot.getOrDefault(root, Set.of()));
        Entry first = all.get(root);
        if (first != null && first.task.root().equals(root)) {
            open.add(first);
        }
        open.removeIf(entry -> entry.state.isEnd());
        open.forEach(entry -> cancel(entry, now));
        return open.size();
    }

    int replay(TaskFilter filter, byte @Nullable [] payload) {
        long now = store.now();
        List<Entry> chosen = choose(filter.state(TaskState.DEAD), Integer.MAX_VALUE);
        for (Entry entry : chosen) {
            leave(entry);
            entry.failures = 0;
            entry.crashes = 0;
            entry.reason = null;
            entry.expiresAt = NEVER;
            entry.endedAt = 0;
            if (payload != null) {
                entry.task = entry.task.toBuilder().payload(payload).build();
                entry.checkpoint = null;
                entry.inputs = List.of(); // the payload takes their place
            }
            if (entry.task.unique() != null && entry.task.unique().until() != Unique.Until.PERIOD_OVER
                    && holder(entry.task.unique().key(), now) == null) {
                take(taken(entry.task, entry.task.unique(), now));
            }
            tell(BrokerEvent.Kind.REPLAYED, entry, "", now);
            arrive(entry, now);
        }
        return chosen.size();
    }

    int purge(TaskFilter filter) {
        long now = store.now();
        List<Entry> chosen = choose(filter, Integer.MAX_VALUE);
        chosen.removeIf(entry -> entry.state == TaskState.RUNNING);
        chosen.forEach(entry -> purge(entry, now));
        return chosen.size();
    }

    private void purge(Entry entry, long now) {
        if (all.get(entry.id()) == entry) {
            isPurging = true;
            try {
                remove(entry, now);
            } finally {
                isPurging = false;
            }
        }
    }

    List<Entry> search(TaskFilter filter, int most) {
        awakenAll(store.now());
        return choose(filter, most);
    }

    private List<Entry> choose(TaskFilter filter, int most) {
        List<Entry> chosen = new ArrayList<>();
        Collection<Entry> candidates;
        if (!filter.ids().isEmpty()) {
            candidates = filter.ids().stream().sorted().map(all::get).filter(entry -> entry != null).toList();
        } else if (filter.root() != null) {
            NavigableMap<String, Entry> ofRoot = new TreeMap<>();
            byRoot.getOrDefault(filter.root(), Set.of()).forEach(entry -> ofRoot.put(entry.id(), entry));
            Entry first = all.get(filter.root());
            if (first != null) {
                ofRoot.put(first.id(), first);
            }
            candidates = ofRoot.values();
        } else if (filter.states().equals(Set.of(TaskState.DEAD))) {
            candidates = dead.stream().sorted(Comparator.comparing(Entry::id)).toList();
        } else {
            candidates = (filter.after() == null ? all : all.tailMap(filter.after(), false)).values();
        }
        for (Entry entry : candidates) {
            if (chosen.size() >= most) {
                break;
            }
            if (fits(filter, entry)) {
                chosen.add(entry);
            }
        }
        return chosen;
    }

    private static boolean fits(TaskFilter filter, Entry entry) {
        QueuedTask task = entry.task;
        return (filter.states().isEmpty() || filter.states().contains(entry.state))
                && (filter.queue() == null || filter.queue().equals(task.queue()))
                && (filter.type() == null || filter.type().equals(task.type()))
                && (filter.root() == null || filter.root().equals(task.root()))
                && (filter.reason() == null || filter.reason() == entry.reason)
                && (filter.after() == null || filter.after().compareTo(task.id()) < 0)
                && (filter.text() == null || hasText(filter.text(), entry));
    }

    private static boolean hasText(String text, Entry entry) {
        ErrorInfo error = entry.state == TaskState.SUCCEEDED ? null : entry.error;
        return error != null && (error.type().contains(text) || error.message().contains(text))
                || new String(entry.task.payload(), StandardCharsets.UTF_8).contains(text);
    }

    @Nullable Entry find(String id) {
        Entry entry = all.get(id);
        if (entry != null && !entry.state.isEnd()) {
            awaken(queue(entry), store.now());
        }
        return entry;
    }

    List<QueueCounts> counts(Set<Scope> paused) {
        long now = store.now();
        awakenAll(now);
        Set<String> names = new HashSet<>(queues.keySet());
        paused.stream().filter(scope -> scope.kind() == Scope.Kind.QUEUE).map(Scope::name).forEach(names::add);
        List<QueueCounts> counts = new ArrayList<>();
        for (String name : names.stream().sorted().toList()) {
            QueueTasks queue = queues.get(name);
            Entry oldest = queue == null ? null : queue.oldestReady();
            counts.add(new QueueCounts(name, queue == null ? Map.of() : queue.counts(),
                    oldest == null ? null : age(oldest, now), paused.contains(Scope.queue(name))));
        }
        return counts;
    }

    private static Duration age(Entry entry, long now) {
        return Duration.ofMillis(Math.max(0, now - entry.since));
    }

    Optional<Duration> oldestReady(Collection<String> names) {
        long now = store.now();
        Duration oldest = null;
        for (String name : names) {
            QueueTasks queue = queues.get(name);
            if (queue != null) {
                awaken(queue, now);
                Entry entry = queue.oldestReady();
                if (entry != null && (oldest == null || age(entry, now).compareTo(oldest) > 0)) {
                    oldest = age(entry, now);
                }
            }
        }
        return Optional.ofNullable(oldest);
    }

    // ---- upkeep ----

    Upkeep upkeep(Upkeep.Limits limits) {
        long now = store.now();
        awakenAll(now);
        int takenBack = 0;
        int crashed = 0;
        long nanos = store.nanos();
        for (int i = 0; i < UPKEEP && !leases.isEmpty() && leases.first().leaseEnd <= nanos; i++) {
            Entry entry = leases.first();
            if (takeBack(entry, new ErrorInfo("LostWorker", "the lease of " + entry.worker + " expired", ""), now)) {
                takenBack++;
            } else {
                crashed++;
            }
        }
        int expired = 0;
        for (; expired < UPKEEP && !expiring.isEmpty() && expiring.first().expiresAt <= now; expired++) {
            end(expiring.first(), TaskState.EXPIRED, null, now);
        }
        int unknown = endUnknown(limits.unknownAfter(), now);
        int removed = 0;
        for (; removed < UPKEEP && !kept.isEmpty() && kept.first().keptUntil <= now; removed++) {
            remove(kept.first(), now);
        }
        long deadBefore = now - millis(limits.deadTtl());
        for (; removed < UPKEEP && !dead.isEmpty() && dead.getFirst().endedAt <= deadBefore; removed++) {
            purge(dead.getFirst(), now);
        }
        while (!periods.isEmpty() && periods.first().end() <= now) {
            free(periods.first());
        }
        long seenBefore = now - millis(limits.workerTtl());
        store.workers.values().removeIf(worker -> worker.seenAt().toEpochMilli() <= seenBefore);
        store.events.tidy(now);
        boolean more = takenBack + crashed == UPKEEP || expired == UPKEEP || unknown == UPKEEP || removed == UPKEEP;
        return new Upkeep(takenBack, crashed, expired, unknown, removed, more);
    }

    /** Takes a task back from a worker that was lost; returns whether it is READY again. */
    private boolean takeBack(Entry entry, ErrorInfo error, long now) {
        entry.crashes++;
        boolean isLast = entry.task.atMostOnce() || entry.crashes >= entry.task.retry().crashes();
        if (entry.isToStop) {
            end(entry, TaskState.CANCELLED, null, now);
            return false;
        }
        entry.error = error;
        if (isLast) {
            end(entry, TaskState.DEAD, entry.task.atMostOnce() ? DeadReason.LOST : DeadReason.CRASHED, now);
            return false;
        }
        tell(BrokerEvent.Kind.TAKEN_BACK, entry, "", now);
        leave(entry);
        readyAgain(entry, now);
        return true;
    }

    private int endUnknown(Duration after, long now) {
        long before = now - millis(after);
        store.typesSeen.values().removeIf(seen -> seen <= Math.min(before, now - LONGEST_SEEN));
        List<Entry> unknown = new ArrayList<>();
        for (QueueTasks queue : queues.values()) {
            for (var lane : queue.lanes.entrySet()) {
                if (store.typesSeen.getOrDefault(lane.getKey(), Long.MIN_VALUE) <= before) {
                    lane.getValue().readyBefore(before, UPKEEP - unknown.size(), unknown);
                }
            }
        }
        for (Entry entry : unknown) {
            entry.error = new ErrorInfo("UnknownType", "no worker knows the type " + entry.task.type(), "");
            end(entry, TaskState.DEAD, DeadReason.UNKNOWN_TYPE, now);
        }
        return unknown.size();
    }
}
