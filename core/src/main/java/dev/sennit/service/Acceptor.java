package dev.sennit.service;

import dev.sennit.internal.Quietly;
import java.io.IOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Accepts connections in a worker until the worker stops. An acceptor never closes a shared channel: if Java closes its
 * inherited channel, it also redirects standard output to {@code /dev/null}.
 */
final class Acceptor {
    private final ServerSocketChannel channel;
    private final boolean isShared;
    private final Selector selector;
    private final ReentrantLock lock = new ReentrantLock();

    /** Makes an acceptor for a non-blocking channel. */
    Acceptor(ServerSocketChannel channel, boolean isShared) throws IOException {
        this.channel = channel;
        this.isShared = isShared;
        Selector opened = null;
        try {
            opened = Selector.open();
            channel.register(opened, SelectionKey.OP_ACCEPT);
        } catch (Throwable e) { // no descriptor available, for example
            if (opened != null) {
                Quietly.close(opened);
            }
            if (!isShared) { // otherwise clients would connect to it and wait
                Quietly.close(channel);
            }
            throw e;
        }
        selector = opened;
    }

    ServerSocketChannel channel() {
        return channel;
    }

    /** Makes {@link #accept} check whether the worker stops. */
    void wakeUp() {
        selector.wakeup();
    }

    /**
     * Waits for a connection.
     *
     * @return the connection, in blocking mode; null if the worker stops
     * @throws InterruptedException if the thread is interrupted; the channel stays open
     */
    @Nullable SocketChannel accept(CountDownLatch stopping) throws IOException, InterruptedException {
        lock.lockInterruptibly();
        try {
            while (stopping.getCount() > 0) {
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
                SocketChannel next = channel.accept();
                if (next != null) {
                    return next;
                }
                selector.select();
                selector.selectedKeys().clear();
            }
        } finally {
            lock.unlock();
        }
        return last();
    }

    /**
     * Returns a connection that waits at the worker's own socket, and that only this worker can accept, although it
     * stops. Returns null once there is none; then no client can connect to the socket any more.
     */
    @Nullable SocketChannel last() throws IOException {
        if (isShared) {
            return null;
        }
        lock.lock();
        try {
            SocketChannel next = channel.isOpen() ? channel.accept() : null;
            if (next == null) {
                channel.close();
            }
            return next;
        } finally {
            lock.unlock();
        }
    }
}
