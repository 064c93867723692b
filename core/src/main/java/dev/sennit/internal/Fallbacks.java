package dev.sennit.internal;

import java.lang.System.Logger.Level;
import java.util.EnumSet;
import java.util.Set;

/**
 * Tells, once in a JVM for each, what the library has to do without, what that costs, and which option mends it.
 *
 * <p>Nothing is told in a process that the library started itself: its parent has told it.
 */
public final class Fallbacks {
    /** What may be missing. */
    public enum Missing {
        /** Calls of the system, for shared memory. */
        NATIVE_CALLS(Level.INFO),
        /** Virtual threads with a scheduler of ours, for event loops: code may behave otherwise without. */
        OWN_SCHEDULER(Level.WARNING),
        /** A folder for the archive of classes that workers start from. */
        ARCHIVE(Level.INFO);

        private final Level level;

        Missing(Level level) {
            this.level = level;
        }
    }

    /** Guarded by itself. */
    private static final Set<Missing> TOLD = EnumSet.noneOf(Missing.class);

    private Fallbacks() {}

    /** Has nothing told in this process. */
    public static void tellNothing() {
        synchronized (TOLD) {
            TOLD.addAll(EnumSet.allOf(Missing.class));
        }
    }

    /**
     * Tells what is missing, unless that was told. A log that fails is no reason to fail as well.
     *
     * @param missing what
     * @param what the line: what is lost, and how to have it
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
                // there is nobody left to tell
            }
        }
    }
}
