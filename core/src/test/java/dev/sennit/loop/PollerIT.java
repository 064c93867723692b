package dev.sennit.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Program;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Sockets of ordinary virtual threads after a loop. Were the JDK's poller of sockets initialized by a coroutine, its own virtual
 * threads would be of that loop, and end with it.
 */
@Timeout(120)
class PollerIT {
    /** In a JVM of its own, as the poller is initialized once. */
    static final class Reads {
        private Reads() {}

        public static void main(String[] arguments) throws Exception {
            try (EventLoop loop = EventLoop.open()) {
                if (loop.mechanism() != EventLoop.Mechanism.SCHEDULER) {
                    throw new IllegalStateException("not the loop's own scheduler");
                }
                loop.submit(Reads::readOnce).get();
            }
            Thread reader = Thread.startVirtualThread(() -> {
                try {
                    readOnce();
                    System.out.println("read after the loop");
                } catch (Exception e) {
                    e.printStackTrace();
                }
            });
            reader.join();
        }

        /** Waits for a byte that comes while it waits. */
        private static Integer readOnce() throws Exception {
            try (var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                    var client = new Socket(server.getInetAddress(), server.getLocalPort());
                    Socket accepted = server.accept()) {
                Thread writer = Thread.ofPlatform().start(() -> {
                    try {
                        Thread.sleep(50); // so that the read has to wait: only then the poller has a part in it
                        client.getOutputStream().write(7);
                    } catch (Exception e) {
                        e.printStackTrace();
                    }
                });
                int read = accepted.getInputStream().read();
                writer.join();
                return read;
            }
        }
    }

    @Test
    void virtualThreadsReadSocketsAfterALoopWasTheFirstToDoSo() throws Exception {
        assertThat(Program.outputOf(Reads.class, "--add-opens", "java.base/java.lang=ALL-UNNAMED")).contains("read after the loop");
    }
}
