package dev.sennit.queue.sql;

import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What differs between databases. All SQL of {@link SqlStore} is a template: {@code {task}} stands for a table,
 * {@code {in}} for {@link #in}, {@code {lock}} and {@code {skip}} for {@link #lock} and {@link #skipLocked}, and
 * {@code {text}}, {@code {bytes}} for the names of types. A batch of updates has to tell how many rows each of them has
 * changed.
 */
public interface Dialect {
    /**
     * Returns what the names of tables begin with.
     *
     * @return {@code sennit_}, perhaps after the name of a schema and a dot
     */
    String prefix();

    /**
     * Returns the type of texts, which are compared byte by byte.
     *
     * @return the type
     */
    String text();

    /**
     * Returns the type of bytes.
     *
     * @return the type
     */
    String bytes();

    /**
     * Returns a condition with one parameter: what stands before it is one of the texts bound by {@link #bindTexts}.
     *
     * @return the condition, such as {@code = ANY(?)}
     */
    String in();

    /**
     * Binds texts to the parameter of {@link #in} or {@link #topOfEach}.
     *
     * @param statement the statement
     * @param index the index of the parameter
     * @param texts the texts
     * @throws SQLException if the database refuses it
     */
    void bindTexts(PreparedStatement statement, int index, List<String> texts) throws SQLException;

    /**
     * Returns a text as this database can store it.
     *
     * @param text the text
     * @return the text, by default as it is
     */
    default String storable(String text) {
        return text;
    }

    /**
     * Returns a statement that does all inserts of a batch at once, if this database is quicker with that. Its
     * parameters are columns, see {@link #bindColumn}. A batch of which it inserts less than all is taken to have
     * failed.
     *
     * @param template a statement that is run in batches
     * @return another template with as many parameters; null, by default, for none
     */
    default @Nullable String together(String template) {
        return null;
    }

    /**
     * Binds the values of a parameter for all inserts of a batch.
     *
     * @param statement the statement, of {@link #together}
     * @param index the index of the parameter
     * @param values texts, numbers or bytes, with nulls among them
     * @throws SQLException if the database refuses it
     */
    default void bindColumn(PreparedStatement statement, int index, List<@Nullable Object> values) throws SQLException {
        throw new UnsupportedOperationException("nothing is inserted together");
    }

    /**
     * Returns what a query ends with that locks its rows.
     *
     * @return {@code FOR UPDATE}, or nothing if the transaction has locked all
     */
    String lock();

    /**
     * Returns what a query ends with that locks its rows, and leaves out those that others have locked.
     *
     * @return {@code FOR UPDATE SKIP LOCKED}, or nothing if the transaction has locked all
     */
    String skipLocked();

    /**
     * Returns a query of the first tasks of each of several groups, locked as by {@link #skipLocked}. Its parameters
     * are the texts, one for each group; then those of the condition; then the number of tasks of a group.
     *
     * @param columns the columns of {@code t}, the task
     * @param condition which tasks are of a group: {@code k.value} is the group's text
     * @param order the order in a group
     * @return the query, perhaps a template
     */
    String topOfEach(String columns, String condition, String order);

    /**
     * Returns what this database has beside the common tables of the first version.
     *
     * @return statements, as templates
     */
    List<String> ownTables();

    /**
     * Begins the store's part of a transaction.
     *
     * @param session the connection, which has begun a transaction
     * @return the time and the like
     * @throws SQLException if the database fails
     */
    Moment moment(Session session) throws SQLException;

    /**
     * Returns whether the clock was not set of late. If it was, leases seem to have expired whose workers live; they
     * get the time to renew them.
     *
     * @return whether what has expired is taken back, by default true
     */
    default boolean isClockSteady() {
        return true;
    }

    /**
     * Returns more numbers, greater than all before.
     *
     * @param session the connection
     * @param moment the last numbers
     * @return the time and the like as before, with new numbers
     * @throws SQLException if the database fails
     */
    Moment more(Session session, Moment moment) throws SQLException;

    /**
     * Ends the store's part of a transaction.
     *
     * @param session the connection
     * @param moment as it was returned last
     * @param next the first number that was not used
     * @throws SQLException if the database fails
     */
    void end(Session session, Moment moment, long next) throws SQLException;

    /**
     * The time of a transaction, and numbers that it may use: they grow from transaction to transaction, so they say
     * which task became ready first.
     *
     * @param now milliseconds since 1970, by the clock of the database
     * @param from the first number
     * @param to the number after the last one
     * @param eventsUntil until when events are kept: {@code events_until} of the table {@code meta}
     */
    record Moment(long now, long from, long to, long eventsUntil) {}
}
