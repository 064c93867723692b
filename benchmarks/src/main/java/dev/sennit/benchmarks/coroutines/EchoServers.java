package dev.sennit.benchmarks.coroutines;

import dev.sennit.TaskFuture;
import dev.sennit.loop.ByteStream;
import dev.sennit.loop.EventLoop;
import dev.sennit.loop.Listener;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/** Servers on loopback that send back what they receive, each the plainest program of its kind. */
final class EchoServers {
    static final String SELECTOR = "echo-selector";
    static final String STREAM = "echo-stream";
    static final String SOCKET = "echo-socket";
    static final String VIRTUAL = "echo-virtual";

    private static final int BACKLOG = 1024;
    private static final int BUFFER = 4096;

    private EchoServers() {}

    /** Starts one; it is asked for its port, and serves until its JVM ends. */
    static JvmPeer.Answers start(String kind) throws Exception {
        int port = switch (kind) {
            case SELECTOR -> selector();
            case STREAM -> stream();
            case SOCKET -> socket();
            case VIRTUAL -> virtual();
            default -> throw new IllegalArgumentException("unknown kind " + kind);
        };
        return (what, numbers) -> new double[] {port};
    }

    // ---- one thread, one selector, and nothing between: the least that Java can do ----

    private static int selector() throws IOException {
        var selector = Selector.open();
        var server = ServerSocketChannel.open().bind(anyPort(), BACKLOG);
        server.configureBlocking(false);
        server.register(selector, SelectionKey.OP_ACCEPT);
        Thread.ofPlatform().daemon().start(() -> serve(selector));
        return ((InetSocketAddress) server.getLocalAddress()).getPort();
    }

    private static void serve(Selector selector) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER);
        Consumer<SelectionKey> turn = key -> {
            try {
                if (key.isAcceptable()) {
                    SocketChannel client = ((ServerSocketChannel) key.channel()).accept();
                    client.configureBlocking(false);
                    client.register(selector, SelectionKey.OP_READ);
                } else {
                    echo((SocketChannel) key.channel(), buffer.clear());
                }
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        };
        try {
            while (true) {
                selector.select(turn);
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static void echo(SocketChannel client, ByteBuffer buffer) throws IOException {
        if (client.read(buffer) < 0) {
            client.close();
            return;
        }
        buffer.flip();
        while (buffer.hasRemaining()) {
            client.write(buffer);
        }
    }

    // ---- coroutines of a loop ----

    private static int stream() throws Exception {
        var port = new CompletableFuture<Integer>();
        TaskFuture<?> served = EventLoop.open().submit(() -> {
            try (Listener listener = Listener.open(0)) {
                port.complete(listener.port());
                listener.serve(BACKLOG, EchoServers::echo);
            }
            return null;
        });
        return portOf(port, served);
    }

    private static void echo(ByteStream client) throws IOException, InterruptedException {
        ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
        while (client.read(buffer) >= 0) {
            client.write(buffer.flip());
            buffer.clear();
        }
    }

    private static int socket() throws Exception {
        EventLoop loop = EventLoop.open();
        var port = new CompletableFuture<Integer>();
        TaskFuture<?> served = loop.submit(() -> {
            try (var server = new ServerSocket(0, BACKLOG, InetAddress.getLoopbackAddress())) {
                port.complete(server.getLocalPort());
                while (true) {
                    Socket client = server.accept();
                    loop.submit(() -> {
                        echo(client);
                        return null;
                    });
                }
            }
        });
        return portOf(port, served);
    }

    /** What a failure of the server is told to as well. */
    private static int portOf(CompletableFuture<Integer> port, TaskFuture<?> served) throws Exception {
        served.whenComplete((none, failure) -> port.completeExceptionally(
                failure == null ? new IllegalStateException("the server ended") : failure));
        return port.get();
    }

    // ---- virtual threads as they are ----

    private static int virtual() throws IOException {
        var server = new ServerSocket(0, BACKLOG, InetAddress.getLoopbackAddress());
        Thread.startVirtualThread(() -> {
            try (server) {
                while (true) {
                    Socket client = server.accept();
                    Thread.startVirtualThread(() -> {
                        try {
                            echo(client);
                        } catch (IOException e) {
                            throw new java.io.UncheckedIOException(e);
                        }
                    });
                }
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        });
        return server.getLocalPort();
    }

    private static void echo(Socket client) throws IOException {
        byte[] buffer = new byte[BUFFER];
        try (client;
                InputStream in = client.getInputStream();
                OutputStream out = client.getOutputStream()) {
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                out.write(buffer, 0, count);
            }
        }
    }

    private static InetSocketAddress anyPort() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    }
}
