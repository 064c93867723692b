package dev.sennit.queue.postgresql;

import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.ServerAddress;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The parts of {@code postgresql://USER:PASSWORD@HOST:PORT/DATABASE?OPTIONS}. Its text shows no password. */
final class Address {
    static final String SYNTAX = "postgresql://USER:PASSWORD@HOST[:PORT]/DATABASE[?schema=NAME&notify=on|off"
            + "&connections=N&synchronous=on|off]";
    static final int CONNECTIONS = 4;

    private static final int PORT = 5432;
    private static final int MOST_CONNECTIONS = 100;
    private static final Set<String> OF_DRIVER = Set.of("sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword");
    private static final Set<String> OPTIONS = Set.of("schema", "notify", "connections", "synchronous", "sslmode",
            "sslrootcert", "sslcert", "sslkey", "sslpassword");

    private final BrokerUri uri;
    private final ServerAddress server;
    private final String database;
    private final String schema;
    private final boolean notifies;
    private final int connections;
    private final @Nullable String synchronous;

    Address(BrokerUri uri) {
        this.uri = uri;
        uri.ensureOnly(OPTIONS);
        server = ServerAddress.of(uri, "PostgreSQL", PORT, SYNTAX);
        database = server.path();
        if (database.isEmpty() || database.contains("/")) {
            throw server.wrong("has the name of a database after the host");
        }
        Map<String, String> options = uri.options();
        schema = ensureSchema(options.getOrDefault("schema", "sennit"));
        notifies = isOn("notify");
        connections = options.containsKey("connections")
                ? server.number(options.getOrDefault("connections", ""), "connections", 2, MOST_CONNECTIONS)
                : CONNECTIONS;
        synchronous = options.containsKey("synchronous") ? isOn("synchronous") ? "on" : "off" : null;
    }

    static String ensureSchema(String schema) {
        if (!schema.matches("[a-z_][a-z0-9_]{0,62}")) {
            throw new IllegalArgumentException("schema must be a name of small letters, digits and _, was " + schema);
        }
        return schema;
    }

    private boolean isOn(String option) {
        String value = uri.options().getOrDefault(option, "on");
        if (!value.equals("on") && !value.equals("off")) {
            throw new IllegalArgumentException("postgresql has " + option + "=on or off, was " + value);
        }
        return value.equals("on");
    }

    String host() {
        return server.host();
    }

    int port() {
        return server.port();
    }

    String database() {
        return database;
    }

    @Nullable String user() {
        return server.user();
    }

    @Nullable String password() {
        return uri.password();
    }

    String schema() {
        return schema;
    }

    boolean notifies() {
        return notifies;
    }

    int connections() {
        return connections;
    }

    @Nullable String synchronous() {
        return synchronous;
    }

    Map<String, String> driverOptions() {
        Map<String, String> options = new LinkedHashMap<>(uri.options());
        options.keySet().retainAll(OF_DRIVER);
        return options;
    }

    /** What must not be shown. */
    @Nullable String secret() {
        return uri.password();
    }

    @Override
    public String toString() {
        return uri.toString();
    }
}
