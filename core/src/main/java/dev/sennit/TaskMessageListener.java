package dev.sennit;

/**
 * Hears what a task {@linkplain TaskMessages#send sends} while it runs; given with {@link TaskOptions#onMessage}.
 *
 * <p>It is called in this JVM, by the thread that runs the task or, for a task in a worker process, by the thread that
 * serves the worker; not under a lock. The task's next message waits until it has returned, and in this JVM the task
 * does. What it throws is logged, and changes nothing else. Outside of the task as it is, it can neither send nor be
 * asked to stop.
 */
@FunctionalInterface
public interface TaskMessageListener {
    /**
     * Called for each message.
     *
     * @param message the bytes that the task sent, in an array of the listener's own
     */
    void message(byte[] message);
}
