package dev.sennit.server;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/** An engine in this JVM that serves the connections to a free port of the loopback interface. */
final class LoopbackServer implements Closeable {
    private final Engine engine;
    private final ServerSocketChannel listener;
    private final Consumer<Throwable> onFailure;
    private final Thread accepts;

    /**
     * Starts a server.
     *
     * @param tls where its certificates are; null if nothing is encrypted
     * @param worked called for each request
     * @param onBroken called with the reason if the process would have to be replaced
     * @param onFailure called with what handlers throw, and with a failure to accept
     */
    LoopbackServer(
            Routes routes, ServerSettings settings, FrontSettings front, @Nullable TlsSettings tls,
            LongConsumer worked, Consumer<String> onBroken, Consumer<Throwable> onFailure)
            throws Exception {
        this.onFailure = onFailure;
        listener = ServerSocketChannel.open();
        @Nullable Engine made = null;
        boolean isStarted = false;
        try {
            listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            made = new Engine(routes, settings, front, tls, worked, onBroken);
            engine = made;
            engine.onFailure(onFailure);
            accepts = Thread.ofPlatform().daemon().name("sennit-test-server").unstarted(this::accept);
            accepts.start();
            isStarted = true;
        } finally {
            if (!isStarted) {
                if (made != null) {
                    made.close();
                }
                listener.close();
            }
        }
    }

    private void accept() {
        try {
            while (true) {
                engine.awaitRoom();
                engine.serve(listener.accept());
            }
        } catch (ClosedChannelException | InterruptedException e) {
            // the server is closed
        } catch (Throwable e) { // else a test would wait for a server that accepts nothing
            onFailure.accept(e);
        }
    }

    Engine engine() {
        return engine;
    }

    int port() {
        return listener.socket().getLocalPort();
    }

    /** Accepts no more, and has the engine drain. */
    void drain() throws IOException {
        stopAccepting();
        engine.drain();
    }

    /** Ends the server at once, with all connections. */
    @Override
    public void close() throws IOException {
        engine.close();
        stopAccepting();
    }

    private void stopAccepting() throws IOException {
        listener.close();
        try {
            accepts.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
