package dev.sennit.manager;

import dev.sennit.JoinableQueue;
import dev.sennit.QueueClosedException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;

/**
 * A queue in a manager: a {@link JoinableQueue} that several processes use.
 *
 * <p>An element is taken once. One that was taken for a client that is gone before it could be sent goes back to the front; one
 * whose taker ends later is that taker's loss, and {@link #join} goes on waiting for it: wait for a limited time where that may be. A
 * wait that is interrupted has taken nothing.
 *
 * @param <E> the type of the elements
 */
public interface ManagedQueue<E> extends BlockingQueue<E> {
    /** Says that an element which was taken out has been dealt with; see {@link JoinableQueue#taskDone}. */
    void taskDone();

    /**
     * Waits until everything that was put in has been dealt with; see {@link JoinableQueue#join()}.
     *
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile
     * @throws QueueClosedException if there is something to wait for, and {@link #shutdownNow} is or was called
     */
    void join() throws InterruptedException;

    /**
     * Waits until everything that was put in has been dealt with, for some time at most.
     *
     * @param timeout the longest to wait; zero or less only looks
     * @return false when the time was over first
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile
     * @throws QueueClosedException if there is something to wait for, and {@link #shutdownNow} is or was called
     */
    boolean join(Duration timeout) throws InterruptedException;

    /** Takes no more elements; what is in can still be taken out; see {@link JoinableQueue#shutdown}. */
    void shutdown();

    /**
     * Takes no more elements and drops those that are in, which count as done.
     *
     * @return what was dropped, in the order it would have come out
     */
    List<E> shutdownNow();

    /**
     * Whether it was shut down.
     *
     * @return true from then on
     */
    boolean isShutdown();
}
