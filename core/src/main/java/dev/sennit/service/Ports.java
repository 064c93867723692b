package dev.sennit.service;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.List;

/** Checks ports of this machine. */
final class Ports {
    /** The limit of a check: if the queue of a listener is full, clients wait. */
    private static final int LONGEST_MILLIS = 200;

    private static final List<InetAddress> LOOPBACK =
            List.of(address(127, 0, 0, 1), address(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1));

    private Ports() {}

    private static InetAddress address(int... numbers) {
        var bytes = new byte[numbers.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) numbers[i];
        }
        try {
            return InetAddress.getByAddress(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns whether the loopback interface accepts a connection at a port. */
    static boolean accepts(int port) {
        return LOOPBACK.stream().anyMatch(address -> accepts(new InetSocketAddress(address, port)));
    }

    private static boolean accepts(InetSocketAddress address) {
        try (var socket = new Socket()) {
            socket.connect(address, LONGEST_MILLIS);
            // The system may choose the same port for the client: then the socket is connected to itself.
            return !address.equals(socket.getLocalSocketAddress());
        } catch (IOException e) {
            return false;
        }
    }
}
