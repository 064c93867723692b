package dev.sennit.queue.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sennit.junit.WithServer;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.redis.foreign.Endpoint;
import dev.sennit.queue.redis.foreign.Server;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Protocol.Command;

/** A server that has done what it was told, and whose answer is lost. */
@WithServer(value = ServerKind.REDIS, fsync = false)
class RedisDoubtIT {
    private final TestServer redis;

    RedisDoubtIT(TestServer redis) {
        this.redis = redis;
    }

    private record Somewhere(String host, int port) implements Endpoint {
        @Override
        public int database() {
            return 0;
        }

        @Override
        public @Nullable String user() {
            return null;
        }

        @Override
        public @Nullable String password() {
            return null;
        }
    }

    /** Passes one connection on; once it is told to, it takes no other, and ends this one at the next answer. */
    private static void pass(ServerSocket listener, int port, AtomicBoolean isToEnd) {
        try (Socket client = listener.accept(); Socket server = new Socket("127.0.0.1", port)) {
            Thread.ofVirtual().start(() -> {
                try {
                    client.getInputStream().transferTo(server.getOutputStream());
                } catch (IOException e) {
                    // it has ended
                }
            });
            byte[] some = new byte[8192];
            for (int n = server.getInputStream().read(some); n >= 0; n = server.getInputStream().read(some)) {
                if (isToEnd.get()) {
                    listener.close();
                    return;
                }
                client.getOutputStream().write(some, 0, n);
            }
        } catch (IOException e) {
            // it has ended
        }
    }

    @Test
    void aSecondTryThatFindsNoServerLeavesTheFirstInDoubt() throws Exception {
        try (ServerSocket listener = new ServerSocket(0, 5, InetAddress.getByName("127.0.0.1"));
                Server server = new Server(new Somewhere("127.0.0.1", listener.getLocalPort()));
                Server other = new Server(new Somewhere("127.0.0.1", redis.port()))) {
            var isToEnd = new AtomicBoolean();
            Thread.ofVirtual().start(() -> pass(listener, redis.port(), isToEnd));
            server.look(Server.call(Command.GET, "doubt"));
            isToEnd.set(true);
            var failure = catchThrowableOfType(BrokerException.class,
                    () -> server.repeatable(Server.call(Command.SET, "doubt", "done")));
            assertThat(other.look(Server.call(Command.GET, "doubt"))).isEqualTo(Server.bytes("done"));
            assertThat(failure.isDoubtful()).isTrue();
        }
    }
}
