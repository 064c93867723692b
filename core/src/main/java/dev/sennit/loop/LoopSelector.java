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
 * Where coroutines of a loop wait until a channel is ready.
 *
 * <h2>Two ways to be driven</h2>
 *
 * <p>By the loop's carrier, which waits in {@link #select} instead of parking, and looks around once in a round
 * while coroutines take turns: then all but {@link #wakeup} and {@link Watch#close} happens on the carrier, in a turn or
 * between two. Or, for a loop that has no carrier, by a thread of the selector's own.
 *
 * <h2>What a wait costs</h2>
 *
 * <p>The interest in reading stays registered from one message to the next, so that a coroutine which waits again before
 * the next look needs no system call but that of the look. When something is ready that nobody waits for, the interest is
 * dropped, else the selector would never wait again; {@code ready} keeps the news for whoever waits next. Interest in
 * writing is dropped at once, as a channel mostly is ready for it. A thread of its own drops all interests at once: between
 * its waking a coroutine and that one's turn it would see the same news over and over.
 *
 * <h2>No wake-up is lost</h2>
 *
 * <p>Whoever waits sets {@code waiting}, then looks at {@code ready}, at whether the channel is closed and at its own interrupt,
 * and parks only then. Who brings news drops the interest first, then sets {@code ready} or {@code closed}, and looks at {@code
 * waiting} last. One of them sees the other; and an interest that was dropped after the waiting one has seen it registered
 * comes with a {@code ready} that is set after that. A {@code ready} too many is harmless: all calls to channels may find that
 * there was nothing, and wait again.
 */
final class LoopSelector {
    private final EventLoop loop;
    private final Selector selector;
    /** Whether the carrier of the loop drives it, and not a thread of its own. */
    private final boolean carried;
    /** An instance once, as each look needs it. */
    private final Consumer<SelectionKey> toItsWatch = LoopSelector::tellItsWatch;
    /** Whether what is registered from now on may be overlooked by {@link #close}. */
    private volatile boolean closing;

    /** Driven by the one who calls {@link #select}. */
    static LoopSelector carriedBy(EventLoop loop) throws IOException {
        return new LoopSelector(loop, true);
    }

    /** Driven by a thread of its own, which ends when it is closed. */
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

    // ---- whoever drives it ----

    /**
     * Waits until something is ready, or until {@link #wakeup}. The time is counted in milliseconds, and rounded up.
     *
     * @param nanos how long at most; 0 or less is not at all; {@link Long#MAX_VALUE} as long as it takes
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
            // who closed it wakes those that wait
        }
    }

    private void drive() {
        try {
            while (selector.isOpen()) {
                selector.select(toItsWatch);
            }
        } catch (ClosedSelectorException e) {
            // the end of the loop
        } catch (Exception e) {
            close("the selector of " + loop.name() + " has failed: " + e);
        }
    }

    /** Whether the network can bring anything. */
    boolean isWaitedFor() {
        return !selector.keys().isEmpty();
    }

    /** From any thread: ends a wait in {@link #select}, or else the next one. */
    void wakeup() {
        selector.wakeup();
    }

    /** Closes all channels, and wakes those who wait, telling them why. */
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
            // nothing that could be done about it
        }
    }

    // ---- coroutines ----

    /**
     * After closing a channel in a turn: gives its port back now, which another socket may want in this turn. A selector lets go of
     * what was closed when it looks around.
     */
    void letGo() {
        if (carried && EventLoop.currentOrNull() == loop) {
            try {
                select(0);
            } catch (IOException | ClosedSelectorException e) {
                // the next look finds the same
            }
        }
    }

    EventLoop loop() {
        return loop;
    }

    /**
     * Makes a channel one that coroutines can wait for; it is closed with the selector.
     *
     * @param channel an open channel
     * @param name what it is, for messages
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
        /** Who waits: one at a time. Written by that one. */
        volatile @Nullable Thread waiting;
        /** Whether there is news since somebody last waited. Set by the selector, taken back by who waited. */
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

    /** A channel, and who waits for it: one coroutine for what comes in, one for what goes out. */
    final class Watch {
        private static final int IN = SelectionKey.OP_READ | SelectionKey.OP_ACCEPT;
        private static final int OUT = SelectionKey.OP_WRITE | SelectionKey.OP_CONNECT;

        private final String name;
        private final Direction in = new Direction();
        private final Direction out = new Direction();
        /** Written once, before anybody else knows this. */
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
         * @throws StreamClosedException if it is closed, also by another coroutine meanwhile
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
         * From any thread: closes the channel, and wakes those who wait for it.
         *
         * @param why for them
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
                // it is gone either way
            }
            in.wake();
            out.wake();
            if (!carried || EventLoop.currentOrNull() != loop) {
                wakeup(); // the system has it back only when the selector has let go of it
            }
        }
    }
}
