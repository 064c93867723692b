package dev.sennit.manager;

import dev.sennit.JoinableQueue;
import dev.sennit.QueueClosedException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;

/**
 * A queue in a manager: a {@link JoinableQueue} that several processes use.
 *
 * <p>An element is taken once. If a client is gone before an element taken for it could be sent, the element goes back
 * to the front. If the client ends later, the element is lost with it, and {@link #join} goes on waiting for it: use a
 * time limit if that may happen. A wait that is interrupted has taken nothing.
 *
 * @param <E> the type of the elements
 */
public interface ManagedQueue<E> extends BlockingQueue<E> {
    /** Says that an element that was taken out has been dealt with; see {@link JoinableQueue#taskDone}. */
    void taskDone();

    /**
     * Waits until all elements that were put in have been dealt with; see {@link JoinableQueue#join()}.
     *
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile
     * @throws QueueClosedException if there is something to wait for, and {@link #shutdownNow} is or was called
     */
    void join() throws InterruptedException;

    /**
     * Waits until all elements that were put in have been dealt with, for some time at most.
     *
     * @param timeout the longest to wait; zero or less does not wait
     * @return false if the time was over first
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile
     * @throws QueueClosedException if there is something to wait for, and {@link #shutdownNow} is or was called
     */
    boolean join(Duration timeout) throws InterruptedException;

    /**
     * Closes the queue: it takes no more elements, and the remaining ones can still be taken out; see
     * {@link JoinableQueue#shutdown}.
     */
    void shutdown();

    /**
     * Closes the queue and drops the remaining elements, which then count as done.
     *
     * @return the dropped elements, in the order in which they would have come out
     */
    List<E> shutdownNow();

    /**
     * Returns whether the queue was shut down.
     *
     * @return true once it was
     */
    boolean isShutdown();
}
