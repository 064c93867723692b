package dev.sennit.loop;

import java.util.List;

/**
 * The open event loops of a JVM, seen from outside: {@code sennit ps} reads it.
 *
 * <p>Nothing is registered before somebody asks. Whoever has connected to the JVM's MBean server makes one, of the class
 * {@link Loops} under the name {@value #NAME}. Where the server cannot, as the library is of a class loader that it does not know, the
 * library registers one itself half a second after there is a server, under that name and {@code ,loader=} something; for that a loop must be
 * open that is watched. It is an operation and no attribute, as it costs a walk through all stacks.
 */
public interface LoopsMXBean {
    /** The object name. */
    String NAME = "dev.sennit:type=Loops";

    /**
     * A loop.
     *
     * @param name its name
     * @param mechanism a {@link EventLoop.Mechanism}
     * @param deadlocks a line for each deadlock that was found
     * @param coroutines all of them, each after the one that has started it
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
     * @param place where it is in its author's code; empty if it is ready
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
     * The loops that are open.
     *
     * @return a snapshot of each, by name
     */
    List<Loop> loops();
}
