package dev.sennit.queue.conformance;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/**
 * A server of AMQP 0-9-1 whose connections break while the user logs in, as they do when a network fails in that
 * moment. It has not refused the user: a server that does says so.
 *
 * {@snippet :
 * import dev.sennit.queue.broker.Broker;
 * import dev.sennit.queue.conformance.BrokenLogin;
 *
 * class Sample {
 *     static void check() throws Exception {
 *         try (var server = new BrokenLogin()) {
 *             Broker.open("rabbitmq://127.0.0.1:" + server.port()).close(); // UNAVAILABLE
 *         }
 *     }
 * }
 * }
 */
public final class BrokenLogin implements AutoCloseable {
    private static final int PROTOCOL_HEADER = 8;
    private static final byte METHOD_FRAME = 1;
    private static final byte END_OF_FRAME = (byte) 0xCE;
    private static final short CONNECTION_CLASS = 10;
    private static final short START_METHOD = 10;

    private final ServerSocket listener;
    private final Thread serving;

    /**
     * Starts the server at a free port of the loopback interface.
     *
     * @throws IOException if there is none
     */
    public BrokenLogin() throws IOException {
        listener = new ServerSocket(0, 0, InetAddress.getLoopbackAddress());
        serving = Thread.ofPlatform().daemon().name("broken-login").start(this::serve);
    }

    private void serve() {
        while (!listener.isClosed()) {
            try (Socket socket = listener.accept()) {
                breakOff(socket);
            } catch (IOException e) {
                // the client has ended the connection first, or this is closed
            }
        }
    }

    /** Answers as far as the client sends its password, and ends the connection then. */
    private static void breakOff(Socket socket) throws IOException {
        var in = new DataInputStream(socket.getInputStream());
        in.skipNBytes(PROTOCOL_HEADER);
        byte[] mechanisms = "PLAIN".getBytes(StandardCharsets.US_ASCII);
        byte[] locales = "en_US".getBytes(StandardCharsets.US_ASCII);
        var out = new DataOutputStream(socket.getOutputStream());
        out.writeByte(METHOD_FRAME);
        out.writeShort(0); // the channel
        out.writeInt(2 + 2 + 2 + 4 + 4 + mechanisms.length + 4 + locales.length);
        out.writeShort(CONNECTION_CLASS);
        out.writeShort(START_METHOD);
        out.writeByte(0); // version 0-9
        out.writeByte(9);
        out.writeInt(0); // no properties of the server
        out.writeInt(mechanisms.length);
        out.write(mechanisms);
        out.writeInt(locales.length);
        out.write(locales);
        out.writeByte(END_OF_FRAME);
        out.flush();
        in.skipNBytes(1 + 2);
        in.skipNBytes(in.readInt() + 1L);
    }

    /**
     * Returns where it listens.
     *
     * @return the port
     */
    public int port() {
        return listener.getLocalPort();
    }

    @Override
    public void close() throws IOException {
        listener.close();
        boolean isInterrupted = false;
        while (serving.isAlive()) {
            try {
                serving.join();
            } catch (InterruptedException e) {
                isInterrupted = true;
            }
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
