package dev.sennit.shared;

/**
 * How this process makes memory that others can use, and how its threads wait for them there: {@link SharedMemory#mechanism}
 * tells. Both offer the same; processes that use different ones work together.
 *
 * <p>The choice is made once, when shared memory is first used: {@link #NATIVE} where it can be had. The system property {@code
 * sennit.shared-memory} may say otherwise: {@code native}, {@code portable} or {@code auto}. With {@code portable} a process
 * behaves in everything as on a system other than Linux; it is for tests, and has to be the same in all processes that share
 * something. Workers take it over.
 */
public enum SharingMechanism {
    /**
     * Memory files without a name, and waits in the kernel, which end within microseconds. Needs Linux on x86-64 or AArch64,
     * and native access: {@code --enable-native-access=dev.sennit}, or {@code ALL-UNNAMED} where Sennit is on the class path.
     * Workers are given it.
     */
    NATIVE,
    /**
     * Mapped files in a private folder of the temporary folder ({@code java.io.tmpdir}), and threads that park and look
     * again: a wait for another process ends up to a quarter later than it could, and at most 10 milliseconds.
     */
    PORTABLE
}
