package dev.sennit.process;

import java.io.Serializable;
import java.time.Duration;
import java.util.AbstractQueue;
import java.util.Arrays;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A queue in a manager; each method is one call. */
@SuppressWarnings({"unchecked", "serial"}) // it holds what was put in; the field is a proxy, which travels
final class RemoteQueue<E> extends AbstractQueue<E> implements ManagedQueue<E>, Serializable {
    private static final long serialVersionUID = 1L;

    private final QueueOperations queue;

    RemoteQueue(QueueOperations queue) {
        this.queue = queue;
    }

    @Override
    public void put(E element) throws InterruptedException {
        queue.put(Objects.requireNonNull(element, "element"));
    }

    @Override
    public boolean offer(E element) {
        return queue.offer(Objects.requireNonNull(element, "element"));
    }

    @Override
    public boolean offer(E element, long timeout, TimeUnit unit) throws InterruptedException {
        return queue.offer(Objects.requireNonNull(element, "element"), unit.toNanos(timeout));
    }

    @Override
    public E take() throws InterruptedException {
        return (E) queue.take();
    }

    @Override
    public @Nullable E poll() {
        return (E) queue.poll();
    }

    @Override
    public @Nullable E poll(long timeout, TimeUnit unit) throws InterruptedException {
        return (E) queue.poll(unit.toNanos(timeout));
    }

    @Override
    public @Nullable E peek() {
        return (E) queue.peek();
    }

    @Override
    public int drainTo(Collection<? super E> target) {
        return drainTo(target, Integer.MAX_VALUE);
    }

    @Override
    public int drainTo(Collection<? super E> target, int most) {
        if (target == this) {
            throw new IllegalArgumentException("a queue cannot be drained into itself");
        }
        Object[] taken = queue.drain(most);
        int count = 0;
        try {
            for (; count < taken.length; count++) {
                target.add((E) taken[count]);
            }
        } finally {
            if (count < taken.length) {
                queue.putBack(Arrays.copyOfRange(taken, count, taken.length));
            }
        }
        return count;
    }

    @Override
    public boolean remove(@Nullable Object element) {
        return element != null && queue.remove(element);
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

    /** Over a snapshot, which cannot be changed. */
    @Override
    public Iterator<E> iterator() {
        return ((List<E>) List.of(queue.snapshot())).iterator();
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
    public boolean join(Duration timeout) throws InterruptedException {
        return queue.join(TimeUnit.NANOSECONDS.convert(timeout));
    }

    @Override
    public void shutdown() {
        queue.shutdown();
    }

    @Override
    public List<E> shutdownNow() {
        return (List<E>) List.of(queue.shutdownNow());
    }

    @Override
    public boolean isShutdown() {
        return queue.isShutdown();
    }
}
