package dev.sennit.queue.sql;

import java.sql.SQLException;

/**
 * Another transaction was quicker, where databases let several write at a time: this one is rolled back and repeated.
 */
public final class ConflictException extends SQLException {
    private static final long serialVersionUID = 1;

    ConflictException() {
        super("another transaction was quicker", "40001");
    }
}
