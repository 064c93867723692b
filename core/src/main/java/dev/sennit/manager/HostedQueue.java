package dev.sennit.manager;

import dev.sennit.JoinableQueue;
import dev.sennit.manager.wire.QueueOperations;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A queue in a manager's server. An element that was taken for a client goes back to the front if the answer cannot
 * reach the client.
 */
final class HostedQueue implements QueueOperations {
    private final JoinableQueue<Entry> queue;
    private final AtomicLong numbers = new AtomicLong();

    /** An element with a number, which tells it from equal elements. */
    private record Entry(long number, Object element) {
        @Override
        public boolean equals(@Nullable Object other) {
            return this == other;
        }

        @Override
        public int hashCode() {
            return Long.hashCode(number);
        }
    }

    HostedQueue(int capacity) {
        queue = JoinableQueue.fifo(capacity);
    }

    private Entry entry(Object element) {
        return new Entry(numbers.incrementAndGet(), element);
    }

    private static @Nullable Object element(@Nullable Entry entry) {
        return entry == null ? null : entry.element;
    }

    private static Object[] elements(List<Entry> entries) {
        return entries.stream().map(Entry::element).toArray();
    }

    @Override
    public void put(Object element) throws InterruptedException {
        queue.put(entry(element));
    }

    @Override
    public boolean offer(Object element) {
        return queue.offer(entry(element));
    }

    @Override
    public boolean offer(Object element, long nanos) throws InterruptedException {
        return queue.offer(entry(element), nanos, TimeUnit.NANOSECONDS);
    }

    @Override
    public Object take() throws InterruptedException {
        return taken(queue.take()).element;
    }

    @Override
    public @Nullable Object poll() {
        return element(taken(queue.poll()));
    }

    @Override
    public @Nullable Object poll(long nanos) throws InterruptedException {
        return element(taken(queue.poll(nanos, TimeUnit.NANOSECONDS)));
    }

    private <E extends @Nullable Entry> E taken(E entry) {
        if (entry != null) {
            ServerCall.current().ifUnanswered(() -> queue.putBack(entry));
        }
        return entry;
    }

    @Override
    public @Nullable Object peek() {
        return element(queue.peek());
    }

    @Override
    public Object[] drain(int most) {
        List<Entry> entries = new ArrayList<>();
        queue.drainTo(entries, most);
        ServerCall.current().ifUnanswered(() -> entries.reversed().forEach(queue::putBack));
        return elements(entries);
    }

    @Override
    public void putBack(Object[] elements) {
        for (int i = elements.length - 1; i >= 0; i--) {
            queue.putBack(entry(elements[i]));
        }
    }

    @Override
    public boolean remove(Object element) {
        for (Entry entry : queue) {
            ServerCall.step();
            if (element.equals(entry.element) && queue.remove(entry)) {
                return true;
            }
        }
        return false;
    }

    @Override
    public boolean drop(long[] meant) {
        Set<Long> those = new HashSet<>();
        for (long number : meant) {
            those.add(number);
        }
        return queue.removeIf(entry -> those.contains(entry.number));
    }

    @Override
    public void clear() {
        queue.clear();
    }

    @Override
    public int size() {
        return queue.size();
    }

    @Override
    public int remainingCapacity() {
        return queue.remainingCapacity();
    }

    @Override
    public Object[] snapshot() {
        List<Object> entries = new ArrayList<>();
        for (Entry entry : queue) {
            entries.add(entry.number);
            entries.add(entry.element);
        }
        return entries.toArray();
    }

    @Override
    public void taskDone() {
        queue.taskDone();
    }

    @Override
    public void join() throws InterruptedException {
        queue.join();
    }

    @Override
    public boolean join(long nanos) throws InterruptedException {
        return queue.join(Duration.ofNanos(nanos));
    }

    @Override
    public void shutdown() {
        queue.shutdown();
    }

    @Override
    public Object[] shutdownNow() {
        return elements(queue.shutdownNow());
    }

    @Override
    public boolean isShutdown() {
        return queue.isShutdown();
    }
}
