package dev.sennit.queue.postgresql;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.Driver;
import org.postgresql.ds.PGSimpleDataSource;

/** Opens connections: of its own, or from a pool of the caller. */
final class Connector {
    private static final int CONNECT_SECONDS = 10;
    /** How long an answer of the server may take. */
    private static final int ANSWER_SECONDS = 30;
    private static final String SSL_PASSWORD = "sslpassword";

    private final DataSource source;
    private final boolean isBorrowed;

    private Connector(DataSource source, boolean isBorrowed) {
        this.source = source;
        this.isBorrowed = isBorrowed;
    }

    static Connector to(Address address) {
        Map<String, String> options = address.driverOptions();
        var source = new Source(options.remove(SSL_PASSWORD));
        String host = address.host();
        source.setServerNames(new String[] {host.indexOf(':') < 0 ? host : "[" + host + "]"});
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
            for (var option : options.entrySet()) {
                source.setProperty(option.getKey(), option.getValue());
            }
        } catch (SQLException e) {
            throw new IllegalArgumentException("postgresql has no such option", e);
        }
        return new Connector(source, false);
    }

    /** The driver logs the address that a source makes of its properties: without this, also the password of a key. */
    private static final class Source extends PGSimpleDataSource {
        private static final long serialVersionUID = 1;

        private final @Nullable String sslPassword;

        Source(@Nullable String sslPassword) {
            this.sslPassword = sslPassword;
        }

        @Override
        public Connection getConnection(@Nullable String user, @Nullable String password) throws SQLException {
            if (sslPassword == null) {
                return super.getConnection(user, password);
            }
            var secrets = new Properties();
            secrets.setProperty(SSL_PASSWORD, sslPassword);
            if (user != null) {
                secrets.setProperty("user", user);
            }
            if (password != null) {
                secrets.setProperty("password", password);
            }
            return Objects.requireNonNull(new Driver().connect(getUrl(), secrets), "no connection");
        }
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
