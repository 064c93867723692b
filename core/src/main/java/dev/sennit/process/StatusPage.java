package dev.sennit.process;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A page of memory that a worker shares with the parent, and that outlives it.
 *
 * <p>One word holds the number of the last task that the worker began. With it the parent knows, of a worker that died,
 * whether the task it was handed had begun (and fails) or not (and runs elsewhere). A message would say the same at the
 * price of one more wake-up a task. Another word holds the number of the last one that it ended: its answer is on the way,
 * but the parent may be slow to read it, and is not to stop a task, or kill a worker, for being slow itself.
 *
 * <p>The other words hold the numbers of tasks that were sent ahead, to a worker that is still busy. The worker claims such a
 * task before it begins it, the parent may take it back until then; one compare-and-set decides between them. Tasks are
 * numbered in the order they are sent, and each has the word of its number, modulo their count: so no more may be on
 * their way than there are words, and the worker says which it came to last.
 *
 * <p>The worker may write anything anywhere. What it says of its {@linkplain Progress progress} the parent holds against what it
 * said before, and what it was sent; a word that was tampered with is a task that cannot be taken back.
 */
final class StatusPage {
    static final long SIZE = 4096;
    /** The most tasks that may have been sent and not been come to. */
    static final int WORDS = 256;

    private static final long LAST_BEGUN = 0;
    private static final long LAST_ENDED = 8;
    private static final long LAST_SEEN = 16;
    private static final long AHEAD = 64;
    private static final long NONE = 0;
    private static final VarHandle LONGS = JAVA_LONG.varHandle();

    private final MemorySegment page;

    /**
     * A page in shared memory.
     *
     * @param page filled with zeros by whoever made it
     */
    StatusPage(MemorySegment page) {
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
            return new StatusPage(channel.map(FileChannel.MapMode.READ_WRITE, 0, SIZE, Arena.ofAuto()));
        }
    }

    void began(long task) {
        LONGS.setVolatile(page, LAST_BEGUN, task);
    }

    void ended(long task) {
        LONGS.setVolatile(page, LAST_ENDED, task);
    }

    /**
     * What a worker says of the tasks that it was sent. It comes to each, begins it unless that was taken back, and ends it.
     *
     * @param ended the last that it ended
     * @param begun the last that it began
     * @param seen the last that it came to
     */
    record Progress(long ended, long begun, long seen) {
        static final Progress NONE = new Progress(0, 0, 0);

        /** Whether there is a word for a task, those before it having been sent. */
        boolean leavesWordFor(long task) {
            return task - seen <= WORDS;
        }

        /** Whether it can be true of a worker that has said something before, and has since been sent so many tasks. */
        boolean canFollow(Progress before, long sent) {
            return ended >= before.ended
                    && begun >= before.begun
                    && seen >= before.seen
                    && ended <= begun
                    && begun <= seen
                    && seen <= sent;
        }
    }

    /** Read in the order in which it holds whatever the worker does meanwhile. */
    Progress progress() {
        long ended = (long) LONGS.getVolatile(page, LAST_ENDED);
        long begun = (long) LONGS.getVolatile(page, LAST_BEGUN);
        return new Progress(ended, begun, (long) LONGS.getVolatile(page, LAST_SEEN));
    }

    private static long wordOf(long task) {
        return AHEAD + Long.BYTES * (task & (WORDS - 1));
    }

    /** Parent: a task that is about to be sent ahead; the worker {@linkplain Progress#leavesWordFor leaves a word} for it. */
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

    /** Worker: it has come to a task, and claimed it or not. */
    void saw(long task) {
        LONGS.setRelease(page, LAST_SEEN, task);
    }
}
