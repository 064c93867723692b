package dev.sennit.pipe;

import java.io.EOFException;

/**
 * The other end of a {@link Connection} is gone: it was closed, or the process that had it ended. What was sent before that
 * has been received.
 */
public final class ConnectionEndedException extends EOFException {
    private static final long serialVersionUID = 1L;

    ConnectionEndedException(String message) {
        super(message);
    }
}
