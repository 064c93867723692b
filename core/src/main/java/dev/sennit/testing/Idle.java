package dev.sennit.testing;

/** Recognizes threads that wait for work that may never come, by their stacks: to be left like that is no fault. */
final class Idle {
    private Idle() {}

    /** Returns whether a thread with this stack waits for a task of its executor, or for the network. */
    static boolean mayStay(StackTraceElement[] stack) {
        for (StackTraceElement frame : stack) {
            boolean idle = switch (frame.getClassName()) {
                case "java.util.concurrent.ThreadPoolExecutor" -> frame.getMethodName().equals("getTask");
                case "java.util.concurrent.ForkJoinPool" ->
                    frame.getMethodName().equals("awaitWork") || frame.getMethodName().equals("deactivate");
                default -> frame.getClassName().startsWith("sun.nio.ch.");
            };
            if (idle) {
                return true;
            }
        }
        return false;
    }
}
