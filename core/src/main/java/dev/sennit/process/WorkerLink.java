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
 * The parent's end of the private connection to one worker, over one of the transports.
 *
 * <p>Links share no state with one another, so a worker can break only its own link. Any thread may send; one thread at
 * a time takes answers.
 */
interface WorkerLink extends AutoCloseable {
    /** The kinds of messages from a worker. */
    enum Kind {
        /** The worker is up and waits for tasks. */
        READY,
        /** A task returned; the payload is the value. */
        VALUE,
        /** A task threw; the payload is the failure. */
        FAILURE,
        /** A task was cancelled before it had begun. */
        SKIPPED,
        /** Progress of the task in flight. This is not an answer: see {@link Reply#progress}. */
        PROGRESS,
        /** What the task in flight sends to its submitter: the payload. This is not an answer either. */
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
     * A message from a worker.
     *
     * @param kind the kind of message
     * @param task the number of its task; 0 for READY
     * @param runNanos how long the task ran
     * @param cpuNanos the processor time of the task; less than 0 if the worker does not know
     * @param payload an array that begins with the encoded outcome
     * @param length the length of the outcome
     */
    record Reply(Kind kind, long task, long runNanos, long cpuNanos, byte[] payload, int length) {
        /** Returns this reply, with its times limited to the age of the process. */
        Reply within(long nanos) {
            long run = Math.clamp(runNanos, 0, nanos);
            long cpu = Math.clamp(cpuNanos, TaskObserver.UNKNOWN, nanos);
            return run == runNanos && cpu == cpuNanos ? this : new Reply(kind, task, run, cpu, payload, length);
        }

        /**
         * Returns the progress in a PROGRESS reply: the fields of the times hold done and total, and the payload the
         * message.
         *
         * @throws IOException if the values are impossible
         */
        Report progress() throws IOException {
            long total = cpuNanos;
            if (runNanos < 0 || (total != ProgressGate.NO_TOTAL && total < runNanos) || length > LONGEST_PROGRESS) {
                throw new IOException("progress of " + runNanos + " of " + total + " with " + length + " bytes");
            }
            return Report.of(runNanos, total, new String(payload, 0, length, StandardCharsets.UTF_8));
        }

        /** Returns the processor time for events; 0, from a clock that is too coarse, counts as unknown. */
        long knownCpuNanos() {
            return cpuNanos > 0 ? cpuNanos : TaskObserver.UNKNOWN;
        }
    }

    /** The most bytes that {@link ProgressGate#LONGEST_MESSAGE} characters take. */
    int LONGEST_PROGRESS = 3 * ProgressGate.LONGEST_MESSAGE;

    /** The most bytes that a task may send to its submitter at a time. */
    int LONGEST_MESSAGE = TaskMessages.MOST_BYTES;

    /** Returns how many tasks may be sent ahead while one is in flight. */
    int mostAhead();

    /**
     * Returns whether a task of this size can be sent without waiting for the worker to read. Called by the thread that
     * may send at the time.
     */
    boolean takesAtOnce(int length) throws IOException;

    /**
     * Sends a task. May wait while the worker reads a large task.
     *
     * @param task the number of the task
     * @param ahead whether the worker has to claim the task on its {@link StatusPage} before it begins it
     * @param message the encoded task
     */
    void sendTask(long task, boolean ahead, EncodedTask message) throws IOException;

    /**
     * Returns the number of the last task that the worker may have read completely. An answer to a later task is false.
     */
    long lastSent();

    /** Sends the shape of a lambda in the next task. */
    void sendShape(int number, byte[] description) throws IOException;

    /** Asks the worker to interrupt a task, or to skip it if it has not begun. */
    void cancel(long task) throws IOException;

    /** Asks the worker to exit. */
    void quit() throws IOException;

    /** Returns the next answer, or null if there is none. One thread at a time. */
    @Nullable Reply poll() throws IOException;

    /**
     * Waits until there may be an answer. Returns false when the worker is gone and has left no answer. Only the
     * serving thread.
     */
    boolean await() throws IOException;

    /** Gives back the payload of an answer: the link may reuse the array. */
    default void useAgain(byte[] payload) {}

    /** Waits for the next answer, and skips progress before it. Returns null when the worker is gone. */
    default @Nullable Reply receive() throws IOException {
        Reply reply = poll();
        while (reply == null ? await() : reply.kind() == Kind.PROGRESS) {
            reply = poll();
        }
        return reply;
    }

    /**
     * Takes over from a serving thread that sleeps in {@link #await}: answers do not wake it until {@link #pollNoMore}.
     *
     * @return false if the serving thread does not sleep, or this link does not support taking over
     */
    default boolean pollInstead() {
        return false;
    }

    /** Returns the next answer, or null if it is not there completely. Only after {@link #pollInstead}. */
    default @Nullable Reply pollWhole() throws IOException {
        return null;
    }

    /** Returns whether there is an answer, or part of one. Only after {@link #pollInstead}. */
    default boolean hasAnswer() throws IOException {
        return false;
    }

    /** Hands over to the serving thread again. */
    default void pollNoMore() {}

    /**
     * Returns how many bytes of answers were taken. While this number stays the same, no answers arrive. Any thread.
     */
    long taken();

    /** Notes that the worker has ended: its answers can still be received, and then there are no more. */
    void workerEnded();

    /** Closes this end without waiting. The worker takes this for the end of its parent, and halts. */
    @Override
    void close();

    /**
     * The worker's end. The thread that runs tasks takes tasks and sends answers; another thread reads control
     * messages.
     */
    interface WorkerEnd {
        /**
         * An encoded task, in the first bytes of an array. A task that was sent ahead may have been taken back
         * meanwhile.
         * {@code heard} says whether the submitter listens to its messages.
         */
        record Task(long number, boolean ahead, boolean heard, byte[] message, int length) {}

        /** Returns the page that the worker shares with its parent. */
        StatusPage page();

        /** Returns the shapes of lambdas that were received before the last task. */
        LambdaShapes.Known shapes();

        /**
         * Waits for the next task. Its message is valid until the next call. Returns null when the parent is gone, or
         * this process is about to end.
         */
        @Nullable Task nextTask() throws IOException;

        /**
         * Notes that the process is about to end, and has {@link #nextTask} return null if possible. A thread that
         * stays in native code delays the end of a JVM by 0.3 s.
         */
        void end();

        /** Sends an answer, progress or a message. Only the thread that runs tasks. */
        void send(Kind kind, long task, long runNanos, long cpuNanos, MessageBuffer payload) throws IOException;

        /**
         * Waits for the next control message. Returns the number of a task to cancel, 0 to exit, or -1 when the parent
         * is gone.
         */
        long nextControl() throws IOException;
    }
}
