package dev.sennit.service;

import dev.sennit.internal.linux.DescriptorReceiver;
import dev.sennit.internal.linux.InheritedListener;
import java.io.IOException;
import java.io.Serial;
import java.io.Serializable;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The way in which a worker gets its listener.
 *
 * @param name the listener's name
 * @param path the socket at which the worker waits for the manager's descriptor; null if it binds a socket of its own
 * @param address the address to bind; null if it gets a descriptor
 */
record WorkerListener(String name, @Nullable String path, @Nullable InetSocketAddress address)
        implements Serializable {
    @Serial
    private static final long serialVersionUID = 1L;

    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final int BACKLOG = 1024;

    /** Returns whether other workers accept on the same socket. */
    boolean isShared() {
        return path != null;
    }

    /**
     * Gets the listener. Called in the worker.
     *
     * @param ask notifies the manager that the worker waits
     * @return a non-blocking channel
     * @throws IOException if the worker cannot get the listener; the message says why
     */
    ServerSocketChannel get(Runnable ask) throws IOException {
        ServerSocketChannel channel = path == null ? bindOwn() : receive(Path.of(path), ask);
        channel.configureBlocking(false); // another worker may accept the connection first
        return channel;
    }

    private ServerSocketChannel bindOwn() throws IOException {
        ServerSocketChannel channel = ServerSocketChannel.open();
        try {
            channel.setOption(StandardSocketOptions.SO_REUSEPORT, true);
            return channel.bind(address, BACKLOG);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw new IOException("cannot listen on " + address + ": " + e.getMessage(), e);
        }
    }

    private static ServerSocketChannel receive(Path at, Runnable ask) throws IOException {
        try (DescriptorReceiver receiver = DescriptorReceiver.bind(at)) {
            ask.run();
            return InheritedListener.take(receiver.receive(LIMIT));
        }
    }
}
