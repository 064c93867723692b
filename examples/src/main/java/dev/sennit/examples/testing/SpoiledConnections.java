package dev.sennit.examples.testing;

import dev.sennit.Retry;
import dev.sennit.testing.FaultCounts;
import dev.sennit.testing.FaultProxy;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;

/** A server squares numbers; the way to it breaks again and again, and the client asks again. */
public final class SpoiledConnections {
    private SpoiledConnections() {}

    private static void serve(ServerSocket server) {
        while (true) {
            try (Socket client = server.accept()) {
                int number = new DataInputStream(client.getInputStream()).readInt();
                new DataOutputStream(client.getOutputStream()).writeInt(number * number);
            } catch (IOException e) { // of this connection, or the end
                if (server.isClosed()) {
                    return;
                }
            }
        }
    }

    private static int square(int port, int number) throws IOException {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            new DataOutputStream(socket.getOutputStream()).writeInt(number);
            return new DataInputStream(socket.getInputStream()).readInt();
        }
    }

    /**
     * Runs it.
     *
     * @param arguments none
     * @throws Exception if a square does not come after a hundred attempts
     */
    public static void main(String[] arguments) throws Exception {
        try (var server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
                FaultProxy proxy = FaultProxy.to("127.0.0.1", server.getLocalPort())
                        .seed(42)
                        .chunk(8)
                        .cut(0.3)
                        .open()) {
            Thread.startVirtualThread(() -> serve(server));
            List<Integer> squares = new ArrayList<>();
            for (int i = 1; i <= 10; i++) {
                int number = i;
                squares.add(Retry.attempts(100).call(() -> square(proxy.port(), number)));
            }
            System.out.println(squares);
            FaultCounts counts = proxy.counts();
            System.out.println("connections: " + counts.connections() + ", cut: " + counts.cut());
        }
    }
}
