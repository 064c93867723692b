package dev.sennit.internal;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;

/** Processor time of platform threads. */
public final class ThreadTimes {
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private ThreadTimes() {}

    /**
     * Processor time that a thread has used.
     *
     * @param thread a platform thread
     * @return nanoseconds; 0 when it has ended, is virtual, or the JVM cannot tell
     */
    public static long cpuNanos(Thread thread) {
        if (thread.isVirtual() || !THREADS.isThreadCpuTimeEnabled()) {
            return 0;
        }
        return Math.max(0, THREADS.getThreadCpuTime(thread.threadId()));
    }
}
