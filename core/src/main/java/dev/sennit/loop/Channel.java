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
 * A lock, held briefly, guards a buffer and two queues of waiting threads, as in Go's runtime (runtime/chan.go).
 * Lock-free channels (Koval, Alistarh, Elizarov: "Fast and Scalable Channels in Kotlin Coroutines", PPoPP 2023, which
 * Jox follows) are faster where many cores meet at one channel. They pay with an object or a compare-and-set for each
 * element, and make a select over several channels hard to order. On one loop the lock is never contended: it costs two
 * writes.
 *
 * Direct hand-over
 *
 * A sender that finds a waiting receiver gives it the element; a receiver that finds a waiting sender takes its
 * element. Either ends the other's wait. The woken thread is done: it takes no lock and checks nothing again. So no
 * later thread overtakes it, and no wake-up is in vain. It follows that
 *   - while a receiver waits, the buffer is empty;
 *   - while a sender waits, the buffer is full: a receiver that takes an element moves the first sender's into the
 *     buffer in the same step.
 * The sender then goes on while the receiver empties the buffer, so on one loop the two change turns once for each full
 * buffer, not for each element.
 *
 * Giving up
 *
 * A wait ends once, by a compare-and-set (see Wait): by an element or by giving up, never by both. So an interrupt or a
 * time-out loses nothing, and exactly one of a select's places happens. A thread that gave up is still in the queue for
 * a moment, and is passed over. So is a thread that was interrupted and has not had a turn since: an element that comes
 * after a cancellation goes to the next receiver. For the same reason a call checks for an interrupt with the lock
 * held.
 *
 * Locks and wake-ups
 *
 * No user code runs with the lock, and no thread waits while it holds the lock. Threads are woken after the lock was
 * released: a woken thread that finds the lock taken would have to sleep again. A select takes the locks of its
 * channels in the order of their numbers.
 */

/**
 * A bounded queue between senders and receivers on any kind of thread, which can be closed.
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
 * <p>Elements are received in the order in which they were sent, each by one receiver. Waiting receivers are served in
 * the order in which they came, and so are waiting senders. A channel of capacity 0 holds nothing: each sender meets a
 * receiver. {@link Select} waits for one of several channels.
 *
 * <h2>Waiting</h2>
 *
 * <p>A call that waits suspends only its coroutine or virtual thread. <b>A wait that ends by an interrupt or by its
 * time limit has done nothing</b>: the element to send is not in the channel and no receiver gets it; an element to
 * receive is still there for others. If an interrupt comes when an element has just been handed over, the call returns
 * as if the interrupt had come later, and the interrupt status stays set.
 *
 * <h2>Closing</h2>
 *
 * <p>After {@link #close()} no element enters: senders get a {@link ChannelClosedException}, also those that wait,
 * whose elements are not sent. Elements in the channel can still be received; then receivers get that exception, also
 * those that wait. {@link #close(Throwable)} adds the cause, so that receivers can tell an end from a failure. A
 * channel need not be closed if no receiver waits for more.
 *
 * <p><b>Memory effects</b>: actions before sending an element <i>happen-before</i> those after receiving it; actions
 * before closing the channel, those after finding it closed. Elements may not be null.
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
    /** Guarded by lock. The thread whose wait the holder of the lock has ended. */
    private @Nullable Thread toWake;
    /** Guarded by lock. A fixed seed, so that a replayed schedule makes the same choices. */
    private int dice = 0x2545F491;
    /** Written under the lock. */
    private volatile boolean closed;
    /** Written under the lock before closed. */
    private @Nullable Throwable cause;

    /**
     * Creates an open channel.
     *
     * @param capacity how many elements it may hold, 0 or more; memory is used only for elements in it
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
     * Sends an element, waiting for room in the channel or for a receiver.
     *
     * @param element not null
     * @throws ChannelClosedException if the channel is, or is meanwhile, closed
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; then the element was not
     *     sent
     */
    public void send(T element) throws InterruptedException {
        sendWithin(element, Wait.FOREVER);
    }

    /**
     * Sends an element, waiting a limited time for room in the channel or for a receiver.
     *
     * @param element not null
     * @param timeout the longest to wait; zero or less only tries
     * @return false if the time was over first; then the element was not sent
     * @throws ChannelClosedException if the channel is, or is meanwhile, closed
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; then the element was not
     *     sent
     */
    public boolean send(T element, Duration timeout) throws InterruptedException {
        return sendWithin(element, Timers.nanos(timeout));
    }

    /**
     * Sends an element if there is room in the channel, or if a receiver waits.
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
     * Sends an element unless an equal one is in the channel already.
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
     * Receives the next element, waiting for one.
     *
     * @return the element
     * @throws ChannelClosedException if the channel is empty and is, or is meanwhile, closed
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; then nothing was taken
     */
    public T receive() throws InterruptedException {
        return Objects.requireNonNull(receiveWithin(Wait.FOREVER));
    }

    /**
     * Receives the next element, waiting a limited time for one.
     *
     * @param timeout the longest to wait; zero or less only tries
     * @return the element, or null if the time was over first
     * @throws ChannelClosedException if the channel is empty and is, or is meanwhile, closed
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; then nothing was taken
     */
    public @Nullable T receive(Duration timeout) throws InterruptedException {
        return receiveWithin(Timers.nanos(timeout));
    }

    /**
     * Receives the next element if the channel has one, or if a sender waits.
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
     * Returns an iterator that receives until the channel is closed and empty. {@code hasNext} waits for the element
     * that {@code next} returns, and takes it. The iterator is for one thread; others may have iterators of their own,
     * or receive.
     *
     * <p>If the channel was {@linkplain #close(Throwable) closed with a cause}, {@code hasNext} throws the
     * {@link ChannelClosedException} in the end. If the calling thread is interrupted, {@code hasNext} throws a
     * {@link CompletionException} with the {@link InterruptedException} as its cause, and the interrupt status set;
     * then nothing was taken.
     *
     * @return an iterator that cannot remove
     */
    @Override
    public Iterator<T> iterator() {
        return new Receiving();
    }

    /**
     * Returns a stream of the elements received until the channel is closed and empty: lazily, each when the stream
     * wants it.
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
     * Closes the channel: no element enters any more; elements in it can still be received.
     *
     * @return whether it was open
     */
    public boolean close() {
        return closeWith(null);
    }

    /**
     * Closes the channel because of a failure. Elements in it can still be received; then receivers get the cause in a
     * {@link ChannelClosedException}, as senders do at once.
     *
     * @param failure the cause
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
     * Returns whether the channel was closed; there may be elements in it.
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
     * Returns a clause of a {@link Select} that receives from this channel.
     *
     * @param action called with the element, in the thread that selects; its result is that of the select
     * @param <R> the type of the result
     * @return a clause, which may be used any number of times
     */
    public <R extends @Nullable Object> Select.ChannelClause<R> receiving(Function<? super T, ? extends R> action) {
        return new Select.Receive<>(this, Objects.requireNonNull(action, "action"), null);
    }

    /**
     * Returns a clause of a {@link Select} that sends to this channel.
     *
     * @param element not null
     * @param action called once the element is sent, in the thread that selects; its result is that of the select
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

    /** Releases the lock, and wakes the thread whose wait its holder has ended. */
    void unlock() {
        Thread thread = toWake;
        toWake = null;
        lock.unlock();
        if (thread != null) {
            LockSupport.unpark(thread);
        }
    }

    /** Sends if that needs no wait. The channel must be open. */
    boolean giveNow(T element) {
        Place<T> receiver = receivers.endFirst(element);
        if (receiver != null) {
            toWake = receiver.wait.thread();
            return true;
        }
        return buffer.size() < capacity && buffer.add(element);
    }

    /** Receives if that needs no wait; else returns null. */
    @Nullable T takeNow() {
        T element = buffer.poll();
        if (element == null && capacity > 0) {
            return null; // then no sender waits
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

    /** Returns a random number from 0 (inclusive) to a bound (exclusive). */
    int roll(int bound) {
        dice ^= dice << 13;
        dice ^= dice >>> 17;
        dice ^= dice << 5;
        return Integer.remainderUnsigned(dice, bound);
    }

    // ---- without the lock ----

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

    /** Returns the exception of a closed channel. */
    ChannelClosedException closedException() {
        Throwable reason = cause;
        return new ChannelClosedException("channel is closed" + (reason == null ? "" : ": " + Throwables.text(reason)),
                reason);
    }

    /** Returns a number: channels are locked in its order. */
    long number() {
        return number;
    }

    // ---- looking ----

    /**
     * Returns the number of elements in the channel, without those of waiting senders.
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
     * Returns how many elements the channel may hold.
     *
     * @return the capacity that was given to the constructor
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
