package dev.sennit.internal;

import java.lang.System.Logger.Level;
import java.util.EnumSet;
import java.util.Set;

/**
 * Logs, once in a JVM, each feature of the platform that is missing, what the library loses by that, and the option
 * that remedies it.
 *
 * <p>A process that the library started itself logs none of this, as its parent has.
 */
public final class Fallbacks {
    /** A feature that may be missing. */
    public enum Missing {
        /** Calls of the system, for shared memory. */
        NATIVE_CALLS(Level.INFO),
        /** Virtual threads with a custom scheduler, for event loops; without them code may behave differently. */
        OWN_SCHEDULER(Level.WARNING),
        /** A folder for the class archive from which workers start. */
        ARCHIVE(Level.INFO);

        private final Level level;

        Missing(Level level) {
            this.level = level;
        }
    }

    /** Guarded by itself. */
    private static final Set<Missing> TOLD = EnumSet.noneOf(Missing.class);

    private Fallbacks() {}

    /** Turns the log off in this process. */
    public static void tellNothing() {
        synchronized (TOLD) {
            TOLD.addAll(EnumSet.allOf(Missing.class));
        }
    }

    /**
     * Logs that a feature is missing, unless that was logged before. Ignores a failure of the log.
     *
     * @param missing the feature
     * @param what the line to log: the loss, and the remedy
     */
    public static void tellOnce(Missing missing, String what) {
        boolean isNew;
        synchronized (TOLD) {
            isNew = TOLD.add(missing);
        }
        if (isNew) {
            try {
                System.getLogger("dev.sennit").log(missing.level, what);
            } catch (Throwable e) {
                // there is no other place to report it
            }
        }
    }
}
