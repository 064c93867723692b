package dev.sennit.internal;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Reads exceptions of unknown classes, whose own methods may throw, overflow the stack, or return null or unbounded
 * text. The methods here do not fail because of that, and their results are bounded.
 */
public final class Throwables {
    private static final int LONGEST_TEXT = 1 << 16;
    private static final int MOST_FRAMES = 1 << 12;
    private static final int MOST_LINKED = 64;

    private Throwables() {}

    /**
     * Returns the exception's {@code toString()}.
     *
     * @param failure any exception
     * @return its text, or its class's name if it has none; cut off at 65,536 characters
     */
    public static String text(Throwable failure) {
        String text = null;
        try {
            text = failure.toString();
        } catch (Throwable e) {
            // use the class's name
        }
        return shortened(text != null ? text : failure.getClass().getName());
    }

    /**
     * Returns the exception's {@code getMessage()}.
     *
     * @param failure any exception
     * @return its message; null if it has none; cut off at 65,536 characters
     */
    public static @Nullable String message(Throwable failure) {
        try {
            String message = failure.getMessage();
            return message == null ? null : shortened(message);
        } catch (Throwable e) {
            return null;
        }
    }

    /**
     * Returns the exception's {@code getCause()}.
     *
     * @param failure any exception
     * @return its cause; null if it has none
     */
    public static @Nullable Throwable cause(Throwable failure) {
        try {
            return failure.getCause();
        } catch (Throwable e) {
            return null;
        }
    }

    /**
     * Returns the exception's {@code getStackTrace()}.
     *
     * @param failure any exception
     * @return its frames, 4,096 at most, none of them null
     */
    public static StackTraceElement[] stack(Throwable failure) {
        try {
            return Arrays.stream(failure.getStackTrace())
                    .filter(Objects::nonNull)
                    .limit(MOST_FRAMES)
                    .toArray(StackTraceElement[]::new);
        } catch (Throwable e) {
            return new StackTraceElement[0];
        }
    }

    /**
     * Returns whether an exception can be wrapped and printed safely, as futures and loggers do in threads that must go
     * on.
     *
     * @param failure any exception
     * @return false if a method that they call throws or returns an invalid value, in the exception, its causes or
     *     their suppressed exceptions; or if there are more than 64 of these
     */
    public static boolean isSound(Throwable failure) {
        Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        Deque<Throwable> open = new ArrayDeque<>(List.of(failure));
        try {
            while (!open.isEmpty()) {
                Throwable next = open.remove();
                if (!seen.add(next)) {
                    continue;
                }
                if (seen.size() > MOST_LINKED) {
                    return false;
                }
                var unusedText = next.toString();
                var unusedMessage = next.getMessage();
                for (StackTraceElement frame : next.getStackTrace()) {
                    Objects.requireNonNull(frame);
                }
                Throwable cause = next.getCause();
                if (cause != null) {
                    open.add(cause);
                }
                open.addAll(Arrays.asList(next.getSuppressed()));
            }
            return true;
        } catch (Throwable e) {
            return false;
        }
    }

    /**
     * Wraps an exception as the JDK does, but so that its own methods cannot make the wrapping fail.
     *
     * @param failure any exception
     * @return an exception with it as the cause
     */
    public static CompletionException completion(Throwable failure) {
        return new CompletionException(text(failure), failure);
    }

    /**
     * Wraps an exception as the JDK does, but so that its own methods cannot make the wrapping fail.
     *
     * @param failure any exception
     * @return an exception with it as the cause
     */
    public static ExecutionException execution(Throwable failure) {
        return new ExecutionException(text(failure), failure);
    }

    private static String shortened(String text) {
        return text.length() <= LONGEST_TEXT ? text : text.substring(0, LONGEST_TEXT - 3) + "...";
    }
}
