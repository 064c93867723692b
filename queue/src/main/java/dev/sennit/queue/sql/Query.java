package dev.sennit.queue.sql;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A prepared statement whose parameters are bound one after the other. */
public final class Query {
    private final PreparedStatement statement;
    private final Dialect dialect;
    private int bound;
    private int batched;

    Query(PreparedStatement statement, Dialect dialect) {
        this.statement = statement;
        this.dialect = dialect;
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
        statement.setLong(++bound, value);
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
        statement.addBatch();
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
        return batched == 0 ? new int[0] : statement.executeBatch();
    }

    static @Nullable Long number(ResultSet row, int column) throws SQLException {
        long value = row.getLong(column);
        return row.wasNull() ? null : value;
    }
}
