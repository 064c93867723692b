package dev.sennit.testing;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Calls of {@code System.exit} by threads under exploration. The agent turns them into failures. Without it they end
 * the JVM, and with it the test: so that this does not happen without a word, a line on standard error tells it.
 */
final class Exit {
    private static final Set<ScheduleDriver> EXPLORING = ConcurrentHashMap.newKeySet();

    static {
        try {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> EXPLORING.forEach(Exit::tell), "sennit-exit"));
        } catch (IllegalStateException e) {
            // the JVM is about to end already
        }
    }

    private Exit() {}

    /** Notes that an exploration begins. */
    static void mayComeFrom(ScheduleDriver driver) {
        EXPLORING.add(driver);
    }

    /** Notes that it has ended. */
    static void cannotComeFrom(ScheduleDriver driver) {
        EXPLORING.remove(driver);
    }

    /** Returns whether a thread with this stack ends the JVM. */
    static boolean isOn(StackTraceElement[] stack) {
        for (StackTraceElement frame : stack) {
            if (frame.getClassName().equals("java.lang.Shutdown") || frame.getClassName().equals("java.lang.Runtime")
                    && frame.getMethodName().equals("exit")) {
                return true;
            }
        }
        return false;
    }

    private static void tell(ScheduleDriver driver) {
        ScheduleRun run = driver.presentRun();
        if (run != null && run.isExiting()) {
            System.err.println("sennit: a thread under exploration called System.exit, which ends this JVM; to have it"
                    + " again: -Dsennit.seed=" + run.seed() + "; with -javaagent:sennit.jar it is a failure of the"
                    + " test\n" + run.stackOfLast());
        }
    }
}
