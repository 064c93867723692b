package dev.sennit.process;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Seeded;
import dev.sennit.internal.MemoryFile;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(120)
class RingTest {
    private static MemorySegment memory(int capacity) throws IOException {
        try (MemoryFile file = MemoryFile.create("test", Ring.HEADER + capacity)) {
            return file.map(Arena.ofAuto());
        }
    }

    /** The two ends of one ring; both think that the other is alive. */
    private record Ends(MemorySegment memory, Ring writer, Ring reader) {
        static Ends of(int capacity) throws IOException {
            MemorySegment memory = RingTest.memory(capacity);
            return new Ends(memory, new Ring(memory, () -> true), new Ring(memory, () -> true));
        }
    }

    private static byte[] bytes(RandomGenerator random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private static Ring.Message take(Ring reader) throws IOException {
        for (Ring.Message message = reader.poll();; message = reader.poll()) {
            if (message != null || !reader.await()) {
                return message;
            }
        }
    }

    private interface Body {
        void run() throws Exception;
    }

    private static Thread start(Body body, AtomicReference<Throwable> failure) {
        return Thread.ofPlatform().start(() -> {
            try {
                body.run();
            } catch (Throwable e) {
                failure.set(e);
            }
        });
    }

    private static void join(Thread thread, AtomicReference<Throwable> failure) throws InterruptedException {
        assertThat(thread.join(Duration.ofSeconds(100))).isTrue();
        assertThat(failure.get()).isNull();
    }

    @Test
    void whoReadsInsteadTakesWholeMessagesAlone() throws Exception {
        Ends ends = Ends.of(1024);
        var failure = new AtomicReference<Throwable>();
        ends.writer().write(1, 2, 3, 4, new byte[100], 100);
        assertThat(ends.reader().pollWhole().payload()).hasSize(100);
        Thread writing = start(() -> ends.writer().write(1, 2, 3, 4, new byte[5000], 5000), failure);
        while (!ends.reader().hasMessage()) {
            Thread.onSpinWait();
        }
        assertThat(ends.reader().pollWhole()).isNull(); // the rest has no room yet
        assertThat(take(ends.reader()).payload()).hasSize(5000);
        join(writing, failure);
    }

    @Test
    void theEndOfAWriterInTheMiddleOfAMessageIsNoNonsense() throws Exception {
        Ends ends = Ends.of(1024);
        Thread writing = Thread.ofPlatform().start(() -> {
            assertThatThrownBy(() -> ends.writer().write(1, 2, 3, 4, new byte[5000], 5000))
                    .isInstanceOf(IOException.class);
        });
        while (!ends.reader().hasMessage()) {
            Thread.onSpinWait();
        }
        ends.writer().end();
        assertThat(writing.join(Duration.ofSeconds(100))).isTrue();
        ends.reader().end();
        assertThatThrownBy(ends.reader()::poll).isInstanceOf(EOFException.class);
    }

    /** How much of a mapping is in memory. */
    private static long residentBytes(MemorySegment mapped) throws IOException {
        String from = Long.toHexString(mapped.address() & -4096) + "-";
        List<String> lines = Files.readAllLines(Path.of("/proc/self/smaps"));
        for (int i = 0; i < lines.size(); i++) {
            if (lines.get(i).startsWith(from)) {
                String resident = lines.subList(i, lines.size()).stream().filter(line -> line.startsWith("Rss:"))
                        .findFirst().orElseThrow();
                return Long.parseLong(resident.replaceAll("\\D", "")) << 10;
            }
        }
        throw new AssertionError("no mapping from " + from);
    }

    @Test
    void whatALargeMessageTouchedIsGivenBack() throws Exception {
        Ends ends = Ends.of(8 << 20);
        byte[] large = bytes(new SplittableRandom(1), 3 << 20);
        for (int i = 0; i < 2; i++) {
            ends.writer().write(1, 2, 3, 4, large, large.length);
            assertThat(ends.reader().poll().payload()).isEqualTo(large);
            assertThat(residentBytes(ends.memory())).isGreaterThan(large.length);
            for (int n = 0; n < 300; n++) {
                ends.writer().write(1, 2, 3, 4, large, 100);
                assertThat(ends.reader().poll().payload()).hasSize(100);
            }
            assertThat(residentBytes(ends.memory())).isLessThan(large.length / 2);
        }
    }

    @Test
    void nothingThatIsUnreadIsGivenBack() throws Exception {
        Seeded.repeat(3, seeded -> {
            RandomGenerator random = seeded.generator();
            Ends ends = Ends.of(2 << 20);
            long seed = random.nextLong();
            int rounds = 12;
            var failure = new AtomicReference<Throwable>();
            Thread writer = start(() -> {
                var sizes = new SplittableRandom(seed);
                for (int i = 0; i < rounds * 400; i++) {
                    byte[] payload = bytes(sizes, i % 400 == 0 ? sizes.nextInt(3 << 20) : sizes.nextInt(3000));
                    ends.writer.write(1, i, 2, 3, payload, payload.length);
                }
            }, failure);
            var sizes = new SplittableRandom(seed);
            for (int i = 0; i < rounds * 400; i++) {
                byte[] expected = bytes(sizes, i % 400 == 0 ? sizes.nextInt(3 << 20) : sizes.nextInt(3000));
                Ring.Message message = take(ends.reader());
                assertThat(message.task()).isEqualTo(i);
                assertThat(message.payload()).isEqualTo(expected);
            }
            join(writer, failure);
        });
    }

    @Test
    void messagesOfAllSizesComeInTheirOrder() throws Exception {
        Seeded.repeat(6, seeded -> {
            RandomGenerator random = seeded.generator();
            int capacity = 256 << random.nextInt(13);
            Ends ends = Ends.of(capacity);
            long seed = random.nextLong();
            int longest = random.nextInt(1, Math.min(3 * capacity, 1 << 20));
            int count = longest < 1 << 17 ? 3000 : 200;
            var failure = new AtomicReference<Throwable>();
            Thread writer = start(() -> {
                var sizes = new SplittableRandom(seed);
                for (int i = 0; i < count; i++) {
                    byte[] payload = bytes(sizes, sizes.nextInt(longest));
                    ends.writer.write(i & 7, i, i + 1, -i, payload, payload.length);
                }
            }, failure);
            var sizes = new SplittableRandom(seed);
            for (int i = 0; i < count; i++) {
                Ring.Message message = take(ends.reader);
                assertThat(message.kind()).isEqualTo(i & 7);
                assertThat(message.task()).isEqualTo(i);
                assertThat(message.runNanos()).isEqualTo(i + 1L);
                assertThat(message.cpuNanos()).isEqualTo(-i);
                assertThat(message.payload()).isEqualTo(bytes(sizes, sizes.nextInt(longest)));
            }
            join(writer, failure);
            assertThat(ends.reader.poll()).isNull();
        });
    }

    @Test
    void whatThereIsRoomForIsWrittenWithoutAReader() throws Exception {
        Seeded.repeat(60, seeded -> {
            RandomGenerator random = seeded.generator();
            int capacity = 1 << random.nextInt(18, 22); // more than where a writer starts again
            Ends ends = Ends.of(capacity);
            for (int i = 0; i < 200; i++) {
                int length = random.nextInt(random.nextBoolean() ? 200 : capacity / 2);
                if (ends.writer.hasRoom(length)) {
                    ends.writer.write(0, i, 0, 0, new byte[length], length); // would hang
                }
                for (int n = random.nextInt(3); n > 0; n--) {
                    ends.reader.poll();
                }
            }
        });
    }

    /** What comes after a payload was given back goes into the same array, and is told by its length. */
    @Test
    void aPayloadIsUsedAgainForWhatFits() throws Exception {
        Ends ends = Ends.of(1 << 20);
        ends.writer.write(0, 1, 0, 0, new byte[100_000], 100_000);
        byte[] first = take(ends.reader).payload();
        ends.reader.useAgain(first);
        ends.writer.write(0, 2, 0, 0, new byte[] {7, 8}, 2);
        assertThat(take(ends.reader).payload()).as("small ones have their own").containsExactly(7, 8);
        ends.writer.write(0, 3, 0, 0, bytes(new SplittableRandom(3), 90_000), 90_000);
        Ring.Message second = take(ends.reader);
        assertThat(second.payload()).isSameAs(first);
        assertThat(second.length()).isEqualTo(90_000);
        assertThat(second.payload()).startsWith(bytes(new SplittableRandom(3), 90_000));
        ends.writer.write(0, 4, 0, 0, new byte[90_000], 90_000);
        assertThat(take(ends.reader).payload()).as("once").isNotSameAs(first);
        ends.reader.useAgain(first);
        ends.writer.write(0, 5, 0, 0, new byte[110_000], 110_000);
        assertThat(take(ends.reader).payload()).as("what does not fit").hasSize(110_000);
    }

    @Test
    void aSpareThatNobodyNeedsIsLetGo() throws Exception {
        Ends ends = Ends.of(1 << 20);
        byte[] spare = new byte[100_000];
        for (int quiet : new int[] {255, 256}) {
            ends.reader.useAgain(spare);
            for (int i = 0; i < quiet; i++) {
                ends.writer.write(0, i, 0, 0, new byte[100], 100);
                take(ends.reader);
            }
            ends.writer.write(0, quiet, 0, 0, new byte[90_000], 90_000);
            assertThat(take(ends.reader).payload() == spare).as("after %s small ones", quiet).isEqualTo(quiet < 256);
        }
    }

    @Test
    void anEmptyRingStartsAgainAtItsBeginning() throws Exception {
        Ends ends = Ends.of(1 << 20);
        for (int i = 0; i < 10_000; i++) {
            ends.writer.write(0, i, 0, 0, new byte[100], 100);
            assertThat(ends.reader.poll()).isNotNull();
        }
        MemorySegment data = ends.memory.asSlice(Ring.HEADER);
        assertThat(data.asSlice(1 << 17).mismatch(MemorySegment.ofArray(new byte[(1 << 20) - (1 << 17)])))
                .as("never touched")
                .isEqualTo(-1);
    }

    @Test
    void aReaderWhoseWriterIsGoneReadsWhatIsThere() throws Exception {
        Ends ends = Ends.of(1024);
        ends.writer.write(1, 2, 0, 0, new byte[] {3}, 1);
        ends.reader.end();
        assertThat(take(ends.reader).payload()).containsExactly(3);
        assertThat(take(ends.reader)).isNull();
    }

    @Test
    void endWakesBothSides() throws Exception {
        Ends ends = Ends.of(1024);
        var failure = new AtomicReference<Throwable>();
        Thread reader = start(() -> assertThat(take(ends.reader)).isNull(), failure);
        ends.reader.end();
        join(reader, failure);

        Ends full = Ends.of(1024);
        Thread writer = start(
                () -> assertThatThrownBy(() -> full.writer.write(0, 1, 0, 0, new byte[5000], 5000))
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("gone"),
                failure);
        full.writer.end();
        join(writer, failure);
    }

    @Test
    void aSleeperFindsOutByItselfThatTheOtherIsGone() throws Exception {
        var writer = new Ring(memory(1024), () -> false);
        assertThatThrownBy(() -> writer.write(0, 1, 0, 0, new byte[5000], 5000)).hasMessageContaining("gone");
        assertThat(take(new Ring(memory(1024), () -> false))).isNull();
    }

    @Test
    void whoReadsInTheSleepersSteadGivesBack() throws Exception {
        Ends ends = Ends.of(1 << 16);
        assertThat(ends.reader.pollInstead()).as("nobody sleeps").isFalse();
        int count = 20_000;
        var turn = new Object();
        var failure = new AtomicReference<Throwable>();
        long[] next = {0};
        Thread server = start(() -> {
            while (true) {
                Ring.Message message;
                synchronized (turn) {
                    message = ends.reader.poll();
                    if (message != null) {
                        assertThat(message.task()).isEqualTo(next[0]++);
                    }
                }
                if (message == null && !ends.reader.await()) {
                    return;
                }
            }
        }, failure);
        boolean[] stop = {false};
        Thread poller = start(() -> {
            while (true) {
                synchronized (turn) {
                    if (stop[0]) {
                        return;
                    }
                    if (ends.reader.pollInstead()) {
                        Ring.Message message = ends.reader.poll();
                        if (message != null) {
                            assertThat(message.task()).isEqualTo(next[0]++);
                        }
                        ends.reader.pollNoMore();
                    }
                }
                Thread.onSpinWait();
            }
        }, failure);
        for (int i = 0; i < count; i++) {
            ends.writer.write(0, i, 0, 0, new byte[8], 8);
        }
        while (failure.get() == null) {
            synchronized (turn) {
                if (next[0] == count) { // else somebody sleeps over a message, and the time-out tells
                    stop[0] = true;
                    break;
                }
            }
            Thread.sleep(1);
        }
        ends.reader.end();
        join(server, failure);
        join(poller, failure);
    }

    @Test
    void aMemoryFullOfNonsenseIsRefused() throws Exception {
        Seeded.repeat(1, seeded -> {
            Ends ends = Ends.of(1024);
            for (int i = 0; i < Integer.getInteger("sennit.mutations", 100_000); i++) {
                scribble(ends, seeded.generator());
            }
        });
    }

    /** A writer that is somebody else: some messages, then bytes of its own over them. */
    private static void scribble(Ends ends, RandomGenerator random) throws IOException {
        MemorySegment memory = ends.memory;
        memory.fill((byte) 0);
        var writer = new Ring(memory, () -> false);
        var reader = new Ring(memory, () -> false);
        for (int i = random.nextInt(3); i >= 0; i--) {
            writer.write(0, i, 0, 0, new byte[20], random.nextInt(20));
        }
        for (int n = random.nextInt(6); n > 0; n--) {
            long at = random.nextInt(8) == 0 ? random.nextLong(8) : Ring.HEADER + random.nextLong(160);
            memory.set(JAVA_BYTE, at, (byte) random.nextInt());
        }
        if (random.nextInt(20) == 0) {
            memory.set(JAVA_LONG, 0, random.nextLong());
        }
        reader.end(); // it need not wait for more
        try {
            for (int i = 0; i < 100 && take(reader) != null; i++) {
                assertThat(i).as("more messages than there can be").isLessThan(50);
            }
        } catch (IOException e) {
            // it makes no sense, and that was said
        }
    }
}
