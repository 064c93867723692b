package dev.sennit.examples.coroutines;

import dev.sennit.TaskFuture;
import dev.sennit.loop.DatagramEndpoint;
import dev.sennit.loop.EventLoop;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * An echo server over UDP, and a client that asks again when no answer comes: here, because the server ignores every
 * second question.
 */
public final class DatagramEcho {
    private DatagramEcho() {}

    private static void serve(DatagramEndpoint endpoint) throws Exception {
        for (int number = 1; true; number++) {
            DatagramEndpoint.Datagram question = endpoint.receive();
            if (number % 2 == 0) {
                endpoint.send(question.bytes(), question.sender());
            }
        }
    }

    private static String ask(DatagramEndpoint server, String question) throws Exception {
        server.setReceiveTimeout(Duration.ofMillis(300));
        for (int attempt = 1; attempt <= 5; attempt++) {
            server.send(question.getBytes(StandardCharsets.UTF_8));
            try {
                return new String(server.receive().bytes(), StandardCharsets.UTF_8) + ", at attempt " + attempt;
            } catch (SocketTimeoutException e) {
                // it was lost on the way, or the answer was
            }
        }
        throw new SocketTimeoutException("no answer to " + question);
    }

    public static void main(String[] arguments) {
        EventLoop.run(() -> {
            DatagramEndpoint endpoint = DatagramEndpoint.open(0);
            TaskFuture<Void> served = EventLoop.current().submit(() -> {
                serve(endpoint);
                return null;
            });
            try (DatagramEndpoint server = DatagramEndpoint.connect("localhost", endpoint.localAddress().getPort())) {
                System.out.println(ask(server, "hello"));
                System.out.println(ask(server, "is anybody there"));
            }
            served.cancel(true);
            endpoint.close();
            return null;
        });
    }
}
