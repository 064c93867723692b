package dev.sennit.testing;

import dev.sennit.internal.JdkFrames;
import java.util.Set;

/** The parts of stacks that matter to users. */
final class Frames {
    private static final Set<String> OURS = Set.of(
            "ScheduleRun",
            "ScheduleThreads",
            "ScheduleExplorer",
            "MemoryPoints",
            "VirtualTime",
            "VirtualClock");

    /** A class of sennit-junit, which this module cannot refer to. */
    private static final String EXTENSION = "dev.sennit.junit.ScheduleExtension";

    private Frames() {}

    /** Returns the topmost line of the user's code, and the JDK's method that it called. */
    static String where(StackTraceElement[] stack) {
        String called = "";
        for (StackTraceElement frame : stack) {
            if (isOurs(frame)) {
                called = "";
            } else if (JdkFrames.isOfJdk(frame)) {
                called = " in " + innermost(frame.getClassName()) + '.' + frame.getMethodName();
            } else {
                return simple(frame.getClassName()) + '.' + frame.getMethodName() + ':' + frame.getLineNumber()
                        + called;
            }
        }
        return called.isEmpty() ? "?" : called.substring(4);
    }

    /** Appends the user's frames and the JDK's methods that they called, without the JDK's internal frames. */
    static void append(StringBuilder text, StackTraceElement[] stack) {
        for (int i = 0; i < stack.length; i++) {
            boolean calledByUser = i + 1 == stack.length || !JdkFrames.isOfJdk(stack[i + 1]);
            if (!isOurs(stack[i]) && (!JdkFrames.isOfJdk(stack[i]) || calledByUser && i + 1 < stack.length)) {
                text.append("    at ").append(stack[i]).append('\n');
            }
        }
    }

    private static boolean isOurs(StackTraceElement frame) {
        String name = frame.getClassName();
        int nested = name.indexOf('$');
        String outer = nested < 0 ? name : name.substring(0, nested);
        String own = Frames.class.getPackageName() + '.';
        return outer.equals(EXTENSION) || outer.startsWith(own) && OURS.contains(outer.substring(own.length()));
    }

    private static String innermost(String name) {
        return simple(name.substring(name.lastIndexOf('$') + 1));
    }

    private static String simple(String name) {
        return name.substring(name.lastIndexOf('.') + 1);
    }
}
