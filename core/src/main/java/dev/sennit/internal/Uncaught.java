package dev.sennit.internal;

import java.lang.System.Logger.Level;
import org.jspecify.annotations.Nullable;

/** Where a failure goes that nobody can read: the uncaught-exception handler, as for {@code ThreadPoolExecutor.execute}. */
public final class Uncaught {
    private Uncaught() {}

    /**
     * Reports a failure of the calling thread, which goes on: whatever the handler throws is logged.
     *
     * @param failure what was thrown
     */
    public static void report(Throwable failure) {
        Thread thread = Thread.currentThread();
        try {
            thread.getUncaughtExceptionHandler().uncaughtException(thread, failure);
        } catch (Throwable e) { // an Error of the handler must not cost the worker
            log("uncaught-exception handler failed", e);
        }
    }

    /**
     * Logs a failure of code that is not ours to mend. A log that fails is no reason to fail as well.
     *
     * @param what what failed
     * @param failure what was thrown
     */
    public static void log(String what, Throwable failure) {
        log(Level.ERROR, what, failure);
    }

    /**
     * Logs what somebody may have overlooked. A log that fails is no reason to fail as well.
     *
     * @param what what happened
     * @param failure what was thrown, if it is known
     */
    public static void warn(String what, @Nullable Throwable failure) {
        log(Level.WARNING, what, failure);
    }

    private static void log(Level level, String what, @Nullable Throwable failure) {
        try {
            System.getLogger("dev.sennit").log(level, what, failure);
        } catch (Throwable e) {
            // there is nobody left to tell
        }
    }
}
