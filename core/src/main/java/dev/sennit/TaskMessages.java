package dev.sennit;

import dev.sennit.internal.SubmitterLine;

/**
 * Messages from inside of a task to its submitter, on any kind of pool: what it has done so far, where it could go on.
 *
 * {@snippet :
 * try (Pool pool = Pools.open("processes:2")) {
 *     var latest = new java.util.concurrent.atomic.AtomicReference<byte[]>();
 *     pool.submit(() -> {
 *         for (int row = 1; row <= 300; row++) {
 *             // import the row
 *             if (row % 100 == 0) {
 *                 TaskMessages.send(String.valueOf(row).getBytes());
 *             }
 *         }
 *     }, TaskOptions.NONE.onMessage(latest::set)).join();
 *     System.out.println("imported: " + new String(latest.get()));
 * }
 * }
 *
 * <p>The {@linkplain TaskOptions#onMessage listener} gets the messages in the order sent. The future is done only once
 * the listener has had all that the task sent before its end; where the task was lost with its worker, all that had
 * come whole. No message is given to it once the future is done, except for one that it is being given while another
 * thread ends the future: the messages of a run that was stopped are dropped. Each attempt of a task with a retry sends
 * to the same listener. The messages of a task belong to that task alone, also where a task that waits for it runs it.
 *
 * <p>Messages are neither sampled nor queued without bound. In this JVM the listener is called inside of
 * {@link #send}. From a worker process they travel over the private line to this JVM, over which the result comes too:
 * once some megabytes are on their way, {@code send} waits for the listener. A worker whose task is cancelled meanwhile
 * has to notice it within the grace period even so, or is killed; so the listener should return soon. If it waits for a
 * task of the same pool of processes, it may be called with the next message meanwhile.
 *
 * <p>To tell people how far a task is, {@link TaskProgress} is cheaper: few of its reports travel.
 */
public final class TaskMessages {
    /** The most bytes that a message may have: 1 MiB. */
    public static final int MOST_BYTES = 1 << 20;

    private TaskMessages() {}

    /**
     * Sends a message to the submitter of the task that the calling thread runs. Outside of a task this does nothing,
     * as in a thread that a task has started; so it does if the task was submitted without a listener, or its future is
     * done. Then no bytes travel.
     *
     * <p>An interrupt does not end the wait for a slow listener in another process; it is there afterwards.
     *
     * @param message up to {@value #MOST_BYTES} bytes; the array may be used again at once
     * @return whether there was a listener to send it to; from a worker process, true does not tell that it has arrived
     * @throws IllegalArgumentException if the message is longer
     */
    public static boolean send(byte[] message) {
        if (message.length > MOST_BYTES) {
            throw new IllegalArgumentException(
                    "message must have at most " + MOST_BYTES + " bytes, had " + message.length);
        }
        Submission<?> task = CurrentTask.ofThread();
        if (task == null) {
            return Thread.currentThread() instanceof SubmitterLine line && line.message(message);
        }
        if (task.options().onMessage() == null) {
            return false;
        }
        byte[] own = message.clone();
        Object outer = CurrentTask.enterNobodys(); // what the listener does is not the task's
        try {
            return task.message(own);
        } finally {
            CurrentTask.leave(outer);
        }
    }
}
