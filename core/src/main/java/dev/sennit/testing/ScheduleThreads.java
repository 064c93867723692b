package dev.sennit.testing;

import dev.sennit.internal.OwnScheduler;
import java.util.concurrent.TimeUnit;

/** The scheduler of the threads of a schedule. The next schedule reuses it if all of these have ended. */
final class ScheduleThreads extends OwnScheduler {
    private final Thread.Builder.OfVirtual unnamed = threads();
    private volatile ScheduleRun run;

    ScheduleThreads(ScheduleRun first) {
        run = first;
    }

    /** Assigns this to another schedule. */
    void areOf(ScheduleRun next) {
        run = next;
    }

    /** Starts a thread. Only the driver. */
    void start(Runnable code) {
        unnamed.start(code);
    }

    @Override
    public void execute(Runnable continuation) {
        run.canGoOn(continuation);
    }

    @Override
    public Timeout schedule(Runnable timeout, long delay, TimeUnit unit) {
        return run.wakeAfter(unit.toNanos(delay), timeout);
    }
}
