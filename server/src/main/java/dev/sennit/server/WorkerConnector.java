package dev.sennit.server;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.io.ManagedSelector;
import org.eclipse.jetty.io.SelectorManager;
import org.eclipse.jetty.server.AbstractConnector;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.eclipse.jetty.util.thread.Scheduler;
import org.jspecify.annotations.Nullable;

/**
 * Connections that somebody else has accepted. Jetty's own connector closes the listener when it stops, and idle
 * connections with it; here the listener is the manager's, and the server decides when a connection is closed.
 */
final class WorkerConnector extends AbstractConnector {
    private final Selectors selectors;
    private final int most;
    /** The connections from {@link #adopt} to their close: Jetty knows those only that its selector has registered. */
    private final Set<SelectableChannel> open = ConcurrentHashMap.newKeySet();

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    /** Guarded by the lock. Whether nobody waits for room any more. */
    private boolean isClosing;

    /**
     * Makes a connector.
     *
     * @param threads run the selector, and what never blocks; started and stopped with the connector
     * @param most how many connections it has at most
     * @param protocols what is spoken, the outermost first
     */
    WorkerConnector(Server server, QueuedThreadPool threads, int most, ConnectionFactory... protocols) {
        super(server, null, null, null, 0, protocols);
        this.most = most;
        installBean(threads, true);
        selectors = new Selectors(threads);
        installBean(selectors, true);
    }

    /**
     * Waits until there is room for one more connection, or {@link #close} was called. Called by the one thread that
     * accepts.
     */
    void awaitRoom() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (open.size() >= most && !isClosing) {
                changed.await();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Ends waits for room. */
    void close() {
        lock.lock();
        try {
            isClosing = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Serves a connection. */
    void adopt(SocketChannel channel) throws IOException {
        open.add(channel);
        try {
            channel.configureBlocking(false);
            if (channel.getLocalAddress() instanceof InetSocketAddress) { // a Unix socket does not delay
                channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            }
            selectors.accept(channel);
        } catch (IOException | RuntimeException | Error e) {
            gone(channel);
            channel.close();
            throw e;
        }
    }

    int connections() {
        return open.size();
    }

    /** Waits until there is no connection any more, for a limited time. Returns how many there are. */
    int awaitNone(long nanos) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long left = nanos;
            while (!open.isEmpty() && left > 0) {
                left = changed.awaitNanos(left);
            }
        } finally {
            lock.unlock();
        }
        return open.size();
    }

    private void gone(SelectableChannel channel) {
        if (open.remove(channel)) {
            lock.lock();
            try {
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    @Override
    protected void accept(int acceptor) {
        throw new IllegalStateException("this connector has no acceptors");
    }

    @Override
    public Object getTransport() {
        return this;
    }

    /** Registers connections with the selectors. */
    private final class Selectors extends SelectorManager {
        Selectors(Executor threads) {
            super(threads, WorkerConnector.this.getScheduler(), 1);
        }

        @Override
        protected EndPoint newEndPoint(SelectableChannel channel, ManagedSelector selector, SelectionKey key) {
            Scheduler scheduler = getScheduler();
            Lane lane = new Lane((SocketChannel) channel, selector, key, scheduler);
            lane.setIdleTimeout(getIdleTimeout());
            return lane;
        }

        @Override
        public Connection newConnection(SelectableChannel channel, EndPoint lane, @Nullable Object attachment) {
            return getDefaultConnectionFactory().newConnection(WorkerConnector.this, lane);
        }

        @Override
        protected void endPointOpened(EndPoint lane) {
            super.endPointOpened(lane);
            onEndPointOpened(lane);
        }

        @Override
        protected void endPointClosed(EndPoint lane) {
            try {
                onEndPointClosed(lane);
                super.endPointClosed(lane);
            } finally { // else the drain would wait for it
                gone(((Lane) lane).getChannel());
            }
        }

        @Override
        protected void onAcceptFailed(
                SelectableChannel channel, Throwable cause, @Nullable Object attachment) {
            gone(channel);
        }
    }
}
