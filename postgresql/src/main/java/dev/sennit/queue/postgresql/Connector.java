package dev.sennit.queue.postgresql;

import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;

/** Opens connections: of its own, or from a pool of the caller. */
final class Connector {
    private static final int CONNECT_SECONDS = 10;
    /** How long an answer of the server may take. */
    private static final int ANSWER_SECONDS = 30;

    private final DataSource source;
    private final boolean isBorrowed;

    private Connector(DataSource source, boolean isBorrowed) {
        this.source = source;
        this.isBorrowed = isBorrowed;
    }

    static Connector to(Address address) {
        var source = new PGSimpleDataSource();
        source.setServerNames(new String[] {address.host()});
        source.setPortNumbers(new int[] {address.port()});
        source.setDatabaseName(address.database());
        source.setUser(address.user());
        source.setPassword(address.password());
        source.setApplicationName("sennit");
        source.setConnectTimeout(CONNECT_SECONDS);
        source.setSocketTimeout(ANSWER_SECONDS);
        source.setTcpKeepAlive(true);
        source.setAssumeMinServerVersion("13");
        // A pooler gives each transaction to another connection, where a statement that was prepared is not known.
        source.setPrepareThreshold(address.notifies() ? 2 : 0);
        try {
            for (var option : address.driverOptions().entrySet()) {
                source.setProperty(option.getKey(), option.getValue());
            }
        } catch (SQLException e) {
            throw new IllegalArgumentException("postgresql has no such option", e);
        }
        return new Connector(source, false);
    }

    static Connector over(DataSource source) {
        return new Connector(source, true);
    }

    /** Whether connections are to be given back when they are not needed for a while. */
    boolean isBorrowed() {
        return isBorrowed;
    }

    /** Opens a connection, in the mode of transactions or of single statements. */
    Connection connect(boolean hasTransactions) throws SQLException {
        Connection connection = source.getConnection();
        try {
            if (connection.getTransactionIsolation() != Connection.TRANSACTION_READ_COMMITTED) {
                connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
            }
            connection.setAutoCommit(!hasTransactions);
            return connection;
        } catch (SQLException | RuntimeException e) {
            close(connection);
            throw e;
        }
    }

    /** Closes a connection, or gives it back. */
    static void close(Connection connection) {
        try {
            if (!connection.getAutoCommit()) {
                connection.setAutoCommit(true);
            }
        } catch (SQLException e) {
            // It is broken.
        }
        try {
            connection.close();
        } catch (SQLException e) {
            // The server ends it.
        }
    }

    @Override
    public String toString() {
        return isBorrowed ? "a data source" : "connections of its own";
    }
}
