package dev.sennit.loop;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Deadline;
import dev.sennit.internal.Waits;
import java.io.IOException;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A loop's NIO selector, in which coroutines wait until a channel is ready.
 *
 * <h2>Who calls select</h2>
 *
 * <p>The carrier of a {@link LoopScheduler} waits in {@link #select} instead of parking, and polls between rounds of
 * turns. All methods but {@link #wakeup} and {@link Watch#close} are then called on the carrier, in a turn or between
 * two. A {@link BatonScheduler} has no carrier: there the selector has a thread of its own.
 *
 * <h2>What a wait costs</h2>
 *
 * <p>The interest in reading stays registered from one message to the next, so that a coroutine which waits again
 * before the next select needs no further system call. When a channel is ready and no coroutine waits for it, the
 * interest is dropped, or the selector would never block again; {@code ready} keeps the news for the next wait.
 * Interest in writing is dropped at once, as a channel is mostly writable. The selector's own thread drops every
 * interest at once: it would otherwise see the same news over and over until the coroutine that it woke has its turn.
 *
 * <h2>No wake-up is lost</h2>
 *
 * <p>A waiter sets {@code waiting}, then looks at {@code ready}, {@code closed} and its own interrupt status, and parks
 * only then. The selector drops the interest first, then sets {@code ready}, and reads {@code waiting} last; a close
 * sets {@code closed} and then reads {@code waiting}. So one of the two sees the other. If the selector drops an
 * interest after the waiter has found it registered, it sets {@code ready} after that. A superfluous {@code ready} is
 * harmless: every call to a channel may find nothing there, and wait again.
 */
final class LoopSelector {
    private final EventLoop loop;
    private final Selector selector;
    /** Whether the loop's carrier calls select, and not the selector's own thread. */
    private final boolean carried;
    /** One instance, as every select needs it. */
    private final Consumer<SelectionKey> toItsWatch = LoopSelector::tellItsWatch;
    /** Whether {@link #close} has begun, and may overlook channels that are registered now. */
    private volatile boolean closing;

    /** Returns a selector for a loop whose carrier calls {@link #select}. */
    static LoopSelector carriedBy(EventLoop loop) throws IOException {
        return new LoopSelector(loop, true);
    }

    /** Returns a selector with a thread of its own, which ends when the selector is closed. */
    static LoopSelector withThread(EventLoop loop) throws IOException {
        var selector = new LoopSelector(loop, false);
        Backend.start(Thread.ofPlatform().daemon().name(loop.name() + "-selector").unstarted(selector::drive));
        return selector;
    }

    private LoopSelector(EventLoop loop, boolean carried) throws IOException {
        this.loop = loop;
        this.carried = carried;
        selector = Selector.open();
    }

    // ---- the carrier, or the selector's thread ----

    /**
     * Waits until a channel is ready, or until {@link #wakeup}, and tells the waiters. The time is rounded up to
     * milliseconds.
     *
     * @param nanos how long to wait at most; 0 or less only polls; {@link Long#MAX_VALUE} has no limit
     */
    void select(long nanos) throws IOException {
        if (nanos <= 0) {
            selector.selectNow(toItsWatch);
        } else if (nanos == Long.MAX_VALUE) {
            selector.select(toItsWatch, 0);
        } else {
            selector.select(toItsWatch, 1 + TimeUnit.NANOSECONDS.toMillis(nanos - 1));
        }
    }

    private static void tellItsWatch(SelectionKey key) {
        try {
            ((Watch) key.attachment()).isReady(key, key.readyOps());
        } catch (CancelledKeyException e) {
            // the closing thread wakes the waiters
        }
    }

    private void drive() {
        try {
            while (selector.isOpen()) {
                selector.select(toItsWatch);
            }
        } catch (ClosedSelectorException e) {
            // the loop has ended
        } catch (Exception e) {
            close("the selector of " + loop.name() + " has failed: " + e);
        }
    }

    /** Returns whether any channel is registered. */
    boolean isWaitedFor() {
        return !selector.keys().isEmpty();
    }

    /** Ends the current wait in {@link #select}, or else the next one. From any thread. */
    void wakeup() {
        selector.wakeup();
    }

    /** Closes all channels, and wakes the waiters with the reason. */
    void close(String why) {
        closing = true;
        if (!selector.isOpen()) {
            return;
        }
        for (SelectionKey key : selector.keys()) {
            if (key.attachment() instanceof Watch watch) {
                watch.close(why);
            }
        }
        try {
            selector.close();
        } catch (IOException e) {
            // nothing can be done about it
        }
    }

    // ---- coroutines ----

    /**
     * Releases the port of a channel that was closed in this turn, as another socket may want it in this turn. The
     * selector itself releases closed channels with its next select.
     */
    void letGo() {
        if (carried && EventLoop.currentOrNull() == loop) {
            try {
                select(0);
            } catch (IOException | ClosedSelectorException e) {
                // the next select fails in the same way
            }
        }
    }

    EventLoop loop() {
        return loop;
    }

    /**
     * Registers a channel, so that coroutines can wait for it. The channel is closed with the selector.
     *
     * @param channel an open channel
     * @param name its name in messages
     */
    <C extends SelectableChannel> Watch watch(C channel, String name) throws IOException {
        try {
            channel.configureBlocking(false);
            var watch = new Watch(name);
            watch.key = channel.register(selector, 0, watch);
            if (closing) {
                throw new ClosedSelectorException();
            }
            return watch;
        } catch (ClosedSelectorException e) {
            channel.close();
            throw new StreamClosedException(name + " cannot be opened: " + ended(loop));
        } catch (Throwable e) {
            channel.close();
            throw e;
        }
    }

    static String ended(EventLoop loop) {
        return loop.name() + " has ended";
    }

    /** One direction of a channel. */
    private static final class Direction {
        /** The waiting coroutine, at most one. Written by that coroutine. */
        volatile @Nullable Thread waiting;
        /** Whether the channel may be ready. Set by the selector, cleared by the waiter. */
        volatile boolean ready;

        void tell() {
            ready = true;
            wake();
        }

        void wake() {
            Thread waiter = waiting;
            if (waiter != null) {
                LockSupport.unpark(waiter);
            }
        }
    }

    /** A channel and its waiters: at most one coroutine for input and one for output. */
    final class Watch {
        private static final int IN = SelectionKey.OP_READ | SelectionKey.OP_ACCEPT;
        private static final int OUT = SelectionKey.OP_WRITE | SelectionKey.OP_CONNECT;

        private final String name;
        private final Direction in = new Direction();
        private final Direction out = new Direction();
        /** Written once, before the watch is published. */
        @SuppressWarnings("NullAway.Init")
        private SelectionKey key;
        /** Why it was closed; null while it is open. */
        private volatile @Nullable String closed;

        private Watch(String name) {
            this.name = name;
        }

        boolean isClosed() {
            return closed != null;
        }

        void ensureOpen() throws StreamClosedException {
            String why = closed;
            if (why != null) {
                throw new StreamClosedException(name + " is closed: " + why);
            }
        }

        /**
         * Waits until the channel may be ready.
         *
         * @param interest one operation
         * @throws StreamClosedException if the channel is closed, also by another coroutine meanwhile
         * @throws java.net.SocketTimeoutException at the deadline
         * @throws InterruptedException if the coroutine is cancelled; the channel stays open
         */
        void await(int interest, Deadline deadline) throws IOException, InterruptedException {
            Direction direction = (interest & IN) != 0 ? in : out;
            direction.waiting = Thread.currentThread();
            try {
                while (true) {
                    if (Thread.interrupted()) {
                        throw new InterruptedException();
                    }
                    ensureOpen();
                    if (direction.ready) {
                        direction.ready = false;
                        return;
                    }
                    beInterested(interest);
                    if (deadline.isOver()) {
                        throw deadline.missed(what(interest) + ' ' + name);
                    }
                    park(deadline);
                }
            } finally {
                direction.waiting = null;
            }
        }

        private void beInterested(int interest) throws StreamClosedException {
            try {
                if ((key.interestOps() & interest) == 0) {
                    key.interestOpsOr(interest);
                    if (!carried) {
                        wakeup();
                    }
                }
            } catch (CancelledKeyException e) {
                ensureOpen();
                throw new StreamClosedException(name + " is closed");
            }
        }

        private void park(Deadline deadline) {
            if (carried) {
                park(this, deadline);
                return;
            }
            try (var _ = Waits.outOfTurn()) {
                park(this, deadline);
            }
        }

        private static void park(Object blocker, Deadline deadline) {
            if (deadline.isLimited()) {
                LockSupport.parkNanos(blocker, deadline.left());
            } else {
                LockSupport.park(blocker);
            }
        }

        private static String what(int interest) {
            return switch (interest) {
                case SelectionKey.OP_READ -> "reading from";
                case SelectionKey.OP_WRITE -> "writing to";
                case SelectionKey.OP_CONNECT -> "connecting";
                default -> "accepting at";
            };
        }

        private void isReady(SelectionKey itsKey, int operations) {
            int incoming = operations & IN;
            int outgoing = operations & OUT;
            if (outgoing != 0) {
                itsKey.interestOpsAnd(~outgoing);
                out.tell();
            }
            if (incoming != 0) {
                if (!carried || in.waiting == null) {
                    itsKey.interestOpsAnd(~incoming);
                }
                in.tell();
            }
        }

        /**
         * Closes the channel, and wakes its waiters. From any thread.
         *
         * @param why the reason that the waiters are told
         */
        void close(String why) {
            synchronized (this) {
                if (closed != null) {
                    return;
                }
                closed = why;
            }
            try {
                key.channel().close();
            } catch (IOException e) {
                // the channel is closed either way
            }
            in.wake();
            out.wake();
            if (!carried || EventLoop.currentOrNull() != loop) {
                wakeup(); // the port is free only once the selector has released the channel
            }
        }
    }
}
