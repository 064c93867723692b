package dev.sennit.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Program;
import dev.sennit.TaskFuture;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A server whose process may have no more files open. */
@Timeout(120)
@EnabledOnOs(OS.LINUX)
class FullTableIT {
    private static final int FILES = 64;
    private static final String TOO_MANY = "Too many open files; accepts again when that is over";

    /** Answers each line with the same, until it is told to stop. */
    static final class Server {
        private Server() {}

        public static void main(String[] arguments) {
            var mechanism = EventLoop.Mechanism.valueOf(arguments[0]);
            try (EventLoop loop = EventLoop.builder().mechanism(mechanism).open()) {
                loop.submit(Server::serve).join();
            }
            System.out.println("end");
        }

        private static Void serve() throws Exception {
            EventLoop loop = EventLoop.current();
            Listener listener = Listener.open(0);
            TaskFuture<?> served = loop.submit(() -> {
                try {
                    listener.serve(1000, client -> {
                        for (String line = client.readLine(100); line != null; line = client.readLine(100)) {
                            client.write(line + "\n");
                        }
                    });
                } catch (Throwable e) {
                    System.out.println("serves no more: " + e);
                    Runtime.getRuntime().halt(1); // so that the test need not wait for long
                }
                return null;
            });
            System.out.println("port " + listener.port());
            loop.offload(() -> System.in.read()).get();
            listener.close();
            served.get();
            return null;
        }
    }

    private static Socket connect(int port) throws IOException {
        var client = new Socket(InetAddress.getLoopbackAddress(), port);
        client.setSoTimeout(60_000);
        client.getOutputStream().write("hello\n".getBytes(StandardCharsets.UTF_8));
        return client;
    }

    private static void assertServed(Socket client) throws IOException {
        assertThat(client.getInputStream().readNBytes(6)).asString(StandardCharsets.UTF_8).isEqualTo("hello\n");
    }

    @ParameterizedTest
    @EnumSource
    void saysSoWaitsAndGoesOn(EventLoop.Mechanism mechanism) throws Exception {
        List<String> command = new ArrayList<>(List.of("sh", "-c", "ulimit -n " + FILES + " && exec \"$@\"", "sh"));
        command.addAll(Program.command(
                List.of("--add-opens", "java.base/java.lang=ALL-UNNAMED"), Server.class, mechanism.name()));
        Deque<Socket> clients = new ArrayDeque<>();
        try (Conversation server = new Conversation(command)) {
            int port = Integer.parseInt(server.hear("port ").substring("port ".length()));
            for (int round = 0; round < 2; round++) {
                for (int i = 0; i < 2 * FILES; i++) {
                    clients.add(connect(port));
                }
                if (round == 0) {
                    server.hear(TOO_MANY);
                }
                awaitIdle(server.process().toHandle());
                while (!clients.isEmpty()) { // each makes room for another one
                    try (Socket first = clients.remove()) {
                        assertServed(first);
                    }
                }
            }
            server.say("stop");
            server.hear("end");
            assertThat(server.end()).isZero();
            // Not for each of those that had to wait, nor in the second round, which is a part of the same overload.
            assertThat(server.heard().stream().filter(line -> line.contains(TOO_MANY))).hasSize(1);
        } finally {
            for (Socket client : clients) {
                client.close();
            }
        }
    }

    /** Were it to try again and again, it would use all that the processor gives it, each time one looks. */
    private static void awaitIdle(ProcessHandle server) throws InterruptedException {
        long share = 100;
        for (int look = 0; share > 30; look++) {
            assertThat(look).as("looks, the last of which saw it use %d %% of a processor", share).isLessThan(20);
            long start = System.nanoTime();
            Duration before = processorTime(server);
            Thread.sleep(500);
            share = 100 * processorTime(server).minus(before).toNanos() / (System.nanoTime() - start);
        }
    }

    private static Duration processorTime(ProcessHandle process) {
        return process.info().totalCpuDuration().orElseThrow();
    }
}
