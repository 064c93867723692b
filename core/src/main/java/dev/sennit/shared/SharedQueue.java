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
 * A blocking queue in shared memory, which threads of all processes put in and take out; it can be waited for until all that
 * was put in has been dealt with, and it can be closed. A task captures it, or takes it as an argument.
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
 * <p>It is {@code multiprocessing}'s {@code Queue}, {@code SimpleQueue} and {@code JoinableQueue} in one, and to other processes what a
 * {@link dev.sennit.JoinableQueue} is to threads. Elements come out in the order they went in, and may not be null. No thread
 * works behind it: what {@link #put} returned from is in.
 *
 * <h2>Elements</h2>
 *
 * <p>An element travels: what comes out is a copy. It is encoded before a lock is taken, and decoded after it was given back.
 * Fastest are boxed numbers, strings, arrays of primitives, records and collections of them. Whatever cannot be serialized is refused
 * by {@link #put} with a {@link dev.sennit.TaskSerializationException}. What comes out is read behind an allow-list: the JDK's
 * plain values, classes in the same jar or folder as the class that called {@link #create}, and those named there. Another
 * process knows the same list if it first got the queue with a task. If it got it otherwise, in a result or as an element of
 * another queue, the list that came is not believed, and it reads the JDK's values alone. An element that is refused, or
 * cannot be read, is a {@link dev.sennit.TaskSerializationException}, and is out if it was to be taken out.
 *
 * <h2>When a process is killed</h2>
 *
 * <p>Whatever it was doing, the queue stays whole: nobody hangs, and no element of others is lost, doubled or changed.
 *
 * <ul>
 *   <li>The element it was <b>putting in</b> is in as a whole, or is not in. Of what {@link #addAll} puts in the same holds for each
 *       part that there was room for at once.
 *   <li>The element it was <b>taking out</b> is still in, or is lost with it, as is one that it had taken and not dealt with.
 *   <li>What it took is never <b>done</b>: {@link #join} goes on waiting, and nobody else can tell; set a time limit, or
 *       shut the queue down. It takes some milliseconds at most until others go on.
 * </ul>
 *
 * <h2>Closing</h2>
 *
 * <p>After {@link #shutdown} nothing goes in; what is in can be taken, and then whoever would have to wait gets a {@link
 * QueueClosedException}, also those that wait already, in all processes. {@link #shutdownNow} drops what is in as well. {@link
 * #poll()} and {@link #peek}, which never wait, return null for an empty queue, open or not; {@link #offer(Object)} throws.
 *
 * <h2>What else is promised, and what is not</h2>
 *
 * <ul>
 *   <li><b>Bounds</b>: it is full when it has as many elements, or as many bytes, as it was made for. Each element takes 8 bytes
 *       beside its own, rounded up to 8. What {@link #remove(Object)} took from the middle gives back its bytes when those before it
 *       are out.
 *   <li><b>Order</b>: elements of one thread come out in the order it put them in. Threads that wait are served first
 *       come, first served, within each process; between processes, and for who need not wait, there is no order.
 *   <li><b>Looking</b>: {@link #iterator}, {@link #contains}, {@link #toArray()} and {@link #remove(Object)} copy all that is in, and
 *       meanwhile nobody takes; they are for small queues, or for a look now and then.
 *   <li><b>Platform and virtual threads</b> may use it; one that waits does not hold its carrier. Interrupts and time limits are
 *       noticed within some milliseconds, and while a process was stopped in the middle of its work on the queue, within
 *       some tenths of a second; what has no time limit waits until it goes on.
 *   <li><b>Cost</b>: one lock to put in and another to take out, both without a system call as long as nobody sleeps.
 *   <li><b>Memory effects</b>, also between processes: what was done before an element was put in, in shared memory too, is seen by
 *       whoever takes it out, and what was done before {@link #taskDone} by whoever returns from {@link #join}.
 * </ul>
 *
 * <p>It can be got from the process that created it for as long as that has it and is alive; who has it keeps it. A process that
 * writes where it should not is noticed, mostly: a {@link QueueDamagedException}.
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

    /** What may come out, and who finds the classes. */
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
                throw new QueueDamagedException("shared queue is damaged, an element is null: a process wrote where it should not");
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
     * @param bytes how many bytes they may have together, when they are encoded, 16 or more; memory that was never used is
     *     not taken
     * @param allowed whose instances may come out, beside the JDK's plain values and the classes in the jar or folder of the
     *     caller: class names, {@code package.*} or {@code package.**}
     * @param <E> the type of the elements
     * @return an open queue
     * @throws IllegalArgumentException if the capacity is less than 1, there are too few or too many bytes, or what is allowed names
     *     nothing
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static <E> SharedQueue<E> create(int capacity, long bytes, String... allowed) {
        if (capacity < 1) {
            throw new IllegalArgumentException("capacity must be >= 1, was " + capacity);
        }
        if (bytes < FEWEST_BYTES || bytes > QueueMemory.MOST_BYTES) {
            throw new IllegalArgumentException("bytes must be from " + FEWEST_BYTES + " to " + QueueMemory.MOST_BYTES + ", was " + bytes);
        }
        AllowList.ensurePatterns(allowed);
        Elements elements = Elements.of(CALLERS.getCallerClass(), List.of(allowed));
        return of(SharedMemory.createCollected(QueueMemory.bytesFor(bytes)), capacity, elements);
    }

    @SuppressWarnings("unchecked") // whoever sends it to another process says there what its elements are
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
     * @throws QueueClosedException if the queue is, or is meanwhile, shut down
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
     * @return false when the time was over first
     * @throws QueueClosedException if the queue is, or is meanwhile, shut down
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
     * Puts elements in, in their order, with nothing of others between them and at the cost of one.
     *
     * @return whether there were any
     * @throws IllegalStateException if there is room for some of them only, which are in then
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

    @SuppressWarnings("unchecked") // the allow-list was asked; what is of another type fails where it is used
    private E decode(byte[] message) {
        return (E) elements.decode(message);
    }

    private @Nullable E decodeOrNull(byte @Nullable [] message) {
        return message == null ? null : decode(message);
    }

    /**
     * Takes the next element out, waiting for one.
     *
     * @throws QueueClosedException if the queue is empty and is, or is meanwhile, shut down
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
     * Takes the next element out, waiting for one for some time at most.
     *
     * @return the element, or null when the time was over first
     * @throws QueueClosedException if the queue is empty and is, or is meanwhile, shut down
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
     * Takes elements out without waiting; each counts as taken, so {@link #taskDone} is called for each. One after another,
     * as one that {@code target} refuses, or that cannot be read, is lost: so the others are still here.
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

    /** Takes an element out that nobody is to deal with: it counts as done. */
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

    /** Takes all elements out; they count as done. */
    @Override
    public void clear() {
        queue.clear();
    }

    // ---- done ----

    /**
     * Says that an element which was taken out has been dealt with. It is called once for each, by any process.
     *
     * @throws IllegalStateException if it was called more often than elements were taken out
     */
    public void taskDone() {
        if (!queue.done()) {
            throw new IllegalStateException("taskDone was called more often than elements were taken");
        }
    }

    /**
     * Waits until everything that was put in has been dealt with.
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
     * Waits until everything that was put in has been dealt with, for some time at most.
     *
     * @param timeout the longest to wait; zero or less only looks
     * @return false when the time was over first
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile
     * @throws QueueClosedException if there is something to wait for, and {@link #shutdownNow} is or was called
     */
    public boolean join(Duration timeout) throws InterruptedException {
        return queue.join(new WaitLimit(TimeUnit.NANOSECONDS.convert(timeout)));
    }

    // ---- closing ----

    /** Takes no more elements; what is in can still be taken out. Has no effect when called again. */
    public void shutdown() {
        queue.close();
    }

    /**
     * Takes no more elements and drops those that are in, which count as done.
     *
     * @return what was dropped, in the order it would have come out
     * @throws dev.sennit.TaskSerializationException if one of them is refused, or cannot be read; all are dropped then
     */
    public List<E> shutdownNow() {
        return queue.closeNow().stream().map(stored -> decode(stored.message())).toList();
    }

    /**
     * Whether it was shut down.
     *
     * @return true from then on
     */
    public boolean isShutdown() {
        return queue.isClosed();
    }

    // ---- looking ----

    /** How many elements are in; while others take out, it may be some that are out already. */
    @Override
    public int size() {
        return queue.size();
    }

    /** Over a snapshot, taken when it is first used. */
    @Override
    public Spliterator<E> spliterator() {
        return new SnapshotSpliterator<>(this::iterator, Spliterator.ORDERED | Spliterator.NONNULL);
    }

    /** How many more elements may be in; there may be too few bytes left for them. */
    @Override
    public int remainingCapacity() {
        return queue.capacity() - queue.size();
    }

    /** Over a snapshot. {@link Iterator#remove} takes the element out of the queue if it is still in. */
    @Override
    public Iterator<E> iterator() {
        return new SnapshotIterator<>(queue.snapshot(), stored -> decode(stored.message()), stored -> queue.drop(stored.position()));
    }

    @Override
    public String toString() {
        return "SharedQueue[" + queue.size() + " of " + queue.capacity() + " elements, " + queue.unfinished() + " unfinished, "
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
     * What is sent in its place. The allow-list is believed where whoever sends it is trusted with everything: where no
     * filter is set. Else a process could send one that lets its own way in.
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
            return arrived(memory, capacity, believed ? Elements.of(beside, List.of(named)) : Elements.of(null, List.of()));
        }
    }

    /** The same in the {@code CompactForm}. */
    record QueueAddress(SharedMemory memory, int capacity, @Nullable String beside, List<String> named) implements Address {
        private static final long serialVersionUID = 1L;

        @Override
        public Object readResolve() throws InvalidObjectException {
            return arrived(memory, capacity, Elements.of(null, List.of()));
        }

        /** With the allow-list of a sender that is believed. */
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
