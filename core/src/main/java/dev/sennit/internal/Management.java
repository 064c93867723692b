package dev.sennit.internal;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The figures that the JDK's module {@code java.management} has of this JVM. A runtime image may be without it: then there is no processor time to
 * be had, and the options have to be found elsewhere. No other class of the library that such an image needs may name its classes.
 */
public final class Management {
    private static final boolean PRESENT = isPresent();

    private Management() {}

    private static boolean isPresent() {
        try {
            Class.forName("java.lang.management.ManagementFactory", false, Management.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException | LinkageError e) {
            return false;
        }
    }

    /** Only loaded where there is such a module. */
    private static final class Figures {
        static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

        static List<String> options() {
            return ManagementFactory.getRuntimeMXBean().getInputArguments();
        }

        static long cpuNanos(Thread thread) {
            return THREADS.isThreadCpuTimeEnabled() ? Math.max(0, THREADS.getThreadCpuTime(thread.threadId())) : 0;
        }
    }

    /** Whether there is such a module. */
    public static boolean isThere() {
        return PRESENT;
    }

    /**
     * Processor time that a thread has used.
     *
     * @param thread a platform thread
     * @return nanoseconds; 0 when it has ended, is virtual, or the JVM cannot tell
     */
    public static long cpuNanos(Thread thread) {
        return thread.isVirtual() || !PRESENT ? 0 : Figures.cpuNanos(thread);
    }

    /**
     * The options that this JVM was started with, wherever they came from.
     *
     * @return them, or null when the JVM cannot tell
     */
    public static @Nullable List<String> options() {
        return PRESENT ? Figures.options() : null;
    }
}
