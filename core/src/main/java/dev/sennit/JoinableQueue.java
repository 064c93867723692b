package dev.sennit;

import dev.sennit.internal.SnapshotIterator;
import dev.sennit.internal.SnapshotSpliterator;
import dev.sennit.internal.Wait;
import dev.sennit.internal.WaitLock;
import java.time.Duration;
import java.util.AbstractQueue;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.Set;
import java.util.Spliterator;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A blocking queue whose users can wait until all elements have been processed, and that can be shut down.
 *
 * {@snippet :
 * var queue = JoinableQueue.<String>fifo(10);
 * Thread.startVirtualThread(() -> {
 *     try {
 *         while (true) {
 *             System.out.println(queue.take());
 *             queue.taskDone();
 *         }
 *     } catch (QueueClosedException e) {
 *         System.out.println("no more");
 *     } catch (InterruptedException e) {
 *         Thread.currentThread().interrupt();
 *     }
 * });
 * queue.put("one");
 * queue.put("two");
 * queue.join(); // until both are done
 * queue.shutdown();
 * }
 *
 * <p>It is Python's {@code queue.Queue}, {@code LifoQueue} and {@code PriorityQueue}, with {@code task_done},
 * {@code join} and {@code shutdown}, as a {@link BlockingQueue}.
 *
 * <h2>Closing</h2>
 *
 * <p>After {@link #shutdown} the queue accepts no elements. The elements in it can still be taken; then a thread that
 * would wait, or already waits, gets a {@link QueueClosedException}. {@link #shutdownNow} also drops the elements in
 * the queue. {@link #poll()} and {@link #peek}, which never wait, return null for an empty queue, open or not;
 * {@link #offer(Object)} throws.
 *
 * <h2>Waiting</h2>
 *
 * <p>A method that waits suspends only the calling coroutine or virtual thread. An interrupted wait takes no element:
 * an element that arrives after the interrupt goes to the next taker, or stays in the queue.
 *
 * <p><b>Memory effects</b>: actions before an element is put in happen-before actions of the thread that takes it, and
 * actions before {@link #taskDone} happen-before a return from {@link #join}. Elements must not be null.
 *
 * <p><b>Views</b>: iterators, streams and {@link #toArray()} use a snapshot, which concurrent changes do not affect. An
 * element removed through an iterator, by {@link #removeIf} and the like counts as done, as no thread took it.
 *
 * @param <E> the type of the elements
 */
public final class JoinableQueue<E> extends AbstractQueue<E> implements BlockingQueue<E> {
    /** The capacity of a queue that is never full. */
    public static final int UNBOUNDED = Integer.MAX_VALUE;

    private final WaitLock lock = new WaitLock();
    private final WaitLock.Condition notEmpty = lock.newCondition();
    private final WaitLock.Condition notFull = lock.newCondition();
    private final WaitLock.Condition allDone = lock.newCondition();
    private final int capacity;
    /** Guarded by lock. */
    private final Queue<Node<E>> items;
    /** Puts an element before all others of its rank; called with the lock. */
    private final Consumer<Node<E>> front;
    /** The order in which elements are taken; null if it is that of {@link #items}. */
    private final @Nullable Comparator<Node<E>> order;
    /** Guarded by lock. */
    private long arrivals;
    /** Guarded by lock. The arrival number of the element last put back, less than those of all that arrived. */
    private long firstArrival;
    /** Guarded by lock. How many elements were put in, and are neither done nor dropped. */
    private long unfinished;
    /** Guarded by lock. How many elements a drain has taken out, and may put back. */
    private int inHand;
    /** Guarded by lock. */
    private boolean closed;
    /** Guarded by lock. Whether {@link #shutdownNow} was called: then {@link #join} does not wait for the rest. */
    private boolean closedNow;

    /** An element with an identity: the same object may be in the queue twice, and a removal removes one of them. */
    private static final class Node<E> {
        final E element;
        final long arrival;

        Node(E element, long arrival) {
            this.element = element;
            this.arrival = arrival;
        }
    }

    private JoinableQueue(
            int capacity, Queue<Node<E>> items, Consumer<Node<E>> front, @Nullable Comparator<Node<E>> order) {
        if (capacity < 1) {
            throw new IllegalArgumentException("capacity must be >= 1, was " + capacity);
        }
        this.capacity = capacity;
        this.items = items;
        this.front = front;
        this.order = order;
    }

    /**
     * Creates a queue whose elements are taken in the order they were put in.
     *
     * @param capacity how many may be in, 1 or more, or {@link #UNBOUNDED}
     * @param <E> the type of the elements
     * @return an open queue
     */
    public static <E> JoinableQueue<E> fifo(int capacity) {
        var items = new ArrayDeque<Node<E>>();
        return new JoinableQueue<>(capacity, items, items::addFirst, null);
    }

    /**
     * Creates a queue whose last element is taken first.
     *
     * @param capacity how many may be in, 1 or more, or {@link #UNBOUNDED}
     * @param <E> the type of the elements
     * @return an open queue
     */
    public static <E> JoinableQueue<E> lifo(int capacity) {
        var items = new ArrayDeque<Node<E>>();
        return new JoinableQueue<>(capacity, Collections.asLifoQueue(items), items::addFirst, null);
    }

    /**
     * Creates a queue whose least element is taken first; among equal elements, the element that was put in first.
     *
     * @param capacity how many may be in, 1 or more, or {@link #UNBOUNDED}
     * @param order the order of the elements
     * @param <E> the type of the elements
     * @return an open queue
     */
    public static <E> JoinableQueue<E> priority(int capacity, Comparator<? super E> order) {
        Objects.requireNonNull(order, "order");
        Comparator<Node<E>> ranks =
                Comparator.<Node<E>, E>comparing(node -> node.element, order).thenComparingLong(node -> node.arrival);
        var items = new PriorityQueue<Node<E>>(ranks);
        return new JoinableQueue<>(capacity, items, items::add, ranks);
    }

    // ---- putting in ----

    /**
     * Puts an element in, waiting for room.
     *
     * @throws QueueClosedException if the queue is, or is meanwhile, shut down
     */
    @Override
    public void put(E element) throws InterruptedException {
        insert(element, Wait.FOREVER);
    }

    /**
     * Puts an element in, waiting for room up to a time limit.
     *
     * @throws QueueClosedException if the queue is, or is meanwhile, shut down
     */
    @Override
    public boolean offer(E element, long timeout, TimeUnit unit) throws InterruptedException {
        return insert(element, unit.toNanos(timeout));
    }

    private boolean insert(E element, long nanos) throws InterruptedException {
        Objects.requireNonNull(element, "element");
        lock.lockInterruptibly();
        try {
            long left = nanos;
            while (isOpenForPuts() && items.size() >= capacity) {
                if (left <= 0) {
                    return false;
                }
                left = notFull.awaitNanos(left);
            }
            enqueue(element);
            return true;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Puts an element in if there is room.
     *
     * @throws QueueClosedException if the queue is shut down
     */
    @Override
    public boolean offer(E element) {
        Objects.requireNonNull(element, "element");
        lock.lock();
        try {
            if (isOpenForPuts() && items.size() >= capacity) {
                return false;
            }
            enqueue(element);
            return true;
        } finally {
            lock.unlock();
        }
    }

    private boolean isOpenForPuts() {
        if (closed) {
            throw new QueueClosedException("queue is shut down: it takes no more elements");
        }
        return true;
    }

    private void enqueue(E element) {
        items.add(new Node<>(element, arrivals++));
        unfinished++;
        notEmpty.signal();
    }

    // ---- taking out ----

    /**
     * Takes the next element, waiting until there is one.
     *
     * @throws QueueClosedException if the queue is empty and is, or is meanwhile, shut down
     */
    @Override
    public E take() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (items.isEmpty()) {
                ensureMoreCanCome();
                notEmpty.await();
            }
            return dequeue();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes the next element, waiting up to a time limit until there is one.
     *
     * @return the element, or null when the time elapsed first
     * @throws QueueClosedException if the queue is empty and is, or is meanwhile, shut down
     */
    @Override
    public @Nullable E poll(long timeout, TimeUnit unit) throws InterruptedException {
        long left = unit.toNanos(timeout);
        lock.lockInterruptibly();
        try {
            while (items.isEmpty()) {
                ensureMoreCanCome();
                if (left <= 0) {
                    return null;
                }
                left = notEmpty.awaitNanos(left);
            }
            return dequeue();
        } finally {
            lock.unlock();
        }
    }

    private void ensureMoreCanCome() {
        if (closed && inHand == 0) {
            throw new QueueClosedException("queue is shut down, and has no more elements");
        }
    }

    private E dequeue() {
        E element = items.remove().element;
        notFull.signal();
        return element;
    }

    @Override
    public @Nullable E poll() {
        lock.lock();
        try {
            return items.isEmpty() ? null : dequeue();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public @Nullable E peek() {
        lock.lock();
        try {
            Node<E> next = items.peek();
            return next == null ? null : next.element;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public int drainTo(Collection<? super E> target) {
        return drainTo(target, Integer.MAX_VALUE);
    }

    /**
     * Takes elements without waiting; the caller owes {@link #taskDone} for each. The elements are removed atomically,
     * and added to the target without a lock. If the target refuses an element, this element and those after it are
     * {@linkplain #putBack put back}; until then a thread that waits for an element of a queue that was shut down goes
     * on waiting.
     */
    @Override
    public int drainTo(Collection<? super E> target, int most) {
        if (Objects.requireNonNull(target, "target") == this) {
            throw new IllegalArgumentException("a queue cannot be drained into itself");
        }
        List<Node<E>> taken = takeOut(most);
        int handedOver = 0;
        try {
            for (Node<E> node : taken) {
                target.add(node.element);
                handedOver++;
            }
        } finally {
            endDrain(taken, handedOver);
        }
        return handedOver;
    }

    private List<Node<E>> takeOut(int most) {
        lock.lock();
        try {
            int count = Math.max(0, Math.min(most, items.size()));
            List<Node<E>> taken = new ArrayList<>(count); // allocated before any element is removed
            try {
                while (taken.size() < count) {
                    taken.add(items.remove());
                    notFull.signal();
                }
            } catch (RuntimeException | Error e) { // from a comparator
                putInFront(taken);
                throw e;
            }
            inHand += count;
            return taken;
        } finally {
            lock.unlock();
        }
    }

    /** Puts back the elements that the target did not get. */
    private void endDrain(List<Node<E>> taken, int handedOver) {
        lock.lock();
        try {
            inHand -= taken.size();
            if (closedNow) {
                done(taken.size() - handedOver);
            } else {
                putInFront(taken.subList(handedOver, taken.size()));
            }
        } finally {
            if (closed) {
                notEmpty.signalAll();
            }
            lock.unlock();
        }
    }

    /**
     * Puts elements back that were taken in this order. An element whose comparator fails is lost, and counts as done.
     */
    private void putInFront(List<Node<E>> nodes) {
        int left = nodes.size();
        try {
            while (left > 0) {
                front.accept(nodes.get(left - 1));
                left--;
                notEmpty.signal();
            }
        } finally {
            done(left);
        }
    }

    /** Removes an element, which counts as done. */
    @Override
    public boolean remove(@Nullable Object element) {
        if (element != null) {
            for (Node<E> node : snapshot()) {
                if (element.equals(node.element) && drop(Set.of(node))) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Removes elements, which count as done. The condition is called without a lock. */
    @Override
    public boolean removeIf(Predicate<? super E> condition) {
        Objects.requireNonNull(condition, "condition");
        Set<Node<E>> meant = Collections.newSetFromMap(new IdentityHashMap<>());
        for (Node<E> node : snapshot()) {
            if (condition.test(node.element)) {
                meant.add(node);
            }
        }
        return !meant.isEmpty() && drop(meant);
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

    /** Removes those of the elements that are still in the queue; returns whether there were any. */
    private boolean drop(Set<Node<E>> meant) {
        lock.lock();
        try {
            int before = items.size();
            items.removeIf(meant::contains);
            int dropped = before - items.size();
            for (int i = 0; i < dropped; i++) {
                notFull.signal();
            }
            done(dropped);
            return dropped > 0;
        } finally {
            lock.unlock();
        }
    }

    /** Removes all elements, which count as done. */
    @Override
    public void clear() {
        lock.lock();
        try {
            dropAll();
        } finally {
            lock.unlock();
        }
    }

    private List<E> dropAll() {
        List<E> dropped = new ArrayList<>();
        while (!items.isEmpty()) {
            dropped.add(dequeue());
        }
        done(dropped.size());
        return dropped;
    }

    /**
     * Puts a taken element back that cannot be processed. It is taken next, before others of its rank. This works even
     * if the queue is full or shut down. The element still counts as not done; after {@link #shutdownNow} it is
     * dropped, and is done.
     *
     * @param element the element that was taken
     * @throws IllegalStateException if more elements were put back than taken
     */
    public void putBack(E element) {
        Objects.requireNonNull(element, "element");
        lock.lock();
        try {
            if (unfinished <= items.size()) {
                throw new IllegalStateException("putBack was called more often than elements were taken");
            }
            if (closedNow) {
                done(1);
            } else {
                front.accept(new Node<>(element, --firstArrival));
                notEmpty.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    // ---- done ----

    /**
     * Notes that a taken element has been processed. To be called once for each element taken.
     *
     * @throws IllegalStateException if it was called more often than elements were taken
     */
    public void taskDone() {
        lock.lock();
        try {
            if (unfinished <= items.size()) {
                throw new IllegalStateException("taskDone was called more often than elements were taken");
            }
            done(1);
        } finally {
            lock.unlock();
        }
    }

    private void done(int count) {
        unfinished -= count;
        if (unfinished == 0) {
            allDone.signalAll();
        }
    }

    /**
     * Waits until all elements that were put in are done.
     *
     * @throws InterruptedException if the calling thread is interrupted before or during the wait
     * @throws QueueClosedException if an element is not done, and {@link #shutdownNow} is or was called
     */
    public void join() throws InterruptedException {
        joinWithin(Wait.FOREVER);
    }

    /**
     * Waits until all elements that were put in are done, up to a time limit.
     *
     * @param timeout how long to wait at most; with zero or less it does not wait
     * @return false when the time elapsed first
     * @throws InterruptedException if the calling thread is interrupted before or during the wait
     * @throws QueueClosedException if an element is not done, and {@link #shutdownNow} is or was called
     */
    public boolean join(Duration timeout) throws InterruptedException {
        return joinWithin(TimeUnit.NANOSECONDS.convert(timeout));
    }

    private boolean joinWithin(long nanos) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long left = nanos;
            while (unfinished > 0) {
                if (closedNow) {
                    throw new QueueClosedException("queue was shut down with " + unfinished + " elements unfinished");
                }
                if (left <= 0) {
                    return false;
                }
                left = allDone.awaitNanos(left);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    // ---- closing ----

    /** Accepts no more elements; those in the queue can still be taken. Has no effect when called again. */
    public void shutdown() {
        lock.lock();
        try {
            close();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Accepts no more elements and drops those in the queue, which count as done.
     *
     * @return the dropped elements, in the order in which they would have been taken
     */
    public List<E> shutdownNow() {
        lock.lock();
        try {
            closedNow = true;
            List<E> dropped = dropAll();
            close();
            return dropped;
        } finally {
            lock.unlock();
        }
    }

    private void close() {
        closed = true;
        notEmpty.signalAll();
        notFull.signalAll();
        allDone.signalAll();
    }

    /**
     * Returns whether it was shut down.
     *
     * @return true from then on
     */
    public boolean isShutdown() {
        lock.lock();
        try {
            return closed;
        } finally {
            lock.unlock();
        }
    }

    // ---- looking ----

    @Override
    public int size() {
        lock.lock();
        try {
            return items.size();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public int remainingCapacity() {
        lock.lock();
        try {
            return capacity == UNBOUNDED ? UNBOUNDED : Math.max(0, capacity - items.size());
        } finally {
            lock.unlock();
        }
    }

    /** Returns an iterator over a snapshot. {@link Iterator#remove} removes the element if it is still in the queue. */
    @Override
    public Iterator<E> iterator() {
        return new SnapshotIterator<>(snapshot(), node -> node.element, node -> drop(Set.of(node)));
    }

    /** Returns a spliterator over a snapshot, taken when it is first used. */
    @Override
    public Spliterator<E> spliterator() {
        return new SnapshotSpliterator<>(this::iterator, Spliterator.ORDERED | Spliterator.NONNULL);
    }

    /** Returns the elements in the order in which they would be taken. */
    private List<Node<E>> snapshot() {
        Node<E>[] nodes;
        lock.lock();
        try {
            nodes = items.toArray(JoinableQueue::nodes);
        } finally {
            lock.unlock();
        }
        if (order != null) {
            Arrays.sort(nodes, order);
        }
        return Arrays.asList(nodes);
    }

    @SuppressWarnings({"unchecked", "rawtypes"}) // filled only with nodes of the queue
    private static <E> Node<E>[] nodes(int length) {
        return new Node[length];
    }
}
