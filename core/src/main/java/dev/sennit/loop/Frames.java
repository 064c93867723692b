package dev.sennit.loop;

import dev.sennit.internal.JdkFrames;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;

/** The part of a coroutine's stack that its author can act on. */
final class Frames {
    private static final Pattern LIBRARY = Pattern.compile("dev\\.sennit\\.(\\p{Lu}|(loop|process|internal)\\.)");

    /** Classes with native methods for files, sockets, processes and names of hosts. */
    private static final Pattern BLOCKING =
            Pattern.compile("java\\.io\\.|sun\\.nio\\.(ch|fs)\\.|java\\.lang\\.Process|java\\.net\\.Inet");

    private static final Pattern LOADING = Pattern.compile("java\\.lang\\.ClassLoader$|jdk\\.internal\\.loader\\.");

    private Frames() {}

    /**
     * Leaves out the JDK's frames above the one that the author's code called, and those below the task.
     *
     * @return the frames, the innermost first; all frames if none is the author's
     */
    static List<StackTraceElement> ofTask(StackTraceElement[] stack) {
        int top = 0;
        while (top < stack.length && JdkFrames.isOfJdk(stack[top])) {
            top++;
        }
        if (top == stack.length) {
            return List.of(stack);
        }
        int end = top;
        while (end < stack.length && !isBelowTask(stack[end])) {
            end++;
        }
        return List.copyOf(Arrays.asList(stack).subList(Math.max(0, top - 1), end));
    }

    /**
     * Returns whether a thread is inside a system call that may block it: for a file, a process, the name of a host.
     * Loading a class does not count: it happens once and cannot be avoided.
     */
    static boolean blocks(StackTraceElement[] stack) {
        return stack.length > 0
                && stack[0].isNativeMethod()
                && JdkFrames.isOfJdk(stack[0])
                && BLOCKING.matcher(stack[0].getClassName()).lookingAt()
                && Arrays.stream(stack).noneMatch(frame -> LOADING.matcher(frame.getClassName()).lookingAt());
    }

    /**
     * Returns the innermost frame in the author's code, or else in this library, or else in the JDK; empty if there are
     * no frames.
     */
    static String place(List<StackTraceElement> frames) {
        return frames.stream()
                .filter(frame -> !JdkFrames.isOfJdk(frame) && !LIBRARY.matcher(frame.getClassName()).lookingAt())
                .findFirst()
                .or(() -> frames.stream().filter(frame -> !JdkFrames.isOfJdk(frame)).findFirst())
                .or(() -> frames.stream().findFirst())
                .map(Frames::text)
                .orElse("");
    }

    /** Returns a frame as text, without loader and module, which nearly all frames share. */
    static String text(StackTraceElement frame) {
        String where = frame.getFileName() == null
                ? "unknown source"
                : frame.getLineNumber() < 0 ? frame.getFileName() : frame.getFileName() + ':' + frame.getLineNumber();
        return frame.getClassName() + '.' + frame.getMethodName() + '(' + where + ')';
    }

    /** Returns whether a frame leads from the JDK's thread through this library to the task. */
    private static boolean isBelowTask(StackTraceElement frame) {
        String type = frame.getClassName();
        return type.equals("dev.sennit.Submission") || type.equals("java.lang.VirtualThread")
                || type.equals("java.lang.Thread");
    }
}
