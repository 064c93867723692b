package dev.sennit.queue.postgresql;

import static java.util.concurrent.TimeUnit.NANOSECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;

import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.sql.Session;
import dev.sennit.queue.sql.Step;
import dev.sennit.queue.sql.Wakes;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The connections of a broker, each with the one thread that uses it: so a caller that is interrupted breaks none.
 *
 * <p><b>Requests</b> wait in one line; a lane takes the first one, and with it those of the same {@link Kind}: they are
 * done as one operation, in one transaction. So callers share commits, each of which waits for the disk, and locks are
 * still taken in the order that the operation keeps. Lanes start when they are needed.
 *
 * <p><b>Failures.</b> A transaction that others were in the way of is repeated. One whose connection broke before its
 * commit has not happened, and is repeated on another connection. If it broke during the commit, only what may happen
 * twice is repeated; else the caller hears that it is in doubt. If a shared operation fails for another reason, each of
 * the requests is tried by itself.
 */
final class Lanes implements AutoCloseable {
    /** How long a caller waits until a lane begins with its request. */
    private static final int PATIENCE_SECONDS = 60;
    /** How often a transaction is repeated that others were in the way of. */
    private static final int MOST_CONFLICTS = 20;
    private static final int MOST_SHARED_CONFLICTS = 3;
    private static final long PAUSE_NANOS = 2_000_000;
    /** How often a transaction is tried on another connection. */
    private static final int MOST_BREAKS = 3;
    private static final long[] BREAK_PAUSES = {0, 50_000_000, 200_000_000};
    /** After how long without work a connection of a pool is given back. */
    private static final long IDLE_NANOS = SECONDS.toNanos(1);
    private static final int CLOSE_SECONDS = 30;

    /** An operation. */
    interface Operation<T> {
        T run(Step step) throws SQLException;
    }

    /** An operation for several callers. */
    interface Shared<A, R> {
        List<R> run(Step step, List<A> arguments) throws SQLException;
    }

    /** An operation in few round trips, for arguments that need no more. */
    interface Short<A, R> {
        /** Returns null if the operation has to be done in the long way; then it has changed nothing. */
        @Nullable List<R> run(Session session, List<A> arguments, Wakes wakes) throws SQLException;
    }

    /** A short operation, which is not tried for a while after it has not been enough. */
    static final class Shortcut<A, R> {
        /** How often the long way is taken then: what stands in the way is there for some time. */
        private static final int REST = 20;

        private final Predicate<List<A>> fits;
        private final boolean commits;
        private final Short<A, R> run;
        private final AtomicInteger rest = new AtomicInteger();

        /**
         * Makes one.
         *
         * @param fits whether it is tried for some arguments
         * @param commits whether it also commits
         * @param run does it
         */
        Shortcut(Predicate<List<A>> fits, boolean commits, Short<A, R> run) {
            this.fits = fits;
            this.commits = commits;
            this.run = run;
        }

        private boolean fits(List<A> arguments) {
            return fits.test(arguments)
                    && (rest.get() == 0 || rest.getAndUpdate(left -> Math.max(0, left - 1)) == 0);
        }

        private @Nullable List<R> run(Session session, List<A> arguments, Wakes wakes) throws SQLException {
            List<R> results = run.run(session, arguments, wakes);
            if (results == null) {
                rest.set(REST);
            }
            return results;
        }
    }

    /**
     * What can be asked for.
     *
     * @param dialect of the transaction
     * @param isRepeatable whether it may happen twice
     * @param most how much is done in one transaction, as {@code size} counts it
     * @param size how much an argument is
     * @param shared does it
     * @param shortcut does it for most arguments, or null
     */
    record Kind<A, R>(PostgresqlDialect dialect, boolean isRepeatable, int most, ToIntFunction<A> size,
            Shared<A, R> shared, @Nullable Shortcut<A, R> shortcut) {
        int sizeOf(Request<?, ?> request) {
            @SuppressWarnings("unchecked") // it is of this kind
            A argument = (A) request.argument;
            return size.applyAsInt(argument);
        }

        List<R> run(Step step, List<Request<?, ?>> group) throws SQLException {
            return shared.run(step, arguments(group));
        }

        boolean isShort(List<Request<?, ?>> group) {
            return shortcut != null && shortcut.fits(arguments(group));
        }

        /** Returns null if it is to be done in the long way. */
        @Nullable List<R> runShort(Session session, List<Request<?, ?>> group, Wakes wakes) throws SQLException {
            return shortcut == null ? null : shortcut.run(session, arguments(group), wakes);
        }

        private List<A> arguments(List<Request<?, ?>> group) {
            List<A> arguments = new ArrayList<>(group.size());
            for (Request<?, ?> request : group) {
                @SuppressWarnings("unchecked") // it is of this kind
                A argument = (A) request.argument;
                arguments.add(argument);
            }
            return arguments;
        }
    }

    /** Is told of transactions. */
    interface Teller {
        /** Commits a transaction, and has the database tell others of it. */
        void commit(Connection connection, Wakes wakes) throws SQLException;

        /** Is called after the commit. */
        void committed(Wakes wakes);
    }

    private static final class Request<A, R> {
        final Kind<A, R> kind;
        final A argument;
        final CompletableFuture<R> answer = new CompletableFuture<>();
        /** Set by the lane that takes it, or by its caller that has waited for too long. */
        final AtomicBoolean isTaken = new AtomicBoolean();

        Request(Kind<A, R> kind, A argument) {
            this.kind = kind;
            this.argument = argument;
        }

        @SuppressWarnings("unchecked") // the kind has made it
        void answer(Object result) {
            answer.complete((R) result);
        }
    }

    private final Connector connector;
    private final PostgresqlDialect dialect;
    private final PostgresqlErrors errors;
    private final String name;
    private final int most;
    private final Teller teller;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition coming = lock.newCondition();
    // guarded by lock
    private final ArrayDeque<Request<?, ?>> requests = new ArrayDeque<>();
    private final List<Lane> lanes = new ArrayList<>();
    private int idle;
    private boolean isClosed;

    Lanes(Connector connector, PostgresqlDialect dialect, PostgresqlErrors errors, String name, int most,
            Teller teller) {
        this.connector = connector;
        this.dialect = dialect;
        this.errors = errors;
        this.name = name;
        this.most = most;
        this.teller = teller;
    }

    /** Has an operation run by itself. */
    <R> R run(PostgresqlDialect mode, boolean isRepeatable, Operation<R> operation) {
        return run(new Kind<Operation<R>, R>(mode, isRepeatable, 1, _ -> 1,
                (step, alone) -> List.of(alone.getFirst().run(step)), null), operation);
    }

    /** Has an operation run, perhaps together with others. */
    <A, R> R run(Kind<A, R> kind, A argument) {
        var request = new Request<>(kind, argument);
        lock.lock();
        try {
            ensureOpen();
            requests.add(request);
            if (idle > 0) {
                coming.signal();
            } else if (lanes.size() < most) {
                var lane = new Lane(lanes.size() + 1);
                lanes.add(lane);
                lane.thread.start();
            }
        } finally {
            lock.unlock();
        }
        return await(request);
    }

    /** Checks that the broker is not closed. */
    void ensureNotClosed() {
        lock.lock();
        try {
            ensureOpen();
        } finally {
            lock.unlock();
        }
    }

    private void ensureOpen() {
        if (isClosed) {
            throw new IllegalStateException("the broker " + name + " is closed");
        }
    }

    /** A lane that has taken the request answers in bounded time. */
    private <R> R await(Request<?, R> request) {
        boolean wasInterrupted = false;
        long deadline = System.nanoTime() + SECONDS.toNanos(PATIENCE_SECONDS);
        try {
            while (true) {
                long rest = deadline - System.nanoTime();
                try {
                    return rest > 0 ? request.answer.get(rest, NANOSECONDS) : request.answer.get();
                } catch (InterruptedException e) {
                    wasInterrupted = true;
                } catch (TimeoutException e) {
                    if (request.isTaken.compareAndSet(false, true)) {
                        throw errors.of(BrokerException.Kind.UNAVAILABLE, false, " had no connection free for "
                                + PATIENCE_SECONDS + " s: nothing was changed, try again, or allow more connections",
                                null);
                    }
                } catch (ExecutionException | CompletionException e) {
                    throw passed(e.getCause() == null ? e : e.getCause());
                }
            }
        } finally {
            if (wasInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** An exception of a lane's thread, with the stack of the caller too. */
    private RuntimeException passed(Throwable error) {
        return switch (error) {
            case BrokerException e -> new BrokerException(e.kind(), e.isDoubtful(), String.valueOf(e.getMessage()), e);
            case IllegalArgumentException e -> new IllegalArgumentException(e.getMessage(), e);
            case IllegalStateException e -> new IllegalStateException(e.getMessage(), e);
            case Error e -> throw e;
            default -> errors.unreadable(error);
        };
    }

    /** One connection and its thread. */
    private final class Lane {
        final Thread thread;
        // only the thread
        private @Nullable Connection connection;
        private @Nullable Session session;

        Lane(int number) {
            thread = Thread.ofPlatform().daemon().name("sennit-postgresql-" + number).unstarted(this::serve);
        }

        private void serve() {
            try {
                for (List<Request<?, ?>> group = next(); !group.isEmpty(); group = next()) {
                    try {
                        run(group);
                    } catch (Throwable e) { // each caller has to hear something
                        group.forEach(request -> request.answer.completeExceptionally(e));
                    }
                }
            } finally {
                drop();
            }
        }

        /** Waits for requests and takes some of one kind; none if this lane is to end. */
        private List<Request<?, ?>> next() {
            lock.lock();
            try {
                while (true) {
                    List<Request<?, ?>> group = take();
                    if (!group.isEmpty() || isClosed) {
                        return group;
                    }
                    idle++;
                    try {
                        if (connector.isBorrowed() && connection != null) {
                            if (coming.awaitNanos(IDLE_NANOS) <= 0 && requests.isEmpty()) {
                                drop();
                            }
                        } else {
                            coming.awaitUninterruptibly();
                        }
                    } catch (InterruptedException e) {
                        // Nobody has a reason to interrupt a lane; it goes on.
                    } finally {
                        idle--;
                    }
                }
            } finally {
                lock.unlock();
            }
        }

        private List<Request<?, ?>> take() {
            List<Request<?, ?>> group = new ArrayList<>();
            int size = 0;
            for (Iterator<Request<?, ?>> all = requests.iterator(); all.hasNext();) {
                Request<?, ?> each = all.next();
                if (group.isEmpty() || each.kind == group.getFirst().kind && size < each.kind.most()) {
                    all.remove();
                    if (each.isTaken.compareAndSet(false, true)) {
                        group.add(each);
                        size += each.kind.sizeOf(each);
                    }
                }
                if (!group.isEmpty() && size >= group.getFirst().kind.most()) {
                    break;
                }
            }
            return group;
        }

        /** Answers each request of a group. */
        private void run(List<Request<?, ?>> group) {
            Throwable error = attempt(group);
            if (error == null) {
                return;
            }
            boolean isForAll = group.size() == 1 || error instanceof BrokerException broker
                    && (broker.isDoubtful() || broker.kind() == BrokerException.Kind.UNAVAILABLE)
                    && !(broker.getCause() instanceof SQLException e && PostgresqlErrors.isConflict(e));
            for (Request<?, ?> request : group) {
                Throwable own = isForAll ? error : attempt(List.of(request));
                if (own != null) {
                    request.answer.completeExceptionally(own);
                }
            }
        }

        /** Does what is asked for and answers; or returns why not. */
        private @Nullable Throwable attempt(List<Request<?, ?>> group) {
            Kind<?, ?> kind = group.getFirst().kind;
            boolean isInDoubt = false;
            int breaks = 0;
            for (int conflicts = 0;;) {
                boolean[] isCommit = {false};
                try {
                    transaction(kind, group, isCommit);
                    return null;
                } catch (SQLException e) {
                    undo(e);
                    if (PostgresqlErrors.isConflict(e)
                            && ++conflicts <= (group.size() == 1 ? MOST_CONFLICTS : MOST_SHARED_CONFLICTS)) {
                        LockSupport.parkNanos(ThreadLocalRandom.current().nextLong(PAUSE_NANOS * conflicts));
                        continue;
                    }
                    boolean isBroken = PostgresqlErrors.isBroken(e);
                    isInDoubt |= isBroken && isCommit[0];
                    if (isBroken && (!isInDoubt || kind.isRepeatable()) && ++breaks < MOST_BREAKS) {
                        LockSupport.parkNanos(BREAK_PAUSES[breaks]);
                        continue;
                    }
                    return errors.of(e, isInDoubt);
                } catch (RuntimeException | Error e) {
                    undo(null);
                    return e;
                }
            }
        }

        private void transaction(Kind<?, ?> kind, List<Request<?, ?>> group, boolean[] isCommit) throws SQLException {
            Connection own = connection;
            Session open = session;
            if (own == null || open == null) {
                own = connector.connect(true);
                open = new Session(own, dialect);
                connection = own;
                session = open;
            }
            if (kind.dialect().isReading()) {
                try (Statement statement = own.createStatement()) {
                    statement.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
                }
            }
            Shortcut<?, ?> shortcut = kind.shortcut();
            if (shortcut != null && kind.isShort(group)) {
                var wakes = new Wakes();
                isCommit[0] = shortcut.commits;
                List<?> results = kind.runShort(open, group, wakes);
                if (results != null) {
                    finish(own, group, results, wakes, shortcut.commits, isCommit);
                    return;
                }
                isCommit[0] = false;
                own.rollback();
            }
            var step = new Step(open, kind.dialect());
            List<?> results = kind.run(step, group);
            step.finish();
            finish(own, group, results, step.wakes(), false, isCommit);
        }

        private void finish(Connection own, List<Request<?, ?>> group, List<?> results, Wakes wakes,
                boolean isCommitted, boolean[] isCommit) throws SQLException {
            isCommit[0] = true;
            if (!isCommitted) {
                teller.commit(own, wakes);
            }
            for (int i = 0; i < group.size(); i++) {
                group.get(i).answer(results.get(i));
            }
            teller.committed(wakes);
        }

        /** Ends the transaction that has failed, and the connection too unless it is known to be whole. */
        private void undo(@Nullable SQLException error) {
            Connection own = connection;
            Session open = session;
            if (own == null || open == null) {
                return;
            }
            try {
                if (error == null || !PostgresqlErrors.isBroken(error)) {
                    open.forget();
                    own.rollback();
                    return;
                }
            } catch (SQLException e) {
                // It is broken.
            }
            drop();
        }

        private void drop() {
            Connection own = connection;
            if (session != null) {
                session.close();
            }
            session = null;
            connection = null;
            if (own != null) {
                Connector.close(own);
            }
        }
    }

    /** Does what was asked for, and ends the lanes. */
    @Override
    public void close() {
        List<Lane> all;
        lock.lock();
        try {
            isClosed = true;
            coming.signalAll();
            all = List.copyOf(lanes);
        } finally {
            lock.unlock();
        }
        boolean wasInterrupted = false;
        long deadline = System.nanoTime() + SECONDS.toNanos(CLOSE_SECONDS);
        for (Lane lane : all) {
            while (lane.thread != Thread.currentThread() && lane.thread.isAlive()
                    && System.nanoTime() - deadline < 0) {
                try {
                    NANOSECONDS.timedJoin(lane.thread, Math.max(1_000_000, deadline - System.nanoTime()));
                } catch (InterruptedException e) {
                    wasInterrupted = true;
                }
            }
        }
        if (wasInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public String toString() {
        lock.lock();
        try {
            return name + ", " + lanes.size() + " of " + most + " lanes, " + requests.size() + " requests wait";
        } finally {
            lock.unlock();
        }
    }
}
