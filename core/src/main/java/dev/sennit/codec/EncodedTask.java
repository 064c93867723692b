package dev.sennit.codec;

import dev.sennit.codec.LambdaShapes.Shape;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * A task as it travels.
 *
 * @param bytes the message; not to be changed
 * @param length how many of the bytes it is
 * @param shapes what a worker has to know of before it can read it
 * @param handover what it takes along, if there is something
 */
@SuppressWarnings("ArrayRecordComponent") // made once, compared never
public record EncodedTask(byte[] bytes, int length, List<Shape> shapes, @Nullable Handover handover) {
    private static final int SMALL = 4096;
    /** What a shape takes beside its description. */
    private static final int SHAPE_HEADER = 64;

    /** A platform thread makes messages in it, and copies them from there when they are small. */
    private static final ThreadLocal<MessageBuffer> SCRATCH = ThreadLocal.withInitial(MessageBuffer::new);

    /** A task that gives nothing away. */
    public EncodedTask(byte[] bytes, int length, List<Shape> shapes) {
        this(bytes, length, shapes, null);
    }

    /**
     * The compact form of a task; null when it has none.
     *
     * @param sent gets the classes of what is sent; null if nobody wants to know
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
            // Java serialization can, or says why not
        } finally { // no memory to be had, say
            if (!isVirtual && buffer.bytes().length > SMALL) {
                SCRATCH.remove();
            }
        }
        boolean isLarge = buffer.bytes().length > SMALL;
        return isDone
                ? new EncodedTask(isLarge ? buffer.bytes() : buffer.copy(), buffer.length(), writer.shapes())
                : null;
    }

    /** How much it may take to send it to a worker that knows nothing yet. */
    public int mostBytes() {
        long bytes = length;
        for (Shape shape : shapes) {
            bytes += SHAPE_HEADER + shape.description().length;
        }
        return (int) Math.min(bytes, Integer.MAX_VALUE);
    }
}
