package dev.sennit;

import java.lang.System.Logger.Level;

/** Where a failure goes that nobody can read: the uncaught-exception handler, as for {@code ThreadPoolExecutor.execute}. */
final class Uncaught {
    private Uncaught() {}

    static void report(Throwable failure) {
        Thread thread = Thread.currentThread();
        try {
            thread.getUncaughtExceptionHandler().uncaughtException(thread, failure);
        } catch (Throwable e) { // an Error of the handler must not cost the worker
            System.getLogger("dev.sennit").log(Level.ERROR, "uncaught-exception handler failed", e);
        }
    }
}
