package dev.sennit.queue.sqlite;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerEvent;
import dev.sennit.queue.broker.BrokerException;
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
import dev.sennit.queue.broker.TransactionalEnqueue;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.broker.WorkerReport;
import dev.sennit.queue.sql.Lookup;
import dev.sennit.queue.sql.Schema;
import dev.sennit.queue.sql.Session;
import dev.sennit.queue.sql.SqlStore;
import dev.sennit.queue.sql.Step;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The broker in an SQLite file, for the processes of one machine.
 *
 * <p>The file is in the mode WAL: those who read do not wait. All that changes something is done by one thread of this
 * object ({@link Writer}); all that only reads, on a connection of its own. {@link Wakeups} tells listeners.
 *
 * <p>With {@code sync=normal} a commit outlives the death of each process at once, and a power cut after some time, as
 * the system has written it; with {@code sync=full} a power cut at once.
 */
final class SqliteBroker implements Broker, TransactionalEnqueue {
    /** How many parts of a long operation share a transaction. */
    private static final int PARTS = 10;

    private final Database database;
    private final InstantSource clock;
    private final SqliteDialect dialect;
    private final SqlStore store = new SqlStore();
    private final WriteLock writeLock;
    private final Writer writer;
    private final Wakeups wakeups;
    private final ReentrantLock readLock = new ReentrantLock();
    // guarded by readLock
    private final Connection reader;
    private final Session reading;
    /** Written under readLock. */
    private volatile boolean isClosed;

    private SqliteBroker(Database database, InstantSource clock, Schema schema, Duration limit)
            throws SQLException, IOException {
        this.database = database;
        this.clock = clock;
        dialect = new SqliteDialect(clock);
        writeLock = WriteLock.of(database.path);
        Connection writing = null;
        Connection opened = null;
        try {
            writing = open(schema);
            opened = database.reader();
            reader = opened;
            reading = new Session(reader, dialect);
            wakeups = new Wakeups(database, dialect);
            writer = new Writer(database, dialect, writeLock, writing, wakeups, limit);
        } catch (SQLException | IOException | RuntimeException | Error e) { // a thread may not start
            if (opened != null) {
                opened.close();
            }
            if (writing != null) {
                writing.close();
            }
            writeLock.close();
            throw e;
        }
        wakeups.writer(writer);
    }

    private Connection open(Schema schema) throws SQLException, IOException {
        var opened = new Object() {
            @Nullable Connection connection;
            @Nullable SQLException error;
        };
        writeLock.run(() -> {
            try {
                opened.connection = database.create(dialect, schema);
            } catch (SQLException e) {
                opened.error = e;
            }
        });
        if (opened.connection == null) {
            throw Objects.requireNonNull(opened.error);
        }
        return opened.connection;
    }

    /**
     * Opens a file, and creates it if it is not there.
     *
     * @param path the file
     * @param name the name of the broker, as it may be shown
     * @param isFull whether each commit waits for the disk
     * @param allowsNetwork whether the file may be on a network file system
     */
    static SqliteBroker open(Path path, String name, boolean isFull, boolean allowsNetwork) {
        return open(path, name, isFull, allowsNetwork, InstantSource.system(), new Schema(), Writer.LIMIT);
    }

    static SqliteBroker open(
            Path path, String name, boolean isFull, boolean allowsNetwork, InstantSource clock, Schema schema) {
        return open(path, name, isFull, allowsNetwork, clock, schema, Writer.LIMIT);
    }

    /** As {@link #open(Path, String, boolean, boolean)}; the limit is how long a caller waits for the writer. */
    static SqliteBroker open(Path path, String name, boolean isFull, boolean allowsNetwork, InstantSource clock,
            Schema schema, Duration limit) {
        var database = new Database(real(path), name, isFull, allowsNetwork);
        database.ensureUsable();
        try {
            return new SqliteBroker(database, clock, schema, limit);
        } catch (SQLException e) {
            throw SqliteErrors.of(name, e, false);
        } catch (IOException e) {
            throw new BrokerException(BrokerException.Kind.REFUSED, false,
                    name + " cannot be opened: a file beside it cannot be locked: " + e.getMessage(), e);
        }
    }

    /** One file has one name here, also if it is reached by links: SQLite names the files beside it by that. */
    private static Path real(Path path) {
        Path absolute = path.toAbsolutePath().normalize();
        try {
            Path folder = absolute.getParent();
            return Files.exists(absolute) || folder == null
                    ? absolute.toRealPath()
                    : folder.toRealPath().resolve(absolute.getFileName());
        } catch (IOException e) {
            return absolute;
        }
    }

    private <T> T read(Writer.Operation<T> operation) {
        readLock.lock();
        try {
            ensureOpen();
            database.ensureSame(false);
            try {
                Transaction.begin(reader);
                T result = operation.run(new Step(reading, dialect));
                Transaction.commit(reader);
                return result;
            } catch (SQLException e) {
                reading.forget();
                Transaction.rollBack(reader);
                throw SqliteErrors.of(database.name, e, false);
            } catch (RuntimeException e) {
                reading.forget();
                Transaction.rollBack(reader);
                throw SqliteErrors.unreadable(database.name, e);
            } catch (Error e) { // or the snapshot would stay, and the file would grow
                reading.forget();
                Transaction.rollBack(reader);
                throw e;
            }
        } finally {
            readLock.unlock();
        }
    }

    private void ensureOpen() {
        if (isClosed) {
            throw new IllegalStateException("the broker " + database.name + " is closed");
        }
    }

    /** Reads what shows the states of tasks, after those that are due were made ready. */
    private <T> T readStates(Writer.Operation<T> operation) {
        while (read(Lookup::hasDue)) {
            if (writer.run(store::awaken) == 0) {
                break;
            }
        }
        return read(operation);
    }

    @Override
    public String name() {
        return database.name;
    }

    @Override
    public Set<BrokerFeature> features() {
        return EnumSet.allOf(BrokerFeature.class);
    }

    @Override
    public List<Enqueued> enqueue(Batch batch) {
        batch.ensureWhole();
        ensureOpen();
        return batch.isEmpty() ? List.of() : writer.run(step -> store.enqueue(step, batch));
    }

    @Override
    public List<Enqueued> enqueue(Connection connection, Batch batch) {
        batch.ensureWhole();
        ensureOpen();
        try {
            if (connection.getAutoCommit()) {
                throw new IllegalStateException("the connection commits each statement: call setAutoCommit(false)");
            }
            try (var session = new Session(connection, dialect)) {
                ensureOurs(session);
                var step = new Step(session, dialect);
                List<Enqueued> enqueued = store.enqueue(step, batch);
                step.finish();
                return enqueued;
            }
        } catch (SQLException e) {
            throw SqliteErrors.of(database.name, e, false);
        }
    }

    private void ensureOurs(Session session) throws SQLException {
        String file = session.query("PRAGMA database_list").list(row -> row.getString(3)).getFirst();
        try {
            if (file == null || file.isEmpty() || !Files.isSameFile(Path.of(file), database.path)) {
                throw new IllegalArgumentException("the connection is not one to the file of " + database.name);
            }
        } catch (IOException e) {
            throw new IllegalArgumentException("the connection is not one to the file of " + database.name, e);
        }
    }

    @Override
    public Claimed claim(ClaimRequest request) {
        return writer.run(step -> store.claim(step, request));
    }

    @Override
    public List<LeaseState> extend(List<Renewal> renewals, Duration lease) {
        ensureOpen();
        return renewals.isEmpty() ? List.of() : writer.run(step -> store.extend(step, renewals, lease));
    }

    @Override
    public List<Boolean> complete(List<Completion> completions) {
        completions.forEach(each -> each.successors().ensureWhole());
        ensureOpen();
        return completions.isEmpty() ? List.of() : writer.run(step -> store.complete(step, completions));
    }

    @Override
    public List<Boolean> fail(List<Failure> failures) {
        ensureOpen();
        return failures.isEmpty() ? List.of() : writer.run(step -> store.fail(step, failures));
    }

    @Override
    public @Nullable TaskState cancel(String id) {
        return writer.run(step -> Optional.ofNullable(store.cancel(step, id))).orElse(null);
    }

    @Override
    public int cancelAll(String root) {
        return writer.run(step -> store.cancelAll(step, root));
    }

    @Override
    public int replay(TaskFilter filter, byte @Nullable [] payload) {
        return inParts(filter, (step, rest) -> store.replay(step, rest, payload));
    }

    @Override
    public int purge(TaskFilter filter) {
        return inParts(filter, store::purge);
    }

    private interface PartOperation {
        SqlStore.Part run(Step step, TaskFilter filter) throws SQLException;
    }

    /** Does as much in a transaction as leaves the others time to renew their leases. */
    private int inParts(TaskFilter filter, PartOperation operation) {
        return SqlStore.Part.all(filter, rest -> writer.run(step -> several(step, rest, operation)));
    }

    private static SqlStore.Part several(Step step, TaskFilter filter, PartOperation operation) throws SQLException {
        var sum = new SqlStore.Part(0, filter.after());
        for (int i = 0; i < PARTS; i++) {
            SqlStore.Part part = operation.run(step, i == 0 ? filter : filter.after(sum.last()));
            sum = new SqlStore.Part(sum.count() + part.count(), part.last());
            if (part.last() == null) {
                break;
            }
        }
        return sum;
    }

    @Override
    public List<TaskView> search(TaskFilter filter, int most) {
        return readStates(step -> Lookup.search(step, filter, most));
    }

    @Override
    public Optional<TaskView> find(String id) {
        return search(TaskFilter.ALL.ids(id), 1).stream().findFirst();
    }

    @Override
    public List<EndedTask> ended(Collection<String> ids) {
        ensureOpen();
        return ids.isEmpty() ? List.of() : read(step -> Lookup.ended(step, ids));
    }

    @Override
    public void pause(Scope scope) {
        change(step -> store.pause(step, scope, true));
    }

    @Override
    public void resume(Scope scope) {
        change(step -> store.pause(step, scope, false));
    }

    @Override
    public Set<Scope> paused() {
        return read(Lookup::paused);
    }

    @Override
    public void limit(String type, @Nullable Rate rate) {
        change(step -> store.limit(step, type, rate));
    }

    @Override
    public Map<String, Rate> limits() {
        return read(Lookup::limits);
    }

    @Override
    public List<QueueCounts> counts() {
        return readStates(Lookup::counts);
    }

    @Override
    public Optional<Duration> oldestReady(Collection<String> queues) {
        return readStates(step -> Lookup.oldestReady(step, queues));
    }

    @Override
    public Upkeep upkeep(Upkeep.Limits limits) {
        return writer.run(step -> store.upkeep(step, limits));
    }

    @Override
    public boolean putSchedule(ScheduleEntry entry, @Nullable ScheduleEntry before) {
        return writer.run(step -> store.putSchedule(step, entry, before));
    }

    @Override
    public boolean removeSchedule(String name) {
        return writer.run(step -> store.removeSchedule(step, name));
    }

    @Override
    public List<ScheduleEntry> schedules() {
        return read(Lookup::schedules);
    }

    @Override
    public Firing.Outcome fire(Firing firing) {
        new Batch(firing.tasks(), List.of()).ensureWhole();
        return writer.run(step -> store.fire(step, firing));
    }

    @Override
    public Instant now() {
        ensureOpen();
        return clock.instant();
    }

    @Override
    public void report(WorkerReport report) {
        change(step -> store.report(step, report));
    }

    @Override
    public void forget(String worker) {
        change(step -> store.forget(step, worker));
    }

    @Override
    public List<WorkerReport> workers() {
        return read(Lookup::workers);
    }

    @Override
    public void control(ControlMessage message) {
        change(step -> store.control(step, message));
    }

    @Override
    public Subscription subscribe(BrokerListener.Interest interest, BrokerListener listener) {
        return wakeups.subscribe(interest, listener);
    }

    @Override
    public void keepEvents(Duration time) {
        change(step -> store.keepEvents(step, time));
    }

    @Override
    public List<BrokerEvent> events(long after, int most) {
        return read(step -> Lookup.events(step, after, most));
    }

    private interface Change {
        void run(Step step) throws SQLException;
    }

    private void change(Change change) {
        writer.run(step -> {
            change.run(step);
            return true;
        });
    }

    @Override
    public void close() {
        wakeups.close();
        writer.close();
        wakeups.closeSending();
        readLock.lock();
        try {
            if (isClosed) {
                return;
            }
            isClosed = true;
            reading.close();
            reader.close();
            writeLock.close();
        } catch (SQLException | IOException e) {
            // What is committed is in the file.
        } finally {
            readLock.unlock();
        }
    }

    @Override
    public String toString() {
        return database.name;
    }
}
