package dev.sennit.process;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A few bytes of memory that a worker shares with the parent, and that outlive it.
 *
 * <p>One word holds the number of the last task that the worker began. With it the parent knows, of a worker that died,
 * whether the task it was handed had begun (and fails) or not (and runs elsewhere). A message would say the same at the
 * price of one more wake-up a task. Another word holds the number of the last one that it ended: its answer is on the way,
 * but the parent may be slow to read it, and is not to stop a task, or kill a worker, for being slow itself.
 *
 * <p>A third holds the number of a task that was sent ahead, to a worker that is still busy. The worker claims it before
 * it begins it, the parent may take it back until then; one compare-and-set decides between them. There are two such
 * words, for odd and even numbers, as the next task is sent ahead while the worker has yet to claim the one before it;
 * tasks are numbered in the order they are sent.
 */
final class StatusPage {
    private static final int SIZE = 64;
    private static final int LAST_BEGUN = 0;
    private static final int LAST_ENDED = 8;
    private static final int AHEAD = 16;
    private static final long NONE = 0;
    private static final VarHandle LONGS =
            MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());

    private final ByteBuffer page;

    private StatusPage(ByteBuffer page) {
        this.page = page;
    }

    static StatusPage create(Path file) throws IOException {
        return map(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
    }

    static StatusPage open(Path file) throws IOException {
        return map(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
    }

    private static StatusPage map(Path file, StandardOpenOption... options) throws IOException {
        try (FileChannel channel = FileChannel.open(file, options)) {
            return new StatusPage(channel.map(FileChannel.MapMode.READ_WRITE, 0, SIZE));
        }
    }

    void began(long task) {
        LONGS.setVolatile(page, LAST_BEGUN, task);
    }

    long lastBegun() {
        return (long) LONGS.getVolatile(page, LAST_BEGUN);
    }

    void ended(long task) {
        LONGS.setVolatile(page, LAST_ENDED, task);
    }

    long lastEnded() {
        return (long) LONGS.getVolatile(page, LAST_ENDED);
    }

    private static int wordOf(long task) {
        return AHEAD + Long.BYTES * (int) (task & 1);
    }

    /** Parent: a task that is about to be sent ahead; the one before it is in flight. */
    void offerAhead(long task) {
        LONGS.setVolatile(page, wordOf(task), task);
    }

    /** Parent: takes a task back; false when the worker has claimed it. */
    boolean takeBack(long task) {
        return LONGS.compareAndSet(page, wordOf(task), task, NONE);
    }

    /** Worker: claims a task that was sent ahead; false when it was taken back. */
    boolean claim(long task) {
        return LONGS.compareAndSet(page, wordOf(task), task, -task);
    }
}
