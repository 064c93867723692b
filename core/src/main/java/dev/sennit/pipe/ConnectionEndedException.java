package dev.sennit.pipe;

import java.io.EOFException;

/**
 * Thrown when the other end of a {@link Connection} is gone: it was closed, or its process ended. All messages sent
 * before that have been received.
 */
public final class ConnectionEndedException extends EOFException {
    private static final long serialVersionUID = 1L;

    ConnectionEndedException(String message) {
        super(message);
    }
}
