package dev.sennit.testing;

import java.lang.Thread.UncaughtExceptionHandler;
import org.jspecify.annotations.Nullable;

/**
 * Handles uncaught exceptions of threads under exploration; leaves those of other threads to the handler that was
 * installed before.
 */
final class UncaughtFailures implements UncaughtExceptionHandler, AutoCloseable {
    // guarded by the class
    private static int users;
    private static @Nullable UncaughtFailures installed;

    private final @Nullable UncaughtExceptionHandler others;

    private UncaughtFailures(@Nullable UncaughtExceptionHandler others) {
        this.others = others;
    }

    /** Installs this handler until it is closed as often as this was called. */
    static UncaughtFailures taken() {
        synchronized (UncaughtFailures.class) {
            UncaughtFailures one = installed;
            if (one == null) {
                one = new UncaughtFailures(Thread.getDefaultUncaughtExceptionHandler());
                Thread.setDefaultUncaughtExceptionHandler(one);
                installed = one;
            }
            users++;
            return one;
        }
    }

    @Override
    public void close() {
        synchronized (UncaughtFailures.class) {
            if (--users == 0) {
                installed = null;
                if (Thread.getDefaultUncaughtExceptionHandler() == this) {
                    Thread.setDefaultUncaughtExceptionHandler(others);
                }
            }
        }
    }

    @Override
    public void uncaughtException(Thread thread, Throwable failure) {
        ScheduleRun run = ScheduleDriver.currentRun();
        if (run != null) {
            run.threw(failure);
        } else if (others != null) {
            others.uncaughtException(thread, failure);
        } else {
            System.getLogger(UncaughtFailures.class.getName())
                    .log(System.Logger.Level.ERROR, "uncaught in thread " + thread.getName(), failure);
        }
    }
}
