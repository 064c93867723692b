package dev.sennit.queue.sql;

import dev.sennit.queue.broker.BrokerException;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The tables, and how they came about. A change of the tables is another {@link Migration}: it is run once, in one
 * transaction, by the first program that knows it. One that only adds something lets older programs go on, so workers
 * of both versions run side by side; after another one they are refused.
 */
public final class Schema {
    /**
     * A step from one version to the next.
     *
     * @param readable the oldest version of a program that understands the tables after the step
     * @param statements what to run, as templates
     */
    record Migration(int readable, List<String> statements) {}

    static final List<Migration> MIGRATIONS = List.of(new Migration(1, List.of("""
            CREATE TABLE {task} (id {text} PRIMARY KEY, type {text} NOT NULL, version INTEGER NOT NULL,
              queue {text} NOT NULL, state INTEGER NOT NULL, rank INTEGER NOT NULL, seq BIGINT NOT NULL,
              since BIGINT NOT NULL, number BIGINT NOT NULL, due BIGINT, expires BIGINT, lease_until BIGINT,
              worker {text}, attempt INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0,
              crashes INTEGER NOT NULL DEFAULT 0, crash_limit INTEGER NOT NULL, flags INTEGER NOT NULL,
              cancel INTEGER NOT NULL DEFAULT 0, turn {text}, turn_limit INTEGER, placed INTEGER NOT NULL DEFAULT 0,
              unique_key {text}, root {text}, part_join {text}, part_index INTEGER, after_join {text},
              reply_to {text}, reply_seq BIGINT, ttl BIGINT NOT NULL, enqueued BIGINT NOT NULL, begun BIGINT,
              ended BIGINT, reason {text}, error_type {text}, error_message {text}, error_stack {text},
              progress {text}, message {bytes}, payload {bytes})""",
            "CREATE INDEX sennit_task_ready ON {task} (queue, type, rank, since, seq) WHERE state = 0",
            "CREATE INDEX sennit_task_due ON {task} (due, queue) WHERE state = 1",
            "CREATE INDEX sennit_task_blocked ON {task} (after_join, queue) WHERE state = 2",
            "CREATE INDEX sennit_task_held ON {task} (turn, rank, number, queue) WHERE state = 3",
            "CREATE INDEX sennit_task_running ON {task} (lease_until, queue) WHERE state = 4",
            "CREATE INDEX sennit_task_dead ON {task} (id, queue) WHERE state = 6",
            "CREATE INDEX sennit_task_died ON {task} (ended) WHERE state = 6",
            "CREATE INDEX sennit_task_expires ON {task} (expires) WHERE expires IS NOT NULL AND state < 4",
            "CREATE INDEX sennit_task_cancel ON {task} (worker) WHERE cancel = 1",
            "CREATE INDEX sennit_task_root ON {task} (root) WHERE root IS NOT NULL",
            "CREATE INDEX sennit_task_reply ON {task} (reply_to, reply_seq) WHERE reply_seq IS NOT NULL",
            "CREATE TABLE {body} (id {text} PRIMARY KEY, message {bytes} NOT NULL, payload {bytes} NOT NULL)",
            "CREATE TABLE {checkpoint} (id {text} PRIMARY KEY, data {bytes} NOT NULL)", """
            CREATE TABLE {ended} (id {text} PRIMARY KEY, type {text} NOT NULL, version INTEGER NOT NULL,
              queue {text} NOT NULL, state INTEGER NOT NULL, rank INTEGER NOT NULL, turn {text}, root {text},
              enqueued BIGINT NOT NULL, begun BIGINT, ended BIGINT NOT NULL, worker {text}, attempt INTEGER NOT NULL,
              failures INTEGER NOT NULL, crashes INTEGER NOT NULL, progress {text}, error_type {text},
              error_message {text}, error_stack {text}, result {bytes}, expires BIGINT NOT NULL, reply_to {text},
              reply_seq BIGINT, hidden INTEGER NOT NULL)""",
            "CREATE INDEX sennit_ended_expires ON {ended} (expires)",
            "CREATE INDEX sennit_ended_root ON {ended} (root) WHERE root IS NOT NULL",
            "CREATE INDEX sennit_ended_reply ON {ended} (reply_to, reply_seq) WHERE reply_seq IS NOT NULL", """
            CREATE TABLE {chord} (id {text} PRIMARY KEY, size INTEGER NOT NULL, done INTEGER NOT NULL,
              waiting INTEGER NOT NULL, failed INTEGER NOT NULL, on_dead {bytes})""", """
            CREATE TABLE {part} (chord {text} NOT NULL, place INTEGER NOT NULL, result {bytes} NOT NULL,
              PRIMARY KEY (chord, place))""", """
            CREATE TABLE {turn} (turn {text} PRIMARY KEY, places_limit INTEGER NOT NULL, places INTEGER NOT NULL,
              ready INTEGER NOT NULL)""",
            "CREATE TABLE {unique} (name {text} PRIMARY KEY, task {text} NOT NULL, until BIGINT)",
            "CREATE INDEX sennit_unique_until ON {unique} (until) WHERE until IS NOT NULL",
            "CREATE TABLE {paused} (kind {text} NOT NULL, name {text} NOT NULL, PRIMARY KEY (kind, name))", """
            CREATE TABLE {rate} (type {text} PRIMARY KEY, tasks BIGINT NOT NULL, period BIGINT NOT NULL,
              burst BIGINT NOT NULL, next BIGINT NOT NULL)""", """
            CREATE TABLE {schedule} (name {text} PRIMARY KEY, rule {text} NOT NULL, zone {text} NOT NULL,
              message {bytes} NOT NULL, payload {bytes} NOT NULL, missed {text} NOT NULL, overlap {text} NOT NULL,
              paused INTEGER NOT NULL, next_due {text}, last_due {text}, last_task {text})""",
            "CREATE TABLE {worker} (id {text} PRIMARY KEY, seen BIGINT NOT NULL, report {bytes} NOT NULL)",
            "CREATE TABLE {known} (type {text} PRIMARY KEY, seen BIGINT NOT NULL)", """
            CREATE TABLE {control} (seq BIGINT PRIMARY KEY, at BIGINT NOT NULL, worker {text}, command {text} NOT NULL,
              arguments {bytes} NOT NULL)""",
            """
            CREATE TABLE {event} (number BIGINT PRIMARY KEY, at BIGINT NOT NULL, kind {text} NOT NULL,
              id {text} NOT NULL, type {text} NOT NULL, queue {text} NOT NULL, worker {text},
              detail {text} NOT NULL)""")));

    private final List<Migration> migrations;

    /** The tables of this version. */
    public Schema() {
        this(MIGRATIONS);
    }

    Schema(List<Migration> migrations) {
        this.migrations = migrations;
    }

    /**
     * Returns the version of a store.
     *
     * @param version the version of its tables
     * @param readable the oldest version of a program that understands them
     */
    public record Version(int version, int readable) {}

    /**
     * Returns the newest version.
     *
     * @return the version
     */
    public int newest() {
        return migrations.size();
    }

    /**
     * Reads the version of a store that has the table {@code meta}.
     *
     * @param session the connection
     * @return the version, or null if the table is empty
     * @throws SQLException if the database fails
     */
    public @Nullable Version read(Session session) throws SQLException {
        return session.query("SELECT version, readable FROM {meta}")
                .first(row -> new Version(row.getInt(1), row.getInt(2)));
    }

    /**
     * Brings a store up to date. The caller has begun a transaction in which nobody else does the same.
     *
     * @param session the connection
     * @param name the name of the broker, for messages
     * @throws SQLException if the database fails
     * @throws BrokerException if the store is too new for this program
     */
    public void migrate(Session session, String name) throws SQLException {
        execute(session, """
                CREATE TABLE IF NOT EXISTS {meta} (one INTEGER PRIMARY KEY, version INTEGER NOT NULL,
                  readable INTEGER NOT NULL, seq BIGINT NOT NULL, events_until BIGINT NOT NULL,
                  event_number BIGINT NOT NULL, listeners BIGINT NOT NULL)""");
        Version version = read(session);
        if (version == null) {
            execute(session, "INSERT INTO {meta} VALUES (1, 0, 0, 1, 0, 0, 0)");
            for (String statement : session.dialect().ownTables()) {
                execute(session, statement);
            }
        } else {
            ensureReadable(version, name);
        }
        for (int i = version == null ? 0 : version.version(); i < migrations.size(); i++) {
            for (String statement : migrations.get(i).statements()) {
                execute(session, statement);
            }
            session.query("UPDATE {meta} SET version = ?, readable = ?").number(i + 1)
                    .number(migrations.get(i).readable()).update();
        }
    }

    /**
     * Checks that this program understands the tables.
     *
     * @param version their version
     * @param name the name of the broker, for the message
     * @throws BrokerException if it does not
     */
    public void ensureReadable(Version version, String name) {
        if (version.readable() > newest()) {
            throw new BrokerException(BrokerException.Kind.UNUSABLE, false, name + " has tables of version "
                    + version.version() + ", of a newer Sennit: this one knows them up to version " + newest()
                    + ", so update it", null);
        }
    }

    private static void execute(Session session, String template) throws SQLException {
        try (Statement statement = session.connection().createStatement()) {
            statement.execute(session.sql(template));
        }
    }
}
