package dev.sennit.service;

import dev.sennit.internal.Backend;
import dev.sennit.internal.machine.ExitCodes;
import dev.sennit.internal.view.WorkerFigures;
import dev.sennit.process.LineListener;
import dev.sennit.process.NoteListener;
import dev.sennit.process.WorkerProcess;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The manager's view of the process of a Java service. The object is made before the process, and receives its notes
 * and lines. A warm spare is {@linkplain #begin begun} when it is needed.
 */
final class JvmRun implements Run, NoteListener, LineListener {
    /** Sends a listener to the worker. */
    interface Handover {
        void send() throws IOException;
    }

    private static final int REMEMBERED = 8;

    private volatile @Nullable RunListener listener;
    private volatile @Nullable LineSink lines;
    private volatile @Nullable WorkerProcess process;
    /** Sends the listener to the worker. The first request takes this object. */
    private final AtomicReference<@Nullable Handover> handover = new AtomicReference<>();
    /** Why this object has killed the process; null if it has not. */
    private volatile @Nullable String killed;
    /** Guarded by itself. The last lines of standard error. */
    private final Deque<String> lastLines = new ArrayDeque<>();

    /** Sets the listener and the sink of this run. Called before the process gets its main. */
    void begin(RunListener hears, LineSink takes) {
        listener = hears;
        lines = takes;
    }

    /** Sets how the worker gets its listener when it asks for it. Called before the process gets its main. */
    void listensBy(Handover sends) {
        handover.set(sends);
    }

    /** Sets the process. Called once, when the process has its main. */
    void isIn(WorkerProcess started) {
        process = started;
        started.onExit().thenAccept(this::ended);
    }

    private void ended(WorkerProcess ended) {
        RunListener hears = listener;
        if (hears != null) {
            OptionalInt code = ended.exitCode();
            hears.ended(new RunEnd(code.orElse(-1), ended.wasKilled(), describe(ended)));
        }
    }

    private String describe(WorkerProcess ended) {
        String cause = killed;
        if (cause != null) {
            return cause;
        }
        int code = ended.exitCode().orElse(-1);
        String text = ended.failure().isPresent() && ended.failure().get().getMessage() != null
                ? ended.failure().get().getMessage()
                : ExitCodes.describe(code < 0 ? 128 - code : code);
        String said;
        synchronized (lastLines) {
            said = String.join(" | ", lastLines);
        }
        return code == 0 || said.isEmpty() ? text : text + "; it said: " + said;
    }

    @Override
    public void note(WorkerProcess from, byte[] bytes) {
        RunListener hears = listener;
        WorkerFigures figures = ServiceNote.isFigures(bytes) ? ServiceNote.figures(bytes) : null;
        if (figures != null && hears != null) {
            hears.figures(figures);
            return;
        }
        ServiceNote note = ServiceNote.read(bytes);
        Handover sends = note != null && note.kind() == ServiceNote.Kind.LISTENER ? handover.getAndSet(null) : null;
        if (hears == null || note == null || note.kind() == ServiceNote.Kind.RELOAD
                || note.kind() == ServiceNote.Kind.LISTENER && sends == null) {
            killed = "was killed, as it said what no worker says";
            from.kill();
            return;
        }
        switch (note.kind()) {
            case READY -> hears.ready();
            case HEARTBEAT -> hears.heartbeat();
            case WORKED -> hears.worked(note.number());
            case LISTENER -> send(from, Objects.requireNonNull(sends));
            case RELOAD, FIGURES -> throw new AssertionError("refused above");
        }
    }

    /** Sends the listener, in a thread of its own, as the sending waits for the worker. */
    private void send(WorkerProcess to, Handover sends) {
        try {
            Backend.start(Thread.ofPlatform().daemon().name("sennit-listener").unstarted(() -> {
                try {
                    sends.send();
                } catch (IOException | RuntimeException | Error e) {
                    refuse(to, e);
                }
            }));
        } catch (OutOfMemoryError e) { // no thread available
            refuse(to, e);
        }
    }

    private void refuse(WorkerProcess to, Throwable cause) {
        killed = RunEnd.oneLine("was killed, as it could not get its listener: " + cause.getMessage());
        to.kill();
    }

    @Override
    public void line(String worker, boolean error, String line) {
        if (error && !line.startsWith("\tat ")) { // drops the frames of a stack trace, as its first lines say most
            synchronized (lastLines) {
                lastLines.addLast(line);
                if (lastLines.size() > REMEMBERED) {
                    lastLines.removeFirst();
                }
            }
        }
        LineSink takes = lines;
        if (takes != null) {
            takes.line(error, line);
        }
    }

    @Override
    public long pid() {
        WorkerProcess started = process;
        return started == null ? 0 : started.pid();
    }

    @Override
    public void terminate(Duration limit) {
        WorkerProcess started = process;
        if (started != null) {
            started.stop(limit);
        }
    }

    @Override
    public void reload() {
        WorkerProcess started = process;
        if (started != null) {
            started.send(ServiceNote.of(ServiceNote.Kind.RELOAD).bytes());
        }
    }

    @Override
    public void kill() {
        WorkerProcess started = process;
        if (started != null) {
            started.kill();
        }
    }
}
