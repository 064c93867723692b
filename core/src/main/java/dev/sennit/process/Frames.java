package dev.sennit.process;

import dev.sennit.internal.Timers;
import java.io.IOException;
import java.io.StreamCorruptedException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link WorkerProcess} and its parent say to each other over their private socket, as bytes. A frame is a kind,
 * the length of its content, and the content; numbers are big-endian:
 *
 * <pre>
 * byte kind, int length, bytes
 *
 * both            GREETING   int version           the first frame of all, and the only one of its kind
 * parent to child SETTINGS   long nanos, name      the orphan limit, and what the process is called; comes once
 * parent to child MAIN       a task                comes once, after the settings
 * child to parent BEGUN      nothing               the main is there
 * both            NOTE       the user's bytes
 * child to parent TAKEN      int bytes             so much of the parent's notes has been handed to the listener
 * parent to child STOP       long nanos            ends within that time, or is killed; a later one may be shorter
 * child to parent FAILURE    a failure             what the main threw; comes once
 * </pre>
 *
 * <p>Each kind has its least and greatest length, so that a peer that lies gets a named refusal and no memory: the
 * array for a content grows with the bytes that have come, not with the length that was promised.
 */
final class Frames {
    /** Goes up with each change of what is said. */
    static final int VERSION = 1;
    static final int LONGEST_NOTE = 1 << 16;
    static final int HEADER = 1 + Integer.BYTES;

    private static final int LONGEST_MAIN = 1 << 30;
    private static final int LONGEST_FAILURE = 1 << 28;
    private static final int LONGEST_SETTINGS = 1 << 20;
    /** Another version may say more in its greeting; it is refused by its version, not by its length. */
    private static final int LONGEST_GREETING = 1 << 10;

    /** The order is that of the bytes on the wire, from 1. */
    enum Kind {
        GREETING(Integer.BYTES, LONGEST_GREETING),
        SETTINGS(Long.BYTES, LONGEST_SETTINGS),
        MAIN(1, LONGEST_MAIN),
        BEGUN(0, 0),
        NOTE(0, LONGEST_NOTE),
        TAKEN(Integer.BYTES, Integer.BYTES),
        STOP(Long.BYTES, Long.BYTES),
        FAILURE(1, LONGEST_FAILURE);

        private static final Kind[] ALL = values();

        private final int least;
        private final int most;

        Kind(int least, int most) {
            this.least = least;
            this.most = most;
        }

        private byte code() {
            return (byte) (ordinal() + 1);
        }

        boolean takes(int length) {
            return length >= least && length <= most;
        }

        private static Kind coded(byte code) throws StreamCorruptedException {
            int number = code - 1;
            if (number < 0 || number >= ALL.length) {
                throw new StreamCorruptedException("no frame has kind " + Byte.toUnsignedInt(code));
            }
            return ALL[number];
        }
    }

    /** A frame that has come; its content has a length that its kind takes. */
    record Frame(Kind kind, byte[] content) {
        /** The number that a frame of one number holds, or that comes first. */
        long number() {
            ByteBuffer bytes = ByteBuffer.wrap(content);
            return kind == Kind.GREETING || kind == Kind.TAKEN ? bytes.getInt() : bytes.getLong();
        }

        Duration duration() throws StreamCorruptedException {
            if (number() < 0) {
                throw new StreamCorruptedException("a " + kind + " of " + number() + " ns");
            }
            return Duration.ofNanos(number());
        }

        /** The name in the settings. */
        String name() {
            return new String(content, Long.BYTES, content.length - Long.BYTES, StandardCharsets.UTF_8);
        }

        void ensureVersion() throws StreamCorruptedException {
            if (number() != VERSION) {
                throw new StreamCorruptedException(
                        "it speaks version " + number() + " of what processes and their parents say, and this JVM "
                                + "version " + VERSION
                                + ": they have different releases of Sennit on their class paths");
            }
        }
    }

    private Frames() {}

    static ByteBuffer greeting() {
        return start(Kind.GREETING, Integer.BYTES).putInt(VERSION).flip();
    }

    static ByteBuffer settings(String name, Duration orphanLimit) {
        byte[] text = name.getBytes(StandardCharsets.UTF_8);
        return start(Kind.SETTINGS, Long.BYTES + text.length).putLong(nanos(orphanLimit)).put(text).flip();
    }

    static ByteBuffer begun() {
        return start(Kind.BEGUN, 0).flip();
    }

    static ByteBuffer note(byte[] content) {
        return start(Kind.NOTE, content.length).put(content).flip();
    }

    static ByteBuffer taken(int bytes) {
        return start(Kind.TAKEN, Integer.BYTES).putInt(bytes).flip();
    }

    static ByteBuffer stop(Duration limit) {
        return start(Kind.STOP, Long.BYTES).putLong(nanos(limit)).flip();
    }

    /** The beginning of a frame whose content follows by itself, as it is too large to be copied. */
    static ByteBuffer header(Kind kind, int length) {
        ensureTaken(kind, length);
        return ByteBuffer.allocate(HEADER).put(kind.code()).putInt(length).flip();
    }

    private static ByteBuffer start(Kind kind, int length) {
        ensureTaken(kind, length);
        return ByteBuffer.allocate(HEADER + length).put(kind.code()).putInt(length);
    }

    private static void ensureTaken(Kind kind, int length) {
        if (!kind.takes(length)) {
            throw new IllegalArgumentException(
                    kind + " must have from " + kind.least + " to " + kind.most + " bytes, had " + length);
        }
    }

    private static long nanos(Duration limit) {
        return Math.max(0, Timers.nanos(limit));
    }

    /** Makes frames of the bytes that come. One thread. */
    static final class Reader {
        private static final int CHUNK = 1 << 16;

        private final Set<Kind> accepted;
        /** Between calls ready to be read from. */
        private final ByteBuffer in = ByteBuffer.allocate(CHUNK).flip();

        private boolean greeted;
        /** The frame that is coming; null between frames. */
        private @Nullable Kind kind;
        private int length;
        private byte[] content = new byte[0];
        private int has;

        /** For the kinds that the other side may send after its greeting. */
        Reader(Set<Kind> accepted) {
            this.accepted = accepted;
        }

        /**
         * Reads once. All frames of the last call have to be taken before.
         *
         * @return false at the end
         */
        boolean fill(ReadableByteChannel channel) throws IOException {
            in.compact();
            try {
                return channel.read(in) >= 0;
            } finally {
                in.flip();
            }
        }

        /** Returns the next frame; null if it has not come, or not wholly. */
        @Nullable Frame next() throws StreamCorruptedException {
            if (kind == null && in.remaining() >= HEADER) {
                begin(Kind.coded(in.get()), in.getInt());
            }
            if (kind == null || !isWhole()) {
                return null;
            }
            var frame = new Frame(kind, content);
            kind = null;
            content = new byte[0];
            return frame;
        }

        private void begin(Kind next, int promised) throws StreamCorruptedException {
            if (greeted ? !accepted.contains(next) : next != Kind.GREETING) {
                throw new StreamCorruptedException(
                        greeted ? "a " + next + " has no place here" : "a " + next + " came before the greeting");
            }
            if (!next.takes(promised)) {
                throw new StreamCorruptedException("a " + next + " has from " + next.least + " to " + next.most
                        + " bytes, and one of " + promised + " was announced");
            }
            greeted = true;
            length = promised;
            content = new byte[Math.min(promised, CHUNK)];
            has = 0;
            kind = next;
        }

        private boolean isWhole() {
            while (has < length && in.hasRemaining()) {
                if (has == content.length) {
                    content = Arrays.copyOf(content, (int) Math.min(length, 2L * content.length));
                }
                int count = Math.min(content.length - has, in.remaining());
                in.get(content, has, count);
                has += count;
            }
            return has == length;
        }
    }
}
