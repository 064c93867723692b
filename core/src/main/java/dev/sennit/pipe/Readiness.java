package dev.sennit.pipe;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Waits;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedDeque;

/**
 * Lets a thread wait until something happens to one of some connections.
 *
 * <p>An interrupt of a thread in {@code select} wakes it and closes nothing, unlike an interrupt of a blocking read.
 * The JDK suspends a virtual thread or coroutine in {@code select}.
 */
final class Readiness implements AutoCloseable {
    private static final int KEPT = 8;
    private static final long NANOS_IN_MILLI = 1_000_000;

    /** Selectors for reuse: each takes three file descriptors. */
    private static final Deque<Selector> FREE = new ConcurrentLinkedDeque<>();

    private final Collection<Connection> those;
    private final int operation;
    private final Selector selector;
    private final Set<SocketChannel> registered = new HashSet<>();

    private Readiness(Collection<Connection> those, int operation, Selector selector) {
        this.those = those;
        this.operation = operation;
        this.selector = selector;
    }

    /** Begins a wait: an event after this call ends the next {@link #await}. */
    static Readiness of(Collection<Connection> those, int operation) throws IOException {
        Selector free = FREE.pollFirst();
        var readiness = new Readiness(List.copyOf(those), operation, free != null ? free : Selector.open());
        readiness.those.forEach(one -> one.join(readiness));
        return readiness;
    }

    /** Ends the wait. Any thread may call it. */
    void wakeUp() {
        selector.wakeup();
    }

    /**
     * Waits until a connection may be ready, has connected or was closed.
     *
     * @param deadline by {@link System#nanoTime}
     * @param limited whether there is a deadline
     * @return false if the time is over
     */
    boolean await(boolean limited, long deadline) throws IOException, InterruptedException {
        for (Connection one : those) {
            SocketChannel channel = one.channel();
            if (channel != null && !registered.contains(channel)) {
                try {
                    channel.register(selector, operation);
                    registered.add(channel);
                } catch (ClosedChannelException e) {
                    return true;
                }
            }
        }
        long left = limited ? deadline - Backend.current().nanoTime() : 0;
        if (limited && left <= 0) {
            return false;
        }
        try (var _ = Waits.outOfTurn()) {
            // zero would mean no limit
            selector.select(limited ? Math.max(1, (left + NANOS_IN_MILLI - 1) / NANOS_IN_MILLI) : 0);
        }
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        selector.selectedKeys().clear();
        return true;
    }

    @Override
    public void close() throws IOException {
        those.forEach(one -> one.leave(this));
        try {
            selector.keys().forEach(key -> key.cancel());
            selector.selectNow(); // removes the keys, and clears wake-ups
            selector.selectedKeys().clear();
        } catch (IOException e) {
            selector.close();
            throw e;
        }
        if (FREE.size() < KEPT) {
            FREE.addFirst(selector);
        } else {
            selector.close();
        }
    }
}
