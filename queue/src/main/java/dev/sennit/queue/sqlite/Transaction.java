package dev.sennit.queue.sqlite;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * Transactions on a connection of SQLite's driver. {@link Connection#commit} of that driver begins the next transaction
 * at once, and would hold the write lock; so the mode that commits each statement is left and entered instead.
 */
final class Transaction {
    private Transaction() {}

    /** Begins a transaction in the connection's mode. */
    static void begin(Connection connection) throws SQLException {
        try {
            connection.setAutoCommit(false);
        } catch (SQLException e) {
            rollBack(connection);
            throw e;
        }
    }

    static void commit(Connection connection) throws SQLException {
        connection.setAutoCommit(true);
    }

    /** Ends whatever is left of a transaction that has failed. */
    static void rollBack(Connection connection) {
        try (Statement statement = connection.createStatement()) {
            statement.execute("ROLLBACK");
        } catch (SQLException e) {
            // SQLite has rolled it back by itself, or it has not begun.
        }
        try {
            connection.setAutoCommit(true);
        } catch (SQLException e) {
            // There is nothing to commit; the connection is in the mode nevertheless.
        }
    }
}
