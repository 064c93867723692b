package dev.sennit.process;

import dev.sennit.TaskMessages;
import dev.sennit.codec.EncodedTask;
import dev.sennit.codec.LambdaShapes;
import dev.sennit.codec.MessageBuffer;
import dev.sennit.internal.view.ProgressGate;
import dev.sennit.internal.view.ProgressGate.Report;
import dev.sennit.internal.view.TaskObserver;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The parent's end of the private line to one worker: the seam behind which bytes travel one way or another.
 *
 * <p>Nothing of it is shared with another worker, so nobody but its worker can break it. Any thread may send; one at a
 * time takes answers.
 */
interface WorkerLink extends AutoCloseable {
    /** What a worker says. */
    enum Kind {
        /** It is up and waits for tasks. */
        READY,
        /** A task returned; the payload is the value. */
        VALUE,
        /** A task threw; the payload is the failure. */
        FAILURE,
        /** A task was cancelled before it had begun. */
        SKIPPED,
        /** How far the task in flight is, which is no answer: see {@link #progress}. */
        PROGRESS,
        /** What the task in flight sends to its submitter, the payload; no answer either. */
        MESSAGE;

        private static final Kind[] ALL = values();

        static Kind of(int number) throws IOException {
            if (number < 0 || number >= ALL.length) {
                throw new IOException("worker sent an answer of unknown kind " + number);
            }
            return ALL[number];
        }
    }

    /**
     * One answer.
     *
     * @param kind what it says
     * @param task which task it is about; 0 for READY
     * @param runNanos how long the task ran
     * @param cpuNanos processor time it used; less than 0 if the worker does not know
     * @param payload begins with the encoded outcome
     * @param length how long that is
     */
    record Reply(Kind kind, long task, long runNanos, long cpuNanos, byte[] payload, int length) {
        /** The same, with times that can be true of a process of that age. */
        Reply within(long nanos) {
            long run = Math.clamp(runNanos, 0, nanos);
            long cpu = Math.clamp(cpuNanos, TaskObserver.UNKNOWN, nanos);
            return run == runNanos && cpu == cpuNanos ? this : new Reply(kind, task, run, cpu, payload, length);
        }

        /**
         * What a PROGRESS says: done and total have the places of the times, and the message is the payload.
         *
         * @throws IOException if it cannot be
         */
        Report progress() throws IOException {
            long total = cpuNanos;
            if (runNanos < 0 || (total != ProgressGate.NO_TOTAL && total < runNanos) || length > LONGEST_PROGRESS) {
                throw new IOException("progress of " + runNanos + " of " + total + " with " + length + " bytes");
            }
            return Report.of(runNanos, total, new String(payload, 0, length, StandardCharsets.UTF_8));
        }

        /** The processor time for those who look on: a clock that is too coarse says 0. */
        long knownCpuNanos() {
            return cpuNanos > 0 ? cpuNanos : TaskObserver.UNKNOWN;
        }
    }

    /** What {@link ProgressGate#LONGEST_MESSAGE} takes at the most. */
    int LONGEST_PROGRESS = 3 * ProgressGate.LONGEST_MESSAGE;

    /** What a task may send to its submitter at a time at the most. */
    int LONGEST_MESSAGE = TaskMessages.MOST_BYTES;

    /** How many tasks may be sent ahead of the one in flight. */
    int mostAhead();

    /**
     * Whether a task of that size can be sent without waiting for the worker to read. Asked by the one thread that may
     * send at the time.
     */
    boolean takesAtOnce(int length) throws IOException;

    /**
     * Hands over a task. May wait while a large one is being read.
     *
     * @param task its number
     * @param ahead whether the worker has to claim it on its {@link StatusPage} before it begins it
     * @param message the encoded task
     */
    void sendTask(long task, boolean ahead, EncodedTask message) throws IOException;

    /** The number of the last task that the worker may have read whole: it cannot know the answer to a later one. */
    long lastSent();

    /** Tells of the shape of a lambda that is in the next task. */
    void sendShape(int number, byte[] description) throws IOException;

    /** Asks the worker to interrupt a task, or to skip it if it has not begun. */
    void cancel(long task) throws IOException;

    /** Asks the worker to exit. */
    void quit() throws IOException;

    /** The next answer, if one is there. One thread at a time. */
    @Nullable Reply poll() throws IOException;

    /**
     * Waits until there may be an answer; false when the worker is gone, and has left none. Only the serving thread.
     */
    boolean await() throws IOException;

    /** Nobody needs the payload of an answer any more: the link may use the array again. */
    default void useAgain(byte[] payload) {}

    /** Waits for the next answer, no matter the progress before it; null when the worker is gone. */
    default @Nullable Reply receive() throws IOException {
        Reply reply = poll();
        while (reply == null ? await() : reply.kind() == Kind.PROGRESS) {
            reply = poll();
        }
        return reply;
    }

    /**
     * Takes over from a serving thread that sleeps in {@link #await}: nobody wakes it until {@link #pollNoMore}.
     *
     * @return false when it does not sleep, or nobody can take over
     */
    default boolean pollInstead() {
        return false;
    }

    /** The next answer, if all of it is there; for who polls instead. */
    default @Nullable Reply pollWhole() throws IOException {
        return null;
    }

    /** Whether there is an answer, or part of one; for who polls instead. */
    default boolean hasAnswer() throws IOException {
        return false;
    }

    /** Gives back to the serving thread. */
    default void pollNoMore() {}

    /** How many bytes of answers were taken: as long as it stays the same, nothing comes. Any thread. */
    long taken();

    /** The worker has ended: what it has answered can still be received, and then nothing. */
    void workerEnded();

    /** Closes this end; waits for nobody. The worker takes that for the end of its parent, and halts. */
    @Override
    void close();

    /** The worker's end. The thread that runs tasks takes tasks and sends answers; another hears control. */
    interface WorkerEnd {
        /**
         * A task as it came, in the first bytes of an array; one that was sent ahead may have been taken back since.
         * Somebody hears what it sends, or nobody.
         */
        record Task(long number, boolean ahead, boolean heard, byte[] message, int length) {}

        /** What it shares with the parent. */
        StatusPage page();

        /** The shapes of lambdas that came before the last task. */
        LambdaShapes.Known shapes();

        /**
         * Waits for the next task, whose message is good until then; null when the parent is gone, or this process is
         * about to end.
         */
        @Nullable Task nextTask() throws IOException;

        /**
         * The process is about to end: the thread that waits for a task is told that there is none, if it can be. One
         * that is left in native code delays the end of a JVM by 0.3 s.
         */
        void end();

        /** Sends an answer, progress or a message; only the thread that runs tasks. */
        void send(Kind kind, long task, long runNanos, long cpuNanos, MessageBuffer payload) throws IOException;

        /** Hears the parent: which task to cancel, 0 to exit, or -1 when the parent is gone. */
        long nextControl() throws IOException;
    }
}
