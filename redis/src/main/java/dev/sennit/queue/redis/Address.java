package dev.sennit.queue.redis;

import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.ServerAddress;
import dev.sennit.queue.redis.foreign.Endpoint;
import dev.sennit.queue.redis.foreign.Sentinels;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The parts of {@code redis://USER:PASSWORD@HOST:PORT/DB?OPTIONS}, or {@code redis+sentinel://} and several hosts. Its
 * text shows no password.
 */
final class Address implements Endpoint {
    static final String SYNTAX = "redis://[[USER]:PASSWORD@]HOST[:PORT]/[DB][?prefix=NAME&connections=N&replicas=N]";
    static final String SENTINEL_SYNTAX = "redis+sentinel://[[USER]:PASSWORD@]HOST[:PORT][,HOST...]/[DB]?master=NAME"
            + "[&sentinelPassword=PASSWORD&prefix=NAME&connections=N&replicas=N]";
    static final String PLAIN = "redis";
    static final String TLS = "rediss";
    static final String PREFIX = "sennit";

    private static final int PORT = 6379;
    private static final int CONNECTIONS = 3;
    private static final int MOST_CONNECTIONS = 100;
    private static final int MOST_REPLICAS = 100;
    private static final int MOST_DATABASES = 1_000_000;
    private static final Set<String> OPTIONS = Set.of("prefix", "connections", "replicas", "sslrootcert");
    /** Letters, digits and a few signs; in braces the part by which a cluster chooses the node. */
    private static final String PREFIX_PATTERN = "[\\w.:-]{1,100}|[\\w.:-]{0,50}\\{[\\w.:-]{1,50}\\}[\\w.:-]{0,50}";

    private final BrokerUri uri;
    private final ServerAddress server;
    private final int database;
    private final String prefix;
    private final int connections;
    private final int replicas;
    private final @Nullable String rootCertificates;
    private final @Nullable Sentinels sentinels;

    Address(BrokerUri uri) {
        this.uri = uri;
        boolean isSentinel = uri.scheme().endsWith(Sentinels.SCHEME);
        Set<String> known = new HashSet<>(OPTIONS);
        known.addAll(isSentinel ? Sentinels.OPTIONS : Set.of());
        uri.ensureOnly(known);
        rootCertificates = uri.options().get("sslrootcert");
        if (isSentinel) {
            sentinels = new Sentinels(uri, "Redis", SENTINEL_SYNTAX, isTls(), rootCertificates);
            server = sentinels.address();
        } else {
            sentinels = null;
            server = ServerAddress.of(uri, "Redis", PORT, SYNTAX);
        }
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
        replicas = server.number(options.getOrDefault("replicas", "0"), "replicas", 0, MOST_REPLICAS);
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

    /** By how many replicas a task or an end is to be confirmed. */
    int replicas() {
        return replicas;
    }

    /** Whether a scheme is one of these addresses. */
    static boolean isScheme(String scheme) {
        return Set.of(PLAIN, TLS, PLAIN + Sentinels.SCHEME, TLS + Sentinels.SCHEME).contains(scheme);
    }

    @Override
    public boolean isTls() {
        return uri.scheme().startsWith(TLS);
    }

    @Override
    public @Nullable Sentinels sentinels() {
        return sentinels;
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
