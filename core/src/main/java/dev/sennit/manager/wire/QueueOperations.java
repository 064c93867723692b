package dev.sennit.manager.wire;

import org.jspecify.annotations.Nullable;

/** What a {@code RemoteQueue} calls; times are in nanoseconds. */
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

    /** Takes out those of these numbers that are still in; they count as done. Returns whether any were. */
    boolean drop(long[] numbers);

    void clear();

    int size();

    int remainingCapacity();

    /** What is in it: before each element its number, a Long. */
    Object[] snapshot();

    void taskDone();

    void join() throws InterruptedException;

    boolean join(long nanos) throws InterruptedException;

    void shutdown();

    Object[] shutdownNow();

    boolean isShutdown();
}
