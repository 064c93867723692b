package dev.sennit.testing.server;

import org.junit.jupiter.api.Assumptions;

/** Servers for this library's own tests: one that is not installed fails its test, or skips it where that is wanted. */
final class Installed {
    private Installed() {}

    static TestServer.Builder server(ServerKind kind) {
        if (Boolean.getBoolean("sennit.servers.optional")) {
            Assumptions.assumeTrue(kind.isInstalled(), () -> kind.obstacle().orElseThrow());
        }
        return TestServer.of(kind);
    }
}
