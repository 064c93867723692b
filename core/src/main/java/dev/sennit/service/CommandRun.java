package dev.sennit.service;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Durations;
import dev.sennit.internal.Quietly;
import dev.sennit.internal.Timers;
import dev.sennit.internal.machine.ExitCodes;
import dev.sennit.internal.machine.OutputReader;
import dev.sennit.internal.machine.ProcessEnd;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A running command and its {@link Keeper}.
 *
 * <p>A run goes {@code RUNNING -> ASKED -> KILLED -> OVER}, and may skip any state but the last.
 *
 * <p>There are two locks. {@link #lock} guards the state that methods of {@link Run} change. Their callers may hold
 * locks that the listener acquires, so the listener is never called with this lock. {@link #telling} serializes the
 * calls of the listener, with the end as the last; no method of {@link Run} acquires it.
 */
final class CommandRun implements Run {
    /** The time for the keeper to end after it has killed the group, which takes milliseconds. */
    private static final Duration KEEPER_LIMIT = Duration.ofSeconds(1);
    /**
     * The time to read the output of ended processes. It is there at once, unless a process that has left the group
     * holds the pipe.
     */
    private static final Duration OUTPUT_LIMIT = Duration.ofMillis(500);
    /** The time between two checks of a port. */
    private static final Duration PAUSE = Duration.ofMillis(50);

    private static final long STACK = 1 << 18;

    private final String worker;
    private final Process keeper;
    private final long pid;
    /** The process of the command; empty if it had ended already. */
    private final Optional<ProcessHandle> command;

    private final Readiness readiness;
    /** The socket by which the command reports that it is ready, or null. */
    private final @Nullable NotifySocket notify;

    private final LineSink lines;
    private final RunListener listener;

    private final Object lock = new Object();
    /** Guarded by lock. The timer of the kill; null if the command was not asked to end. */
    private @Nullable Future<?> deadline;
    /** Guarded by lock. The time of the kill, in nanoseconds of the backend's clock. */
    private long deadlineAt;
    /** Guarded by lock. Why the command was killed; null if it was not. */
    private @Nullable String killed;
    /** Guarded by lock. */
    private boolean over;
    /** Guarded by lock. The next check of readiness, or null. */
    private @Nullable Future<?> nextLook;

    private final Object telling = new Object();
    /** Written while the thread holds telling. */
    private volatile boolean toldReady;
    /** Guarded by telling. */
    private boolean toldEnd;

    CommandRun(
            String worker,
            Process keeper,
            long pid,
            Readiness readiness,
            @Nullable NotifySocket notify,
            LineSink lines,
            RunListener listener) {
        this.worker = worker;
        this.keeper = keeper;
        this.pid = pid;
        this.command = ProcessHandle.of(pid);
        this.readiness = readiness;
        this.notify = notify;
        this.lines = lines;
        this.listener = listener;
    }

    /**
     * Starts the threads that supervise the command.
     *
     * @throws OutOfMemoryError if no thread is available; then the command is killed, and the listener is not called.
     *     The caller closes the resources that it has passed
     */
    void begin() {
        try {
            var output = new OutputReader(worker, keeper, this::line);
            if (notify != null) {
                notify.listen(worker, this::ready);
            }
            var end = new Thread(null, () -> awaitEnd(output), worker + "-end", STACK, false);
            end.setDaemon(true);
            Backend.start(end);
        } catch (Throwable e) {
            synchronized (telling) {
                toldEnd = true;
            }
            kill();
            throw e;
        }
        switch (readiness) {
            case Readiness.Alive alive -> lookIn(alive.time(), this::readyIfAlive);
            case Readiness.Port port -> lookIn(PAUSE, () -> lookAt(port.number()));
            case Readiness.Line _, Readiness.Said _ -> {}
            case Readiness.Initialized _ -> throw new AssertionError("commands are not initialized");
        }
    }

    // ---- readiness ----

    private void line(boolean error, String text) {
        try {
            lines.line(error, text);
        } finally {
            if (!toldReady && readiness instanceof Readiness.Line(Pattern pattern) && pattern.matcher(text).find()) {
                ready();
            }
        }
    }

    /**
     * Schedules a check of readiness. If no timer is available, the command could never become ready, and is killed at
     * once.
     */
    private void lookIn(Duration delay, Runnable look) {
        try {
            synchronized (lock) {
                if (!over) {
                    nextLook = Timers.after(delay, look);
                }
            }
        } catch (OutOfMemoryError e) {
            kill("was killed: there was no timer to see whether it is ready");
        }
    }

    private void lookAt(int port) {
        if (Ports.accepts(port)) {
            readyIfAlive();
        } else {
            lookIn(PAUSE, () -> lookAt(port));
        }
    }

    private void readyIfAlive() {
        if (keeper.isAlive()) {
            ready();
        }
    }

    private void ready() {
        synchronized (telling) {
            if (!toldReady && !toldEnd) {
                toldReady = true;
                listener.ready();
            }
        }
    }

    // ---- orders ----

    @Override
    public long pid() {
        return pid;
    }

    @Override
    public void terminate(Duration limit) {
        synchronized (lock) {
            if (over || killed != null) {
                return;
            }
            long at = Backend.current().nanoTime() + Math.min(Timers.nanos(limit), Long.MAX_VALUE >> 1);
            if (deadline != null && at - deadlineAt >= 0) {
                return;
            }
            boolean isFirst = deadline == null;
            try {
                Future<?> next = Timers.after(limit, () -> kill(late(limit)));
                if (deadline != null) {
                    deadline.cancel(false);
                }
                deadline = next;
                deadlineAt = at;
            } catch (OutOfMemoryError e) {
                kill("was killed: there was no timer for its end");
            }
            if (isFirst) {
                tell('T');
            }
        }
    }

    private static String late(Duration limit) {
        return "was killed, as it did not end within " + Durations.text(limit);
    }

    @Override
    public void reload() {
        synchronized (lock) {
            if (!over) {
                tell('H');
            }
        }
    }

    @Override
    public void kill() {
        kill("was killed");
    }

    private void kill(String why) {
        synchronized (lock) {
            if (over) {
                return;
            }
            tell('K');
            command.ifPresent(ProcessHandle::destroyForcibly); // works even if another process has killed the watch
            if (killed == null) {
                killed = why;
                try {
                    Timers.after(KEEPER_LIMIT, keeper::destroyForcibly); // the keeper may have been stopped by a signal
                } catch (OutOfMemoryError e) {
                    keeper.destroyForcibly();
                }
            }
        }
    }

    /** Sends an order to the watch. Blocks only if 32 Ki letters are unread. The caller holds the lock. */
    private void tell(char letter) {
        try {
            OutputStream pipe = keeper.getOutputStream();
            pipe.write(new byte[] {(byte) letter, '\n'});
            pipe.flush();
        } catch (IOException e) {
            // the keeper has ended
        }
    }

    // ---- the end ----

    private void awaitEnd(OutputReader output) {
        int code = ProcessEnd.await(keeper);
        String killedWhy;
        boolean wasAsked;
        synchronized (lock) {
            over = true;
            killedWhy = killed;
            wasAsked = deadline != null;
            cancel(deadline);
            cancel(nextLook);
        }
        // The JDK closes the pipe once the output has ended. If another process has killed the keeper, its processes
        // keep the output open, and live until the watch reads the end of the pipe.
        Quietly.close(keeper.getOutputStream());
        try {
            output.awaitEnd(OUTPUT_LIMIT);
        } catch (InterruptedException e) {
            throw new AssertionError("nobody knows this thread", e);
        }
        if (notify != null) {
            notify.close();
        }
        OptionalInt signal = ExitCodes.signalOf(code);
        String why = Objects.requireNonNullElse(killedWhy, ExitCodes.describe(code));
        boolean hasFailed = killedWhy != null || code != 0 && !wasAsked;
        var end = new RunEnd(
                signal.isPresent() ? -signal.getAsInt() : code,
                killedWhy != null,
                hasFailed ? why + said(output) : why);
        synchronized (telling) {
            if (!toldEnd) {
                toldEnd = true;
                listener.ended(end);
            }
        }
    }

    private static void cancel(@Nullable Future<?> timer) {
        if (timer != null) {
            timer.cancel(false);
        }
    }

    private static String said(OutputReader output) {
        return output.lastLines().isEmpty() ? "" : "; it said: " + String.join(" | ", output.lastLines());
    }

    @Override
    public String toString() {
        synchronized (lock) {
            String state = over ? "is over" : killed != null ? killed : deadline != null ? "was asked to end" : "runs";
            return "CommandRun[" + worker + ", pid " + pid + ", " + state + "]";
        }
    }
}
