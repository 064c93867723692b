package dev.sennit.internal;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MonitorInfo;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.management.JMException;
import javax.management.ObjectName;
import org.jspecify.annotations.Nullable;

/**
 * Figures of this JVM from the JDK's module {@code java.management}. A runtime image may lack it: then processor times
 * are not available, and the options have to be found elsewhere. No other class that such an image needs may name that
 * module's classes.
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

    /** Loaded only if the module is present. */
    private static final class Figures {
        static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

        static Map<String, Long> monitors() {
            Map<String, Long> owners = new HashMap<>();
            for (ThreadInfo thread : THREADS.dumpAllThreads(true, false)) {
                for (MonitorInfo monitor : thread.getLockedMonitors()) {
                    owners.put(monitor.toString(), thread.getThreadId());
                }
            }
            return owners;
        }

        static List<String> options() {
            return ManagementFactory.getRuntimeMXBean().getInputArguments();
        }

        static long cpuNanos(Thread thread) {
            return THREADS.isThreadCpuTimeEnabled() ? Math.max(-1, THREADS.getThreadCpuTime(thread.threadId())) : -1;
        }
    }

    /** By the bean's name, as the module {@code jdk.management} may be absent. */
    private static final class Dumps {
        /** Returns null if the JVM cannot tell. Only this class may name the exception: it is of that module, too. */
        static @Nullable String asJson() throws IOException {
            Path folder = Files.createTempDirectory("sennit-threads-");
            Path file = folder.resolve("threads.json"); // that must not be there
            try {
                ManagementFactory.getPlatformMBeanServer().invoke(
                        new ObjectName("com.sun.management:type=HotSpotDiagnostic"),
                        "dumpThreads",
                        new Object[] {file.toString(), "JSON"},
                        new String[] {String.class.getName(), String.class.getName()});
                return Files.readString(file);
            } catch (JMException e) {
                return null;
            } finally {
                Files.deleteIfExists(file);
                Files.delete(folder);
            }
        }
    }

    /**
     * Returns the monitors that platform threads hold.
     *
     * @return ids of threads by the monitors' class and identity hash code, as in {@link #threadDump}
     */
    public static Map<String, Long> monitors() {
        return PRESENT ? Figures.monitors() : Map.of();
    }

    /**
     * Returns a dump of all threads, virtual ones, too, with the monitors that they hold and wait for. Takes long if
     * there are many.
     *
     * @return the dump, as JSON; null when the JVM cannot tell
     */
    public static @Nullable String threadDump() {
        try {
            return PRESENT ? Dumps.asJson() : null;
        } catch (IOException | RuntimeException | LinkageError e) {
            return null; // another JVM, a runtime image without it, or no folder for it
        }
    }

    /** Returns whether the module is present. */
    public static boolean isThere() {
        return PRESENT;
    }

    /**
     * Returns the processor time that a thread has used.
     *
     * @param thread a platform thread
     * @return nanoseconds; 0 when it has ended, is virtual, or the JVM cannot tell
     */
    public static long cpuNanos(Thread thread) {
        return Math.max(0, knownCpuNanos(thread));
    }

    /**
     * Returns the processor time that a thread has used.
     *
     * @param thread a platform thread
     * @return nanoseconds; -1 when it has ended, is virtual, or the JVM cannot tell
     */
    public static long knownCpuNanos(Thread thread) {
        return thread.isVirtual() || !PRESENT ? -1 : Figures.cpuNanos(thread);
    }

    /**
     * Returns the options that this JVM was started with, from the command line, files or the environment.
     *
     * @return the options, or null when the JVM cannot tell
     */
    public static @Nullable List<String> options() {
        return PRESENT ? Figures.options() : null;
    }
}
