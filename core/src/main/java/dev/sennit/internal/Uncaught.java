package dev.sennit.internal;

import java.lang.System.Logger.Level;
import org.jspecify.annotations.Nullable;

/**
 * Reports failures that have no caller: to the uncaught-exception handler, as {@code ThreadPoolExecutor.execute}, or
 * the log.
 */
public final class Uncaught {
    private Uncaught() {}

    /**
     * Reports a failure to the uncaught-exception handler of the calling thread, which goes on. An exception of the
     * handler is logged.
     *
     * @param failure the failure
     */
    public static void report(Throwable failure) {
        Thread thread = Thread.currentThread();
        try {
            thread.getUncaughtExceptionHandler().uncaughtException(thread, failure);
        } catch (Throwable e) { // an Error of the handler must not end the worker
            log("uncaught-exception handler failed", e);
        }
    }

    /**
     * Logs a failure of the application's code. Ignores a failure of the log.
     *
     * @param what what failed
     * @param failure the failure
     */
    public static void log(String what, Throwable failure) {
        log(Level.ERROR, what, failure);
    }

    /**
     * Logs a warning. Ignores a failure of the log.
     *
     * @param what what happened
     * @param failure the exception, or null
     */
    public static void warn(String what, @Nullable Throwable failure) {
        log(Level.WARNING, what, failure);
    }

    private static void log(Level level, String what, @Nullable Throwable failure) {
        try {
            System.getLogger("dev.sennit").log(level, what, failure);
        } catch (Throwable e) {
            // there is no other place to report it
        }
    }
}
