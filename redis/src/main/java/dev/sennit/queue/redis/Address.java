package dev.sennit.queue.redis;

import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.ServerAddress;
import dev.sennit.queue.redis.foreign.Endpoint;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The parts of {@code redis://USER:PASSWORD@HOST:PORT/DB?OPTIONS}. Its text shows no password. */
final class Address implements Endpoint {
    static final String SYNTAX = "redis://[[USER]:PASSWORD@]HOST[:PORT]/[DB][?prefix=NAME&connections=N]";
    static final String TLS = "rediss";
    static final String PREFIX = "sennit";

    private static final int PORT = 6379;
    private static final int CONNECTIONS = 3;
    private static final int MOST_CONNECTIONS = 100;
    private static final int MOST_DATABASES = 1_000_000;
    private static final Set<String> OPTIONS = Set.of("prefix", "connections", "sslrootcert");
    /** Letters, digits and a few signs; in braces the part by which a cluster chooses the node. */
    private static final String PREFIX_PATTERN = "[\\w.:-]{1,100}|[\\w.:-]{0,50}\\{[\\w.:-]{1,50}\\}[\\w.:-]{0,50}";

    private final BrokerUri uri;
    private final ServerAddress server;
    private final int database;
    private final String prefix;
    private final int connections;
    private final @Nullable String rootCertificates;

    Address(BrokerUri uri) {
        this.uri = uri;
        uri.ensureOnly(OPTIONS);
        server = ServerAddress.of(uri, "Redis", PORT, SYNTAX);
        database = server.path().isEmpty() ? 0 : server.number(server.path(), "a database", 0, MOST_DATABASES);
        if (server.user() != null && uri.password() == null) {
            throw server.wrong("has a colon before the password");
        }
        Map<String, String> options = uri.options();
        prefix = options.getOrDefault("prefix", PREFIX);
        if (!prefix.matches(PREFIX_PATTERN)) {
            throw new IllegalArgumentException(
                    "prefix must be letters, digits and _ . : - (and braces around a hash tag), was " + prefix);
        }
        connections = options.containsKey("connections")
                ? server.number(options.getOrDefault("connections", ""), "connections", 2, MOST_CONNECTIONS)
                : CONNECTIONS;
        rootCertificates = options.get("sslrootcert");
        if (rootCertificates != null && !isTls()) {
            throw new IllegalArgumentException("sslrootcert is an option of rediss://, which speaks TLS");
        }
    }

    @Override
    public String host() {
        return server.host();
    }

    @Override
    public int port() {
        return server.port();
    }

    @Override
    public int database() {
        return database;
    }

    @Override
    public @Nullable String user() {
        return server.user();
    }

    @Override
    public @Nullable String password() {
        String password = uri.password();
        return password == null || password.isEmpty() ? null : password;
    }

    /** How many connections there are at most: one hears of news, the others are lanes. */
    int connections() {
        return connections;
    }

    @Override
    public boolean isTls() {
        return uri.scheme().equals(TLS);
    }

    @Override
    public @Nullable String rootCertificates() {
        return rootCertificates;
    }

    boolean hasHashTag() {
        return prefix.contains("{");
    }

    /** The beginning of all keys. A hash tag in it keeps all of them in one slot. */
    String keys() {
        return (hasHashTag() ? prefix : "{" + prefix + "}") + ":";
    }

    /** The beginning of all channels, which the databases of a server share. */
    String channels() {
        return keys() + "channel:" + database + ":";
    }

    @Override
    public String toString() {
        return uri.toString();
    }
}
