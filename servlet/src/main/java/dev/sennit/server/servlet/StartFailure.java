package dev.sennit.server.servlet;

import jakarta.servlet.UnavailableException;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Says in a line why an application could not be started. */
final class StartFailure {
    private static final int MOST_CAUSES = 10;
    /** How Jetty says that a class is missing. */
    private static final Pattern HOLDER = Pattern.compile("^Class loading error for holder ([^@]+)@");
    private static final List<String> NOT_OF_USERS =
            List.of("java.", "jdk.", "org.eclipse.jetty.", "jakarta.", "dev.sennit.server.Engine",
                    "dev.sennit.server.WebService",
                    "dev.sennit.service.");

    private StartFailure() {}

    static String text(@Nullable Path war, Throwable failure) {
        Throwable cause = failure;
        for (int depth = 0; cause.getCause() != null && depth < MOST_CAUSES; depth++) { // a chain may have a circle
            cause = cause.getCause();
        }
        return (war == null ? "the Servlets" : war.toString()) + " cannot be started: " + what(cause)
                + where(cause);
    }

    private static String where(Throwable cause) {
        return Stream.of(cause.getStackTrace())
                .filter(StartFailure::isOfUser)
                .findFirst()
                .filter(_ -> !(cause instanceof UnavailableException)) // which Jetty has made
                .map(frame -> " at " + frame)
                .orElse("");
    }

    private static String what(Throwable cause) {
        String message = String.valueOf(cause.getMessage());
        Matcher holder = HOLDER.matcher(message);
        if (holder.find()) {
            return "class " + holder.group(1) + " is missing";
        }
        return cause instanceof ClassNotFoundException || cause instanceof NoClassDefFoundError
                ? "class " + message.replace('/', '.') + " is missing"
                : cause.toString().lines().findFirst().orElse("");
    }

    private static boolean isOfUser(StackTraceElement frame) {
        return NOT_OF_USERS.stream().noneMatch(frame.getClassName()::startsWith);
    }
}
