package dev.sennit.queue.rq;

import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.ServerAddress;
import dev.sennit.queue.redis.foreign.Endpoint;
import dev.sennit.queue.redis.foreign.Sentinels;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The parts of {@code rq+redis://:PASSWORD@HOST:PORT/DB}, or {@code rq+redis+sentinel://} and several hosts. Its text
 * shows no password.
 */
final class Address implements Endpoint {
    static final String SCHEME = "rq+redis";
    static final String TLS = "rq+rediss";
    static final String SYNTAX = "rq+redis://[[USER]:PASSWORD@]HOST[:PORT]/[DB]";
    static final String TLS_SYNTAX = "rq+rediss://HOST... (TLS)";
    static final String SENTINEL = SCHEME + Sentinels.SCHEME;
    static final String SENTINEL_SYNTAX =
            "rq+redis+sentinel://[[USER]:PASSWORD@]HOST[:PORT][,HOST...]/[DB]?master=NAME[&sentinelPassword=PASSWORD]";

    private static final int PORT = 6379;
    private static final int MOST_DATABASES = 1_000_000;

    private final BrokerUri uri;
    private final ServerAddress server;
    private final int database;
    private final @Nullable String rootCertificates;
    private final @Nullable Sentinels sentinels;

    Address(BrokerUri uri) {
        this.uri = uri;
        boolean isSentinel = uri.scheme().equals(SENTINEL);
        uri.ensureOnly(isSentinel ? Sentinels.OPTIONS : Set.of("sslrootcert"));
        if (isSentinel) {
            sentinels = new Sentinels(uri, "RQ's Redis", SENTINEL_SYNTAX, false, null);
            server = sentinels.address();
        } else {
            sentinels = null;
            server = ServerAddress.of(uri, "RQ's Redis", PORT, SYNTAX);
        }
        database = server.path().isEmpty()
                ? 0
                : server.number(server.path(), "the number of a database behind the host", 0, MOST_DATABASES);
        rootCertificates = uri.options().get("sslrootcert");
        if (rootCertificates != null && !isTls()) {
            throw new IllegalArgumentException("sslrootcert is an option of rq+rediss://, which speaks TLS");
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
        return uri.password();
    }

    @Override
    public boolean isTls() {
        return uri.scheme().equals(TLS);
    }

    @Override
    public @Nullable Sentinels sentinels() {
        return sentinels;
    }

    @Override
    public @Nullable String rootCertificates() {
        return rootCertificates;
    }

    @Override
    public String toString() {
        return uri.toString();
    }
}
