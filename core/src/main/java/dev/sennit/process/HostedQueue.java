package dev.sennit.process;

import dev.sennit.JoinableQueue;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A queue in a manager's server. What is taken out for a client that cannot be told any more goes back to the front. */
final class HostedQueue implements QueueOperations {
    private final JoinableQueue<Object> queue;

    HostedQueue(JoinableQueue<Object> queue) {
        this.queue = queue;
    }

    @Override
    public void put(Object element) throws InterruptedException {
        queue.put(element);
    }

    @Override
    public boolean offer(Object element) {
        return queue.offer(element);
    }

    @Override
    public boolean offer(Object element, long nanos) throws InterruptedException {
        return queue.offer(element, nanos, TimeUnit.NANOSECONDS);
    }

    @Override
    public Object take() throws InterruptedException {
        return taken(queue.take());
    }

    @Override
    public @Nullable Object poll() {
        return taken(queue.poll());
    }

    @Override
    public @Nullable Object poll(long nanos) throws InterruptedException {
        return taken(queue.poll(nanos, TimeUnit.NANOSECONDS));
    }

    private <E extends @Nullable Object> E taken(E element) {
        if (element != null) {
            ServerCall.current().ifUnanswered(() -> queue.putBack(element));
        }
        return element;
    }

    @Override
    public @Nullable Object peek() {
        return queue.peek();
    }

    @Override
    public Object[] drain(int most) {
        List<Object> elements = new ArrayList<>();
        queue.drainTo(elements, most);
        Object[] taken = elements.toArray();
        ServerCall.current().ifUnanswered(() -> putBack(taken));
        return taken;
    }

    @Override
    public void putBack(Object[] elements) {
        for (int i = elements.length - 1; i >= 0; i--) {
            queue.putBack(elements[i]);
        }
    }

    @Override
    public boolean remove(Object element) {
        return queue.remove(element);
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
        return queue.toArray();
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
        return queue.join(java.time.Duration.ofNanos(nanos));
    }

    @Override
    public void shutdown() {
        queue.shutdown();
    }

    @Override
    public Object[] shutdownNow() {
        return queue.shutdownNow().toArray();
    }

    @Override
    public boolean isShutdown() {
        return queue.isShutdown();
    }
}
