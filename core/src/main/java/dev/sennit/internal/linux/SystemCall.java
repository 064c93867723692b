package dev.sennit.internal.linux;

import dev.sennit.internal.Linux;
import java.io.IOException;

/**
 * The system calls of this package, each with its number on x86-64 and on AArch64. AArch64 has none of the older ones,
 * such as {@code poll} and {@code dup2}, so neither are they used on x86-64.
 */
enum SystemCall {
    READ(0, 63),
    WRITE(1, 64),
    DUP3(292, 24),
    FCNTL(72, 25),
    FLOCK(73, 32),
    FCHMOD(91, 52),
    OPENAT(257, 56),
    PPOLL(271, 73),
    CLOCK_GETTIME(228, 113),
    PRCTL(157, 167),
    SOCKET(41, 198),
    BIND(49, 200),
    LISTEN(50, 201),
    ACCEPT4(288, 242),
    CONNECT(42, 203),
    GETSOCKNAME(51, 204),
    SETSOCKOPT(54, 208),
    GETSOCKOPT(55, 209),
    SHUTDOWN(48, 210),
    SENDMSG(46, 211),
    RECVMSG(47, 212),
    WAIT4(61, 260);

    private static final boolean IS_X86 =
            !System.getProperty("os.arch", "").equals("aarch64");

    private final int onX86;
    private final int onArm;

    SystemCall(int onX86, int onArm) {
        this.onX86 = onX86;
        this.onArm = onArm;
    }

    /** Fails where system calls cannot be made. */
    static void ensureSupported(String what) throws IOException {
        String obstacle = Linux.obstacle();
        if (obstacle != null) {
            throw new IOException(what + ": " + obstacle);
        }
    }

    long make(long first, long second, long third) throws SystemCallException {
        return make(first, second, third, 0, 0);
    }

    /** Makes the call; whoever makes it has asked whether calls are supported. */
    long make(long first, long second, long third, long fourth, long fifth) throws SystemCallException {
        long result = Linux.call(IS_X86 ? onX86 : onArm, first, second, third, fourth, fifth);
        if (result < 0) {
            throw new SystemCallException(this, (int) -result);
        }
        return result;
    }
}
