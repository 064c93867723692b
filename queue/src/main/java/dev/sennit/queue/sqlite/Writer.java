package dev.sennit.queue.sqlite;

import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.sql.Session;
import dev.sennit.queue.sql.Step;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The one thread of a broker that writes. Those who call hand it their operations; it runs as many as wait in one
 * transaction, and answers them after the commit: so many callers share one. If an operation fails, nothing of that
 * transaction is kept, and each of them is run again in one of its own, unless that would fail as well.
 *
 * <p>Callers wait for some time only: what has not begun by then is not done, and what has begun is in doubt.
 */
final class Writer implements AutoCloseable {
    /** How many operations share a transaction at most. */
    private static final int MOST = 200;
    /** How long a caller waits: a lock of another program ends earlier. */
    static final Duration LIMIT = Database.PATIENCE.plusSeconds(15);

    private static final System.Logger LOG = System.getLogger("dev.sennit");

    private enum State {
        WAITING, BEGUN, GIVEN_UP
    }

    interface Operation<T> {
        T run(Step step) throws SQLException;
    }

    /** Is called in the transaction, after all operations, and again after the commit. */
    interface Teller {
        /** Notes whom to tell. */
        void prepare(Session session, Step step) throws SQLException;

        /** Tells them. */
        void tell(Step step);

        /** What was prepared was not committed. */
        void undone();
    }

    private static final class Request<T> {
        final Operation<T> operation;
        final CompletableFuture<T> answer = new CompletableFuture<>();
        /** Set by the writer before it answers. */
        private T result;
        private final AtomicReference<State> state = new AtomicReference<>(State.WAITING);

        @SuppressWarnings("NullAway") // the result is there when it is read
        Request(Operation<T> operation) {
            this.operation = operation;
        }

        void run(Step step) throws SQLException {
            result = operation.run(step);
        }

        void answer() {
            answer.complete(result);
        }

        /** Returns whether somebody waits for it still. */
        boolean begin() {
            return state.compareAndSet(State.WAITING, State.BEGUN) || state.get() == State.BEGUN;
        }

        /** Notes that nothing was done. */
        void undo() {
            state.compareAndSet(State.BEGUN, State.WAITING);
        }

        /** Returns whether it may be done nevertheless. */
        boolean giveUp() {
            return state.getAndSet(State.GIVEN_UP) == State.BEGUN;
        }
    }

    private final Database database;
    private final SqliteDialect dialect;
    private final WriteLock lock;
    private final Teller teller;
    private final LinkedBlockingQueue<Request<?>> requests = new LinkedBlockingQueue<>();
    private final ReentrantLock closing = new ReentrantLock();
    private final Thread thread;
    private final Duration limit;
    // guarded by closing
    private boolean isClosed;
    private @Nullable Throwable end;
    // only the writer's thread
    private final Connection connection;
    private final Session session;

    Writer(Database database, SqliteDialect dialect, WriteLock lock, Connection connection, Teller teller,
            Duration limit) {
        this.limit = limit;
        this.database = database;
        this.dialect = dialect;
        this.lock = lock;
        this.connection = connection;
        this.teller = teller;
        session = new Session(connection, dialect);
        thread = Thread.ofPlatform().daemon().name("sennit-sqlite-writer").unstarted(this::loop);
        thread.start();
    }

    /** Has an operation run, and waits for its commit. */
    <T> T run(Operation<T> operation) {
        return run(operation, limit);
    }

    <T> T run(Operation<T> operation, Duration most) {
        var request = new Request<>(operation);
        closing.lock();
        try {
            if (end != null) {
                throw ended(end, false);
            }
            if (isClosed) {
                throw new IllegalStateException("the broker " + database.name + " is closed");
            }
            requests.add(request);
        } finally {
            closing.unlock();
        }
        return await(request, most);
    }

    private <T> T await(Request<T> request, Duration most) {
        long until = System.nanoTime() + most.toNanos();
        boolean wasInterrupted = false;
        try {
            while (true) {
                try {
                    return request.answer.get(until - System.nanoTime(), TimeUnit.NANOSECONDS);
                } catch (InterruptedException e) {
                    wasInterrupted = true;
                } catch (ExecutionException e) {
                    throw passed(e.getCause() == null ? e : e.getCause());
                } catch (TimeoutException e) {
                    boolean isDoubtful = request.giveUp();
                    if (request.answer.isDone()) {
                        continue;
                    }
                    throw new BrokerException(BrokerException.Kind.UNAVAILABLE, isDoubtful,
                            database.name + " did not " + (isDoubtful ? "finish" : "begin") + " an operation within "
                                    + most.toSeconds() + " s: look for a stopped program that uses it, or a disk that"
                                    + " hangs",
                            e);
                }
            }
        } finally {
            if (wasInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private BrokerException ended(Throwable error, boolean isDoubtful) {
        return new BrokerException(BrokerException.Kind.UNAVAILABLE, isDoubtful,
                database.name + " cannot be written any more, its thread has ended (" + error + "): open it again",
                error);
    }

    /** An exception of the writer's thread, with the stack of the caller too. */
    private RuntimeException passed(Throwable error) {
        return switch (error) {
            case BrokerException e -> new BrokerException(e.kind(), e.isDoubtful(), String.valueOf(e.getMessage()), e);
            case IllegalArgumentException e -> new IllegalArgumentException(e.getMessage(), e);
            case Error e -> throw e;
            default -> SqliteErrors.unreadable(database.name, error);
        };
    }

    private void loop() {
        List<Request<?>> group = new ArrayList<>();
        Throwable error = new IllegalStateException("it was closed");
        try {
            while (!Thread.interrupted()) {
                group.add(requests.take());
                requests.drainTo(group, MOST - 1);
                boolean isLast = group.removeIf(request -> request.operation == CLOSE);
                if (!group.isEmpty()) {
                    run(group);
                }
                group.clear();
                if (isLast) {
                    return;
                }
            }
        } catch (Throwable e) { // all callers would wait for ever
            error = e;
            LOG.log(System.Logger.Level.ERROR, database.name + " - cannot be written any more", e);
        } finally {
            end(error, group);
        }
    }

    /** Tells all who wait that nobody runs their operations. */
    private void end(Throwable error, List<Request<?>> group) {
        closing.lock();
        try {
            if (!isClosed) {
                isClosed = true;
                end = error;
            }
        } finally {
            closing.unlock();
        }
        try {
            group.forEach(request -> request.answer.completeExceptionally(ended(error, true)));
            for (Request<?> request = requests.poll(); request != null; request = requests.poll()) {
                request.answer.completeExceptionally(ended(error, false));
            }
        } finally {
            session.close();
            try {
                connection.close();
            } catch (SQLException e) {
                // The file is as it was committed last.
            }
        }
    }

    private void run(List<Request<?>> group) {
        Throwable error = attempt(group);
        if (error == null) {
            return;
        }
        boolean isOfAll = group.size() == 1 || !SqliteErrors.isOfOperation(error);
        for (Request<?> request : group) {
            Throwable own = isOfAll ? error : attempt(List.of(request));
            if (own != null) {
                request.answer.completeExceptionally(own);
            }
        }
    }

    /** Runs operations in one transaction and answers them; or returns why not, and then nothing has happened. */
    private @Nullable Throwable attempt(List<Request<?>> group) {
        var done = new Object() {
            @Nullable Step step;
            @Nullable Throwable error;
        };
        List<Request<?>> wanted = new ArrayList<>();
        try {
            lock.run(() -> {
                try {
                    done.step = transaction(group, wanted);
                } catch (Throwable e) { // the thread of all callers; each is told
                    done.error = e;
                }
            });
        } catch (IOException e) {
            return new BrokerException(BrokerException.Kind.UNAVAILABLE, false,
                    database.name + " cannot be locked: " + e.getMessage(), e);
        }
        if (done.step == null) {
            return done.error;
        }
        wanted.forEach(Request::answer);
        try {
            teller.tell(done.step);
        } catch (RuntimeException | Error e) {
            // Those who listen look by themselves.
            LOG.log(System.Logger.Level.WARNING, database.name + " - cannot tell what has changed", e);
        }
        return null;
    }

    private Step transaction(List<Request<?>> group, List<Request<?>> wanted) {
        database.ensureSame(false);
        boolean isCommit = false;
        Step step;
        try {
            Transaction.begin(connection);
            step = new Step(session, dialect);
            for (Request<?> request : group) {
                if (request.begin()) {
                    wanted.add(request);
                    request.run(step);
                }
            }
            step.finish();
            teller.prepare(session, step);
            isCommit = true;
            Transaction.commit(connection);
        } catch (SQLException e) {
            BrokerException error = SqliteErrors.of(database.name, e, isCommit);
            undo(error.isDoubtful() ? List.of() : wanted);
            throw error;
        } catch (RuntimeException | Error e) {
            undo(wanted);
            throw e;
        }
        database.ensureSame(true);
        return step;
    }

    private void undo(List<Request<?>> begun) {
        session.forget();
        Transaction.rollBack(connection);
        teller.undone();
        begun.forEach(Request::undo);
    }

    private static final Operation<Boolean> CLOSE = _ -> true;

    /** Runs what waits, and ends the thread; a thread that hangs ends when it can. */
    @Override
    public void close() {
        closing.lock();
        try {
            if (isClosed) {
                return;
            }
            isClosed = true;
            requests.add(new Request<>(CLOSE));
        } finally {
            closing.unlock();
        }
        join(thread, limit);
    }

    /** Waits for the end of a thread, for some time; an interrupt stays for the caller. */
    static void join(Thread thread, Duration most) {
        long until = System.nanoTime() + most.toNanos();
        boolean wasInterrupted = false;
        while (thread != Thread.currentThread() && thread.isAlive() && System.nanoTime() < until) {
            try {
                thread.join(Duration.ofNanos(Math.max(1, until - System.nanoTime())));
            } catch (InterruptedException e) {
                wasInterrupted = true;
            }
        }
        if (wasInterrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
