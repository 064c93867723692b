package dev.sennit.queue.sql;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A connection with the statements that were prepared on it, by their templates. For one thread at a time. After an
 * {@link SQLException} its owner calls {@link #forget}, as a driver may have closed the statement that failed.
 */
public final class Session implements AutoCloseable {
    private static final Pattern NAME = Pattern.compile("\\{(\\w+)}");
    /** Queries of those who search are put together, so there may be many. */
    private static final int MOST_STATEMENTS = 300;

    private final Connection connection;
    private final Dialect dialect;
    /**
     * A statement.
     *
     * @param isTogether whether it does all of a batch at once
     */
    private record Prepared(PreparedStatement statement, boolean isTogether) {}

    private final Map<String, Prepared> statements = new HashMap<>();

    /**
     * Makes a session.
     *
     * @param connection the connection, which stays its owner's
     * @param dialect the dialect of its database
     */
    public Session(Connection connection, Dialect dialect) {
        this.connection = connection;
        this.dialect = dialect;
    }

    /**
     * Returns the connection.
     *
     * @return the connection
     */
    public Connection connection() {
        return connection;
    }

    Dialect dialect() {
        return dialect;
    }

    /**
     * Returns a statement, whose parameters are to be bound in their order.
     *
     * @param template its SQL, see {@link Dialect}
     * @return the statement; the next call with this template returns the same one
     * @throws SQLException if the database refuses it
     */
    public Query query(String template) throws SQLException {
        Prepared prepared = statements.get(template);
        if (prepared == null) {
            if (statements.size() >= MOST_STATEMENTS) {
                forget();
            }
            String together = dialect.together(template);
            prepared = new Prepared(connection.prepareStatement(sql(together == null ? template : together)),
                    together != null);
            statements.put(template, prepared);
        }
        return new Query(prepared.statement, dialect, prepared.isTogether);
    }

    /**
     * Returns what a template stands for.
     *
     * @param template the template
     * @return the SQL
     */
    public String sql(String template) {
        Matcher names = NAME.matcher(template);
        var sql = new StringBuilder();
        while (names.find()) {
            String text = switch (names.group(1)) {
                case "in" -> dialect.in();
                case "lock" -> dialect.lock();
                case "skip" -> dialect.skipLocked();
                case "text" -> dialect.text();
                case "bytes" -> dialect.bytes();
                default -> dialect.prefix() + names.group(1);
            };
            names.appendReplacement(sql, Matcher.quoteReplacement(text));
        }
        return names.appendTail(sql).toString();
    }

    /** Closes the statements; they are prepared anew when they are needed. */
    public void forget() {
        for (Prepared prepared : statements.values()) {
            try {
                prepared.statement.close();
            } catch (SQLException e) {
                // It is closed, or the connection is.
            }
        }
        statements.clear();
    }

    /** Closes the statements, not the connection. */
    @Override
    public void close() {
        forget();
    }
}
