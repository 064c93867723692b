package dev.sennit.cli.programs;

import dev.sennit.loop.EventLoop;
import java.io.PrintStream;

/** The task that shows that work goes on elsewhere: ten frames a second, until it is interrupted. */
final class Spinner {
    private static final String STATES = "|/-\\";
    private static final String MESSAGE = " thinking!";
    private static final long MILLIS_A_FRAME = 100;

    private Spinner() {}

    /**
     * Prints the execution unit it runs on, then frames; wipes the line when interrupted.
     *
     * @param parent the process that the command runs in
     * @return the number of frames
     */
    static int spin(PrintStream out, long parent) {
        out.println("spinner: " + executionUnit(Thread.currentThread(), ProcessHandle.current().pid(), parent));
        int frames = 0;
        try {
            while (true) {
                out.print("\r" + STATES.charAt(frames % STATES.length()) + MESSAGE);
                out.flush();
                frames++;
                Thread.sleep(MILLIS_A_FRAME);
            }
        } catch (InterruptedException e) {
            wipe(out);
            return frames;
        }
    }

    /** Blanks the line that a spinner may have left. */
    static void wipe(PrintStream out) {
        out.print("\r" + " ".repeat(1 + MESSAGE.length()) + "\r");
        out.flush();
    }

    static String executionUnit(Thread thread, long pid, long parent) {
        String name = thread.getName().isEmpty() ? "#" + thread.threadId() : thread.getName();
        if (pid != parent) {
            return "process " + pid + ", started by process " + parent;
        }
        String kind = EventLoop.isCoroutine() ? "coroutine " : thread.isVirtual() ? "virtual thread " : "thread ";
        return kind + name + " of process " + pid;
    }
}
