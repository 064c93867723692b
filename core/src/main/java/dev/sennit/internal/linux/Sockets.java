package dev.sennit.internal.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.sennit.internal.Deadline;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** What all sockets of this package do. No program that this process starts inherits one. */
final class Sockets {
    static final int SOCK_STREAM = 1;
    static final int SOCK_DGRAM = 2;
    static final int SOCK_NONBLOCK = 0x800;
    static final int SOCK_CLOEXEC = 0x80000;

    static final int POLLIN = 1;

    private static final int SOL_SOCKET = 1;
    private static final long NANOS = 1_000_000_000L;

    private Sockets() {}

    static int open(int family, int type) throws SystemCallException {
        return (int) SystemCall.SOCKET.make(family, type | SOCK_CLOEXEC, 0);
    }

    static void connect(int socket, MemorySegment name) throws SystemCallException {
        SystemCall.CONNECT.make(socket, name.address(), name.byteSize());
    }

    static void bind(int socket, MemorySegment name) throws SystemCallException {
        SystemCall.BIND.make(socket, name.address(), name.byteSize());
    }

    static void set(int socket, int level, int option, int value) throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocateFrom(JAVA_INT, value);
            SystemCall.SETSOCKOPT.make(socket, level, option, memory.address(), memory.byteSize());
        }
    }

    /** Reads an option of the socket level. */
    static int get(int socket, int option) throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(JAVA_INT);
            MemorySegment length = arena.allocateFrom(JAVA_INT, Integer.BYTES);
            SystemCall.GETSOCKOPT.make(socket, SOL_SOCKET, option, memory.address(), length.address());
            return memory.get(JAVA_INT, 0);
        }
    }

    /**
     * Waits until something can be read, or the other side has closed. No interrupt ends it.
     *
     * @return false if the time was over first
     */
    static boolean awaitReadable(int socket, Deadline deadline) throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment asked = arena.allocate(8, Integer.BYTES); // struct pollfd
            asked.set(JAVA_INT, 0, socket);
            asked.set(JAVA_SHORT, 4, (short) POLLIN);
            while (true) {
                try {
                    return SystemCall.PPOLL.make(asked.address(), 1, timespec(arena, deadline.left()), 0, 0) > 0;
                } catch (SystemCallException e) {
                    if (!e.is(SystemCallException.EINTR)) {
                        throw e;
                    }
                }
            }
        }
    }

    /** Sleeps. No interrupt ends it. */
    static void pause(long nanos) throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            SystemCall.PPOLL.make(0, 0, timespec(arena, nanos), 0, 0);
        } catch (SystemCallException e) {
            if (!e.is(SystemCallException.EINTR)) {
                throw e;
            }
        }
    }

    private static long timespec(Arena arena, long nanos) {
        MemorySegment time = arena.allocate(JAVA_LONG, 2);
        time.setAtIndex(JAVA_LONG, 0, Math.max(0, nanos) / NANOS);
        time.setAtIndex(JAVA_LONG, 1, Math.max(0, nanos) % NANOS);
        return time.address();
    }
}
