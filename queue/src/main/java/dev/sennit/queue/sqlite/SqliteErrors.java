package dev.sennit.queue.sqlite;

import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerException.Kind;
import java.sql.SQLException;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** Says in one line what is wrong with a file, and what to do. */
final class SqliteErrors {
    private SqliteErrors() {}

    static BrokerException of(String name, SQLException error, boolean isCommit) {
        int code = error instanceof SQLiteException sqlite ? sqlite.getResultCode().code : error.getErrorCode();
        SQLiteErrorCode primary = SQLiteErrorCode.getErrorCode(code & 0xff);
        boolean isDoubtful = isCommit && primary == SQLiteErrorCode.SQLITE_IOERR;
        if (code == SQLiteErrorCode.SQLITE_BUSY_SNAPSHOT.code) {
            return new BrokerException(Kind.UNAVAILABLE, false,
                    name + " was changed since this transaction has read from it: begin it IMMEDIATE, or enqueue before"
                            + " the first query",
                    error);
        }
        return switch (primary) {
            case SQLITE_FULL -> new BrokerException(Kind.UNAVAILABLE, false,
                    name + " is on a full disk: nothing was changed, try again when there is room", error);
            case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL -> new BrokerException(Kind.UNAVAILABLE, false,
                    name + " is locked by another program for " + Database.PATIENCE.toSeconds()
                            + " s: end its transaction, or try again",
                    error);
            case SQLITE_READONLY -> new BrokerException(Kind.REFUSED, false,
                    name + " cannot be written: check the rights of the file and its folder", error);
            case SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_AUTH -> new BrokerException(Kind.REFUSED, false,
                    name + " cannot be opened: check the rights of the file and its folder", error);
            case SQLITE_NOTADB -> new BrokerException(Kind.UNUSABLE, false,
                    name + " is not a database of SQLite: name another file", error);
            case SQLITE_CORRUPT -> new BrokerException(Kind.UNUSABLE, false,
                    name + " is damaged: restore a copy, or save what is there with sqlite3 and its .recover", error);
            case SQLITE_IOERR -> new BrokerException(Kind.UNAVAILABLE, isDoubtful,
                    name + " cannot be read or written (" + SQLiteErrorCode.getErrorCode(code).name()
                            + "): check the disk",
                    error);
            default -> new BrokerException(Kind.UNUSABLE, false, name + " fails: " + line(error), error);
        };
    }

    /**
     * Whether an operation can be the cause of an error that others have with it. One that waits for a lock is nobody's
     * fault, and would cost each of them the same time again; a full disk may have room for what is smaller.
     */
    static boolean isOfOperation(Throwable error) {
        return !(error instanceof BrokerException broker) || !broker.isDoubtful()
                && (broker.kind() != Kind.UNAVAILABLE || broker.getCause() instanceof SQLiteException sqlite
                        && (sqlite.getResultCode().code & 0xff) == SQLiteErrorCode.SQLITE_FULL.code);
    }

    /** What was read makes no sense. */
    static BrokerException unreadable(String name, Throwable error) {
        return new BrokerException(Kind.UNUSABLE, false, name + " holds what cannot be read (" + line(error)
                + "): restore a copy", error);
    }

    private static String line(Throwable error) {
        return String.valueOf(error.getMessage() == null ? error.getClass().getSimpleName() : error.getMessage())
                .replaceAll("\\s+", " ").strip();
    }
}
