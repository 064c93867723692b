package dev.sennit.queue.redis;

import dev.sennit.testing.server.TestServer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import redis.clients.jedis.Connection;
import redis.clients.jedis.HostAndPort;

/** Sends any command to a server, as {@code redis-cli} does. */
final class Console implements AutoCloseable {
    private final Connection connection;

    Console(TestServer server) {
        connection = new Connection(new HostAndPort("127.0.0.1", server.port()));
    }

    Object run(String... words) {
        byte[][] arguments = new byte[words.length - 1][];
        for (int i = 1; i < words.length; i++) {
            arguments[i - 1] = words[i].getBytes(StandardCharsets.UTF_8);
        }
        connection.sendCommand(() -> words[0].getBytes(StandardCharsets.UTF_8), arguments);
        return connection.getOne();
    }

    List<String> list(String... words) {
        List<String> list = new ArrayList<>();
        for (Object each : (List<?>) run(words)) {
            list.add(new String((byte[]) each, StandardCharsets.UTF_8));
        }
        return list;
    }

    String text(String... words) {
        return new String((byte[]) run(words), StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        connection.close();
    }
}
