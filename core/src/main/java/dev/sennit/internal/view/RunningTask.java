package dev.sennit.internal.view;

import dev.sennit.internal.Backend;

/**
 * A task that runs in a thread of this JVM, for views.
 *
 * @param task its number, as {@link TaskObserver} has it; 0 if it is not told of
 * @param pool the name of its pool
 * @param named its name, or the class from which a name is made
 * @param thread the number of the thread
 * @param since when the run began, by the clock of {@link Backend}
 */
public record RunningTask(long task, String pool, Object named, long thread, long since) {}
