package dev.sennit.queue.postgresql;

import dev.sennit.queue.sql.Schema;
import dev.sennit.queue.sql.Session;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Makes the tables, or brings them up to date. Programs that start at once wait for the first of them. */
final class Tables {
    private final Schema schema;
    private final PostgresqlDialect dialect;
    private final String name;

    Tables(Schema schema, PostgresqlDialect dialect, String name) {
        this.schema = schema;
        this.dialect = dialect;
        this.name = name;
    }

    /**
     * Has the tables there.
     *
     * @param connection in the mode of transactions
     * @return the id of the store
     * @throws SQLException if the database fails
     */
    UUID ensure(Connection connection) throws SQLException {
        try (var session = new Session(connection, dialect)) {
            Schema.Version version = exists(session, "meta") ? schema.read(session) : null;
            if (version != null) {
                schema.ensureReadable(version, name);
            }
            if (version == null || version.version() < schema.newest()) {
                migrate(session);
            }
            UUID id = id(session);
            connection.commit();
            if (id == null) {
                throw new SQLException("the table store of the schema " + dialect.schema() + " is empty", "42P01");
            }
            return id;
        } catch (SQLException | RuntimeException e) {
            connection.rollback();
            throw e;
        }
    }

    private void migrate(Session session) throws SQLException {
        session.query("SELECT pg_advisory_xact_lock(hashtext(?), 0)").text("sennit tables " + dialect.schema())
                .first(_ -> true);
        boolean isThere = session.query("SELECT 1 FROM pg_namespace WHERE nspname = ?").text(dialect.schema())
                .first(_ -> true) != null;
        if (!isThere) { // it asks for a right that is not needed otherwise
            execute(session, "CREATE SCHEMA \"" + dialect.schema() + "\"");
        }
        boolean isNew = !exists(session, "meta");
        schema.migrate(session, name);
        if (isNew) {
            for (String statement : dialect.tableSettings()) {
                execute(session, statement);
            }
        }
    }

    private static void execute(Session session, String template) throws SQLException {
        try (Statement statement = session.connection().createStatement()) {
            statement.execute(session.sql(template));
        }
    }

    private boolean exists(Session session, String table) throws SQLException {
        return session.query("SELECT 1 WHERE to_regclass(?) IS NOT NULL").text(dialect.prefix() + table)
                .first(_ -> true) != null;
    }

    private static @Nullable UUID id(Session session) throws SQLException {
        return session.query("SELECT id FROM {store}").first(row -> row.getObject(1, UUID.class));
    }

    /** Returns whether a connection is one to the database with the store of this id, without failing in it if not. */
    boolean isOf(Session session, UUID id) throws SQLException {
        return exists(session, "store") && id.equals(id(session));
    }
}
