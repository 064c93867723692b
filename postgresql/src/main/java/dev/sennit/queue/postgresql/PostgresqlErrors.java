package dev.sennit.queue.postgresql;

import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerException.Kind;
import java.io.IOException;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/** Says in one line what is wrong with a database, and what to do. Shows no password. */
final class PostgresqlErrors {
    private final String name;
    private final @Nullable String secret;

    PostgresqlErrors(String name, @Nullable String secret) {
        this.name = name;
        this.secret = secret == null || secret.isEmpty() ? null : secret;
    }

    /** Whether the transaction was undone because of another one, and may be repeated. */
    static boolean isConflict(SQLException error) {
        String state = state(error);
        return state.equals("40001") || state.equals("40P01");
    }

    /** Whether the connection cannot be used any more. */
    static boolean isBroken(SQLException error) {
        String state = state(error);
        return state.startsWith("08") || state.startsWith("57P") || state.equals("25P03") || state.equals("25P04")
                || error.getCause() instanceof IOException;
    }

    private static String state(SQLException error) {
        return error.getSQLState() == null ? "" : error.getSQLState();
    }

    /**
     * Words an error.
     *
     * @param isDoubtful whether the transaction may be committed
     */
    BrokerException of(SQLException error, boolean isDoubtful) {
        String state = state(error);
        if (isBroken(error)) {
            return of(Kind.UNAVAILABLE, isDoubtful, state.equals("25P03")
                    ? " has ended a transaction that stood still: nothing was changed, try again"
                    : " cannot be reached (" + line(error) + "): see whether the server runs, and try again", error);
        }
        return switch (state.isEmpty() ? "" : state.substring(0, 2)) {
            case "28" -> of(Kind.REFUSED, false, " refuses this user (" + line(error)
                    + "): correct user and password, or pg_hba.conf of the server", error);
            case "3D" -> of(Kind.REFUSED, false, " has no such database (" + line(error) + "): create it", error);
            case "53" -> of(Kind.UNAVAILABLE, isDoubtful, " has no room (" + line(error)
                    + "): nothing was changed, try again when there is some", error);
            default -> other(state, isDoubtful, error);
        };
    }

    private BrokerException other(String state, boolean isDoubtful, SQLException error) {
        return switch (state) {
            case "42501" -> of(Kind.REFUSED, false, " refuses it (" + line(error)
                    + "): grant this user the rights to the schema and its tables", error);
            case "25006" -> of(Kind.REFUSED, false, " can be read only: name the primary server", error);
            case "40001", "40P01" -> of(Kind.UNAVAILABLE, isDoubtful,
                    " had other transactions in the way again and again: nothing was changed, try again", error);
            case "55P03" -> of(Kind.UNAVAILABLE, isDoubtful, " has what is needed locked by another transaction for "
                    + PostgresqlDialect.PATIENCE / 1000 + " s: nothing was changed, end that, or try again", error);
            case "57014" -> of(Kind.UNAVAILABLE, isDoubtful, " was told to end the statement: try again", error);
            case "42P01", "3F000" -> of(Kind.UNUSABLE, false, " has lost its tables (" + line(error)
                    + "): restore a copy, or open the broker again to make them anew", error);
            case "XX001", "XX002" -> of(Kind.UNUSABLE, false, " is damaged (" + line(error) + "): restore a copy",
                    error);
            default -> of(Kind.UNUSABLE, isDoubtful, " fails: " + line(error), error);
        };
    }

    /** What was read makes no sense. */
    BrokerException unreadable(Throwable error) {
        return of(Kind.UNUSABLE, false, " holds what cannot be read (" + line(error) + "): restore a copy", error);
    }

    BrokerException of(Kind kind, boolean isDoubtful, String what, @Nullable Throwable error) {
        return new BrokerException(kind, isDoubtful, name + what, error == null || isTelling(error) ? null : error);
    }

    /** Whether an error, or one behind it, shows the password. None that is known does; they are not written here. */
    private boolean isTelling(Throwable error) {
        if (secret == null) {
            return false;
        }
        int depth = 0;
        for (Throwable each = error; each != null && depth < 20; each = each.getCause(), depth++) {
            if (String.valueOf(each).contains(secret)) {
                return true;
            }
        }
        return false;
    }

    private String line(Throwable error) {
        String text = error.getMessage() == null ? error.getClass().getSimpleName() : error.getMessage();
        String line = text.replaceAll("\\s+", " ").strip();
        return secret == null ? line : line.replace(secret, "***");
    }
}
