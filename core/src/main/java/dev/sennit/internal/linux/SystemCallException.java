package dev.sennit.internal.linux;

import java.io.IOException;
import java.util.Locale;

/** Thrown when the kernel refuses a system call. */
final class SystemCallException extends IOException {
    private static final long serialVersionUID = 1L;

    static final int ENOENT = 2;
    static final int EINTR = 4;
    static final int EBADF = 9;
    static final int ECHILD = 10;
    static final int EAGAIN = 11;
    static final int EACCES = 13;
    static final int ENOTSOCK = 88;
    static final int EADDRINUSE = 98;
    static final int EADDRNOTAVAIL = 99;
    static final int ECONNREFUSED = 111;

    private final int errno;

    SystemCallException(SystemCall call, int errno) {
        super(call.name().toLowerCase(Locale.ROOT) + ": " + reason(errno));
        this.errno = errno;
    }

    /** The number of the reason, which is the same on all processors of this package. */
    int errno() {
        return errno;
    }

    boolean is(int reason) {
        return errno == reason;
    }

    /** The reason in words, for a message that says what was tried. */
    String reason() {
        return reason(errno);
    }

    private static String reason(int errno) {
        return switch (errno) {
            case 1 -> "operation not permitted";
            case ENOENT -> "no such file or folder";
            case EINTR -> "interrupted by a signal";
            case EBADF -> "no open descriptor";
            case ECHILD -> "no such child process";
            case EAGAIN -> "not now: it would block";
            case 12 -> "out of memory";
            case EACCES -> "permission denied";
            case 20 -> "a part of the path is no folder";
            case 22 -> "invalid argument";
            case 23, 24 -> "too many open files; raise the limit (ulimit -n)";
            case 28 -> "no space left on the device";
            case 30 -> "the file system is read-only";
            case 32 -> "the other side has closed";
            case 38 -> "the kernel, or the rules of this container, have no such call";
            case ENOTSOCK -> "no socket";
            case 90 -> "message too long";
            case 91 -> "a socket of another type";
            case 97 -> "this kernel has no such addresses";
            case EADDRINUSE -> "address already in use";
            case EADDRNOTAVAIL -> "no address of this machine";
            case 104 -> "the other side has reset the connection";
            case 105 -> "no buffer space left";
            case ECONNREFUSED -> "nobody listens there";
            default -> "error " + errno;
        };
    }
}
