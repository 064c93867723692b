package dev.sennit.process;

import dev.sennit.internal.Linux;
import dev.sennit.internal.machine.Sharing;

/**
 * How tasks and answers go between a {@link ProcessPool} and its workers. In a plan: {@code transport=auto} and so on.
 */
public enum WorkerTransport {
    /**
     * Through shared memory where that is possible, else over pipes and sockets; the system property
     * {@code sennit.transport} may say which.
     */
    AUTO,
    /**
     * Through shared memory: needs Linux, and native access, {@code --enable-native-access=dev.sennit}, or
     * {@code ALL-UNNAMED} where Sennit is on the class path. It is several times as fast.
     */
    SHARED_MEMORY,
    /** Over pipes and Unix sockets, which every system has. */
    SOCKET;

    static WorkerTransport parse(String text) {
        for (WorkerTransport transport : values()) {
            if (transport.name().equalsIgnoreCase(text.replace('-', '_'))) {
                return transport;
            }
        }
        throw new IllegalArgumentException("transport must be auto, shared-memory or socket, was \"" + text + "\"");
    }

    /** Throws {@link UnsupportedOperationException} if {@link #SHARED_MEMORY} cannot be had. */
    static void ensureSharedMemory() {
        if (!Linux.isAvailable()) {
            throw new UnsupportedOperationException(
                    "transport shared-memory needs Linux on x86-64 or AArch64, and the option "
                            + Linux.nativeAccessOption());
        }
    }

    /** Tells, once, what would make tasks travel faster, if nobody wanted sockets. */
    void tellIfSlower() {
        if (this == AUTO && resolved() == SOCKET && !"socket".equals(System.getProperty("sennit.transport"))) {
            Sharing.tellIfCallsAreMissing();
        }
    }

    /** What is used here: one of the other two. */
    WorkerTransport resolved() {
        WorkerTransport wanted = this != AUTO ? this : parse(System.getProperty("sennit.transport", "auto"));
        return wanted != AUTO ? wanted : Linux.isAvailable() ? SHARED_MEMORY : SOCKET;
    }
}
