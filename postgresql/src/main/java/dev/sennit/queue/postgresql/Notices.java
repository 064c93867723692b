package dev.sennit.queue.postgresql;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.NANOSECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.sql.Lookup;
import dev.sennit.queue.sql.Session;
import dev.sennit.queue.sql.Step;
import dev.sennit.queue.sql.Wakes;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/**
 * Tells listeners what was committed, in all processes.
 *
 * <p><b>Telling.</b> A transaction that concerns listeners notifies the channel of the schema. The payload is a list of
 * words: a letter for the kind of thing, and the hash of the queue, the address or the worker.
 *
 * <p><b>Hearing.</b> One thread has a connection that listens. What a payload says is a hint: the thread looks into the
 * tables, and tells the listeners what is there. After each connect it looks for everything. Where nothing can be heard
 * (a pooler gives each transaction to another connection) it looks again and again: often after something has happened,
 * and less and less often then.
 *
 * <p><b>Ends</b> have numbers, but are not committed in their order. So each listener keeps the numbers that it was
 * told of, and looks for others below the newest one for ten seconds.
 */
final class Notices implements Lanes.Teller, AutoCloseable {
    private static final int WORK = 1;
    private static final int ENDS = 2;
    private static final int WORKER = 4;
    private static final int ALL = WORK | ENDS | WORKER;
    /** The server takes less than 8000 bytes. */
    private static final int MOST_WORDS = 700;
    private static final String EVERYTHING = "*";
    /** How many ends are read at a time. */
    private static final int PAGE = 200;
    /** How often to look although nothing was heard, in case that was lost. */
    private static final long LOOK_NANOS = SECONDS.toNanos(5);
    /** How often to look without notices: after something has happened, and at last. */
    private static final long SOON_NANOS = MILLISECONDS.toNanos(5);
    private static final long LATE_NANOS = MILLISECONDS.toNanos(500);
    /** How often, and for how long, to look for ends with smaller numbers than the newest one. */
    private static final long SWEEP_NANOS = MILLISECONDS.toNanos(500);
    private static final long WINDOW_NANOS = SECONDS.toNanos(10);
    private static final long LEAST_BACKOFF = MILLISECONDS.toNanos(50);
    private static final long MOST_BACKOFF = SECONDS.toNanos(2);
    /** How long a subscription waits until it is heard. */
    private static final long HEARD_NANOS = SECONDS.toNanos(10);

    private static final System.Logger LOG = System.getLogger("dev.sennit");

    /** The number of the newest end that was told, at a time. */
    private record Mark(long at, long newest) {}

    private final class Listening implements Broker.Subscription {
        final BrokerListener.Interest interest;
        final Set<String> words = new HashSet<>();
        private final BrokerListener listener;
        private final ReentrantLock calling = new ReentrantLock();
        // guarded by calling
        private boolean isClosed;
        // only the thread that hears, once it is in the list
        private boolean hadReady;
        private final TreeSet<Long> ends = new TreeSet<>();
        private final ArrayDeque<Mark> marks = new ArrayDeque<>();
        private long below = Long.MIN_VALUE;
        private long newest = Long.MIN_VALUE;
        private Set<Long> controls = new HashSet<>();
        private Map<String, Integer> stops = Map.of();

        Listening(BrokerListener.Interest interest, BrokerListener listener) {
            this.interest = interest;
            this.listener = listener;
            interest.queues().forEach(queue -> words.add(word('q', queue)));
            if (interest.replyTo() != null) {
                words.add(word('a', interest.replyTo()));
            }
            if (interest.worker() != null) {
                words.add(word('w', interest.worker()));
            }
        }

        /** Notes what is there already. */
        boolean begin(Step step) throws SQLException {
            if (interest.replyTo() != null) {
                ends.addAll(Lookup.replyNumbers(step.session(), interest.replyTo(), Long.MIN_VALUE));
                newest = ends.isEmpty() ? Long.MIN_VALUE : ends.last();
                marks.add(new Mark(System.nanoTime(), newest));
            }
            if (interest.worker() != null) {
                Lookup.controls(step, interest.worker(), Long.MIN_VALUE).forEach(each -> controls.add(each.seq()));
            }
            return true;
        }

        void call(Consumer<BrokerListener> what) {
            calling.lock();
            try {
                if (!isClosed) {
                    what.accept(listener);
                }
            } catch (Throwable e) { // the thread of all listeners
                LOG.log(System.Logger.Level.WARNING, name + " - a listener failed", e);
            } finally {
                calling.unlock();
            }
        }

        /** Tells of ends with greater numbers than before; returns whether there were any. */
        boolean newEnds(Session session, String replyTo) throws SQLException {
            boolean isNew = false;
            List<Lookup.Reply> replies;
            do {
                replies = Lookup.replies(session, replyTo, newest, PAGE);
                for (Lookup.Reply reply : replies) {
                    newest = reply.seq();
                    isNew |= tell(reply);
                }
            } while (replies.size() == PAGE);
            if (isNew) {
                marks.add(new Mark(System.nanoTime(), newest));
            }
            return isNew;
        }

        /** Tells of ends with smaller numbers than the newest, that were committed later. */
        boolean lateEnds(Session session, String replyTo) throws SQLException {
            boolean isNew = false;
            List<Long> numbers = new ArrayList<>(Lookup.replyNumbers(session, replyTo, below));
            numbers.removeAll(ends);
            numbers.sort(null);
            for (long number : numbers) {
                if (!ends.contains(number)) {
                    for (Lookup.Reply reply : Lookup.replies(session, replyTo, number - 1, 1)) {
                        isNew |= tell(reply);
                        newest = Math.max(newest, reply.seq());
                    }
                }
            }
            long now = System.nanoTime();
            if (isNew) {
                marks.add(new Mark(now, newest));
            }
            while (!marks.isEmpty() && now - marks.getFirst().at() > WINDOW_NANOS) {
                below = marks.removeFirst().newest();
                ends.headSet(below, true).clear();
            }
            return isNew;
        }

        private boolean tell(Lookup.Reply reply) {
            if (!ends.add(reply.seq())) {
                return false;
            }
            EndedTask end = reply.task();
            call(each -> each.ended(end));
            return true;
        }

        /** Tells of cancels and requests. */
        boolean orders(Step step, String worker) throws SQLException {
            Map<String, Integer> toStop = Lookup.toStop(step, worker);
            Map<String, Integer> told = stops;
            boolean isNew = false;
            for (var each : toStop.entrySet()) {
                if (!each.getValue().equals(told.get(each.getKey()))) {
                    isNew = true;
                    call(all -> all.cancelRequested(each.getKey()));
                }
            }
            stops = toStop;
            Set<Long> there = new HashSet<>();
            for (Lookup.Control control : Lookup.controls(step, worker, Long.MIN_VALUE)) {
                there.add(control.seq());
                if (!controls.contains(control.seq())) {
                    isNew = true;
                    call(all -> all.control(control.message()));
                }
            }
            controls = there;
            return isNew;
        }

        void end() {
            calling.lock();
            isClosed = true;
            calling.unlock();
        }

        @Override
        public void close() {
            end();
            listenings.remove(this);
        }
    }

    private final Connector connector;
    private final PostgresqlDialect dialect;
    private final PostgresqlErrors errors;
    private final String name;
    private final boolean notifies;
    private final List<Listening> listenings = new CopyOnWriteArrayList<>();

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    // guarded by lock
    private @Nullable Thread thread;
    private @Nullable Connection hearing;
    private boolean isHearing;
    private boolean isClosed;
    /** Without notices: whether this object has just committed something. */
    private boolean isBusy;
    /** Without notices: what that was about. */
    private final Set<String> own = new HashSet<>();

    Notices(Connector connector, PostgresqlDialect dialect, PostgresqlErrors errors, String name, boolean notifies) {
        this.connector = connector;
        this.dialect = dialect.in(PostgresqlDialect.Mode.READ);
        this.errors = errors;
        this.name = name;
        this.notifies = notifies;
    }

    // ---- telling ----

    private static String word(char kind, String name) {
        return kind + Integer.toHexString(name.hashCode());
    }

    /** Has the database tell others when the transaction is committed. */
    void tell(Session session, Wakes wakes) throws SQLException {
        if (!wakes.isEmpty()) {
            session.query("SELECT pg_notify(?, ?)").text(dialect.schema()).text(payload(wakes)).first(_ -> true);
        }
    }

    /** Commits, and has the database tell others in the same round trip. */
    @Override
    public void commit(Connection connection, Wakes wakes) throws SQLException {
        if (notifies && !wakes.isEmpty()) {
            // A payload is letters, digits and spaces; the name of a schema has no quotes either.
            try (Statement statement = connection.createStatement()) {
                statement.execute("SELECT pg_notify('" + dialect.schema() + "', '" + payload(wakes) + "'); COMMIT");
            }
        } else {
            connection.commit();
        }
    }

    static String payload(Wakes wakes) {
        Set<String> words = new TreeSet<>();
        wakes.queues().forEach(queue -> words.add(word('q', queue)));
        wakes.addresses().forEach(address -> words.add(word('a', address)));
        wakes.workers().forEach(worker -> words.add(word('w', worker)));
        if (wakes.concernsAllQueues()) {
            words.add("Q");
        }
        if (wakes.concernsAllWorkers()) {
            words.add("W");
        }
        return words.size() > MOST_WORDS ? EVERYTHING : String.join(" ", words);
    }

    @Override
    public void committed(Wakes wakes) {
        if (!notifies && !wakes.isEmpty() && !listenings.isEmpty()) {
            lock.lock();
            try {
                own.addAll(List.of(payload(wakes).split(" ")));
            } finally {
                lock.unlock();
            }
            beBusy();
        }
    }

    private void beBusy() {
        lock.lock();
        try {
            isBusy = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    // ---- subscriptions ----

    Broker.Subscription subscribe(BrokerListener.Interest interest, BrokerListener listener, Lanes lanes) {
        start();
        var listening = new Listening(interest, listener);
        lanes.run(dialect, true, listening::begin);
        listenings.add(listening);
        lookFor(listening, lanes);
        return listening;
    }

    /** Has it looked for what has come since its begin. */
    private void lookFor(Listening listening, Lanes lanes) {
        String words = String.join(" ", listening.words.stream().filter(word -> word.charAt(0) != 'q').toList());
        if (words.isEmpty()) {
            return;
        }
        if (notifies) {
            lanes.run(dialect.in(PostgresqlDialect.Mode.LAZY), true, step -> step.session()
                    .query("SELECT pg_notify(?, ?)").text(dialect.schema()).text(words).first(_ -> true) != null);
        } else {
            beBusy();
        }
    }

    /** Starts the thread, and waits until it hears something, if it does soon. */
    private void start() {
        boolean wasInterrupted = false;
        lock.lock();
        try {
            ensureOpen();
            if (thread == null) {
                thread = Thread.ofPlatform().daemon().name("sennit-postgresql-listener").unstarted(this::hear);
                thread.start();
            }
            long rest = HEARD_NANOS;
            while (!isHearing && !isClosed && rest > 0 && !wasInterrupted) {
                try {
                    rest = changed.awaitNanos(rest);
                } catch (InterruptedException e) {
                    wasInterrupted = true;
                }
            }
            ensureOpen();
        } finally {
            lock.unlock();
            if (wasInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void ensureOpen() {
        if (isClosed) {
            throw new IllegalStateException("the broker " + name + " is closed");
        }
    }

    // ---- hearing: one thread ----

    private void hear() {
        long backoff = LEAST_BACKOFF;
        while (!isClosed()) {
            Connection connection = null;
            try {
                connection = connector.connect(false);
                PGConnection notices = notices(connection);
                if (!begin(connection)) {
                    return;
                }
                try (var session = new Session(connection, dialect)) {
                    backoff = LEAST_BACKOFF;
                    hear(session, notices);
                }
            } catch (SQLException | BrokerException e) {
                LOG.log(System.Logger.Level.DEBUG, () -> name + " - cannot listen, tries again: "
                        + (e instanceof SQLException sql ? errors.of(sql, false) : e).getMessage());
            } catch (RuntimeException e) {
                LOG.log(System.Logger.Level.WARNING, name + " - cannot listen, tries again", e);
            } finally {
                if (connection != null) {
                    end(connection);
                }
            }
            pause(backoff);
            backoff = Math.min(MOST_BACKOFF, 2 * backoff);
        }
    }

    private boolean isClosed() {
        lock.lock();
        try {
            return isClosed;
        } finally {
            lock.unlock();
        }
    }

    private void pause(long nanos) {
        lock.lock();
        try {
            for (long rest = nanos; rest > 0 && !isClosed;) {
                rest = changed.awaitNanos(rest);
            }
        } catch (InterruptedException e) {
            // Nobody has a reason to interrupt it; it goes on.
        } finally {
            lock.unlock();
        }
    }

    /** Listens, if that is possible; null if not. */
    private @Nullable PGConnection notices(Connection connection) throws SQLException {
        if (!notifies || !connection.isWrapperFor(PGConnection.class)) {
            return null;
        }
        try (Statement statement = connection.createStatement()) {
            statement.execute("LISTEN \"" + dialect.schema() + "\"");
        }
        return connection.unwrap(PGConnection.class);
    }

    private boolean begin(Connection connection) {
        lock.lock();
        try {
            hearing = connection;
            isHearing = true;
            changed.signalAll();
            return !isClosed;
        } finally {
            lock.unlock();
        }
    }

    private void end(Connection connection) {
        lock.lock();
        try {
            hearing = null;
            isHearing = false;
        } finally {
            lock.unlock();
        }
        if (connector.isBorrowed() && notifies) {
            try (Statement statement = connection.createStatement()) {
                statement.execute("UNLISTEN *");
            } catch (SQLException e) {
                // It is broken.
            }
        }
        Connector.close(connection);
    }

    private void hear(Session session, @Nullable PGConnection notices) throws SQLException {
        Set<String> words = Set.of(EVERYTHING);
        long looked = System.nanoTime();
        long swept = looked;
        long interval = SOON_NANOS;
        boolean isUntold = true;
        while (true) {
            boolean isNew = look(session, words, isUntold);
            long now = System.nanoTime();
            if (now - swept >= SWEEP_NANOS) {
                swept = now;
                isNew |= sweep(session);
            }
            if (words.contains(EVERYTHING)) {
                looked = now;
            }
            if (isClosed()) {
                return;
            }
            if (notices == null) {
                interval = isNew ? SOON_NANOS : Math.min(LATE_NANOS, 2 * interval);
                interval = awaitBusy(interval);
                look(session, takeOwn(), false);
                words = Set.of(EVERYTHING);
            } else {
                long wait = Math.max(1_000_000, Math.min(LOOK_NANOS - (now - looked), isSweeping()
                        ? SWEEP_NANOS
                        : LOOK_NANOS));
                words = heard(notices, wait);
                isUntold = words.isEmpty();
                if (isUntold && System.nanoTime() - looked >= LOOK_NANOS) {
                    words = Set.of(EVERYTHING);
                }
            }
        }
    }

    /** Waits, at most for a time, until this object has committed something; returns the next interval. */
    private long awaitBusy(long interval) {
        lock.lock();
        try {
            for (long rest = interval; rest > 0 && !isClosed && !isBusy;) {
                rest = changed.awaitNanos(rest);
            }
            long next = isBusy ? SOON_NANOS : interval;
            isBusy = false;
            return next;
        } catch (InterruptedException e) {
            return interval;
        } finally {
            lock.unlock();
        }
    }

    private Set<String> takeOwn() {
        lock.lock();
        try {
            Set<String> words = Set.copyOf(own);
            own.clear();
            return words;
        } finally {
            lock.unlock();
        }
    }

    private static Set<String> heard(PGConnection connection, long nanos) throws SQLException {
        PGNotification[] notices = connection.getNotifications((int) Math.max(1, NANOSECONDS.toMillis(nanos)));
        if (notices == null || notices.length == 0) {
            return Set.of();
        }
        Set<String> words = new HashSet<>();
        for (PGNotification notice : notices) {
            words.addAll(List.of(notice.getParameter().split(" ")));
        }
        return words;
    }

    /**
     * Looks for what some words are about, and tells the listeners.
     *
     * @param isUntold whether nobody has said that there is work
     * @return whether there was something new
     */
    private boolean look(Session session, Set<String> words, boolean isUntold) throws SQLException {
        if (words.isEmpty()) {
            return false;
        }
        boolean isNew = false;
        Step step = null;
        for (Listening each : listenings) {
            int about = about(each, words);
            BrokerListener.Interest interest = each.interest;
            if ((about & WORK) != 0 && !interest.queues().isEmpty()) {
                boolean isReady = true;
                if (isUntold) {
                    step = step != null ? step : new Step(session, dialect);
                    isReady = Lookup.hasReady(step, interest.queues());
                    isNew |= isReady && !each.hadReady;
                    each.hadReady = isReady;
                }
                if (isReady) {
                    each.call(BrokerListener::workMayBeReady);
                }
            }
            if ((about & WORKER) != 0 && interest.worker() != null) {
                step = step != null ? step : new Step(session, dialect);
                isNew |= each.orders(step, interest.worker());
            }
            if ((about & ENDS) != 0 && interest.replyTo() != null) {
                boolean isEnd = each.newEnds(session, interest.replyTo());
                isNew |= isEnd || each.lateEnds(session, interest.replyTo());
            }
        }
        return isNew;
    }

    private static int about(Listening listening, Set<String> words) {
        if (words.contains(EVERYTHING)) {
            return ALL;
        }
        int about = (words.contains("Q") ? WORK : 0) | (words.contains("W") ? WORKER : 0);
        for (String word : listening.words) {
            if (words.contains(word)) {
                about |= switch (word.charAt(0)) {
                    case 'q' -> WORK;
                    case 'a' -> ENDS;
                    default -> WORKER;
                };
            }
        }
        return about;
    }

    private boolean isSweeping() {
        for (Listening each : listenings) {
            if (!each.marks.isEmpty()) {
                return true;
            }
        }
        return false;
    }

    private boolean sweep(Session session) throws SQLException {
        boolean isNew = false;
        for (Listening each : listenings) {
            if (!each.marks.isEmpty() && each.interest.replyTo() != null) {
                isNew |= each.lateEnds(session, each.interest.replyTo());
            }
        }
        return isNew;
    }

    /** Ends the thread; no listener is called any more. */
    @Override
    public void close() {
        Thread ending;
        Connection connection;
        lock.lock();
        try {
            isClosed = true;
            changed.signalAll();
            ending = thread;
            connection = hearing;
        } finally {
            lock.unlock();
        }
        listenings.forEach(Listening::end);
        listenings.clear();
        if (connection != null) {
            try {
                connection.abort(Runnable::run); // it waits for notices
            } catch (SQLException e) {
                // It ends by itself, after a while.
            }
        }
        boolean wasInterrupted = false;
        long deadline = System.nanoTime() + HEARD_NANOS;
        while (ending != null && ending != Thread.currentThread() && ending.isAlive()
                && System.nanoTime() - deadline < 0) {
            try {
                NANOSECONDS.timedJoin(ending, Math.max(1_000_000, deadline - System.nanoTime()));
            } catch (InterruptedException e) {
                wasInterrupted = true;
            }
        }
        if (wasInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public String toString() {
        return name + ", " + listenings.size() + " listeners" + (notifies ? "" : ", polling");
    }
}
