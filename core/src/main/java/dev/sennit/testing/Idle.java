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

    /**
     * Returns whether a platform thread with this stack will do nothing until it is handed something. One that waits
     * for the time of a delayed task has been handed that.
     */
    static boolean hasNothingToDo(Thread.State state, StackTraceElement[] stack) {
        boolean waitsForTime = state == Thread.State.TIMED_WAITING;
        String before = "";
        for (StackTraceElement frame : stack) {
            switch (frame.getClassName()) {
                case "java.util.concurrent.ScheduledThreadPoolExecutor$DelayedWorkQueue",
                        "java.util.concurrent.DelayScheduler" -> {
                    return !waitsForTime;
                }
                case "java.util.TimerThread" -> {
                    return !waitsForTime && before.equals("java.lang.Object");
                }
                default -> before = frame.getClassName();
            }
        }
        return stack.length == 0 || mayStay(stack);
    }
}
