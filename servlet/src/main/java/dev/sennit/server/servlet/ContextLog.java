package dev.sennit.server.servlet;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import org.jspecify.annotations.Nullable;
import org.slf4j.Marker;
import org.slf4j.helpers.LegacyAbstractLogger;
import org.slf4j.helpers.MessageFormatter;

/** Where {@code ServletContext.log} goes: the log of this JVM. */
final class ContextLog extends LegacyAbstractLogger {
    private static final long serialVersionUID = 1L;
    private static final Logger LOGGER = System.getLogger("dev.sennit.server.servlet");

    ContextLog(String path) {
        name = path;
    }

    @Override
    protected void handleNormalizedLoggingCall(
            org.slf4j.event.Level level, @Nullable Marker marker, String message, Object @Nullable [] arguments,
            @Nullable Throwable failure) {
        LOGGER.log(levelOf(level), () -> name + " - " + MessageFormatter.basicArrayFormat(message, arguments), failure);
    }

    private static Level levelOf(org.slf4j.event.Level level) {
        return switch (level) {
            case ERROR -> Level.ERROR;
            case WARN -> Level.WARNING;
            case INFO -> Level.INFO;
            case DEBUG -> Level.DEBUG;
            case TRACE -> Level.TRACE;
        };
    }

    @Override
    protected @Nullable String getFullyQualifiedCallerName() {
        return null;
    }

    @Override
    public boolean isTraceEnabled() {
        return LOGGER.isLoggable(Level.TRACE);
    }

    @Override
    public boolean isDebugEnabled() {
        return LOGGER.isLoggable(Level.DEBUG);
    }

    @Override
    public boolean isInfoEnabled() {
        return LOGGER.isLoggable(Level.INFO);
    }

    @Override
    public boolean isWarnEnabled() {
        return LOGGER.isLoggable(Level.WARNING);
    }

    @Override
    public boolean isErrorEnabled() {
        return LOGGER.isLoggable(Level.ERROR);
    }
}
