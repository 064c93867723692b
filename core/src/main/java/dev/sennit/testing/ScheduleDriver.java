package dev.sennit.testing;

import dev.sennit.internal.Management;
import dev.sennit.internal.OwnScheduler;
import dev.sennit.internal.Stripes;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The platform thread of an exploration: it carries every thread of its schedules.
 *
 * <p>It is not the caller's thread: a virtual thread that waits where it cannot suspend - below a class initializer or
 * native code - holds its carrier, and forever if only another thread of the schedule could wake it. The caller watches
 * the driver meanwhile, and reports that.
 */
final class ScheduleDriver extends Thread {
    private static final long LOOK_EVERY_MILLIS = 100;

    private static volatile boolean anyStarted;

    private final FutureTask<Exploration> exploration;
    /** A thread that holds the driver for longer than this waits for another thread of the schedule, or spins. */
    private final long longestHold;
    /** As they were when the exploration began; set before the driver starts. */
    private @Nullable OutsideThreads outsideThreads;
    /** The run that is under way. */
    private volatile @Nullable ScheduleRun run;
    /** Whether the caller does not wait for the result any more. */
    private volatile boolean isGivenUp;
    /** The scheduler of the last run, if its threads have ended. */
    private @Nullable ScheduleThreads free;

    /** Makes the failure of a run whose driver is held by one of its threads. */
    interface Held {
        /** For a thread that waits where it cannot suspend. */
        ScheduleFailure pinned(ScheduleRun run, String who);

        /** For a thread that runs on. */
        ScheduleFailure spins(ScheduleRun run, String who);
    }

    /** What the driver does in the middle of a step. */
    private record Look(ScheduleRun.Moment moment, boolean waits, long processorNanos) {}

    ScheduleDriver(Callable<Exploration> exploration, long longestHold) {
        super(null, null, "sennit-explorer", 0, true);
        this.exploration = new FutureTask<>(exploration);
        this.longestHold = longestHold;
        setDaemon(true);
    }

    /** Returns the schedule that the calling thread belongs to; null if there is none. */
    static @Nullable ScheduleRun currentRun() {
        return anyStarted
                && Thread.currentThread().isVirtual()
                && OwnScheduler.currentCarrier() instanceof ScheduleDriver carrier
                        ? carrier.run
                        : null;
    }

    /** Returns the number of the calling thread in its schedule; -1 if it belongs to none. */
    private static int numberInSchedule() {
        ScheduleRun current = currentRun();
        return current == null ? -1 : current.numberOfRunning();
    }

    @Override
    public void run() {
        exploration.run();
    }

    /** Begins a run; called by the driver. */
    ScheduleThreads begin(ScheduleRun next) {
        ensureNotGivenUp();
        ScheduleThreads threads = free;
        if (threads == null) {
            threads = new ScheduleThreads(next);
        } else {
            free = null;
            threads.areOf(next);
        }
        run = next;
        return threads;
    }

    /** Ends a run; called by the driver. */
    void end(@Nullable ScheduleThreads unused) {
        run = null;
        free = unused;
    }

    /** Called by the driver, which may have been held until the caller gave up. */
    void ensureNotGivenUp() {
        if (isGivenUp) {
            throw new CancellationException("nobody waits for this exploration any more");
        }
    }

    /** Returns the run that is under way; null if there is none. */
    @Nullable ScheduleRun presentRun() {
        return run;
    }

    /** Called by the driver. */
    OutsideThreads outsideThreads() {
        return Objects.requireNonNull(outsideThreads);
    }

    private void giveUp(@Nullable ScheduleRun unfinished) {
        isGivenUp = true;
        if (unfinished != null) {
            unfinished.abandon();
        }
    }

    /** Starts the exploration, and watches it until it ends. */
    Exploration explore(Held held) {
        anyStarted = true;
        Stripes.numberedBy(ScheduleDriver::numberInSchedule);
        outsideThreads = OutsideThreads.look();
        Exit.mayComeFrom(this);
        try {
            start();
            return watch(held);
        } finally {
            Exit.cannotComeFrom(this);
        }
    }

    private Exploration watch(Held held) {
        Look first = null;
        long waitedMillis = 0;
        while (true) {
            try {
                return exploration.get(LOOK_EVERY_MILLIS, TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                Look now = look();
                if (now == null || first == null || !now.moment.sameAs(first.moment)) {
                    first = now;
                    waitedMillis = 0;
                }
                waitedMillis += now != null && now.waits ? LOOK_EVERY_MILLIS : 0;
                boolean isHeld = TimeUnit.MILLISECONDS.toNanos(waitedMillis) > longestHold;
                // Processor time: on a busy machine, or in a debugger, a thread gets little of it.
                if (now != null && first != null
                        && (isHeld || now.processorNanos - first.processorNanos > longestHold)) {
                    ScheduleRun unfinished = now.moment.run();
                    String who = now.moment.strand().name();
                    ScheduleFailure failure = isHeld ? held.pinned(unfinished, who) : held.spins(unfinished, who);
                    giveUp(unfinished);
                    throw failure;
                }
            } catch (InterruptedException e) {
                ScheduleRun unfinished = run;
                String at = unfinished == null ? "" : unfinished.stackOfRunning();
                giveUp(unfinished);
                Thread.currentThread().interrupt();
                throw new CancellationException(
                        "interrupted while exploring schedules" + (at.isEmpty() ? "" : "; " + at));
            } catch (ExecutionException e) {
                if (e.getCause() instanceof ScheduleFailure found) {
                    found.setStackTrace(new Throwable().getStackTrace()); // with the stack of the caller
                    throw found;
                }
                throw unchecked(Objects.requireNonNull(e.getCause()));
            }
        }
    }

    /** Returns what the driver does in the middle of a step; null between two. */
    private @Nullable Look look() {
        boolean waits = switch (getState()) {
            case WAITING, TIMED_WAITING, BLOCKED -> true;
            default -> false;
        };
        ScheduleRun current = run;
        ScheduleRun.Moment moment = current == null ? null : current.moment();
        return moment == null ? null : new Look(moment, waits, Management.cpuNanos(this));
    }

    private static RuntimeException unchecked(Throwable failure) {
        if (failure instanceof Error error) {
            throw error;
        }
        return failure instanceof RuntimeException unchecked ? unchecked : new IllegalStateException(failure);
    }
}
