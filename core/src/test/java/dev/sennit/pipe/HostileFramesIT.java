package dev.sennit.pipe;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Seeded;
import dev.sennit.TaskSerializationException;
import dev.sennit.codec.MessageBuffer;
import dev.sennit.codec.TaskCodec;
import dev.sennit.process.WorkerProcess;
import java.io.Serializable;
import java.io.StreamCorruptedException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What a connection does with frames that are none: a named failure, no wait that does not end, no large allocation.
 */
@Timeout(120)
class HostileFramesIT {
    record Job(String name, int size) implements Serializable {
        private static final long serialVersionUID = 1L;
    }

    /** A small heap ends the process if one of them makes it allocate what it asks for. */
    @Test
    void framesThatLieAreNamed() throws Exception {
        WorkerProcess process = WorkerProcess.builder().heap("64m").start(() -> Seeded.repeat(1, Mutations::run));
        process.join();
        assertThat(process.failure()).isEmpty();
        assertThat(process.exitCode()).hasValue(0);
    }

    static final class Mutations {
        private static final int PIPES = 500;
        private static final int FRAMES = 200;

        private Mutations() {}

        static void run(Seeded random) throws Exception {
            var generator = random.generator();
            List<byte[]> bodies = new ArrayList<>();
            for (Object value : List.of(
                    "text", 42, new int[] {1, 2, 3}, List.of("a", 1.5), Map.of("k", List.of(1, 2)), new Job("j", 3))) {
                bodies.add(bytesOf(value));
            }
            int values = 0;
            int refused = 0;
            int corrupt = 0;
            int ended = 0;
            for (int i = 0; i < PIPES; i++) {
                MeetingPoint.End end = MeetingPoint.HERE.newPipe();
                Path place = MeetingPoint.HERE.offer(end);
                Future<SocketChannel> raw = new EndClaim("raw", place, end.token(), () -> {}).start().meet();
                try (var receiver = new Connection(end.other(), true, true, Mutations.class)) {
                    receiver.poll(Duration.ZERO);
                    try (SocketChannel sender = raw.get(30, SECONDS)) {
                        var frames = ByteBuffer.allocate(1 << 17); // fits the socket
                        for (int n = 0; n < FRAMES; n++) {
                            byte[] body = bodies.get(generator.nextInt(bodies.size())).clone();
                            for (int m = generator.nextInt(4); m > 0; m--) {
                                body[generator.nextInt(body.length)] = (byte) generator.nextInt();
                            }
                            int header = frames.position();
                            frames.put((byte) 'O').putInt(body.length).put(body);
                            if (n == FRAMES - 1) { // what comes after such a one is anybody's guess
                                frames.put(header + generator.nextInt(5), (byte) generator.nextInt());
                                frames.position(
                                        frames.position() - generator.nextInt(2) * generator.nextInt(body.length));
                            }
                        }
                        sender.write(frames.flip());
                    }
                    while (true) {
                        try {
                            receiver.receive();
                            values++;
                        } catch (TaskSerializationException e) {
                            refused++;
                        } catch (StreamCorruptedException e) {
                            corrupt++;
                            break;
                        } catch (ConnectionEndedException e) {
                            ended++;
                            break;
                        }
                    }
                }
            }
            System.out.println(
                    values + " values, " + refused + " refused, " + corrupt + " corrupt, " + ended + " ended");
            assertThat(values + refused).isGreaterThanOrEqualTo(PIPES * (FRAMES - 1));
            assertThat(Math.min(Math.min(values, refused), Math.min(corrupt, ended))).isPositive();
        }

        private static byte[] bytesOf(Object value) {
            MessageBuffer buffer = TaskCodec.encodeValue(value);
            return Arrays.copyOf(buffer.bytes(), buffer.length());
        }
    }
}
