package dev.sennit.loop;

import dev.sennit.internal.Throwables;
import dev.sennit.internal.Timers;
import dev.sennit.internal.Wait;
import dev.sennit.internal.WaitQueue;
import dev.sennit.internal.WaitQueue.Place;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/*
 * How it works
 *
 * One short lock guards a buffer and two queues of waiting threads, as in Go's runtime (runtime/chan.go). There are lock-free channels
 * (Koval, Alistarh, Elizarov: "Fast and Scalable Channels in Kotlin Coroutines", PPoPP 2023, which Jox follows). They gain where
 * many cores meet at one channel, and pay with an object or a compare-and-set for each element and with an order that is hard to
 * keep for a select over several channels. On one loop a lock is never contended: it is two writes.
 *
 * Direct hand-over
 *
 * Whoever finds a thread that waits on the other side gives it the element, or takes the element it brings, and ends its wait. The thread
 * that is woken has what it came for: it takes no lock and looks at nothing again. So nobody who comes later overtakes it, and
 * no wake-up is for nothing. It follows that
 *   - while a receiver waits, the buffer is empty;
 *   - while a sender waits, the buffer is full: whoever takes an element out lets the first sender's in, in the same step.
 * A sender that is let in goes on while the receiver empties the buffer, so on one loop they change turns once for each filling of the
 * buffer, not for each element.
 *
 * Giving up
 *
 * A wait ends once, by a compare-and-set (see Wait): by an element or by giving up, never by both. That is why an interrupt or a time-out
 * loses nothing, and why of the several places of a select exactly one happens. A thread that gave up is still in the queue for a
 * moment; it is passed over. So is a thread that was interrupted and has not had a turn since: an element that comes after a
 * cancellation goes to the next receiver. For the same reason a call looks for an interrupt with the lock held.
 *
 * Locks and wake-ups
 *
 * No code of users runs with the lock, nothing waits with it, and threads are woken after it was let go, as one that is awake and finds the
 * lock taken would have to sleep again. A select takes the locks of its channels in the order of their numbers.
 */

/**
 * A bounded way from senders to receivers, on any kind of thread; it can be closed, and then it says so.
 *
 * {@snippet :
 * var lines = new Channel<String>(10);
 * Thread.startVirtualThread(() -> {
 *     try {
 *         lines.send("one");
 *         lines.send("two");
 *         lines.close();
 *     } catch (Exception e) {
 *         lines.close(e);
 *     }
 * });
 * for (String line : lines) { // until it is closed
 *     System.out.println(line);
 * }
 * }
 *
 * <p>Elements come out in the order they went in, each to one receiver. Receivers that wait are served in the order they came,
 * and so are senders. A channel of capacity 0 holds nothing: each sender meets a receiver. To wait for one of several
 * channels, see {@link Select}.
 *
 * <h2>Waiting</h2>
 *
 * <p>What waits suspends the calling coroutine or virtual thread only. <b>A wait that ends by an interrupt or by its time limit has
 * done nothing</b>: what was to be sent is not in the channel and no receiver gets it, and what was to be received is still
 * there for others. If an interrupt comes when an element has just been handed over, the call returns as if it had come later, and
 * the interrupt status stays set.
 *
 * <h2>Closing</h2>
 *
 * <p>After {@link #close()} nothing goes in: senders get a {@link ChannelClosedException}, also those that wait, whose elements are
 * not in. What is in comes out, and then receivers get that exception, also those that wait. {@link #close(Throwable)} says
 * why, so that receivers can tell an end from a failure. A channel needs no closing when nobody waits for more.
 *
 * <p><b>Memory effects</b>: what happened before an element was sent is seen by whoever received it; what happened before the channel was
 * closed, by whoever finds it closed. Elements may not be null.
 *
 * @param <T> the type of the elements
 */
public final class Channel<T> implements Iterable<T> {
    private static final AtomicLong CHANNELS = new AtomicLong();

    private final long number = CHANNELS.getAndIncrement();
    private final ReentrantLock lock = new ReentrantLock();
    private final int capacity;
    /** Guarded by lock. */
    private final ArrayDeque<T> buffer = new ArrayDeque<>();
    /** Guarded by lock. */
    private final WaitQueue<T> senders = new WaitQueue<>();
    /** Guarded by lock. */
    private final WaitQueue<T> receivers = new WaitQueue<>();
    /** Guarded by lock. Whose wait was ended by the holder of the lock. */
    private @Nullable Thread toWake;
    /** Guarded by lock. The same numbers in each run, so that a schedule that is had again has the same choices. */
    private int dice = 0x2545F491;
    /** Written under the lock. */
    private volatile boolean closed;
    /** Written under the lock before closed. */
    private @Nullable Throwable cause;

    /**
     * An open channel.
     *
     * @param capacity how many elements may be in it, 0 or more; there is memory only for those that are
     * @throws IllegalArgumentException if the capacity is negative
     */
    public Channel(int capacity) {
        if (capacity < 0) {
            throw new IllegalArgumentException("capacity must be >= 0, was " + capacity);
        }
        this.capacity = capacity;
    }

    // ---- sending ----

    /**
     * Puts an element in, or hands it to a receiver, waiting for room or for one.
     *
     * @param element not null
     * @throws ChannelClosedException if the channel is, or is meanwhile, closed
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; then the element was not sent
     */
    public void send(T element) throws InterruptedException {
        sendWithin(element, Wait.FOREVER);
    }

    /**
     * Puts an element in, or hands it to a receiver, waiting for room or for one for some time at most.
     *
     * @param element not null
     * @param timeout the longest to wait; zero or less only tries
     * @return false when the time was over first; then the element was not sent
     * @throws ChannelClosedException if the channel is, or is meanwhile, closed
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; then the element was not sent
     */
    public boolean send(T element, Duration timeout) throws InterruptedException {
        return sendWithin(element, Timers.nanos(timeout));
    }

    /**
     * Puts an element in if there is room, or hands it to a receiver if one waits.
     *
     * @param element not null
     * @return whether it was sent
     * @throws ChannelClosedException if the channel is closed
     */
    public boolean trySend(T element) {
        Objects.requireNonNull(element, "element");
        lock();
        try {
            ensureOpen();
            return giveNow(element);
        } finally {
            unlock();
        }
    }

    /**
     * Puts an element in if none that equals it is waiting to be received.
     *
     * @return false if there was no room, or the channel is closed
     */
    boolean sendOnce(T element) {
        lock();
        try {
            return !closed && (buffer.contains(element) || giveNow(element));
        } finally {
            unlock();
        }
    }

    private boolean sendWithin(T element, long nanos) throws InterruptedException {
        Objects.requireNonNull(element, "element");
        Place<T> place;
        lock();
        try {
            Wait.ensureNotInterrupted();
            ensureOpen();
            if (giveNow(element)) {
                return true;
            }
            if (nanos <= 0) {
                return false;
            }
            place = enqueueSender(new Wait(), element);
        } finally {
            unlock();
        }
        return await(place, senders, nanos);
    }

    // ---- receiving ----

    /**
     * Takes the next element, waiting for one.
     *
     * @return the element
     * @throws ChannelClosedException if the channel is empty and is, or is meanwhile, closed
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; then nothing was taken
     */
    public T receive() throws InterruptedException {
        return Objects.requireNonNull(receiveWithin(Wait.FOREVER));
    }

    /**
     * Takes the next element, waiting for one for some time at most.
     *
     * @param timeout the longest to wait; zero or less only tries
     * @return the element, or null when the time was over first
     * @throws ChannelClosedException if the channel is empty and is, or is meanwhile, closed
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; then nothing was taken
     */
    public @Nullable T receive(Duration timeout) throws InterruptedException {
        return receiveWithin(Timers.nanos(timeout));
    }

    /**
     * Takes the next element if one is in, or a sender waits with one.
     *
     * @return the element, or null if there is none now
     * @throws ChannelClosedException if the channel is empty and closed
     */
    public @Nullable T tryReceive() {
        lock();
        try {
            T element = takeNow();
            if (element == null) {
                ensureOpen();
            }
            return element;
        } finally {
            unlock();
        }
    }

    private @Nullable T receiveWithin(long nanos) throws InterruptedException {
        Place<T> place;
        lock();
        try {
            Wait.ensureNotInterrupted();
            T element = takeNow();
            if (element != null) {
                return element;
            }
            ensureOpen();
            if (nanos <= 0) {
                return null;
            }
            place = enqueueReceiver(new Wait());
        } finally {
            unlock();
        }
        return await(place, receivers, nanos) ? place.element : null;
    }

    private boolean await(Place<T> place, WaitQueue<T> queue, long nanos) throws InterruptedException {
        try {
            place.wait.await(this, nanos);
        } finally {
            if (!place.wait.hasEndedBy(place)) {
                leave(queue, place);
            }
        }
        if (place.closed) {
            throw closedException();
        }
        return place.wait.hasEndedBy(place);
    }

    // ---- all elements ----

    /**
     * Receives until the channel is closed and empty. {@code hasNext} takes the element that {@code next} returns, and waits for it;
     * for one thread, while others may have iterators of their own or receive.
     *
     * <p>Where the channel was {@linkplain #close(Throwable) closed with a cause}, {@code hasNext} throws the
     * {@link ChannelClosedException} in the end. If the calling thread is interrupted it throws a {@link CompletionException}
     * with the {@link InterruptedException} as its cause, and the interrupt status set; then nothing was taken.
     *
     * @return an iterator that cannot remove
     */
    @Override
    public Iterator<T> iterator() {
        return new Receiving();
    }

    /**
     * What is received until the channel is closed and empty: lazily, each element when the stream wants it.
     *
     * @return a sequential stream, which throws what {@link #iterator} throws
     */
    public Stream<T> stream() {
        return StreamSupport.stream(
                Spliterators.spliteratorUnknownSize(iterator(), Spliterator.ORDERED | Spliterator.NONNULL), false);
    }

    private final class Receiving implements Iterator<T> {
        private @Nullable T next;
        private boolean over;

        @Override
        public boolean hasNext() {
            if (next == null && !over) {
                try {
                    next = receive();
                } catch (ChannelClosedException e) {
                    over = e.getCause() == null;
                    if (!over) {
                        throw e;
                    }
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new CompletionException(e);
                }
            }
            return next != null;
        }

        @Override
        public T next() {
            if (!hasNext()) {
                throw new NoSuchElementException("channel is closed, and has no more elements");
            }
            T element = Objects.requireNonNull(next);
            next = null;
            return element;
        }
    }

    // ---- closing ----

    /**
     * Closes the channel: nothing more goes in, and what is in can be received.
     *
     * @return whether it was open
     */
    public boolean close() {
        return closeWith(null);
    }

    /**
     * Closes the channel because something went wrong. What is in can be received; then receivers get the cause in a
     * {@link ChannelClosedException}, as senders do at once.
     *
     * @param failure what went wrong
     * @return whether it was open; if it was not, the cause is not kept
     */
    public boolean close(Throwable failure) {
        return closeWith(Objects.requireNonNull(failure, "failure"));
    }

    private boolean closeWith(@Nullable Throwable failure) {
        List<Thread> waiting;
        lock();
        try {
            if (closed) {
                return false;
            }
            cause = failure;
            closed = true;
            waiting = senders.endAll();
            waiting.addAll(receivers.endAll());
        } finally {
            unlock();
        }
        waiting.forEach(LockSupport::unpark);
        return true;
    }

    /**
     * Whether it was closed; there may be elements in it.
     *
     * @return true from then on
     */
    public boolean isClosed() {
        return closed;
    }

    private void ensureOpen() {
        if (closed) {
            throw closedException();
        }
    }

    // ---- clauses of a select ----

    /**
     * A clause of a {@link Select}: to receive from this channel.
     *
     * @param action what to do then with the element, in the thread that selects; its result is that of the select
     * @param <R> the type of the result
     * @return a clause, which may be used any number of times
     */
    public <R extends @Nullable Object> Select.ChannelClause<R> receiving(Function<? super T, ? extends R> action) {
        return new Select.Receive<>(this, Objects.requireNonNull(action, "action"), null);
    }

    /**
     * A clause of a {@link Select}: to send to this channel.
     *
     * @param element not null
     * @param action what to do once it is sent, in the thread that selects; its result is that of the select
     * @param <R> the type of the result
     * @return a clause, which may be used any number of times, for the same element each time
     */
    public <R extends @Nullable Object> Select.ChannelClause<R> sending(T element, Supplier<? extends R> action) {
        return new Select.Send<>(
                this, Objects.requireNonNull(element, "element"), Objects.requireNonNull(action, "action"), null);
    }

    // ---- with the lock ----

    void lock() {
        lock.lock();
    }

    /** Also wakes whom the holder of the lock has to wake. */
    void unlock() {
        Thread thread = toWake;
        toWake = null;
        lock.unlock();
        if (thread != null) {
            LockSupport.unpark(thread);
        }
    }

    /** Sends if that needs no wait; only where the channel is open. */
    boolean giveNow(T element) {
        Place<T> receiver = receivers.endFirst(element);
        if (receiver != null) {
            toWake = receiver.wait.thread();
            return true;
        }
        return buffer.size() < capacity && buffer.add(element);
    }

    /** Receives if that needs no wait, else null. */
    @Nullable T takeNow() {
        T element = buffer.poll();
        if (element == null && capacity > 0) {
            return null; // then nobody waits to send
        }
        Place<T> sender = senders.endFirst(null);
        if (sender == null) {
            return element;
        }
        toWake = sender.wait.thread();
        T brought = Objects.requireNonNull(sender.element);
        if (element == null) {
            return brought;
        }
        buffer.add(brought);
        return element;
    }

    Place<T> enqueueSender(Wait wait, T element) {
        var place = new Place<>(wait, element);
        senders.add(place);
        return place;
    }

    Place<T> enqueueReceiver(Wait wait) {
        var place = new Place<T>(wait, null);
        receivers.add(place);
        return place;
    }

    /** A number from 0 to below a bound. */
    int roll(int bound) {
        dice ^= dice << 13;
        dice ^= dice >>> 17;
        dice ^= dice << 5;
        return Integer.remainderUnsigned(dice, bound);
    }

    // ---- without it ----

    void leaveSenders(Place<T> place) {
        leave(senders, place);
    }

    void leaveReceivers(Place<T> place) {
        leave(receivers, place);
    }

    private void leave(WaitQueue<T> queue, Place<T> place) {
        lock();
        try {
            queue.remove(place);
        } finally {
            unlock();
        }
    }

    /** For a channel that is closed. */
    ChannelClosedException closedException() {
        Throwable reason = cause;
        return new ChannelClosedException("channel is closed" + (reason == null ? "" : ": " + Throwables.text(reason)), reason);
    }

    /** The order in which channels are locked. */
    long number() {
        return number;
    }

    // ---- looking ----

    /**
     * How many elements are in it now; what waiting senders bring is not.
     *
     * @return from 0 to {@link #capacity}
     */
    public int size() {
        lock();
        try {
            return buffer.size();
        } finally {
            unlock();
        }
    }

    /**
     * How many elements may be in it.
     *
     * @return what it was made with
     */
    public int capacity() {
        return capacity;
    }

    @Override
    public String toString() {
        lock();
        try {
            return "Channel[" + (closed ? "closed" : "open") + ", " + buffer.size() + " of " + capacity + ", waiting: "
                    + senders.size() + " to send, " + receivers.size() + " to receive]";
        } finally {
            unlock();
        }
    }
}
