package dev.sennit.cli.services;

import dev.sennit.cli.services.ControlServer.Answer;
import dev.sennit.internal.Linux;
import dev.sennit.internal.linux.DescriptorSender;
import dev.sennit.internal.linux.HeldListeners;
import dev.sennit.internal.linux.ListeningSocket;
import dev.sennit.service.ServiceException;
import dev.sennit.service.ServiceLog;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The former manager's side of a handover: starts the new manager, sends it the sockets, and stops when the new one
 * says that its services are up. {@link TakeOver} is the other side.
 *
 * <pre>
 * FREE -> HELD      a process takes over: it has a connection open, and nothing else is changed meanwhile
 * HELD -> FREE      the process has gone, or has given up
 * HELD -> GIVEN     the process has all, and this manager stops
 * </pre>
 */
final class HandOver {
    /** The manager that is to hand over. */
    interface Giver {
        /** Why it cannot hand over now; empty if it can. */
        String obstacle();

        /** Why it cannot start the new manager itself; empty if it can. */
        String obstacleToStart();

        /** Whether it was told to stop. */
        boolean isStopping();

        /** Sends the rows of what there is. */
        void offer(Answer answer) throws IOException;

        /** Its control socket. */
        ListeningSocket control();

        /**
         * Gives up all that the new manager needs, and stops.
         *
         * @param hasControl whether the new manager has the control socket
         */
        void give(long pid, boolean hasControl);
    }

    private static final Duration LOOK = Duration.ofMillis(100);
    private static final Duration SEND_LIMIT = Duration.ofSeconds(10);

    private record Lease(long pid, Answer answer) {}

    private final Giver giver;
    private final ServiceLog log;

    // guarded by this
    private @Nullable Lease lease;
    private boolean hasControl;
    private boolean isGiven;
    /** Reloads that have not been taken in yet. */
    private int changes;
    /** The process that was started to take over, and has not ended. */
    private @Nullable Process started;
    private CompletableFuture<Void> taken = new CompletableFuture<>();
    /** The process that has said last why it does not take over. */
    private long failed;
    private String failure = "";

    HandOver(Giver giver, ServiceLog log) {
        this.giver = giver;
        this.log = log;
    }

    // ---- other changes ----

    /** Begins a change; returns the reason if it may not be, and otherwise nothing. */
    synchronized String beginChange() {
        Lease held = lease;
        if (isGiven) {
            return "the services were handed over";
        }
        if (held != null) {
            return "process " + held.pid() + " takes over: wait until it has";
        }
        changes++;
        return "";
    }

    synchronized void endChange() {
        changes--;
    }

    /** Whether the services were handed over. */
    synchronized boolean isGiven() {
        return isGiven;
    }

    // ---- the start of the new manager ----

    /**
     * Starts the new manager.
     *
     * @param invocation how this one was started
     * @param options those by which the new one takes over
     * @return done when it has taken over
     */
    CompletableFuture<Void> start(Invocation invocation, List<String> options) {
        Process process;
        CompletableFuture<Void> done;
        synchronized (this) {
            Process starting = started;
            String obstacle = starting == null
                    ? obstacle()
                    : "process " + starting.pid() + ", which is to take over, was started already";
            obstacle = obstacle.isEmpty() ? giver.obstacleToStart() : obstacle;
            if (!obstacle.isEmpty()) {
                return refused(obstacle);
            }
            try {
                process = invocation.with(options).start();
            } catch (IOException e) {
                return refused("the new manager cannot be started: " + e.getMessage());
            }
            started = process;
            done = new CompletableFuture<>();
            taken = done;
        }
        log.note("starts process " + process.pid() + ", which is to take over: "
                + String.join(" ", invocation.command()));
        process.onExit().thenAccept(ended -> {
            String why = whyNot(ended);
            if (!why.isEmpty()) {
                log.note("has not handed over, and goes on: " + why);
                done.completeExceptionally(new ServiceException("not handed over, the manager goes on: " + why));
            }
        });
        return done;
    }

    /** What a handover waits for. */
    synchronized String waitsFor() {
        Process starting = started;
        return starting == null
                ? "waits for the end of the old workers"
                : "waits for process " + starting.pid() + (lease == null ? " to start" : ", whose services start");
    }

    private CompletableFuture<Void> refused(String why) {
        log.note("does not hand over: " + why);
        return CompletableFuture.failedFuture(new ServiceException("not handed over: " + why));
    }

    /** Returns why a process that has ended did not take over; empty if it did. */
    private String whyNot(Process ended) {
        synchronized (this) {
            started = null;
            if (isGiven) {
                return "";
            }
            String why = "process " + ended.pid() + " has ended with exit code " + ended.exitValue();
            return failed == ended.pid() ? why + ": " + failure : why + "; its output may say why";
        }
    }

    /** A process says why it does not take over. */
    synchronized Outcome fails(long pid, String why) {
        failed = pid;
        failure = why;
        notifyAll();
        return Outcome.DONE;
    }

    // ---- requests of the new manager ----

    private String obstacle() {
        Lease held = lease;
        if (isGiven) {
            return "the services were handed over already";
        }
        if (held != null) {
            return "process " + held.pid() + " takes over already";
        }
        if (giver.isStopping()) {
            return "the manager stops";
        }
        return changes > 0 ? "the manager reloads; try again when it has" : giver.obstacle();
    }

    /** Offers what there is, and waits until the new manager has it, or has gone. */
    Outcome hold(long pid, Answer answer) throws IOException, InterruptedException {
        var held = new Lease(pid, answer);
        synchronized (this) {
            String obstacle = obstacle();
            if (!obstacle.isEmpty()) {
                log.note("process " + pid + " may not take over: " + obstacle);
                return new Outcome(1, obstacle);
            }
            lease = held;
            hasControl = false;
            failed = 0; // of an earlier process, perhaps of the same number
        }
        String why = "process " + pid + " has gone";
        try {
            log.note("process " + pid + " begins to take over; all goes on until its services are up");
            giver.offer(answer);
            answer.row("begin");
            synchronized (this) {
                while (!isGiven && failed != pid && !giver.isStopping() && answer.isWanted()) {
                    TimeUnit.NANOSECONDS.timedWait(this, LOOK.toNanos());
                }
                if (isGiven) {
                    return Outcome.DONE;
                }
                if (failed == pid) {
                    why = failure;
                } else if (giver.isStopping()) {
                    why = "the manager was told to stop";
                }
                return new Outcome(1, why);
            }
        } finally {
            synchronized (this) {
                lease = null;
                if (!isGiven) {
                    log.note("process " + pid + " has not taken over: " + why);
                }
            }
        }
    }

    /** Sends a descriptor to the process that takes over. */
    Outcome send(long pid, String what, String name, Path path, HeldListeners listeners) throws IOException {
        synchronized (this) {
            if (!isHeldBy(pid)) {
                return new Outcome(1, "process " + pid + " does not take over");
            }
        }
        try {
            switch (what) {
                case "listener" -> listeners.send(name, path);
                case "spare" -> listeners.sendSpare(Integer.parseInt(name), path);
                case "control" -> {
                    int descriptor = giver.control().duplicate();
                    try {
                        DescriptorSender.send(path, descriptor, SEND_LIMIT);
                    } finally {
                        Linux.close(descriptor);
                    }
                    synchronized (this) {
                        hasControl = isHeldBy(pid);
                    }
                }
                default -> throw new IllegalArgumentException("the manager does not know \"" + what + "\"");
            }
        } catch (IOException e) {
            return new Outcome(1, String.valueOf(e.getMessage()));
        }
        return Outcome.DONE;
    }

    private boolean isHeldBy(long pid) {
        Lease held = lease;
        return held != null && held.pid() == pid;
    }

    /** Hands over: gives up what the new manager needs, and stops. */
    Outcome give(long pid) {
        boolean isControlTheirs;
        synchronized (this) {
            Lease held = lease;
            if (held == null || held.pid() != pid || failed == pid || !held.answer().isWanted()) {
                return new Outcome(1, "process " + pid + " does not take over");
            }
            if (giver.isStopping()) {
                return new Outcome(1, "the manager was told to stop");
            }
            isGiven = true;
            isControlTheirs = hasControl;
        }
        try {
            giver.give(pid, isControlTheirs);
        } finally {
            synchronized (this) {
                notifyAll();
                taken.complete(null);
            }
        }
        return Outcome.DONE;
    }
}
