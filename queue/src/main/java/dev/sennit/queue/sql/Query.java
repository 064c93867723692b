package dev.sennit.queue.sql;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A prepared statement whose parameters are bound one after the other. */
public final class Query {
    private final PreparedStatement statement;
    private final Dialect dialect;
    /** The values of each parameter, if the statement does all of a batch at once. */
    private final @Nullable List<List<@Nullable Object>> columns;

    private int bound;
    private int batched;

    Query(PreparedStatement statement, Dialect dialect, boolean isTogether) {
        this.statement = statement;
        this.dialect = dialect;
        columns = isTogether ? new ArrayList<>() : null;
    }

    /** Keeps a value, if it is bound with others. */
    private boolean isKept(@Nullable Object value) {
        if (columns == null) {
            return false;
        }
        if (columns.size() <= bound) {
            columns.add(new ArrayList<>());
        }
        columns.get(bound++).add(value);
        return true;
    }

    /**
     * Reads a row.
     *
     * @param <T> what is read
     */
    public interface Reader<T extends @Nullable Object> {
        /**
         * Reads a row.
         *
         * @param row the result, at this row
         * @return what was read
         * @throws SQLException if it cannot be read
         */
        T read(ResultSet row) throws SQLException;
    }

    /**
     * Binds a text.
     *
     * @param value the text, or null
     * @return this
     * @throws SQLException if the database refuses it
     */
    public Query text(@Nullable String value) throws SQLException {
        if (isKept(value == null ? null : dialect.storable(value))) {
            return this;
        }
        if (value == null) {
            statement.setNull(++bound, Types.VARCHAR);
        } else {
            statement.setString(++bound, dialect.storable(value));
        }
        return this;
    }

    /**
     * Binds a number.
     *
     * @param value the number
     * @return this
     * @throws SQLException if the database refuses it
     */
    public Query number(long value) throws SQLException {
        if (!isKept(value)) {
            statement.setLong(++bound, value);
        }
        return this;
    }

    /**
     * Binds a number or null.
     *
     * @param value the number, or null
     * @return this
     * @throws SQLException if the database refuses it
     */
    public Query number(@Nullable Long value) throws SQLException {
        if (isKept(value)) {
            return this;
        }
        if (value == null) {
            statement.setNull(++bound, Types.BIGINT);
        } else {
            statement.setLong(++bound, value);
        }
        return this;
    }

    /**
     * Binds bytes.
     *
     * @param value the bytes, or null
     * @return this
     * @throws SQLException if the database refuses it
     */
    public Query bytes(byte @Nullable [] value) throws SQLException {
        if (isKept(value)) {
            return this;
        }
        if (value == null) {
            statement.setNull(++bound, Types.VARBINARY);
        } else {
            statement.setBytes(++bound, value);
        }
        return this;
    }

    /**
     * Binds texts, see {@link Dialect#in}.
     *
     * @param values the texts
     * @return this
     * @throws SQLException if the database refuses it
     */
    public Query texts(List<String> values) throws SQLException {
        dialect.bindTexts(statement, ++bound, values);
        return this;
    }

    /** Binds a column of texts, numbers or bytes, see {@link Dialect#bindColumn}. */
    Query column(List<? extends @Nullable Object> values) throws SQLException {
        List<@Nullable Object> stored = new ArrayList<>(values.size());
        for (Object value : values) {
            stored.add(value instanceof String text ? dialect.storable(text) : value);
        }
        dialect.bindColumn(statement, ++bound, stored);
        return this;
    }

    /**
     * Runs a query.
     *
     * @param reader reads each row
     * @param <T> what is read
     * @return what was read
     * @throws SQLException if the database fails
     */
    public <T extends @Nullable Object> List<T> list(Reader<T> reader) throws SQLException {
        List<T> list = new ArrayList<>();
        try (ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                list.add(reader.read(rows));
            }
        }
        return list;
    }

    /**
     * Runs several statements and reads the rows of the second query among them; the first has one row.
     *
     * @param reader reads each row
     * @param <T> what is read
     * @return what was read
     * @throws SQLException if the database fails
     */
    <T extends @Nullable Object> List<T> script(Reader<T> reader) throws SQLException {
        List<T> list = new ArrayList<>();
        statement.execute();
        statement.getMoreResults();
        try (ResultSet rows = statement.getResultSet()) {
            while (rows.next()) {
                list.add(reader.read(rows));
            }
        }
        return list;
    }

    /**
     * Runs a query of a row at most.
     *
     * @param reader reads the row
     * @param <T> what is read
     * @return what was read, or null if there is no row
     * @throws SQLException if the database fails
     */
    public <T extends @Nullable Object> @Nullable T first(Reader<T> reader) throws SQLException {
        try (ResultSet rows = statement.executeQuery()) {
            return rows.next() ? reader.read(rows) : null;
        }
    }

    /**
     * Runs an update.
     *
     * @return how many rows it changed
     * @throws SQLException if the database fails
     */
    public int update() throws SQLException {
        return statement.executeUpdate();
    }

    /**
     * Has an update run with others, by {@link #run}, with the parameters that are bound.
     *
     * @return this, to bind the next parameters
     * @throws SQLException if the database refuses it
     */
    public Query add() throws SQLException {
        if (columns == null) {
            statement.addBatch();
        }
        bound = 0;
        batched++;
        return this;
    }

    /**
     * Runs the updates that were added.
     *
     * @return how many rows each changed
     * @throws SQLException if the database fails
     */
    public int[] run() throws SQLException {
        if (batched == 0 || columns == null) {
            return batched == 0 ? new int[0] : statement.executeBatch();
        }
        for (int i = 0; i < columns.size(); i++) {
            dialect.bindColumn(statement, i + 1, columns.get(i));
        }
        int[] counts = new int[batched];
        Arrays.fill(counts, 0, Math.min(batched, statement.executeUpdate()), 1);
        return counts;
    }

    static @Nullable Long number(ResultSet row, int column) throws SQLException {
        long value = row.getLong(column);
        return row.wasNull() ? null : value;
    }
}
