package dev.sennit.loop;

import java.time.Duration;
import java.util.List;

/**
 * A coroutine that has held its loop for too long: it computes, or it waits in a way that does not suspend it.
 *
 * @param loop the name of the loop
 * @param coroutine the name of the coroutine, or of a virtual thread that a coroutine has started
 * @param held how long it has held the loop, at least; pauses of the whole JVM are not counted
 * @param inBlockingCall whether every look found it in a call of the JDK that blocks a thread: for files, processes,
 *     names of hosts
 * @param stack the task's frames where it is now, the innermost first
 */
public record BlockedCoroutine(
        String loop, String coroutine, Duration held, boolean inBlockingCall, List<StackTraceElement> stack) {
    /**
     * Creates a report.
     *
     * @param loop the name of the loop
     * @param coroutine the name of the coroutine
     * @param held how long it has held the loop
     * @param inBlockingCall whether every look found it in a call that blocks
     * @param stack its frames
     */
    public BlockedCoroutine {
        stack = List.copyOf(stack);
    }

    /**
     * Returns the text that is logged.
     *
     * @return a line, and one for each frame
     */
    @Override
    public String toString() {
        var text = new StringBuilder(loop)
                .append(" - coroutine ")
                .append(coroutine)
                .append(" has been holding the loop for ")
                .append(dev.sennit.internal.Durations.text(held))
                .append(inBlockingCall
                        ? " in a call that blocks; files are for FileStream, other calls for offload()"
                        : "; what takes long belongs into offload()");
        for (StackTraceElement frame : stack) {
            text.append(System.lineSeparator()).append("    at ").append(Frames.text(frame));
        }
        return text.toString();
    }
}
