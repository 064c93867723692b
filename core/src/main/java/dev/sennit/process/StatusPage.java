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
 * A few bytes of memory that a worker shares with the parent, and that outlive it: the number of the last task it began.
 *
 * <p>With it the parent knows, of a worker that died, whether the task it was handed had begun (and fails) or not (and
 * runs elsewhere). A message would say the same at the price of one more wake-up a task.
 */
final class StatusPage {
    private static final int SIZE = 64;
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
        LONGS.setVolatile(page, 0, task);
    }

    long lastBegun() {
        return (long) LONGS.getVolatile(page, 0);
    }
}
