package dev.sennit.testing.server;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link TestServer.Builder} was told.
 *
 * @param port 0 for a free one
 * @param password null for the kind's own
 */
record ServerSettings(
        ServerKind kind,
        int port,
        @Nullable String password,
        List<String> configuration,
        boolean fsync,
        Duration startLimit,
        Duration stopLimit) {}
