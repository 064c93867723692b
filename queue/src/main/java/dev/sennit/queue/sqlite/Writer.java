package dev.sennit.queue.sqlite;

import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.sql.Session;
import dev.sennit.queue.sql.Step;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The one thread of a broker that writes. Those who call hand it their operations; it runs as many as wait in one
 * transaction, and answers them after the commit: so many callers share one. If an operation fails, nothing of that
 * transaction is kept, and each of them is run again in one of its own.
 */
final class Writer implements AutoCloseable {
    /** How many operations share a transaction at most. */
    private static final int MOST = 200;

    interface Operation<T> {
        T run(Step step) throws SQLException;
    }

    /** Is called in the transaction, after all operations, and again after the commit. */
    interface Teller {
        /** Notes whom to tell. */
        void prepare(Session session, Step step) throws SQLException;

        /** Tells them. */
        void tell(Step step);
    }

    private static final class Request<T> {
        final Operation<T> operation;
        final CompletableFuture<T> answer = new CompletableFuture<>();
        /** Set by the writer before it answers. */
        private T result;

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
    }

    private final Database database;
    private final SqliteDialect dialect;
    private final WriteLock lock;
    private final Teller teller;
    private final LinkedBlockingQueue<Request<?>> requests = new LinkedBlockingQueue<>();
    private final ReentrantLock closing = new ReentrantLock();
    private final Thread thread;
    // guarded by closing
    private boolean isClosed;
    // only the writer's thread
    private final Connection connection;
    private final Session session;

    Writer(Database database, SqliteDialect dialect, WriteLock lock, Connection connection, Teller teller) {
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
        var request = new Request<>(operation);
        closing.lock();
        try {
            if (isClosed) {
                throw new IllegalStateException("the broker " + database.name + " is closed");
            }
            requests.add(request);
        } finally {
            closing.unlock();
        }
        try {
            return request.answer.join();
        } catch (CompletionException e) {
            throw passed(e.getCause() == null ? e : e.getCause());
        }
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
        try {
            while (true) {
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
        } catch (InterruptedException e) {
            throw new AssertionError("nobody interrupts the writer", e);
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
        boolean isDone = error instanceof BrokerException broker && broker.isDoubtful();
        for (Request<?> request : group) {
            Throwable own = group.size() == 1 || isDone ? error : attempt(List.of(request));
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
        try {
            lock.run(() -> {
                try {
                    done.step = transaction(group);
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
        group.forEach(Request::answer);
        teller.tell(done.step);
        return null;
    }

    private Step transaction(List<Request<?>> group) {
        database.ensureSame(false);
        boolean isCommit = false;
        Step step;
        try {
            Transaction.begin(connection);
            step = new Step(session, dialect);
            for (Request<?> request : group) {
                request.run(step);
            }
            step.finish();
            teller.prepare(session, step);
            isCommit = true;
            Transaction.commit(connection);
        } catch (SQLException e) {
            undo();
            throw SqliteErrors.of(database.name, e, isCommit);
        } catch (RuntimeException | Error e) {
            undo();
            throw e;
        }
        database.ensureSame(true);
        return step;
    }

    private void undo() {
        session.forget();
        Transaction.rollBack(connection);
    }

    private static final Operation<Boolean> CLOSE = _ -> true;

    /** Runs what waits, and ends the thread. */
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
        boolean wasInterrupted = false;
        while (thread != Thread.currentThread() && thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                wasInterrupted = true;
            }
        }
        if (wasInterrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
