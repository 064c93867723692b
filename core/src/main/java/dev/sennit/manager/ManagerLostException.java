package dev.sennit.manager;

import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * Thrown when a manager cannot be reached, or not any more: its server ended, was closed or is unreachable, or this
 * client was closed. The message and the cause say which.
 *
 * <p>A call that was waiting for its answer may or may not have had its effect.
 */
public final class ManagerLostException extends UncheckedIOException {
    private static final long serialVersionUID = 1L;

    ManagerLostException(String message, IOException cause) {
        super(message, cause);
    }
}
