package dev.sennit.queue.postgresql;

import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.sql.Dialect;
import dev.sennit.queue.sql.Schema;
import dev.sennit.queue.sql.Session;
import dev.sennit.queue.sql.Shortcuts;
import dev.sennit.queue.sql.Wakes;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * PostgreSQL: transactions lock rows, and leave out those that others have locked. The clock is that of the server.
 *
 * <p>The first statement of a transaction reads the time, takes numbers, and sets what holds for this transaction only:
 * so nothing is left on a connection that a pooler gives to others.
 */
final class PostgresqlDialect implements Dialect {
    /** What a transaction is for. */
    enum Mode {
        /** It changes something, and is on the disk when it is committed. */
        WRITE,
        /** It changes tasks that a search finds: how they are found best depends on what is looked for. */
        SEARCH,
        /** It changes something that may be lost with the server, as when a lease was renewed last. */
        LAZY,
        /** It only reads. */
        READ,
        /** It is the caller's, whose settings stay as they are. */
        GUEST
    }

    /** How many numbers a transaction takes at a time. */
    private static final int NUMBERS = 1000;
    /** How long a statement waits for a lock of another transaction, and the server for the next statement of one. */
    static final int PATIENCE = 10_000;

    private static final String CLOCK = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    private static final String SETTINGS = ", set_config('lock_timeout', '" + PATIENCE + "', true),"
            + " set_config('idle_in_transaction_session_timeout', '" + PATIENCE + "', true),"
            // Each query has an index, also while the database does not know yet how many tasks there are.
            + " set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),"
            + " set_config('jit', 'off', true)";
    /** A plan for all values: to make one for each statement takes the server as long as to run it. */
    private static final String PLANNED = SETTINGS + ", set_config('plan_cache_mode', 'force_generic_plan', true)";
    private static final String LAZY =
            moment("nextval('{numbers}')", PLANNED + ", set_config('synchronous_commit', 'off', true)");
    private static final String READ = moment("0", "");
    private static final String GUEST = moment("nextval('{numbers}')", "");

    /** The inserts of which there are many at a time, and none of which may be missing. */
    private static final Pattern INSERT =
            Pattern.compile("(INSERT INTO \\{(?:task|body|event|ended)} \\(([^()]*)\\))\\s+"
                    + "(?:(VALUES) (\\([?,\\s]*\\))(.*)|SELECT ([^()]*) FROM \\{task} WHERE id = \\?)", Pattern.DOTALL);
    private static final Set<String> TEXTS = Set.of("id", "type", "queue", "turn", "unique_key", "root", "part_join",
            "after_join", "reply_to", "kind", "worker", "detail", "error_type", "error_message", "error_stack");
    private static final Set<String> BYTES = Set.of("message", "payload", "result");

    private final String schema;
    private final Mode mode;
    private final @Nullable String synchronous;
    private final String write;
    private final String search;
    /** For tests: a clock that they move. */
    private final @Nullable InstantSource clock;
    private final Schema tables;
    private final String name;

    private PostgresqlDialect(String schema, Mode mode, @Nullable String synchronous, @Nullable InstantSource clock,
            Schema tables, String name) {
        this.schema = schema;
        this.mode = mode;
        this.synchronous = synchronous;
        write = moment("nextval('{numbers}')", PLANNED + commits());
        search = moment("nextval('{numbers}')", SETTINGS + commits());
        this.clock = clock;
        this.tables = tables;
        this.name = name;
    }

    /**
     * Makes a dialect of transactions that write.
     *
     * @param schema the schema of the tables
     * @param synchronous what {@code synchronous_commit} is in transactions that write, or null for what it is anyway
     * @param clock for tests, or null for the clock of the server
     * @param tables the tables
     * @param name the name of the broker, for messages
     */
    static PostgresqlDialect of(String schema, @Nullable String synchronous, @Nullable InstantSource clock,
            Schema tables, String name) {
        return new PostgresqlDialect(schema, Mode.WRITE, synchronous, clock, tables, name);
    }

    PostgresqlDialect in(Mode other) {
        return new PostgresqlDialect(schema, other, synchronous, clock, tables, name);
    }

    private String commits() {
        return synchronous == null ? "" : ", set_config('synchronous_commit', '" + synchronous + "', true)";
    }

    /**
     * Returns what one statement can do.
     *
     * @param words makes the payload of a notification
     */
    Shortcuts shortcuts(Function<Wakes, String> words) {
        return new Shortcuts("SELECT" + PLANNED.substring(1) + commits(), CLOCK, clock, tables, schema, words);
    }

    private static String moment(String numbers, String settings) {
        return "SELECT " + CLOCK + ", " + numbers + ", events_until, version, readable" + settings + " FROM {meta}";
    }

    String schema() {
        return schema;
    }

    boolean isReading() {
        return mode == Mode.READ;
    }

    @Override
    public String prefix() {
        return "\"" + schema + "\".";
    }

    @Override
    public String text() {
        return "TEXT COLLATE \"C\"";
    }

    @Override
    public String bytes() {
        return "BYTEA";
    }

    @Override
    public String in() {
        return "= ANY(?)";
    }

    @Override
    public void bindTexts(PreparedStatement statement, int index, List<String> texts) throws SQLException {
        String[] stored = texts.stream().map(this::storable).toArray(String[]::new);
        statement.setArray(index, statement.getConnection().createArrayOf("text", stored));
    }

    /** PostgreSQL has no texts with the character 0. */
    @Override
    public String storable(String text) {
        return text.indexOf('\0') < 0 ? text : text.replace('\0', '\uFFFD');
    }

    @Override
    public String lock() {
        return "FOR UPDATE";
    }

    @Override
    public String skipLocked() {
        return "FOR UPDATE SKIP LOCKED";
    }

    @Override
    public String topOfEach(String columns, String condition, String order) {
        return "SELECT " + columns + " FROM unnest(?::text[]) k(value) CROSS JOIN LATERAL (SELECT t.* FROM {task} t"
                + " WHERE " + condition + " ORDER BY " + order + " LIMIT ? {skip}) t";
    }

    // ---- inserts of many rows ----

    @Override
    public @Nullable String together(String template) {
        Matcher insert = INSERT.matcher(template);
        if (!insert.matches()) {
            return null;
        }
        String[] columns = insert.group(2).strip().split("\\s*,\\s*");
        if (insert.group(4) != null) {
            return insert.group(1) + " SELECT * FROM " + unnest(List.of(columns), "") + insert.group(5);
        }
        // Rows of tasks that have ended: their values come from both. They are looked up one by one, by the id.
        String[] values = insert.group(6).strip().split("\\s*,\\s*");
        List<String> bound = new ArrayList<>();
        var names = new StringBuilder();
        for (int i = 0; i < values.length; i++) {
            if (values[i].equals("?")) {
                bound.add(columns[i]);
                values[i] = "v.p" + bound.size();
                names.append("p").append(bound.size()).append(", ");
            }
        }
        bound.add("id");
        return insert.group(1) + " SELECT " + String.join(", ", values) + " FROM "
                + unnest(bound, " AS v(" + names + "of)")
                + " CROSS JOIN LATERAL (SELECT * FROM {task} WHERE id = v.of OFFSET 0) t";
    }

    private static String unnest(List<String> columns, String names) {
        return "unnest(" + columns.stream().map(column -> "?::" + type(column) + "[]")
                .collect(Collectors.joining(", ")) + ")" + names;
    }

    private static String type(String column) {
        return TEXTS.contains(column) ? "text" : BYTES.contains(column) ? "bytea" : "bigint";
    }

    @Override
    public void bindColumn(PreparedStatement statement, int index, List<@Nullable Object> values) throws SQLException {
        Object first = values.stream().filter(Objects::nonNull).findFirst().orElse(null);
        Connection connection = statement.getConnection();
        statement.setArray(index, switch (first) {
            case String _ -> connection.createArrayOf("text", values.toArray(String[]::new));
            case byte[] _ -> connection.createArrayOf("bytea", values.toArray(byte[][]::new));
            case Long _ -> connection.createArrayOf("int8", values.toArray(Long[]::new));
            case null -> connection.createArrayOf("text", values.toArray(String[]::new)); // it is cast
            default -> throw new IllegalArgumentException("no column of " + first.getClass());
        });
    }

    @Override
    public List<String> ownTables() {
        return List.of("CREATE SEQUENCE {numbers} INCREMENT BY " + NUMBERS + " START WITH " + NUMBERS,
                // Which store it is: a connection of a caller may be one to another database.
                "CREATE TABLE {store} (id UUID PRIMARY KEY DEFAULT gen_random_uuid())",
                "INSERT INTO {store} DEFAULT VALUES");
    }

    /**
     * Returns how the tables are kept small. The rows of tasks come and go: they are cleaned up after a fixed number of
     * changes and at once, not after a part of the table, which is small one moment and huge the next.
     */
    List<String> tableSettings() {
        String often = " SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000,"
                + " autovacuum_vacuum_insert_scale_factor = 0.2, autovacuum_analyze_scale_factor = 0.1,"
                + " autovacuum_analyze_threshold = 5000, autovacuum_vacuum_cost_delay = 0";
        return List.of("ALTER TABLE {task}" + often + ", fillfactor = 85)",
                "ALTER TABLE {ended}" + often + ")", "ALTER TABLE {body}" + often + ")",
                "ALTER TABLE {part}" + often + ")", "ALTER TABLE {unique}" + often + ")",
                "ALTER TABLE {chord}" + often + ", fillfactor = 50)",
                "ALTER TABLE {turn}" + often + ", fillfactor = 50)",
                "ALTER TABLE {rate} SET (fillfactor = 10)", "ALTER TABLE {meta} SET (fillfactor = 10)",
                "ALTER TABLE {worker} SET (fillfactor = 20)", "ALTER TABLE {known} SET (fillfactor = 20)");
    }

    @Override
    public Moment moment(Session session) throws SQLException {
        var query = switch (mode) {
            case WRITE -> session.query(write);
            case SEARCH -> session.query(search);
            case LAZY -> session.query(LAZY);
            case READ -> session.query(READ);
            case GUEST -> session.query(GUEST);
        };
        Moment moment = query.first(row -> {
            int readable = row.getInt(5);
            if (readable > tables.newest()) { // a newer program has changed the tables meanwhile
                tables.ensureReadable(new Schema.Version(row.getInt(4), readable), name);
            }
            long from = row.getLong(2);
            return new Moment(clock == null ? row.getLong(1) : clock.millis(), from, mode == Mode.READ
                    ? 0
                    : from + NUMBERS, row.getLong(3));
        });
        if (moment == null) {
            throw new BrokerException(BrokerException.Kind.UNUSABLE, false,
                    name + " has lost its tables: the table meta of the schema " + schema + " is empty", null);
        }
        return moment;
    }

    @Override
    public Moment more(Session session, Moment moment) throws SQLException {
        Long from = session.query("SELECT nextval('{numbers}')").first(row -> row.getLong(1));
        long first = from == null ? 0 : from;
        return new Moment(moment.now(), first, first + NUMBERS, moment.eventsUntil());
    }

    @Override
    public void end(Session session, Moment moment, long next) {
        // The sequence has gone on by itself.
    }
}
