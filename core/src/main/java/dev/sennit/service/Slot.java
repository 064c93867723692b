package dev.sennit.service;

import dev.sennit.Attempt;
import dev.sennit.TimeSource;
import dev.sennit.internal.Durations;
import dev.sennit.internal.Timers;
import dev.sennit.internal.view.FigureBook;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.function.LongUnaryOperator;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The place of one worker, which keeps its number while processes come and go.
 *
 * <p>A slot has up to three processes: the <i>current</i> one; a <i>successor</i>, which is starting to take its place;
 * and one that <i>leaves</i>, because its successor is ready. Everything that happens to a worker is a move between the
 * three:
 *
 * <pre>
 * first start    - -> current
 * death          current -> -, and a new current after a pause; a successor under way takes the place at once
 * replacement    - -> successor; when that is ready: current -> leaving, successor -> current
 * given up       successor -> -, when it did not get ready; the current goes on
 * stop           all three are asked to end, and are killed at their limit
 * </pre>
 *
 * <p>{@link #step} reads the current state - which processes have ended or are ready, which limits are over, what the
 * manager {@linkplain Order orders} - and acts on it. So it does not matter if two events come before a step, or if a
 * step runs twice. Only the slot's thread calls it; {@link #order} and {@link #status} are for any thread. The state
 * machine does not depend on processes and does not wait: tests give it launchers and a clock of their own.
 *
 * <p>A step never waits. It has to be called again when something has changed, or after the time that it returns.
 */
final class Slot {
    /** Receives the events of a slot, in the slot's thread. Must not block. */
    interface Listener {
        /** Receives an event of the worker. */
        void happened(ServiceEvent event);

        /** A process that should replace another did not get ready, and is not tried again. */
        void gaveUp(Slot slot, Generation generation, String why);

        /** Returns where the figures of processes go. */
        default FigureBook figures() {
            return new FigureBook();
        }

        /** Too many processes died. */
        void failed(Slot slot, Escalation escalation);
    }

    /** The time between two checks of a process's memory. */
    private static final long MEMORY_LOOK = Duration.ofSeconds(2).toNanos();
    /** The checks in a row that have to find too much memory, as one may find a peak. */
    private static final int LOOKS = 2;
    /** How much the limits of age and work vary between processes, so that not all are replaced at once. */
    private static final double JITTER = 0.1;

    /** The time for a killed process to end; a process that takes longer hangs in the kernel. */
    private static final long KILL_LIMIT = Duration.ofSeconds(10).toNanos();

    /** If a step comes this late, the JVM or the machine has paused. */
    private static final long LATE = Duration.ofSeconds(1).toNanos();

    /** A status, and the process whose heartbeats and work it shows. */
    private record Shown(SlotStatus status, @Nullable SlotRun served) {}

    private final String service;
    private final int id;
    private final TimeSource time;
    private final RandomGenerator random;
    /** Reads the bytes of memory of a process. */
    private final LongUnaryOperator memory;
    private final Listener listener;
    /** Makes the slot's thread call {@link #step}. */
    private final Runnable poke;

    private volatile Order order;
    private volatile Shown shown;

    private volatile boolean wantsToReplace;
    private volatile boolean isReplacing;
    private volatile boolean hasProcess;
    private volatile boolean hasDoneWork;
    /** Whether processes are killed without time to stop. */
    private volatile boolean isKilling;
    /** The requested restarts that were given up, as the successor did not get ready. */
    private volatile GivenUp restartsGivenUp = new GivenUp(0, "");
    /** The order that the last step followed. */
    private volatile @Nullable Order taken;

    // Only the thread that calls step uses the fields below.
    private @Nullable SlotRun current;
    private @Nullable SlotRun successor;
    private @Nullable SlotRun leaving;
    /** The order of the last step. */
    private Order before;
    /** The times of the last deaths, as many as the settings need. */
    private final Deque<Long> deaths = new ArrayDeque<>();
    private int deathsInRow;
    /** After a death, no process is started before this time. */
    private long startAt;
    /** After a successor was given up, no successor is started before this time. */
    private long replaceAt;
    private int givenUpInRow;
    /** The newest generation of which a process of this slot was ready; 0 for none. */
    private long proven;
    /** The newest generation that this slot has given up; 0 for none. */
    private long givenUp;
    /** Whether the last step needs another step by time, and when. */
    private boolean isDue;
    private long dueAt;
    private boolean hasCauseToReplace;
    private boolean isFailed;
    private boolean isDone;
    private long memoryLookAt;
    private long restarts;
    private long replacements;
    private SlotState state = SlotState.WAITING;
    private Instant since;
    private String why = "is not ready yet";
    private String lastEnd = "";

    Slot(
            String service,
            int id,
            Order order,
            TimeSource time,
            RandomGenerator random,
            LongUnaryOperator memory,
            Listener listener,
            Runnable poke) {
        this.service = service;
        this.id = id;
        this.order = order;
        this.time = time;
        this.random = random;
        this.memory = memory;
        this.listener = listener;
        this.poke = poke;
        before = order;
        long now = time.nanoTime();
        startAt = now;
        replaceAt = now;
        memoryLookAt = now;
        since = time.now();
        shown = newStatus(now);
    }

    int id() {
        return id;
    }

    /** Returns the status after the last {@link #step}, with the current heartbeat and work of its process. */
    SlotStatus status() {
        Shown now = shown;
        SlotRun served = now.served;
        return served == null ? now.status : now.status.with(heartbeatAge(served, time.nanoTime()), served.work());
    }

    /** Returns whether the slot replaces its process as soon as it may. */
    boolean wantsToReplace() {
        return wantsToReplace;
    }

    /** Returns whether a successor is starting, or a process that has been replaced is leaving. */
    boolean isReplacing() {
        return isReplacing;
    }

    /** Returns whether any process of the slot has not ended. */
    boolean hasProcess() {
        return hasProcess;
    }

    /** Returns whether the slot's process has ended by itself, and is not to be restarted. */
    boolean isDone() {
        return hasDoneWork;
    }

    /** Returns whether the last step has followed this order, and not an equal one that was given before another. */
    boolean hasTaken(Order given) {
        return taken == given;
    }

    /** Returns whether a step has followed an order with that generation. */
    boolean hasTaken(Generation generation) {
        Order last = taken;
        return last != null && last.generation() == generation;
    }

    /** Returns whether the requested restart with this number is still to be made. */
    boolean isToRestart(long number) {
        Order last = taken;
        return last == null || last.restarts() < number || wantsToReplace || isReplacing;
    }

    /** Returns whether the process of the requested restart with this number did not get ready. */
    boolean hasGivenUpRestart(long number) {
        return restartsGivenUp.restarts >= number;
    }

    /** Returns why the last restart was given up. The status of the slot may be older. */
    String whyRestartWasGivenUp() {
        return restartsGivenUp.why;
    }

    /** The number of requested restarts when one was given up, and the reason. */
    private record GivenUp(long restarts, String why) {}

    /** Returns the current order. */
    Order order() {
        return order;
    }

    /** Sets the order that the slot follows from now on. */
    void order(Order next) {
        if (!next.equals(order)) {
            order = next;
            poke.run();
        }
    }

    /** Kills all processes that have to end, from now on. */
    void kill() {
        isKilling = true;
        poke.run();
    }

    // ---- the state machine ----

    /**
     * Does what is due.
     *
     * @return the nanoseconds after which to call it again, if nothing changes before; {@link Long#MAX_VALUE} for never
     */
    long step() {
        Order now = order;
        if (now != taken) {
            taken = null; // its generation would count as followed while this step may give that one up
        }
        forgiveLateness();
        takeNote(now);
        takeEnds(now);
        takeReadiness(now);
        enforceLimits();
        lookAtMemory();
        if (now.isWanted()) {
            start(now);
            replace(now);
        } else {
            stopAll("is not wanted any more");
        }
        settle(now);
        long wait = nextStep();
        isDue = wait != Long.MAX_VALUE;
        dueAt = isDue ? time.nanoTime() + wait : 0;
        return wait;
    }

    /**
     * After a pause of this JVM, or of the machine, heartbeats are unread: their limits start again, so that healthy
     * processes are not killed.
     */
    private void forgiveLateness() {
        if (isDue && time.nanoTime() - dueAt > LATE) {
            for (SlotRun run : new SlotRun[] {current, successor, leaving}) {
                if (run != null) {
                    run.postponeHeartbeat();
                }
            }
        }
    }

    /** Handles the changes of an order. A reload or a restart by hand starts a failed slot again. */
    private void takeNote(Order now) {
        if (now.generation().number() != before.generation().number() || now.restarts() != before.restarts()
                || now.isWanted() && !before.isWanted()) {
            isFailed = false;
            isDone = false;
            deathsInRow = 0;
            deaths.clear();
            startAt = time.nanoTime();
            replaceAt = startAt;
            givenUpInRow = 0;
        }
        if (now.reloads() != before.reloads()) {
            isFailed = false;
            deaths.clear();
            if (current != null) {
                current.reload();
            }
        }
        before = now;
    }

    private void takeEnds(Order now) {
        SlotRun left = leaving;
        if (left != null && left.end() != null) {
            leaving = null;
            tellStopped(left, left.end());
        }
        SlotRun next = successor;
        if (next != null && next.end() != null) {
            successor = null;
            giveUp(next, next.end());
        }
        SlotRun served = current;
        if (served != null && served.end() != null) {
            current = null;
            ended(served, served.end(), now);
        }
    }

    /** Handles the end of the current process. */
    private void ended(SlotRun served, RunEnd end, Order now) {
        lastEnd = end.why();
        if (served.isStopping || !now.isWanted()) {
            tellStopped(served, end);
        } else if (end.isSuccess() && served.generation.settings().kind() != ServiceKind.ALWAYS) {
            isDone = true;
            becauseOf("has done its work");
            tell(ServiceEvent.Kind.DONE, served, end.why());
        } else {
            String killed = served.whyStopped;
            died(served, killed == null ? end.why() : killed);
        }
        if (successor != null) { // the successor takes the place at once
            current = successor;
            successor = null;
        }
    }

    /** Returns the kind of a death, in a word for figures. */
    private static String cause(SlotRun run) {
        RunEnd end = run.end();
        if (run.isKilled()) {
            return run.wasReady ? "heartbeat" : "start";
        }
        return end == null ? "launch" : end.exitCode() < 0 ? "signal" : "exit";
    }

    private void died(SlotRun run, String how) {
        ServiceSettings settings = run.generation.settings();
        lastEnd = how;
        listener.figures().died(service, run.generation.number(), cause(run));
        tell(ServiceEvent.Kind.DIED, run, how);
        long moment = time.nanoTime();
        if (run.wasReady && moment - run.readyAt >= Timers.nanos(settings.deathWindow())) {
            deathsInRow = 0;
        }
        deathsInRow++;
        deaths.addLast(moment);
        while (deaths.size() > settings.deaths()
                || moment - deaths.getFirst() > Timers.nanos(settings.deathWindow())) {
            deaths.removeFirst();
        }
        if (deaths.size() >= settings.deaths() && settings.escalation() != Escalation.KEEP_TRYING) {
            isFailed = true;
            String text = deaths.size() + (deaths.size() == 1 ? " process died within " : " processes died within ")
                    + Durations.text(settings.deathWindow()) + "; the last: " + how;
            becauseOf(text);
            tell(ServiceEvent.Kind.FAILED, run, text);
            listener.failed(this, settings.escalation());
            return;
        }
        restarts++;
        startAt = moment + pauseAfter(settings, deathsInRow - 1);
        becauseOf("the last process died: " + how);
        if (!run.wasReady && proven > 0 && run.generation.number() > proven) {
            listener.gaveUp(this, run.generation, how);
        }
    }

    /** Returns the pause after a number of deaths in a row; there is none after the first. */
    private long pauseAfter(ServiceSettings settings, int failures) {
        if (failures < 1) {
            return 0;
        }
        Duration pause;
        try {
            pause = settings.backoff().waitAfter(new Attempt(failures, Duration.ZERO, null, null), random);
        } catch (RuntimeException | Error e) { // user code has failed: the longest default pause is safe
            pause = ServiceSettings.LONGEST_PAUSE;
        }
        return Math.clamp(Timers.nanos(pause), 0, Timers.nanos(ServiceSettings.LONGEST));
    }

    private void giveUp(SlotRun next, RunEnd end) {
        if (next.isStopping) {
            tellStopped(next, end);
            servesOn("generation " + next.generation.number() + " is not wanted any more");
            return;
        }
        String how = next.whyStopped == null ? end.why() : next.whyStopped;
        lastEnd = how;
        givenUp(next, how);
    }

    private void givenUp(SlotRun next, String how) {
        tell(ServiceEvent.Kind.GIVEN_UP, next, how);
        servesOn("its successor was given up: " + how);
        givenUpInRow++;
        replaceAt = time.nanoTime() + pauseAfter(next.generation.settings(), givenUpInRow);
        if (next.restarts >= restartsGivenUp.restarts) {
            restartsGivenUp = new GivenUp(next.restarts, how);
        }
        SlotRun served = current;
        if (served != null && next.generation.number() > served.generation.number()) {
            givenUp = Math.max(givenUp, next.generation.number());
            listener.gaveUp(this, next.generation, how);
        }
    }

    private void takeReadiness(Order now) {
        takeReadiness(current);
        SlotRun next = successor;
        takeReadiness(next);
        if (next != null && next.generation.number() > now.generation().number()) {
            terminate(next, "is of a generation that was given up");
        } else if (next != null && next.wasReady && next.isServing() && leaving == null && now.isWanted()) {
            SlotRun replaced = current;
            current = next;
            successor = null;
            leaving = replaced;
            replacements++;
            givenUpInRow = 0;
            becauseOf("has taken the place of process " + (replaced == null ? 0 : replaced.pid()));
            if (replaced != null) {
                terminate(replaced, "has been replaced by process " + next.pid());
            }
        }
    }

    private void takeReadiness(@Nullable SlotRun run) {
        if (run != null && run.isReady() && !run.wasReady && run.isServing()) {
            run.wasReady = true;
            run.readyAt = time.nanoTime();
            proven = Math.max(proven, run.generation.number());
            if (run == current) {
                isFailed = false;
                becauseOf("is ready");
            }
            tell(ServiceEvent.Kind.READY, run, "");
        }
    }

    // ---- limits ----

    private void enforceLimits() {
        long now = time.nanoTime();
        enforceLimits(current, now);
        enforceLimits(successor, now);
        enforceLimits(leaving, now);
    }

    private void enforceLimits(@Nullable SlotRun run, long now) {
        if (run == null) {
            return;
        }
        ServiceSettings settings = run.generation.settings();
        Duration heartbeat = settings.heartbeatLimit();
        if (run.isKilled()) {
            if (now - run.killedAt() >= KILL_LIMIT) {
                run.ended(new RunEnd(-9, true, "was killed, and has not ended: it hangs in the kernel"));
            }
        } else if (run.isStopping) {
            if (now - run.stopBy() >= 0) {
                run.kill(tooSlow(run));
            }
        } else if (!run.wasReady) {
            if (now - run.startedAt >= Timers.nanos(settings.startLimit())) {
                run.kill("was not ready within " + Durations.text(settings.startLimit()));
            }
        } else if (heartbeat != null && now - lastBeat(run) >= Timers.nanos(heartbeat)) {
            run.kill("gave no heartbeat for " + Durations.text(heartbeat));
        }
    }

    /** Returns when the limit for the next heartbeat began: not before the process was ready. */
    private static long lastBeat(SlotRun run) {
        long beat = run.beatAt();
        return beat - run.readyAt > 0 ? beat : run.readyAt;
    }

    private void lookAtMemory() {
        SlotRun served = current;
        if (served == null || !served.wasReady || served.generation.settings().maxMemory() == 0) {
            return;
        }
        long now = time.nanoTime();
        if (now - memoryLookAt >= 0) {
            memoryLookAt = now + MEMORY_LOOK;
            boolean isTooMuch = memory.applyAsLong(served.pid()) > served.generation.settings().maxMemory();
            served.looksAboveMemory = isTooMuch ? served.looksAboveMemory + 1 : 0;
        }
    }

    // ---- start, replace, stop ----

    private void start(Order now) {
        if (current == null && now.mayStart() && !isFailed && !isDone && time.nanoTime() - startAt >= 0) {
            SlotRun run = newRun(now);
            current = run; // before its process can report anything
            String obstacle = launch(run);
            if (obstacle != null) {
                current = null;
                died(run, obstacle);
            }
        }
    }

    private void replace(Order now) {
        SlotRun served = current;
        if (served == null || served.isStopping || successor != null || leaving != null) {
            return;
        }
        String cause = causeToReplace(served, now);
        if (cause != null && now.mayReplace() && now.mayStart() && time.nanoTime() - replaceAt >= 0) {
            SlotRun run = newRun(now);
            successor = run;
            becauseOf(cause);
            String obstacle = launch(run);
            if (obstacle != null) {
                successor = null;
                lastEnd = obstacle;
                givenUp(run, obstacle);
            }
        }
    }

    /** Returns why the current process has to be replaced, or null. */
    private @Nullable String causeToReplace(SlotRun served, Order now) {
        long wanted = now.generation().number();
        if (wanted < served.generation.number() || wanted > served.generation.number() && wanted > givenUp) {
            return "is being replaced by generation " + wanted;
        }
        if (now.restarts() > served.restarts && now.restarts() > restartsGivenUp.restarts) {
            return "is being restarted";
        }
        if (time.nanoTime() - served.replaceAt >= 0 && served.replaceAt != Long.MAX_VALUE) {
            return "is being replaced for its age";
        }
        if (served.work() >= served.workLimit) {
            return "is being replaced after " + served.work() + " pieces of work";
        }
        if (served.looksAboveMemory >= LOOKS) {
            return "is being replaced as it holds more than " + (served.generation.settings().maxMemory() >> 20)
                    + " MiB of memory";
        }
        return null;
    }

    private SlotRun newRun(Order now) {
        return new SlotRun(
                now.generation(), now.restarts(), time, 1 + JITTER * (2 * random.nextDouble() - 1), poke);
    }

    /** Starts the process of a run. Returns null, or the reason for the failure. */
    private @Nullable String launch(SlotRun run) {
        FigureBook.Page figures = listener.figures().open(service, run.generation.number());
        boolean isStarted = false;
        try {
            run.tellsFigures(figures);
            run.isRunBy(run.generation.launchers().forSlot(id).start(run));
            isStarted = true;
        } catch (IOException | RuntimeException | Error e) { // no memory, descriptor or thread available, or a bad path
            String message = e.getMessage();
            return RunEnd.oneLine("cannot be started: " + (message == null ? e.toString() : message));
        } finally {
            if (!isStarted) {
                figures.end();
            }
        }
        tell(ServiceEvent.Kind.STARTED, run, "");
        return null;
    }

    private void stopAll(String cause) {
        terminate(current, cause);
        terminate(successor, cause);
        terminate(leaving, cause);
        if (isKilling) {
            for (SlotRun run : new SlotRun[] {current, successor, leaving}) {
                if (run != null && !run.isKilled()) {
                    run.kill("was given no more time to stop");
                }
            }
        }
    }

    private void terminate(@Nullable SlotRun run, String cause) {
        if (run == null || run.isStopping) {
            return;
        }
        Duration limit = run.generation.settings().stopLimit();
        run.terminate(limit, cause);
        if (run == current) {
            becauseOf(cause);
        }
        tell(ServiceEvent.Kind.STOPPING, run, cause);
    }

    private void tellStopped(SlotRun run, RunEnd end) {
        lastEnd = end.why();
        boolean killed = run.isKilled() || end.wasKilled();
        if (killed) {
            tell(ServiceEvent.Kind.KILLED, run, whyKilled(run, end));
        } else {
            tell(ServiceEvent.Kind.STOPPED, run, end.why());
        }
    }

    /** Returns why a process was killed. The slot and the run watch the same limit, and either may kill first. */
    private static String whyKilled(SlotRun run, RunEnd end) {
        if (end.why().startsWith("was killed, as")) { // the run has killed it, and gives the reason
            return end.why();
        }
        String cause = run.isKilled() ? run.whyStopped : tooSlow(run);
        return cause + ": " + end.why();
    }

    private static String tooSlow(SlotRun run) {
        return "did not stop within " + Durations.text(run.generation.settings().stopLimit());
    }

    // ---- events and status ----

    private void tell(ServiceEvent.Kind kind, SlotRun run, String text) {
        listener.happened(
                new ServiceEvent(time.now(), service, id, run.pid(), kind, run.generation.number(), text));
    }

    private void becauseOf(String cause) {
        why = cause;
    }

    private void servesOn(String cause) {
        if (current != null && current.isServing()) {
            becauseOf("serves on, as " + cause);
        }
    }

    private void settle(Order now) {
        SlotState next = stateNow(now);
        if (next != state) {
            state = next;
            since = time.now();
        }
        SlotRun served = current;
        hasCauseToReplace = served != null && !served.isStopping && causeToReplace(served, now) != null;
        wantsToReplace = hasCauseToReplace && time.nanoTime() - replaceAt >= 0;
        isReplacing = successor != null || leaving != null;
        hasProcess = served != null || isReplacing;
        hasDoneWork = isDone && !hasProcess;
        shown = newStatus(time.nanoTime());
        taken = now;
    }

    private SlotState stateNow(Order now) {
        SlotRun served = current;
        if (served != null) {
            return served.isStopping ? SlotState.DRAINING : served.wasReady ? SlotState.READY : SlotState.STARTING;
        }
        if (successor != null || leaving != null) {
            return SlotState.DRAINING;
        }
        if (isFailed) {
            return SlotState.FAILED;
        }
        return isDone || !now.isWanted() ? SlotState.STOPPED : SlotState.WAITING;
    }

    private Shown newStatus(long now) {
        SlotRun served = current;
        var status = new SlotStatus(
                service,
                id,
                state,
                since,
                why,
                served == null ? 0 : served.pid(),
                served == null ? 0 : served.generation.number(),
                served == null ? Optional.empty() : Optional.of(served.started),
                served == null ? Optional.empty() : heartbeatAge(served, now),
                served == null ? 0 : served.work(),
                restarts,
                replacements,
                lastEnd,
                successor != null);
        return new Shown(status, served);
    }

    private static Optional<Duration> heartbeatAge(SlotRun run, long now) {
        return run.hasBeaten() ? Optional.of(Duration.ofNanos(Math.max(0, now - run.beatAt()))) : Optional.empty();
    }

    private long nextStep() {
        long now = time.nanoTime();
        long next = Math.min(next(current, now), Math.min(next(successor, now), next(leaving, now)));
        Order ordered = before;
        if (ordered.isWanted() && ordered.mayStart()) {
            SlotRun served = current;
            if (served == null && !isFailed && !isDone) {
                next = Math.min(next, startAt - now);
            } else if (hasCauseToReplace && !wantsToReplace) {
                next = Math.min(next, replaceAt - now);
            }
        }
        return Math.max(0, next);
    }

    /** Returns the nanoseconds until the next limit of a process. */
    private long next(@Nullable SlotRun run, long now) {
        if (run == null || run.end() != null) {
            return run == null ? Long.MAX_VALUE : 0;
        }
        if (run.isKilled()) {
            return run.killedAt() + KILL_LIMIT - now;
        }
        ServiceSettings settings = run.generation.settings();
        if (run.isStopping) {
            return run.stopBy() - now;
        }
        if (!run.wasReady) {
            return run.startedAt + Timers.nanos(settings.startLimit()) - now;
        }
        long next = Long.MAX_VALUE;
        Duration heartbeat = settings.heartbeatLimit();
        if (heartbeat != null) {
            next = lastBeat(run) + Timers.nanos(heartbeat) - now;
        }
        if (run == current && run.replaceAt != Long.MAX_VALUE && run.replaceAt - now > 0) {
            next = Math.min(next, run.replaceAt - now);
        }
        if (run == current && settings.maxMemory() > 0) {
            next = Math.min(next, memoryLookAt - now);
        }
        return next;
    }

    @Override
    public String toString() {
        SlotStatus now = status();
        return service + "(" + id + ") " + now.state() + " since " + now.since() + ": " + now.why()
                + (now.pid() == 0 ? "" : ", pid " + now.pid());
    }
}
