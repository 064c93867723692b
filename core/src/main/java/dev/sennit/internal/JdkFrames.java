package dev.sennit.internal;

/** Tells the JDK's part of a stack from its author's. */
public final class JdkFrames {
    private JdkFrames() {}

    /**
     * Whether a frame is of a class of the JDK.
     *
     * @param frame a frame
     * @return whether
     */
    public static boolean isOfJdk(StackTraceElement frame) {
        String module = frame.getModuleName();
        return module != null && (module.startsWith("java.") || module.startsWith("jdk."));
    }
}
