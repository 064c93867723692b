package dev.sennit.queue.postgresql;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** What tests do with the tables of a broker. */
final class Stores {
    private Stores() {}

    /** Empties the tables: to make others takes ten times as long. */
    static void clear(Address address) throws SQLException {
        try (Connection connection = Connector.to(address).connect(true);
                Statement statement = connection.createStatement()) {
            List<String> tables = new ArrayList<>();
            try (ResultSet rows = statement.executeQuery("SELECT tablename FROM pg_tables WHERE schemaname = '"
                    + address.schema() + "' AND tablename NOT IN ('meta', 'store')")) {
                while (rows.next()) {
                    tables.add(address.schema() + ".\"" + rows.getString(1) + "\"");
                }
            }
            for (String table : tables) {
                statement.execute("DELETE FROM " + table);
            }
            statement.execute("UPDATE " + address.schema() + ".meta SET events_until = 0, event_number = 0");
            connection.commit();
        }
    }

    /** Runs a query of one number. */
    static long number(Address address, String sql) throws SQLException {
        try (Connection connection = Connector.to(address).connect(false);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getLong(1);
        }
    }

    /** Runs a statement. */
    static void run(Address address, String sql) throws SQLException {
        try (Connection connection = Connector.to(address).connect(false);
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
