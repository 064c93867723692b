package dev.sennit.queue.worker;

import dev.sennit.queue.broker.Progress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** What a run tells its worker, as bytes: a checkpoint, or how far it is. */
public sealed interface RunMessage {
    /**
     * A checkpoint.
     *
     * @param json the value
     */
    record Checkpoint(byte[] json) implements RunMessage {}

    /**
     * How far the run is.
     *
     * @param progress how far
     */
    record Report(Progress progress) implements RunMessage {}

    /** The first byte of a checkpoint. */
    byte CHECKPOINT = 1;

    /** The first byte of a report. */
    byte REPORT = 2;

    /**
     * Writes a checkpoint.
     *
     * @param json the value
     * @return the message
     */
    static byte[] checkpoint(byte[] json) {
        return ByteBuffer.allocate(1 + json.length).put(CHECKPOINT).put(json).array();
    }

    /**
     * Writes a report.
     *
     * @param progress how far the run is
     * @return the message
     */
    static byte[] report(Progress progress) {
        byte[] text = progress.message().getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(1 + 2 * Long.BYTES + text.length).put(REPORT).putLong(progress.done())
                .putLong(progress.total()).put(text).array();
    }

    /**
     * Reads a message.
     *
     * @param message what one of the methods above has written
     * @return the message
     * @throws IllegalArgumentException if it is none
     */
    static RunMessage read(byte[] message) {
        if (message.length >= 1 && message[0] == CHECKPOINT) {
            return new Checkpoint(Arrays.copyOfRange(message, 1, message.length));
        }
        if (message.length >= 1 + 2 * Long.BYTES && message[0] == REPORT) {
            ByteBuffer in = ByteBuffer.wrap(message, 1, message.length - 1);
            long done = in.getLong();
            long total = in.getLong();
            String text = new String(message, in.position(), in.remaining(), StandardCharsets.UTF_8);
            return new Report(new Progress(done, total, text));
        }
        throw new IllegalArgumentException(
                "a run sent a message of " + message.length + " bytes that is none of Sennit");
    }
}
