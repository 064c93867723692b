package dev.sennit.queue.postgresql;

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
import dev.sennit.queue.sql.Shortcuts;
import dev.sennit.queue.sql.SqlStore;
import dev.sennit.queue.sql.Step;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * The broker in a PostgreSQL database, for workers on many machines.
 *
 * {@snippet :
 * import dev.sennit.queue.broker.*;
 * import dev.sennit.queue.postgresql.PostgresqlBroker;
 * import javax.sql.DataSource;
 *
 * record Orders(DataSource source) {
 *     void enqueue(QueuedTask task) {
 *         try (PostgresqlBroker broker = PostgresqlBroker.over(source)) { // or Broker.open("postgresql://...")
 *             broker.enqueue(Batch.of(task));
 *         }
 *     }
 * }
 * }
 *
 * <p>{@link Broker#open} takes {@code postgresql://USER:PASSWORD@HOST[:PORT]/DATABASE} and, after {@code ?}:
 *
 * <table>
 * <caption>Options</caption>
 * <tr><th>option</th><th>default</th><th>is</th></tr>
 * <tr><td>schema</td><td>sennit</td><td>the schema of the tables: several brokers share a database by that</td></tr>
 * <tr><td>connections</td><td>4</td><td>how many connections at most, one of them to hear of news</td></tr>
 * <tr><td>notify</td><td>on</td><td>off where a pooler such as PgBouncer gives each transaction to another connection:
 *   then this broker looks for news two to two hundred times a second. All programs say the same</td></tr>
 * <tr><td>synchronous</td><td>as the server has it</td><td>off: a commit does not wait for the disk. A server that
 *   fails then loses what happened in the last part of a second, and nothing else</td></tr>
 * <tr><td>sslmode, sslrootcert, sslcert, sslkey, sslpassword</td><td>those of pgjdbc</td><td>TLS</td></tr>
 * </table>
 *
 * <p>A commit is on the disk of the server before a method returns, but for renewed leases and reports of workers,
 * which may be lost with the server.
 *
 * <p><b>Tasks in the caller's transaction.</b> {@link #enqueue(Connection, Batch)} enqueues on a connection of the
 * caller; workers hear of it when that commits. Until then it keeps locks on the keys of the tasks
 * (those of {@code key} and {@code unique} options), for which others wait: so end the transaction soon.
 *
 * <p><b>Failures.</b> A transaction that others were in the way of is repeated, and so is one whose connection broke
 * before its commit. If it broke during the commit, what may happen twice is repeated (enqueue, complete, extend, and
 * all that sets or reads something); a claim, a failure and the like throw, with {@link BrokerException#isDoubtful}. A
 * claim that was done nevertheless comes back when its lease ends.
 */
public final class PostgresqlBroker implements Broker, TransactionalEnqueue {
    /** How many tasks are enqueued, completed and so on in one transaction for several callers. */
    private static final int MOST_TASKS = 500;

    private record Renewed(List<Renewal> renewals, Duration lease) {}

    private final String name;
    private final PostgresqlErrors errors;
    private final Tables tables;
    private final UUID id;
    private final SqlStore store = new SqlStore();
    private final PostgresqlDialect writing;
    private final PostgresqlDialect searching;
    private final PostgresqlDialect lazy;
    private final PostgresqlDialect reading;
    private final PostgresqlDialect guest;
    private final Notices notices;
    private final Lanes lanes;
    private final boolean notifies;

    private final Lanes.Kind<Batch, List<Enqueued>> enqueue;
    private final Lanes.Kind<List<Completion>, List<Boolean>> complete;
    private final Lanes.Shortcut<ClaimRequest, Claimed> claim;
    private final Lanes.Kind<List<Failure>, List<Boolean>> fail;
    private final Lanes.Kind<Renewed, List<LeaseState>> extend;

    private PostgresqlBroker(Connector connector, String name, PostgresqlErrors errors, PostgresqlDialect dialect,
            Schema schema, int connections, boolean notifies) throws SQLException {
        this.name = name;
        this.errors = errors;
        this.notifies = notifies;
        writing = dialect;
        lazy = dialect.in(PostgresqlDialect.Mode.LAZY);
        reading = dialect.in(PostgresqlDialect.Mode.READ);
        guest = dialect.in(PostgresqlDialect.Mode.GUEST);
        tables = new Tables(schema, dialect, name);
        Connection connection = connector.connect(true);
        try {
            id = tables.ensure(connection);
        } finally {
            Connector.close(connection);
        }
        notices = new Notices(connector, dialect, errors, name, notifies);
        lanes = new Lanes(connector, dialect, errors, name, connections - 1, notices);
        searching = dialect.in(PostgresqlDialect.Mode.SEARCH);
        Shortcuts shortcuts = dialect.shortcuts(Notices::payload);
        // Statements are prepared for the connections of one server only, see Connector.
        claim = new Lanes.Shortcut<>(_ -> notifies, false, (session, requests, _) -> {
            Claimed claimed = shortcuts.claim(session, requests.getFirst());
            return claimed == null ? null : List.of(claimed);
        });
        enqueue = new Lanes.Kind<>(writing, true, MOST_TASKS, batch -> batch.tasks().size(), store::enqueue,
                new Lanes.Shortcut<>(batches -> notifies && Shortcuts.fit(batches), true, shortcuts::enqueue));
        complete = new Lanes.Kind<>(writing, true, MOST_TASKS, List::size,
                (step, all) -> split(all, store.complete(step, flat(all))),
                new Lanes.Shortcut<>(all -> notifies && Shortcuts.areFit(flat(all)), false,
                        (session, all, wakes) -> shortcuts.complete(session, flat(all), wakes)
                                ? all.stream().map(each -> Collections.nCopies(each.size(), true)).toList()
                                : null));
        fail = new Lanes.Kind<>(writing, false, MOST_TASKS, List::size,
                (step, all) -> split(all, store.fail(step, flat(all))), null);
        extend = new Lanes.Kind<>(lazy, true, MOST_TASKS, each -> each.renewals.size(), this::extend, null);
    }

    static PostgresqlBroker open(Address address) {
        return open(address, null, new Schema());
    }

    static PostgresqlBroker open(Address address, @Nullable InstantSource clock, Schema schema) {
        String name = address.toString();
        return open(Connector.to(address), name, new PostgresqlErrors(name, address.secret()),
                PostgresqlDialect.of(address.schema(), address.synchronous(), clock, schema, name), schema,
                address.connections(), address.notifies());
    }

    private static PostgresqlBroker open(Connector connector, String name, PostgresqlErrors errors,
            PostgresqlDialect dialect, Schema schema, int connections, boolean notifies) {
        try {
            return new PostgresqlBroker(connector, name, errors, dialect, schema, connections, notifies);
        } catch (SQLException e) {
            throw errors.of(e, false);
        }
    }

    /**
     * Opens a broker over a data source, with the tables in the schema {@code sennit}.
     *
     * @param source gives connections of pgjdbc, or of a pool of them. The broker keeps as many as it needs, up to
     *     four, and gives them back when it has had nothing to do for a second, but for the one that hears of news
     * @return the broker; {@link #close} does not close the source
     * @throws BrokerException if the database cannot be reached or used
     */
    public static PostgresqlBroker over(DataSource source) {
        return over(source, "sennit");
    }

    /**
     * Opens a broker over a data source.
     *
     * @param source gives connections, see {@link #over(DataSource)}
     * @param schema the schema of the tables: small letters, digits and {@code _}
     * @return the broker; {@link #close} does not close the source
     * @throws IllegalArgumentException if the schema is no such name
     * @throws BrokerException if the database cannot be reached or used
     */
    public static PostgresqlBroker over(DataSource source, String schema) {
        Address.ensureSchema(schema);
        String name = "postgresql over a data source, schema " + schema;
        var tables = new Schema();
        return open(Connector.over(source), name, new PostgresqlErrors(name, null),
                PostgresqlDialect.of(schema, null, null, tables, name), tables, Address.CONNECTIONS, true);
    }

    private static <A> List<A> flat(List<List<A>> asked) {
        return asked.stream().flatMap(List::stream).toList();
    }

    private static <A, R> List<List<R>> split(List<List<A>> asked, List<R> answers) {
        List<List<R>> split = new ArrayList<>(asked.size());
        int from = 0;
        for (List<A> each : asked) {
            split.add(List.copyOf(answers.subList(from, from + each.size())));
            from += each.size();
        }
        return split;
    }

    /** Renews the leases of several callers: those of one length together. */
    private List<List<LeaseState>> extend(Step step, List<Renewed> all) throws SQLException {
        Map<Duration, List<Renewal>> byLease = new LinkedHashMap<>();
        all.forEach(each -> byLease.computeIfAbsent(each.lease, _ -> new ArrayList<>()).addAll(each.renewals));
        if (byLease.size() > 1) { // locks are taken in one order in each step of the store only
            step.session().query("SELECT 1 FROM {task} WHERE id {in} ORDER BY id {lock}").texts(all.stream()
                    .flatMap(each -> each.renewals.stream()).map(each -> each.token().id()).distinct().toList())
                    .list(_ -> true);
        }
        Map<Duration, List<LeaseState>> states = new LinkedHashMap<>();
        for (var each : byLease.entrySet()) {
            states.put(each.getKey(), new ArrayList<>(store.extend(step, each.getValue(), each.getKey())));
        }
        List<List<LeaseState>> answers = new ArrayList<>();
        for (Renewed each : all) {
            List<LeaseState> own = states.getOrDefault(each.lease, List.of()).subList(0, each.renewals.size());
            answers.add(List.copyOf(own));
            own.clear();
        }
        return answers;
    }

    // ---- how operations run ----

    private interface Change {
        void run(Step step) throws SQLException;
    }

    private void change(PostgresqlDialect dialect, boolean isRepeatable, Change change) {
        lanes.run(dialect, isRepeatable, step -> {
            change.run(step);
            return true;
        });
    }

    private <T> T read(Lanes.Operation<T> operation) {
        return lanes.run(reading, true, operation);
    }

    /** Reads what shows the states of tasks, after those that are due were made ready. */
    private <T> T readStates(Lanes.Operation<T> operation) {
        while (read(Lookup::hasDue)) {
            if (lanes.run(writing, true, store::awaken) == 0) {
                break;
            }
        }
        return read(operation);
    }

    // ---- the contract ----

    @Override
    public String name() {
        return name;
    }

    @Override
    public Set<BrokerFeature> features() {
        return EnumSet.allOf(BrokerFeature.class);
    }

    @Override
    public List<Enqueued> enqueue(Batch batch) {
        batch.ensureWhole();
        lanes.ensureNotClosed();
        if (batch.isEmpty()) {
            return List.of();
        }
        boolean hasKeys = batch.tasks().stream().anyMatch(task -> task.unique() != null);
        return hasKeys
                ? lanes.run(writing, true, step -> store.enqueue(step, batch))
                : lanes.run(enqueue, batch);
    }

    @Override
    public List<Enqueued> enqueue(Connection connection, Batch batch) {
        batch.ensureWhole();
        lanes.ensureNotClosed();
        try {
            if (connection.getAutoCommit()) {
                throw new IllegalStateException("the connection commits each statement: call setAutoCommit(false)");
            }
            try (var session = new Session(connection, guest)) {
                if (!tables.isOf(session, id)) {
                    throw new IllegalArgumentException("the connection is not one to the database of " + name);
                }
                if (batch.isEmpty()) {
                    return List.of();
                }
                var step = new Step(session, guest);
                List<Enqueued> enqueued = store.enqueue(step, batch);
                step.finish();
                if (notifies) {
                    notices.tell(session, step.wakes());
                }
                return enqueued;
            }
        } catch (SQLException e) {
            throw errors.of(e, false);
        }
    }

    @Override
    public Claimed claim(ClaimRequest request) {
        return lanes.run(new Lanes.Kind<>(writing, false, 1, _ -> 1,
                (step, requests) -> List.of(store.claim(step, requests.getFirst())), claim), request);
    }

    @Override
    public List<LeaseState> extend(List<Renewal> renewals, Duration lease) {
        lanes.ensureNotClosed();
        return renewals.isEmpty() ? List.of() : lanes.run(extend, new Renewed(renewals, lease));
    }

    @Override
    public List<Boolean> complete(List<Completion> completions) {
        completions.forEach(each -> each.successors().ensureWhole());
        lanes.ensureNotClosed();
        if (completions.isEmpty()) {
            return List.of();
        }
        boolean hasKeys = completions.stream().flatMap(each -> each.successors().tasks().stream())
                .anyMatch(task -> task.unique() != null);
        return hasKeys
                ? lanes.run(writing, true, step -> store.complete(step, completions))
                : lanes.run(complete, completions);
    }

    @Override
    public List<Boolean> fail(List<Failure> failures) {
        lanes.ensureNotClosed();
        return failures.isEmpty() ? List.of() : lanes.run(fail, failures);
    }

    @Override
    public @Nullable TaskState cancel(String id) {
        return lanes.run(writing, true, step -> Optional.ofNullable(store.cancel(step, id))).orElse(null);
    }

    @Override
    public int cancelAll(String root) {
        return lanes.run(searching, false, step -> store.cancelAll(step, root));
    }

    @Override
    public int replay(TaskFilter filter, byte @Nullable [] payload) {
        return SqlStore.Part.all(filter,
                rest -> lanes.run(searching, false, step -> store.replay(step, rest, payload)));
    }

    @Override
    public int purge(TaskFilter filter) {
        return SqlStore.Part.all(filter, rest -> lanes.run(searching, false, step -> store.purge(step, rest)));
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
        lanes.ensureNotClosed();
        return ids.isEmpty() ? List.of() : read(step -> Lookup.ended(step, ids));
    }

    @Override
    public void pause(Scope scope) {
        change(writing, true, step -> store.pause(step, scope, true));
    }

    @Override
    public void resume(Scope scope) {
        change(writing, true, step -> store.pause(step, scope, false));
    }

    @Override
    public Set<Scope> paused() {
        return read(Lookup::paused);
    }

    @Override
    public void limit(String type, @Nullable Rate rate) {
        change(writing, true, step -> store.limit(step, type, rate));
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

    /** One broker does it at a time; for others there is nothing to do meanwhile. */
    @Override
    public Upkeep upkeep(Upkeep.Limits limits) {
        return lanes.run(writing, true, step -> {
            Boolean isFree = step.session().query("SELECT pg_try_advisory_xact_lock(hashtext(?), 1)")
                    .text("sennit upkeep " + writing.schema()).first(row -> row.getBoolean(1));
            return Boolean.TRUE.equals(isFree) ? store.upkeep(step, limits) : Upkeep.NOTHING;
        });
    }

    @Override
    public boolean putSchedule(ScheduleEntry entry, @Nullable ScheduleEntry before) {
        return lanes.run(writing, true, step -> store.putSchedule(step, entry, before));
    }

    @Override
    public boolean removeSchedule(String schedule) {
        return lanes.run(writing, false, step -> store.removeSchedule(step, schedule));
    }

    @Override
    public List<ScheduleEntry> schedules() {
        return read(Lookup::schedules);
    }

    @Override
    public Firing.Outcome fire(Firing firing) {
        new Batch(firing.tasks(), List.of()).ensureWhole();
        return lanes.run(writing, false, step -> store.fire(step, firing));
    }

    @Override
    public Instant now() {
        return Instant.ofEpochMilli(read(Step::now));
    }

    @Override
    public void report(WorkerReport report) {
        change(lazy, true, step -> store.report(step, report));
    }

    @Override
    public void forget(String worker) {
        change(lazy, true, step -> store.forget(step, worker));
    }

    @Override
    public List<WorkerReport> workers() {
        return read(Lookup::workers);
    }

    @Override
    public void control(ControlMessage message) {
        change(writing, false, step -> store.control(step, message));
    }

    @Override
    public Subscription subscribe(BrokerListener.Interest interest, BrokerListener listener) {
        return notices.subscribe(interest, listener, lanes);
    }

    @Override
    public void keepEvents(Duration time) {
        change(lazy, true, step -> store.keepEvents(step, time));
    }

    @Override
    public List<BrokerEvent> events(long after, int most) {
        return read(step -> Lookup.events(step, after, most));
    }

    @Override
    public void close() {
        notices.close();
        lanes.close();
    }

    @Override
    public String toString() {
        return name;
    }
}
