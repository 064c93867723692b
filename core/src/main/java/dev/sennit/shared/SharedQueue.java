package dev.sennit.shared;

import dev.sennit.QueueClosedException;
import dev.sennit.codec.Address;
import dev.sennit.codec.AllowList;
import dev.sennit.codec.MessageBuffer;
import dev.sennit.codec.TaskCodec;
import dev.sennit.internal.SnapshotIterator;
import dev.sennit.internal.SnapshotSpliterator;
import dev.sennit.internal.machine.WaitLimit;
import java.io.IOException;
import java.io.InvalidObjectException;
import java.io.ObjectInputStream;
import java.io.Serial;
import java.io.Serializable;
import java.time.Duration;
import java.util.AbstractQueue;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Spliterator;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A blocking queue in shared memory, from and to which threads of all processes take and put. A thread can wait until
 * all elements that were put in have been dealt with, and the queue can be closed. A task captures it, or takes it as
 * an argument.
 *
 * {@snippet :
 * SharedQueue<Integer> jobs = SharedQueue.create(1_000, 1 << 20);
 * SharedQueue<String> answers = SharedQueue.create(1_000, 1 << 20);
 * try (Pool pool = Pools.open("processes:2")) {
 *     for (int worker = 0; worker < 2; worker++) {
 *         pool.submit(() -> {
 *             try {
 *                 while (true) {
 *                     answers.put("job " + jobs.take() + " is done");
 *                     jobs.taskDone();
 *                 }
 *             } catch (QueueClosedException e) {
 *                 return "no more jobs";
 *             }
 *         });
 *     }
 *     jobs.addAll(List.of(1, 2, 3));
 *     jobs.join();
 *     jobs.shutdown();
 *     answers.forEach(System.out::println);
 * }
 * }
 *
 * <p>This is {@code multiprocessing}'s {@code Queue}, {@code SimpleQueue} and {@code JoinableQueue} in one, and to
 * other processes what a {@link dev.sennit.JoinableQueue} is to threads. Elements come out in the order in which they
 * went in, and may not be null. There is no thread behind it: when {@link #put} returns, the element is in.
 *
 * <h2>Elements</h2>
 *
 * <p>An element travels: the consumer gets a copy. It is encoded before a lock is acquired, and decoded after the lock
 * was released. Boxed numbers, strings, arrays of primitives, records and collections of these are fastest.
 * {@link #put} refuses elements that cannot be serialized with a {@link dev.sennit.TaskSerializationException}.
 * Elements are read behind an allow-list: the JDK's plain values, classes in the same jar or folder as the class that
 * called {@link #create}, and the classes named there. Another process uses the same list if it first got the queue
 * with a task. If it got the queue otherwise, in a result or as an element of another queue, it does not believe the
 * list that came, and reads the JDK's values alone. An element that is refused, or cannot be read, causes a
 * {@link dev.sennit.TaskSerializationException}, and is out of the queue if it was to be taken out.
 *
 * <h2>When a process is killed</h2>
 *
 * <p>Whatever the process was doing, the queue stays whole: no thread hangs, and no element of other processes is lost,
 * doubled or changed.
 *
 * <ul>
 *   <li>The element that it was <b>putting in</b> is in completely, or is not in. The same holds for each part of an
 *       {@link #addAll} that there was room for at once.
 *   <li>The element that it was <b>taking out</b> is still in, or is lost with the process, as are elements that it had
 *       taken and not dealt with.
 *   <li>What it took is never <b>done</b>: {@link #join} goes on waiting, as nobody can tell; set a time limit, or shut
 *       the queue down. The other processes go on after some milliseconds at most.
 * </ul>
 *
 * <h2>Closing</h2>
 *
 * <p>After {@link #shutdown} nothing goes in. The remaining elements can be taken; then callers that would have to wait
 * get a {@link QueueClosedException}, and so do threads that wait already, in all processes. {@link #shutdownNow} drops
 * the remaining elements as well. {@link #poll()} and {@link #peek}, which never wait, return null for an empty queue,
 * open or not; {@link #offer(Object)} throws.
 *
 * <h2>What else is promised, and what is not</h2>
 *
 * <ul>
 *   <li><b>Bounds</b>: the queue is full when it has as many elements, or as many bytes, as it was made for. Each
 *       element takes 8 bytes beside its own, rounded up to 8. The bytes of an element that {@link #remove(Object)}
 *       took from the middle are free once the elements before it are out.
 *   <li><b>Order</b>: elements of one thread come out in the order in which it put them in. The waiting threads of one
 *       process are served first come, first served; between processes, and for threads that need not wait, there is no
 *       order.
 *   <li><b>Looking</b>: {@link #iterator}, {@link #contains}, {@link #toArray()} and {@link #remove(Object)} copy all
 *       elements, and block consumers meanwhile; they are for small queues, or for a look now and then.
 *   <li><b>Platform and virtual threads</b> may use it; a waiting virtual thread does not hold its carrier. Threads
 *       notice interrupts and time limits within some milliseconds, and if a process was stopped in the middle of its
 *       work on the queue, within some tenths of a second; a wait without a time limit lasts until that process goes
 *       on.
 *   <li><b>Cost</b>: one lock to put in and another to take out, both without a system call as long as no thread
 *       sleeps.
 *   <li><b>Memory effects</b>, also between processes: actions before an element is put in, in shared memory too, are
 *       visible to the thread that takes it out, and actions before {@link #taskDone} to a thread that returns from
 *       {@link #join}.
 * </ul>
 *
 * <p>Other processes can get the queue as long as the process that created it lives and has a reference to it; a
 * process that has got it keeps it. If a process writes where it should not, this is mostly noticed: a
 * {@link QueueDamagedException}.
 *
 * @param <E> the type of the elements
 */
public final class SharedQueue<E> extends AbstractQueue<E> implements BlockingQueue<E>, Serializable {
    private static final long serialVersionUID = 1L;
    private static final StackWalker CALLERS = StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE);

    private static final int FEWEST_BYTES = 16;

    private final transient SharedMemory memory;
    private final transient QueueMemory queue;
    private final transient Elements elements;

    /** The classes that may come out, and the loader that finds them. */
    private record Elements(@Nullable Class<?> beside, List<String> named, AllowList allowed) {
        static Elements of(@Nullable Class<?> beside, List<String> named) {
            var allowed = new AllowList(named, "SharedQueue.create");
            if (beside != null) {
                allowed.allowBeside(beside);
            }
            return new Elements(beside, named, allowed);
        }

        Object decode(byte[] message) {
            ClassLoader loader = beside == null ? null : beside.getClassLoader();
            Object element = TaskCodec.decodeValue(
                    message,
                    message.length,
                    loader == null ? ClassLoader.getSystemClassLoader() : loader,
                    allowed,
                    "element refused");
            if (element == null) {
                throw new QueueDamagedException(
                        "shared queue is damaged, an element is null: a process wrote where it should not");
            }
            return element;
        }
    }

    private SharedQueue(SharedMemory memory, int capacity, Elements elements) {
        this.memory = memory;
        this.queue = new QueueMemory(memory.segment(), capacity);
        this.elements = elements;
    }

    /**
     * Makes an empty queue.
     *
     * @param capacity how many elements may be in, 1 or more
     * @param bytes how many bytes they may have together when encoded, 16 or more; memory that was never used is not
     *     taken
     * @param allowed whose instances may come out, beside the JDK's plain values and the classes in the jar or folder
     *     of the caller: class names, {@code package.*} or {@code package.**}
     * @param <E> the type of the elements
     * @return an open queue
     * @throws IllegalArgumentException if the capacity is less than 1, the bytes are too few or too many, or a name is
     *     malformed
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static <E> SharedQueue<E> create(int capacity, long bytes, String... allowed) {
        if (capacity < 1) {
            throw new IllegalArgumentException("capacity must be >= 1, was " + capacity);
        }
        if (bytes < FEWEST_BYTES || bytes > QueueMemory.MOST_BYTES) {
            throw new IllegalArgumentException(
                    "bytes must be from " + FEWEST_BYTES + " to " + QueueMemory.MOST_BYTES + ", was " + bytes);
        }
        AllowList.ensurePatterns(allowed);
        Elements elements = Elements.of(CALLERS.getCallerClass(), List.of(allowed));
        return of(SharedMemory.createCollected(QueueMemory.bytesFor(bytes)), capacity, elements);
    }

    @SuppressWarnings("unchecked") // the sender tells the other process what the elements are
    private static <E> SharedQueue<E> of(SharedMemory memory, int capacity, Elements elements) {
        return memory.as(SharedQueue.class, block -> new SharedQueue<E>(block, capacity, elements));
    }

    // ---- putting in ----

    private MessageBuffer encode(E element) {
        MessageBuffer message =
                TaskCodec.encodeValue(Objects.requireNonNull(element, "element"), "element cannot travel");
        if (message.length() > queue.longest()) {
            throw new IllegalArgumentException("element of " + message.length() + " bytes does not fit a queue for "
                    + queue.longest() + ": make the queue with more bytes, or pass large data in a SharedMemory");
        }
        return message;
    }

    /**
     * Puts an element in, waiting for room.
     *
     * @throws QueueClosedException if the queue is or becomes shut down
     * @throws IllegalArgumentException if the element cannot travel, or is larger than the whole queue
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; then the element is not in
     */
    @Override
    public void put(E element) throws InterruptedException {
        if (!queue.put(encode(element), WaitLimit.none())) {
            throw new AssertionError("gave up after 292 years");
        }
    }

    /**
     * Puts an element in, waiting for room for some time at most.
     *
     * @return false if the time was over first
     * @throws QueueClosedException if the queue is or becomes shut down
     * @throws IllegalArgumentException if the element cannot travel, or is larger than the whole queue
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; then the element is not in
     */
    @Override
    public boolean offer(E element, long timeout, TimeUnit unit) throws InterruptedException {
        return queue.put(encode(element), new WaitLimit(unit.toNanos(timeout)));
    }

    /**
     * Puts an element in if there is room.
     *
     * @return whether it is in
     * @throws QueueClosedException if the queue is shut down
     * @throws IllegalArgumentException if the element cannot travel, or is larger than the whole queue
     */
    @Override
    public boolean offer(E element) {
        return queue.offer(List.of(encode(element))) == 1;
    }

    /**
     * Puts elements in, in order and without elements of others in between, at the cost of one {@link #put}.
     *
     * @return whether there were any
     * @throws IllegalStateException if there is room for some of them only; then these are in
     * @throws QueueClosedException if the queue is shut down; then none is in
     * @throws IllegalArgumentException if one cannot travel, or is larger than the whole queue; then none is in
     */
    @Override
    public boolean addAll(Collection<? extends E> several) {
        if (several == this) {
            throw new IllegalArgumentException("a queue cannot be added to itself");
        }
        List<MessageBuffer> messages = new ArrayList<>(several.size());
        for (E element : several) {
            messages.add(encode(element));
        }
        int count = queue.offer(messages);
        if (count < messages.size()) {
            throw new IllegalStateException("queue is full: " + count + " of " + messages.size() + " elements went in");
        }
        return count > 0;
    }

    // ---- taking out ----

    @SuppressWarnings("unchecked") // the allow-list was checked; another type fails at its use
    private E decode(byte[] message) {
        return (E) elements.decode(message);
    }

    private @Nullable E decodeOrNull(byte @Nullable [] message) {
        return message == null ? null : decode(message);
    }

    /**
     * Takes the next element out, waiting until there is one.
     *
     * @throws QueueClosedException if the queue is empty and is or becomes shut down
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; it then took nothing
     * @throws dev.sennit.TaskSerializationException if the element is refused, or cannot be read; it is out then
     */
    @Override
    public E take() throws InterruptedException {
        byte[] message = queue.take(WaitLimit.none());
        if (message == null) {
            throw new AssertionError("gave up after 292 years");
        }
        return decode(message);
    }

    /**
     * Takes the next element out, waiting for some time at most.
     *
     * @return the element, or null if the time was over first
     * @throws QueueClosedException if the queue is empty and is or becomes shut down
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; it then took nothing
     * @throws dev.sennit.TaskSerializationException if the element is refused, or cannot be read; it is out then
     */
    @Override
    public @Nullable E poll(long timeout, TimeUnit unit) throws InterruptedException {
        return decodeOrNull(queue.take(new WaitLimit(unit.toNanos(timeout))));
    }

    @Override
    public @Nullable E poll() {
        return decodeOrNull(queue.poll());
    }

    @Override
    public @Nullable E peek() {
        return decodeOrNull(queue.peek());
    }

    @Override
    public int drainTo(Collection<? super E> target) {
        return drainTo(target, Integer.MAX_VALUE);
    }

    /**
     * Takes elements out without waiting. Each counts as taken, so call {@link #taskDone} for each. Elements are taken
     * one by one: if {@code target} refuses an element, or it cannot be read, that element is lost, but the following
     * ones stay in the queue.
     */
    @Override
    public int drainTo(Collection<? super E> target, int most) {
        if (Objects.requireNonNull(target, "target") == this) {
            throw new IllegalArgumentException("a queue cannot be drained into itself");
        }
        int count = 0;
        while (count < most) {
            E element = poll();
            if (element == null) {
                break;
            }
            target.add(element);
            count++;
        }
        return count;
    }

    /** Removes an element, which then counts as done. */
    @Override
    public boolean remove(@Nullable Object element) {
        if (element != null) {
            for (QueueMemory.Stored stored : queue.snapshot()) {
                if (element.equals(decode(stored.message())) && queue.drop(stored.position())) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Removes all elements, which then count as done. */
    @Override
    public void clear() {
        queue.clear();
    }

    // ---- finishing ----

    /**
     * Says that an element that was taken out has been dealt with. Any process may call this, once for each element.
     *
     * @throws IllegalStateException if it was called more often than elements were taken out
     */
    public void taskDone() {
        if (!queue.done()) {
            throw new IllegalStateException("taskDone was called more often than elements were taken");
        }
    }

    /**
     * Waits until all elements that were put in have been dealt with.
     *
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile
     * @throws QueueClosedException if there is something to wait for, and {@link #shutdownNow} is or was called
     */
    public void join() throws InterruptedException {
        if (!queue.join(WaitLimit.none())) {
            throw new AssertionError("gave up after 292 years");
        }
    }

    /**
     * Waits until all elements that were put in have been dealt with, for some time at most.
     *
     * @param timeout the longest to wait; zero or less does not wait
     * @return false if the time was over first
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile
     * @throws QueueClosedException if there is something to wait for, and {@link #shutdownNow} is or was called
     */
    public boolean join(Duration timeout) throws InterruptedException {
        return queue.join(new WaitLimit(TimeUnit.NANOSECONDS.convert(timeout)));
    }

    // ---- closing ----

    /**
     * Closes the queue: it takes no more elements, and the remaining ones can still be taken out. Calling it again has
     * no effect.
     */
    public void shutdown() {
        queue.close();
    }

    /**
     * Closes the queue and drops the remaining elements, which then count as done.
     *
     * @return the dropped elements, in the order in which they would have come out
     * @throws dev.sennit.TaskSerializationException if one of them is refused, or cannot be read; all are dropped then
     */
    public List<E> shutdownNow() {
        return queue.closeNow().stream().map(stored -> decode(stored.message())).toList();
    }

    /**
     * Returns whether the queue was shut down.
     *
     * @return true once it was
     */
    public boolean isShutdown() {
        return queue.isClosed();
    }

    // ---- looking ----

    /** Returns how many elements are in the queue; while others take elements out, the result may be too high. */
    @Override
    public int size() {
        return queue.size();
    }

    /** Returns a spliterator over a snapshot, which is taken at its first use. */
    @Override
    public Spliterator<E> spliterator() {
        return new SnapshotSpliterator<>(this::iterator, Spliterator.ORDERED | Spliterator.NONNULL);
    }

    /** Returns how many more elements may be in; there may be too few bytes left for them. */
    @Override
    public int remainingCapacity() {
        return queue.capacity() - queue.size();
    }

    /**
     * Returns an iterator over a snapshot. {@link Iterator#remove} removes the element from the queue if it is still
     * there.
     */
    @Override
    public Iterator<E> iterator() {
        return new SnapshotIterator<>(queue.snapshot(), stored -> decode(stored.message()),
                stored -> queue.drop(stored.position()));
    }

    @Override
    public String toString() {
        return "SharedQueue[" + queue.size() + " of " + queue.capacity() + " elements, " + queue.unfinished()
                + " unfinished, "
                + (isShutdown() ? "shut down" : "open") + "]";
    }

    // ---- travelling ----

    @Serial
    private Object writeReplace() {
        return new Sent(memory, queue.capacity(), elements.beside, elements.named.toArray(String[]::new));
    }

    Address address() {
        Class<?> beside = elements.beside;
        return new QueueAddress(memory, queue.capacity(), beside == null ? null : beside.getName(), elements.named);
    }

    @Serial
    private void readObject(ObjectInputStream in) throws InvalidObjectException {
        throw new InvalidObjectException("is sent as its memory");
    }

    /**
     * The form in which a queue travels by Java serialization. Its allow-list is believed only where the sender is
     * trusted with everything: where no filter is set. Otherwise a process could send a list that lets its own classes
     * in.
     */
    private static final class Sent implements Serializable {
        private static final long serialVersionUID = 1L;

        private final SharedMemory memory;
        private final int capacity;
        private final @Nullable Class<?> beside;
        private final String[] named;
        private transient boolean believed;

        Sent(SharedMemory memory, int capacity, @Nullable Class<?> beside, String[] named) {
            this.memory = memory;
            this.capacity = capacity;
            this.beside = beside;
            this.named = named;
        }

        @Serial
        private void readObject(ObjectInputStream in) throws IOException, ClassNotFoundException {
            in.defaultReadObject();
            believed = in.getObjectInputFilter() == null;
        }

        @Serial
        private Object readResolve() throws InvalidObjectException {
            return arrived(memory, capacity,
                    believed ? Elements.of(beside, List.of(named)) : Elements.of(null, List.of()));
        }
    }

    /** The form in which a queue travels in the {@code CompactForm}. */
    record QueueAddress(SharedMemory memory, int capacity, @Nullable String beside, List<String> named)
            implements Address {
        private static final long serialVersionUID = 1L;

        @Override
        public Object readResolve() throws InvalidObjectException {
            return arrived(memory, capacity, Elements.of(null, List.of()));
        }

        /** Uses the allow-list of the sender, if the sender is trusted. */
        @Override
        public Object resolve(@Nullable ClassLoader trusted) throws InvalidObjectException, ClassNotFoundException {
            if (trusted == null) {
                return readResolve();
            }
            Class<?> type = beside == null ? null : Class.forName(beside, false, trusted);
            return arrived(memory, capacity, Elements.of(type, named));
        }
    }

    private static Object arrived(SharedMemory memory, int capacity, Elements elements) throws InvalidObjectException {
        if (capacity < 1
                || memory.size() < QueueMemory.bytesFor(FEWEST_BYTES)
                || memory.size() > QueueMemory.bytesFor(QueueMemory.MOST_BYTES)) {
            throw new InvalidObjectException("is no queue of " + capacity + " elements in " + memory);
        }
        return of(memory, capacity, elements);
    }
}
