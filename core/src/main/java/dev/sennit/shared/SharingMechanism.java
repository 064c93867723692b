package dev.sennit.shared;

/**
 * How this process makes memory that others can use, and how its threads wait for them there; see
 * {@link SharedMemory#mechanism}. Both mechanisms offer the same, and processes that use different ones work together.
 *
 * <p>The mechanism is chosen when shared memory is first used: {@link #NATIVE} if it is available. The system property
 * {@code sennit.shared-memory} overrides the choice: {@code native}, {@code portable} or {@code auto}. This is
 * for tests. Workers inherit it.
 */
public enum SharingMechanism {
    /**
     * Memory files without a name, and waits in the kernel, which end within microseconds. Needs Linux on x86-64 or
     * AArch64, and native access: {@code --enable-native-access=dev.sennit}, or {@code ALL-UNNAMED} where Sennit is on
     * the class path. Workers are given it.
     */
    NATIVE,
    /**
     * Mapped files in a private folder of the temporary folder ({@code java.io.tmpdir}), and threads that park and look
     * again: a wait for another process ends late by up to a quarter of its length, but by no more than 10
     * milliseconds.
     */
    PORTABLE
}
