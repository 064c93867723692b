package dev.sennit.loop;

import java.util.List;

/**
 * The open event loops of a JVM, for tools outside of it, such as {@code sennit ps}.
 *
 * <p>The bean is not registered beforehand. A tool that has connected to the JVM's MBean server creates it, of the
 * class {@link Loops} under the name {@value #NAME}. Where the server does not know the library's class loader, the
 * library registers the bean itself within half a second after the server exists, under that name with {@code ,loader=}
 * appended; this takes an open loop that is watched. {@link #loops} is an operation and no attribute, as it walks
 * through all stacks.
 */
public interface LoopsMXBean {
    /** The object name. */
    String NAME = "dev.sennit:type=Loops";

    /**
     * A loop and its coroutines.
     *
     * @param name its name
     * @param mechanism a {@link EventLoop.Mechanism}
     * @param deadlocks a line for each deadlock that was found
     * @param coroutines all coroutines, each after the one that started it
     */
    record Loop(String name, String mechanism, List<String> deadlocks, List<Coroutine> coroutines) {}

    /**
     * A coroutine.
     *
     * @param id the {@link Thread#threadId} of its thread
     * @param name its name
     * @param state a {@link CoroutineTree.State}
     * @param waitsFor what it waits for; empty if that is not known
     * @param ageMillis how long ago it was submitted, in milliseconds
     * @param startedBy the {@link Thread#threadId} of the thread that submitted it
     * @param place its innermost frame in the author's code; empty if it is ready
     * @param stack its frames, the innermost first
     */
    record Coroutine(
            long id,
            String name,
            String state,
            String waitsFor,
            long ageMillis,
            long startedBy,
            String place,
            List<String> stack) {}

    /**
     * Returns the open loops.
     *
     * @return a snapshot of each, by name
     */
    List<Loop> loops();
}
