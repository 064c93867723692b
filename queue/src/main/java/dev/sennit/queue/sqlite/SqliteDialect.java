package dev.sennit.queue.sqlite;

import dev.sennit.queue.sql.Dialect;
import dev.sennit.queue.sql.Session;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** SQLite: one transaction writes at a time, so there is nothing to lock; the clock is that of the machine. */
final class SqliteDialect implements Dialect {
    /** How far the clock may go ahead of elapsed time between two looks, in milliseconds. */
    private static final long JUMP = 2_000;
    /** How long nothing is taken back after it was set, in nanoseconds: workers renew leases in a third of them. */
    private static final long UNSTEADY = 60_000_000_000L;

    /** The clock and elapsed time when they were read together. */
    private record Look(long millis, long nanos) {}

    private final InstantSource clock;
    private final LongSupplier elapsed;
    private volatile @Nullable Look last;
    private volatile @Nullable Long jumped;

    SqliteDialect(InstantSource clock) {
        // One that is moved by hand goes right.
        this(clock, clock == InstantSource.system() ? System::nanoTime : () -> clock.millis() * 1_000_000);
    }

    /** Makes a dialect with a source of elapsed time in nanoseconds. */
    SqliteDialect(InstantSource clock, LongSupplier elapsed) {
        this.clock = clock;
        this.elapsed = elapsed;
    }

    private long now() {
        var now = new Look(clock.millis(), elapsed.getAsLong());
        Look before = last;
        if (before != null && now.millis - before.millis - (now.nanos - before.nanos) / 1_000_000 > JUMP) {
            jumped = now.nanos;
        }
        last = now;
        return now.millis;
    }

    @Override
    public boolean isClockSteady() {
        Long jump = jumped;
        return jump == null || elapsed.getAsLong() - jump > UNSTEADY;
    }

    @Override
    public String prefix() {
        return "sennit_";
    }

    @Override
    public String text() {
        return "TEXT";
    }

    @Override
    public String bytes() {
        return "BLOB";
    }

    @Override
    public String in() {
        return "IN (SELECT value FROM json_each(?))";
    }

    @Override
    public void bindTexts(PreparedStatement statement, int index, List<String> texts) throws SQLException {
        var json = new StringBuilder(texts.size() * 40 + 2).append('[');
        for (String text : texts) {
            json.append(json.length() == 1 ? "\"" : ",\"");
            for (int i = 0; i < text.length(); i++) {
                char each = text.charAt(i);
                if (each == '"' || each == '\\') {
                    json.append('\\').append(each);
                } else if (each < ' ') {
                    json.append(String.format("\\u%04x", (int) each));
                } else {
                    json.append(each);
                }
            }
            json.append('"');
        }
        statement.setString(index, json.append(']').toString());
    }

    @Override
    public String lock() {
        return "";
    }

    @Override
    public String skipLocked() {
        return "";
    }

    @Override
    public String topOfEach(String columns, String condition, String order) {
        return "SELECT " + columns
                + " FROM json_each(?) k CROSS JOIN {task} t ON t.rowid IN (SELECT t.rowid FROM {task} t"
                + " WHERE " + condition + " ORDER BY " + order + " LIMIT ?)";
    }

    @Override
    public List<String> ownTables() {
        return List.of("""
                CREATE TABLE {listener} (id TEXT PRIMARY KEY, port INTEGER NOT NULL, space TEXT NOT NULL,
                  pid INTEGER NOT NULL, started INTEGER NOT NULL, token BLOB NOT NULL, interest BLOB NOT NULL,
                  seen INTEGER NOT NULL)""");
    }

    @Override
    public Moment moment(Session session) throws SQLException {
        Moment moment = session.query("SELECT seq, events_until FROM {meta}")
                .first(row -> new Moment(now(), row.getLong(1), Long.MAX_VALUE, row.getLong(2)));
        if (moment == null) {
            throw new SQLException("the table sennit_meta is empty");
        }
        return moment;
    }

    @Override
    public Moment more(Session session, Moment moment) {
        throw new AssertionError("there are always enough");
    }

    @Override
    public void end(Session session, Moment moment, long next) throws SQLException {
        session.query("UPDATE {meta} SET seq = ?").number(next).update();
    }
}
