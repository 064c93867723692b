package dev.sennit.testing;

import dev.sennit.internal.JdkFrames;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The parts of stacks that matter to users. */
final class Frames {
    private static final Set<String> OURS = Set.of(
            "ScheduleRun",
            "ScheduleClock",
            "ScheduleThreads",
            "ScheduleExplorer",
            "MemoryPoints",
            "DataRaces",
            "SpuriousWaits",
            "PinnedValues",
            "VirtualTime",
            "VirtualClock");

    /** A class of sennit-junit, which this module cannot refer to. */
    private static final String EXTENSION = "dev.sennit.junit.ScheduleExtension";

    private Frames() {}

    /**
     * The topmost line of the user's code in a stack.
     *
     * @param frame the frame; null if there is none
     * @param called the JDK's method that it called; empty if it called none
     */
    record Place(@Nullable StackTraceElement frame, String called) {
        @Override
        public String toString() {
            if (frame == null) {
                return called.isEmpty() ? "?" : called;
            }
            return simple(frame.getClassName()) + '.' + frame.getMethodName() + ':' + frame.getLineNumber()
                    + (called.isEmpty() ? "" : " in " + called);
        }
    }

    static Place where(StackTraceElement[] stack) {
        String called = "";
        for (StackTraceElement frame : stack) {
            if (isOurs(frame)) {
                called = "";
            } else if (JdkFrames.isOfJdk(frame)) {
                called = innermost(frame.getClassName()) + '.' + frame.getMethodName();
            } else {
                return new Place(frame, called);
            }
        }
        return new Place(null, called);
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
