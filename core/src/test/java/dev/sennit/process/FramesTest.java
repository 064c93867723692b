package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Seeded;
import dev.sennit.process.Frames.Frame;
import dev.sennit.process.Frames.Kind;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.StreamCorruptedException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class FramesTest {
    private static byte[] bytes(ByteBuffer... frames) {
        var out = new ByteArrayOutputStream();
        for (ByteBuffer frame : frames) {
            out.write(frame.array(), frame.position(), frame.remaining());
        }
        return out.toByteArray();
    }

    /** At most so many bytes a read. */
    private static List<Frame> read(byte[] bytes, int pieces, Kind... accepted) throws IOException {
        var in = new ByteArrayInputStream(bytes) {
            @Override
            public synchronized int read(byte[] target, int offset, int length) {
                return super.read(target, offset, Math.min(length, pieces));
            }
        };
        ReadableByteChannel channel = Channels.newChannel(in);
        var reader = new Frames.Reader(accepted.length == 0
                ? EnumSet.noneOf(Kind.class)
                : EnumSet.of(accepted[0], accepted));
        List<Frame> frames = new ArrayList<>();
        while (reader.fill(channel)) {
            for (Frame frame = reader.next(); frame != null; frame = reader.next()) {
                frames.add(frame);
            }
        }
        return frames;
    }

    @Test
    void whatIsWrittenIsReadInPiecesOfAnySize() throws Exception {
        byte[] large = new byte[300_000];
        large[299_999] = 7;
        byte[] said = bytes(
                Frames.greeting(), Frames.settings("näme", Duration.ofSeconds(3)),
                Frames.header(Kind.MAIN, large.length), ByteBuffer.wrap(large), Frames.begun(),
                Frames.note(new byte[0]), Frames.note(new byte[Frames.LONGEST_NOTE]), Frames.taken(17),
                Frames.stop(Duration.ofMillis(5)));
        for (int pieces : new int[] {1, 4, 7, 1000, 1 << 20}) {
            List<Frame> frames = read(said, pieces, Kind.values());
            assertThat(frames).extracting(Frame::kind).containsExactly(Kind.GREETING, Kind.SETTINGS, Kind.MAIN,
                    Kind.BEGUN, Kind.NOTE, Kind.NOTE, Kind.TAKEN, Kind.STOP);
            frames.get(0).ensureVersion();
            assertThat(frames.get(1).name()).isEqualTo("näme");
            assertThat(frames.get(1).duration()).isEqualTo(Duration.ofSeconds(3));
            assertThat(frames.get(2).content()).isEqualTo(large);
            assertThat(frames.get(4).content()).isEmpty();
            assertThat(frames.get(5).content()).hasSize(Frames.LONGEST_NOTE);
            assertThat(frames.get(6).number()).isEqualTo(17);
            assertThat(frames.get(7).duration()).isEqualTo(Duration.ofMillis(5));
        }
    }

    private static void assertRefused(byte[] said, String why) {
        assertThatThrownBy(() -> read(said, 1 << 20, Kind.NOTE, Kind.STOP, Kind.MAIN))
                .isInstanceOf(StreamCorruptedException.class)
                .hasMessageContaining(why);
    }

    private static ByteBuffer raw(int kind, int length) {
        return ByteBuffer.allocate(Frames.HEADER).put((byte) kind).putInt(length).flip();
    }

    @Test
    void whatMakesNoSenseIsNamed() {
        assertRefused(bytes(Frames.note(new byte[1])), "a NOTE came before the greeting");
        assertRefused(bytes(Frames.greeting(), raw(0, 1)), "no frame has kind 0");
        assertRefused(bytes(Frames.greeting(), raw(200, 1)), "no frame has kind 200");
        assertRefused(bytes(Frames.greeting(), raw(5, -1)), "a NOTE has from 0 to 65536 bytes, and one of -1");
        assertRefused(bytes(Frames.greeting(), raw(5, Frames.LONGEST_NOTE + 1)), "one of 65537 was announced");
        assertRefused(bytes(Frames.greeting(), raw(3, Integer.MAX_VALUE)), "a MAIN has from 1 to 1073741824 bytes");
        assertRefused(bytes(Frames.greeting(), raw(7, 4)), "a STOP has from 8 to 8 bytes");
        assertRefused(bytes(Frames.greeting(), Frames.taken(1)), "a TAKEN has no place here");
        assertRefused(bytes(Frames.greeting(), Frames.greeting()), "a GREETING has no place here");
    }

    @Test
    void anotherVersionIsRefusedWithBoth() throws Exception {
        byte[] other = bytes(Frames.greeting());
        other[other.length - 1] = 9;
        Frame frame = read(other, 100).getFirst();
        assertThatThrownBy(frame::ensureVersion)
                .isInstanceOf(StreamCorruptedException.class)
                .hasMessageContaining("version 9 ")
                .hasMessageContaining("version " + Frames.VERSION);
    }

    @Test
    void aNegativeTimeIsRefused() throws Exception {
        ByteBuffer stop = ByteBuffer.allocate(Frames.HEADER + Long.BYTES).put((byte) 7).putInt(8).putLong(-1).flip();
        Frame frame = read(bytes(Frames.greeting(), stop), 100, Kind.STOP).getLast();
        assertThatThrownBy(frame::duration).isInstanceOf(StreamCorruptedException.class);
    }

    /** A promise costs nothing: 1 GiB is not allocated until it has come. */
    @Test
    void memoryIsTakenForWhatHasCome() throws Exception {
        byte[] said = bytes(Frames.greeting(), raw(3, 1 << 30), ByteBuffer.wrap(new byte[100]));
        for (int i = 0; i < 10_000; i++) {
            assertThat(read(said, 1 << 20, Kind.MAIN)).hasSize(1);
        }
    }

    @Test
    void mutationsAreReadOrRefused() {
        Seeded.repeat(1, random -> {
            var generator = random.generator();
            byte[] good = bytes(Frames.greeting(), Frames.note(new byte[20]), Frames.stop(Duration.ofSeconds(1)),
                    Frames.note(new byte[300]));
            int refused = 0;
            int passed = 0;
            for (int i = 0; i < 20_000; i++) {
                byte[] bad = good.clone();
                for (int m = 1 + generator.nextInt(3); m > 0; m--) {
                    bad[generator.nextInt(bad.length)] = (byte) generator.nextInt();
                }
                try {
                    read(bad, 1 + generator.nextInt(100), Kind.NOTE, Kind.STOP);
                    passed++;
                } catch (StreamCorruptedException e) {
                    refused++;
                }
            }
            assertThat(Math.min(refused, passed)).isPositive();
        });
    }

    // ---- what waits ----

    @Test
    void anOutboxHasRoomForAMebibyteOfNotesAndAlwaysForTheRest() throws Exception {
        var outbox = Outbox.ofParent();
        byte[] note = new byte[1019];
        for (int i = 0; i < 1024; i++) {
            assertThat(outbox.offer(note)).isTrue();
        }
        assertThat(outbox.offer(new byte[0])).isFalse();
        outbox.add(Frames.stop(Duration.ZERO));
        outbox.taken(5);
        assertThat(outbox.offer(new byte[0])).isTrue();
        assertThat(outbox.offer(new byte[0])).isFalse();
        assertThatThrownBy(() -> outbox.taken(Outbox.MOST_NOTES + 1)).isInstanceOf(StreamCorruptedException.class);
        assertThatThrownBy(() -> outbox.taken(0)).isInstanceOf(StreamCorruptedException.class);
        assertThatThrownBy(() -> outbox.offer(new byte[Frames.LONGEST_NOTE + 1]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("<= 65536 bytes, had 65537");
        outbox.close();
        outbox.taken(100);
        assertThat(outbox.offer(new byte[0])).isFalse();
    }

    @Test
    void moreNotesThanWereAskedForAreRefused() throws Exception {
        var parent = new ParentProcess(Outbox.ofChild());
        byte[] note = new byte[Frames.LONGEST_NOTE];
        for (int i = 0; i < 15; i++) {
            parent.received(note);
        }
        assertThatThrownBy(() -> parent.received(note)).isInstanceOf(StreamCorruptedException.class);
    }
}
