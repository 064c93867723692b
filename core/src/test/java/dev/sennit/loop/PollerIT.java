package dev.sennit.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Program;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Sockets of ordinary virtual threads after a loop. Were the JDK's poller of sockets initialized by a coroutine, its
 * own virtual threads would be of that loop, and each read that waits, anywhere in the JVM, would start a carrier of a
 * loop that has ended.
 */
@Timeout(120)
class PollerIT {
    private static final int READS = 100;

    /** In a JVM of its own, as the poller is initialized once. */
    static final class Reads {
        private static final String LOOP = "over-by-then";

        private final Socket from;
        private final Socket to;

        private Reads(Socket from, Socket to) {
            this.from = from;
            this.to = to;
        }

        public static void main(String[] arguments) throws Exception {
            try (var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                    var client = new Socket(server.getInetAddress(), server.getLocalPort());
                    Socket accepted = server.accept()) {
                var reads = new Reads(client, accepted);
                try (EventLoop loop = EventLoop.builder().name(LOOP).open()) {
                    if (loop.mechanism() != EventLoop.Mechanism.SCHEDULER) {
                        throw new IllegalStateException("not the loop's own scheduler");
                    }
                    // the virtual threads that a coroutine makes are of its loop
                    reads.read(body -> loop.submit(() -> Thread.ofVirtual().unstarted(body)).join());
                }
                ThreadFactory ordinary = Thread.ofVirtual().factory();
                for (int i = 0; i < READS; i++) { // meanwhile the JDK starts the threads that it needs
                    reads.read(ordinary);
                }
                long before = threadsStarted();
                for (int i = 0; i < READS; i++) {
                    reads.read(ordinary);
                    while (carrierOfTheLoopIsAlive()) {
                        Thread.yield(); // so that the next read would start another one
                    }
                }
                System.out.println("started " + (threadsStarted() - before));
            }
        }

        /** Platform threads, ever. */
        private static long threadsStarted() {
            return ManagementFactory.getThreadMXBean().getTotalStartedThreadCount();
        }

        private static boolean carrierOfTheLoopIsAlive() {
            return Thread.getAllStackTraces().keySet().stream().anyMatch(thread -> thread.getName().equals(LOOP));
        }

        private void read(ThreadFactory threads) throws Exception {
            var read = new FutureTask<>(() -> to.getInputStream().read());
            Thread reader = threads.newThread(read);
            reader.start();
            while (reader.isAlive() && reader.getState() != Thread.State.WAITING) {
                Thread.yield(); // the poller has a part only in reads that wait
            }
            from.getOutputStream().write(7);
            if (read.get() != 7) {
                throw new IllegalStateException("read something else");
            }
            reader.join();
        }
    }

    @Test
    void theJdksPollerIsNotOfTheLoopThatWasTheFirstToRead() throws Exception {
        String output = Program.outputOf(Reads.class, "--add-opens", "java.base/java.lang=ALL-UNNAMED");
        assertThat(output).startsWith("started ");
        // the JDK may still want another carrier of its own, now and then
        assertThat(Integer.parseInt(output.strip().substring("started ".length()))).isLessThan(READS / 10);
    }
}
