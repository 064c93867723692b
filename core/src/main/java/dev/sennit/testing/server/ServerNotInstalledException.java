package dev.sennit.testing.server;

import java.io.IOException;

/** A server is not installed on this machine. The message is one line, and tells what to install. */
public final class ServerNotInstalledException extends IOException {
    private static final long serialVersionUID = 1L;

    ServerNotInstalledException(String message) {
        super(message);
    }
}
