package dev.sennit.queue.postgresql;

import dev.sennit.queue.broker.BrokerUri;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What stands in {@code postgresql://USER:PASSWORD@HOST:PORT/DATABASE?OPTIONS}. Its text shows no password. */
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
    private final String host;
    private final int port;
    private final String database;
    private final @Nullable String user;
    private final String schema;
    private final boolean notifies;
    private final int connections;
    private final @Nullable String synchronous;

    Address(BrokerUri uri) {
        this.uri = uri;
        uri.ensureOnly(OPTIONS);
        if (!uri.rest().startsWith("//")) {
            throw wrong("begins with postgresql://");
        }
        String rest = uri.rest().substring(2);
        int at = rest.lastIndexOf('@');
        String who = at < 0 ? "" : rest.substring(0, at);
        String where = rest.substring(at + 1);
        int slash = where.indexOf('/');
        String server = slash < 0 ? where : where.substring(0, slash);
        int colon = server.startsWith("[")
                ? server.indexOf(':', Math.max(0, server.indexOf(']')))
                : server.indexOf(':');
        host = decoded(colon < 0 ? server : server.substring(0, colon));
        if (host.isEmpty()) {
            throw wrong("has the name of a host");
        }
        port = colon < 0 ? PORT : number(server.substring(colon + 1), "a port", 1, 65_535);
        database = slash < 0 ? "" : decoded(where.substring(slash + 1));
        if (database.isEmpty() || database.contains("/")) {
            throw wrong("has the name of a database after the host");
        }
        String name = decoded(who.indexOf(':') < 0 ? who : who.substring(0, who.indexOf(':')));
        user = name.isEmpty() ? null : name;
        Map<String, String> options = uri.options();
        schema = ensureSchema(options.getOrDefault("schema", "sennit"));
        notifies = isOn("notify");
        connections = options.containsKey("connections")
                ? number(options.getOrDefault("connections", ""), "connections", 2, MOST_CONNECTIONS)
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

    private static int number(String text, String what, int least, int most) {
        try {
            int number = Integer.parseInt(text);
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            // told below, without the text: it may be part of a password with a sign that is not encoded
        }
        throw new IllegalArgumentException("postgresql has " + what + " from " + least + " to " + most
                + "; signs in a password are written as % and two hexadecimal digits");
    }

    private static IllegalArgumentException wrong(String what) {
        return new IllegalArgumentException("the address of a broker in PostgreSQL " + what + ": " + SYNTAX);
    }

    private static String decoded(String text) {
        try {
            return text.indexOf('%') < 0 ? text : URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) { // a message of its own, as that of the JDK shows the text
            throw wrong("has % without two hexadecimal digits");
        }
    }

    String host() {
        return host;
    }

    int port() {
        return port;
    }

    String database() {
        return database;
    }

    @Nullable String user() {
        return user;
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
