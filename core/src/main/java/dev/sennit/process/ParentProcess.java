package dev.sennit.process;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Deadline;
import dev.sennit.internal.Uncaught;
import java.io.StreamCorruptedException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The process that started this one, as the code in a {@link WorkerProcess} sees it: takes and sends notes, and asks to
 * stop. From {@link WorkerProcess#parent}. Safe for any thread.
 *
 * {@snippet :
 * import java.util.concurrent.CountDownLatch;
 *
 * WorkerProcess process = WorkerProcess.builder()
 *         .onNote((from, note) -> System.out.println(from.name() + " says " + new String(note)))
 *         .start(() -> {
 *             var stopped = new CountDownLatch(1);
 *             ParentProcess parent = WorkerProcess.parent().orElseThrow();
 *             parent.onStop(limit -> stopped.countDown());
 *             parent.send("ready".getBytes());
 *             stopped.await();
 *         });
 * process.stop(java.time.Duration.ofSeconds(5));
 * }
 */
public final class ParentProcess {
    /** How much is handed to the listener until the parent is told, which may then send as much again. */
    private static final int TELL = 1 << 16;

    private record StopListener(Consumer<Duration> listener, @Nullable ClassLoader loader) {}

    /** Tests say through it what nobody should say. */
    final Outbox outbox;
    private final Object lock = new Object();

    /** Guarded by lock. Notes that have not been handed over. */
    private final Deque<byte[]> notes = new ArrayDeque<>();
    /** Guarded by lock. In bytes, with their headers. */
    private long kept;
    /** Guarded by lock. */
    private boolean isListenedTo;
    /** Guarded by lock. */
    private final List<StopListener> stopListeners = new ArrayList<>();
    /** Guarded by lock. Those that run stop listeners. */
    private final List<Thread> stopping = new ArrayList<>();
    /** Guarded by lock. Null until this process is asked to stop. */
    private @Nullable Deadline stopBy;

    ParentProcess(Outbox outbox) {
        this.outbox = outbox;
    }

    /**
     * Sends a note to the {@linkplain WorkerProcess.Builder#onNote listener} of the parent. Does not wait for the
     * parent: the note waits here if the parent does not read at once. Notes of one thread arrive in order; those that
     * wait when this process ends by itself are sent before, for which the parent has a second.
     *
     * @param note at most 64 KiB; it is copied
     * @return false if the parent has ended, or 1 MiB of notes wait for it already
     * @throws IllegalArgumentException if it is longer
     */
    public boolean send(byte[] note) {
        return outbox.offer(note);
    }

    /**
     * Sets the listener for the parent's notes, which gets those as well that have come before. It is called in one
     * thread, in order, and its exceptions are logged. A listener that takes long makes the parent's
     * {@link WorkerProcess#send} return false once 1 MiB of notes wait for it.
     *
     * @param listener gets each note, in an array of its own
     * @throws IllegalStateException if there is one already
     */
    public void onNote(Consumer<byte[]> listener) {
        Objects.requireNonNull(listener, "listener");
        synchronized (lock) {
            if (isListenedTo) {
                throw new IllegalStateException("the parent's notes have a listener already");
            }
            Backend.start(Thread.ofPlatform().daemon().name("sennit-notes").unstarted(() -> handOver(listener)));
            isListenedTo = true;
        }
    }

    /**
     * Adds a listener that is called once, in a thread of its own, when this process shall stop: the parent
     * {@linkplain WorkerProcess#stop says so}, or has ended. Called at once if that has happened already.
     *
     * <p>After a stop the process has to end by itself, for example by the return of its main; at the deadline it is
     * killed. A process that has no such listener when it is asked to stop exits at once, as by SIGTERM. After the
     * parent's end the process exits as soon as all listeners have returned; what has to be finished first, a listener
     * waits for.
     *
     * @param listener gets the time that is left. What it throws is logged
     */
    public void onStop(Consumer<Duration> listener) {
        var added = new StopListener(Objects.requireNonNull(listener, "listener"),
                Thread.currentThread().getContextClassLoader());
        synchronized (lock) {
            if (stopBy != null) {
                run(added, stopBy);
            } else {
                stopListeners.add(added);
            }
        }
    }

    /**
     * Whether this process has been asked to stop, or the parent has ended.
     *
     * @return true from then on
     */
    public boolean isStopping() {
        synchronized (lock) {
            return stopBy != null;
        }
    }

    // ---- what the parent says; called by the thread that reads it ----

    /** Keeps a note for the listener. */
    void received(byte[] note) throws StreamCorruptedException {
        synchronized (lock) {
            kept += Frames.HEADER + note.length;
            if (kept > Outbox.MOST_NOTES) {
                throw new StreamCorruptedException("more notes than were asked for: " + kept + " bytes wait, where "
                        + Outbox.MOST_NOTES + " may");
            }
            notes.addLast(note);
            lock.notifyAll();
        }
    }

    /**
     * Runs the stop listeners, if they have not been run.
     *
     * @return whether there are any, or were
     * @throws OutOfMemoryError when no thread is available
     */
    boolean stop(Duration limit) {
        synchronized (lock) {
            Deadline deadline = Deadline.in(limit);
            boolean isFirst = stopBy == null;
            if (stopBy == null || deadline.left() < stopBy.left()) {
                stopBy = deadline;
            }
            if (isFirst) {
                for (StopListener each : stopListeners) {
                    run(each, stopBy);
                }
            }
            return !stopping.isEmpty();
        }
    }

    private void run(StopListener added, Deadline deadline) {
        Thread thread = Thread.ofPlatform().daemon().name("sennit-stop").unstarted(() -> {
            try {
                added.listener().accept(Duration.ofNanos(Math.max(0, deadline.left())));
            } catch (Throwable e) { // the process stops all the same
                Uncaught.log("stop listener failed", e);
            }
        });
        thread.setContextClassLoader(added.loader());
        stopping.add(Backend.start(thread));
    }

    /** Waits until all stop listeners that were started have returned. */
    void awaitStopListeners() throws InterruptedException {
        List<Thread> started;
        synchronized (lock) {
            started = List.copyOf(stopping);
        }
        for (Thread each : started) {
            each.join();
        }
    }

    private void handOver(Consumer<byte[]> listener) {
        int taken = 0;
        while (true) {
            byte[] note = next();
            try {
                listener.accept(note);
            } catch (Throwable e) { // the next note is wanted all the same
                Uncaught.log("note listener failed", e);
            }
            taken += Frames.HEADER + note.length;
            if (taken >= TELL || isEmpty()) {
                outbox.add(Frames.taken(taken));
                taken = 0;
            }
        }
    }

    private byte[] next() {
        synchronized (lock) {
            while (notes.isEmpty()) {
                try {
                    lock.wait();
                } catch (InterruptedException e) {
                    // by the listener; this thread has nothing to end
                }
            }
            byte[] note = notes.removeFirst();
            kept -= Frames.HEADER + note.length;
            return note;
        }
    }

    private boolean isEmpty() {
        synchronized (lock) {
            return notes.isEmpty();
        }
    }

    @Override
    public String toString() {
        synchronized (lock) {
            return "ParentProcess[" + notes.size() + " notes wait" + (stopBy == null ? "]" : ", stopping]");
        }
    }
}
