package dev.sennit.internal;

/** Distinguishes the JDK's frames of a stack from others. */
public final class JdkFrames {
    private JdkFrames() {}

    /**
     * Returns whether a frame is of a class of the JDK.
     *
     * @param frame a frame
     * @return true if it is
     */
    public static boolean isOfJdk(StackTraceElement frame) {
        String module = frame.getModuleName();
        return module != null && (module.startsWith("java.") || module.startsWith("jdk."));
    }
}
