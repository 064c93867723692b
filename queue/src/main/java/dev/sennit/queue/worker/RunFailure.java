package dev.sennit.queue.worker;

import dev.sennit.RemoteTaskException;
import dev.sennit.queue.broker.ErrorInfo;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/**
 * How a run has failed, as data: it comes home from another process where the exception of a user's class might not,
 * and brings the names of all classes that a retry policy can name.
 */
public final class RunFailure extends Exception {
    private static final long serialVersionUID = 1;
    private static final int MOST_CAUSES = 32;

    /** What follows from it. */
    public enum Kind {
        /** The retry policy decides. */
        FAILED,
        /** The argument cannot be read, in any attempt. */
        UNREADABLE,
        /** The run has given the task back. */
        GIVEN_BACK
    }

    /** What follows from it. */
    private final Kind kind;

    /** The parts of the {@link ErrorInfo}. */
    private final String type;

    private final String text;
    private final String stack;

    /** The names of the classes of the exception and its causes, superclasses included. */
    private final String[] classes;

    private RunFailure(Kind kind, ErrorInfo error, List<String> classes) {
        super(error.text(), null, false, false);
        this.kind = kind;
        type = error.type();
        text = error.message();
        stack = error.stack();
        this.classes = classes.toArray(String[]::new);
    }

    /**
     * Describes an exception.
     *
     * @param kind what follows from it
     * @param failure the exception
     * @param prefix what its message is to begin with, perhaps empty
     * @return the failure
     */
    public static RunFailure of(Kind kind, Throwable failure, String prefix) {
        ErrorInfo error = describe(failure);
        return new RunFailure(kind, new ErrorInfo(error.type(), prefix + error.message(), error.stack()),
                classesOf(failure));
    }

    /**
     * Returns what follows from it.
     *
     * @return the kind
     */
    public Kind kind() {
        return kind;
    }

    /**
     * Returns the exception that the run threw.
     *
     * @return class, message and stack trace
     */
    public ErrorInfo error() {
        return new ErrorInfo(type, text, stack);
    }

    /** Returns the names of the classes of the exception, its superclasses, and those of its causes. */
    List<String> classes() {
        return List.of(classes);
    }

    /** Describes any exception; one that cannot even tell its message, too. */
    static ErrorInfo describe(Throwable failure) {
        String name = failure instanceof RemoteTaskException remote
                ? remote.originalClassName()
                : failure.getClass().getName();
        String message;
        String stack;
        try {
            message = failure.getMessage() == null ? "" : failure.getMessage();
            var writer = new StringWriter();
            failure.printStackTrace(new PrintWriter(writer));
            stack = writer.toString();
        } catch (Throwable e) {
            return new ErrorInfo(name, "its message cannot be told: " + e.getClass().getName(), "");
        }
        return new ErrorInfo(name, message, stack);
    }

    /** Returns the names of the classes of an exception, its superclasses, and those of its causes. */
    static List<String> classesOf(Throwable failure) {
        List<String> names = new ArrayList<>();
        Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        Throwable each = failure;
        while (each != null && seen.add(each) && seen.size() <= MOST_CAUSES) {
            if (each instanceof RemoteTaskException remote) {
                names.add(remote.originalClassName());
            } else {
                for (Class<?> type = each.getClass(); type != Object.class && type != null;
                        type = type.getSuperclass()) {
                    names.add(type.getName());
                }
            }
            try {
                each = each.getCause();
            } catch (RuntimeException | Error e) { // the user's own method
                break;
            }
        }
        return names;
    }
}
