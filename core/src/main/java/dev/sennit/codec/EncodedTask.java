package dev.sennit.codec;

import dev.sennit.codec.LambdaShapes.Shape;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * An encoded task.
 *
 * @param bytes the message; not to be changed
 * @param length how many of the bytes are used
 * @param shapes the shapes of lambdas that a worker has to know before it can read the message
 * @param handover the objects that move with the message, if any
 * @param isHeard whether somebody hears what the task sends while it runs
 */
@SuppressWarnings("ArrayRecordComponent") // made once, never compared
public record EncodedTask(
        byte[] bytes, int length, List<Shape> shapes, @Nullable Handover handover, boolean isHeard) {
    private static final int SMALL = 4096;
    /** How many bytes a shape takes beside its description. */
    private static final int SHAPE_HEADER = 64;

    /** The buffer in which a platform thread makes messages; small messages are copied from it. */
    private static final ThreadLocal<MessageBuffer> SCRATCH = ThreadLocal.withInitial(MessageBuffer::new);

    /** Makes a task with which no objects move. */
    public EncodedTask(byte[] bytes, int length, List<Shape> shapes) {
        this(bytes, length, shapes, null);
    }

    /** Makes a task that nobody hears. */
    public EncodedTask(byte[] bytes, int length, List<Shape> shapes, @Nullable Handover handover) {
        this(bytes, length, shapes, handover, false);
    }

    /** Returns the same task, which somebody hears. */
    public EncodedTask heard() {
        return new EncodedTask(bytes, length, shapes, handover, true);
    }

    /**
     * Returns the compact form of a task; null if it has none.
     *
     * @param sent gets the classes of what is sent; may be null
     */
    public static @Nullable EncodedTask compact(Callable<?> task, @Nullable AllowList sent) {
        boolean isVirtual = Thread.currentThread().isVirtual();
        MessageBuffer buffer = isVirtual ? new MessageBuffer() : SCRATCH.get();
        buffer.clear();
        var writer = new CompactWriter(buffer, true, sent);
        boolean isDone = false;
        try {
            writer.write(task);
            isDone = true;
        } catch (IOException | RuntimeException | StackOverflowError e) {
            // Java serialization can encode it, or says why not
        } finally { // no memory, say
            if (!isVirtual && buffer.bytes().length > SMALL) {
                SCRATCH.remove();
            }
        }
        boolean isLarge = buffer.bytes().length > SMALL;
        return isDone
                ? new EncodedTask(isLarge ? buffer.bytes() : buffer.copy(), buffer.length(), writer.shapes())
                : null;
    }

    /** Returns how many bytes it may take to send the task to a worker that has no shapes yet. */
    public int mostBytes() {
        long bytes = length;
        for (Shape shape : shapes) {
            bytes += SHAPE_HEADER + shape.description().length;
        }
        return (int) Math.min(bytes, Integer.MAX_VALUE);
    }
}
