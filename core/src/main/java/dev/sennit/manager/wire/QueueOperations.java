package dev.sennit.manager.wire;

import org.jspecify.annotations.Nullable;

/** The calls of a {@code RemoteQueue}; times are in nanoseconds. */
public interface QueueOperations {
    void put(Object element) throws InterruptedException;

    boolean offer(Object element);

    boolean offer(Object element, long nanos) throws InterruptedException;

    Object take() throws InterruptedException;

    @Nullable Object poll();

    @Nullable Object poll(long nanos) throws InterruptedException;

    @Nullable Object peek();

    Object[] drain(int most);

    void putBack(Object[] elements);

    boolean remove(Object element);

    /**
     * Removes the elements with these numbers that are still in the queue; they count as done. Returns whether there
     * were any.
     */
    boolean drop(long[] numbers);

    void clear();

    int size();

    int remainingCapacity();

    /** Returns all elements: each number, a Long, is followed by its element. */
    Object[] snapshot();

    void taskDone();

    void join() throws InterruptedException;

    boolean join(long nanos) throws InterruptedException;

    void shutdown();

    Object[] shutdownNow();

    boolean isShutdown();
}
