package dev.sennit.queue.redis.foreign;

import org.jspecify.annotations.Nullable;

/** Where a server of Redis is, or who knows that, and how to get in. Its text shows no password. */
public interface Endpoint {
    /** Returns the host; of sentinels, that of one of them. */
    String host();

    /** Returns the port on that host. */
    int port();

    /** Returns the number of the database. */
    int database();

    /** Returns the user, or null. */
    @Nullable String user();

    /** Returns the password, or null. */
    @Nullable String password();

    /** Returns whether the connection is to be a TLS one. */
    default boolean isTls() {
        return false;
    }

    /** Returns the sentinels that know where the server is, or null if the host does. */
    default @Nullable Sentinels sentinels() {
        return null;
    }

    /** Returns a file with the certificates of those who may have signed that of the server, or null for Java's. */
    default @Nullable String rootCertificates() {
        return null;
    }
}
