package dev.sennit.loop;

import java.time.Duration;
import java.util.List;

/**
 * A coroutine that has been holding a loop for so long that others should know: it computes, or it waits in a way that
 * does not suspend it.
 *
 * @param loop the name of the loop
 * @param coroutine the name of the coroutine, or of the virtual thread that a coroutine has started
 * @param held how long it has been holding the loop, at least; pauses of the whole JVM are not counted
 * @param inBlockingCall whether it was seen in calls of the JDK that block a thread - for files, processes, names of hosts - and in
 *     nothing else
 * @param stack where it is now, the innermost frame first, without what is not the task's
 */
public record BlockedCoroutine(
        String loop, String coroutine, Duration held, boolean inBlockingCall, List<StackTraceElement> stack) {
    /**
     * Creates one.
     *
     * @param loop the name of the loop
     * @param coroutine the name of the coroutine
     * @param held how long
     * @param inBlockingCall whether it was seen in calls that block
     * @param stack where it is
     */
    public BlockedCoroutine {
        stack = List.copyOf(stack);
    }

    /**
     * What the log says.
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
