package dev.sennit.manager;

import dev.sennit.TaskSerializationException;
import dev.sennit.internal.SnapshotIterator;
import dev.sennit.internal.SnapshotSpliterator;
import dev.sennit.manager.wire.QueueOperations;
import java.io.Serializable;
import java.time.Duration;
import java.util.AbstractQueue;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Spliterator;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
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
        if (Objects.requireNonNull(target, "target") instanceof RemoteQueue<?> other && queue.equals(other.queue)) {
            throw new IllegalArgumentException("a queue cannot be drained into itself");
        }
        if (most <= 0) {
            return 0;
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

    /** Removes an element, which then counts as done. */
    @Override
    public boolean remove(@Nullable Object element) {
        try {
            return element != null && queue.remove(element);
        } catch (TaskSerializationException e) {
            return false; // an element that cannot travel is not in the queue
        }
    }

    /** Removes elements, which then count as done. The condition runs here. */
    @Override
    public boolean removeIf(Predicate<? super E> condition) {
        Objects.requireNonNull(condition, "condition");
        List<Entry<E>> entries = new ArrayList<>(entries());
        entries.removeIf(entry -> !condition.test(entry.element));
        return !entries.isEmpty()
                && queue.drop(entries.stream().mapToLong(Entry::number).toArray());
    }

    @Override
    public boolean removeAll(Collection<?> others) {
        Objects.requireNonNull(others, "others");
        return removeIf(others::contains);
    }

    @Override
    public boolean retainAll(Collection<?> others) {
        Objects.requireNonNull(others, "others");
        return removeIf(element -> !others.contains(element));
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

    /** An element and its number. */
    private record Entry<E>(long number, E element) {}

    private List<Entry<E>> entries() {
        Object[] snapshot = queue.snapshot();
        List<Entry<E>> entries = new ArrayList<>(snapshot.length / 2);
        for (int i = 0; i < snapshot.length; i += 2) {
            entries.add(new Entry<>((Long) snapshot[i], (E) snapshot[i + 1]));
        }
        return entries;
    }

    /**
     * Returns an iterator over a snapshot. {@link Iterator#remove} removes the element from the queue if it is still
     * there.
     */
    @Override
    public Iterator<E> iterator() {
        return new SnapshotIterator<>(entries(), Entry::element, entry -> queue.drop(new long[] {entry.number}));
    }

    /** Returns a spliterator over a snapshot, which is taken at its first use. */
    @Override
    public Spliterator<E> spliterator() {
        return new SnapshotSpliterator<>(this::iterator, Spliterator.ORDERED | Spliterator.NONNULL);
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
