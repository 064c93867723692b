package dev.sennit.testing.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.util.List;

/** Who can reach a server. */
final class Loopback {
    private Loopback() {}

    /** Nobody at any other address of this machine. */
    static void ensureAlone(TestServer server) throws IOException {
        List<InetSocketAddress> others = NetworkInterface.networkInterfaces()
                .flatMap(NetworkInterface::inetAddresses)
                .filter(address -> !address.isLoopbackAddress())
                .map(address -> new InetSocketAddress(address, server.port()))
                .toList();
        for (InetSocketAddress other : others) {
            boolean connected;
            try (var socket = new Socket()) {
                socket.connect(other, 1000);
                connected = true;
            } catch (IOException e) {
                connected = false;
            }
            assertThat(connected).as("%s is reached at %s", server, other).isFalse();
        }
    }
}
