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
 * Two pages of memory that a worker shares with its parent, and that outlives the worker.
 *
 * <p>Three words are the worker's {@link Progress}. The number of the last task begun tells the parent whether the task
 * in flight had begun when the worker died (the task fails) or not (it runs elsewhere); a message would cost one more
 * wake-up a task. The number of the last task ended tells that an answer is on its way: the parent neither stops that
 * task nor kills the worker because the parent itself is slow to read.
 *
 * <p>The other words are for tasks sent ahead, to a worker that is still busy. The worker claims such a task before it
 * begins it; until then the parent may take the task back. One compare-and-set on the task's word decides. Tasks are
 * numbered without a gap in the order sent, and the number modulo {@link #WORDS} selects the word. A word is free again
 * once the worker has seen its task, which the third word of the progress tells.
 *
 * <p>On a page of their own are words by which the parent asks tasks to come to an end: each holds the number of the
 * task that was asked last among those that share the word. So the request is there when a task begins that has waited
 * in the worker, which a message on another way would not be, and a request that comes late reaches nobody. There are
 * twice as many words as tasks that may be sent and not seen: none of those shares a word with the one that runs.
 *
 * <p>The worker may write anything anywhere. The parent checks the progress against the progress read before and the
 * tasks sent. A task whose word was tampered with cannot be taken back.
 */
final class StatusPage {
    static final long SIZE = 8192;
    /** How many tasks may have been sent that the worker has not seen, at most. A power of two. */
    static final int WORDS = 256;

    private static final long LAST_BEGUN = 0;
    private static final long LAST_ENDED = 8;
    private static final long LAST_SEEN = 16;
    private static final long AHEAD = 64;
    private static final long STOPS = 4096;
    private static final int STOP_WORDS = 2 * WORDS;
    private static final long NONE = 0;
    private static final VarHandle LONGS = JAVA_LONG.varHandle();

    private final MemorySegment page;

    /**
     * Uses a page in shared memory.
     *
     * @param page filled with zeros by its creator
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
     * A worker's progress: it sees each task that was sent, begins it unless the parent took it back, and ends it.
     *
     * @param ended the number of the last task it ended
     * @param begun the number of the last task it began
     * @param seen the number of the last task it has claimed, or found taken back
     */
    record Progress(long ended, long begun, long seen) {
        static final Progress NONE = new Progress(0, 0, 0);

        /** Returns whether the word of a task is free, when all tasks before it have been sent. */
        boolean leavesWordFor(long task) {
            return task - seen <= WORDS;
        }

        /**
         * Returns whether a worker with this much progress before, and this many tasks sent, can have made this
         * progress.
         */
        boolean canFollow(Progress before, long sent) {
            return ended >= before.ended
                    && begun >= before.begun
                    && seen >= before.seen
                    && ended <= begun
                    && begun <= seen
                    && seen <= sent;
        }
    }

    /**
     * Reads the progress, in the order opposite to the worker's writes: so ended {@code <=} begun {@code <=} seen
     * whenever it is read.
     */
    Progress progress() {
        long ended = (long) LONGS.getVolatile(page, LAST_ENDED);
        long begun = (long) LONGS.getVolatile(page, LAST_BEGUN);
        return new Progress(ended, begun, (long) LONGS.getVolatile(page, LAST_SEEN));
    }

    private static long wordOf(long task) {
        return AHEAD + Long.BYTES * (task & (WORDS - 1));
    }

    private static long stopWordOf(long task) {
        return STOPS + Long.BYTES * (task & (STOP_WORDS - 1));
    }

    /**
     * Parent: asks a task to come to an end that has been sent or is about to be; any thread. A request for a later
     * task, by a thread that was faster, stays.
     */
    synchronized void requestStop(long task) {
        if ((long) LONGS.getVolatile(page, stopWordOf(task)) < task) {
            LONGS.setVolatile(page, stopWordOf(task), task);
        }
    }

    /** Worker: returns whether a task that runs is asked to come to an end; any thread. */
    boolean isStopRequested(long task) {
        return (long) LONGS.getVolatile(page, stopWordOf(task)) == task;
    }

    /** Parent: writes the word of a task that is about to be sent ahead; {@link Progress#leavesWordFor} has to hold. */
    void offerAhead(long task) {
        LONGS.setVolatile(page, wordOf(task), task);
    }

    /** Parent: takes a task back; returns false when the worker has claimed it. */
    boolean takeBack(long task) {
        return LONGS.compareAndSet(page, wordOf(task), task, NONE);
    }

    /** Worker: claims a task that was sent ahead; returns false when the parent has taken it back. */
    boolean claim(long task) {
        return LONGS.compareAndSet(page, wordOf(task), task, -task);
    }

    /** Worker: notes that it is done with the word of a task. */
    void saw(long task) {
        LONGS.setRelease(page, LAST_SEEN, task);
    }
}
